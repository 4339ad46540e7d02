"""The strict layer refuses what AWS documents, in AWS's form, and nothing else: quotas and rules. Each case cites the page of its example."""

import io
import json
import re
import time
import urllib.error
import urllib.request
import zipfile

import pytest
from asking import ACCOUNT, REGION, allow, item, refused

# ---------------------------------------------------------------- S3


def test_parts_have_the_checksum_that_was_named(writer, bucket):
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html, https://github.com/aws/aws-sdk-go-v2/issues/3005
    s3 = writer("s3")
    where = {"Bucket": bucket, "Key": "parts"}

    started = s3.create_multipart_upload(**where, ChecksumAlgorithm="SHA256")
    refused("InvalidRequest", s3.upload_part, **where, UploadId=started["UploadId"], PartNumber=1, Body=b"1", ChecksumAlgorithm="CRC32")
    part = s3.upload_part(**where, UploadId=started["UploadId"], PartNumber=1, Body=b"1", ChecksumAlgorithm="SHA256")
    bare = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    refused("InvalidRequest", s3.complete_multipart_upload, **where, UploadId=started["UploadId"], MultipartUpload=bare)
    whole = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}]}
    s3.complete_multipart_upload(**where, UploadId=started["UploadId"], MultipartUpload=whole)


def test_parts_but_the_last_have_five_mebibytes(writer, bucket):
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
    s3 = writer("s3")
    for size, code in ((5 << 20, None), ((5 << 20) - 1, "EntityTooSmall")):
        where = {"Bucket": bucket, "Key": "sizes"}
        upload = s3.create_multipart_upload(**where, ChecksumAlgorithm="CRC32")["UploadId"]
        parts = []
        for number, body in ((1, b"1" * size), (2, b"2")):
            part = s3.upload_part(**where, UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
            parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumCRC32": part["ChecksumCRC32"]})
        done = {**where, "UploadId": upload, "MultipartUpload": {"Parts": parts}}
        refused(code, s3.complete_multipart_upload, **done) if code else s3.complete_multipart_upload(**done)


def test_object_lock_wants_a_checksum(aws, writer):
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    writer("s3").put_object(Bucket="locked", Key="k", Body=b"1")  # the SDK adds one
    signed = writer("s3").generate_presigned_url("put_object", {"Bucket": "locked", "Key": "k"})
    bare = urllib.request.Request(re.sub(r"&x-amz-(sdk-)?checksum[^&]*", "", signed), b"1", method="PUT")
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(bare)
    assert b"InvalidRequest" in error.value.read() and error.value.code == 400


def test_keys_and_metadata_have_their_lengths(writer, bucket):
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    writer("s3").put_object(Bucket=bucket, Key="k" * 1024, Body=b"")
    refused("KeyTooLongError", writer("s3").put_object, Bucket=bucket, Key="k" * 1025, Body=b"")
    refused("MetadataTooLarge", writer("s3").put_object, Bucket=bucket, Key="k", Body=b"", Metadata={"m": "v" * 2048})


# ---------------------------------------------------------------- DynamoDB
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html


def test_items_keys_and_transactions_have_their_sizes(writer, table):
    dynamodb = writer("dynamodb")
    put = lambda **of: {"TableName": table, "Item": item(**of)}  # noqa: E731
    refused("ValidationException", dynamodb.put_item, **put(text="x" * (400 << 10)))
    refused("ValidationException", dynamodb.put_item, **put(sk="s" * 1025))
    refused("ValidationException", dynamodb.put_item, **put(pk="p" * 2049))
    dynamodb.put_item(**put(pk="p" * 2048, sk="s" * 1024, text="x" * (396 << 10)))
    many = [{"Put": put(sk=str(n))} for n in range(101)]
    dynamodb.transact_write_items(TransactItems=many[:100])
    refused("ValidationException", dynamodb.transact_write_items, TransactItems=many)
    large = [{"Put": put(sk=str(n), text="x" * (399 << 10))} for n in range(11)]
    refused("ValidationException", dynamodb.transact_write_items, TransactItems=large)
    batch = [{"PutRequest": {"Item": item(sk=str(n))}} for n in range(26)]
    refused("ValidationException", dynamodb.batch_write_item, RequestItems={table: batch})
    refused("ValidationException", dynamodb.batch_get_item, RequestItems={table: {"Keys": [item(sk=str(n)) for n in range(101)]}})


def test_keys_are_not_empty_and_indexes_have_theirs(writer, table):
    refused("ValidationException", writer("dynamodb").put_item, TableName=table, Item=item(sk=""))
    refused("ValidationException", writer("dynamodb").put_item, TableName=table, Item=item(list=""))
    refused("ValidationException", writer("dynamodb").put_item, TableName=table, Item=item(list="l" * 2049))


def test_a_partition_takes_a_thousand_writes_a_second(writer, table):
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
    dynamodb = writer("dynamodb")
    one = [{"PutRequest": {"Item": item(pk="hot", sk=str(n))}} for n in range(25)]
    others = [{"PutRequest": {"Item": item(pk=f"cold {n}", sk="s")}} for n in range(25)]
    with pytest.raises(dynamodb.exceptions.ClientError) as error:
        for _ in range(2_000):
            dynamodb.batch_write_item(RequestItems={table: one})
    assert error.value.response["Error"]["Code"] == "ThrottlingException"
    dynamodb.batch_write_item(RequestItems={table: others})
    assert all(action != "ThrottlingException" for action, _ in writer.refusals()), "it is no fault to be throttled"


# ---------------------------------------------------------------- the others


def test_messages_have_a_mebibyte(aws, writer):
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
    queue = aws.client("sqs").create_queue(QueueName="sizes")["QueueUrl"]
    writer("sqs").send_message(QueueUrl=queue, MessageBody="m" * (1 << 20))
    refused("InvalidParameterValue", writer("sqs").send_message, QueueUrl=queue, MessageBody="m" * ((1 << 20) + 1))
    entries = [{"Id": str(n), "MessageBody": "m" * (600 << 10)} for n in range(2)]
    refused("AWS.SimpleQueueService.BatchRequestTooLong", writer("sqs").send_message_batch, QueueUrl=queue, Entries=entries)


def test_states_have_256_kibibytes(aws, writer):
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    role = f"arn:aws:iam::{ACCOUNT}:role/stack1-FunctionRole"
    machine = aws.client("stepfunctions").create_state_machine(name="sizes", definition=definition, roleArn=role)["stateMachineArn"]
    start = writer("stepfunctions").start_execution
    half = "i" * (200 << 10)
    both = {"Type": "Pass", "End": True}
    branches = [{"StartAt": "Both", "States": {"Both": both}}] * 2
    parallel = {"Type": "Parallel", "Branches": branches, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "End"}], "Next": "End"}
    definition = json.dumps({"StartAt": "Both", "States": {"Both": parallel, "End": {"Type": "Succeed"}}})
    doubled = aws.client("stepfunctions").create_state_machine(name="doubled", definition=definition, roleArn=role)["stateMachineArn"]
    execution = start(stateMachineArn=doubled, input=json.dumps(half))["executionArn"]
    for _ in range(100):
        ended = aws.client("stepfunctions").describe_execution(executionArn=execution)
        if ended["status"] != "RUNNING":
            break
        time.sleep(0.1)
    assert (ended["status"], ended.get("error")) == ("FAILED", "States.DataLimitExceeded")
    start(stateMachineArn=machine, input=json.dumps("i" * ((256 << 10) - 2)))
    refused("InvalidExecutionInput", start, stateMachineArn=machine, input=json.dumps("i" * (256 << 10)))
    refused("InvalidName", start, stateMachineArn=machine, name="n" * 81)


