"""Checks what no compiler does: the template, the state machines, the API's description, the links between
pages, the crates that are used. One file for each subject."""

import json
import os
import sys

import access_logs
import alarms
import cloudformation
import concurrency
import crates
import deploying
import description
import features
import integrations
import kept
import links
import machines
import partitions
import quotas
import retries
import roles
import timeouts
import transport
import window
from common import TEMPLATE, fault, faults
from common import machines as machines_of
from samtranslator.yaml_helper import yaml_parse


def main():
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"  # the transform asks for one
    template = yaml_parse(TEMPLATE.read_text())
    definitions = []
    for _, file, substitutions in machines_of(template):
        try:
            machine = json.loads(file.read_text())
        except (OSError, ValueError) as error:
            fault(file, f"cannot be read: {error}")
            continue
        definitions.append((file, machine))
        machines.check(file, machine, substitutions)
    retries.check(definitions)
    concurrency.check(template, definitions)
    timeouts.check(template, definitions)
    partitions.check([TEMPLATE, *(file for file, _ in definitions)])
    kept.check(template)
    transport.check(template)
    access_logs.check(template)
    alarms.check(template)
    deploying.check(template)
    roles.check(template)
    integrations.check(template)
    quotas.check(template)
    window.check(template)
    description.check()
    links.check()
    crates.check()
    features.check()
    if not faults and (expanded := cloudformation.expand(template)):
        cloudformation.check(expanded)
    for line in faults:
        print(line, file=sys.stderr)
    sound = "infra: the template, the state machines, the API's description, the links and the crates are sound"
    print(f"infra: {len(faults)} fault(s)" if faults else sound)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
