//! The decoders, given damaged forms: what they take is what they would write.

use bytes::Bytes;
use storage_testkit::fuzz::decoder;

use crate::{
    form::{self, Form},
    hash::ChunkHash,
    rows::{Condemned, HINT_EXTRA_BYTES, RowKeys, Settings, decode_live, encode_live},
};

const GOLDEN: &str = include_str!("../tests/dedup/golden_v1.txt");

/// No value is longer.
const VALUE_BYTES_MAX: usize = 1 << 20;

/// Keys and values of the golden rows.
fn golden() -> Vec<Vec<u8>> {
    let lines = GOLDEN.lines().filter(|line| !line.starts_with('#'));
    let parts = lines.flat_map(|line| line.split(' ').skip(1));
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    parts
        .map(|digits| digits.trim_matches('-').as_bytes())
        .map(|digits| digits.chunks(2).map(byte).collect())
        .collect()
}

#[test]
fn the_seeds_are_read() {
    let rows = golden().into_iter().map(Bytes::from);
    let forms = rows.filter(|row| Form::decode(row, VALUE_BYTES_MAX).is_ok());
    assert!(forms.count() >= 5);
    let settings = golden()
        .iter()
        .filter(|row| Settings::decode(row).is_ok())
        .count();
    assert_eq!(settings, 1);
}

#[test]
fn a_row_is_what_would_be_written() {
    decoder(golden(), |input| {
        let Ok(form) = Form::decode(&Bytes::copy_from_slice(input), VALUE_BYTES_MAX) else {
            return;
        };
        assert!(form.length() <= VALUE_BYTES_MAX || form.pieces().is_empty());
        let written = match form {
            Form::Inline(value) => form::inline(&value),
            Form::Pieces(pieces) => form::referring(pieces.into_iter()),
        };
        assert_eq!(written, *input);
    });
}

#[test]
fn a_hint_is_what_would_be_written() {
    decoder(golden(), |input| {
        let keys = RowKeys::new();
        let Some((hash, key)) = RowKeys::hinted(&Bytes::copy_from_slice(input)) else {
            return;
        };
        // Only keys of hints are asked what they hint at: all of them begin alike.
        let hint = keys.hint(hash, key.as_key());
        let hash_at = HINT_EXTRA_BYTES - ChunkHash::BYTES - 1;
        assert_eq!(hint.bytes()[hash_at..], input[hash_at..]);
        assert_eq!(RowKeys::hash(input), Some(hash));
    });
}

#[test]
fn the_states_of_a_chunk_are_what_would_be_written() {
    decoder(golden(), |input| {
        if let Ok(length) = decode_live(input) {
            assert_eq!(encode_live(length), *input);
        }
        if let Ok(condemned) = Condemned::decode(input) {
            assert_eq!(condemned.encode(), *input);
        }
    });
}

#[test]
fn the_settings_are_what_would_be_written() {
    decoder(golden(), |input| {
        if let Ok(settings) = Settings::decode(input) {
            assert_eq!(settings.encode(), *input);
        }
    });
}
