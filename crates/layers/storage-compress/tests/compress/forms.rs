//! The stored forms of every version, which every later version reads.

use std::fmt::Write;

use storage_compress::{Codec, CompressConfig};

use crate::{golden, scene::Scene};

/// Lines of a name, a form and its value, in hexadecimal digits; `-` is nothing.
const GOLDEN: &str = include_str!("golden_v1.txt");

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

type Line = (&'static str, Vec<u8>, Vec<u8>);

fn lines(text: &'static str) -> Vec<Line> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let parse = |line: &'static str| {
        let mut parts = line.split(' ');
        let mut next = || parts.next().unwrap();
        (next(), golden::bytes(next()), golden::bytes(next()))
    };
    lines.map(parse).collect()
}

/// The golden forms by name.
pub(crate) fn golden() -> Vec<Line> {
    let is_form = |(name, ..): &Line| *name != "row";
    let v2 = lines(golden::V2).into_iter().filter(is_form);
    lines(GOLDEN).into_iter().chain(v2).collect()
}

/// A store with the golden dictionary.
pub(crate) fn golden_scene() -> Scene {
    let scene = Scene::new();
    scene.put_row(0, golden::row());
    scene.beside(CompressConfig::new())
}

#[test]
fn every_golden_form_is_read() {
    let scene = golden_scene();
    let golden = golden();
    let names: Vec<_> = golden.iter().map(|(name, ..)| *name).collect();
    assert_eq!(
        names,
        [
            "empty",
            "raw",
            "zstd",
            "lz4",
            "gzip",
            "trained",
            "trained-200"
        ]
    );
    for (name, form, value) in golden {
        scene.put_form(name, form);
        assert_eq!(scene.get(name).unwrap().unwrap(), value, "{name}");
    }
}

/// What codecs write may differ between their versions. Then these forms stay, and the
/// new ones are added.
#[test]
fn the_golden_forms_are_written() {
    for (name, form, value) in golden() {
        let codec = match name {
            "lz4" => Codec::Lz4,
            "gzip" => Codec::Gzip,
            _ => Codec::Zstd,
        };
        let scene = Scene::new();
        if name.starts_with("trained") {
            scene.put_row(0, golden::row());
        }
        let scene = scene.beside(CompressConfig::new().codec(codec));
        scene.put(name, value);
        let written = scene.form(name);
        assert_eq!(hexadecimal(&written), hexadecimal(&form), "{name}");
    }
}
