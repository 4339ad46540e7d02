"""What passes from one state to the next has at most 256 KiB, and an execution that breaks this ends, whatever it catches. Also
tells which state machine waits by a task token.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html (States.DataLimitExceeded)
"""

import functools
import json
import threading

import grants
from ministack.services import stepfunctions

MOST = 256 * 1024


_at_work = threading.local()
_waits = {}  # token -> state machine


def install():
    wait = stepfunctions._invoke_with_callback

    def waited(resource, given, token, state):
        _waits[token] = _at_work.machine
        return wait(resource, given, token, state)

    stepfunctions._invoke_with_callback = waited
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
