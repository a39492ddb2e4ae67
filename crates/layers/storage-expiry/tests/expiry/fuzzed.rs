//! Rows of the layer that are damaged: the sweeper skips what is none, and removes nothing
//! that is live, whatever the rows say.

use storage_core::{OwnedKey, ReadExt, Space, StoreExt, SystemKeys, blocking::block_on};
use storage_testkit::fuzz::decoder;

use crate::scene::{START, Scene};

/// The keys of the rows of three entries.
fn rows() -> Vec<Vec<u8>> {
    let row = |(expires, key): (u64, &str)| {
        let suffix = [&[1], &expires.to_be_bytes()[..], key.as_bytes()].concat();
        SystemKeys::of("expiry").key(suffix).into_bytes().to_vec()
    };
    [(START, "live"), (START + 1, "for good"), (0, "")]
        .map(row)
        .to_vec()
}

#[test]
fn no_row_has_the_sweeper_remove_what_is_live() {
    decoder(rows(), |row| {
        let own = SystemKeys::of("expiry").range();
        let key = OwnedKey::in_space(Space::System, row.to_vec().into());
        if !own.contains(key.as_key()) {
            return;
        }
        let scene = Scene::new();
        scene.put_for("live", 60);
        block_on(scene.store.put("for good", "v")).unwrap();
        block_on(scene.below.put(&key, "")).unwrap();
        scene.pass(30);
        scene.sweep();
        for live in ["live", "for good"] {
            assert!(block_on(scene.store.exists(live)).unwrap(), "{live}");
        }
    });
}
