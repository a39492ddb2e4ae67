//! `storage check`: reads everything and names what is damaged.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use storage::{CheckReport, StoreId, bulk, prelude::*};

use crate::{
    context::Context,
    failure::Result,
    output::{Form, Output},
    status::Status,
    units,
};

pub(crate) async fn run(context: &Context, output: &mut Output) -> Result<Status> {
    context
        .with_existing_engine(async |store| check(store, context.form, output).await)
        .await
}

/// Checks an open store and prints what is found.
pub(crate) async fn check<S: Store>(store: &S, form: Form, output: &mut Output) -> Result<Status> {
    let started = Instant::now();
    let report = store.check().await?;
    let copied_from = marked(store).await;
    match form {
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

/// The store that this one is an unfinished copy of. A mark that cannot be read
/// is damage, and the check itself names that.
async fn marked(store: &impl Store) -> Option<StoreId> {
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
            "checked {entries} in {time}: {} damaged; restore the store from a backup",
            units::places(count)
        )),
    }
}
