//! Whether chunks are what their names say, and the collector knows of each.

use std::collections::BTreeMap;

use storage_core::{Damage, Read, Result, ScanOptions};

use super::{LOOKS, page};
use crate::{
    DedupStore,
    hash::{ChunkHash, as_usize},
    rows::{Condemned, Kind, RowKeys, decode_live},
};

/// How many chunks are looked at together, if they are short.
const CHUNKS: usize = 256;

/// What is known of a chunk.
#[derive(Debug, Default)]
struct Chunk {
    /// Its length, and whether it is what its name says.
    content: Option<(usize, bool)>,
    /// What its states say of its length.
    states: Vec<Option<usize>>,
}

/// What is wrong with chunks.
pub(super) async fn damages<R: Read>(store: &DedupStore<R>) -> Result<Vec<Damage>> {
    let mut damages = Vec::new();
    let mut after = None;
    loop {
        // What a page of chunks ends with bounds what is looked at of their states.
        let range = store.shared.rows.between(Kind::Chunk, after, None);
        let options = ScanOptions::new().entries_max(CHUNKS).keys_only();
        let keys = match page(store, &range, &options).await? {
            Ok(keys) => keys,
            Err(unread) => {
                damages.push(unread);
                return Ok(damages);
            }
        };
        let last = keys.items.last().and_then(|item| RowKeys::hash(&item.key));
        let up_to = if keys.next.is_some() { last } else { None };
        let mut wrong = within(store, after, up_to).await?;
        for _ in 1..LOOKS {
            if wrong.is_empty() {
                break;
            }
            wrong = within(store, after, up_to).await?;
        }
        damages.append(&mut wrong);
        if up_to.is_none() {
            return Ok(damages);
        }
        after = up_to;
    }
}

/// What is wrong with these chunks. Where one of their rows cannot be read, what the others
/// say of it is no complaint.
async fn within<R: Read>(
    store: &DedupStore<R>,
    after: Option<ChunkHash>,
    up_to: Option<ChunkHash>,
) -> Result<Vec<Damage>> {
    let mut chunks: BTreeMap<ChunkHash, Chunk> = BTreeMap::new();
    for kind in [Kind::Chunk, Kind::Live, Kind::Condemned] {
        let mut rest = Some(store.shared.rows.between(kind, after, up_to));
        while let Some(range) = rest.take() {
            let page = match page(store, &range, &ScanOptions::new()).await? {
                Ok(page) => page,
                Err(unread) => return Ok(vec![unread]),
            };
            rest = page.next;
            let rows = page.items.into_iter();
            let rows: Vec<_> = rows
                .filter_map(|item| Some((RowKeys::hash(&item.key)?, item.entry.into_value())))
                .collect();
            if kind == Kind::Chunk {
                let verify = move |shared: &crate::shared::Shared| {
                    let verified = rows.into_iter().map(|(hash, content)| {
                        (hash, content.len(), shared.hasher.hash(&content) == hash)
                    });
                    Ok(verified.collect::<Vec<_>>())
                };
                for (hash, length, is_right) in store.shared.work(usize::MAX, verify).await? {
                    chunks.entry(hash).or_default().content = Some((length, is_right));
                }
                continue;
            }
            for (hash, state) in rows {
                let length = match kind {
                    Kind::Live => decode_live(&state).ok(),
                    _ => Condemned::decode(&state).ok().map(|state| state.length),
                };
                let states = &mut chunks.entry(hash).or_default().states;
                states.push(length.map(as_usize));
            }
        }
    }
    let wrong = |(hash, chunk): (ChunkHash, Chunk)| {
        Some(Damage::new(format!("chunk {hash}"), chunk.complaint()?))
    };
    Ok(chunks.into_iter().filter_map(wrong).collect())
}

impl Chunk {
    fn complaint(&self) -> Option<&'static str> {
        match (self.content, &*self.states) {
            (None, _) => Some("it is missing, and its state says that it is there"),
            (Some((_, false)), _) => Some("it is not what it was: its hash is another"),
            (_, []) => Some("it has no state, so the collector does not know of it"),
            (_, [_, _, ..]) => Some("it is live and condemned at once"),
            (Some((length, _)), [Some(stated)]) if length == *stated => None,
            _ => Some("its state does not say how long it is"),
        }
    }
}
