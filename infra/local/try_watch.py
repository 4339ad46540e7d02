"""Tries `make watch` with some functions and their sample events (functions/*/event.json), on the local stack.

try_watch.py intake suppress …; each is built first, which takes minutes the first time.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
URL = "http://127.0.0.1:9000/2015-03-31/functions/{}/invocations"
MINUTES = 20


def invoke(function):
    """What a function answers to its sample event; nothing, as long as it is built."""
    event = (ROOT / "functions" / function / "event.json").read_bytes()
    try:
        with urllib.request.urlopen(URL.format(function), event, timeout=60 * MINUTES) as reply:
            return json.load(reply)
    except urllib.error.HTTPError as error:
        body = error.read()
        return json.loads(body) if b"errorType" in body else None
    except OSError:
        return None


def watched(function):
    watch = subprocess.Popen(["make", "--no-print-directory", "watch", f"FN={function}"], cwd=ROOT, start_new_session=True)
    try:
        end = time.time() + 60 * MINUTES
        while time.time() < end and watch.poll() is None:
            if (answer := invoke(function)) is not None:
                return answer
            time.sleep(1)
    finally:
        os.killpg(watch.pid, signal.SIGINT)
        try:
            watch.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(watch.pid, signal.SIGKILL)
    return None


def main(*functions):
    if not (ROOT / ".local/stack.env").exists():
        print("Start the local stack first: make up", file=sys.stderr)
        return 1
    silent = 0
    for function in functions:
        answer = watched(function)
        silent += answer is None
        print(f"{function}: {json.dumps(answer)[:200]}", flush=True)
    return bool(silent)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
