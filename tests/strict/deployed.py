"""What MiniStack's CloudFormation leaves out of a template, and the other rules ask for: the keys of tables and buckets, TTL, Object
Lock, that `Ref` of a secret is its ARN, and `Fn::Join` in conditions.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
"""

from ministack.services import dynamodb, kms, s3, secretsmanager
from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

ENCRYPTION = (
    "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>"
    "<KMSMasterKeyID>{}</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"
)


def install():
    for kind, complete in {"DynamoDB::Table": table, "S3::Bucket": bucket, "SecretsManager::Secret": secret}.items():
        handler = provisioners._RESOURCE_HANDLERS[f"AWS::{kind}"]
        handler["create"] = completed(handler["create"], complete)
    handler = provisioners._RESOURCE_HANDLERS["AWS::SecretsManager::Secret"]
    delete = handler["delete"]
    handler["delete"] = lambda arn, *more: delete(secretsmanager._resolve(arn)[0] or arn, *more)

    evaluate = engine._evaluate_conditions
    for module in (engine, changesets, handlers, stacks):
        if hasattr(module, "_evaluate_conditions"):
            module._evaluate_conditions = lambda template, values: evaluate(
                {**template, "Conditions": joined(template.get("Conditions", {}), values)}, values
            )


def joined(condition, values):
    """A condition with its joins of a parameter's parts done."""
    match condition:
        case {"Fn::Join": [between, {"Ref": name}]}:
            return between.join(str(values[name]["Value"]).split(","))
        case dict():
            return {name: joined(inner, values) for name, inner in condition.items()}
        case list():
            return [joined(inner, values) for inner in condition]
    return condition


def completed(create, complete):
    def create_completely(logical_id, properties, stack):
        name, attributes = create(logical_id, properties, stack)
        return complete(name, properties, attributes) or name, attributes

    return create_completely


def table(name, properties, _):
    found = dynamodb._sse_description_from_spec(properties.get("SSESpecification"))
    if found and (key := kms._resolve_key(found.get("KMSMasterKeyArn"))):
        dynamodb._tables[name]["SSEDescription"] = {**found, "KMSMasterKeyArn": key["Arn"]}
    if ttl := properties.get("TimeToLiveSpecification"):
        dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": {**ttl, "Enabled": True}})


def bucket(name, properties, _):
    for rule in properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", []):
        if key := rule.get("ServerSideEncryptionByDefault", {}).get("KMSMasterKeyID"):
            s3._bucket_encryption[name] = ENCRYPTION.format(key)
    if properties.get("ObjectLockEnabled"):
        rule = properties.get("ObjectLockConfiguration", {}).get("Rule", {}).get("DefaultRetention")
        rule = rule and {**rule, "Days": int(rule["Days"])}
        s3._bucket_object_lock[name] = {"enabled": True, "default_retention": rule}


def secret(_, properties, attributes):
    return attributes["Arn"]
