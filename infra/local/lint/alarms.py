"""Every alarm tells the topic that it goes off and that it is over, is on the dashboard, and has an entry in the runbook;
every metric of our own has an alarm or is on the dashboard, and no alarm waits for a metric that nothing reports.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
"""

import json
import re

from common import INFRA, ROOT, TEMPLATE, fault

RUNBOOK = INFRA / "RUNBOOK.md"
METRICS = ROOT / "shared" / "lambda" / "src" / "metrics.rs"
PARTS = ("Means", "Look at", "Do")


def check(template):
    alarms = {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }
    entries = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOK.read_text(), re.M | re.S))
    for name in sorted(alarms.keys() ^ entries.keys()):
        fault(RUNBOOK, f"{name} is " + ("an alarm without an entry" if name in alarms else "no alarm of the template"))
    for name, entry in entries.items():
        for part in PARTS:
            if f"**{part}**" not in entry:
                fault(RUNBOOK, f"{name} has no **{part}**")
    body = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    try:
        shown = str(json.loads(body))
    except ValueError as error:
        fault(TEMPLATE, f"the Dashboard's body is no JSON: {error}")
        shown = ""
    for name in alarms:
        if f"${{{name}.Arn}}" not in shown:
            fault(TEMPLATE, f"{name} is not on the Dashboard")
    ours = set(re.findall(r"^    (\w+),$", METRICS.read_text().split("pub enum Metric")[1].split("\n}")[0], re.M))
    watched = set()
    for name, alarm in alarms.items():
        for actions in ("AlarmActions", "OKActions"):
            if "AlarmTopic" not in str(alarm.get(actions)):
                fault(TEMPLATE, f"{name} tells nobody: {actions} must name AlarmTopic")
        if alarm["Namespace"] == "Lethe":
            watched.add(alarm["MetricName"])
            if alarm["Dimensions"] != [{"Name": "Stack", "Value": {"Ref": "AWS::StackName"}}]:
                fault(TEMPLATE, f"{name} must watch this stack alone: its dimension is Stack")
    for metric in sorted(metric for metric in ours - watched if f"'{metric}'" not in shown):
        fault(METRICS, f"no alarm watches {metric}, and it is not on the Dashboard")
    for metric in sorted(watched - ours):
        fault(TEMPLATE, f"an alarm watches {metric}, which nothing reports")
