"""What roles need that no deployment tells: it shows when the call is refused, or never."""

import json

from common import INFRA, TEMPLATE, fault, states

# Who lists an archive's versions and reads them by their ids: the purge all of them, the other a few when a run closes.
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html: with a version id that is another permission.
READ_VERSIONS = ("PurgeFunction", "PurgeRunFunction")
CUSTOMERS_BUCKETS = ("ArchiveBuckets", "BatchBuckets")
# What a Distributed Map starts, looks at and stops: its children are executions whose ARN has a slash behind the name.
# https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
CHILDREN = {
    "states:StartExecution": (":stateMachine:${AWS::StackName}-",),
    "states:DescribeExecution": (":execution:${AWS::StackName}-", ":*", "/*"),
    "states:StopExecution": (":execution:${AWS::StackName}-", ":*", "/*"),
}


def statements(resource):
    """What a function or state machine is allowed, statement by statement."""
    for policy in resource["Properties"].get("Policies", []):
        for statement in policy.get("Statement", []):
            statement = statement.get("Fn::If", [None, statement])[1]
            actions = statement["Action"]
            yield [actions] if isinstance(actions, str) else actions, json.dumps(statement["Resource"])


def check(template):
    resources = template["Resources"]
    for name in READ_VERSIONS:
        if not any("s3:GetObjectVersion" in actions and "ArchiveBuckets" in on for actions, on in statements(resources[name])):
            fault(TEMPLATE, f"{name} reads versions of archives: it needs s3:GetObjectVersion on their objects")
    for name, resource in resources.items():
        match resource["Type"]:
            case "AWS::Serverless::StateMachine":
                check_children(name, resource)
            case "AWS::Serverless::Function":
                check_output(template, name, resource)
            case "AWS::IAM::Role":
                check_trust(name, resource)


def check_children(name, resource):
    machine = json.loads((INFRA / resource["Properties"]["DefinitionUri"]).read_text())
    if not any(state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED" for _, state in states(machine)):
        return
    for action, parts in CHILDREN.items():
        allowed = "".join(on for actions, on in statements(resource) if action in actions)
        if missing := [part for part in parts if part not in allowed]:
            fault(TEMPLATE, f"{name} has a Distributed Map: it needs {action} on its own ({' and '.join(missing)})")


def check_output(template, name, resource):
    """Whoever owns a bucket, or the key that encrypts it, must be able to name the role that comes to it."""
    if not any(parameter in on for _, on in statements(resource) for parameter in CUSTOMERS_BUCKETS):
        return
    output = name.removesuffix("Function") + "Role"
    if f'"{name}Role", "Arn"' not in json.dumps(template["Outputs"].get(output, {})):
        fault(TEMPLATE, f"{name} comes to a customer's buckets: put its role's ARN out as {output}")


def check_trust(name, resource):
    """Nobody else's schedule can make this account's role act.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html"""
    for statement in resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
        condition = json.dumps(statement.get("Condition", {}))
        for key in ("aws:SourceAccount", "aws:SourceArn"):
            if key not in condition:
                fault(TEMPLATE, f"{name} is trusted to a service: narrow it by {key}")
