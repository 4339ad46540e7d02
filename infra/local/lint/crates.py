"""Licences, bans and sources of the Rust crates, as deny.toml says: what cargo tells of them is enough, and takes a
second. `make audit` asks cargo-deny, which reads licence files, too, but takes minutes to build.

Expressions: https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/
"""

import json
import re
import subprocess
import tomllib

from common import ROOT, fault

LAWS = ROOT / "deny.toml"
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"


def check():
    laws = tomllib.loads(LAWS.read_text())
    allowed = set(laws["licenses"]["allow"])
    banned = {ban["crate"]: ban["reason"] for ban in laws["bans"]["deny"]}
    used = set()
    for package in packages(laws["graph"]["targets"]):
        name = f"{package['name']} {package['version']}"
        expression = package["license"] or ""
        if not permits(expression, allowed, used):
            fault(LAWS, f"{name} is licensed as '{expression}', which is not allowed")
        if package["name"] in banned:
            fault(LAWS, f"{name} is banned: {banned[package['name']]}")
        # Without a source it is one of ours.
        if package["source"] not in (None, REGISTRY):
            fault(LAWS, f"{name} comes from {package['source']}: take it from crates.io")
    for licence in sorted(allowed - used):
        fault(LAWS, f"no crate is licensed as {licence}: remove it")


def packages(targets):
    """Every crate that is built for one of the targets."""
    told = ["cargo", "metadata", "--locked", "--format-version", "1", "--all-features"]
    for target in targets:
        told += ["--filter-platform", target]
    result = subprocess.run(told, cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        fault(ROOT / "Cargo.lock", f"cargo metadata says: {result.stderr.strip()}")
        return []
    return json.loads(result.stdout)["packages"]


def permits(expression, allowed, used):
    """Whether a licence expression can be met. AND binds before OR, and an old slash means OR."""
    tokens = re.findall(r"[()]|[\w.+-]+(?: WITH [\w.-]+)?", expression.replace("/", " OR "))

    def either():
        met = both()
        while tokens[:1] == ["OR"]:
            tokens.pop(0)
            met = both() or met
        return met

    def both():
        met = one()
        while tokens[:1] == ["AND"]:
            tokens.pop(0)
            met = one() and met
        return met

    def one():
        token = tokens.pop(0)
        if token == "(":
            met = either()
            return tokens.pop(0) == ")" and met
        used.add(token)
        return token in allowed

    try:
        return either() and not tokens
    except IndexError:  # it breaks off
        return False
