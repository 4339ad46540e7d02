"""Quotas and rules of AWS that MiniStack does not keep. Each cites its page.

What MiniStack keeps itself (`test_quotas.py` holds it to that): 400 KB an item, a table's keys of 2,048 and 1,024 bytes, 100 items and
4 MB a transaction, 25 writes a batch; 1 MiB a message and a batch of messages; at most 10,000 parts.
"""

import base64
import json
import time
from collections import Counter
from functools import cache

from defusedxml.ElementTree import ParseError, fromstring
from ministack.services import dynamodb, lambda_svc, s3
from request import Refusal

KB, MB = 1024, 1024 * 1024
WRITES = ("PutItem", "UpdateItem", "DeleteItem")
CHECKSUMS = ("crc32", "crc32c", "crc64nvme", "sha1", "sha256")
S3_NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


def before(request, role):
    """Why AWS would refuse this request of a function."""
    if refusal := environment(role):
        return refusal
    for rule in BY_SERVICE.get(request.service, []):
        if refusal := rule(request):
            return refusal
    return None


def after(request, answer):
    """Why AWS would not give this answer."""
    if request.service == "lambda" and answer[2] is not None and len(answer[2]) > 6 * MB:
        # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
        return Refusal("Function.ResponseSizeTooLarge", "Response payload size exceeded maximum allowed payload size (6291556 bytes)")
    return None


@cache
def environment(role):
    """A function's environment has at most 4 KB. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
    for function in lambda_svc._functions.values():
        config = function.get("config") or function
        if config.get("Role", "").endswith(f"/{role}"):
            variables = (config.get("Environment") or {}).get("Variables") or {}
            size = sum(len(name.encode()) + len(str(value).encode()) for name, value in variables.items())
            if size > 4 * KB:
                return Refusal("InvalidParameterValueException", f"the environment has {size} bytes, over 4 KB")
    return None


# ---------------------------------------------------------------- S3


def given_checksums(request):
    """The algorithms of the checksums that come with a body, in headers or behind it."""
    names = [name for name in CHECKSUMS if f"x-amz-checksum-{name}" in request.headers]
    behind = request.headers.get("x-amz-trailer", "").lower()
    return {*names, *(name for name in CHECKSUMS if behind == f"x-amz-checksum-{name}")}


def checksum_under_lock(request):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html: Object Lock wants Content-MD5 or a checksum."""
    if request.method != "PUT" or not request.key or request.bucket not in s3._bucket_object_lock:
        return None
    if "content-md5" in request.headers or given_checksums(request):
        return None
    what = "Put Part" if "uploadId" in request.query else "Put Object"
    return Refusal("InvalidRequest", f"Content-MD5 OR x-amz-checksum- HTTP header is required for {what} requests with Object Lock parameters")


def upload_of(request):
    found = request.query.get("uploadId")
    return s3._multipart_uploads.get(found[0] if isinstance(found, list) else found) if found else None


def checksums_of_parts(request):
    """Parts have the checksum that CreateMultipartUpload named, and no other.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html"""
    upload = upload_of(request)
    if request.method != "PUT" or upload is None:
        return None
    named = (upload.get("checksum_algorithm") or "null").lower()
    given = next(iter(given_checksums(request)), "null")
    if named == given:
        return None
    return Refusal("InvalidRequest", f"Checksum Type mismatch occurred, expected checksum Type: {named}, actual checksum Type: {given}")


def completed_parts(request):
    """All parts but the last have at least 5 MiB, and are named with their checksums.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html"""
    upload = upload_of(request)
    if request.method != "POST" or upload is None:
        return None
    try:
        listed = [part for part in fromstring(request.body).iter() if part.tag.removeprefix(S3_NAMESPACE) == "Part"]
    except ParseError:
        return None
    fields = [{child.tag.removeprefix(S3_NAMESPACE): child.text for child in part} for part in listed]
    sizes = [upload["parts"].get(int(part.get("PartNumber", 0)), {}).get("size", 0) for part in fields]
    if any(size < 5 * MB for size in sizes[:-1]):
        return Refusal("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size")
    named = upload.get("checksum_algorithm")
    if named and not all(f"Checksum{named}" in part for part in fields):
        message = f"The upload was created using a {named.lower()} checksum. The complete request must include the checksum for each part."
        return Refusal("InvalidRequest", message)
    return None


