//! `storage compact`: gives the space of deleted and replaced data back.

use std::time::{Duration, Instant};

use serde_json::json;
use storage::{Maintenance, MaintenanceReport, prelude::*};

use crate::{
    context::Context,
    failure::{Failure, Result},
    output::{Form, Output},
    status::Status,
    units,
};

pub(crate) async fn run(context: &Context, output: &mut Output) -> Result<Status> {
    let started = Instant::now();
    let report = context
        .with_existing_engine(async |store| compact(store).await)
        .await?;
    let elapsed = started.elapsed();
    match context.form {
        Form::Json => output.line(
            json!({
                "disk_bytes_before": report.disk_bytes_before,
                "disk_bytes_after": report.disk_bytes_after,
                "seconds": elapsed.as_secs_f64(),
            })
            .to_string(),
        )?,
        Form::Text => output.line(sentence(&report, elapsed))?,
    }
    Ok(Status::Done)
}

/// Merges the files, or where a server keeps them, has it free what is dead.
async fn compact<S: Store>(store: &S) -> Result<MaintenanceReport> {
    let compacted = match store.maintain(Maintenance::Compact).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            let vacuumed = store.maintain(Maintenance::Vacuum).await;
            match vacuumed {
                Err(other) if other.kind() == ErrorKind::Unsupported => Err(error),
                vacuumed => vacuumed,
            }
        }
        compacted => compacted,
    };
    match compacted {
        Ok(report) => Ok(report),
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            let engine = store.describe().engine;
            Err(Failure::from(error).within(format!("this engine, {engine}, offers no compaction")))
        }
        Err(error) => Err(error.into()),
    }
}

fn sentence(report: &MaintenanceReport, elapsed: Duration) -> String {
    let time = units::seconds(elapsed);
    match (report.disk_bytes_before, report.disk_bytes_after) {
        (Some(before), Some(after)) => format!(
            "compacted in {time}: {} before, {} now",
            units::bytes(before),
            units::bytes(after)
        ),
        _ => format!("compacted in {time}"),
    }
}
