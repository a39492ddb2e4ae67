//! The stored forms of version 1, which every later version reads.

use std::fmt::Write;

use storage_compress::{Codec, CompressConfig};

use crate::scene::Scene;

/// Lines of a name, a form and its value, in hexadecimal digits; `-` is nothing.
const GOLDEN: &str = include_str!("golden_v1.txt");

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = hexadecimal.trim_matches('-').as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The golden forms by name.
pub(crate) fn golden() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    let lines = GOLDEN.lines().filter(|line| !line.starts_with('#'));
    let parse = |line: &'static str| {
        let mut parts = line.split(' ');
        let mut next = || parts.next().unwrap();
        (next(), bytes(next()), bytes(next()))
    };
    lines.map(parse).collect()
}

#[test]
fn every_golden_form_is_read() {
    let scene = Scene::new();
    let golden = golden();
    let names: Vec<_> = golden.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names, ["empty", "raw", "zstd", "lz4", "gzip"]);
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
        let scene = Scene::with(CompressConfig::new().codec(codec));
        scene.put(name, value);
        let written = scene.form(name);
        assert_eq!(hexadecimal(&written), hexadecimal(&form), "{name}");
    }
}
