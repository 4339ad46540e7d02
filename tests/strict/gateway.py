"""API Gateway's limits, in front of a function: 10 MB of body, 10,240 bytes of request line and headers, 30 seconds.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html

And its count of answers with 5xx, for the alarms.
"""

import asyncio
import json
import time

from alarms import Point
from concurrency import CORES, MANY
from ministack.services import apigateway

MOST_BODY = 10 * 1024 * 1024
MOST_HEADERS = 10_240
MOST_SECONDS = 30

failures = []
places = {}


def install():
    invoke = apigateway._invoke_lambda_proxy

    async def invoked(integration, api, stage, path, method, headers, body, *more, **others):
        if refused := refusal(method, path, headers, body):
            return refused
        # Its seconds count from here: in AWS nobody waits for a place.
        place = places.setdefault(integration.get("integrationUri"), asyncio.Semaphore(MANY * CORES))
        await place.acquire()
        # A function that is given up on goes on, as in AWS.
        work = asyncio.ensure_future(invoke(integration, api, stage, path, method, headers, body, *more, **others))
        work.add_done_callback(lambda _: place.release())
        done, _ = await asyncio.wait([work], timeout=MOST_SECONDS)
        answer = work.result() if done else said(503, "Service Unavailable")
        if answer[0] >= 500:
            failures.append(Point("AWS/ApiGateway", "5xx", time.time(), 1, {"ApiId": api}))
        return answer

    apigateway._invoke_lambda_proxy = invoked


def refusal(method, path, headers, body):
    line = len(f"{method} {path} HTTP/1.1")
    if line + sum(len(name) + len(str(value)) + 4 for name, value in headers.items()) > MOST_HEADERS:
        return said(431, "Request Header Fields Too Large")
    if len(body or b"") > MOST_BODY:
        return said(413, "Request Entity Too Large")
    return None


def said(status, message):
    return status, {"Content-Type": "application/json"}, json.dumps({"message": message}).encode()
