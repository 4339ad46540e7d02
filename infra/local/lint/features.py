"""One build: a function alone compiles the same crates with the same features as the whole workspace, so that nothing is
built a second time. Cargo unites features per command; the crate `features` names the union, and each function has it.

`make features` writes the crate anew.
"""

import re
import subprocess
import tomllib
from collections import defaultdict

from common import ROOT, fault

MANIFEST = ROOT / "shared/features/Cargo.toml"
# What proc macros and build scripts link: Cargo keeps their features apart from the program's.
HOST, TARGET = "build-dependencies", "dependencies"
HEAD = """# Written by `make features`; `make lint` holds it. See infra/local/lint/features.py.
[package]
name = "features"
description = "No code: the features with which third-party crates are built, whichever function is built"
version.workspace = true
edition.workspace = true
rust-version.workspace = true
license.workspace = true
publish.workspace = true
"""


def check():
    for name, features in missing(table()).items():
        fault(MANIFEST, f"{' '.join(name)} is built with other features for one function alone: run `make features`")


def missing(known):
    """The crates that a function alone builds with other features, by section, name and version: all their features."""
    whole = sections(["--workspace"])
    found = {}
    for function in sorted(path.name for path in (ROOT / "functions").iterdir()):
        for crate, features in sections(["--package", function]).items():
            if not features >= whole.get(crate, set()):
                found[crate] = whole[crate]
    return {crate: features for crate, features in found.items() if known.get(crate) != features}


def sections(packages):
    """The features of each crate, for the program and for what builds it."""
    target = tree(["--edges", "normal,no-proc-macro", *packages])
    both = tree(["--edges", "normal,build", *packages])
    host = {crate: features for crate, features in both.items() if not features <= target.get(crate, set())}
    return {(section, *crate): features for section, crates in ((TARGET, target), (HOST, host)) for crate, features in crates.items()}


def tree(arguments):
    """The features of each crate, by name and version, in a tree of crates."""
    told = ["cargo", "tree", "--locked", "--prefix", "none", "--format", "{p}|{f}", *arguments]
    result = subprocess.run(told, cwd=ROOT, capture_output=True, text=True)
    if result.returncode:
        fault(MANIFEST, f"cargo tree says: {result.stderr.strip()}")
    found = defaultdict(set)
    # A crate that was told before ends in (*).
    for line in {line.removesuffix(" (*)") for line in result.stdout.splitlines()}:
        if line and f"({ROOT}" not in line:
            package, features = line.rsplit("|", 1)
            name, version = package.split()[:2]
            found[name, compatible(version)].update(features.split(",") if features else ())
    return found


def compatible(version):
    """The part of a version that Cargo takes two crates apart by: v1.2.3 is 1, v0.2.3 is 0.2."""
    return re.match(r"v(0\.\d+|[1-9]\d*)", version)[1]


def table():
    """What the crate's manifest says: features by section, name and version of each crate."""
    manifest = tomllib.loads(MANIFEST.read_text()) if MANIFEST.exists() else {}
    return {
        (section, line.get("package", name), line["version"]): set(line["features"])
        for section in (TARGET, HOST)
        for name, line in manifest.get(section, {}).items()
    }


def write():
    """Writes the manifest, until no function alone differs: what a crate with more features needs may differ, too."""
    known = {}
    MANIFEST.parent.joinpath("src").mkdir(parents=True, exist_ok=True)
    while True:
        MANIFEST.write_text(text(known))
        subprocess.run(["cargo", "metadata", "--format-version", "1", "--offline"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        more = missing(known)
        if not more:
            return
        known.update(more)


def text(known):
    parts = [HEAD]
    for section in (TARGET, HOST):
        lines = []
        for _, name, version in sorted(crate for crate in known if crate[0] == section):
            others = [crate for crate in known if crate[:2] == (section, name)]
            key = name if len(others) == 1 else f"{name}-{version.replace('.', '-')}"
            package = "" if key == name else f'package = "{name}", '
            features = ", ".join(f'"{feature}"' for feature in sorted(known[section, name, version]))
            lines.append(f'{key} = {{ {package}version = "{version}", default-features = false, features = [{features}] }}')
        if lines:
            parts.append("\n".join([f"[{section}]", *lines, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    write()
