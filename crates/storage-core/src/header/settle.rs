//! What opening a stack does with the header of the store.

use super::{
    Lineup, StoreHeader, StoreId, StoredLayer,
    compare::{Verdict, compare},
};
use crate::{
    Error, ErrorKind, Guard, Key, KeyRange, OwnedKey, Random, ReadExt, Result, ScanOptions, Space,
    Stamp, Store, Support, WriteBatch, WriteOptions, bulk::unfinished_copy, layer::is_core_key,
};

/// Checks that the layers, outermost first, may open `store`, that it is no
/// [unfinished copy](unfinished_copy), and writes its
/// header if it has none, if it holds nothing else, or if a layer's format is
/// newer than the header says.
///
/// Of several that open a new store at once, one writes the header and the
/// others read it, if the store has guards.
///
/// # Errors
/// As for [`Stack::open`](crate::Stack::open).
pub(crate) async fn settle<S: Store>(
    store: &S,
    layers: Vec<StoredLayer>,
    random: &dyn Random,
) -> Result<()> {
    refuse_unfinished_copy(store).await?;
    loop {
        let (header, guard) = match StoreHeader::read_stamped(store).await? {
            None => {
                if !layers.is_empty() && !is_empty(store).await? {
                    // Another stack may have begun the store since.
                    if StoreHeader::read(store).await?.is_some() {
                        continue;
                    }
                    return Err(written_bare(&layers));
                }
                let header = StoreHeader {
                    id: StoreId::generate(random)?,
                    lineage: Vec::new(),
                    layers: layers.clone(),
                };
                (header, Guard::Absent(StoreHeader::key()))
            }
            Some((header, stamp)) => match compare(&header.layers, &layers) {
                Ok(Verdict::Same) => return Ok(()),
                Ok(Verdict::Raised) => rewritten(header, layers.clone(), stamp),
                // Nothing was ever written, perhaps because a layer failed to
                // open: the store takes any stack.
                Err(_) if is_empty(store).await? => rewritten(header, layers.clone(), stamp),
                Err(difference) => return Err(difference.refusal(&header.layers, &layers)),
            },
        };
        match write(store, &header, guard).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            answer => return answer,
        }
    }
}

/// What is missing would look as if it had never been, and what is written would
/// be removed when the copy is resumed.
async fn refuse_unfinished_copy<S: Store>(store: &S) -> Result<()> {
    match unfinished_copy(store).await? {
        None => Ok(()),
        Some(origin) => Err(Error::new(
            ErrorKind::Invalid,
            format!(
                "the store is an unfinished copy of the store {}, and opens once that copy was \
                 resumed and verified (`storage copy --resume`, or `CopyStart::Resume`)",
                origin.id
            ),
        )),
    }
}

fn rewritten(header: StoreHeader, layers: Vec<StoredLayer>, stamp: Stamp) -> (StoreHeader, Guard) {
    let header = StoreHeader { layers, ..header };
    (header, Guard::Unchanged(StoreHeader::key(), stamp))
}

async fn write<S: Store>(store: &S, header: &StoreHeader, guard: Guard) -> Result<()> {
    let key: OwnedKey = StoreHeader::key();
    let mut batch = WriteBatch::new().put(key, header.encode());
    let capabilities = store.capabilities();
    if capabilities.guards == Support::Supported {
        batch = batch.guard(guard);
    }
    let options = WriteOptions::new().durability(capabilities.durability_max);
    store.commit_with(batch, &options).await?;
    Ok(())
}

/// Whether nothing is in either space but what core itself keeps.
pub(crate) async fn is_empty<S: Store>(store: &S) -> Result<bool> {
    for space in [Space::User, Space::System] {
        let range = KeyRange::all().in_space(space);
        let mut items = store.scan(range, ScanOptions::new().keys_only().entries_max(16));
        while let Some(item) = items.next().await? {
            if !is_core_key(Key::in_space(space, &item.key)) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn written_bare(layers: &[StoredLayer]) -> Error {
    Error::new(
        ErrorKind::Invalid,
        format!(
            "the store was written by its engine alone, the stack has {}: open it without these \
             layers, or copy the data to a new store of this stack",
            Lineup(layers)
        ),
    )
}
