//! Forms that are damaged and signed anew, so that they reach the codecs: each is refused as
//! `Corrupt`, or a value that is stored and read again.

use std::sync::LazyLock;

use storage_testkit::fuzz::decoder;

use crate::{
    damage::signed,
    forms::{golden, golden_scene},
    scene::Scene,
};

static SCENE: LazyLock<Scene> = LazyLock::new(golden_scene);

/// The golden forms without their checksums.
fn bodies() -> Vec<Vec<u8>> {
    let form = |(_, mut form, _): (_, Vec<u8>, _)| {
        form.truncate(form.len() - 4);
        form
    };
    golden().into_iter().map(form).collect()
}

#[test]
fn no_form_brings_the_decoder_down() {
    decoder(bodies(), |body| {
        if SCENE.complaint(signed(body)).is_some() {
            return;
        }
        let value = SCENE.get("damaged").unwrap().unwrap();
        if let [0, raw @ ..] = body {
            assert_eq!(value, *raw);
        }
        SCENE.put("again", value.clone());
        assert_eq!(SCENE.get("again").unwrap().unwrap(), value);
    });
}
