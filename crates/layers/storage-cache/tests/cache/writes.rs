//! What commits do to what is cached.

use storage_cache::{CacheConfig, Writes};
use storage_core::{KeyRange, OwnedKey, ReadExt, StoreExt, WriteBatch, blocking::block_on};
use storage_testkit::faulty::Call;

use crate::scene::Scene;

#[test]
fn a_batch_forgets_every_key_that_it_changes_and_no_other() {
    let scene = Scene::new();
    for key in ["put", "deleted", "kept", "guarded"] {
        scene.put(key, "1");
        scene.get(key);
    }
    let batch = WriteBatch::new()
        .present("guarded")
        .put("put", "2")
        .delete("deleted");
    block_on(scene.store.commit(batch)).unwrap();
    let reads = scene.reads_during(|| {
        assert_eq!(scene.get("kept").as_deref(), Some("1"));
        assert_eq!(scene.get("guarded").as_deref(), Some("1"));
    });
    assert_eq!(reads, 0);
    assert_eq!(scene.get("put").as_deref(), Some("2"));
    assert_eq!(scene.get("deleted"), None);
}

#[test]
fn a_range_delete_forgets_the_keys_of_its_range_and_no_other() {
    let scene = Scene::new();
    for key in ["a1", "a2", "b1"] {
        scene.put(key, "1");
        scene.get(key);
    }
    block_on(scene.store.delete_range(KeyRange::prefix("a"))).unwrap();
    assert_eq!((scene.get("a1"), scene.get("a2")), (None, None));
    assert_eq!(scene.reads_during(|| drop(scene.get("b1"))), 0);
}

#[test]
fn a_sequenced_put_is_seen_under_a_key_that_was_known_to_be_absent() {
    let scene = Scene::new();
    scene.put("k", "1");
    let next = block_on(scene.store.put("k", "2"))
        .unwrap()
        .sequence
        .unwrap();
    let key_of = |number: u64| {
        let mut key = b"log/".to_vec();
        key.extend(number.to_be_bytes());
        OwnedKey::from(key)
    };
    let keys: Vec<_> = (1..20).map(|ahead| key_of(next.get() + ahead)).collect();
    for key in &keys {
        assert_eq!(block_on(scene.store.get(key)).unwrap(), None);
    }
    let append = WriteBatch::new().put_sequenced("log/", "", "event");
    let sequence = block_on(scene.store.commit(append))
        .unwrap()
        .sequence
        .unwrap();
    let key = key_of(sequence.get());
    assert!(
        keys.contains(&key),
        "the test knew another key to be absent"
    );
    assert!(block_on(scene.store.exists(&key)).unwrap());
}

#[test]
fn a_key_that_was_read_back_is_a_hit() {
    let scene = Scene::with(CacheConfig::exclusive(1 << 20).writes(Writes::ReadBack));
    let batch = WriteBatch::new().put("a", "1").put("b", "1").put("a", "2");
    block_on(scene.store.commit(batch)).unwrap();
    assert_eq!(scene.faults.calls(Call::GetMany), 1);
    let reads = scene.reads_during(|| {
        assert_eq!(scene.get("a").as_deref(), Some("2"));
        assert_eq!(scene.get("b").as_deref(), Some("1"));
    });
    assert_eq!(reads, 0);
}

#[test]
fn a_commit_that_cannot_be_read_back_stands() {
    use storage_core::ErrorKind;
    use storage_testkit::faulty::{Fault, Rule};

    let scene = Scene::with(CacheConfig::exclusive(1 << 20).writes(Writes::ReadBack));
    let refusal = Fault::refuse(ErrorKind::Unavailable);
    scene
        .faults
        .inject(Rule::on(Call::GetMany), refusal)
        .unwrap();
    scene.put("k", "1");
    assert_eq!(scene.get("k").as_deref(), Some("1"));
}
