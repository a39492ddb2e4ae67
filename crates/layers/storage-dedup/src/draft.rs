//! From batches to what is committed below in their place.

use std::collections::HashSet;

use bytes::Bytes;
use storage_core::{
    Error, ErrorKind, Guard, Key, Mutation, Outcome, OwnedKey, Put, Result, SequencedPut,
    WriteBatch, layer::Spared,
};

use crate::{
    form,
    hash::ChunkHash,
    layer::NAME,
    rows::{CHUNK_EXTRA_BYTES, HINT_EXTRA_BYTES, Kind, encode_live},
    shared::Shared,
};

/// A batch whose values are in their rows or cut into chunks. What it does for its chunks
/// depends on which of them the store has.
#[derive(Debug)]
pub(crate) struct Draft {
    guards: Vec<Guard>,
    /// Rows and hints.
    mutations: Vec<Mutation>,
    /// Each once.
    pub(crate) chunks: Vec<DraftChunk>,
    /// How many values are in their rows.
    pub(crate) inline_values: usize,
    /// How many refer to chunks.
    pub(crate) referring_values: usize,
    /// The bytes of the latter.
    pub(crate) referring_bytes: usize,
}

/// A chunk that a batch refers to.
#[derive(Debug)]
pub(crate) struct DraftChunk {
    pub(crate) hash: ChunkHash,
    pub(crate) content: Bytes,
}

impl Draft {
    /// Cuts the values of a batch.
    ///
    /// # Errors
    /// `Invalid` if the batch has to do with the layer's own keys.
    pub(crate) fn of(batch: WriteBatch, shared: &Shared) -> Result<Self> {
        let drafting = Drafting::new(shared, &batch);
        let (guards, mutations) = batch.into_parts();
        for guard in &guards {
            refuse_own(shared, guard.key().as_key())?;
        }
        drafting.draft(guards, mutations)
    }

    /// How many guards the batch came with. Those that the layer adds come after them.
    pub(crate) const fn guards(&self) -> usize {
        self.guards.len()
    }

    /// The batch, given which of the chunks the store has. It applies only if it has them,
    /// and afterwards it has all of them.
    pub(crate) fn batch(&self, is_there: &[bool], shared: &Shared) -> WriteBatch {
        assemble(
            self.guards.clone(),
            self.mutations.clone(),
            &self.chunks,
            is_there,
            shared,
        )
    }

    /// The same, if it is the last.
    pub(crate) fn into_batch(self, is_there: &[bool], shared: &Shared) -> WriteBatch {
        assemble(self.guards, self.mutations, &self.chunks, is_there, shared)
    }
}

fn assemble(
    mut guards: Vec<Guard>,
    rows: Vec<Mutation>,
    chunks: &[DraftChunk],
    is_there: &[bool],
    shared: &Shared,
) -> WriteBatch {
    let written = is_there.iter().filter(|is_there| !**is_there).count();
    let mut mutations = Vec::with_capacity(rows.len() + 3 * written);
    for (DraftChunk { hash, content }, is_there) in chunks.iter().zip(is_there) {
        let row = |kind| shared.rows.of(kind, *hash);
        if *is_there {
            guards.push(Guard::Present(row(Kind::Live)));
        } else {
            let length = u32::try_from(content.len()).unwrap_or(u32::MAX);
            mutations.extend([
                Put::new(row(Kind::Chunk), content.clone()).into(),
                Put::new(row(Kind::Live), encode_live(length)).into(),
                Mutation::Delete(row(Kind::Condemned)),
            ]);
        }
    }
    mutations.extend(rows);
    WriteBatch::from_parts(guards, mutations)
}

/// A draft that is being made.
struct Drafting<'a> {
    shared: &'a Shared,
    draft: Draft,
    seen: HashSet<ChunkHash>,
    /// How many operations and bytes may still be added to what the batch takes with all
    /// its values in their rows.
    spare: (usize, usize),
}

