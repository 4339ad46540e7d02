"""What passes from one state to the next has at most 256 KiB, and an execution that breaks this ends, whatever it catches. So does
one with 25,000 events of history. Also tells which state machine waits by a task token.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html (States.DataLimitExceeded)

A branch of a Parallel state that fails ends the state at once, and its other branches with it: MiniStack waits for them.
https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html
"""

import contextvars
import functools
import json
import queue
import threading

import calls
import grants
from ministack.services import stepfunctions

MOST = 256 * 1024
MOST_EVENTS = 25_000

_at_work = threading.local()
_waits = {}  # token -> state machine

# Where a branch's context keeps whether the Parallel states around it are over.
OVER = "over"


def install():
    wait = stepfunctions._invoke_with_callback

    def waited(resource, given, token, state):
        _waits[token] = _at_work.machine
        return wait(resource, given, token, state)

    stepfunctions._invoke_with_callback = waited
    stepfunctions._add_event = counted(stepfunctions._add_event)
    stepfunctions._run_parallel_branches = run_branches
    for name in ("_execute_task", "_execute_map", "_execute_parallel"):
        setattr(stepfunctions, name, measured(getattr(stepfunctions, name)))


def who_waits(token):
    return _waits.get(token, "*")


def measured(execute):
    @functools.wraps(execute)
    def execute_measured(state, given, execution, context):
        _at_work.machine = execution["stateMachineArn"]
        if any(over.is_set() for over in context.get(OVER, ())):
            raise stepfunctions._ExecutionError("States.BranchStopped", "another branch failed")
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


def run_branches(state, given, execution, context):
    effective = stepfunctions._apply_parameters(state, stepfunctions._apply_input_path(state, given, context), context)
    ended, over = queue.Queue(), threading.Event()

    def run(place, branch, own):
        try:
            ended.put((place, stepfunctions._run_sub_machine(branch["States"], branch["StartAt"], effective, execution, own), None))
        except Exception as error:
            ended.put((place, None, error))

    branches = state["Branches"]
    for place, branch in enumerate(branches):
        own = {**context, OVER: (*context.get(OVER, ()), over)}
        threading.Thread(target=contextvars.copy_context().run, args=(run, place, branch, own), daemon=True).start()
    results = [None] * len(branches)
    for _ in branches:
        place, result, error = ended.get()
        if isinstance(error, stepfunctions._ExecutionError):
            over.set()
            raise error
        if error is not None:
            over.set()
            raise stepfunctions._ExecutionError("States.BranchFailed", str(error))
        results[place] = result
    output = stepfunctions._apply_result_path(state, given, stepfunctions._apply_result_selector(state, results))
    return stepfunctions._apply_output_path(state, output, context), stepfunctions._next_or_end(state)
