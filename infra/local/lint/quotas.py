"""The template deploys into a new account: no function asks for more memory than the quota there gives.

3,008 MB: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html ("New AWS accounts have reduced
concurrency and memory quotas"); who has more names it by a parameter.
"""

from common import TEMPLATE, fault

MEMORY = 3008


def check(template):
    for name, resource in template["Resources"].items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        memory = resource["Properties"].get("MemorySize", 0)
        if isinstance(memory, dict):  # a parameter
            parameter = template["Parameters"].get(memory.get("Ref"), {})
            if not {"MinValue", "MaxValue"} <= set(parameter):
                fault(TEMPLATE, f"{name}: the parameter of MemorySize needs MinValue and MaxValue")
            memory = parameter.get("Default", 0)
        if memory > MEMORY:
            fault(TEMPLATE, f"{name}: MemorySize is {memory} MB, but new accounts have {MEMORY} MB at most")
