//! Whether every stored value can be decoded.

use storage_core::{
    CheckReport, Damage, Error, ErrorKind, Key, KeyRange, Read, RedactedKey, Result, ScanOptions,
    Space,
};

use crate::{CompressStore, shared::Worker};

/// How many entries are looked at together.
const ENTRIES: usize = 256;

/// Adds the values that cannot be decoded to what was found below. Entries that the
/// store below cannot even read are in its own report.
pub(crate) async fn values<R: Read>(
    store: &CompressStore<R>,
    mut report: CheckReport,
) -> Result<CheckReport> {
    let options = ScanOptions::new().entries_max(ENTRIES);
    for space in [Space::User, Space::System] {
        let mut rest = Some(KeyRange::all().in_space(space));
        while let Some(range) = rest.take() {
            let page = match store.inner.scan_with(&range, &options).await {
                Ok(page) => page,
                // Where the damage ends cannot be told from here.
                Err(error) if error.kind() == ErrorKind::Corrupt => break,
                Err(error) => return Err(error),
            };
            rest.clone_from(&page.next);
            let found = store
                .shared
                .work(Worker::Pool, move |shared| {
                    let damage = |item: storage_core::Item| {
                        let key = Key::in_space(space, &item.key);
                        let error = shared.open(key, item.entry).err()?;
                        Some(damage_of(key, &error))
                    };
                    Ok(page
                        .items
                        .into_iter()
                        .filter_map(damage)
                        .collect::<Vec<_>>())
                })
                .await?;
            report.damages.extend(found);
        }
    }
    Ok(report)
}

fn damage_of(key: Key<'_>, error: &Error) -> Damage {
    let detail = match std::error::Error::source(error) {
        Some(source) => format!("{}: {source}", error.message()),
        None => error.message().to_owned(),
    };
    Damage::new(RedactedKey::from(key).to_string(), detail)
}
