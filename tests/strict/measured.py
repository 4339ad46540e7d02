"""What CloudWatch would have measured of the local AWS, by the names that AWS documents, and the alarms that go off by it.

Our own metrics are lines of the functions' logs. AWS's:
https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-metrics.html
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

import time
from datetime import datetime

import gateway
from alarms import Point, embedded, goes_off
from ministack.services import cloudwatch, cloudwatch_logs, sqs, stepfunctions


def alarms_of(stack, later=0):
    """The alarms of a stack that go off, if nothing happens for so many seconds more."""
    now = time.time()
    points = [*own(), *executions(), *queues(now + later), *gateway.failures, *throttles()]
    of_stack = [alarm for name, alarm in cloudwatch._alarms.items() if name.startswith(f"{stack}-")]
    dimensioned = [{**alarm, "Dimensions": listed(alarm.get("Dimensions"))} for alarm in of_stack]
    return [alarm["AlarmName"] for alarm in dimensioned if goes_off(alarm, points, now + later)]


def listed(dimensions):
    if isinstance(dimensions, dict):
        return [{"Name": name, "Value": value} for name, value in dimensions.items()]
    return dimensions or []


def own():
    for group in cloudwatch_logs._log_groups.values():
        for stream in group["streams"].values():
            for event in stream["events"]:
                yield from embedded(event["message"])


def executions():
    for execution in stepfunctions._executions.values():
        if execution["status"] == "FAILED":
            ended = datetime.fromisoformat(str(execution["stopDate"])).timestamp()
            machine = {"StateMachineArn": execution["stateMachineArn"]}
            yield Point("AWS/States", "ExecutionsFailed", ended, 1, machine)


def queues(now):
    """SQS tells every minute how things stand."""
    for queue in sqs._queues.values():
        name = {"QueueName": queue["name"]}
        sent = [message["sent_at"] for message in queue["messages"]]
        yield Point("AWS/SQS", "ApproximateNumberOfMessagesVisible", now, len(sent), name)
        yield Point("AWS/SQS", "ApproximateAgeOfOldestMessage", now, now - min(sent, default=now), name)


def throttles():
    """Without dimensions: of all functions together."""
    for (namespace, metric, _), points in cloudwatch._metrics.items():
        if (namespace, metric) == ("AWS/Lambda", "Throttles"):
            yield from (Point(namespace, metric, point["Timestamp"], point["Value"]) for point in points)
