//! From stored forms to values.

use std::sync::Arc;

use bytes::Bytes;
use storage_core::{Entry, Result};

use crate::{
    codec::Unpacker,
    counters::Counters,
    form::{Head, Method, corrupt},
};

/// Makes values of stored forms.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// No value is longer.
    value_bytes_max: usize,
    unpacker: Unpacker,
    counters: Arc<Counters>,
}

impl Decoder {
    pub(crate) fn new(value_bytes_max: usize, counters: Arc<Counters>) -> Self {
        Self {
            value_bytes_max,
            unpacker: Unpacker::default(),
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

    /// The entry above that a stored one is. It keeps the stamp: guards are judged below.
    ///
    /// # Errors
    /// `Corrupt` if the form is not what was written.
    pub(crate) fn open(&self, stored: &Entry) -> Result<Entry> {
        let value = self.value(stored.value())?;
        Ok(Entry::new(value, stored.expires(), stored.stamp()))
    }

    fn value(&self, stored: &Bytes) -> Result<Bytes> {
        let (head, length) = self.head(stored)?;
        let payload = head.payload(stored)?;
        let Some(counters) = self.counters.codec(head.method) else {
            return Ok(payload);
        };
        let unpack = || self.unpacker.unpack(head.method, &payload, length);
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
