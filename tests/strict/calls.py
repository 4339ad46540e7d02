"""How much the functions and state machines of a stack use, in the units that AWS bills: `GET /_strict/calls/{stack}`. Sizes and
indexes are not counted.

https://aws.amazon.com/dynamodb/pricing/on-demand/, https://aws.amazon.com/s3/pricing/
"""

from collections import Counter

_counts = {}  # stack -> unit -> how many


def add(name, unit, many=1):
    """Roles and state machines have their stack's name before the first hyphen."""
    _counts.setdefault(name.partition("-")[0], Counter())[unit] += many


def of(stack):
    return _counts.get(stack, {})


def note(role, request):
    if "IntakeFunction" in role:  # It answers as often as somebody asks.
        return
    match request.service:
        case "dynamodb":
            for unit, many in in_dynamodb(request.target, request.json):
                add(role, unit, many)
        case "s3" if request.method != "DELETE":
            listed = not request.key and request.method == "GET"
            add(role, "lists" if listed else "gets" if request.method in ("GET", "HEAD") else "puts")
        case "kms" | "secretsmanager" | "states" | "sqs" | "lambda":
            add(role, request.service)


def in_dynamodb(target, asked):
    match target:
        case "GetItem" | "Query" | "Scan":
            yield "reads", 1
        case "BatchGetItem":
            yield "reads", sum(len(table["Keys"]) for table in asked["RequestItems"].values())
        case "PutItem" | "UpdateItem" | "DeleteItem":
            yield "writes", 1
        case "BatchWriteItem":
            yield "writes", sum(map(len, asked["RequestItems"].values()))
        case "TransactWriteItems":
            yield "writes", 2 * len(asked["TransactItems"])
        case "TransactGetItems":
            yield "reads", 2 * len(asked["TransactItems"])
