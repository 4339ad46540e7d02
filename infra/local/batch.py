"""Sends a file of people to the queue of batches: uploads it, and sends the message that names it.

batch.py FILE STACK TYPE COLUMN REFERENCE; the last two may be empty.
"""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

AWS = Path(sys.executable).parent / "aws"


def aws(*words):
    return subprocess.run([AWS, *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def main(file, stack, kind, column, reference):
    described = json.loads(aws("cloudformation", "describe-stacks", "--stack-name", stack, "--output", "json"))
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Stacks"][0]["Outputs"]}
    # The file's own name may hold an identifier: it is not told.
    place = {"bucket": outputs["LetheBucket"], "key": f"batches/{uuid.uuid4()}"}
    aws("s3", "cp", "--only-show-errors", file, f"s3://{place['bucket']}/{place['key']}")
    body = {"regulationType": kind, "subjectType": "USER_ID", "file": place}
    if column:
        place["column"] = column
    if reference:
        body["reference"] = reference
    # The command line asks the queues of AWS whatever AWS_ENDPOINT_URL says.
    local = os.environ.get("AWS_ENDPOINT_URL")
    endpoint = ["--endpoint-url", local] if local else []
    aws("sqs", "send-message", *endpoint, "--queue-url", outputs["BatchQueue"], "--message-body", json.dumps(body))
    print("Sent. What becomes of it: GET /batches")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
