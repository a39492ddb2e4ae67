//! What becomes of a batch on its way down: expiries where there were none, and rows.

use storage_core::{Capabilities, Clock, Mutation, OwnedKey, Space, Timestamp, WriteBatch};

use crate::{ExpiryConfig, Sweep, index, rules::Rules};

/// Rewrites batches.
#[derive(Debug)]
pub(crate) struct Rewriter {
    rules: Rules,
    rows: Rows,
}

/// Whether rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rows {
    Written,
    NotWritten,
}

/// What the layer leaves of the capabilities of the store below: room for a row for each
/// put.
pub(crate) fn capabilities(config: &ExpiryConfig, inner: &Capabilities) -> Capabilities {
    let mut capabilities = inner.clone();
    if config.sweep == Sweep::Never {
        return capabilities;
    }
    let operations = inner.batch_operations_max / 2;
    let extra = index::EXTRA_BYTES.saturating_mul(operations);
    // At worst a batch is nothing but keys, and each is in a row, too.
    let bytes = inner.batch_bytes_max.saturating_sub(extra) / 2;
    capabilities.batch_operations_max = operations;
    capabilities.batch_bytes_max = bytes;
    let beside_key = bytes.saturating_sub(inner.key_bytes_max);
    capabilities.value_bytes_max = inner.value_bytes_max.min(beside_key);
    capabilities
}

impl Rewriter {
    pub(crate) fn new(config: &ExpiryConfig) -> Self {
        Self {
            rules: Rules::of(config),
            rows: match config.sweep {
                Sweep::Background | Sweep::OnDemand => Rows::Written,
                Sweep::Never => Rows::NotWritten,
            },
        }
    }

    pub(crate) fn rewrite(&self, batch: WriteBatch, clock: &Clock) -> WriteBatch {
        let (guards, mutations) = batch.into_parts();
        let mut now = None;
        let mut rewritten = Vec::with_capacity(mutations.len());
        for mut mutation in mutations {
            let row = match &mut mutation {
                Mutation::Put(put) if put.key.space() == Space::User => {
                    self.complete(&put.key, &mut put.expires, clock, &mut now);
                    index::row_of(put).map(Mutation::Put)
                }
                Mutation::PutSequenced(put) if put.prefix.space() == Space::User => {
                    self.complete(&put.prefix, &mut put.expires, clock, &mut now);
                    index::sequenced_row_of(put).map(Mutation::PutSequenced)
                }
                _ => None,
            };
            rewritten.push(mutation);
            if self.rows == Rows::Written {
                rewritten.extend(row);
            }
        }
        WriteBatch::from_parts(guards, rewritten)
    }

    /// Sets an expiry that is missing. All of a batch see the same time.
    fn complete(
        &self,
        key: &OwnedKey,
        expires: &mut Option<Timestamp>,
        clock: &Clock,
        now: &mut Option<Timestamp>,
    ) {
        if expires.is_some() {
            return;
        }
        if let Some(time) = self.rules.time_to_live(key.bytes()) {
            let now = *now.get_or_insert_with(|| clock.now());
            *expires = Some(now.after(time));
        }
    }
}
