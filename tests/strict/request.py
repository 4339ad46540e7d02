"""One request, and how a refusal looks on the wire."""

import contextvars
import json
from dataclasses import dataclass

# The request that is being answered: the evaluator is only told its action and resource.
current = contextvars.ContextVar("request")


@dataclass
class Request:
    service: str
    method: str
    path: str
    headers: dict
    query: dict
    body: bytes

    @property
    def target(self):
        """The operation of a service that speaks JSON."""
        return self.headers.get("x-amz-target", "").rpartition(".")[2]

    @property
    def json(self):
        try:
            found = json.loads(self.body or b"{}")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def bucket(self):
        return self.path.lstrip("/").partition("/")[0] if self.service == "s3" else ""

    @property
    def key(self):
        return self.path.lstrip("/").partition("/")[2] if self.service == "s3" else ""


@dataclass
class Refusal:
    code: str
    message: str
    status: int = 400

    def answer(self, service):
        if service == "s3":
            text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{self.code}</Code><Message>{self.message}</Message></Error>'
            return self.status, {"Content-Type": "application/xml"}, text.encode()
        body = json.dumps({"__type": self.code, "message": self.message, "Message": self.message}).encode()
        return self.status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": self.code}, body
