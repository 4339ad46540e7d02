"""Whoever calls on our behalf may do what it does, and nothing more: a state machine's role what its states call, a mapping's
function what Lambda's poller does with the queue, a schedule's role what the schedules start.

The strict layer of the tests cannot see these calls: inside the local AWS they come from nobody.
https://docs.aws.amazon.com/step-functions/latest/dg/connectors-iam-templates.html
https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

import json
import re

from common import INFRA, PLACEHOLDER, TEMPLATE, fault, machines, states

NAMED = re.compile(r'"Ref": "(\w+)"|"Fn::GetAtt": \["(\w+)"|\$\{(\w+)\.Arn\}|StackName\}-([\w-]+)')
POLLER = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
CHILDREN = {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"}


def check(template):
    resources = template["Resources"]
    for name, file, substitutions in machines(template):
        compare(name, called(name, json.loads((INFRA / file).read_text()), substitutions, resources), granted(resources[name], resources))
    for name, resource in resources.items():
        if resource["Type"] == "AWS::Lambda::EventSourceMapping":
            check_poller(name, resource["Properties"], resources)
    check_schedules(resources)


def compare(name, called, granted):
    for action, on in sorted(called - granted):
        fault(TEMPLATE, f"{name} needs {action} on {on}")
    for action, on in sorted(granted - called):
        fault(TEMPLATE, f"{name} is allowed {action} on {on}, which it never does")


def called(name, machine, substitutions, resources):
    """What a state machine calls: actions, and names of the template."""
    found = set()
    for _, state in states(machine):
        task, reader = state.get("Resource", ""), state.get("ItemReader", {})
        if task.endswith("lambda:invoke"):
            found.add(("lambda:InvokeFunction", target(state["Parameters"]["FunctionName"], substitutions)))
        elif sdk := re.search(r":aws-sdk:dynamodb:(\w)(\w+)", task):
            table = target(state["Parameters"]["TableName"], substitutions)
            found |= {(f"dynamodb:{sdk[1].upper()}{sdk[2]}", table), *on_key(resources, table, "kms:Decrypt", "kms:GenerateDataKey")}
        elif state["Type"] == "Task":
            fault(TEMPLATE, f"{name}: nobody has written down what {task} needs: add it to lint/integrations.py")
        if reader.get("Resource", "").endswith("s3:getObject"):
            bucket = target(reader["Parameters"]["Bucket"], substitutions)
            found |= {("s3:GetObject", bucket), *on_key(resources, bucket, "kms:Decrypt")}
        if state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
            found |= {(action, name) for action in CHILDREN}
    return found


def target(text, substitutions):
    """The name in the template that a placeholder stands for."""
    # A version is its function's.
    return substitutions[PLACEHOLDER.fullmatch(text)[1]]["Ref"].removesuffix(".Version")


def on_key(resources, name, *actions):
    """The key that encrypts something, if it has one."""
    key = re.search(r'(?:KMSMasterKeyI[dD]|KmsMasterKeyId)": \{"(?:Ref": "|Fn::GetAtt": \[")(\w+)', json.dumps(resources[name]["Properties"]))
    return {(action, key[1]) for action in actions} if key else set()


def granted(resource, resources):
    """What a role is allowed: actions, and names of the template."""
    found = set()
    for policy in resource["Properties"]["Policies"]:
        if "LambdaInvokePolicy" in policy:
            found.add(("lambda:InvokeFunction", policy["LambdaInvokePolicy"]["FunctionName"]["Ref"]))
        for statement in policy.get("PolicyDocument", policy).get("Statement", []):
            actions = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
            names = {next(filter(None, one)) for one in NAMED.findall(json.dumps(statement["Resource"]))}
            found |= {(action, physical(name, resources)) for action in actions for name in names}
    return found


def physical(name, resources):
    """A machine that is named by what its ARN ends with."""
    for found, resource in resources.items():
        if resource["Properties"].get("Name") == {"Fn::Sub": f"${{AWS::StackName}}-{name}"}:
            return found
    return name


def check_poller(name, mapping, resources):
    function, queue = mapping["FunctionName"]["Ref"], mapping["EventSourceArn"]["Fn::GetAtt"][0]
    allowed = granted(resources[function], resources)
    for action, on in sorted({(action, queue) for action in POLLER} | on_key(resources, queue, "kms:Decrypt")):
        if (action, on) not in allowed:
            fault(TEMPLATE, f"{name}: Lambda polls {queue} as {function}, which needs {action} on {on}")


def check_schedules(resources):
    started = {}
    for resource in resources.values():
        if resource["Type"] == "AWS::Scheduler::Schedule":
            goal = resource["Properties"]["Target"]
            role, function = goal["RoleArn"]["Fn::GetAtt"][0], goal["Arn"]["Fn::GetAtt"][0]
            started.setdefault(role, set()).add(("lambda:InvokeFunction", function))
    for role, calls in started.items():
        compare(role, calls, granted(resources[role], resources))
