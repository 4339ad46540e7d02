"""Verifies Lethe's certificates, offline, with a public key set and none of Lethe's code.

verify.py --keys lethe-keys.json CERTIFICATE…   each a file, or a folder of *.jws

For each certificate: its signature (ES256, by a key of the set), its type, its chain of evidence, and whether its status
follows from those of its places. Then it tells in plain words what was done. Exit code: 0, if all hold; 1, if one does
not; 2, if there is nothing to verify.
"""

import argparse
import base64
import hashlib
import json
import re
import sys
from pathlib import Path

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey
from tell import tell

TYPE, ALGORITHM = "lethe-certificate+jwt", "ES256"
COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{86}", re.ASCII)
SUPPRESSIONS = {"SUPPRESS_ONLY", "SUPPRESS_WITH_DELETE", "SUPPRESS_WITH_DELETE_INTERNAL", "UNSUPPRESS"}


class Refused(Exception):
    """Why a certificate does not hold."""


def verify(text, keys):
    """The claims of a certificate, and the id of the key that signed it."""
    if not COMPACT.fullmatch(text):
        raise Refused("it is no JWS in compact form, or something was added to it")
    head, payload, _ = (decode(part) for part in text.split("."))
    header = parse(head, "its header")
    if header.get("alg") != ALGORITHM:
        raise Refused(f"its algorithm is {header.get('alg')}, not {ALGORITHM}")
    if header.get("typ") != TYPE:
        raise Refused(f"its type is {header.get('typ')}, not {TYPE}")
    if header.keys() != {"alg", "kid", "typ"}:
        raise Refused("its header has other fields than alg, kid and typ")
    if header["kid"] not in keys:
        raise Refused(f"its key {header['kid']} is not in the key set")
    key = keys[header["kid"]]
    try:
        jws.deserialize_compact(text, key, algorithms=[ALGORITHM])
    except JoseError as error:
        raise Refused("the signature is not of this key and text: it was changed, or signed by another") from error
    claims = parse(payload, "its claims")
    check_chain(claims["evidence"])
    check_status(claims)
    return claims, header["kid"]


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


def decode(part):
    """The bytes, if they are written in the one way that base64url has for them."""
    data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != part:
        raise Refused("it is not written as RFC 7515 demands: something was changed")
    return data


def parse(data, what):
    """A JSON object in which no name stands twice: a reader could take either."""

    def once(pairs):
        if len(dict(pairs)) < len(pairs):
            raise Refused(f"a name stands twice in {what}")
        return dict(pairs)

    try:
        value = json.loads(data, object_pairs_hook=once)
    except ValueError as error:
        raise Refused(f"{what} cannot be read as JSON") from error
    if not isinstance(value, dict):
        raise Refused(f"{what} are of another form")
    return value


def read_keys(file):
    """The keys by their ids, each of which is the key's thumbprint (RFC 7638)."""
    keys = {}
    for entry in parse(Path(file).read_bytes(), "the key set").get("keys", []):
        key = ECKey.import_key({name: entry[name] for name in ("kty", "crv", "x", "y")})
        if entry["kid"] != key.thumbprint():
            raise Refused(f"the key {entry['kid']} of the set is another than its id says")
        keys[entry["kid"]] = key
    return keys


def files(given):
    """The files, and those in the folders."""
    for path in map(Path, given):
        yield from sorted(path.glob("*.jws")) if path.is_dir() else [path]


def main():
    form = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    form.add_argument("--keys", required=True, help="the key set of the installation: its /.well-known/jwks.json")
    form.add_argument("certificate", nargs="+", help="a certificate, or a folder of them (*.jws)")
    asked = form.parse_args()
    try:
        keys = read_keys(asked.keys)
    except (OSError, KeyError, JoseError, ValueError, Refused) as error:
        form.error(f"{asked.keys} is no key set: {error}")
    all_files, refused = list(files(asked.certificate)), 0
    if not all_files:
        form.error("there is no certificate: a folder needs files that end in .jws")
    for file in all_files:
        try:
            claims, kid = verify(file.read_bytes().decode("ascii").removesuffix("\n"), keys)
            verdict = f"HOLDS\n{tell(claims, kid)}"
        except (OSError, ValueError, Refused) as error:
            refused, verdict = refused + 1, f"DOES NOT HOLD: {error}"
        except (KeyError, TypeError, AttributeError):
            refused, verdict = refused + 1, "DOES NOT HOLD: its claims are of another form"
        print(f"{file}: {verdict}\n")
    print(f"{len(all_files) - refused} of {len(all_files)} hold.")
    sys.exit(1 if refused else 0)


if __name__ == "__main__":
    main()