def test_invocations_and_secrets_and_signatures_have_their_sizes(writer):
    # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
    invoke = writer("lambda").invoke
    refused("RequestTooLargeException", invoke, FunctionName="f", Payload=json.dumps("p" * (6 << 20)))
    refused("RequestTooLargeException", invoke, FunctionName="f", Payload=json.dumps("p" * (1 << 20)), InvocationType="Event")
    # https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html
    refused("InvalidParameterException", writer("secretsmanager").create_secret, Name="large", SecretString="s" * 65537)
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
    refused("ValidationException", writer("kms").sign, KeyId="k", Message=b"m" * 4097, SigningAlgorithm="ECDSA_SHA_256")


def test_a_stack_has_what_its_template_says(aws):
    cloudformation = aws.client("cloudformation")
    key = {"KMSMasterKeyId": {"Ref": "Key"}, "SSEEnabled": True, "SSEType": "KMS"}
    encryption = [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]}}}]
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}}
    resources = {
        "Key": ("KMS::Key", {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}}),
        "Table": ("DynamoDB::Table", {"TableName": "Deployed", "BillingMode": "PAY_PER_REQUEST", "SSESpecification": key,
                                      "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                                      "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}]}),
        "Bucket": ("S3::Bucket", {"BucketName": "deployed", "BucketEncryption": {"ServerSideEncryptionConfiguration": encryption},
                                  "VersioningConfiguration": {"Status": "Enabled"}, "ObjectLockEnabled": True,
                                  "ObjectLockConfiguration": lock}),
        "Secret": ("SecretsManager::Secret", {"Name": "deployed", "SecretString": "s"}),
    }  # fmt: skip
    template = {
        "Parameters": {"List": {"Type": "CommaDelimitedList", "Default": ""}},
        "Conditions": {"Some": {"Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "List"}]}, ""]}]}},
        "Resources": {name: {"Type": f"AWS::{kind}", "Properties": properties} for name, (kind, properties) in resources.items()},
        "Outputs": {
            "Secret": {"Value": {"Ref": "Secret"}},
            "Some": {"Value": {"Fn::If": ["Some", "yes", "no"]}},
        },
    }
    cloudformation.create_stack(StackName="deployed", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="deployed", WaiterConfig={"Delay": 1})
    described = cloudformation.describe_stacks(StackName="deployed")["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
    assert outputs["Some"] == "no"
    assert outputs["Secret"].startswith(f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:deployed-")
    table = aws.client("dynamodb").describe_table(TableName="Deployed")["Table"]
    assert table["SSEDescription"]["KMSMasterKeyArn"].startswith(f"arn:aws:kms:{REGION}:")
    s3 = aws.client("s3")
    rule = s3.get_object_lock_configuration(Bucket="deployed")["ObjectLockConfiguration"]["Rule"]
    assert rule == {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
    put = s3.put_object(Bucket="deployed", Key="k", Body=b"1")
    assert put["ServerSideEncryption"] == "aws:kms"
    refused("AccessDenied", s3.delete_object, Bucket="deployed", Key="k", VersionId=put["VersionId"])


def test_api_gateway_has_its_limits(aws):
    # https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
    code = "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(len(event.get('body') or ''))}\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", code)
    role = f"arn:aws:iam::{ACCOUNT}:role/{aws.role(allow('*')).stack}-FunctionRole"
    function = aws.client("lambda").create_function(
        FunctionName="limits", Runtime="python3.12", Role=role, Handler="index.handler", Code={"ZipFile": packed.getvalue()}
    )
    gateway = aws.client("apigatewayv2")
    api = gateway.create_api(Name="limits", ProtocolType="HTTP")["ApiId"]
    target = {"IntegrationType": "AWS_PROXY", "IntegrationUri": function["FunctionArn"], "PayloadFormatVersion": "2.0"}
    integration = gateway.create_integration(ApiId=api, **target)["IntegrationId"]
    gateway.create_route(ApiId=api, RouteKey="$default", Target=f"integrations/{integration}")
    gateway.create_stage(ApiId=api, StageName="$default", AutoDeploy=True)

    def status(body=b"", **headers):
        headers["Host"] = f"{api}.execute-api.localhost"
        try:
            return urllib.request.urlopen(urllib.request.Request(f"{aws.url}/", body, headers, method="POST")).status
        except urllib.error.HTTPError as error:
            return error.code

    assert status(b"1") == 200
    assert status(b"1" * (10 << 20)) == 200
    assert status(b"1" * ((10 << 20) + 1)) == 413
    assert status(x="1" * 9_000) == 200
    assert status(x="1" * 10_240) == 431


def test_a_history_has_25_000_events(aws, writer):
    # https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html
    loop = {"StartAt": "Again", "States": {"Again": {"Type": "Pass", "Next": "More"}, "More": {"Type": "Pass", "Next": "Again"}}}
    role = f"arn:aws:iam::{ACCOUNT}:role/stack1-FunctionRole"
    machine = aws.client("stepfunctions").create_state_machine(name="h-history", definition=json.dumps(loop), roleArn=role)
    execution = writer("stepfunctions").start_execution(stateMachineArn=machine["stateMachineArn"])["executionArn"]
    for _ in range(600):
        ended = aws.client("stepfunctions").describe_execution(executionArn=execution)
        if ended["status"] != "RUNNING":
            break
        time.sleep(0.1)
    assert ended["status"] == "FAILED"
    lines = [json.loads(line) for line in (aws.folder / "uses.jsonl").read_text().splitlines()]
    assert max(events for what, _, _, events in lines if what == "history") >= 25_000
