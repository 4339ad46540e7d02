"""What would be lost for good outlives the stack, and goes only if the stack never came to be.

RetainExceptOnCreate lets a failed first deployment clean up after itself; an UpdateReplacePolicy does not know it.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-updatereplacepolicy.html
"""

from common import TEMPLATE, fault

STATEFUL = ("AWS::DynamoDB::Table", "AWS::KMS::Key", "AWS::S3::Bucket", "AWS::SecretsManager::Secret", "AWS::SQS::Queue")
POLICIES = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
MAY_GO = {"AdminToken": "the next stack makes a token of its own, and nothing is encrypted or signed with it"}


def check(template):
    for name, resource in template["Resources"].items():
        if resource["Type"] not in STATEFUL or name in MAY_GO:
            continue
        for attribute, wanted in POLICIES.items():
            if (given := resource.get(attribute)) != wanted:
                fault(TEMPLATE, f"{name} holds what cannot be made again: {attribute} must be {wanted}, not {given}")
    for name in sorted(set(MAY_GO) - set(template["Resources"])):
        fault(TEMPLATE, f"{name}, which may be lost, is not there: remove it from infra/local/lint/kept.py")
