"""Sends events with Segment's own Python SDK, unmodified: only the host is another. `ROUND` events for each user; then
again once a line comes in; and, a while later, once more. Says `sent` after each. Exits with 0 if all were taken."""

import os
import sys
import time

from segment.analytics.client import Client

users, rounds = int(os.environ["USERS"]), int(os.environ["ROUND"])
errors = []
client = Client(
    os.environ["WRITE_KEY"],
    host=os.environ["COLLECT_URL"],
    timeout=120,
    on_error=lambda error, events: errors.append(f"{error}: {len(events)} events"),
)


def send(number):
    for event in range(rounds):
        for user in range(users):
            client.track(f"python-{user}", f"python-{user}-{number}-{event}", {"round": number})
    client.flush()
    print("sent", flush=True)


send(0)
sys.stdin.readline()
send(1)
time.sleep(1.5)
send(2)
client.shutdown()
sys.exit("; ".join(errors) or 0)
