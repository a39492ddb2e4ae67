//! `storage stats`: what a store is made of, its figures and its health.

use serde_json::{Map, Value, json};
use storage::{Description, Health, Stats, Unit, prelude::*};

use crate::{
    context::Context,
    failure::Result,
    output::{Form, Output},
    status::Status,
    units,
};

pub(crate) async fn run(context: &Context, output: &mut Output) -> Result<Status> {
    let (description, stats, health) = context
        .with_existing_store(async |store| {
            Ok((
                store.describe(),
                store.stats().await?,
                store.health().await?,
            ))
        })
        .await?;
    match context.form {
        Form::Json => output.line(to_json(&description, &stats, &health).to_string())?,
        Form::Text => print(&description, &stats, &health, output)?,
    }
    Ok(Status::Done)
}

fn to_json(description: &Description, stats: &Stats, health: &Health) -> Value {
    let details: Map<_, _> = stats
        .details
        .iter()
        .map(|detail| {
            let figure = json!({"value": detail.value, "unit": unit(detail.unit)});
            (detail.name.to_owned(), figure)
        })
        .collect();
    let issues: Vec<_> = health
        .issues
        .iter()
        .map(|issue| json!({"name": issue.name, "detail": issue.detail}))
        .collect();
    json!({
        "engine": description.engine,
        "location": description.location,
        "layers": description.layers,
        "entries_estimate": stats.entries_estimate,
        "disk_bytes": stats.disk_bytes,
        "details": details,
        "issues": issues,
    })
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "count",
        Unit::Bytes => "bytes",
        Unit::Microseconds => "microseconds",
    }
}

fn print(
    description: &Description,
    stats: &Stats,
    health: &Health,
    output: &mut Output,
) -> Result<()> {
    let mut row = |name: &str, value: String| output.line(format!("{name:<28} {value}"));
    row("store", description.to_string())?;
    if let Some(entries) = stats.entries_estimate {
        row("entries", format!("about {}", units::number(entries)))?;
    }
    if let Some(bytes) = stats.disk_bytes {
        row("disk", units::bytes(bytes))?;
    }
    for detail in &stats.details {
        let value = match detail.unit {
            Unit::Count => units::number(detail.value),
            Unit::Bytes => units::bytes(detail.value),
            Unit::Microseconds => format!("{} µs", units::number(detail.value)),
        };
        row(detail.name, value)?;
    }
    if health.is_well() {
        row("health", "well".to_owned())?;
    }
    for issue in &health.issues {
        row("health", format!("{}: {}", issue.name, issue.detail))?;
    }
    Ok(())
}
