"""Deploys a packaged template by a change set: shows what will change, asks, and waits.

deploy.py STACK BUCKET TEMPLATE [NAME=VALUE … or @FILE, a JSON list of them]; a parameter that is not named keeps its value. YES=1 asks nothing, PREVIEW=1
changes nothing. https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""

import json
import os
import sys
import time
import uuid
from pathlib import Path

import boto3
from botocore.exceptions import ClientError, WaiterError

# What holds data: that it goes, or is made anew, is said loudly.
KEEPS = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SQS::Queue", "AWS::SecretsManager::Secret")
UNCHANGED = ("didn't contain changes", "No updates are to be performed", "no changes")
POLL = {"Delay": int(os.environ.get("POLL", "5")), "MaxAttempts": 720}


def main(stack, bucket, template, *given):
    cloudformation, s3 = boto3.client("cloudformation"), boto3.client("s3")
    before = described(cloudformation, stack)
    # Unique, so that deployments within one second do not meet. The template is longer than a call may carry.
    change = f"deploy-{uuid.uuid4()}"
    key = f"{stack}/{change}"
    s3.put_object(Bucket=bucket, Key=key, Body=Path(template).read_bytes())
    url = f"{s3.meta.endpoint_url}/{bucket}/{key}"
    names = {"StackName": stack, "ChangeSetName": change}
    cloudformation.create_change_set(
        **names, ChangeSetType="UPDATE" if before else "CREATE", TemplateURL=url, Parameters=parameters(cloudformation, url, before, given),
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )  # fmt: skip
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(**names, WaiterConfig=POLL)
    except WaiterError:
        reason = cloudformation.describe_change_set(**names).get("StatusReason", "")
        cloudformation.delete_change_set(**names)
        if any(said in reason for said in UNCHANGED):
            print("Nothing is to be changed.")
            return 0
        print(f"The change set could not be made: {reason}", file=sys.stderr)
        return 1
    show(cloudformation, names)
    if os.environ.get("PREVIEW") or not agreed():
        cloudformation.delete_change_set(**names)
        print("Nothing was changed.")
        return 0 if os.environ.get("PREVIEW") else 1
    return execute(cloudformation, stack, names, before)


def described(cloudformation, stack):
    """The stack, if it is there. One that is only under review has never been made."""
    try:
        [found] = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError:
        return None
    return None if found["StackStatus"] == "REVIEW_IN_PROGRESS" else found


def parameters(cloudformation, url, before, given):
    """Those that are named, and of the others the values that the stack has."""
    listed = [one for text in given for one in (json.loads(Path(text[1:]).read_text()) if text[0] == "@" else [text])]
    named = dict(one.split("=", 1) for one in listed)
    known = {one["ParameterKey"] for one in cloudformation.get_template_summary(TemplateURL=url)["Parameters"]}
    if unknown := named.keys() - known:
        sys.exit(f"The template has no parameter {', '.join(sorted(unknown))}")
    kept = {one["ParameterKey"] for one in (before or {}).get("Parameters", [])} & known - named.keys()
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in named.items()] + [
        {"ParameterKey": name, "UsePreviousValue": True} for name in sorted(kept)
    ]


def show(cloudformation, names):
    pages = cloudformation.get_paginator("describe_change_set").paginate(**names)
    changes = [one["ResourceChange"] for page in pages for one in page["Changes"]]
    print(f"{len(changes)} change(s):")
    for one in sorted(changes, key=lambda one: (one["Action"], one["LogicalResourceId"])):
        anew = one.get("Replacement", "False") != "False"
        loud = "  !! its data" if one["ResourceType"] in KEEPS and (anew or one["Action"] == "Remove") else ""
        print(f"  {one['Action']:<8}{'anew ' if anew else '     '}{one['LogicalResourceId']:<28}{one['ResourceType']}{loud}")


def agreed():
    if os.environ.get("YES"):
        return True
    return sys.stdin.isatty() and input("Deploy this? Type yes: ").strip() == "yes"


def execute(cloudformation, stack, names, before):
    began = time.time()
    cloudformation.execute_change_set(**names)
    waiter = "stack_update_complete" if before else "stack_create_complete"
    try:
        cloudformation.get_waiter(waiter).wait(StackName=stack, WaiterConfig=POLL)
    except WaiterError:
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        for event in reversed(events):
            if "FAILED" in event["ResourceStatus"] and event["Timestamp"].timestamp() >= began - 60:
                print(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', event['ResourceStatus'])}", file=sys.stderr)
        print("It failed, and CloudFormation takes it back: see infra/README.md, Rollback.", file=sys.stderr)
        return 1
    print(f"Deployed in {time.time() - began:.0f} s.")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
