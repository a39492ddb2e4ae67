//! Writers that put entries anew while they expire and are swept.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use storage_core::{ReadExt, StoreExt, blocking::block_on};

use crate::scene::Scene;

#[test]
fn no_race_removes_what_was_put_for_good_or_leaves_what_expired() {
    const KEYS: u64 = 8;
    const PUTS: u64 = 2_000;
    let scene = Scene::new();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                scene.sweep();
            }
        });
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                scene.pass(1);
                thread::yield_now();
            }
        });
        let writers: Vec<_> = (0..KEYS)
            .map(|key| {
                let scene = &scene;
                scope.spawn(move || {
                    let key = key.to_string();
                    for number in 0..PUTS {
                        if number % 3 == 0 {
                            block_on(scene.store.put(&key, "for good")).unwrap();
                            assert!(block_on(scene.store.exists(&key)).unwrap());
                        } else {
                            scene.put_for(&key, number % 5);
                        }
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    scene.pass(100);
    scene.sweep();
    // The last put of each key expires, as does every row.
    assert_eq!((scene.kept(), scene.rows()), (0, 0));
}
