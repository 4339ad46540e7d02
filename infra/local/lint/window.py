"""A purge run lists archives only when every recorder has ended that read the suppression list before the last
suppression: what one of them writes later would be missed, and the person stay although the regulation is sealed.

How long that takes is said once, by two parameters: how long an invocation of the record function has, and a margin for
a request that goes on without it and for clocks. See tests/model (archive) for why.
"""

from common import TEMPLATE, fault

MARGIN = 10


def check(template):
    resources, parameters = template["Resources"], template["Parameters"]
    record = resources["RecordFunction"]["Properties"]
    variables = resources["PurgeRunFunction"]["Properties"]["Environment"]["Variables"]
    for what, given, wanted in (
        ("RecordFunction's Timeout", record.get("Timeout"), {"Ref": "RecordTimeout"}),
        ("PurgeRunFunction's RECORD_TIMEOUT", variables.get("RECORD_TIMEOUT"), {"Ref": "RecordTimeout"}),
        ("PurgeRunFunction's RECORD_MARGIN", variables.get("RECORD_MARGIN"), {"Ref": "RecordMargin"}),
    ):
        if given != wanted:
            fault(TEMPLATE, f"{what} must be !Ref {wanted['Ref']}: the run waits for the recorders that long")
    if (margin := parameters["RecordMargin"]["Default"]) < MARGIN:
        fault(TEMPLATE, f"RecordMargin is {margin} s: less than {MARGIN} is not enough for a request under way and for clocks")
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: six times the timeout, and the window.
    longest = 6 * parameters["RecordTimeout"]["MaxValue"] + parameters["RecordWindow"]["MaxValue"]
    if (visible := resources["EventsQueue"]["Properties"]["VisibilityTimeout"]) < longest:
        fault(TEMPLATE, f"EventsQueue's VisibilityTimeout is {visible} s: RecordTimeout and RecordWindow need {longest}")
