//! From stored forms to values.

use std::sync::Arc;

use bytes::Bytes;
use storage_core::{Entry, Key, Result};

use crate::{
    codec::{Unpacker, check_expansion},
    counters::Counters,
    dictionary::{Dictionaries, DictionaryId, Lack, Packing},
    form::{Head, Method, corrupt},
    namespaces::prefix_of,
};

/// Makes values of stored forms.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// No value is longer.
    value_bytes_max: usize,
    unpacker: Unpacker,
    packing: Arc<Packing>,
    counters: Arc<Counters>,
}

impl Decoder {
    pub(crate) fn new(
        value_bytes_max: usize,
        packing: Arc<Packing>,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            value_bytes_max,
            unpacker: Unpacker::default(),
            packing,
            counters,
        }
    }

    /// How long the value of a stored form claims to be, which is no more than a value
    /// may be.
    ///
    /// # Errors
    /// `Corrupt` if the form has no proper head.
    pub(crate) fn length(&self, stored: &[u8]) -> Result<usize> {
        Ok(self.head(stored)?.1)
    }

    /// The dictionary that a form was made with.
    ///
    /// # Errors
    /// As for [`length`](Self::length).
    pub(crate) fn dictionary(&self, stored: &[u8]) -> Result<Option<DictionaryId>> {
        match self.head(stored)?.0.method {
            Method::Trained(id) => Ok(Some(id)),
            _ => Ok(None),
        }
    }

    /// The entry above that a stored one is. It keeps the stamp: guards are judged below.
    ///
    /// # Errors
    /// `Corrupt` if the form is not what was written, or needs a dictionary that is not
    /// known.
    pub(crate) fn open(&self, key: Key<'_>, stored: &Entry, known: &Dictionaries) -> Result<Entry> {
        let value = self.value(key, stored.value(), known)?;
        Ok(Entry::new(value, stored.expires(), stored.stamp()))
    }

    fn value(&self, key: Key<'_>, stored: &Bytes, known: &Dictionaries) -> Result<Bytes> {
        let (head, length) = self.head(stored)?;
        let dictionary = match head.method {
            Method::Trained(id) => match known.get(id) {
                Some(dictionary) => Some(dictionary),
                None => return Err(Lack::Missing.error(id, prefix_of(key))),
            },
            _ => None,
        };
        let seed = dictionary.as_ref().map_or(0, |dictionary| dictionary.hash);
        let payload = head.payload(stored, seed)?;
        let Some(counters) = self.counters.codec(head.method) else {
            return Ok(payload);
        };
        let unpack = || match &dictionary {
            Some(dictionary) => check_expansion(head.method, &payload, length)
                .and_then(|()| self.packing.unpack(dictionary, &payload, length)),
            None => self.unpacker.unpack(head.method, &payload, length),
        };
        match counters.decompressing.time(unpack) {
            Ok(value) => Ok(value.into()),
            Err(error) => Err(corrupt("its codec does not understand it").with_source(error)),
        }
    }

    fn head(&self, stored: &[u8]) -> Result<(Head, usize)> {
        let head = Head::of(stored)?;
        match usize::try_from(head.length) {
            Ok(length) if length <= self.value_bytes_max || head.method == Method::Raw => {
                Ok((head, length))
            }
            _ => Err(corrupt(&format!(
                "it claims to be {} bytes, and no value has more than {}",
                head.length, self.value_bytes_max
            ))),
        }
    }
}
