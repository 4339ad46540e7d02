"""The strict layer refuses what AWS documents, in AWS's form, and nothing else. Each case cites the page of its example."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

HERE = Path(__file__).parent
REGION, ACCOUNT = "us-east-1", "000000000000"


@pytest.fixture(scope="session")
def aws():
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "TMPDIR": folder, "S3_DATA_DIR": f"{folder}/s3",
            "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION,
            "STRICT_USES": f"{folder}/uses.jsonl",
        }  # fmt: skip
        with open(f"{folder}/log", "w") as log:
            server = subprocess.Popen([sys.executable, HERE], env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"{url}/_ministack/health")
                    break
                except OSError:
                    time.sleep(0.1)
            yield Aws(url, Path(folder))
        finally:
            server.terminate()
            server.wait()


class Aws:
    def __init__(self, url, folder):
        self.url, self.folder, self.roles = url, folder, 0

    def client(self, service, **credentials):
        keys = credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, config=config, **keys)

    def role(self, *statements):
        """A role of a stack of its own, and what makes its clients."""
        self.roles += 1
        name = f"stack{self.roles}-FunctionRole"
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(trust))
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*statements))
        session = self.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="test")
        keys = session["Credentials"]
        return Role(self, f"stack{self.roles}", {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        })  # fmt: skip


class Role:
    def __init__(self, aws, stack, keys):
        self.aws, self.stack, self.keys = aws, stack, keys

    def __call__(self, service):
        return self.aws.client(service, **self.keys)

    def refusals(self):
        with urllib.request.urlopen(f"{self.aws.url}/_strict/refusals/{self.stack}") as reply:
            return [(found["action"], found["resource"]) for found in json.load(reply)]


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def refused(code, call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    assert error.value.response["Error"]["Code"] == code, error.value


@pytest.fixture(scope="session")
def bucket(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="amzn-s3-demo-bucket")
    s3.put_bucket_versioning(Bucket="amzn-s3-demo-bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="amzn-s3-demo-bucket", Key="home/file", Body=b"1")
    return "amzn-s3-demo-bucket"


BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
OBJECTS = f"{BUCKET}/*"


# ---------------------------------------------------------------- IAM
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html


def test_what_nothing_allows_is_denied_and_noted(aws, bucket):
    role = aws.role(allow("s3:GetObject", OBJECTS))
    assert role("s3").get_object(Bucket=bucket, Key="home/file")["Body"].read() == b"1"
    assert role.refusals() == []
    refused("AccessDenied", role("s3").put_object, Bucket=bucket, Key="home/file", Body=b"2")
    assert role.refusals() == [("s3:PutObject", f"{BUCKET}/home/file")]


def test_an_explicit_deny_wins(aws, bucket):
    deny = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": f"{BUCKET}/home/*"}
    role = aws.role(allow("s3:*"), deny)
    refused("AccessDenied", role("s3").get_object, Bucket=bucket, Key="home/file")
    role("s3").put_object(Bucket=bucket, Key="other", Body=b"2")


def test_wildcards_in_actions_know_no_case_and_those_in_resources_do(aws, bucket):
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    assert aws.role(allow("S3:getob?ect", f"{BUCKET}/h*e"))("s3").get_object(Bucket=bucket, Key="home/file")
    refused("AccessDenied", aws.role(allow("s3:GetObject", f"{BUCKET}/H*"))("s3").get_object, Bucket=bucket, Key="home/file")


def test_a_condition_on_the_prefix_holds(aws, bucket):
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html
    role = aws.role(allow("s3:ListBucketVersions", BUCKET, Condition={"StringLike": {"s3:prefix": "home/*"}}))
    assert role("s3").list_object_versions(Bucket=bucket, Prefix="home/f")["Versions"]
    refused("AccessDenied", role("s3").list_object_versions, Bucket=bucket, Prefix="other")


def test_a_queues_own_policy_can_deny(aws):
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-basic-examples-of-sqs-policies.html
    sqs = aws.client("sqs")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    for name, denies in (("open", []), ("shut", [deny])):
        url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy(*denies)} if denies else {})["QueueUrl"]
        role = aws.role(allow("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"))
        if denies:
            refused("AccessDenied", role("sqs").send_message, QueueUrl=url, MessageBody="m")
        else:
            role("sqs").send_message(QueueUrl=url, MessageBody="m")


# ---------------------------------------------------------------- from requests to actions
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html, list_amazondynamodb.html


@pytest.mark.parametrize("action, resource, call", [
    ("s3:GetObject", OBJECTS, lambda s3, b, _: s3.get_object(Bucket=b, Key="home/file")),
    ("s3:GetObject", OBJECTS, lambda s3, b, _: s3.head_object(Bucket=b, Key="home/file")),
    ("s3:GetObjectVersion", OBJECTS, lambda s3, b, v: s3.get_object(Bucket=b, Key="home/file", VersionId=v)),
    ("s3:GetObjectVersion", OBJECTS, lambda s3, b, v: s3.head_object(Bucket=b, Key="home/file", VersionId=v)),
    ("s3:GetObjectTagging", OBJECTS, lambda s3, b, _: s3.get_object_tagging(Bucket=b, Key="home/file")),
    ("s3:GetObjectVersionTagging", OBJECTS, lambda s3, b, v: s3.get_object_tagging(Bucket=b, Key="home/file", VersionId=v)),
    ("s3:PutObject", OBJECTS, lambda s3, b, _: s3.put_object(Bucket=b, Key="new", Body=b"")),
    ("s3:PutObject", OBJECTS, lambda s3, b, _: s3.create_multipart_upload(Bucket=b, Key="new")),
    ("s3:DeleteObject", OBJECTS, lambda s3, b, _: s3.delete_object(Bucket=b, Key="new")),
    ("s3:DeleteObjectVersion", OBJECTS, lambda s3, b, _: s3.delete_object(Bucket=b, Key="new", VersionId="null")),
    ("s3:ListBucket", BUCKET, lambda s3, b, _: s3.list_objects_v2(Bucket=b)),
    ("s3:ListBucket", BUCKET, lambda s3, b, _: s3.head_bucket(Bucket=b)),
    ("s3:ListBucketVersions", BUCKET, lambda s3, b, _: s3.list_object_versions(Bucket=b)),
    ("s3:ListBucketMultipartUploads", BUCKET, lambda s3, b, _: s3.list_multipart_uploads(Bucket=b)),
])  # fmt: skip
def test_each_request_to_s3_has_its_action(aws, bucket, action, resource, call):
    version = aws.client("s3").head_object(Bucket=bucket, Key="home/file")["VersionId"]
    call(aws.role(allow(action, resource))("s3"), bucket, version)
    everything_else = aws.role(allow("s3:*"), {"Effect": "Deny", "Action": action, "Resource": resource})
    with pytest.raises(ClientError):
        call(everything_else("s3"), bucket, version)
    assert [found for found, _ in everything_else.refusals()] == [action]


@pytest.fixture(scope="session")
def table(aws):
    make(aws, "MusicCollection")
    make(aws, "Other")
    return "MusicCollection"


def make(aws, name, **more):
    text = {"AttributeType": "S"}
    aws.client("dynamodb").create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": n, **text} for n in ("pk", "sk", "list")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        GlobalSecondaryIndexes=[{"IndexName": "byList", "KeySchema": [{"AttributeName": "list", "KeyType": "HASH"}],
                                 "Projection": {"ProjectionType": "ALL"}}], **more,
    )  # fmt: skip


def item(pk="p", sk="s", **more):
    return {"pk": {"S": pk}, "sk": {"S": sk}, **{name: {"S": text} for name, text in more.items()}}


TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/MusicCollection"


def test_each_item_of_a_transaction_needs_its_own_action_on_its_own_table(aws, table):
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
    put = {"Put": {"TableName": table, "Item": item()}}
    check = {"ConditionCheck": {"TableName": table, "Key": item(sk="t"), "ConditionExpression": "attribute_not_exists(pk)"}}
    role = aws.role(allow("dynamodb:PutItem", TABLE))
    role("dynamodb").transact_write_items(TransactItems=[put])
    refused("AccessDeniedException", role("dynamodb").transact_write_items, TransactItems=[put, check])
    other = {"Put": {"TableName": "Other", "Item": item()}}
    refused("AccessDeniedException", role("dynamodb").transact_write_items, TransactItems=[put, other])
    assert role.refusals() == [("dynamodb:ConditionCheckItem", TABLE), ("dynamodb:PutItem", TABLE.replace("MusicCollection", "Other"))]


def test_an_index_is_a_resource_of_its_own(aws, table):
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/using-identity-based-policies.html
    role = aws.role(allow("dynamodb:Query", TABLE))
    ask = {"TableName": table, "IndexName": "byList", "KeyConditionExpression": "#l = :l",
           "ExpressionAttributeNames": {"#l": "list"}, "ExpressionAttributeValues": {":l": {"S": "l"}}}  # fmt: skip
    refused("AccessDeniedException", role("dynamodb").query, **ask)
    aws.role(allow("dynamodb:Query", f"{TABLE}/index/byList"))("dynamodb").query(**ask)


def test_a_batch_is_checked_table_by_table(aws, table):
    role = aws.role(allow("dynamodb:BatchGetItem", TABLE))
    role("dynamodb").batch_get_item(RequestItems={table: {"Keys": [item()]}})
    refused("AccessDeniedException", role("dynamodb").batch_get_item,
            RequestItems={table: {"Keys": [item()]}, "Other": {"Keys": [item()]}})  # fmt: skip


# ---------------------------------------------------------------- keys


def test_who_reads_what_a_key_encrypts_needs_the_key(aws):
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="encrypted")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}}
    s3.put_bucket_encryption(Bucket="encrypted", ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.put_object(Bucket="encrypted", Key="k", Body=b"1")
    role = aws.role(allow(["s3:GetObject", "s3:PutObject"], "arn:aws:s3:::encrypted/*"), allow("kms:GenerateDataKey", key))
    role("s3").put_object(Bucket="encrypted", Key="k", Body=b"1")
    refused("AccessDenied", role("s3").get_object, Bucket="encrypted", Key="k")
    refused("AccessDenied", role("s3").create_multipart_upload, Bucket="encrypted", Key="k")
    assert role.refusals() == [("kms:Decrypt", key)]


def test_an_encrypted_table_queue_and_secret_need_the_key(aws):
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    make(aws, "Encrypted", SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": key})
    queue = aws.client("sqs").create_queue(QueueName="encrypted", Attributes={"KmsMasterKeyId": key})["QueueUrl"]
    aws.client("secretsmanager").create_secret(Name="encrypted", SecretString="s", KmsKeyId=key)
    allowed = allow(["dynamodb:*", "sqs:*", "secretsmanager:*"])
    for without, with_key in ((aws.role(allowed), aws.role(allowed, allow(["kms:Decrypt", "kms:GenerateDataKey"], key))),):
        calls = [
            lambda of: of("dynamodb").get_item(TableName="Encrypted", Key=item()),
            lambda of: of("sqs").send_message(QueueUrl=queue, MessageBody="m"),
            lambda of: of("secretsmanager").get_secret_value(SecretId="encrypted"),
        ]
        for call in calls:
            call(with_key)
            with pytest.raises(ClientError, match="AccessDenied|KMS"):
                call(without)
    assert with_key.refusals() == []
    assert without.refusals() == [("kms:Decrypt", key), ("kms:GenerateDataKey", key)]


def test_a_change_under_an_etag_reads_the_object(aws, bucket):
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-delete-enforce.html
    etag = aws.client("s3").put_object(Bucket=bucket, Key="changed", Body=b"1")["ETag"]
    role = aws.role(allow(["s3:PutObject", "s3:DeleteObject"], OBJECTS))
    refused("AccessDenied", role("s3").put_object, Bucket=bucket, Key="changed", Body=b"1", IfMatch=etag)
    refused("AccessDenied", role("s3").delete_object, Bucket=bucket, Key="changed", IfMatch=etag)
    aws.role(allow(["s3:GetObject", "s3:PutObject"], OBJECTS))("s3").put_object(Bucket=bucket, Key="changed", Body=b"1", IfMatch=etag)


def test_tags_and_locks_need_permissions_of_their_own(aws):
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, API_HeadObject.html
    s3, where = aws.client("s3"), {"Bucket": "tagged", "Key": "k"}
    s3.create_bucket(Bucket="tagged", ObjectLockEnabledForBucket=True)
    role = aws.role(allow(["s3:PutObject", "s3:GetObject"], "arn:aws:s3:::tagged/*"))
    refused("AccessDenied", role("s3").put_object, **where, Body=b"1", Tagging="a=b")
    refused("AccessDenied", role("s3").put_object, **where, Body=b"1", ObjectLockLegalHoldStatus="ON")
    s3.put_object(**where, Body=b"1", ObjectLockLegalHoldStatus="ON")
    assert "ObjectLockLegalHoldStatus" not in role("s3").head_object(**where)
    resource = "arn:aws:s3:::tagged/k"
    assert role.refusals() == [(f"s3:{action}", resource) for action in ("PutObjectTagging", "PutObjectLegalHold")]
    role = aws.role(allow(["s3:GetObject", "s3:GetObjectLegalHold"], "arn:aws:s3:::tagged/*"))
    assert role("s3").head_object(**where)["ObjectLockLegalHoldStatus"] == "ON"


# ---------------------------------------------------------------- S3


def test_a_missing_key_is_denied_to_who_may_not_list(aws, bucket):
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
    role = aws.role(allow("s3:GetObject", OBJECTS))
    refused("AccessDenied", role("s3").get_object, Bucket=bucket, Key="missing")
    refused("403", role("s3").head_object, Bucket=bucket, Key="missing")
    role = aws.role(allow("s3:GetObject", OBJECTS), allow("s3:ListBucket", BUCKET))
    refused("NoSuchKey", role("s3").get_object, Bucket=bucket, Key="missing")
    assert role.refusals() == []


@pytest.fixture(scope="session")
def writer(aws, bucket):
    return aws.role(allow("*"))


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


def test_a_double_asks_for_its_callers(aws):
    # https://docs.aws.amazon.com/redshift/latest/mgmt/data-api-access.html: everyone sees the statements of their own
    owned = {"StringEquals": {"redshift-data:statement-owner-iam-userid": "${aws:userid}"}}
    role = aws.role(allow("redshift-data:DescribeStatement", Condition=owned))
    own, other = role.keys["aws_access_key_id"], aws.role(allow("s3:*")).keys["aws_access_key_id"]
    for owner, status in ((own, 200), (other, 403)):
        asked = {"accessKey": own, "owner": owner, "checks": [["redshift-data:DescribeStatement", "*"]]}
        try:
            found = urllib.request.urlopen(f"{aws.url}/_strict/check", json.dumps(asked).encode()).status
        except urllib.error.HTTPError as error:
            found = error.code
        assert found == status


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


# ---------------------------------------------------------------- the report


def test_the_report_tells_used_from_unused(aws, bucket):
    role = aws.role(allow(["s3:GetObject", "s3:PutObject"], OBJECTS))
    role("s3").get_object(Bucket=bucket, Key="home/file")
    lines = [json.loads(line) for line in (aws.folder / "uses.jsonl").read_text().splitlines()]
    of_role = {(what, action) for what, name, action, _ in lines if name == f"{role.stack}-FunctionRole"}
    assert of_role == {("granted", "s3:GetObject"), ("granted", "s3:PutObject"), ("used", "s3:GetObject")}
