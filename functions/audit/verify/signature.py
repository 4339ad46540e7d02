"""Signatures and keys: JWS in compact form (RFC 7515) with ES256, and JWK sets (RFC 7517)."""

import base64
import json
import re
from pathlib import Path

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

ALGORITHM = "ES256"
COMPACT = re.compile(r"[\w-]+\.[\w-]+\.[\w-]{86}", re.ASCII)


class Refused(Exception):
    """Why something does not hold."""


def signed(text, keys, type_):
    """The claims of a JWS of this type, and the id of the key that signed it."""
    if not COMPACT.fullmatch(text):
        raise Refused("it is no JWS in compact form, or something was added to it")
    head, payload, _ = (decode(part) for part in text.split("."))
    header = parse(head, "its header")
    if header.get("alg") != ALGORITHM:
        raise Refused(f"its algorithm is {header.get('alg')}, not {ALGORITHM}")
    if header.get("typ") != type_:
        raise Refused(f"its type is {header.get('typ')}, not {type_}")
    if header.keys() != {"alg", "kid", "typ"}:
        raise Refused("its header has other fields than alg, kid and typ")
    if header["kid"] not in keys:
        raise Refused(f"its key {header['kid']} is not in the key set")
    key = keys[header["kid"]]
    try:
        jws.deserialize_compact(text, key, algorithms=[ALGORITHM])
    except JoseError as error:
        raise Refused("the signature is not of this key and text: it was changed, or signed by another") from error
    return parse(payload, "its claims"), header["kid"]


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
