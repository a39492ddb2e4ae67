//! A store that is about to begin another journal.

use std::path::PathBuf;

use storage_core::{
    Components, Durability, Random, ReadExt, Result, SeededRandom, SharedStore, Store, StoreExt,
    WriteBatch, WriteOptions,
};
use storage_fjall::FjallConfig;

/// A journal is followed by another at the first flush after so many bytes.
const JOURNAL_BYTES: usize = 64_000_000;

/// What the journal is filled with; nothing of it is left when the store is
/// open.
const FILLER: &str = "filler";

/// Opens the store in `directory`. A new one has written nearly as much as goes
/// into one journal, so that it begins the next while it is worked on.
pub(crate) async fn open(directory: PathBuf, components: Components) -> Result<SharedStore> {
    let is_new = !directory.exists();
    let mut config = FjallConfig::new(directory);
    config.write_buffer_bytes = 1 << 20;
    let store = SharedStore::new(config.open_with(components).await?);
    if is_new {
        fill(&store).await?;
    }
    // It may also be that the power went while the store was filled.
    if store.get(FILLER).await?.is_some() {
        store.commit(WriteBatch::new().delete(FILLER)).await?;
    }
    Ok(store)
}

async fn fill(store: &SharedStore) -> Result<()> {
    const VALUE_BYTES: usize = 900_000;
    // What cannot be compressed.
    let random = SeededRandom::new(1);
    let options = WriteOptions::new().durability(Durability::Buffered);
    for _ in 0..JOURNAL_BYTES / VALUE_BYTES {
        let mut value = vec![0; VALUE_BYTES];
        random.fill(&mut value)?;
        let batch = WriteBatch::new().put(FILLER, value);
        store.commit_with(batch, &options).await?;
    }
    Ok(())
}
