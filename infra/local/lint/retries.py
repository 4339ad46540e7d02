"""Every Retry block is one of the policies in infra/retries.json, by value. ASL cannot refer to a block elsewhere, so
the two files repeat them, and this keeps the copies alike.

The fields: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
"""

import json
from difflib import SequenceMatcher

from common import INFRA, fault, states

POLICIES = INFRA / "retries.json"
# An invocation that found no free slot: a wait, not a fault, and so no reason to give the item up.
# https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html
THROTTLED = "Lambda.TooManyRequestsException"


def load():
    """The policies by name, checked for what they need."""
    policies = json.loads(POLICIES.read_text())
    by_value = {}
    for name, policy in policies.items():
        if set(policy) != {"why", "retry"} or not policy["why"].strip():
            fault(POLICIES, f"'{name}' needs 'why' and 'retry', and nothing else")
        other = by_value.setdefault(text(policy.get("retry")), name)
        if other != name:
            fault(POLICIES, f"'{name}' and '{other}' are the same: keep one")
    return {name: policy.get("retry", []) for name, policy in policies.items()}


def check(machines):
    """`machines` are the files with their definitions."""
    policies = load()
    names = {text(retry): name for name, retry in policies.items()}
    used = set()
    for file, machine in machines:
        pooled = dict(states_of_distributed_maps(machine))
        for path, state in states(machine):
            if "Retry" not in state:
                continue
            name = names.get(text(state["Retry"]))
            used.add(name)
            if not name:
                near = nearest(state["Retry"], policies)
                fault(
                    file,
                    f"the Retry of '{path}' is no policy of infra/retries.json. The nearest is '{near}': "
                    f"{difference(state['Retry'], policies[near])}",
                )
            elif path in pooled and not any(THROTTLED in retrier["ErrorEquals"] for retrier in state["Retry"]):
                fault(file, f"'{path}' runs in a Distributed Map and retries '{name}': it must wait for {THROTTLED}")
    for name in sorted(set(policies) - used):
        fault(POLICIES, f"no state uses '{name}': remove it")


def states_of_distributed_maps(machine):
    """The states of which many run at once."""
    for path, state in states(machine):
        processor = state.get("ItemProcessor", {})
        if processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
            yield from states(processor, f"{path} > ")


def text(retry):
    return json.dumps(retry, sort_keys=True)


def nearest(retry, policies):
    return max(policies, key=lambda name: SequenceMatcher(None, text(retry), text(policies[name])).ratio())


def difference(ours, policy):
    """Where a block and a policy part, field by field."""
    if len(ours) != len(policy):
        return f"it has {len(policy)} retriers, the state {len(ours)}"
    parts = []
    for number, (here, there) in enumerate(zip(ours, policy)):
        for field in sorted({*here, *there}):
            if here.get(field) != there.get(field):
                parts.append(f"retrier {number} has {field} {here.get(field)}, there it is {there.get(field)}")
    return "; ".join(parts)
