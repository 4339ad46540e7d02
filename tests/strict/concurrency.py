"""So many invocations of a function run at once as this machine has cores for; the others wait.

AWS starts an environment for each. Here that would be a process each, and fifty on two cores time out together.
"""

import os
import threading
from collections import defaultdict

from ministack.services import lambda_svc

AT_ONCE = 4 * (os.cpu_count() or 1)

_places = defaultdict(lambda: threading.Semaphore(AT_ONCE))


def install():
    execute = lambda_svc._execute_function_dispatch

    def executed(func, config, *more):
        with _places[config["FunctionName"]]:
            return execute(func, config, *more)

    lambda_svc._execute_function_dispatch = executed
