"""What must be refused before anything is made, and how `make deploy` calls CloudFormation.

Rules: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/rules-section-structure.html
"""

import json
import re

from common import ROOT, TEMPLATE, fault

MAKEFILE = ROOT / "Makefile"
# Each parameter is nothing without the other.
TOGETHER = {"WarehouseSubnets": "WarehouseSecurityGroups"}
# What is shown, asked, and tried after; values with spaces come from a file.
NEEDED = ("deploy.py", "smoke.py", "@$(GIVEN)")


def check(template):
    rules = [json.dumps(rule) for rule in template.get("Rules", {}).values()]
    for name, other in TOGETHER.items():
        if not any(f'"Ref": "{name}"' in rule and f'"Ref": "{other}"' in rule for rule in rules):
            fault(TEMPLATE, f"{name} without {other} is refused late, by Lambda: say so in Rules")
    recipe = re.search(r"^deploy:.*\n((?:\t.*\n)+)", MAKEFILE.read_text(), re.MULTILINE)
    for word in NEEDED:
        if not recipe or word not in recipe.group(1):
            fault(MAKEFILE, f"deploy does not know {word}")
