"""So many invocations of a function run at once as this machine has cores for; the others wait. Who answers a client goes before
who works behind.

AWS starts an environment for each. Here that would be a process each, and fifty on two cores time out together.
"""

import os
import threading

from ministack.services import lambda_svc

CORES = os.cpu_count() or 1
# How many invocations per core of a function that answers clients.
MANY = 4
BEFORE_CLIENTS = ("Intake", "Collect", "Console")

_places = {}
_making = threading.Lock()


def places(function):
    with _making:
        many = MANY if any(name in function for name in BEFORE_CLIENTS) else 2
        return _places.setdefault(function, threading.Semaphore(many * CORES))


def install():
    execute = lambda_svc._execute_function_dispatch

    def executed(func, config, *more):
        with places(config["FunctionName"]):
            return execute(func, config, *more)

    lambda_svc._execute_function_dispatch = executed
