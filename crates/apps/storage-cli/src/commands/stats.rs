//! `storage stats`: what a store is made of, its figures and its health.

use serde_json::{Map, Value, json};
use storage::{Description, Health, SharedStore, Stats, StoreId, Unit, bulk, prelude::*};

use crate::{
    context::Context,
    failure::Result,
    output::{Form, Output},
    status::Status,
    units,
};

pub(crate) async fn run(context: &Context, output: &mut Output) -> Result<Status> {
    let examined = context
        .with_existing_engine(async |store| Examined::of(store).await)
        .await?;
    match context.form {
        Form::Json => output.line(to_json(&examined).to_string())?,
        Form::Text => print(&examined, output)?,
    }
    Ok(Status::Done)
}

/// What a store says of itself, opened below its layers: so does an unfinished
/// copy.
struct Examined {
    description: Description,
    stats: Stats,
    health: Health,
    copied_from: Option<StoreId>,
}

impl Examined {
    async fn of(store: &SharedStore) -> Result<Self> {
        Ok(Self {
            description: store.describe(),
            stats: store.stats().await?,
            health: store.health().await?,
            copied_from: bulk::unfinished_copy(store).await?.map(|source| source.id),
        })
    }
}

fn to_json(examined: &Examined) -> Value {
    let Examined {
        description,
        stats,
        health,
        copied_from,
    } = examined;
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
        "unfinished_copy_of": copied_from.map(|source| source.to_string()),
    })
}

fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "count",
        Unit::Bytes => "bytes",
        Unit::Microseconds => "microseconds",
        Unit::Thousandths => "thousandths",
    }
}

fn print(examined: &Examined, output: &mut Output) -> Result<()> {
    let Examined {
        description,
        stats,
        health,
        copied_from,
    } = examined;
    let mut row = |name: &str, value: String| output.line(format!("{name:<28} {value}"));
    row("store", description.to_string())?;
    if let Some(source) = copied_from {
        row("unfinished copy", format!("of the store {source}"))?;
    }
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
            Unit::Thousandths => format!("{}.{:03}", detail.value / 1_000, detail.value % 1_000),
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
