"""The state machines: two checkers read them, since each finds faults the other does not; what those cannot know is
checked here."""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from common import INFRA, PLACEHOLDER, fault, states

BIN = Path(sys.executable).parent
# What must never stand in a state, its parameters or its result: identifiers of people. Ids and counts only.
PRIVATE = re.compile(r"subjectIds?\b|subjects\b", re.IGNORECASE)
# statelint does not know this field, which every ItemReader needs.
STATELINT_GAP = re.compile(r' Field "InputType" not allowed in .*ItemReader\.ReaderConfig$')


def check(file, machine, substitutions):
    check_states(file, machine, substitutions)
    check_with_tools(file, machine)


def check_states(file, machine, substitutions):
    text = json.dumps(machine)
    used = set(PLACEHOLDER.findall(text))
    for name in sorted(used - set(substitutions)):
        fault(file, f"${{{name}}} has no value: add it to DefinitionSubstitutions in infra/template.yaml")
    for name in sorted(set(substitutions) - used):
        fault(file, f"${{{name}}} is not used: remove it from DefinitionSubstitutions in infra/template.yaml")
    for name, value in substitutions.items():
        if name.endswith("Function") and value != {"Ref": f"{name}.Version"}:
            fault(file, f"{name} is not !Ref {name}.Version: an execution must end with the code that it began with")
    for path, state in states(machine):
        if state["Type"] == "Task":
            for field in ("TimeoutSeconds", "Retry", "Catch"):
                if field not in state and f"{field}Path" not in state:
                    fault(file, f"the task '{path}' has no {field}: add it")
        own = {key: value for key, value in state.items() if key not in ("Branches", "ItemProcessor", "Iterator")}
        if found := PRIVATE.search(path.rsplit("> ")[-1]) or PRIVATE.search(json.dumps({**own, "Comment": ""})):
            fault(file, f"'{path}' carries {found.group()}: the history is kept for 90 days; pass ids and counts")


def plausible(name):
    known = {"Partition": "aws", "PurgeConcurrency": "5"}
    return known.get(name, f"arn:aws:lambda:us-east-1:123456789012:function:{name}")


def check_with_tools(file, machine):
    """asl-validator and statelint, on the definition with plausible values for its placeholders."""
    text = PLACEHOLDER.sub(lambda found: plausible(found.group(1)), json.dumps(machine))
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
