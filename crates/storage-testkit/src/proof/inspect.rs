//! The child that opens the store again and judges it.
//!
//! It is a process of its own because an engine may panic, abort or hang while
//! it recovers.

use std::fs;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use storage_core::{Durability, Store};

use super::{
    FindingKind, History, Keyspace, Promise, Recovered, Verdict,
    arguments::InspectArguments,
    child::end_with_the_parent,
    judge::{self, End, recovered::digest},
    named_store::NamedStore,
    note,
};

/// What an inspection says: one line of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inspection {
    pub(super) verdict: Verdict,
    /// Of what the round left, which must stay as it is from now on.
    pub(super) digest: String,
}

/// Opens the store, judges the round, and compares what earlier rounds left.
pub(super) async fn inspect(named: &NamedStore, arguments: InspectArguments) -> Result<Inspection> {
    end_with_the_parent();
    let path = &arguments.notes;
    let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let history = History::of(&note::parse(&text)?)?;
    let store = named
        .open(arguments.store.directory)
        .await
        .context("opening the store that was left")?;
    let keys = Keyspace::of_round(arguments.store.round);
    let recovered = Recovered::read(&store, keys, &history)
        .await
        .context("reading the store that was left")?;
    let capabilities = store.capabilities();
    let promise = Promise {
        survives: match history.end() {
            End::Sudden => arguments.survives.into(),
            // Closing makes everything as durable as the store can.
            End::Closed => Durability::Volatile,
        },
        crash_order: capabilities.crash_order,
    };
    let mut verdict = judge::judge(&history, &recovered, promise);
    for earlier in arguments.earlier {
        let now = digest(&store, Keyspace::of_round(earlier.round)).await?;
        if now != earlier.digest {
            verdict.report(
                FindingKind::Lost,
                format!(
                    "what round {} left is no longer as it was found after it",
                    earlier.round
                ),
            );
        }
    }
    let digest = digest(&store, keys).await?;
    store
        .close()
        .await
        .context("closing the store that was left")?;
    Ok(Inspection { verdict, digest })
}
