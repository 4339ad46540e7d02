"""Who uses which grant, and who is refused what."""

import json
import os
from itertools import product
from pathlib import Path

from ministack.core import iam_evaluator as iam
from ministack.services import iam as iam_service

# One line a grant and a use, as they are seen: `report.py` reads the files of a whole suite.
USES = Path(os.environ["STRICT_USES"]) if "STRICT_USES" in os.environ else None

_parsed = {}  # a role and its documents -> what they say
_written = set()
_refusals = []
_expected = []


def policies_of(role, account):
    """What MiniStack reads anew for every request, read once as long as it stays."""
    own, managed = parsed(role, account)
    return own + managed


def parsed(role, account):
    """The policies of a role's own, and those of AWS that are attached to it: statements, policy by policy."""
    found = iam_service._roles.get_scoped(account, None, role) or {}
    own, attached = list((found.get("InlinePolicies") or {}).values()), found.get("AttachedPolicies", [])
    key = (role, account, *map(id, own), *attached)
    if key not in _parsed:
        statements = [iam.parse_policy_document(document) for document in own]
        managed = [iam._resolve_managed_policy_document(arn, account) for arn in attached]
        # The documents are kept with what they say, so that nothing else gets their ids.
        _parsed[key] = statements, [iam.parse_policy_document(document) for document in managed if document], own
        for statement in allowing(statements):
            for action, resource in product(statement.actions, statement.resources):
                write("granted", role, action, resource)
    return _parsed[key][:2]


def allowing(policies):
    return (statement for policy in policies for statement in policy if statement.effect == "Allow")


def note_use(role, asked):
    """Writes down which grants allow this. Each of several that do counts as used."""
    own, _ = parsed(role, asked.principal_account)
    for statement in allowing(own):
        actions = [action for action in statement.actions if iam.fnmatch_iam(asked.action, action)]
        resources = [resource for resource in statement.resources if iam.fnmatch_iam_cs(asked.resource_arn, resource)]
        if actions and resources and iam._conditions_met(statement.conditions, asked):
            for action, resource in product(actions, resources):
                write("used", role, action, resource)


def write(what, role, action, resource):
    line = (what, role, action, resource)
    if USES and line not in _written:
        _written.add(line)
        with USES.open("a") as file:
            file.write(json.dumps(line) + "\n")


def note_refusal(role, action, resource, why):
    found = {"role": role, "action": action, "resource": resource, "why": why}
    if found not in _refusals:
        _refusals.append(found)
        print("strict: refused", json.dumps(found), flush=True)


def expect(stack, text):
    _expected.append((stack, text))


def refusals(stack):
    """What was refused to a stack's functions: roles have its name in theirs."""
    expected = [text for name, text in _expected if name == stack]
    of_stack = [found for found in _refusals if found["role"].startswith(f"{stack}-")]
    return [found for found in of_stack if not any(text in json.dumps(found) for text in expected)]
