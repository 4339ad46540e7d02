"""Looks for keys and passwords in every file that is or would be committed.

What is accepted stands in accepted-secrets.json: by the file's name without its folder, so that files may move, and by
the SHA-1 of what was found, as detect-secrets names it, each with the reason.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

from detect_secrets import SecretsCollection
from detect_secrets.settings import default_settings

ROOT = Path(__file__).resolve().parents[3]
ACCEPTED = Path(__file__).with_name("accepted-secrets.json")
# Nothing but checksums, and pictures.
SKIPPED = re.compile(r"(Cargo\.lock|package-lock\.json|\.png|accepted-secrets\.json)$")


def main():
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    found = SecretsCollection()
    with default_settings():
        for file in files:
            if file and not SKIPPED.search(file) and (ROOT / file).is_file():
                found.scan_file(str(ROOT / file))
    accepted = {(entry["file"], entry["sha1"]): entry["why"] for entry in json.loads(ACCEPTED.read_text())}
    left, seen = 0, set()
    for file, secret in found:
        name = (Path(file).name, secret.secret_hash)
        seen.add(name)
        if name not in accepted:
            left += 1
            where = Path(file).relative_to(ROOT)
            print(f"{where}:{secret.line_number}: {secret.type}, sha1 {secret.secret_hash}", file=sys.stderr)
    for file, sha1 in sorted(set(accepted) - seen):
        left += 1
        print(f"{ACCEPTED.name}: nothing in a file {file} has the sha1 {sha1} any more: remove it", file=sys.stderr)
    print(f"secrets: {left} finding(s)" if left else "secrets: none that is not accepted")
    return bool(left)


if __name__ == "__main__":
    sys.exit(main())
