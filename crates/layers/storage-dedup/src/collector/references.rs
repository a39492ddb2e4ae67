//! Who refers to chunks: hints, held against the rows of the keys that they name.

use std::collections::HashMap;

use storage_core::{Entry, ErrorKind, Guard, Mutation, OwnedKey, Page, Result, Space, Store};

use super::guarded::Change;
use crate::{
    form::Form,
    hash::{ChunkHash, as_usize},
    rows::RowKeys,
    shared::Shared,
};

/// How many rows are read together.
const ROWS: usize = 64;

/// The chunks that some row refers to, and the bytes that it takes of them.
#[derive(Debug, Default)]
pub(super) struct References {
    bytes: HashMap<ChunkHash, u64>,
}

impl References {
    /// How many bytes of values a chunk is; `None` if nobody refers to it.
    pub(super) fn of(&self, hash: ChunkHash) -> Option<u64> {
        self.bytes.get(&hash).copied()
    }

    /// Adds what the hints of a page lead to. Returns how those are removed that lead
    /// nowhere, if their keys have not been written by then.
    pub(super) async fn look_at<S: Store>(
        &mut self,
        page: &Page,
        store: &S,
        shared: &Shared,
    ) -> Result<Vec<Change>> {
        let mut stale = Vec::new();
        for hints in page.items.chunks(ROWS) {
            let hinted: Vec<_> = hints
                .iter()
                .filter_map(|item| Some((RowKeys::hinted(&item.key)?, item.key.clone())))
                .collect();
            let keys: Vec<_> = hinted.iter().map(|((_, key), _)| key.clone()).collect();
            let rows = rows(store, &keys, shared).await?;
            for (((hash, key), hint), row) in hinted.into_iter().zip(rows) {
                let guard = match row {
                    Row::Damaged => {
                        // It may well refer to the chunk.
                        self.add(hash, 0);
                        continue;
                    }
                    Row::Absent => Guard::Absent(key),
                    Row::Present(entry, form) => {
                        let pieces = form.pieces().iter().filter(|piece| piece.hash == hash);
                        let mut lengths = pieces.map(|piece| as_usize(piece.length)).peekable();
                        if lengths.peek().is_some() {
                            self.add(hash, lengths.sum());
                            continue;
                        }
                        Guard::Unchanged(key, entry.stamp())
                    }
                };
                stale.push(Change {
                    hash,
                    length: 0,
                    guard,
                    mutations: vec![Mutation::Delete(OwnedKey::in_space(Space::System, hint))],
                });
            }
        }
        Ok(stale)
    }

    fn add(&mut self, hash: ChunkHash, bytes: usize) {
        *self.bytes.entry(hash).or_default() += u64::try_from(bytes).unwrap_or(u64::MAX);
    }
}

enum Row {
    Absent,
    Present(Entry, Form),
    /// It cannot be read.
    Damaged,
}

async fn rows<S: Store>(store: &S, keys: &[OwnedKey], shared: &Shared) -> Result<Vec<Row>> {
    let options = shared.fresh();
    let row = |key: &OwnedKey, entry: Option<Entry>| match entry {
        None => Row::Absent,
        Some(entry) => match shared.form(key.as_key(), &entry) {
            Ok(form) => Row::Present(entry, form),
            Err(_) => Row::Damaged,
        },
    };
    match store.get_many_with(keys, &options).await {
        Ok(entries) => Ok(keys
            .iter()
            .zip(entries)
            .map(|(key, entry)| row(key, entry))
            .collect()),
        // One of them: which, the others need not suffer for.
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            let mut rows = Vec::with_capacity(keys.len());
            for key in keys {
                rows.push(match store.get_with(key.as_key(), &options).await {
                    Ok(entry) => row(key, entry),
                    Err(error) if error.kind() == ErrorKind::Corrupt => Row::Damaged,
                    Err(error) => return Err(error),
                });
            }
            Ok(rows)
        }
        Err(error) => Err(error),
    }
}
