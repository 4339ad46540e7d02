//! Figures for CloudWatch, as lines of the log: Lambda turns them into metrics without a call
//! ([embedded metric format](https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)).
//! They count and measure; nobody is in them. The template's alarms watch each of them, or its dashboard shows it.

use std::env;

use jiff::Timestamp;
use serde_json::{Value, json};

/// The namespace of all metrics in CloudWatch.
pub const NAMESPACE: &str = "Lethe";

/// A metric. Its name in CloudWatch is the variant's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Regulations that are neither sealed nor withdrawn. Each tick reports it, so its absence means that no tick runs.
    OpenRegulations,
    /// Days since the oldest open regulation was received.
    OldestRegulationDays,
    /// Regulations whose clock runs and that the law wants answered within a week.
    DueSoon,
    /// Regulations whose clock runs and that are due.
    Overdue,
    /// Days until the first of those that are due soon is due, if there is one.
    DeadlineDaysLeft,
    /// Regulations that were started again and again and never sealed.
    StuckRegulations,
    /// Hours since the purge run that is under way was opened.
    PurgeRunHours,
    /// Executions that ended before their regulation was sealed, or their purge run closed, and what a tick did about it:
    /// it started another, failed the regulation, or aborted the run.
    LostExecutions,
    /// Days until the first of the credentials ends whose end a destination's settings tell.
    SecretDaysLeft,
    /// Hours for which a destination of an open regulation has been away, each time it is tried again.
    DestinationAwayHours,
    /// Destinations from which a sealed attempt could not erase.
    FailedTasks,
    /// Seconds from the request to the moment when the suppression list named its subjects.
    SuppressionSeconds,
}

impl Metric {
    fn unit(self) -> &'static str {
        match self {
            Self::SuppressionSeconds => "Seconds",
            // CloudWatch has no unit for days and hours.
            Self::OldestRegulationDays
            | Self::PurgeRunHours
            | Self::DestinationAwayHours
            | Self::SecretDaysLeft
            | Self::DeadlineDaysLeft => "None",
            Self::OpenRegulations
            | Self::DueSoon
            | Self::Overdue
            | Self::StuckRegulations
            | Self::LostExecutions
            | Self::FailedTasks => "Count",
        }
    }
}

/// Reports figures of this moment. `STACK`, which the template sets, tells the stacks of an account apart.
#[allow(clippy::print_stdout, reason = "the line is the report")]
pub fn report(figures: &[(Metric, f64)]) {
    let stack = env::var("STACK").unwrap_or_default();
    println!("{}", line(&stack, figures, Timestamp::now()));
}

fn line(stack: &str, figures: &[(Metric, f64)], now: Timestamp) -> Value {
    let metric =
        |(metric, _): &(Metric, f64)| json!({ "Name": format!("{metric:?}"), "Unit": metric.unit() });
    let mut line = json!({
        "_aws": {
            "Timestamp": now.as_millisecond(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [["Stack"]],
                "Metrics": figures.iter().map(metric).collect::<Vec<_>>(),
            }],
        },
        "Stack": stack,
    });
    for (metric, figure) in figures {
        line[format!("{metric:?}")] = json!(figure);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The members that the specification requires: each metric's value and each dimension's are at the root.
    #[test]
    fn a_line_is_of_the_embedded_metric_format() {
        let figures = [(Metric::OpenRegulations, 3.0), (Metric::SuppressionSeconds, 1.5)];
        let line = line("lethe", &figures, Timestamp::UNIX_EPOCH);
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(line["_aws"]["Timestamp"], 0);
        assert_eq!(directive["Namespace"], "Lethe");
        for dimension in directive["Dimensions"][0].as_array().unwrap() {
            assert!(line[dimension.as_str().unwrap()].is_string());
        }
        for (metric, (_, figure)) in directive["Metrics"].as_array().unwrap().iter().zip(figures) {
            assert_eq!(line[metric["Name"].as_str().unwrap()], figure);
        }
        assert_eq!(directive["Metrics"][1], json!({ "Name": "SuppressionSeconds", "Unit": "Seconds" }));
    }
}
