"""What a call needs beside its own action: S3's, for what it writes or tells of an object, and those on a customer-managed KMS
key, which a service asks of its caller before it uses the key on the caller's behalf.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html (and multipart uploads:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuAndPermissions.html)
https://docs.aws.amazon.com/kms/latest/developerguide/services-dynamodb.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-key-management.html
https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
"""

import re

from ministack.services import dynamodb, kms, s3, secretsmanager, sqs

# https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, API_CreateMultipartUpload.html
WRITTEN = {
    "x-amz-tagging": "s3:PutObjectTagging",
    "x-amz-object-lock-mode": "s3:PutObjectRetention",
    "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
    "x-amz-acl": "s3:PutObjectAcl",
}
# https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html: left out of the answer, if the reader may not see it.
TOLD = {
    "x-amz-object-lock-mode": "s3:GetObjectRetention",
    "x-amz-object-lock-retain-until-date": "s3:GetObjectRetention",
    "x-amz-object-lock-legal-hold": "s3:GetObjectLegalHold",
}
CHANGES = ("s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion")
DECRYPT, DATA_KEY = "kms:Decrypt", "kms:GenerateDataKey"
DYNAMODB_TABLE = re.compile(r":table/([^/]+)")
S3_KEY = re.compile(r"<KMSMasterKeyID>([^<]+)<")


def needed(action, resource, request):
    """Pairs of a resource and an action on it."""
    service, _, name = action.partition(":")
    match service:
        case "s3" if name in ("GetObject", "GetObjectVersion"):
            key, actions = of_bucket(resource), [DECRYPT]
        case "s3" if name == "PutObject":
            parts = request and {"uploads", "uploadId"} & set(request.query)
            key, actions = of_bucket(resource), [DATA_KEY, DECRYPT] if parts else [DATA_KEY]
        case "dynamodb":
            table = DYNAMODB_TABLE.search(resource)
            found = (table and dynamodb._tables.get(table[1])) or {}
            key, actions = (found.get("SSEDescription") or {}).get("KMSMasterKeyArn"), [DECRYPT]
        case "sqs" if name == "SendMessage":
            queue = sqs._queue_by_arn(resource) or {}
            key, actions = queue.get("attributes", {}).get("KmsMasterKeyId"), [DATA_KEY, DECRYPT]
        case "secretsmanager" if name in ("GetSecretValue", "PutSecretValue", "CreateSecret"):
            _, secret = secretsmanager._resolve(resource)
            key = (secret or {}).get("KmsKeyId") or (request and request.json.get("KmsKeyId"))
            actions = [DECRYPT] if name == "GetSecretValue" else [DATA_KEY, DECRYPT]
        case _:
            key, actions = None, []
    found = kms._resolve_key(key) if key else None
    on_key = [(found["Arn"], one) for one in actions] if found else []
    written = WRITTEN if action == "s3:PutObject" and request else {}
    beside = [one for header, one in written.items() if header in request.headers]
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html, conditional-delete-enforce.html
    if action in CHANGES and request and request.headers.get("if-match", "*") != "*":
        beside.append("s3:GetObject")
    return on_key + [(resource, one) for one in beside]


def of_bucket(resource):
    bucket = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
    found = S3_KEY.search(s3._bucket_encryption.get(bucket) or "")
    return found and found[1]
