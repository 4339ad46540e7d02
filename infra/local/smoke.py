"""One dry run through the public API of a deployed stack: nothing is changed, and nobody's identifier is sent. smoke.py STACK"""

import json
import os
import sys
import urllib.error
import urllib.request
import uuid

import boto3


def main(stack):
    [found] = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}
    token = boto3.client("secretsmanager").get_secret_value(SecretId=outputs["AdminTokenSecret"])["SecretString"]
    url, headers = outputs["ApiUrl"], {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    if local := os.environ.get("AWS_ENDPOINT_URL"):
        url, headers["Host"] = local, f"{outputs['ApiId']}.execute-api.localhost"
    body = {"regulationType": "DELETE_ONLY", "subjectType": "USER_ID", "subjectIds": [f"nobody-{uuid.uuid4()}"]}
    request = urllib.request.Request(f"{url}/regulations?dryRun=true", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            said = json.load(reply)["data"]
    except urllib.error.HTTPError as error:
        print(f"The API answers {error.code}: {error.read().decode(errors='replace')[:300]}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The API cannot be reached: {error}", file=sys.stderr)
        return 1
    print(f"The API answers: a dry run looked at {len(said.get('destinations', []))} destination(s).")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
