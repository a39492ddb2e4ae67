//! Whether rows and chunks fit together.
//!
//! On a snapshot both are of one instant. On a store that is written to meanwhile, what
//! does not fit is looked at again: what was written in between fits then.

mod chunks;
mod rows;

use storage_core::{CheckReport, Damage, ErrorKind, KeyRange, Page, Read, Result, ScanOptions};

use crate::DedupStore;

/// How often what does not fit is looked at.
const LOOKS: usize = 4;

/// Adds what is wrong with rows and chunks to what was found below, and what could not be
/// looked at: why the store below cannot read that is in its own report.
pub(crate) async fn all<R: Read>(
    store: &DedupStore<R>,
    mut report: CheckReport,
) -> Result<CheckReport> {
    report.damages.extend(chunks::damages(store).await?);
    let (damages, entries) = rows::damages(store).await?;
    report.damages.extend(damages);
    // Those of callers: of the others, nobody above knows.
    report.entries = entries;
    Ok(report)
}

/// A page of what lies below; where that is damaged, that it could not be looked at: where
/// the damage ends cannot be told from here.
async fn page<R: Read>(
    store: &DedupStore<R>,
    range: &KeyRange,
    options: &ScanOptions,
) -> Result<Result<Page, Damage>> {
    match store.inner.scan_with(range, options).await {
        Ok(page) => Ok(Ok(page)),
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            Ok(Err(Damage::not_looked_at(range, &error)))
        }
        Err(error) => Err(error),
    }
}
