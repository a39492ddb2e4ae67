//! Whether what rows refer to is there, and the collector knows who refers to it.

use storage_core::{
    Damage, Direction, Error, Key, KeyRange, OwnedKey, Read, RedactedKey, Result, ScanOptions,
    Space,
};

use super::{LOOKS, page};
use crate::{DedupStore, form::missing, hash::ChunkHash, rows::Kind};

/// How many rows, and how many references, are looked at together.
const ROWS: usize = 256;

/// What is wrong with rows, and how many there are.
pub(super) async fn damages<R: Read>(store: &DedupStore<R>) -> Result<(Vec<Damage>, u64)> {
    let (mut damages, mut count) = (Vec::new(), 0);
    for space in [Space::User, Space::System] {
        let mut rest = Some(KeyRange::all().in_space(space));
        while let Some(range) = rest {
            let Some(visible) = store.shared.visible(&range, Direction::Forward) else {
                break;
            };
            let part = visible.part.clone();
            let options = ScanOptions::new().entries_max(ROWS).keys_only();
            let keys = match page(store, &part, &options).await? {
                Ok(keys) => keys,
                Err(unread) => {
                    damages.push(unread);
                    rest = visible.rest(None);
                    continue;
                }
            };
            count += u64::try_from(keys.items.len()).unwrap_or(u64::MAX);
            let looked_at = match keys.items.last() {
                Some(last) if keys.next.is_some() => up_to(&part, last.key.clone()),
                _ => part,
            };
            let mut wrong = within(store, &looked_at).await?;
            for _ in 1..LOOKS {
                if wrong.is_empty() {
                    break;
                }
                wrong = within(store, &looked_at).await?;
            }
            damages.append(&mut wrong);
            rest = visible.rest(keys.next);
        }
    }
    Ok((damages, count))
}

/// The part of a range that ends with a key.
fn up_to(range: &KeyRange, last: bytes::Bytes) -> KeyRange {
    let (space, start, _) = range.clone().into_bounds();
    KeyRange::from_bounds(space, start, std::ops::Bound::Included(last))
}

async fn within<R: Read>(store: &DedupStore<R>, range: &KeyRange) -> Result<Vec<Damage>> {
    let mut damages = Vec::new();
    let mut rest = Some(range.clone());
    while let Some(range) = rest {
        let page = match page(store, &range, &ScanOptions::new()).await? {
            Ok(page) => page,
            Err(unread) => {
                damages.push(unread);
                break;
            }
        };
        let mut references = Vec::new();
        for item in page.items {
            let key = OwnedKey::in_space(range.space(), item.key);
            match store.shared.form(key.as_key(), &item.entry) {
                Ok(form) => {
                    let hashes = form.pieces().iter().map(|piece| piece.hash);
                    references.extend(hashes.map(|hash| (hash, key.clone())));
                }
                Err(error) => damages.push(damage_of(key.as_key(), &error)),
            }
        }
        for references in references.chunks(ROWS) {
            damages.extend(wrong_among(store, references).await?);
        }
        rest = page.next;
    }
    Ok(damages)
}

async fn wrong_among<R: Read>(
    store: &DedupStore<R>,
    references: &[(ChunkHash, OwnedKey)],
) -> Result<Vec<Damage>> {
    let rows = &store.shared.rows;
    let of = |kind| {
        references
            .iter()
            .map(move |(hash, _)| rows.of(kind, *hash))
            .collect()
    };
    let hints = references
        .iter()
        .map(|(hash, key)| rows.hint(*hash, key.as_key()))
        .collect();
    let (live, condemned) = (
        exist(store, of(Kind::Live)).await?,
        exist(store, of(Kind::Condemned)).await?,
    );
    let hinted = exist(store, hints).await?;
    let mut damages = Vec::new();
    let found = live.into_iter().zip(condemned).zip(hinted);
    for ((hash, key), ((live, condemned), hinted)) in references.iter().zip(found) {
        if !live && !condemned {
            damages.push(damage_of(key.as_key(), &missing(*hash)));
        } else if !hinted {
            let place = RedactedKey::from(key.as_key()).to_string();
            let detail = format!(
                "it refers to the chunk {hash} without a hint, so the collector may remove that"
            );
            damages.push(Damage::new(place, detail));
        }
    }
    Ok(damages)
}

async fn exist<R: Read>(store: &DedupStore<R>, keys: Vec<OwnedKey>) -> Result<Vec<bool>> {
    let options = store.shared.fresh();
    let found = store.inner.get_many_with(&keys, &options).await?;
    Ok(found.into_iter().map(|entry| entry.is_some()).collect())
}

fn damage_of(key: Key<'_>, error: &Error) -> Damage {
    Damage::new(
        RedactedKey::from(key).to_string(),
        error.message().to_owned(),
    )
}
