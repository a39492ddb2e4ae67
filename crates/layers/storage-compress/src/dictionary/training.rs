//! From samples to a dictionary, if it pays.

use std::io;

use super::{
    Dictionary, DictionaryConfig, DictionaryId, Packing,
    gatherings::{Gathering, Samples},
    row,
};
use crate::{
    codec::Packer,
    form::{self, Method, OVERHEAD_BYTES_MAX},
};

/// Where zstd writes the id of a dictionary, behind its magic number. Frames repeat it
/// unless it is zero.
const OWN_ID: std::ops::Range<usize> = 4..8;

/// A dictionary must save a sixteenth of what samples take without it.
const SAVED_MIN: usize = 16;

/// The dictionary of these samples; `None` if it does not do clearly better than what the
/// namespace has, or if zstd cannot make one of them.
///
/// # Errors
/// What the codec reports, such as too little memory.
pub(super) fn train(
    gathering: &Gathering,
    config: &DictionaryConfig,
    packer: &Packer,
    packing: &Packing,
) -> io::Result<Option<Vec<u8>>> {
    let Samples { bytes, lengths } = &gathering.training;
    // Samples that have nothing in common are an error to zstd.
    let Ok(mut content) = zstd::dict::from_continuous(bytes, lengths, config.dictionary_bytes)
    else {
        return Ok(None);
    };
    if let Some(id) = content.get_mut(OWN_ID) {
        id.fill(0);
    }
    let stored = row::encode(&gathering.learnt.prefix, &content);
    let Ok(row) = row::decode(&stored) else {
        return Ok(None);
    };
    let candidate = Dictionary::new(DictionaryId(0), row);
    let by = |dictionary: &Dictionary| {
        stored_bytes(&gathering.judging, |value| {
            packing.pack(dictionary, value, |packed| {
                let form = form::seal_trained(dictionary, value.len(), packed);
                form.map(|form| form.len())
            })
        })
    };
    let before = match gathering.learnt.dictionary() {
        Some(dictionary) => by(&dictionary)?,
        None => stored_bytes(&gathering.judging, |value| {
            packer.pack(value, |packed| {
                let form = form::seal(Method::Zstd, value.len(), packed);
                form.map(|form| form.len())
            })
        })?,
    };
    let pays = by(&candidate)? <= before - before / SAVED_MIN;
    Ok(pays.then_some(content))
}

/// How many bytes samples are stored in if `pack` says how long their forms are.
fn stored_bytes(
    samples: &Samples,
    pack: impl Fn(&[u8]) -> io::Result<Option<usize>>,
) -> io::Result<usize> {
    let stored = |value: &[u8]| Ok(pack(value)?.unwrap_or(value.len() + OVERHEAD_BYTES_MAX));
    samples.iter().map(stored).sum()
}
