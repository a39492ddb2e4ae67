//! Rows of the layer that are damaged: reads, the check and the collector take them or refuse
//! them as `Corrupt`, and no other value is ever read.

use storage_core::{ErrorKind, blocking::block_on};
use storage_testkit::fuzz::decoder;

use crate::scene::{Scene, noise};

/// A row that may be damaged: that of a key, or one of the layer's own.
#[derive(Clone, Copy, Debug)]
enum Row {
    OfKey,
    Own(&'static str),
}

/// One value of several chunks, of which one is condemned without being so.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.put("several", noise(2, 1_100));
    scene.put("gone", noise(4, 65));
    scene.delete("gone");
    scene.collect();
    scene
}

/// What the rows of a kind hold.
fn contents(row: Row) -> Vec<Vec<u8>> {
    let scene = scene();
    match row {
        Row::OfKey => vec![scene.row("several").to_vec()],
        Row::Own(kind) => {
            let rows = scene.rows(kind).into_iter();
            rows.map(|(_, content)| content.to_vec()).collect()
        }
    }
}

fn assert_refused_or_right(row: Row, damaged: &[u8]) {
    let scene = scene();
    let content = damaged.to_vec();
    match row {
        Row::OfKey => scene.put_row("several", content),
        Row::Own(kind) => {
            let rest = scene.rows(kind).remove(0).0;
            scene.put_row(Scene::own_key(kind, &rest), content);
        }
    }
    match scene.get("several") {
        Ok(read) => assert!(
            // Values in their rows are not checked: the layers below do that.
            matches!(row, Row::OfKey) || read.unwrap() == noise(2, 1_100)
        ),
        Err(error) => assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}"),
    }
    scene.check();
    if let Err(error) = block_on(scene.control().collect_now()) {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}

#[test]
fn damaged_rows_of_keys() {
    decoder(contents(Row::OfKey), |row| {
        assert_refused_or_right(Row::OfKey, row);
    });
}

#[test]
fn damaged_chunks() {
    decoder(contents(Row::Own("c")), |chunk| {
        assert_refused_or_right(Row::Own("c"), chunk);
    });
}

#[test]
fn damaged_states_of_chunks() {
    decoder(contents(Row::Own("l")), |state| {
        assert_refused_or_right(Row::Own("l"), state);
    });
}

#[test]
fn damaged_states_of_condemned_chunks() {
    decoder(contents(Row::Own("m")), |state| {
        assert_refused_or_right(Row::Own("m"), state);
    });
}
