//! The child that writes until it is killed.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use storage_core::{Durability, Store};
use tokio::time;

use super::{
    Keyspace, Note,
    arguments::WorkArguments,
    named_store::NamedStore,
    note::NoteWriter,
    workload::{self, Plan, Stop},
};
use crate::child::end_with_the_parent;

/// Opens the store, works on it, and closes it if the parent lets it live so
/// long.
pub(super) async fn work(named: &NamedStore, arguments: WorkArguments) -> Result<()> {
    end_with_the_parent();
    let notes = Arc::new(NoteWriter::to_stdout().context("finding the standard output")?);
    let store = named
        .open(arguments.store.directory)
        .await
        .context("opening the store to write")?;
    ensure!(
        store.capabilities().durability_max >= Durability::Buffered,
        "the store declares nothing that outlives its process, so there is nothing to prove"
    );
    notes.write(&Note::Opened)?;
    let plan = Plan::draw(arguments.seed, store.capabilities());
    let stop = Stop::default();
    if let Some(after) = arguments.close_after {
        stop_after(after, stop.clone());
    }
    let keys = Keyspace::of_round(arguments.store.round);
    workload::run(&store, keys, &plan, &notes, &stop).await?;
    store.close().await.context("closing the store")?;
    notes.write(&Note::Closed)?;
    Ok(())
}

fn stop_after(after: Duration, stop: Stop) {
    tokio::spawn(async move {
        time::sleep(after).await;
        stop.now();
    });
}
