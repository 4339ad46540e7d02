"""Checks what is no Rust: the template as CloudFormation will see it, the state machines, the API's description.

The SAM transform hides defects from cfn-lint, so the template is expanded first. Two checkers read the state
machines, since each finds faults the other does not; what they cannot know is checked here.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import cfnlint.api
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from samtranslator.public.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
TEMPLATE = INFRA / "template.yaml"
DESCRIPTION = ROOT / "functions/intake/openapi.json"
BIN = Path(sys.executable).parent
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")
# What must never stand in a state, its parameters or its result: identifiers of people. Ids and counts only.
PRIVATE = re.compile(r"subjectIds?\b|subjects\b", re.IGNORECASE)
# statelint does not know this field, which every ItemReader needs.
STATELINT_GAP = re.compile(r' Field "InputType" not allowed in .*ItemReader\.ReaderConfig$')

faults = []


def fault(file, message):
    faults.append(f"{Path(file).relative_to(ROOT)}: {message}")


def machines(template):
    """Every state machine of the template: its name there, its file, its substitutions."""
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::StateMachine":
            properties = resource["Properties"]
            yield name, INFRA / properties["DefinitionUri"], properties.get("DefinitionSubstitutions", {})


def states(machine, path=""):
    """Every state of a machine, those inside Parallel and Map too, with the path to it."""
    for name, state in machine.get("States", {}).items():
        yield f"{path}{name}", state
        inner = [*state.get("Branches", []), state.get("ItemProcessor", {}), state.get("Iterator", {})]
        for sub in inner:
            yield from states(sub, f"{path}{name} > ")


def check_states(file, machine, substitutions):
    text = json.dumps(machine)
    used = set(PLACEHOLDER.findall(text))
    for name in sorted(used - set(substitutions)):
        fault(file, f"${{{name}}} has no value: add it to DefinitionSubstitutions in infra/template.yaml")
    for name in sorted(set(substitutions) - used):
        fault(file, f"${{{name}}} is not used: remove it from DefinitionSubstitutions in infra/template.yaml")
    for path, state in states(machine):
        if state["Type"] == "Task":
            for field in ("TimeoutSeconds", "Retry", "Catch"):
                if field not in state and f"{field}Path" not in state:
                    fault(file, f"the task '{path}' has no {field}: add it")
        own = {key: value for key, value in state.items() if key not in ("Branches", "ItemProcessor", "Iterator")}
        if found := PRIVATE.search(path.rsplit("> ")[-1]) or PRIVATE.search(json.dumps({**own, "Comment": ""})):
            fault(file, f"'{path}' carries {found.group()}: the history is kept for 90 days; pass ids and counts")


def check_with_tools(file, machine):
    """asl-validator and statelint, on the definition with plausible values for its placeholders."""
    text = PLACEHOLDER.sub(lambda m: f"arn:aws:lambda:us-east-1:123456789012:function:{m.group(1)}", json.dumps(machine))
    with tempfile.NamedTemporaryFile("w", suffix=".asl.json") as copy:
        copy.write(text)
        copy.flush()

        def run(program, *arguments):
            result = subprocess.run([program, *arguments, copy.name], capture_output=True, text=True)
            return result.returncode, (result.stdout + result.stderr).replace(copy.name, "")

        code, said = run(INFRA / "local/node_modules/.bin/asl-validator", "--json-path")
        if code:
            fault(file, f"asl-validator: {said.strip()}")
        code, said = run(BIN / "statelint")
        if code and not said.strip():
            fault(file, f"statelint failed with {code}")
        for line in said.splitlines()[1:]:  # the first counts them
            if not STATELINT_GAP.match(line):
                fault(file, f"statelint: {line.strip()}")


def expand(template):
    """The template as plain CloudFormation, with the state machines inside."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = "s3://lint/code.zip"
        if "DefinitionUri" in properties:
            properties["Definition"] = json.loads((INFRA / properties.pop("DefinitionUri")).read_text())
    return transform(template, {}, ManagedPolicies(), passthrough_metadata=True)


class ManagedPolicies:
    """AWS's managed policies, without asking AWS for them."""

    def load(self):
        return {}


def check_template(template):
    try:
        expanded = expand(template)
    except InvalidDocumentException as error:
        fault(TEMPLATE, f"{error.message} {'; '.join(cause.message for cause in error.causes)}")
        return
    for match in cfnlint.api.lint(json.dumps(expanded, indent=1), config=cfnlint.api.ManualArgs(regions=["us-east-1"])):
        where = "/".join(str(part) for part in match.path or [])
        fault(TEMPLATE, f"{where}: {match.message} [{match.rule.id}]")


def check_description():
    """The API's description is valid OpenAPI 3.1, and each example in it is what its schema says."""
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


def main():
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"  # the transform asks for one
    template = yaml_parse(TEMPLATE.read_text())
    for name, file, substitutions in machines(template):
        try:
            machine = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            fault(file, f"cannot be read: {error}")
            continue
        check_states(file, machine, substitutions)
        check_with_tools(file, machine)
    check_description()
    if not faults:
        check_template(template)
    for line in faults:
        print(line, file=sys.stderr)
    sound = "infra: the template, the state machines and the API's description are sound"
    print(f"infra: {len(faults)} fault(s)" if faults else sound)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
