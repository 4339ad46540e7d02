"""`make verify` finds each certificate that was dropped, swapped or moved, and takes what the log's own proofs show."""

import base64
import hashlib
import json
import subprocess
import sys
from hashlib import sha256
from itertools import pairwise

import pytest
from test_verify import PYTHON, ROOM, Issuer, claims, encode

sys.path.insert(0, str(ROOM / "verify"))

# The leaves and roots of the reference implementation of RFC 6962 (google/certificate-transparency, `merkletree`).
REFERENCE = [
    ("", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    ("\0", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    ("\x10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
    (" !", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ("01", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"),
    ("@ABC", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"),
    ("PQRSTUVW", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"),
    ("`abcdefghijklmno", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
]


def leaf(text):
    return sha256(b"\0" + text.encode()).digest()


def root(leaves):
    """As RFC 9162, section 2.1.1, defines it."""
    if len(leaves) == 1:
        return leaves[0]
    left = max(1 << n for n in range(64) if 1 << n < len(leaves))
    return sha256(b"\1" + root(leaves[:left]) + root(leaves[left:])).digest()


def path(index, leaves):
    """As section 2.1.3.1 defines it."""
    if len(leaves) == 1:
        return []
    left = max(1 << n for n in range(64) if 1 << n < len(leaves))
    if index < left:
        return [*path(index, leaves[:left]), root(leaves[left:])]
    return [*path(index - left, leaves[left:]), root(leaves[:left])]


def growth(before, leaves, whole=True):
    """As section 2.1.4.1 defines it."""
    if before == len(leaves):
        return [] if whole else [root(leaves)]
    left = max(1 << n for n in range(64) if 1 << n < len(leaves))
    if before <= left:
        return [*growth(before, leaves[:left], whole), root(leaves[left:])]
    return [*growth(before - left, leaves[left:], False), root(leaves[:left])]


def test_reference():
    for size, (_, expected) in enumerate(REFERENCE, 1):
        assert root([leaf(text) for text, _ in REFERENCE[:size]]).hex() == expected


class Kept:
    """Three certificates of an issuer, their log, and a folder to verify."""

    def __init__(self, folder):
        self.folder, self.issuer = folder, Issuer()
        self.texts = [self.issuer.sign(claims(jti=f"reg_{number}-1", commitments=sorted([commit("ada"), commit(f"b{number}")]))) for number in range(3)]
        self.entries = [{"index": index, "jti": f"reg_{index}-1", "leaf": leaf(text).hex()} for index, text in enumerate(self.texts)]
        self.head = self.head_of(3)

    def head_of(self, size, **changes):
        whole = {"iss": "lethe", "iat": 1793955600, "size": size, "root": root([leaf(text) for text in self.texts[:size]]).hex(), **changes}
        return self.issuer.sign(whole, typ="lethe-log+jwt")

    def write(self, name, value):
        file = self.folder / name
        file.write_text(value if isinstance(value, str) else json.dumps(value))
        return file

    def verify(self, *arguments, log=True, also=()):
        keys = self.write("keys.json", {"keys": [self.issuer.key]})
        given = ["--log", self.write("log.json", {"data": {"size": 3, "head": self.head, "entries": self.entries}})] if log else []
        files = [self.write(f"{number}.jws", text) for number, text in enumerate(self.texts)]
        asked = [PYTHON, ROOM / "verify" / "verify.py", *files, *also, "--keys", keys, *given, *arguments]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


SALT = b"s" * 32


def commit(name):
    text = b"lethe-subject-proof\0" + SALT + b"USER_ID\0" + name.encode()
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path)


def test_a_whole_log_with_all_its_certificates_holds(kept):
    code, told = kept.verify("--all")
    assert (code, "All 3 certificates of the log are here." in told) == (0, True), told


def drop(kept):
    kept.texts.pop(1)


def swap(kept):
    kept.texts[1] = kept.issuer.sign(claims(jti="reg_1-1", iat=1))


def leave_out(kept):
    kept.entries.pop(1)


def reorder(kept):
    kept.entries[0]["index"], kept.entries[1]["index"] = 1, 0


def shorten(kept):
    kept.entries.pop(), kept.texts.pop()


def edit(kept):
    kept.entries[2]["leaf"] = "0" * 64


def sign_less(kept):
    kept.head = kept.head_of(2)


def lie(kept):
    """A dropped certificate bears the id of another."""
    kept.entries[1]["jti"] = "reg_0-1"
    kept.texts.pop(1)


def rename(kept):
    kept.entries[1]["jti"] = "reg_9-1"


def give_two(kept):
    kept.texts.append(kept.issuer.sign(claims(jti="reg_1-1", iat=1)))
    kept.entries.append({"index": 3, "jti": "reg_1b-1", "leaf": leaf(kept.texts[3]).hex()})
    kept.head = kept.head_of(4)


@pytest.mark.parametrize(
    "change, reason",
    [
        (rename, "the log has it by another id"),
        (give_two, "the log has it by another id"),
        (drop, "1 certificates of the log are not here, among them reg_1-1"),
        (swap, "it was swapped"),
        (leave_out, "entry 1 is missing"),
        (reorder, "not those that its head of 3 commits to"),
        (shorten, "entry 2 is missing"),
        (edit, "not those that its head of 3 commits to"),
        (sign_less, "it is not in the log"),
        (lie, "a certificate stands twice in it"),
    ],
)
def test_what_was_dropped_swapped_or_moved_is_found(kept, change, reason):
    change(kept)
    code, told = kept.verify("--all")
    assert (code, reason in told) == (1, True), told


def test_two_certificates_of_one_id_do_not_both_hold(kept):
    other = kept.write("other.jws", kept.issuer.sign(claims(jti="reg_1-1", iat=1)))
    code, told = kept.verify(log=False, also=[other])
    assert (code, "another certificate of this id" in told, "3 of 4 hold" in told) == (1, True, True), told


def test_an_old_certificate_neither_shows_nor_denies(kept):
    kept.texts[1] = kept.issuer.sign(claims(jti="reg_1-1"))
    proof = {"certificate": "reg_1-1", "kind": "USER_ID", "id": "ada", "salt": encode(SALT)}
    code, told = kept.verify("--proof", kept.write("proof.json", proof), log=False)
    assert (code, "neither shows nor denies" in told) == (1, True), told


def test_a_receipt_shows_that_one_certificate_is_in_the_log(kept):
    leaves = [leaf(text) for text in kept.texts]
    for index, text in enumerate(kept.texts):
        receipt = {"index": index, "size": 3, "path": [hash_.hex() for hash_ in path(index, leaves)], "head": kept.head}
        file = kept.write("one.json", {"data": {"certificate": text, "attempt": 1, "receipt": receipt}})
        assert kept.verify(log=False, also=[file])[0] == 0
        for broken in ({"index": (index + 1) % 3}, {"path": []}, {"path": receipt["path"] * 2}, {"head": kept.head_of(3, root="0" * 64)}, {"head": text}):
            file = kept.write("one.json", {"data": {"certificate": text, "attempt": 1, "receipt": {**receipt, **broken}}})
            code, told = kept.verify(log=False, also=[file])
            assert (code, "one.json: DOES NOT HOLD" in told) == (1, True), told


def test_a_proof_shows_its_own_person_alone(kept):
    proof = {"certificate": "reg_1-1", "kind": "USER_ID", "id": "ada", "salt": encode(SALT)}
    code, told = kept.verify("--proof", kept.write("proof.json", proof))
    assert (code, "USER_ID ada is on certificate reg_1-1." in told) == (0, True), told
    for change in ({"id": "eve"}, {"kind": "ANONYMOUS_ID"}, {"salt": encode(b"t" * 32)}, {"salt": ""}, {"certificate": "reg_9-1"}, {"id": 7}):
        code, told = kept.verify("--proof", kept.write("proof.json", {**proof, **change}))
        assert (code, "proof.json: DOES NOT HOLD" in told) == (1, True), told


def test_growth_is_shown_and_a_rewritten_log_is_found():
    from merkle import check_roots, root_of_path

    leaves = [leaf(str(number)) for number in range(33)]
    for size in range(1, 33):
        for index in range(size):
            assert root_of_path(index, size, leaves[index], path(index, leaves[:size])) == root(leaves[:size])
        for before in range(1, size + 1):
            proof = growth(before, leaves[:size])
            check_roots((before, root(leaves[:before])), (size, root(leaves[:size])), proof)
            rewritten = [leaf("x"), *leaves[1:before]]
            for earlier, hashes in ((rewritten, proof), (rewritten, growth(before, [*rewritten, *leaves[before:size]]))):
                with pytest.raises(ValueError):
                    check_roots((before, root(earlier)), (size, root(leaves[:size])), hashes)
    for before, after in pairwise(range(1, 9)):
        with pytest.raises(ValueError):
            check_roots((after, root(leaves[:after])), (before, root(leaves[:before])), growth(before, leaves[:after]))
