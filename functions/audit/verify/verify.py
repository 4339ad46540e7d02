"""Verifies Lethe's certificates, offline, with a public key set and none of Lethe's code.

verify.py --keys lethe-keys.json [--log log.json… [--all]] [--proof proof.json…] CERTIFICATE…

For each certificate: its signature (ES256, by a key of the set), its type, its chain of evidence, and whether its status
follows from those of its places. Then it tells in plain words what was done. With the log of all certificates, that none
was swapped, moved or (--all) dropped. With a proof, that a person is on one. Exit code: 0, if all hold; 1, if something does
not; 2, if there is nothing to verify.
"""

import argparse
import base64
import hashlib
import json
import sys
from pathlib import Path

from joserfc.errors import JoseError
from log import Log, check_growth, check_receipt
from merkle import leaf
from signature import Refused, parse, read_keys, signed
from tell import safe, tell

TYPE = "lethe-certificate+jwt"
SUPPRESSIONS = {"SUPPRESS_ONLY", "SUPPRESS_WITH_DELETE", "SUPPRESS_WITH_DELETE_INTERNAL", "UNSUPPRESS"}


def verify(text, keys):
    """The claims of a certificate, and the id of the key that signed it."""
    claims, kid = signed(text, keys, TYPE)
    check_chain(claims["evidence"])
    check_status(claims)
    return claims, kid


def check_chain(links):
    """Each hash covers the one before and its own evidence, as the certificate writes it (shared/model/src/evidence.rs)."""
    previous = ""
    for number, link in enumerate(links, 1):
        evidence = json.dumps({k: v for k, v in link.items() if k != "hash"}, separators=(",", ":"), ensure_ascii=False)
        previous = hashlib.sha256((previous + evidence).encode()).hexdigest()
        if link["hash"] != previous:
            raise Refused(f"the chain of evidence breaks at link {number} of {len(links)}")


def check_status(claims):
    """The status is that of the places, and of the suppression list where it was to be changed (`Status::of`)."""
    regulation, places = claims["regulation"], [place["status"] for place in claims["destinations"]]
    if regulation["regulationType"] in SUPPRESSIONS:
        changed = any(link["step"] == "suppress" for link in claims["evidence"])
        places.append("CONFIRMED" if changed else "FAILED")
    failed = places.count("FAILED")
    unable = places.count("NOT_SUPPORTED") + places.count("NO_IDENTIFIER")
    if any(place in ("QUEUED", "RUNNING", "FORWARDED") for place in places):
        follows = "RUNNING"
    elif failed:
        follows = "PARTIAL_SUCCESS" if len(places) > failed + unable else "FAILED"
    else:
        follows = "NOT_SUPPORTED" if unable and unable == len(places) else "FINISHED"
    if regulation["status"] != follows:
        raise Refused(f"it says {regulation['status']}, but its places say {follows}")


def files(given):
    """The files, and those in the folders."""
    for path in map(Path, given):
        yield from sorted(path.glob("*.jws")) if path.is_dir() else [path]


def answer(file):
    """The JSON object of an API's answer, with or without its envelope."""
    value = parse(Path(file).read_bytes(), file)
    return value.get("data", value)


def certificate(file):
    """A certificate in compact form, and its receipt where it was kept with it."""
    if Path(file).suffix == ".json":
        kept = answer(file)
        return kept["certificate"], kept.get("receipt")
    return Path(file).read_bytes().decode("ascii").removesuffix("\n"), None


def check_proof(proof, held):
    """The identifier of a proof is on the certificate that it names."""
    claims = held.get(proof["certificate"])
    if claims is None:
        raise Refused(f"the certificate {proof['certificate']} is not among those that hold")
    if not claims.get("commitments"):
        raise Refused("the certificate was sealed before there were proofs: it neither shows nor denies who is on it")
    salt = base64.urlsafe_b64decode(proof["salt"] + "==")
    text = b"lethe-subject-proof\0" + salt + proof["kind"].encode() + b"\0" + proof["id"].encode()
    commitment = base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
    if len(salt) != 32 or commitment not in claims.get("commitments", []):
        raise Refused("the certificate does not hold this identifier")
    return f"{proof['kind']} {safe(proof['id'])} is on certificate {proof['certificate']}"


class Report:
    """What was checked, and how often something did not hold."""

    def __init__(self):
        self.refused = 0

    def of(self, name, check):
        """Runs a check and tells what it answers. Returns whether it holds."""
        before = self.refused
        try:
            verdict = check()
        except (OSError, ValueError, Refused) as error:
            self.refused, verdict = self.refused + 1, f"DOES NOT HOLD: {error}"
        except (KeyError, TypeError, AttributeError):
            self.refused, verdict = self.refused + 1, "DOES NOT HOLD: its claims are of another form"
        print(f"{name}: {verdict}\n")
        return self.refused == before


def main():
    form = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    form.add_argument("--keys", required=True, help="the key set of the installation: its /.well-known/jwks.json")
    form.add_argument("--log", nargs="+", default=[], help="the log of all certificates: answers of GET /log/entries, in any order")
    form.add_argument("--all", action="store_true", help="every certificate of the log must be here")
    form.add_argument("--proof", nargs="+", default=[], help="proofs that somebody is on a certificate")
    form.add_argument("--growth", nargs="+", default=[], help="heads before and after, with the answer of GET /log/consistency")
    form.add_argument("certificate", nargs="+", help="a certificate (*.jws, or the API's answer as *.json), or a folder of *.jws")
    asked = form.parse_args()
    try:
        keys = read_keys(asked.keys)
    except (OSError, KeyError, JoseError, ValueError, Refused) as error:
        form.error(f"{asked.keys} is no key set: {error}")
    all_files, report, held, log = list(files(asked.certificate)), Report(), {}, None
    texts = {}
    if not all_files:
        form.error("there is no certificate: a folder needs files that end in .jws")

    def whole_log():
        nonlocal log
        log = Log([answer(file) for file in asked.log], keys)
        return f"HOLDS\n  The log has {log.size} certificates."

    def one(file):
        text, receipt = certificate(file)
        claims, kid = verify(text, keys)
        known = []
        if receipt:
            check_receipt(text, receipt, keys)
            known.append("by its receipt")
        if log:
            log.check(text, claims)
            known.append("by the log")
        if texts.setdefault(claims["jti"], text) != text:
            raise Refused("another certificate of this id is among these files")
        held[claims["jti"]] = claims
        return f"HOLDS\n{tell(claims, kid)}\n  In the log of all certificates: {' and '.join(known) or 'not checked'}."

    def every():
        if not log:
            raise Refused("without the log nobody knows which certificates there are")
        log.check_all({leaf(text) for text in texts.values()})
        return f"HOLDS\n  All {log.size} certificates of the log are here."

    if asked.log:
        report.of("log", whole_log)
    good = sum([report.of(file, lambda file=file: one(file)) for file in all_files])
    if asked.all:
        report.of("all", every)
    for file in asked.proof:
        report.of(file, lambda file=file: f"HOLDS\n  {check_proof(answer(file), held)}.")
    for file in asked.growth:
        report.of(file, lambda file=file: f"HOLDS\n  {check_growth(answer(file), keys)}.")
    print(f"{good} of {len(all_files)} hold.")
    sys.exit(1 if report.refused else 0)


if __name__ == "__main__":
    main()
