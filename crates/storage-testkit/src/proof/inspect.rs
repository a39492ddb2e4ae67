//! The child that opens the store again and judges it.
//!
//! It is a process of its own because an engine may panic, abort or hang while
//! it recovers.

use std::fs;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use storage_core::{ErrorKind, SequenceScope, SharedStore, Store};

use super::{
    FindingKind, History, Keyspace, Promise, Recovered, Verdict,
    arguments::InspectArguments,
    judge::{self, recovered::digest},
    named_store::NamedStore,
    note,
};
use crate::child::end_with_the_parent;

/// What an inspection says: one line of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inspection {
    pub(super) verdict: Verdict,
    /// What the next rounds on the same store must find.
    pub(super) left: Left,
}

/// What a round left, for those after it to be compared with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Left {
    /// Of everything under the round's keys, which must stay as it is.
    pub(super) digest: String,
    /// The last sequence in what survived of the log. No later commit may have
    /// it again, or a smaller one.
    pub(super) last_sequence: u64,
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
    let promise = Promise::of(capabilities, arguments.survives.into(), history.end());
    let mut verdict = judge::judge(&history, &recovered, promise);
    let earlier = arguments.earlier.iter().map(|earlier| earlier.round);
    let known: Vec<u32> = earlier
        .chain(arguments.known)
        .chain([keys.round()])
        .collect();
    judge::strays::check_beside(&known, &store, &mut verdict)
        .await
        .context("reading all that was left")?;
    check(&store, &mut verdict).await?;
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
    if capabilities.sequence == SequenceScope::Store {
        judge::check_sequences_beyond(arguments.beyond, &history, &mut verdict);
    }
    let left = Left {
        digest: digest(&store, keys).await?,
        last_sequence: recovered.last_sequence().max(arguments.beyond),
    };
    store
        .close()
        .await
        .context("closing the store that was left")?;
    Ok(Inspection { verdict, left })
}

/// Has the engine and the layers look for damage themselves.
async fn check(store: &SharedStore, verdict: &mut Verdict) -> Result<()> {
    let report = match store.check().await {
        Ok(report) => report,
        Err(error) if error.kind() == ErrorKind::Unsupported => return Ok(()),
        Err(error) => return Err(error).context("checking what was left"),
    };
    for damage in report.damages {
        verdict.report(
            FindingKind::Failed,
            format!(
                "the check found damage at {}: {}",
                damage.place, damage.detail
            ),
        );
    }
    Ok(())
}
