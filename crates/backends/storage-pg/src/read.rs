//! Point reads. One key takes a plain statement; several are read by one that
//! joins the table to an array of them.

use crate::sqlx::{self, PgConnection, Row};
use storage_core::{Entry, OwnedKey};

use crate::row::{entry, space_column};

/// Several values are read at once only if each has at most this many bytes, so
/// that an answer is never much larger than what one value may be.
macro_rules! together_bytes_max {
    () => {
        "1048576"
    };
}

pub(crate) const GET: &str =
    "SELECT value, expires, version FROM entries WHERE space = $1 AND key = $2";

pub(crate) const GET_MANY: &str = concat!(
    "SELECT k.place, CASE WHEN octet_length(e.value) <= ",
    together_bytes_max!(),
    " THEN e.value END, e.expires, e.version \
     FROM unnest($1::smallint[], $2::bytea[]) WITH ORDINALITY AS k (space, key, place) \
     JOIN entries e ON e.space = k.space AND e.key = k.key"
);

/// The stored entries of `keys`, in their order. Those of large values are each
/// read by themselves.
pub(crate) async fn get_many(
    connection: &mut PgConnection,
    keys: &[OwnedKey],
) -> sqlx::Result<Vec<Option<Entry>>> {
    if let [key] = keys {
        return Ok(vec![get(connection, key).await?]);
    }
    let spaces: Vec<i16> = keys.iter().map(|key| space_column(key.space())).collect();
    let bytes: Vec<&[u8]> = keys.iter().map(|key| key.bytes().as_ref()).collect();
    let query = sqlx::query(GET_MANY).bind(spaces).bind(bytes);
    let rows = query.fetch_all(&mut *connection).await?;
    let mut entries = vec![None; keys.len()];
    let mut large = Vec::new();
    for row in &rows {
        let place: i64 = row.try_get(0)?;
        let place = usize::try_from(place - 1).unwrap_or(usize::MAX);
        if row.try_get::<Option<&[u8]>, _>(1)?.is_none() {
            large.push(place);
        } else if let Some(slot) = entries.get_mut(place) {
            *slot = Some(entry(row, 1)?);
        }
    }
    for place in large {
        if let (Some(slot), Some(key)) = (entries.get_mut(place), keys.get(place)) {
            *slot = get(connection, key).await?;
        }
    }
    Ok(entries)
}

async fn get(connection: &mut PgConnection, key: &OwnedKey) -> sqlx::Result<Option<Entry>> {
    let row = sqlx::query(GET)
        .bind(space_column(key.space()))
        .bind(key.bytes().as_ref())
        .fetch_optional(connection)
        .await?;
    row.map(|row| entry(&row, 0)).transpose()
}
