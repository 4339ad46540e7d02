"""The template as CloudFormation will see it: the SAM transform hides defects from cfn-lint, so it is expanded first."""

import copy
import json
import sys

import cfnlint.api
from samtranslator.public.exceptions import InvalidDocumentException
from samtranslator.translator.transform import transform

from common import INFRA, TEMPLATE, fault


def expand(template):
    """The template as plain CloudFormation, with the state machines inside. Nothing, if it cannot be expanded."""
    template = copy.deepcopy(template)
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            properties["CodeUri"] = "s3://lint/code.zip"
        if "DefinitionUri" in properties:
            properties["Definition"] = json.loads((INFRA / properties.pop("DefinitionUri")).read_text())
    try:
        return transform(template, {}, ManagedPolicies(), passthrough_metadata=True)
    except InvalidDocumentException as error:
        fault(TEMPLATE, f"{error.message} {'; '.join(cause.message for cause in error.causes)}")
        return None


class ManagedPolicies:
    """AWS's managed policies, without asking AWS for them."""

    def load(self):
        return {}


# cfn-lint descends once for each line of a state machine.
sys.setrecursionlimit(10_000)

# cfn-lint splits the empty default of a list in a string, though a condition keeps it from being used.
EMPTY = ("W1033", "''")


def check(expanded):
    for match in cfnlint.api.lint(json.dumps(expanded, indent=1), config=cfnlint.api.ManualArgs(regions=["us-east-1"])):
        if match.rule.id == EMPTY[0] and EMPTY[1] in match.message:
            continue
        where = "/".join(str(part) for part in match.path or [])
        fault(TEMPLATE, f"{where}: {match.message} [{match.rule.id}]")
