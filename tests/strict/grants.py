"""Who uses which grant, and who is refused what."""

import json
import os
from pathlib import Path

from ministack.core import iam_evaluator as iam
from ministack.services import iam as iam_service

# One line a grant and a use, as they are seen: `report.py` reads the files of a whole suite.
USES = Path(os.environ["STRICT_USES"]) if "STRICT_USES" in os.environ else None

_parsed = {}  # a role and its documents -> their statements
_seen = set()
_refusals = []
_expected = []


def documents(role):
    """A role's policies of its own, and those of AWS that are attached."""
    found = iam_service._roles.get_scoped(iam_account(), None, role) or {}
    return list((found.get("InlinePolicies") or {}).values()), list(found.get("AttachedPolicies", []))


def iam_account():
    from ministack.core.responses import get_account_id

    return get_account_id()


def policies_of(role, account):
    """What MiniStack reads anew for every request, read once as long as it stays."""
    own, attached = documents(role)
    # The documents are kept with their statements, so that nothing else gets their ids.
    key = (role, account, *map(id, own), *attached)
    if key not in _parsed:
        statements = [iam.parse_policy_document(document) for document in own]
        managed = [iam._resolve_managed_policy_document(arn, account) for arn in attached]
        _parsed[key] = (own, statements, [iam.parse_policy_document(document) for document in managed if document])
        for statement in (one for document in statements for one in document if one.effect == "Allow"):
            for action in statement.actions:
                for resource in statement.resources:
                    write("granted", role, action, resource)
    _, statements, managed = _parsed[key]
    return statements + managed


def note_use(role, user, action, resource, context):
    """Writes down which grants allow this. Each of several that do counts as used."""
    if (role, action, resource) in _seen:
        return
    _seen.add((role, action, resource))
    keys = {name.lower(): value for name, value in (context or {}).items()}
    ask = iam.EvalContext("", "AssumedRole", iam_account(), action, resource, "", service_context=keys, principal_keys={"aws:userid": user})
    own, _ = documents(role)
    for statement in (one for document in own for one in iam.parse_policy_document(document) if one.effect == "Allow"):
        if not iam._conditions_met(statement.conditions, ask):
            _seen.discard((role, action, resource))
            continue
        for granted in (a for a in statement.actions if iam.fnmatch_iam(action, a)):
            for on in (r for r in statement.resources if iam.fnmatch_iam_cs(resource, r)):
                write("used", role, granted, on)


def write(what, role, action, resource):
    line = json.dumps([what, role, action, resource])
    if USES and line not in _seen:
        _seen.add(line)
        with USES.open("a") as file:
            file.write(line + "\n")


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
