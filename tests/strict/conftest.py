"""A strict local AWS of the tests' own, and what several tests share in it."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest
from asking import REGION, Aws, allow, make

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def aws():
    with socket.socket() as free, tempfile.TemporaryDirectory() as folder:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        url = f"http://127.0.0.1:{port}"
        environment = {
            **os.environ, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "TMPDIR": folder, "S3_DATA_DIR": f"{folder}/s3",
            "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION,
            "STRICT_USES": f"{folder}/uses.jsonl",
        }  # fmt: skip
        with open(f"{folder}/log", "w") as log:
            server = subprocess.Popen([sys.executable, HERE], env=environment, cwd=folder, stdout=log, stderr=log)
        try:
            for _ in range(600):
                try:
                    urllib.request.urlopen(f"{url}/_ministack/health")
                    break
                except OSError:
                    time.sleep(0.1)
            yield Aws(url, Path(folder))
        finally:
            server.terminate()
            server.wait()


@pytest.fixture(scope="session")
def bucket(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="amzn-s3-demo-bucket")
    s3.put_bucket_versioning(Bucket="amzn-s3-demo-bucket", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="amzn-s3-demo-bucket", Key="home/file", Body=b"1")
    return "amzn-s3-demo-bucket"


@pytest.fixture(scope="session")
def table(aws):
    make(aws, "MusicCollection")
    make(aws, "Other")
    return "MusicCollection"


@pytest.fixture(scope="session")
def writer(aws, bucket):
    return aws.role(allow("*"))
