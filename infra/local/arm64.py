"""Tries what `make build` made as far as this machine can: sizes and symbols of the arm64 zips, and each program started under
QEMU against a small runtime API, with its sample event (functions/*/event.json).

arm64.py [FOLDER]; without QEMU it says so, and holds sizes and symbols alone. `--start` makes that an error.

Lambda's runtime API: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
50 MB a zip, 250 MB unpacked: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
glibc 2.34 in Amazon Linux 2023: https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MB = 1024 * 1024
GLIBC = (2, 34)
AARCH64 = 183
# Where Debian's libc6-arm64-cross and libgcc-s1-arm64-cross put what the programs are linked with.
SYSROOT = "/usr/aarch64-linux-gnu"
QEMU = shutil.which("qemu-aarch64") or shutil.which("qemu-aarch64-static")
MISSING = f"nothing was started: on Debian, apt install qemu-user libc6-arm64-cross libgcc-s1-arm64-cross ({SYSROOT})"
SECONDS = 120


def check_file(path):
    """What is wrong with a zip, and its program."""
    faults = []
    if path.stat().st_size > 50 * MB:
        faults.append(f"the zip has {path.stat().st_size / MB:.1f} MB, over 50")
    program = zipfile.ZipFile(path).read("bootstrap")
    if len(program) > 250 * MB:
        faults.append(f"the program has {len(program) / MB:.1f} MB, over 250")
    if program[:4] != b"\x7fELF" or int.from_bytes(program[18:20], "little") != AARCH64:
        faults.append("the program is not for arm64")
    # Versions of symbols are plain texts.
    needed = max(((int(a), int(b)) for a, b in re.findall(rb"GLIBC_(\d+)\.(\d+)", program)), default=(0, 0))
    if needed > GLIBC:
        faults.append(f"it needs glibc {needed[0]}.{needed[1]}; Amazon Linux 2023 has {GLIBC[0]}.{GLIBC[1]}")
    return faults, program, f"{path.stat().st_size / MB:5.1f} MB, glibc {needed[0]}.{needed[1]}"


class Runtime(ThreadingHTTPServer):
    """One event for a program, and an AWS that knows secrets and denies all else."""

    def __init__(self, event):
        super().__init__(("127.0.0.1", 0), Handler)
        self.event, self.said, self.asked = json.dumps(event).encode(), threading.Event(), False
        self.kind, self.answer = "nothing", b""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        if not self.path.endswith("/invocation/next"):
            self.do_POST()
            return
        if server.asked:  # There is no other event.
            server.said.wait(SECONDS)
            self.close_connection = True
            return
        server.asked = True
        deadline = str(int((time.time() + SECONDS) * 1000))
        arn = "arn:aws:lambda:us-east-1:000000000000:function:sample"
        self.send(200, server.event, {
            "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "Lambda-Runtime-Deadline-Ms": deadline, "Lambda-Runtime-Invoked-Function-Arn": arn,
        })  # fmt: skip

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if "/runtime/" in self.path:
            self.server.kind, self.server.answer = self.path.rpartition("/")[2], body
            self.send(202, b"{}")
            self.server.said.set()
        elif self.headers.get("X-Amz-Target", "").endswith("GetSecretValue"):
            self.send(200, b'{"Name":"sample","SecretString":"%s"}' % (b"0" * 64))
        else:
            self.send(400, b'{"__type":"AccessDeniedException","message":"nobody is here"}')

    do_PUT = do_DELETE = do_HEAD = do_POST

    def send(self, status, body, headers=()):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def variables(function):
    """What the template gives to a function, with its name as every value that is no text."""
    from samtranslator.yaml_helper import yaml_parse

    template = yaml_parse((ROOT / "infra/template.yaml").read_text())
    logical = "".join(word.capitalize() for word in function.split("-")) + "Function"
    own = template["Resources"][logical]["Properties"].get("Environment", {}).get("Variables", {})
    both = {**template["Globals"]["Function"]["Environment"]["Variables"], **own}
    parameters = {name: str(one.get("Default", "")) for name, one in template["Parameters"].items()}
    values = {}
    for name, value in both.items():
        reference = value.get("Ref") if isinstance(value, dict) else None
        values[name] = parameters.get(reference, "sample") if isinstance(value, dict) else value
    return values


def start(function, program, command):
    """What became of the sample event: an answer or an error of the function's own. And how long it took."""
    runtime = Runtime(json.loads((ROOT / "functions" / function / "event.json").read_text()))
    threading.Thread(target=runtime.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{runtime.server_port}"
    environment = {
        **variables(function), "AWS_LAMBDA_RUNTIME_API": host, "AWS_ENDPOINT_URL": f"http://{host}", "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "sample", "AWS_SECRET_ACCESS_KEY": "sample", "AWS_LAMBDA_FUNCTION_NAME": function,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_LOG_GROUP_NAME": "sample",
        "AWS_LAMBDA_LOG_STREAM_NAME": "sample", "AWS_EC2_METADATA_DISABLED": "true", "PATH": os.environ["PATH"],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        bootstrap = Path(folder) / "bootstrap"
        bootstrap.write_bytes(program)
        bootstrap.chmod(0o755)
        begin = time.time()
        output = open(Path(folder) / "log", "w+")
        process = subprocess.Popen([*command, bootstrap], env=environment, stdout=output, stderr=output)
        while not runtime.said.wait(0.1) and process.poll() is None and time.time() < begin + SECONDS:
            pass
        process.kill()
        process.wait()
        output.seek(0)
        log = output.read()
    runtime.shutdown()
    told = f"{runtime.kind} after {time.time() - begin:.1f} s: {runtime.answer.decode(errors='replace')[:90]}"
    clean = runtime.kind == "response" or (runtime.kind == "error" and b"errorType" in runtime.answer and "panicked" not in log)
    return (None if clean else f"{told}\n{log[-600:]}"), told


def main(folder="target/lambda", must_start=False):
    command = [QEMU, "-L", SYSROOT] if QEMU and Path(SYSROOT).exists() else None
    functions = sorted(path.parent.name for path in (ROOT / "functions").glob("*/Cargo.toml"))
    wrong = 0
    for function in functions:
        path = Path(folder) / function / "bootstrap.zip"
        if not path.exists():
            faults, told = [f"{path} is missing: run make build"], ""
        else:
            faults, program, told = check_file(path)
            if command and not faults:
                fault, became = start(function, program, command)
                faults, told = [fault] if fault else [], f"{told}, {became}"
        wrong += bool(faults)
        print(f"{function:<10} {'; '.join(faults) or told}", flush=True)
    if not command:
        print(MISSING, file=sys.stderr)
    return bool(wrong) or (must_start and not command)


if __name__ == "__main__":
    folders = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    sys.exit(main(*folders, must_start="--start" in sys.argv))
