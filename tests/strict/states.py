"""What passes from one state to the next has at most 256 KiB, and an execution that breaks this ends, whatever it catches. So does
one with 25,000 events of history. Also tells which state machine waits by a task token.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html (States.DataLimitExceeded)
"""

import functools
import json
import threading

import calls
import grants
from ministack.services import stepfunctions

MOST = 256 * 1024
MOST_EVENTS = 25_000

_at_work = threading.local()
_waits = {}  # token -> state machine


def install():
    wait = stepfunctions._invoke_with_callback

    def waited(resource, given, token, state):
        _waits[token] = _at_work.machine
        return wait(resource, given, token, state)

    stepfunctions._invoke_with_callback = waited
    stepfunctions._add_event = counted(stepfunctions._add_event)
    for name in ("_execute_task", "_execute_map", "_execute_parallel"):
        setattr(stepfunctions, name, measured(getattr(stepfunctions, name)))


def who_waits(token):
    return _waits.get(token, "*")


def measured(execute):
    @functools.wraps(execute)
    def execute_measured(state, given, execution, context):
        _at_work.machine = execution["stateMachineArn"]
        answer = execute(state, given, execution, context)
        size = len(json.dumps(answer[0]).encode())
        if size > MOST:
            machine = execution["stateMachineArn"].rpartition(":")[2]
            grants.note_refusal(machine, "States.DataLimitExceeded", state.get("Resource", state["Type"]), f"{size} bytes")
            raise stepfunctions._ExecutionError("States.DataLimitExceeded", f"the state's output has {size} bytes, over 256 KiB")
        return answer

    return execute_measured


def counted(add):
    """An execution ends at its 25,000th event. How long histories become is written down beside the grants.
    https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html"""

    def add_counted(execution, kind, details=None):
        machine = execution["stateMachineArn"].rpartition(":")[2]
        if kind.endswith("StateEntered"):
            calls.add(machine, "transitions")
        if kind.startswith("Execution"):
            grants.write("history", machine, "events", len(execution["events"]) + 1)
        elif len(execution["events"]) >= MOST_EVENTS:
            grants.note_refusal(machine, "States.HistoryLimit", kind, f"{MOST_EVENTS} events")
            raise stepfunctions._ExecutionError("States.Runtime", "the execution has 25,000 events")
        return add(execution, kind, details)

    return add_counted
