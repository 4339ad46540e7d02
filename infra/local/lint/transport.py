"""Every bucket and queue refuses what comes without TLS, whoever sends it.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-security-best-practices.html
"""

import json

from common import TEMPLATE, fault

# Which policy speaks for which resource, and by which action.
GUARDED = {"AWS::S3::Bucket": ("AWS::S3::BucketPolicy", "s3:*"), "AWS::SQS::Queue": ("AWS::SQS::QueuePolicy", "sqs:*")}
INSECURE = {"Bool": {"aws:SecureTransport": "false"}}


def check(template):
    resources = template["Resources"]
    for name, resource in resources.items():
        if resource["Type"] not in GUARDED:
            continue
        kind, action = GUARDED[resource["Type"]]
        policies = [other["Properties"] for other in resources.values() if other["Type"] == kind]
        if not any(refuses(policy, name, action) for policy in policies):
            fault(TEMPLATE, f"{name} takes what comes without TLS: deny {action} in a {kind} if not aws:SecureTransport")
        for kept in ("DeletionPolicy", "UpdateReplacePolicy"):
            for other, policy in resources.items():
                if policy["Type"] == kind and named(policy["Properties"], name) and kept not in policy and kept in resource:
                    fault(TEMPLATE, f"{other} goes with the stack, but {name}, which it guards, stays: {kept} is missing")


def refuses(policy, name, action):
    return named(policy, name) and any(
        statement["Effect"] == "Deny"
        and statement["Principal"] == "*"
        and statement["Action"] == action
        and statement.get("Condition") == INSECURE
        and f'"{name}", "Arn"' in json.dumps(statement["Resource"])
        for statement in policy["PolicyDocument"]["Statement"]
    )


def named(policy, name):
    return {"Ref": name} in [policy.get("Bucket"), *policy.get("Queues", [])]
