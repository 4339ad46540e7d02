"""Each API logs who was answered what, and nothing that can be an identifier of a person.

A path may hold one (Segment's own `/v1/…` and what a client makes up), so may a query string, an error's text, and the
address and browser of whoever calls: an access log is kept for months and is no place to be erased from. The route is
a constant of the template.
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
"""

import json
import re

from common import TEMPLATE, fault

HARMLESS = {
    "requestId", "requestTime", "httpMethod", "routeKey", "protocol", "stage", "status", "responseLength",
    "responseLatency", "integrationLatency", "integration.status", "error.responseType",
}  # fmt: skip
VARIABLE = re.compile(r"\$context\.([\w.]+)")


def check(template):
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::ApiGatewayV2::Stage":
            continue
        settings = resource["Properties"].get("AccessLogSettings", {})
        used = set(VARIABLE.findall(json.dumps(settings.get("Format", ""))))
        if "requestId" not in used or "DestinationArn" not in settings:
            fault(TEMPLATE, f"{name} keeps no access log: it needs AccessLogSettings, and $context.requestId in them")
        for variable in sorted(used - HARMLESS):
            fault(TEMPLATE, f"{name} logs $context.{variable}, which may hold an identifier")
