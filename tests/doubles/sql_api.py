"""A local Snowflake: its SQL API, version 2, over fakesnow, which runs Snowflake's SQL on DuckDB.

<https://docs.snowflake.com/en/developer-guide/sql-api/reference>: statements are submitted with POST, asynchronously
or not, asked for with GET, and known by their requestId. Tokens are checked as Snowflake documents it: signed with
the user's key, issued by ACCOUNT.USER.SHA256:fingerprint, for an hour at most.

    sql_api.py PORT ACCOUNT USER PUBLIC_KEY.pem
"""

import base64
import hashlib
import sys
import threading
import time
import uuid

import jwt
import snowflake.connector.errors
import uvicorn
from cryptography.hazmat.primitives import serialization
from fakesnow.instance import FakeSnow
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse
from starlette.routing import Route

PORT, ACCOUNT, USER, PUBLIC_KEY = sys.argv[1:5]
# What the API does not take: https://docs.snowflake.com/en/developer-guide/sql-api/intro#limitations
NOT_SUPPORTED = ("PUT", "GET", "USE", "BEGIN", "COMMIT", "ROLLBACK", "ALTER SESSION", "CREATE TEMP")
# Snowflake's description wants a whole URL (`format: uri`), where its examples have a path.
URL = f"https://{ACCOUNT}.snowflakecomputing.com/api/v2/statements/"

engine = FakeSnow()
lock = threading.Lock()
statements = {}  # by handle: the answer
requests = {}  # by requestId: the handle

key = serialization.load_pem_public_key(open(PUBLIC_KEY, "rb").read())
der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
FINGERPRINT = "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()


def refused(request):
    """Why the token is not accepted, if it is not."""
    kind = request.headers.get("x-snowflake-authorization-token-type")
    if kind != "KEYPAIR_JWT" or not request.headers.get("user-agent"):
        return "the token's type or the user agent is missing"
    try:
        token = request.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, key, algorithms=["RS256"], options={"require": ["iss", "sub", "iat", "exp"]})
    except (KeyError, jwt.PyJWTError) as error:
        return type(error).__name__
    subject = f"{ACCOUNT}.{USER}".upper()
    if claims["sub"] != subject or claims["iss"] != f"{subject}.{FINGERPRINT}":
        return "the token names another user or key"
    if claims["exp"] - claims["iat"] > 3600:
        return "the token is valid for more than an hour"
    return None


def failed(handle, code, state, message):
    body = {"code": code, "sqlState": state, "message": message, "statementHandle": handle}
    return 422, {**body, "createdOn": int(time.time() * 1000), "statementStatusUrl": URL + handle}


def execute(handle, body):
    sql = body["statement"]
    if sql.lstrip().upper().startswith(NOT_SUPPORTED):
        return failed(handle, "391911", "0A000", "Unsupported feature in SQL API")
    binds = body.get("bindings", {})
    values = tuple(binds[str(n + 1)]["value"] for n in range(len(binds)))
    with lock:
        connection = engine.connect(body.get("database"), paramstyle="qmark")
        cursor = connection.cursor()
        try:
            cursor.execute(sql, values or None)
            rows = cursor.fetchall() if cursor.description else []
            names = [column.name for column in cursor.description or []]
        except snowflake.connector.errors.Error as error:
            return failed(handle, f"{error.errno or 1:06d}", error.sqlstate or "42601", str(error.msg))
        except Exception as error:  # what DuckDB or fakesnow cannot do
            return failed(handle, "000002", "0A000", f"{type(error).__name__}: {error}")
    data = [[None if value is None else str(value) for value in row] for row in rows]
    stats = {"numRowsDeleted": int(data[0][0])} if sql.lstrip().upper().startswith("DELETE") else {}
    kinds = [{"name": name, "type": "TEXT", "length": 0, "precision": 0, "scale": 0, "nullable": True} for name in names]
    return 200, {
        "code": "090001",
        "sqlState": "00000",
        "message": "Statement executed successfully.",
        "statementHandle": handle,
        "createdOn": int(time.time() * 1000),
        "statementStatusUrl": URL + handle,
        "resultSetMetaData": {
            "format": "jsonv2",
            "numRows": len(data),
            "rowType": kinds or [{"name": "status", "type": "TEXT"}],
            "partitionInfo": [{"rowCount": len(data), "uncompressedSize": 0}],
        },
        "data": data,
        "stats": stats,
    }


def running(handle):
    return 202, {
        "code": "333334",
        "sqlState": "00000",
        "message": "Asynchronous execution in progress. Use provided query id to perform query monitoring and management.",
        "statementHandle": handle,
        "statementStatusUrl": URL + handle,
    }


async def submit(request):
    if why := refused(request):
        return JSONResponse({"code": "390144", "message": f"JWT token is invalid: {why}"}, 401)
    body = await request.json()
    number = request.query_params.get("requestId") or str(uuid.uuid4())
    known = requests.get(number) if request.query_params.get("retry") == "true" else None
    handle = known or str(uuid.uuid4())
    requests[number] = handle

    def work():
        statements[handle] = execute(handle, body)

    if request.query_params.get("async") == "true":
        if not known:
            threading.Thread(target=work, daemon=True).start()
        return answer(running(handle))
    if not known:
        await run_in_threadpool(work)
    return answer(statements.get(handle) or running(handle))


async def status(request):
    if why := refused(request):
        return JSONResponse({"code": "390144", "message": f"JWT token is invalid: {why}"}, 401)
    handle = request.path_params["handle"]
    if handle not in requests.values():
        return JSONResponse({"code": "390142", "message": "Statement not found"}, 404)
    return answer(statements.get(handle) or running(handle))


def answer(reply):
    code, body = reply
    return JSONResponse(body, code)


async def fake_sql(request):
    """Not Snowflake's: how a test fills it and looks into it."""
    return answer(await run_in_threadpool(execute, str(uuid.uuid4()), await request.json()))


async def health(_):
    return JSONResponse({})


routes = [
    Route("/api/v2/statements", submit, methods=["POST"]),
    Route("/api/v2/statements/{handle}", status, methods=["GET"]),
    Route("/fake/sql", fake_sql, methods=["POST"]),
    Route("/health", health),
]
uvicorn.run(Starlette(routes=routes), host="127.0.0.1", port=int(PORT), log_level="warning")
