"""How the tests of the strict layer ask it: as the account, or as a role of a stack."""

import json
import urllib.request

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

REGION, ACCOUNT = "us-east-1", "000000000000"
BUCKET = "arn:aws:s3:::amzn-s3-demo-bucket"
OBJECTS = f"{BUCKET}/*"


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
