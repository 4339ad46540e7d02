"""Every alarm of the template goes off when what it watches is bad, and is quiet when it is not or nothing is told."""

import json
import time
from pathlib import Path

import pytest
from alarms import Point, embedded, goes_off
from samtranslator.yaml_helper import yaml_parse

TEMPLATE = yaml_parse((Path(__file__).parents[2] / "infra/template.yaml").read_text())
VALUES = {"AWS::StackName": "lethe", **{name: given.get("Default") for name, given in TEMPLATE["Parameters"].items()}}
NOW = time.time()
DAY = 86_400

# Of each alarm: figures that are good, and those that are not. For metrics of AWS, the page with their names and dimensions.
OWN = "shared/lambda/src/metrics.rs"
STATES = "https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html"
SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"
GATEWAY = "https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html"
LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"
FIGURES = {
    "DeadlineAlarm": (OWN, ["Stack"], [19.9], [20.1]),
    "OverdueAlarm": (OWN, ["Stack"], [0], [0, 1]),
    "DueSoonAlarm": (OWN, ["Stack"], [3, 6.9], [6, 2.9]),
    "FailedTasksAlarm": (OWN, ["Stack"], [0], [0, 2]),
    "LostExecutionsAlarm": (OWN, ["Stack"], [0], [0, 1]),
    "SecretEndsAlarm": (OWN, ["Stack"], [30, 200], [29]),
    "StuckRegulationsAlarm": (OWN, ["Stack"], [0], [1]),
    "DestinationAwayAlarm": (OWN, ["Stack"], [0.1, 23.9], [3, 24.1]),
    "PurgeRunAlarm": (OWN, ["Stack"], [23.9], [24.1]),
    "SuppressionAlarm": (OWN, ["Stack"], [0.6, 59], [0.6, 61]),
    "DeletionFailedAlarm": (STATES, ["StateMachineArn"], [0], [1]),
    "PurgeRunFailedAlarm": (STATES, ["StateMachineArn"], [0], [1]),
    "ApiErrorsAlarm": (GATEWAY, ["ApiId"], [1] * 5, [1] * 6),
    "CollectErrorsAlarm": (GATEWAY, ["ApiId"], [1] * 5, [1] * 6),
    "EventsLateAlarm": (SQS, ["QueueName"], [3_599], [3_601]),
    "UpstreamLateAlarm": (SQS, ["QueueName"], [3_599], [3_601]),
    "UpstreamDeadLettersAlarm": (SQS, ["QueueName"], [0], [1]),
    "BatchDeadLettersAlarm": (SQS, ["QueueName"], [0], [1]),
    "LostEventsAlarm": (SQS, ["QueueName"], [0], [1]),
}


def resolved(value):
    """A value of the template, with what it refers to as a name."""
    match value:
        case {"Ref": name}:
            return VALUES.get(name, name)
        case {"Fn::GetAtt": name}:
            return str(name)
        case dict():
            return {name: resolved(inner) for name, inner in value.items()}
        case list():
            return [resolved(inner) for inner in value]
    return value


ALARMS = {
    name: resolved(resource["Properties"])
    for name, resource in TEMPLATE["Resources"].items()
    if resource["Type"] == "AWS::CloudWatch::Alarm"
}


def points(alarm, values, ago=30):
    dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions", [])}
    return [Point(alarm["Namespace"], alarm["MetricName"], NOW - ago, value, dimensions) for value in values]


@pytest.mark.parametrize("name", FIGURES)
def test_an_alarm_goes_off_at_bad_figures_alone(name):
    alarm, (_, dimensions, good, bad) = ALARMS[name], FIGURES[name]
    assert [one["Name"] for one in alarm["Dimensions"]] == dimensions
    assert goes_off(alarm, points(alarm, bad), NOW)
    assert not goes_off(alarm, points(alarm, good), NOW)
    assert not goes_off(alarm, [], NOW), "nothing was told"
    assert not goes_off(alarm, points(alarm, bad, ago=DAY), NOW), "it is over"
    others = [Point(point.namespace, point.metric, point.at, point.value, {**point.dimensions, dimensions[0]: "other"})
              for point in points(alarm, bad)]  # fmt: skip
    assert not goes_off(alarm, others, NOW), "another stack's"


def test_no_tick_for_two_hours_goes_off():
    alarm = ALARMS["TickAlarm"]
    assert goes_off(alarm, [], NOW)
    assert not goes_off(alarm, points(alarm, [0], ago=5_000), NOW), "there was one in the hour before"
    assert goes_off(alarm, points(alarm, [3], ago=7_300), NOW)


def test_throttles_of_the_account_for_a_quarter_of_an_hour_go_off():
    # Without dimensions: of all functions. https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    alarm = ALARMS["ThrottlesAlarm"]
    lasting = [point for ago in (30, 330, 630) for point in points(alarm, [1], ago)]
    assert "Dimensions" not in alarm and goes_off(alarm, lasting, NOW)
    assert not goes_off(alarm, lasting[:2], NOW), "ten minutes"


def test_every_alarm_is_tried():
    assert ALARMS.keys() == FIGURES.keys() | {"TickAlarm", "ThrottlesAlarm"}


def test_lines_of_the_log_are_figures():
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    directive = {"Namespace": "lambda-function-metrics", "Dimensions": [["functionVersion"]], "Metrics": [{"Name": "time", "Unit": "Milliseconds"}]}
    line = {"_aws": {"Timestamp": 1574109732004, "CloudWatchMetrics": [directive]}, "functionVersion": "$LATEST", "time": 100}
    [point] = embedded(json.dumps(line))
    assert point == Point("lambda-function-metrics", "time", 1574109732.004, 100, {"functionVersion": "$LATEST"})
    assert embedded('{"level":"INFO"}') == []
