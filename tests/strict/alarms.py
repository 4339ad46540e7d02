"""Whether an alarm goes off, by its own definition, over what was measured.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

import json
import operator
from dataclasses import dataclass, field

STATISTICS = {"Maximum": max, "Minimum": min, "Sum": sum, "SampleCount": len}
COMPARISONS = {"GreaterThanThreshold": operator.gt, "LessThanThreshold": operator.lt}


@dataclass
class Point:
    namespace: str
    metric: str
    at: float
    value: float
    dimensions: dict = field(default_factory=dict)


def goes_off(alarm, points, now):
    """Every one of the last periods breaches the threshold. One without a figure counts as the alarm says."""
    dimensions = {one["Name"]: one["Value"] for one in alarm.get("Dimensions", [])}
    wanted = (alarm["Namespace"], alarm["MetricName"], dimensions)
    of_alarm = [point for point in points if (point.namespace, point.metric, point.dimensions) == wanted]
    breaches = COMPARISONS[alarm["ComparisonOperator"]]
    for back in range(int(alarm["EvaluationPeriods"])):
        end = now - back * int(alarm["Period"])
        figures = [point.value for point in of_alarm if end - int(alarm["Period"]) < point.at <= end]
        if not figures:
            if alarm["TreatMissingData"] != "breaching":
                return False
        elif not breaches(STATISTICS[alarm["Statistic"]](figures), float(alarm["Threshold"])):
            return False
    return True


def embedded(line):
    """The figures of a line of the log, if it is of the embedded metric format.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html"""
    if '"CloudWatchMetrics"' not in line:
        return []
    told = json.loads(line)
    return [
        Point(directive["Namespace"], metric["Name"], told["_aws"]["Timestamp"] / 1000, told[metric["Name"]],
              {name: told[name] for name in names})
        for directive in told["_aws"]["CloudWatchMetrics"]
        for names in directive["Dimensions"]
        for metric in directive["Metrics"]
    ]  # fmt: skip
