"""A state waits for the function it calls a little longer than the function may run, and no more.

Shorter, and it would call again while the first still works; much longer, and a lost answer would hold the state for
nothing. https://docs.aws.amazon.com/step-functions/latest/dg/sfn-stuck-execution.html
"""

from common import PLACEHOLDER, TEMPLATE, fault, states

INVOKE = ":states:::lambda:invoke"
# How much longer: what the call itself may take.
MARGIN = 60


def check(template, machines):
    default = template["Globals"]["Function"]["Timeout"]
    for file, machine in machines:
        for path, state in states(machine):
            if state["Type"] != "Task" or not state["Resource"].endswith(INVOKE):
                continue
            [function] = PLACEHOLDER.findall(state["Parameters"]["FunctionName"])
            if function not in template["Resources"]:
                fault(file, f"'{path}' calls {function}, which {TEMPLATE.name} does not have")
                continue
            longest = template["Resources"][function]["Properties"].get("Timeout", default)
            given = state.get("TimeoutSeconds", 0)
            if not longest < given <= longest + MARGIN:
                fault(
                    file,
                    f"'{path}' has TimeoutSeconds {given}, but {function} runs for {longest} s at most: "
                    f"say more than that, and {longest + MARGIN} at most",
                )
