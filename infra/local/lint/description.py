"""The API's description is valid OpenAPI 3.1, and each example in it is what its schema says."""

import json

from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from common import ROOT, fault

DESCRIPTION = ROOT / "functions/intake/openapi.json"


def check():
    document = json.loads(DESCRIPTION.read_text())
    for error in OpenAPIV31SpecValidator(document).iter_errors():
        fault(DESCRIPTION, f"{'/'.join(map(str, error.path))}: {error.message}")
    for path, schema, example in examples(document):
        validator = OAS31Validator({**schema, "components": document["components"]})
        for error in validator.iter_errors(example):
            fault(DESCRIPTION, f"{path}: the example does not fit its schema: {error.message}")


def examples(node, path=""):
    """Every example of a document: where it stands, its schema, itself."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from examples(item, f"{path}/{number}")
    elif isinstance(node, dict):
        schema = node.get("schema", node)
        if "example" in node and isinstance(schema, dict):
            yield path, schema, node["example"]
        if isinstance(node.get("examples"), list):
            yield from ((path, node, example) for example in node["examples"])
        for name, item in node.items():
            if name not in ("example", "examples"):
                yield from examples(item, f"{path}/{name}")