def key_and_metadata(request):
    """A key has at most 1,024 bytes, an object's own metadata 2 KB.
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html"""
    if len(request.key.encode()) > KB:
        return Refusal("KeyTooLongError", "Your key is too long")
    own = {name: value for name, value in request.headers.items() if name.startswith("x-amz-meta-")}
    if sum(len(name.removeprefix("x-amz-meta-").encode()) + len(value.encode()) for name, value in own.items()) > 2 * KB:
        return Refusal("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    return None


# ---------------------------------------------------------------- the others


def keys_of_indexes(request):
    """An index's keys have the lengths of a table's: 2,048 and 1,024 bytes.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html"""
    if len(request.body) <= KB:
        return None
    asked = request.json
    puts = [(asked.get("TableName"), asked.get("Item"))]
    puts += [(one["Put"].get("TableName"), one["Put"].get("Item")) for one in asked.get("TransactItems", []) if "Put" in one]
    for table, writes in asked.get("RequestItems", {}).items() if request.target == "BatchWriteItem" else []:
        puts += [(table, one.get("PutRequest", {}).get("Item")) for one in writes]
    for table, item in puts:
        for index in (dynamodb._tables.get(table) or {}).get("GlobalSecondaryIndexes") or []:
            for key in index["KeySchema"]:
                value = ((item or {}).get(key["AttributeName"]) or {}).get("S", "")
                if len(value.encode()) > {"HASH": 2 * KB, "RANGE": KB}[key["KeyType"]]:
                    return Refusal("ValidationException", f"a key of {index['IndexName']} is too long")
    return None


_written = Counter()  # (table or index, partition, second) -> writes
THROTTLED = "ThrottlingException"


def hot_partition(request):
    """A partition takes 1,000 writes a second, and so does one of an index. Who is throttled tries again: that breaks no rule.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html"""
    asked, second = request.json, int(time.time())
    written = [(asked.get("TableName"), item) for item in (asked.get("Item"), asked.get("Key")) if item and request.target in WRITES]
    written += [(one.get("TableName"), one.get("Item") or one.get("Key")) for many in asked.get("TransactItems", []) for one in many.values()]
    for table, writes in asked.get("RequestItems", {}).items() if request.target == "BatchWriteItem" else []:
        written += [(table, one["PutRequest"]["Item"] if "PutRequest" in one else one["DeleteRequest"]["Key"]) for one in writes]
    if len(_written) > 10_000:
        _written.clear()
    for table, item in written:
        schema = dynamodb._tables.get(table) or {}
        for name, keys in ((table, schema), *((i["IndexName"], i) for i in schema.get("GlobalSecondaryIndexes") or [])):
            partition = next((key["AttributeName"] for key in keys.get("KeySchema", []) if key["KeyType"] == "HASH"), None)
            if partition in item:
                place = (table, name, json.dumps(item[partition]), second)
                _written[place] += 1
                if _written[place] > 1_000:
                    return Refusal(THROTTLED, "Throughput exceeds the current capacity of your table or index")
    return None


def state(request):
    """256 KiB of input, output and state; names of 80 characters.
    https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html"""
    match request.target:
        case "StartExecution":
            if len(request.json.get("input", "").encode()) > 256 * KB:
                return Refusal("InvalidExecutionInput", "the input has over 262,144 bytes")
            if len(request.json.get("name", "")) > 80:
                return Refusal("InvalidName", "the name has over 80 characters")
        case "SendTaskSuccess":
            if len(request.json.get("output", "").encode()) > 256 * KB:
                return Refusal("InvalidOutput", "the output has over 262,144 bytes")
    return None


def invocation(request):
    """6 MB for who waits for the answer, 1 MB for who does not.
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""
    most = MB if request.headers.get("x-amz-invocation-type") == "Event" else 6 * MB
    if len(request.body) > most:
        return Refusal("RequestTooLargeException", f"the request has over {most} bytes", 413)
    return None


def signed(request):
    """KMS signs a message of at most 4,096 bytes, or a digest.
    https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html"""
    if request.target == "Sign" and request.json.get("MessageType", "RAW") == "RAW":
        if len(base64.b64decode(request.json.get("Message", ""))) > 4096:
            return Refusal("ValidationException", "Member must have length less than or equal to 4096")
    return None


def secret(request):
    """A secret has at most 65,536 bytes. https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html"""
    if len(request.json.get("SecretString", "").encode()) > 64 * KB:
        return Refusal("InvalidParameterException", "Member must have length less than or equal to 65536")
    return None


BY_SERVICE = {
    "s3": [checksum_under_lock, checksums_of_parts, completed_parts, key_and_metadata],
    "dynamodb": [keys_of_indexes, hot_partition],
    "states": [state],
    "lambda": [invocation],
    "kms": [signed],
    "secretsmanager": [secret],
}