impl<'a> Drafting<'a> {
    fn new(shared: &'a Shared, batch: &WriteBatch) -> Self {
        let operations = batch.guards().len() + batch.mutations().len();
        let forms = form::OVERHEAD_BYTES.saturating_mul(batch.mutations().len());
        let bytes = batch.size_bytes().saturating_add(forms);
        let (operations_max, bytes_max) = shared.below;
        Self {
            shared,
            draft: Draft {
                guards: Vec::new(),
                mutations: Vec::with_capacity(2 * batch.mutations().len()),
                chunks: Vec::new(),
                inline_values: 0,
                referring_values: 0,
                referring_bytes: 0,
            },
            seen: HashSet::new(),
            spare: (
                operations_max.saturating_sub(operations),
                bytes_max.saturating_sub(bytes),
            ),
        }
    }

    fn draft(mut self, guards: Vec<Guard>, mutations: Vec<Mutation>) -> Result<Draft> {
        for mutation in mutations {
            match mutation {
                Mutation::Put(put) => self.put(put)?,
                Mutation::PutSequenced(put) => self.put_sequenced(put)?,
                Mutation::Delete(key) => {
                    refuse_own(self.shared, key.as_key())?;
                    self.draft.mutations.push(Mutation::Delete(key));
                }
                Mutation::DeleteRange(range) => match self.shared.own.spare(range) {
                    Spared::Whole(range) => self.draft.mutations.push(Mutation::DeleteRange(range)),
                    Spared::Parts(parts) => {
                        let added = parts.len().saturating_sub(1);
                        self.spare.0 = self
                            .spare
                            .0
                            .checked_sub(added)
                            .ok_or_else(too_many_ranges)?;
                        let parts = parts.into_iter().map(Mutation::DeleteRange);
                        self.draft.mutations.extend(parts);
                    }
                },
            }
        }
        self.draft.guards = guards;
        Ok(self.draft)
    }

    fn put(&mut self, mut put: Put) -> Result<()> {
        refuse_own(self.shared, put.key.as_key())?;
        let key_bytes = put.key.bytes().len();
        let (row, hashes) = self.row(put.key.as_key(), key_bytes, put.value);
        put.value = row;
        let key = put.key.clone();
        self.draft.mutations.push(put.into());
        let hint = |hash| Put::new(self.shared.rows.hint(hash, key.as_key()), Bytes::new());
        self.draft
            .mutations
            .extend(hashes.into_iter().map(|hash| hint(hash).into()));
        Ok(())
    }

    /// The hint has the sequence in its key where the row has it in its own.
    fn put_sequenced(&mut self, mut put: SequencedPut) -> Result<()> {
        refuse_own(self.shared, put.prefix.as_key())?;
        let (row, hashes) = self.row(put.prefix.as_key(), put.key_bytes(), put.value);
        put.value = row;
        let (prefix, suffix): (OwnedKey, Bytes) = (put.prefix.clone(), put.suffix.clone());
        self.draft.mutations.push(put.into());
        let hint = |hash| {
            let prefix = self.shared.rows.hint(hash, prefix.as_key());
            SequencedPut::new(prefix, suffix.clone(), Bytes::new())
        };
        self.draft
            .mutations
            .extend(hashes.into_iter().map(|hash| hint(hash).into()));
        Ok(())
    }

    /// What stands in the row of a value, and the chunks that it refers to, each once.
    fn row(&mut self, key: Key<'_>, key_bytes: usize, value: Bytes) -> (Bytes, Vec<ChunkHash>) {
        if self.shared.own.are_bare(key) {
            return (value, Vec::new());
        }
        let hint_bytes = HINT_EXTRA_BYTES + key_bytes;
        if value.len() >= self.shared.bytes_min && hint_bytes <= self.shared.hint_bytes_max {
            let pieces = self.shared.hasher.pieces(&value);
            if let Some(hashes) = self.refer(&pieces, hint_bytes) {
                self.draft.referring_values += 1;
                self.draft.referring_bytes += value.len();
                let row = form::referring(pieces.iter().map(|(piece, _)| *piece));
                return (row, hashes);
            }
        }
        self.draft.inline_values += 1;
        (form::inline(&value), Vec::new())
    }

