"""The strict layer refuses what AWS documents, in AWS's form, and nothing else: permissions. Each case cites the page of its example."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from asking import ACCOUNT, BUCKET, OBJECTS, REGION, TABLE, allow, item, make, policy, refused
from botocore.exceptions import ClientError

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


# ---------------------------------------------------------------- the report


def test_the_report_tells_used_from_unused(aws, bucket):
    role = aws.role(allow(["s3:GetObject", "s3:PutObject"], OBJECTS))
    role("s3").get_object(Bucket=bucket, Key="home/file")
    lines = [json.loads(line) for line in (aws.folder / "uses.jsonl").read_text().splitlines()]
    of_role = {(what, action) for what, name, action, _ in lines if name == f"{role.stack}-FunctionRole"}
    assert of_role == {("granted", "s3:GetObject"), ("granted", "s3:PutObject"), ("used", "s3:GetObject")}


def test_a_grant_that_nothing_uses_and_nobody_explains_fails_the_suite(tmp_path):
    granted = [["granted", "test1-PurgeFunctionRole", action, "*"] for action in ("s3:GetObject", "s3:PutObject")]
    lines = [*granted, ["used", "test1-PurgeFunctionRole", "s3:GetObject", "*"], ["history", "test1-deletion", "events", 41]]
    (tmp_path / "uses.jsonl").write_text("\n".join(map(json.dumps, lines)))
    report = Path(__file__).parent / "report.py"
    said = subprocess.run([sys.executable, report, tmp_path], capture_output=True, text=True)
    assert said.returncode == 1
    assert "Purge: s3:PutObject on * was not used: remove it" in said.stdout and "s3:GetObject on * was not" not in said.stdout
    assert "deletion: the longest history has 41 of 25,000 events" in said.stdout
