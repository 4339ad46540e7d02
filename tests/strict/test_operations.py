"""What an operator does with a stack: the template, deployed to the local AWS with programs that nothing calls."""

import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from asking import REGION, refused
from samtranslator.yaml_helper import yaml_parse

INFRA = Path(__file__).parents[2] / "infra"
ARTIFACTS = "artifacts"


def package(aws, program):
    """The template as `aws cloudformation package` leaves it. Another program makes other versions."""
    s3, packed = aws.client("s3"), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("bootstrap", program)
    s3.create_bucket(Bucket=ARTIFACTS)
    s3.put_object(Bucket=ARTIFACTS, Key=program, Body=packed.getvalue())
    template = yaml_parse((INFRA / "template.yaml").read_text())
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = {"Bucket": ARTIFACTS, "Key": program}
        if "DefinitionUri" in properties:
            properties["Definition"] = json.loads((INFRA / properties.pop("DefinitionUri")).read_text())
    s3.put_object(Bucket=ARTIFACTS, Key="template", Body=json.dumps(template))
    return f"{aws.url}/{ARTIFACTS}/template"


def environment(aws):
    return {
        **os.environ, "POLL": "1", "AWS_ENDPOINT_URL": aws.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION, "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }  # fmt: skip


def run(aws, script, *arguments, **more):
    command = [sys.executable, INFRA / "local" / script, *arguments]
    return subprocess.run(command, env={**environment(aws), **more}, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def stack(aws):
    topic = aws.client("sns").create_topic(Name="on-call")["TopicArn"]
    queue = aws.client("sqs").create_queue(QueueName="pager")["QueueUrl"]
    arn = aws.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    aws.client("s3").create_bucket(Bucket="doctors-archive")
    given = {"ArchiveBuckets": "doctors-archive", "AlarmTopic": topic}
    cloudformation = aws.client("cloudformation")
    cloudformation.create_stack(
        StackName="tended", TemplateURL=package(aws, "first"), Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in given.items()],
    )  # fmt: skip
    cloudformation.get_waiter("stack_create_complete").wait(StackName="tended", WaiterConfig={"Delay": 1})
    return {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources(aws, "tended")} | {"topic": topic}


def test_the_doctor_finds_nothing_in_a_healthy_stack(aws, stack):
    found = run(aws, "doctor.py", "tended")
    assert (found.returncode, [line for line in found.stdout.splitlines() if not line.startswith("ok ")]) == (0, []), found


def test_the_doctor_says_what_to_mend(aws, stack):
    sqs, scheduler, kms, iam = (aws.client(name) for name in ("sqs", "scheduler", "kms", "iam"))
    sqs.send_message(QueueUrl=stack["BatchDeadLetters"], MessageBody="{}")
    tick = scheduler.get_schedule(Name=stack["Tick"].rpartition("/")[2])
    kept = {name: tick[name] for name in ("Name", "ScheduleExpression", "FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(**kept, State="DISABLED")
    kms.disable_key(KeyId=stack["SigningKey"])
    role = stack["RecordFunctionRole"]
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        iam.delete_role_policy(RoleName=role, PolicyName=name)
    [subscription] = aws.client("sns").list_subscriptions_by_topic(TopicArn=stack["topic"])["Subscriptions"]
    aws.client("sns").unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    found = run(aws, "doctor.py", "tended")
    assert found.returncode == 1, found
    to_mend = [line for line in found.stdout.splitlines() if line.startswith("MEND ")]
    for said in ("BatchDeadLetters holds 1 message", "schedule Tick is DISABLED", "SigningKey", "RecordRole may not s3:", "nobody has confirmed"):
        assert sum(said in line for line in to_mend) >= 1, (said, to_mend)


def test_the_doctor_says_that_there_is_no_stack(aws):
    found = run(aws, "doctor.py", "nowhere")
    assert found.returncode == 1 and "nowhere cannot be looked at" in found.stderr


def test_a_deployment_is_shown_and_confirmed_and_a_failed_one_is_taken_back(aws, tmp_path):
    cloudformation = aws.client("cloudformation")

    def deploy(program, *parameters, change=lambda template: None, **more):
        package(aws, program)
        template = json.loads(aws.client("s3").get_object(Bucket=ARTIFACTS, Key="template")["Body"].read())
        change(template)
        (tmp_path / "template").write_text(json.dumps(template))
        return run(aws, "deploy.py", "staged", ARTIFACTS, tmp_path / "template", *parameters, **more)

    def described():
        return cloudformation.describe_stacks(StackName="staged")["Stacks"][0]

    def value(name):
        return {one["ParameterKey"]: one["ParameterValue"] for one in described()["Parameters"]}[name]

    found = deploy("first", "ArchiveBuckets=doctors-archive", PREVIEW="1")
    assert found.returncode == 0 and "Nothing was changed" in found.stdout and "RegulationsTable" in found.stdout, found
    found = deploy("first", "ArchiveBuckets=doctors-archive")
    assert found.returncode == 1 and "Nothing was changed" in found.stdout, "nobody is there to confirm it"
    found = deploy("first", "ArchiveBuckets=doctors-archive", YES="1")
    assert found.returncode == 0 and "Deployed" in found.stdout, found
    # Versions of functions are published anew.
    stays = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources(aws, "staged") if "FunctionVersion" not in one["LogicalResourceId"]}

    found = deploy("first", YES="1")
    assert found.returncode == 0 and "Nothing is to be changed" in found.stdout, found
    (tmp_path / "parameters").write_text('["DeadlineWarning=10", "PurgeSchedule=rate(5 minutes)"]')
    found = deploy("second", f"@{tmp_path / 'parameters'}", YES="1")
    assert found.returncode == 0 and "PurgeFunction" in found.stdout and "!!" not in found.stdout, found
    assert (value("DeadlineWarning"), value("ArchiveBuckets")) == ("10", "doctors-archive"), "what is not named stays"
    found = deploy("second", "Deadline=10", YES="1")
    assert found.returncode == 1 and "no parameter Deadline" in found.stderr

    def name_a_key_badly(template):
        alias = {"AliasName": "no-alias", "TargetKeyId": {"Ref": "DataKey"}}
        template["Resources"]["BadAlias"] = {"Type": "AWS::KMS::Alias", "Properties": alias}

    found = deploy("third", "DeadlineWarning=11", change=name_a_key_badly, YES="1")
    assert found.returncode == 1 and "CloudFormation takes it back" in found.stderr, found
    assert (described()["StackStatus"], value("DeadlineWarning")) == ("UPDATE_ROLLBACK_COMPLETE", "10")

    # Back to the code before: the same command.
    found = deploy("first", YES="1")
    assert found.returncode == 0 and "PurgeFunction" in found.stdout, found
    after = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources(aws, "staged")}
    assert {name: after[name] for name in stays} == stays, "everything is where it was"


def test_what_a_teardown_leaves_is_what_infra_says(aws):
    """infra/README.md, What stays: tables, buckets, queues, keys and the pseudonyms' key."""
    cloudformation = aws.client("cloudformation")
    ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources(aws, "staged")}
    cloudformation.delete_stack(StackName="staged")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="staged", WaiterConfig={"Delay": 1})
    for table in ("RegulationsTable", "SuppressionsTable", "RunsTable"):
        assert aws.client("dynamodb").describe_table(TableName=ids[table])["Table"]["TableStatus"] == "ACTIVE"
    for bucket in ("LetheBucket", "AuditBucket"):
        aws.client("s3").head_bucket(Bucket=ids[bucket])
    for queue in ("BatchQueue", "LostEventsQueue"):
        aws.client("sqs").get_queue_attributes(QueueUrl=ids[queue], AttributeNames=["QueueArn"])
    for key in ("DataKey", "SigningKey"):
        assert aws.client("kms").describe_key(KeyId=ids[key])["KeyMetadata"]["KeyState"] == "Enabled"
    aws.client("secretsmanager").describe_secret(SecretId=ids["PseudonymKey"])
    refused("ResourceNotFoundException", aws.client("lambda").get_function, FunctionName=ids["PurgeFunction"])


def resources(aws, stack):
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return [one for page in pages for one in page["StackResourceSummaries"]]
