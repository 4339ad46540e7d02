"""Which grants of the template no test uses: `python tests/strict/report.py target/strict`, after the whole suite.

Each that stays is explained in `unused.json`: by function, then action, the reason. Some of those are used by chance.
"""

import json
import re
import sys
from pathlib import Path

EXPLAINED = Path(__file__).parent / "unused.json"
ROLE = re.compile(r"-(\w+?)FunctionRole")
# What a deployment puts into names, and the values of a parameter that is a list, which stand for each other.
PLAIN = (
    (re.compile(r"\btest\d+(?:-archive-\*|-)?"), lambda found: "archive" if "archive" in found[0] else ""),
    (re.compile(r"-[A-Fa-f0-9]{13}(?:-[0-9a-f]{6})?(?=$|[/*]|\.fifo$)|(?<=key/)[0-9a-f-]{36}"), ""),
    (re.compile(r"^arn:aws:redshift:.*"), "RedshiftTargets"),
)


def read(folder):
    """The grants of all runs, and those that were used: function, action, resource."""
    found = {"granted": set(), "used": set()}
    longest = {}
    for file in Path(folder).glob("*.jsonl"):
        for line in file.read_text().splitlines():
            what, role, action, resource = json.loads(line)
            if what == "history":
                machine = role.partition("-")[2]
                longest[machine] = max(resource, longest.get(machine, 0))
            elif function := ROLE.search(role):
                found[what].add((function[1], action, plain(resource)))
    return found["granted"], found["used"], longest


def plain(resource):
    for pattern, instead in PLAIN:
        resource = pattern.sub(instead, resource)
    return resource


def main(folder):
    granted, used, longest = read(folder)
    for machine, events in sorted(longest.items()):
        print(f"{machine}: the longest history has {events} of 25,000 events")
    explained = json.loads(EXPLAINED.read_text())
    faults = 0
    for function, action, resource in sorted(granted - used):
        reason = explained.get(function, {}).get(action)
        faults += reason is None
        print(f"{function}: {action} on {resource} was not used: {reason or 'remove it, or say why in unused.json'}")
    for function, actions in explained.items():
        for action in actions:
            if not any(grant[:2] == (function, action) for grant in granted):
                faults += 1
                print(f"{function}: {action} is not granted: take it out of unused.json")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
