//! What a dry run found: lines per subject and object.

use std::collections::BTreeMap;

use archive::run_plan::RunPlan;
use aws::bucket::Key;
use model::failure::Result;
use model::id::{DestinationId, RunId};
use model::subject::Pseudonym;
use serde::Serialize;

use crate::context::Context;
use crate::tally::{except, tally};

/// The report, which names people by pseudonym.
#[derive(Serialize)]
struct Report {
    /// Lines by subject, over all archives.
    subjects: BTreeMap<Pseudonym, u64>,
    /// The objects that hold any, with lines by subject.
    objects: Vec<Object>,
    /// The objects that could not be read, and why.
    residuals: Vec<Residual>,
    /// Number of objects that could not be read and that exceptions cover.
    excepted: u64,
}

#[derive(Serialize)]
struct Object {
    archive: DestinationId,
    key: String,
    lines: BTreeMap<Pseudonym, u64>,
}

#[derive(Serialize)]
struct Residual {
    archive: DestinationId,
    key: String,
    detail: String,
}

pub async fn write_report(context: &Context, run: &RunId, plan: &RunPlan) -> Result<()> {
    let pseudonyms: Vec<_> = plan.subjects.iter().map(|s| context.pseudonyms.pseudonym(s)).collect();
    let mut report =
        Report { subjects: BTreeMap::new(), objects: Vec::new(), residuals: Vec::new(), excepted: 0 };
    for pseudonym in &pseudonyms {
        report.subjects.insert(pseudonym.clone(), 0);
    }
    let mut archives = tally(context, run).await?;
    except(context, &mut archives).await?;
    for (archive, tally) in archives {
        report.excepted += tally.excepted;
        for (key, hit) in tally.hits {
            let named = |(subject, lines): (&u32, &u64)| (pseudonyms[*subject as usize].clone(), *lines);
            let lines: BTreeMap<_, _> = hit.lines.iter().map(named).collect();
            for (pseudonym, count) in &lines {
                *report.subjects.entry(pseudonym.clone()).or_default() += count;
            }
            report.objects.push(Object { archive: archive.clone(), key, lines });
        }
        for (key, obstacles) in tally.residuals {
            report.residuals.push(Residual { archive: archive.clone(), key, detail: obstacles.first.detail });
        }
    }
    context.files.write(Key::Report(run), &report).await
}
