//! What is in a store beside what the rounds wrote.

use storage_core::{
    KeyRange, OwnedKey, ReadExt, Result, ScanOptions, SharedStore, Space, Store, SystemKeys,
};

use super::{FindingKind, Verdict};
use crate::proof::Keyspace;

/// Reports every key that is neither of one of these rounds nor a row that the
/// store, or a layer of it, keeps about itself.
///
/// # Errors
/// What the store's reads report.
pub(in crate::proof) async fn check_beside(
    rounds: &[u32],
    store: &SharedStore,
    verdict: &mut Verdict,
) -> Result<()> {
    let rounds = rounds.iter().copied().map(Keyspace::of_round);
    let mut known: Vec<KeyRange> = rounds.flat_map(Keyspace::ranges).collect();
    let layers = store.describe().layers;
    let keepers = layers.iter().map(String::as_str).chain(["core"]);
    known.extend(keepers.map(|name| SystemKeys::of(name).range()));
    for space in [Space::User, Space::System] {
        let everything = KeyRange::all().in_space(space);
        let mut scan = store.scan(everything, ScanOptions::new().keys_only());
        while let Some(item) = scan.next().await? {
            let key = OwnedKey::in_space(space, item.key);
            if !known.iter().any(|range| range.contains(key.as_key())) {
                verdict.report(
                    FindingKind::Foreign,
                    format!("{key:?} is there, which no round wrote"),
                );
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use storage_core::{Store, StoreExt, WriteBatch, memory::MemoryConfig};

    use super::*;
    use crate::proof::Place;

    #[tokio::test]
    async fn keys_of_no_known_round_are_foreign_in_either_space() {
        let store = SharedStore::new(MemoryConfig::new().open());
        let own = Place::Own { task: 0, index: 0 };
        let hidden = Place::Hidden { task: 0, index: 0 };
        let [known, unknown] = [3, 4].map(Keyspace::of_round);
        let batch = WriteBatch::new()
            .put(known.key(own), "known")
            .put(known.key(hidden), "known")
            .put(SystemKeys::of("core").key("row"), "the store's own")
            .put(unknown.key(own), "foreign")
            .put(unknown.key(hidden), "foreign")
            .put("proof/0000000", "foreign")
            .put(SystemKeys::of("cor").key("row"), "foreign");
        store.commit(batch).await.unwrap();
        let mut verdict = Verdict::default();
        check_beside(&[3], &store, &mut verdict).await.unwrap();
        assert_eq!(verdict.count(FindingKind::Foreign), 4, "{verdict:#?}");
        store.close().await.unwrap();
    }
}
