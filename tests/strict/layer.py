"""Puts the strict layer into MiniStack: around the dispatch of a request, and around the evaluation of its action.

Only requests of a function are held to it: MiniStack gives each the session of its execution role. The tests, the demo and
CloudFormation come as the account itself.
"""

import json

import calls
import concurrency
import deployed
import gateway
import grants
import implied
import measured
import rules
import states
from ministack.core import iam_evaluator as iam
from ministack.core.iam_actions import access_denied_response
from ministack.core.responses import get_account_id
from ministack.core.router import detect_service, extract_access_key_id, extract_region
from ministack.services import sts
from request import Request, current

# No actions of their own: a grant covers one message and many.
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
MANY_AT_ONCE = {f"sqs:{name}Batch": f"sqs:{name}" for name in ("ChangeMessageVisibility", "DeleteMessage", "SendMessage")}

# Nobody's resources in IAM's tables, but AWS evaluates them for the state machine that waits, and names it in its denials:
# https://github.com/aws/aws-cdk/pull/8486
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsstepfunctions.html
BY_TOKEN = ("states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat")


def role_of(access_key):
    """The role whose session this key belongs to, if it is one."""
    session = sts._sessions.get(access_key or "")
    return iam._role_name_from_assumed_arn(session["Arn"]) if session else None


def install(app):
    over_tls(app)
    unsigned_is_the_account(app)
    iam._gather_role_policies = grants.policies_of
    know_variables()
    iam.enforce = enforced
    hold_to_rules(app)
    for part in (states, deployed, gateway, concurrency):
        part.install()


def over_tls(app):
    """The local AWS speaks HTTP; in AWS the SDKs speak HTTPS, and policies deny everything else."""
    pin = iam.pin_request_origin
    app.pin_request_origin = lambda address, _secure: pin(address, True)


def unsigned_is_the_account(app):
    """Tests call some APIs without a signature."""
    pin = app.pin_signed_request

    def pinned(*args, **kwargs):
        pin(*args, **kwargs)
        iam._anonymous.set(False)

    app.pin_signed_request = pinned


def know_variables():
    """`${aws:userid}` in a condition stands for the caller's.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html"""
    met = iam._conditions_met

    def conditions_met(conditions, asked):
        text = json.dumps(conditions)
        for name, value in asked.principal_keys.items() if "${" in text else ():
            text = text.replace(f"${{{name}}}", json.dumps(value)[1:-1])
        return met(json.loads(text), asked)

    iam._conditions_met = conditions_met


_enforce = iam.enforce


def evaluate(access_key, action, resource, context=None, region="us-east-1"):
    """Why AWS would deny this; nothing, if it would not. Whoever is allowed it has used a grant."""
    denied = _enforce(access_key, action, action.partition(":")[0], region, resource_arn=resource, service_context=context)
    if denied is None:
        keys = {name.lower(): value for name, value in (context or {}).items()}
        user = {"aws:userid": sts._sessions[access_key]["UserId"]}
        asked = iam.EvalContext("", "AssumedRole", get_account_id(), action, resource, region, service_context=keys, principal_keys=user)
        grants.note_use(role_of(access_key), asked)
    return denied


def enforced(access_key, action, service, region, resource_arn="*", service_context=None):
    """In the place of MiniStack's own."""
    role, action = role_of(access_key), MANY_AT_ONCE.get(action, action)
    if role is None:
        return _enforce(access_key, action, service, region, resource_arn=resource_arn, service_context=service_context)
    request = current.get(None)
    if action in BY_TOKEN:
        resource_arn = states.who_waits(request.json.get("taskToken"))
    asked = [(resource_arn, action, service_context)]
    via = {"kms:ViaService": f"{service}.{region}.amazonaws.com"}
    asked += [(*beside, via) for beside in implied.needed(action, resource_arn, request)]
    for resource, name, context in asked:
        if denied := evaluate(access_key, name, resource, context, region):
            why = denied.code if isinstance(denied, iam.AuthError) else denied.decision
            grants.note_refusal(role, name, resource, why)
            return denied
    return None


def hold_to_rules(app):
    dispatch = app._dispatch_service_request

    async def dispatched(method, path, headers, body, query, request_id):
        if path == "/_strict/check":
            return check(json.loads(body))
        if path.startswith("/_strict/"):
            return report(method, path, body)
        access_key = extract_access_key_id(headers, query)
        role = role_of(access_key)
        if role is None:
            return await dispatch(method, path, headers, body, query, request_id)
        service = detect_service(method, path, headers, query)
        request = Request(service, method, path, headers, query, body)
        current.set(request)
        calls.note(role, request)
        if refusal := rules.before(request, role):
            if refusal.code != rules.THROTTLED:
                grants.note_refusal(role, refusal.code, path, refusal.message)
            return refusal.answer(service)
        answer = await dispatch(method, path, headers, body, query, request_id)
        if service == "s3" and answer[0] == 404 and request.key and method in ("GET", "HEAD"):
            answer = hide_missing(access_key, role, request, request_id) or answer
        if service == "s3" and request.key and method in ("GET", "HEAD"):
            keep_back(access_key, request, answer[1])
        if refusal := rules.after(request, answer):
            grants.note_refusal(role, refusal.code, path, refusal.message)
            return refusal.answer(service)
        return answer

    app._dispatch_service_request = dispatched


def hide_missing(access_key, role, request, request_id):
    """Who may not list a bucket is not told that an object is missing.
    https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html"""
    bucket = f"arn:aws:s3:::{request.bucket}"
    denied = iam.enforce(access_key, "s3:ListBucket", "s3", extract_region(request.headers), resource_arn=bucket, service_context={})
    if denied is None:
        return None
    return access_denied_response("s3", "s3:GetObject", denied.principal_arn, request_id, headers=request.headers)


def keep_back(access_key, request, headers):
    """Takes out of an answer what the reader may not see of an object."""
    resource = f"arn:aws:s3:::{request.bucket}/{request.key}"
    for header, action in implied.TOLD.items():
        name = next((name for name in headers if name.lower() == header), None)
        if name and evaluate(access_key, action, resource):
            del headers[name]


def check(asked):
    """For doubles of services that the local AWS does not have: may the owner of this key do all of this?"""
    role = role_of(asked["accessKey"])
    owner = sts._sessions.get(asked.get("owner"), {}).get("UserId")
    keys = {"redshift-data:statement-owner-iam-userid": owner}
    denied = None
    for action, resource in asked["checks"] if role else []:
        denied = denied or iam.enforce(
            asked["accessKey"], action, action.partition(":")[0], "us-east-1", resource_arn=resource, service_context=keys
        )
    status = 403 if denied else 200
    return status, {"Content-Type": "application/json"}, b"{}"


def report(method, path, body):
    """What was refused of a stack: `GET /_strict/refusals/{stack}`. What a test expects to be refused is left out:
    `POST /_strict/expected/{stack}` with a text of the refusal. Its alarms that go off, now or later, if nothing happens until
    then: `GET /_strict/alarms/{stack}/{seconds}`. What it has used: `GET /_strict/calls/{stack}`."""
    _, _, what, stack, *later = path.split("/")
    if method == "POST" and what == "expected":
        grants.expect(stack, body.decode())
    match what:
        case "alarms":
            found = measured.alarms_of(stack, int(later[0]))
        case "calls":
            found = calls.of(stack)
        case _:
            found = grants.refusals(stack)
    return 200, {"Content-Type": "application/json"}, json.dumps(found).encode()
