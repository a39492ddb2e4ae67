//! Opening: the key of the store's hashes is made once and read ever after.

use std::sync::Arc;

use storage_core::{
    Components, Entry, ErrorKind, Guard, ReadExt, Result, Store, WriteBatch, WriteOptions,
};

use crate::{
    DedupConfig, DedupStore,
    rows::{RowKeys, Settings},
    shared::Shared,
};

/// Puts the layer on a store.
///
/// # Errors
/// `Corrupt` if the row of the settings is damaged; as for the store below.
pub(crate) async fn open<S: Store>(
    config: DedupConfig,
    inner: S,
    components: &Components,
) -> Result<DedupStore<S>> {
    let settings = settle(&config, &inner, components).await?;
    let every = config.collect.every;
    let shared = Shared::new(&config, settings.key, inner.capabilities(), components);
    DedupStore::new(inner, Arc::new(shared), every)
}

/// Of several that open a new store at once, one writes the settings and the others read
/// them.
async fn settle<S: Store>(
    config: &DedupConfig,
    inner: &S,
    components: &Components,
) -> Result<Settings> {
    let row = RowKeys::new().settings();
    loop {
        let found = inner.get(&row).await?;
        let (settings, guard) = match found.as_ref().map(Entry::value) {
            None => {
                let settings = Settings::generate(config.cut, &*components.random)?;
                (settings, Guard::Absent(row.clone()))
            }
            Some(stored) => {
                let settings = Settings::decode(stored).map_err(|error| error.with_key(&row))?;
                if settings.cut == config.cut {
                    return Ok(settings);
                }
                let cut = config.cut;
                (Settings { cut, ..settings }, Guard::Present(row.clone()))
            }
        };
        let batch = WriteBatch::new().guard(guard).put(&row, settings.encode());
        // Without its key no hash can be told: it must not be lost when others are not.
        let options = WriteOptions::new().durability(inner.capabilities().durability_max);
        match inner.commit_with(batch, &options).await {
            Ok(_) => return Ok(settings),
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            Err(error) => return Err(error),
        }
    }
}
