//! `storage check`: reads everything and names what is damaged.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use storage::{CheckReport, SharedStore, StoreId, bulk, prelude::*};

use crate::{
    context::Context,
    failure::Result,
    output::{Form, Output},
    status::Status,
    units,
};

pub(crate) async fn run(context: &Context, output: &mut Output) -> Result<Status> {
    let started = Instant::now();
    let (report, copied_from) = context
        .with_existing_engine(async |store| Ok((check(store).await?, marked(store).await)))
        .await?;
    match context.form {
        Form::Json => output.line(to_json(&report, copied_from, started.elapsed()).to_string())?,
        Form::Text => {
            if let Some(source) = copied_from {
                output.line(format!(
                    "the store is an unfinished copy of the store {source}; complete it with \
                     `storage copy --resume`"
                ))?;
            }
            print(&report, started.elapsed(), output)?;
        }
    }
    Ok(if report.damages.is_empty() {
        Status::Done
    } else {
        Status::Corrupt
    })
}

pub(crate) async fn check<S: Store>(store: &S) -> Result<CheckReport> {
    Ok(store.check().await?)
}

/// The store that this one is an unfinished copy of. A mark that cannot be read
/// is damage, and the check itself names that.
async fn marked(store: &SharedStore) -> Option<StoreId> {
    let source = bulk::unfinished_copy(store).await.ok().flatten();
    source.map(|source| source.id)
}

fn to_json(report: &CheckReport, copied_from: Option<StoreId>, elapsed: Duration) -> Value {
    let damages: Vec<_> = report
        .damages
        .iter()
        .map(|damage| json!({"place": damage.place, "detail": damage.detail}))
        .collect();
    json!({
        "sound": report.damages.is_empty(),
        "entries": report.entries,
        "damages": damages,
        "unfinished_copy_of": copied_from.map(|source| source.to_string()),
        "seconds": elapsed.as_secs_f64(),
    })
}

fn print(report: &CheckReport, elapsed: Duration, output: &mut Output) -> Result<()> {
    for damage in &report.damages {
        output.line(format!("damaged: {}: {}", damage.place, damage.detail))?;
    }
    let entries = units::entries(report.entries);
    let time = units::seconds(elapsed);
    match u64::try_from(report.damages.len()).unwrap_or(u64::MAX) {
        0 => output.line(format!("checked {entries} in {time}: no damage")),
        count => output.line(format!(
            "checked {entries} in {time}: {} damaged; restore the store from a backup, or export \
             what can still be read",
            units::places(count)
        )),
    }
}
