"""What every check needs: where things are, what was found wrong, and the states of a machine."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
INFRA = ROOT / "infra"
TEMPLATE = INFRA / "template.yaml"
PLACEHOLDER = re.compile(r"\$\{(\w+)\}")

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