    /// Adds the chunks of a value; `None` if the batch would take more than the store below
    /// allows.
    fn refer(
        &mut self,
        pieces: &[(form::Piece, Bytes)],
        hint_bytes: usize,
    ) -> Option<Vec<ChunkHash>> {
        // A chunk, its states, a hint.
        const OPERATIONS: usize = 4;
        let operations = OPERATIONS.checked_mul(pieces.len())?;
        let extra = pieces.len().checked_mul(hint_bytes + CHUNK_EXTRA_BYTES)?;
        let extra = extra.checked_add(form::referring_bytes(pieces.len()))?;
        let spare = (
            self.spare.0.checked_sub(operations)?,
            self.spare.1.checked_sub(extra)?,
        );
        self.spare = spare;
        let mut hashes: Vec<ChunkHash> = Vec::with_capacity(pieces.len());
        let mut of_value = HashSet::new();
        for (piece, content) in pieces {
            if pieces.len() > 1 && !of_value.insert(piece.hash) {
                continue;
            }
            hashes.push(piece.hash);
            if self.seen.insert(piece.hash) {
                self.draft.chunks.push(DraftChunk {
                    hash: piece.hash,
                    content: content.clone(),
                });
            }
        }
        Some(hashes)
    }
}

fn refuse_own(shared: &Shared, key: Key<'_>) -> Result<()> {
    if !shared.own.contain(key) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Invalid,
        "the layer keeps this key for itself; use another",
    )
    .with_layer(NAME)
    .with_outcome(Outcome::NotApplied)
    .with_key(key))
}

fn too_many_ranges() -> Error {
    Error::new(
        ErrorKind::Invalid,
        "the batch deletes the keys that the layer keeps for itself; leave them out",
    )
    .with_layer(NAME)
    .with_outcome(Outcome::NotApplied)
}

#[cfg(test)]
mod tests {
    use storage_core::Components;

    use super::*;
    use crate::DedupConfig;

    const OPERATIONS_MAX: usize = 40;
    const BYTES_MAX: usize = 4_000;

    fn shared() -> Shared {
        let mut below = storage_core::Capabilities::embedded();
        below.batch_operations_max = OPERATIONS_MAX;
        below.batch_bytes_max = BYTES_MAX;
        let config = DedupConfig::new().bytes_min(1);
        Shared::new(&config, [0; 32], &below, &Components::default())
    }

    /// A batch of values, none of which is like another.
    fn batch(values: u8, bytes: usize) -> WriteBatch {
        let put = |batch: WriteBatch, value| batch.put(vec![value], vec![value; bytes]);
        (0..values).fold(WriteBatch::new(), put)
    }

    fn assert_fits(draft: &Draft, shared: &Shared) {
        for is_there in [true, false] {
            let batch = draft.batch(&vec![is_there; draft.chunks.len()], shared);
            let operations = batch.guards().len() + batch.mutations().len();
            assert!(operations <= OPERATIONS_MAX, "{operations}");
            assert!(batch.size_bytes() <= BYTES_MAX, "{}", batch.size_bytes());
        }
    }

    #[test]
    fn values_whose_chunks_would_be_too_many_operations_stand_in_their_rows() {
        let shared = shared();
        for values in 1..u8::try_from(OPERATIONS_MAX - 16).unwrap() {
            let draft = Draft::of(batch(values, 10), &shared).unwrap();
            assert_fits(&draft, &shared);
            assert_eq!(
                draft.inline_values + draft.referring_values,
                usize::from(values)
            );
            assert_eq!(draft.inline_values == 0, values <= 8, "{values}");
        }
    }

    #[test]
    fn values_whose_chunks_would_be_too_many_bytes_stand_in_their_rows() {
        let shared = shared();
        for bytes in (500..1_300).step_by(100) {
            let draft = Draft::of(batch(3, bytes), &shared).unwrap();
            assert_fits(&draft, &shared);
            assert_eq!(draft.inline_values == 0, bytes <= 1_100, "{bytes}");
        }
    }
}
