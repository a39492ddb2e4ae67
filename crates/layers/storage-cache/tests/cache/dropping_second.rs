//! Futures of reads and commits that go through both levels are dropped anywhere.

use storage_cache::Cache;
use storage_core::{OwnedKey, ReadExt, StoreExt, WriteBatch, blocking::block_on};
use storage_testkit::faulty::Call;

use crate::{
    dropping::{Reading, drop_everywhere},
    second::Scene,
};

/// Nobody is kept waiting, and each key is what the store holds.
fn assert_is_sound(scene: &Scene) {
    for key in ["a", "k", "x"] {
        for _ in 0..2 {
            let found = block_on(scene.store.get(key)).unwrap();
            assert_eq!(found, block_on(scene.below.get(key)).unwrap(), "{key}");
        }
    }
}

#[test]
fn a_read_may_be_dropped_anywhere_on_its_way_through_both_levels() {
    let scene = Scene::new();
    let keys = ["a", "k", "x", "k"].map(OwnedKey::from);
    let prepare = || {
        assert_is_sound(&scene);
        scene.get_from_second("a");
        scene.get_from_second("k");
    };
    scene.put("a", "1");
    scene.put("k", "1");
    prepare();
    for (faults, is_second) in [(&scene.second_faults, true), (&scene.faults, false)] {
        let forget = || {
            if !is_second {
                scene.store.find::<Cache>().unwrap().clear();
            }
        };
        let get = || -> Reading<'_, _> {
            forget();
            Box::pin(scene.store.get("k"))
        };
        let polls = drop_everywhere(faults, Call::Get, get, prepare);
        assert!(polls >= 2, "it never waited");
        let get_many = || -> Reading<'_, _> {
            forget();
            Box::pin(scene.store.get_many(&keys))
        };
        let polls = drop_everywhere(faults, Call::GetMany, get_many, prepare);
        assert!(polls >= 2, "it never waited");
    }
}

#[test]
fn a_commit_may_be_dropped_anywhere_whatever_the_second_level_does_meanwhile() {
    for is_stuck in [false, true] {
        let scene = Scene::new();
        scene.put("a", "1");
        scene.put("k", "1");
        let commit = || -> Reading<'_, _> {
            scene.get("a");
            scene.get("k");
            let batch = WriteBatch::new().put("k", "2").delete("a");
            Box::pin(scene.store.commit(batch.put("a", "3")))
        };
        let gate = is_stuck.then(|| scene.hold_second(Call::Commit));
        let polls = drop_everywhere(&scene.faults, Call::Commit, commit, || {
            assert_is_sound(&scene);
        });
        assert!(polls >= 2, "it never waited");
        if let Some(gate) = gate {
            gate.open();
            scene.second_faults.withdraw_all();
        }
        assert_eq!(scene.get_from_second("k").as_deref(), Some("2"));
    }
}
