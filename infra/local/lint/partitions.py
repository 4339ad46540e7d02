"""Nothing assumes the partition `aws`: there are aws-cn, aws-us-gov and more, in which every ARN begins otherwise.

https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html: AWS::Partition.
"""

import re

from common import fault

LITERAL = re.compile(r"\barn:aws[\w-]*:")


def check(files):
    for file in files:
        for number, line in enumerate(file.read_text().splitlines(), 1):
            if found := LITERAL.search(line):
                fault(file, f"line {number} says {found.group()}: use ${{AWS::Partition}}, or ${{Partition}} in a state machine")
