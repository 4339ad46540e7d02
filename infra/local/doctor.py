"""Looks at a deployed stack, changes nothing, and says what to mend: doctor.py STACK. Ends with 1 if anything is to be mended.

Needs to read: CloudFormation, Lambda, CloudWatch, SNS, SQS, KMS, S3, EventBridge Scheduler, Step Functions, DynamoDB; and
iam:SimulatePrincipalPolicy. https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_testing-policies.html
"""

import json
import sys

import boto3
from botocore.exceptions import BotoCoreError, ClientError

OTHERS = 5  # Of the account's concurrency, what the APIs need beside purges.
UNRESERVED = 100  # https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
OBJECTS = {
    "PurgeRole": [
        "s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectVersionTagging", "s3:GetObjectRetention", "s3:GetObjectLegalHold",
        "s3:PutObject", "s3:PutObjectTagging", "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:AbortMultipartUpload",
    ],
    "RecordRole": ["s3:PutObject", "s3:DeleteObjectVersion"],
    "PurgeRunRole": ["s3:GetObjectVersion", "s3:AbortMultipartUpload"],
}  # fmt: skip
BUCKETS = {
    "PurgeRole": ["s3:ListBucket", "s3:ListBucketVersions"],
    "RecordRole": ["s3:ListBucketVersions"],
    "PurgeRunRole": ["s3:ListBucket", "s3:ListBucketVersions"],
}
TTL = ["SuppressionsTable", "RunsTable", "AccessTable"]


class Stack:
    def __init__(self, name):
        cloudformation = boto3.client("cloudformation")
        self.name, described = name, cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        self.status = described["StackStatus"]
        self.parameters = {one["ParameterKey"]: one["ParameterValue"] for one in described.get("Parameters", [])}
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
        listed = [one for page in pages for one in page["StackResourceSummaries"]]
        self.ids = {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in listed}
        self.kinds = {one["LogicalResourceId"]: one["ResourceType"] for one in listed}

    def of(self, kind):
        return {name: self.ids[name] for name, found in self.kinds.items() if found == kind}

    def archives(self):
        """Names with wildcards stand for buckets that nobody can list here."""
        names = self.parameters.get("ArchiveBuckets", "").split(",")
        return [name for name in names if name and "*" not in name and name != "lethe-no-archive-yet"]


def deployment(stack):
    if not stack.status.endswith("_COMPLETE") or "ROLLBACK" in stack.status:
        yield f"the stack is {stack.status}: see its events in CloudFormation, and deploy again"
    if not stack.archives() and "*" not in stack.parameters.get("ArchiveBuckets", ""):
        yield "ArchiveBuckets names no archive: name the buckets, or nothing in them can be purged"


def functions(stack):
    client = boto3.client("lambda")
    for name, function in stack.of("AWS::Lambda::Function").items():
        found = client.get_function_configuration(FunctionName=function)
        if found.get("State", "Active") not in ("Active", "Inactive") or found.get("LastUpdateStatus", "Successful") != "Successful":
            yield f"{name} is {found.get('State')}, its last update {found.get('LastUpdateStatus')}: deploy again"
    for mapping in stack.of("AWS::Lambda::EventSourceMapping").values():
        found = client.get_event_source_mapping(UUID=mapping)
        if found["State"] not in ("Enabled", "Enabling", "Creating"):
            yield f"the queue of {found['FunctionArn'].rpartition(':')[2]} is {found['State']}: enable the mapping {mapping}"


def quotas(stack):
    limit = boto3.client("lambda").get_account_settings()["AccountLimit"]
    purge, reserved = (int(stack.parameters.get(f"Purge{name}", 0)) for name in ("Concurrency", "ReservedConcurrency"))
    all_of_it = limit["ConcurrentExecutions"]
    if purge + OTHERS > all_of_it:
        yield f"PurgeConcurrency is {purge} of the account's {all_of_it}: lower it, or ask AWS for more concurrency"
    if reserved and limit["UnreservedConcurrentExecutions"] < UNRESERVED:
        yield f"the account has less than {UNRESERVED} unreserved concurrency left: lower PurgeReservedConcurrency"


def alarms(stack):
    topic = stack.parameters.get("AlarmTopic")
    if not topic:
        yield "AlarmTopic is empty, so alarms tell nobody: create an SNS topic, subscribe to it, and name it"
    else:
        try:
            told = boto3.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        except ClientError:
            yield f"there is no topic {topic}: name another in AlarmTopic"
        else:
            if not any(one["SubscriptionArn"].startswith("arn:") for one in told):
                yield f"nobody has confirmed a subscription to {topic}: alarms reach nobody"
    names = list(stack.of("AWS::CloudWatch::Alarm").values())
    for alarm in boto3.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"] if names else []:
        if not alarm.get("ActionsEnabled", True):
            yield f"the actions of {alarm['AlarmName']} are disabled: enable them"
        if alarm["StateValue"] == "ALARM":
            yield f"{alarm['AlarmName']} has gone off: {alarm.get('AlarmDescription', '')}; see infra/RUNBOOK.md"


