"""What runs many at once is bounded by a parameter, so that a purge leaves the account's concurrency to the doors.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html: all functions of an account and region share one
quota, 1,000 at most at first and 10 in some new accounts.
"""

from common import TEMPLATE, fault, states

LIMIT = "PurgeConcurrency"
RESERVED = "PurgeReservedConcurrency"


def check(template, machines):
    for file, machine in machines:
        for path, state in states(machine):
            if state.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") != "DISTRIBUTED":
                continue
            if "MaxConcurrency" in state or "MaxConcurrencyPath" not in state:
                fault(file, f"'{path}' must take MaxConcurrencyPath, from the parameter {LIMIT}: not a number of its own")
    parameters = template["Parameters"]
    for name in (LIMIT, RESERVED):
        if name not in parameters:
            fault(TEMPLATE, f"the parameter {name} is missing")
    purge = template["Resources"]["PurgeFunction"]["Properties"]
    if RESERVED not in str(purge.get("ReservedConcurrentExecutions", "")):
        fault(TEMPLATE, f"PurgeFunction: ReservedConcurrentExecutions must be {RESERVED}")
    substitutions = template["Resources"]["PurgeRunStateMachine"]["Properties"]["DefinitionSubstitutions"]
    if LIMIT not in str(substitutions.get(LIMIT, "")):
        fault(TEMPLATE, f"PurgeRunStateMachine: DefinitionSubstitutions must hand {LIMIT} to the state machine")
