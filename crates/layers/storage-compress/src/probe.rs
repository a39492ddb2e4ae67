//! A cheap look at a value that tells whether compressing it is worth a try.
//!
//! Of bytes that are drawn evenly, two are the same as often as there are pairs, divided
//! by 256. Text, code, tables and most binary formats have several times as many such
//! collisions; what is compressed or encrypted already has no more than chance. 512
//! bytes have 511 collisions on average, give or take 23, so the bound of 1.3 times
//! as many is 6 standard deviations away.
//!
//! What such a look cannot see is noise that repeats itself: that is for deduplication.

/// How many bytes are looked at.
const SAMPLE_BYTES: usize = 512;

/// As many neighbours are looked at together: repeats within a value are far apart.
const PIECE_BYTES: usize = 16;

const PIECES: usize = SAMPLE_BYTES / PIECE_BYTES;

/// 1.3 times the collisions of even bytes.
const COLLISIONS_MIN: u32 = 664;

/// Shorter values are not worth the look: compressing them takes hardly longer.
const LENGTH_MIN: usize = SAMPLE_BYTES;

/// Longer values may differ from part to part, so each of these is looked at by itself. Whatever
/// is to be saved in one place, an eighth of a value at least, takes up one of the parts whole.
const PARTED_LENGTH_MIN: usize = (64 << 10) + 1;

const PARTS: usize = 16;

/// Whether no codec will make the value smaller, as far as a few of its bytes tell. Of short
/// values it says that they may get smaller.
pub(crate) fn looks_random(value: &[u8]) -> bool {
    match value.len() {
        ..LENGTH_MIN => false,
        LENGTH_MIN..PARTED_LENGTH_MIN => is_even(value),
        PARTED_LENGTH_MIN.. => value
            .chunks_exact(value.len() / PARTS)
            .take(PARTS)
            .all(is_even),
    }
}

/// The same of a value that is long enough for that to be worth more than the look.
pub(crate) fn is_long_and_looks_random(value: &[u8]) -> bool {
    value.len() >= PARTED_LENGTH_MIN && looks_random(value)
}

/// Whether the bytes of a sample have no more collisions than chance makes.
fn is_even(part: &[u8]) -> bool {
    let mut counts = [0_u16; 256];
    let mut collisions = 0_u32;
    for piece in part.chunks_exact(part.len() / PIECES).take(PIECES) {
        for byte in piece.iter().take(PIECE_BYTES) {
            if let Some(count) = counts.get_mut(usize::from(*byte)) {
                collisions += u32::from(*count);
                *count += 1;
            }
        }
    }
    collisions < COLLISIONS_MIN
}

#[cfg(test)]
mod tests {
    use storage_core::{Random, SeededRandom};

    use super::*;

    #[test]
    fn random_bytes_look_random_at_every_length() {
        let random = SeededRandom::new(5);
        let long = [
            16 << 10,
            64 << 10,
            (64 << 10) + 1,
            100_000,
            1 << 20,
            5_000_003,
        ];
        for length in (512..4_096).chain(long) {
            let mut noise = vec![0; length];
            random.fill(&mut noise).unwrap();
            assert!(looks_random(&noise), "{length}");
        }
    }

    #[test]
    fn what_a_codec_makes_smaller_does_not() {
        let text = include_bytes!("probe.rs");
        assert!(!looks_random(&text[..512]));
        assert!(!looks_random(text));
        assert!(!looks_random(&[0; 512]));
        // Base64 of noise: 6 bits a byte.
        let random = SeededRandom::new(6);
        let mut noise = vec![0; 10_000];
        random.fill(&mut noise).unwrap();
        let letters: Vec<u8> = noise.iter().map(|byte| b'0' + byte % 64).collect();
        assert!(!looks_random(&letters));
    }

    #[test]
    fn an_eighth_of_text_anywhere_in_a_long_value_is_found() {
        let text = include_bytes!("probe.rs");
        let random = SeededRandom::new(7);
        for length in [(64 << 10) + 1, 1 << 20] {
            let mut noise = vec![0; length];
            random.fill(&mut noise).unwrap();
            assert!(looks_random(&noise));
            for first in (0..length - length / 8).step_by(length / 64) {
                let mut value = noise.clone();
                for (byte, letter) in value
                    .iter_mut()
                    .skip(first)
                    .zip(text.iter().cycle())
                    .take(length / 8)
                {
                    *byte = *letter;
                }
                assert!(!looks_random(&value), "{length}, {first}");
            }
        }
    }
}
