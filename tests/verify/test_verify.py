"""`make verify` takes a certificate as it was signed, and refuses each change with its reason."""

import base64
import copy
import hashlib
import hmac
import json
import re
import string
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ROOT = Path(__file__).resolve().parents[2]
ROOM = ROOT / "functions" / "audit"
PYTHON = ROOT / ".venv-verify" / "bin" / "python"
TYPE = "lethe-certificate+jwt"


def encode(value):
    data = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Issuer:
    """A key, and what is signed with it."""

    def __init__(self):
        self.secret = ec.generate_private_key(ec.SECP256R1())
        point = self.secret.public_key().public_numbers()
        x, y = (encode(number.to_bytes(32, "big")) for number in (point.x, point.y))
        canonical = f'{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}'.encode()
        self.kid = encode(hashlib.sha256(canonical).digest())
        self.key = {"kid": self.kid, "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "alg": "ES256"}

    def sign(self, claims, **header):
        signed = f"{encode({'alg': 'ES256', 'kid': self.kid, 'typ': TYPE, **header})}.{encode(claims)}"
        r, s = decode_dss_signature(self.secret.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def chain(evidence):
    previous, links = "", []
    for piece in copy.deepcopy(evidence):
        text = json.dumps(piece, separators=(",", ":"), ensure_ascii=False)
        previous = hashlib.sha256((previous + text).encode()).hexdigest()
        links.append({**piece, "hash": previous})
    return links


def place(name, vendor, kind, status, at="2026-11-03T08:00:00.123456789Z"):
    return {"id": f"dst_{vendor}", "name": name, "vendor": vendor, "kind": kind, "status": status, "finishedAt": at}


def step(vendor, name, counts, **more):
    return {"destinationId": f"dst_{vendor}", "vendor": vendor, "attempt": 1, "step": name, "at": "2026-11-02T08:00:00Z", "counts": counts, **more}


COVERED = {"id": "exc_1", "kind": "unsupported", "reason": "daily sums", "createdBy": "admin", "until": "2027-06-30T00:00:00Z", "objects": 3}
EVIDENCE = [
    {"attempt": 1, "step": "suppress", "at": "2026-11-01T10:00:01Z", "counts": {"suppressed": 2}},
    step("s3", "find", {"lines": 5}, lookedAt={"bytes": 18446744073709551615}),
    step("s3", "forget", {"lines": 5}),
    step("s3", "verify", {"lines": 0}, residuals={"excepted": 3}, exceptions=[COVERED]),
    step("postgres", "find", {'public."Käufer"': 7}),
    step("braze", "forward", {"accepted": 2}),
]


def claims(**changes):
    regulation = {
        "id": "reg_1", "regulationType": "SUPPRESS_WITH_DELETE", "subjectType": "USER_ID", "subjectCount": 2, "status": "FINISHED",
        "attempt": 1, "actor": "admin", "createdAt": "2026-11-01T10:00:00Z", "finishedAt": "2026-11-04T09:00:00Z",
    }  # fmt: skip
    places = [
        place("Archive", "s3", "ARCHIVE", "CONFIRMED"),
        place("Shop", "postgres", "WAREHOUSE", "NO_DATA_FOUND"),
        place("Mails", "braze", "CLOUD", "ACCEPTED"),
    ]
    whole = {
        "iss": "lethe", "jti": "reg_1-1", "iat": 1793955600, "regulation": {**regulation, **changes.pop("regulation", {})},
        "subjects": ["a" * 64, "b" * 64], "linkedSubjects": ["c" * 64], "resolvedSubjects": [], "leftOut": [],
        "destinations": places, "evidence": chain(EVIDENCE),
    }  # fmt: skip
    return {**whole, **changes}


@pytest.fixture(scope="module")
def issuer():
    return Issuer()


@pytest.fixture
def verify(tmp_path, issuer):
    """Verifies texts, as files of a folder; answers the exit code and what was told."""

    def run(*certificates, keys=None, arguments=()):
        (tmp_path / "keys.json").write_text(json.dumps(keys or {"keys": [Issuer().key, issuer.key]}))
        for number, text in enumerate(certificates):
            (tmp_path / f"{number}.jws").write_text(text)
        asked = [PYTHON, ROOM / "verify" / "verify.py", "--keys", tmp_path / "keys.json", *(arguments or [tmp_path])]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return run


def test_what_was_signed_holds_and_is_told_in_plain_words(verify, issuer):
    code, told = verify(issuer.sign(claims()) + "\n")
    assert code == 0, told
    for line in (
        "0.jws: HOLDS",
        f"key {issuer.kid}",
        "delete everywhere, and drop new events from now on",
        "2 people, under 2 pseudonyms; 1 linked to them",
        "2026-11-01 10:00:00 UTC",
        "2026-11-04 09:00:00 UTC, after 3 days begun",
        "Archive (s3): deleted, a second look found nothing left, since 2026-11-03 08:00:00 UTC",
        "Shop (postgres): nothing was there",
        "Mails (braze): asked to delete, NOT confirmed",
        "Mails: it accepted the request and does not tell when it has deleted.",
        "Archive: excepted, 3",
        "3 objects that nobody can read (unsupported), excepted by admin until 2027-06-30 00:00:00 UTC: daily sums",
        "that a vendor did what it said it did.",
        "1 of 1 hold.",
    ):
        assert line in told, told


def changed(issuer, change):
    """A certificate whose payload was changed after it was signed."""
    head, _, signature = issuer.sign(claims()).split(".")
    whole = claims()
    change(whole)
    return f"{head}.{encode(whole)}.{signature}"


def signed(issuer, change):
    """A certificate of which the issuer itself signed the change."""
    whole = claims()
    change(whole)
    return issuer.sign(whole)


def swap(whole):
    whole["evidence"][1], whole["evidence"][2] = whole["evidence"][2], whole["evidence"][1]


def edit(whole):
    whole["evidence"][1]["counts"]["lines"] = 4


def replace(whole):
    whole["evidence"][3] = chain([step("s3", "verify", {"lines": 0})])[0]


@pytest.mark.parametrize("change", [swap, edit, replace, lambda whole: whole["evidence"].pop(2), lambda whole: whole["evidence"].pop()])
def test_evidence_that_was_changed_is_refused_by_the_signature(verify, issuer, change):
    code, told = verify(changed(issuer, change))
    assert (code, "the signature is not of this key and text" in told) == (1, True), told


@pytest.mark.parametrize("change, link", [(swap, 2), (edit, 2), (replace, 4), (lambda whole: whole["evidence"].pop(2), 3)])
def test_a_broken_chain_is_refused_even_if_it_is_signed(verify, issuer, change, link):
    code, told = verify(signed(issuer, change))
    assert (code, f"the chain of evidence breaks at link {link} of" in told) == (1, True), told


@pytest.mark.parametrize(
    "status, places, follows",
    [
        ("FINISHED", ["FAILED", "CONFIRMED"], "PARTIAL_SUCCESS"),
        ("FINISHED", ["FORWARDED"], "RUNNING"),
        ("FINISHED", ["FAILED"], "PARTIAL_SUCCESS"),  # the suppression was done
        ("NOT_SUPPORTED", ["NO_IDENTIFIER", "ACCEPTED"], "FINISHED"),
        ("FAILED", [], "FINISHED"),
    ],
)
def test_a_status_that_its_places_deny_is_refused(verify, issuer, status, places, follows):
    some = [place("A", f"v{number}", "CLOUD", one) for number, one in enumerate(places)]
    code, told = verify(issuer.sign(claims(regulation={"status": status}, destinations=some)))
    assert (code, f"it says {status}, but its places say {follows}" in told) == (1, True), told


def test_a_failure_is_no_fault_of_the_certificate_and_is_told(verify, issuer):
    some = [place("Archive", "s3", "ARCHIVE", "FAILED"), place("Shop", "postgres", "WAREHOUSE", "CONFIRMED")]
    code, told = verify(issuer.sign(claims(regulation={"status": "PARTIAL_SUCCESS"}, destinations=some)))
    assert code == 0 and "Archive: FAILED. What it held may still be there." in told, told


def with_public_key(issuer):
    """Signed by HMAC, with the public key as the secret."""
    signed = f"{encode({'alg': 'HS256', 'kid': issuer.kid, 'typ': TYPE})}.{encode(claims())}"
    return f"{signed}.{encode(hmac.digest(json.dumps(issuer.key).encode(), signed.encode(), 'sha256') * 2)}"


def twice(issuer):
    """Of two claims with one name, a reader takes either."""
    return issuer.sign(json.dumps(claims()).replace('"iss"', '"iss": "another", "iss"', 1).encode())


def loose_end(issuer):
    """The same bytes, written with bits that no encoder writes."""
    letters = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    text = issuer.sign(claims())
    return text[:-1] + letters[letters.index(text[-1]) + 1]


@pytest.mark.parametrize(
    "made, reason",
    [
        (lambda issuer: issuer.sign(claims(), alg="none"), "its algorithm is none, not ES256"),
        (lambda issuer: issuer.sign(claims(), alg="none").rsplit(".", 1)[0] + ".", "no JWS in compact form"),
        (with_public_key, "its algorithm is HS256, not ES256"),
        (lambda issuer: issuer.sign(claims(), typ="JWT"), "its type is JWT, not lethe-certificate+jwt"),
        (lambda issuer: issuer.sign(claims(), jwk=issuer.key), "other fields than alg, kid and typ"),
        (lambda issuer: Issuer().sign(claims()), "is not in the key set"),
        (lambda issuer: Issuer().sign(claims(), kid=issuer.kid), "the signature is not of this key and text"),
        (twice, "a name stands twice in its claims"),
        (lambda issuer: issuer.sign(claims()) + "x", "something was added to it"),
        (lambda issuer: issuer.sign(claims()) + "\n\nmore", "something was added to it"),
        (lambda issuer: issuer.sign(claims()) + ".AAAA", "something was added to it"),
        (lambda issuer: issuer.sign([1]), "are of another form"),
        (lambda issuer: issuer.sign({"evidence": 1}), "are of another form"),
        (loose_end, "it is not written as RFC 7515 demands"),
    ],
)
def test_what_was_made_up_is_refused_with_its_reason(verify, issuer, made, reason):
    code, told = verify(made(issuer))
    assert (code, reason in told) == (1, True), told


def test_one_that_does_not_hold_hides_no_other(verify, issuer, tmp_path):
    code, told = verify("x", issuer.sign(claims()), arguments=[tmp_path / "0.jws", tmp_path / "none.jws", tmp_path / "1.jws"])
    assert code == 1 and "1 of 3 hold." in told and "1.jws: HOLDS" in told, told


def test_a_key_that_is_not_what_its_id_says_is_no_key(verify, issuer):
    code, told = verify(issuer.sign(claims()), keys={"keys": [{**Issuer().key, "kid": issuer.kid}]})
    assert code == 2 and "is another than its id says" in told, told


def test_nothing_to_verify_is_no_success(verify, tmp_path):
    code, told = verify(arguments=[tmp_path])
    assert code == 2 and "there is no certificate" in told, told


def test_a_name_moves_no_cursor(verify, issuer):
    code, told = verify(issuer.sign(claims(destinations=[place("A\x1b[2J\u202eB", "s3", "ARCHIVE", "CONFIRMED")])))
    assert code == 0 and "A?[2J?B (s3)" in told, told


def test_the_short_script_of_the_page_does_the_signature(tmp_path, issuer):
    script = re.search(r"```python\n(.*?)```", (ROOM / "README.md").read_text(), re.DOTALL)[1]
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [issuer.key]}))
    for text, code in ((issuer.sign(claims()), 0), (Issuer().sign(claims(), kid=issuer.kid), 1), (issuer.sign(claims(), typ="JWT"), 1)):
        (tmp_path / "c.jws").write_text(text)
        done = subprocess.run([PYTHON, "-c", script, tmp_path / "c.jws", tmp_path / "keys.json"], capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert ('"jti": "reg_1-1"' in done.stdout) == (code == 0)


def test_the_sample_holds():
    sample = ROOM / "verify" / "sample"
    asked = [PYTHON, ROOM / "verify" / "verify.py", "--keys", sample / "lethe-keys.json", sample]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "1 of 1 hold." in done.stdout, done.stdout + done.stderr
