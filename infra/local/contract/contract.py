"""Holds the vendors' fixtures against the vendors' own OpenAPI documents, through Prism.

Unit tests hold that our client sends the calls of `fixtures/{vendor}.json`, byte for byte, and reads their replies.
Here each of these exchanges goes through two Prisms of the vendor's document:

- `proxy --errors`, before a server that gives the fixture's reply: neither the call nor the reply may violate it;
- `mock`, which answers by itself: it must take the call.

A call to a path that a document leaves out is counted, not judged. Of an error without a body (a gateway's, or a
retired path's) the call alone is judged, by `mock`.

The documents are not part of this repository: `make contract SPECS=folder`.
"""

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

HERE = Path(__file__).resolve().parent
FIXTURES = HERE.parents[2] / "shared/destinations/fixtures"
PRISM = HERE / "node_modules/.bin/prism"
# Each vendor's document, and the path of its server, which Prism leaves out.
SPECS = {
    "appsflyer": ("appsflyer-opendsr.json", ""),
    "intercom": ("intercom-2.16.yaml", ""),
    "iterable": ("iterable-patched.json", ""),
    "mixpanel": ("mixpanel-gdpr.openapi.yaml", "/api/app"),
    "klaviyo": ("klaviyo-request_profile_deletion.json", ""),
    "hubspot": ("hubspot-contacts-v3.json", ""),
    "customerio": ("customerio-patched.json", ""),
}


class Upstream(BaseHTTPRequestHandler):
    """Gives the reply that `server.reply` holds."""

    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        reply = self.server.reply
        empty = reply["status"] == 204 or reply["body"] is None
        body = b"" if empty else json.dumps(reply["body"]).encode()
        self.send_response(reply["status"])
        for name, value in reply.get("headers", {}).items():
            self.send_header(name, value)
        if body:
            self.send_header("content-type", self.server.kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do_PUT = answer

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def prism(*arguments):
    port = free_port()
    process = subprocess.Popen([PRISM, *arguments[:1], "-h", "127.0.0.1", "-p", str(port), *arguments[1:]],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"prism {' '.join(map(str, arguments))} ended by itself")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        time.sleep(0.1)
    process.kill()
    sys.exit("prism did not start")


def send(port, call, base):
    url = urlsplit(call["url"])
    path = url.path.removeprefix(base) + (f"?{url.query}" if url.query else "")
    body = json.dumps(call["json"]) if "json" in call else call.get("text", call.get("form"))
    kind = {"content-type": "application/json"} if "json" in call else {}
    headers = {"accept": "*/*", **kind, **call.get("headers", {})}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(call["method"], path, body, headers)
    reply = connection.getresponse()
    return reply.status, reply.read().decode(errors="replace")


def exchanges(fixture):
    """Every documented call with its reply; a case that leaves the call out has that of the success."""
    for name, exchange in [("check", fixture["check"])] + [(c["name"], c["exchange"]) for c in fixture["cases"]]:
        for number, entry in enumerate(exchange):
            if "reply" in entry and "call" in entry:
                yield f"{name}, {number + 1}", entry["call"], entry["reply"]


def violations(vendor, spec, base):
    fixture = json.loads((FIXTURES / f"{vendor}.json").read_text())
    upstream = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    upstream.kind = "application/vnd.api+json" if vendor == "klaviyo" else "application/json"
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    proxy, proxy_port = prism("proxy", "--errors", spec, f"http://127.0.0.1:{upstream.server_port}")
    mock, mock_port = prism("mock", spec)
    count, outside, found = 0, 0, []
    try:
        for place, call, reply in exchanges(fixture):
            upstream.reply = reply
            status, said = send(proxy_port, call, base)
            if "NO_PATH_MATCHED_ERROR" in said:
                outside += 1
                continue
            is_bare_error = reply["status"] >= 400 and reply["body"] is None
            if not is_bare_error and ("stoplight.io/prism" in said or status != reply["status"]):
                found.append(f"{vendor}: {place}: proxy {status}: {said[:600]}")
            count += 1
            status, said = send(mock_port, call, base)
            if "stoplight.io/prism" in said or status >= 400:
                found.append(f"{vendor}: {place}: mock {status}: {said[:600]}")
    finally:
        for process in (proxy, mock):
            process.terminate()
            process.wait()
        upstream.shutdown()
    if count == 0:
        found.append(f"{vendor}: its fixture has no exchange to hold against the document")
    return count, outside, found


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 and sys.argv[1] else None
    if folder is None or not folder.is_dir():
        sys.exit("Say where the vendors' OpenAPI documents are: make contract SPECS=folder")
    faults = []
    if not any((folder / name).exists() for name, _ in SPECS.values()):
        sys.exit(f"{folder} has none of these documents: {', '.join(name for name, _ in SPECS.values())}")
    for vendor, (name, base) in SPECS.items():
        spec = folder / name
        if not spec.exists():
            print(f"{vendor}: NOT HELD against its document: {name} is not in the folder")
            continue
        count, outside, found = violations(vendor, spec, base)
        print(f"{vendor}: {count} exchanges, {outside} outside the document, {len(found)} violations")
        faults += found
    for fault in faults:
        print(fault, file=sys.stderr)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
