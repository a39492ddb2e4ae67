//! From rows to dictionaries.

use bytes::Bytes;
use storage_core::{Error, ErrorKind, Read, ReadOptions, Result, ScanOptions};

use super::{
    Dictionary, DictionaryId,
    row::{self, decode},
};
use crate::{form::corrupt, namespaces::Named};

/// Why a dictionary cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// It has no row.
    Missing,
    /// Its row is not what was written.
    Damaged(&'static str),
}

impl Lack {
    /// What is wrong, in words. Who needs the dictionary may not be known.
    pub(crate) fn told(&self, id: DictionaryId, namespace: Option<&[u8]>) -> String {
        let of = namespace.map_or_else(String::new, |prefix| {
            format!(", which a value of {} needs,", Named(prefix))
        });
        match self {
            Self::Missing => format!("dictionary {id}{of} is missing"),
            Self::Damaged(how) => format!("dictionary {id}{of} is damaged: {how}"),
        }
    }

    /// The error of a value of that namespace.
    pub(crate) fn error(&self, id: DictionaryId, namespace: &[u8]) -> Error {
        corrupt(&self.told(id, Some(namespace)))
    }
}

/// Reads one dictionary, with one read.
///
/// # Errors
/// As for the store below.
pub(crate) async fn one<R: Read>(store: &R, id: DictionaryId) -> Result<Result<Dictionary, Lack>> {
    let key = row::key(id);
    match store.get_with(key.as_key(), &ReadOptions::new()).await {
        Ok(Some(entry)) => Ok(of_row(id, entry.value())),
        Ok(None) => Ok(Err(Lack::Missing)),
        Err(error) if error.kind() == ErrorKind::Corrupt => {
            Ok(Err(Lack::Damaged("the store cannot read its row")))
        }
        Err(error) => Err(error),
    }
}

/// Reads all dictionaries of a store. Those behind a row that the store below cannot even
/// read are left out.
///
/// # Errors
/// As for the store below.
pub(crate) async fn all<R: Read>(
    store: &R,
) -> Result<Vec<(DictionaryId, Result<Dictionary, Lack>)>> {
    let mut found = Vec::new();
    let mut rest = Some(row::range());
    while let Some(range) = rest.take() {
        let page = match store.scan_with(&range, &ScanOptions::new()).await {
            Ok(page) => page,
            Err(error) if error.kind() == ErrorKind::Corrupt => break,
            Err(error) => return Err(error),
        };
        for item in &page.items {
            if let Some(id) = row::id_of(&item.key) {
                found.push((id, of_row(id, item.entry.value())));
            }
        }
        rest = page.next;
    }
    Ok(found)
}

pub(super) fn of_row(id: DictionaryId, stored: &Bytes) -> Result<Dictionary, Lack> {
    let row = decode(stored).map_err(Lack::Damaged)?;
    Ok(Dictionary::new(id, row))
}
