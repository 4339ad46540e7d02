"""Every relative link in a Markdown file leads to a file, and its anchor to a heading there. Every test that the threat
model names exists.

GitHub makes an anchor of a heading: lower case, punctuation dropped, spaces as hyphens.
https://docs.github.com/en/get-started/writing-on-github/getting-started-with-writing-and-formatting-on-github/basic-writing-and-formatting-syntax#section-links
"""

import re
import subprocess

from common import INFRA, ROOT, fault

CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
# `e2e/runs.rs::name`, a test in a file under tests/tests/; or a path, with a test in it or without.
NAMED = re.compile(r"`((?:e2e|functions|infra|shared)/[\w./-]+\.\w+)(?:::(\w+))?`")
THREATS = INFRA / "THREATS.md"


def check():
    check_links()
    check_tests()


def check_tests():
    for name, test in NAMED.findall(THREATS.read_text()):
        file = ROOT / (f"tests/tests/{name}" if name.startswith("e2e/") else name)
        if not file.exists():
            fault(THREATS, f"there is no {name}")
        elif test and f"fn {test}(" not in file.read_text():
            fault(THREATS, f"{name} has no test {test}")


def check_links():
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for file in (ROOT / name for name in names):
        if not file.exists():
            continue
        for link in LINK.findall(CODE.sub("", file.read_text())):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (file.parent / path).resolve() if path else file
            if not target.exists():
                fault(file, f"'{link}' leads nowhere")
            elif anchor and target.suffix == ".md" and anchor not in anchors(target):
                fault(file, f"'{link}': {target.name} has no such heading")


def anchors(file):
    """The anchors of a file's headings."""
    text = re.sub(r"^```.*?^```", "", file.read_text(), flags=re.MULTILINE | re.DOTALL)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in HEADING.findall(text)}