def queues(stack):
    sqs = boto3.client("sqs")
    for name in ("BatchDeadLetters", "LostEventsQueue"):
        found = sqs.get_queue_attributes(QueueUrl=stack.ids[name], AttributeNames=["ApproximateNumberOfMessages"])
        count = int(found["Attributes"]["ApproximateNumberOfMessages"])
        if count:
            yield f"{name} holds {count} message(s): see infra/RUNBOOK.md, {name.removesuffix('Queue')}Alarm"


def keys(stack):
    kms = boto3.client("kms")
    for name in ("DataKey", "SigningKey"):
        state = kms.describe_key(KeyId=stack.ids[name])["KeyMetadata"]["KeyState"]
        if state != "Enabled":
            yield f"{name} ({stack.ids[name]}) is {state}: cancel its deletion, or enable it"


def evidence(stack):
    s3, days = boto3.client("s3"), int(stack.parameters["CertificateRetentionDays"])
    try:
        lock = s3.get_object_lock_configuration(Bucket=stack.ids["AuditBucket"])["ObjectLockConfiguration"]
    except ClientError:
        lock = {}
    kept = lock.get("Rule", {}).get("DefaultRetention", {})
    if (kept.get("Mode"), int(kept.get("Days", 0))) != ("COMPLIANCE", days):
        yield f"certificates are not locked for {days} days: AuditBucket has {kept or 'no Object Lock'}; deploy again"


def schedules(stack):
    scheduler = boto3.client("scheduler")
    for name, physical in stack.of("AWS::Scheduler::Schedule").items():
        found = scheduler.get_schedule(Name=physical.rpartition("/")[2])
        if found.get("State", "ENABLED") != "ENABLED":
            yield f"the schedule {name} is {found['State']}: enable it"


def tables(stack):
    dynamodb = boto3.client("dynamodb")
    for name in TTL:
        found = dynamodb.describe_time_to_live(TableName=stack.ids[name])["TimeToLiveDescription"]
        if found["TimeToLiveStatus"] not in ("ENABLED", "ENABLING"):
            yield f"{name} keeps everything for ever: enable TTL, or deploy again"


def archives(stack):
    """Whether the roles may do in each archive what they must, by their own policies and the bucket's; and its key."""
    s3, iam = boto3.client("s3"), boto3.client("iam")
    for bucket in stack.archives():
        arn = f"arn:{partition(stack)}:s3:::{bucket}"
        try:
            s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            yield f"the archive {bucket} cannot be reached ({error.response['Error']['Code']}): create it, or let this account in"
            continue
        policy = answer(s3.get_bucket_policy, "Policy", Bucket=bucket)
        for role in OBJECTS:
            for resource, actions in ((arn, BUCKETS[role]), (f"{arn}/lethe-doctor", OBJECTS[role])):
                more = {"ResourcePolicy": policy, "ResourceOwner": account(stack), "CallerArn": stack.outputs[role]} if policy else {}
                found = iam.simulate_principal_policy(
                    PolicySourceArn=stack.outputs[role], ActionNames=actions, ResourceArns=[resource], **more
                )["EvaluationResults"]
                denied = [one["EvalActionName"] for one in found if one["EvalDecision"] != "allowed"]
                if denied:
                    yield f"{role} may not {', '.join(denied)} on {resource}: name the bucket in ArchiveBuckets, and see its policy"
        yield from key_of(bucket, stack, answer(s3.get_bucket_encryption, "ServerSideEncryptionConfiguration", Bucket=bucket))


def key_of(bucket, stack, encryption):
    rules = (encryption or {}).get("Rules", [{}])
    key = rules[0].get("ApplyServerSideEncryptionByDefault", {}).get("KMSMasterKeyID")
    if not key or key.endswith("alias/aws/s3"):
        return
    try:
        policy = boto3.client("kms").get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    except ClientError as error:
        yield f"the key of {bucket} cannot be looked at ({error.response['Error']['Code']}): ask its owner whether it names the roles"
        return
    for role in OBJECTS:
        if stack.outputs[role] not in policy:
            yield f"the policy of {bucket}'s key does not name {role}: see What you grant in infra/README.md"


def answer(call, field, **arguments):
    """A field of an answer, or nothing, if there is none."""
    try:
        return call(**arguments)[field]
    except ClientError:
        return None


def partition(stack):
    return stack.outputs["PurgeRole"].split(":")[1]


def account(stack):
    return f"arn:{partition(stack)}:iam::{stack.outputs['PurgeRole'].split(':')[4]}:root"


CHECKS = [deployment, functions, quotas, alarms, queues, keys, evidence, schedules, tables, archives]


def main(name):
    try:
        stack = Stack(name)
    except (ClientError, BotoCoreError) as error:
        print(f"{name} cannot be looked at: {error}", file=sys.stderr)
        return 1
    wrong = 0
    for check in CHECKS:
        try:
            faults = list(check(stack))
        except (ClientError, BotoCoreError, KeyError) as error:
            faults = [f"cannot be looked at: {json.dumps(str(error))}"]
        wrong += len(faults)
        for fault in faults:
            print(f"MEND {check.__name__}: {fault}")
        if not faults:
            print(f"ok   {check.__name__}")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
