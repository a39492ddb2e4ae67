//! Decoders under damaged input.
//!
//! [`decoder`] gives a decoder what was once written, damaged in a few places: bytes changed,
//! cut off, left out, doubled and put in, and numbers replaced by huge ones. The decoder must
//! take it or refuse it, whatever it is, and what it takes must be what it would write:
//!
//! ```
//! fn decode(stored: &[u8]) -> Option<u16> {
//!     Some(u16::from_be_bytes(stored.try_into().ok()?))
//! }
//!
//! storage_testkit::fuzz::decoder([vec![1, 2]], |input| {
//!     if let Some(number) = decode(input) {
//!         assert_eq!(number.to_be_bytes(), input);
//!     }
//! });
//! ```
//!
//! A test tries [`CASES`] inputs, the same ones whenever it runs. `STORAGE_FUZZ_CASES` says how
//! many instead, and `STORAGE_TEST_SEED` which ones. `cargo xtask fuzz` runs all such tests of
//! this workspace for as long as one likes; they are those in modules called `fuzzed`.

use std::{fmt::Write, ops::Range, panic::RefUnwindSafe};

use proptest::{
    collection::vec,
    prelude::{BoxedStrategy, Just, Strategy, any, prop_oneof},
    sample::{Index, select},
    test_runner::{Config, RngSeed, TestError, TestRunner},
};

use crate::environment;

/// How many inputs a test tries.
pub const CASES: u32 = 2_000;

const SEED: u64 = 0x5EED;

/// The most edits of one input.
const EDITS_MAX: usize = 5;

/// Gives `check` damaged forms of the seeds, of which it may refuse any, and none of which
/// may make it panic.
///
/// # Panics
/// If `check` does, with the shortest input that makes it.
#[expect(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that fails says so, with its seed"
)]
pub fn decoder(seeds: impl IntoIterator<Item = Vec<u8>>, check: impl Fn(&[u8]) + RefUnwindSafe) {
    let cases = environment::number("STORAGE_FUZZ_CASES");
    let cases = cases.map_or(CASES, |cases| u32::try_from(cases).unwrap_or(u32::MAX));
    let seed = environment::number("STORAGE_TEST_SEED").unwrap_or(SEED);
    println!("STORAGE_TEST_SEED={seed}");
    let mut runner = TestRunner::new(Config {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        ..Config::default()
    });
    let tried = runner.run(&damaged(seeds), |input| {
        check(&input);
        Ok(())
    });
    match tried {
        Ok(()) => {}
        Err(TestError::Fail(reason, input)) => {
            panic!("{reason}\nof the input {}", hexadecimal(&input))
        }
        Err(TestError::Abort(reason)) => panic!("no input was made: {reason}"),
    }
}

/// One of the seeds, or nothing, and a few edits of it.
fn damaged(seeds: impl IntoIterator<Item = Vec<u8>>) -> BoxedStrategy<Vec<u8>> {
    let seeds: Vec<_> = [Vec::new()].into_iter().chain(seeds).collect();
    let edits = vec(edit(seeds.clone()), 0..=EDITS_MAX);
    let inputs = (select(seeds), edits).prop_map(|(mut input, edits)| {
        for edit in edits {
            edit.apply(&mut input);
        }
        input
    });
    inputs.boxed()
}

/// Something that is done to an input. Where it is done is a part of how long that is.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Flip(Index, u8),
    Cut(Index),
    Remove(Part),
    Double(Part),
    Insert(Index, Vec<u8>),
    /// Puts something in the place of as many bytes.
    Overwrite(Index, Vec<u8>),
}

/// Boxed, as the type would fill pages of a backtrace.
fn edit(seeds: Vec<Vec<u8>>) -> BoxedStrategy<Edit> {
    let place = any::<Index>;
    let of_seed = (select(seeds), part()).prop_map(|(seed, part)| {
        let part = part.within(seed.len());
        seed.get(part).map(<[u8]>::to_vec).unwrap_or_default()
    });
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Edit::Set(at, byte)),
        (place(), 0_u8..8).prop_map(|(at, bit)| Edit::Flip(at, bit)),
        place().prop_map(Edit::Cut),
        part().prop_map(Edit::Remove),
        part().prop_map(Edit::Double),
        (place(), vec(any::<u8>(), 0..40)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (place(), of_seed).prop_map(|(at, bytes)| Edit::Overwrite(at, bytes)),
        (place(), number()).prop_map(|(at, bytes)| Edit::Overwrite(at, bytes)),
    ]
    .boxed()
}

/// Numbers that decoders may stumble over, as lengths and counts, in four bytes or in eight.
fn number() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![
        Just(0_u64),
        Just(1),
        Just(0xFF),
        Just(0x7FFF_FFFF),
        Just(0xFFFF_FFFF),
        Just(1 << 60),
        Just(0x7FFF_FFFF_FFFF_FFFF),
        Just(u64::MAX),
        any::<u64>(),
    ];
    (number, any::<bool>()).prop_map(|(number, is_short)| {
        let [_, _, _, _, low @ ..] = number.to_be_bytes();
        if is_short {
            low.to_vec()
        } else {
            number.to_be_bytes().to_vec()
        }
    })
}

impl Edit {
    fn apply(self, input: &mut Vec<u8>) {
        let place = |at: Index| at.index(input.len() + 1);
        match self {
            Self::Set(at, byte) => {
                let at = place(at);
                if let Some(changed) = input.get_mut(at) {
                    *changed = byte;
                }
            }
            Self::Flip(at, bit) => {
                let at = place(at);
                if let Some(changed) = input.get_mut(at) {
                    *changed ^= 1 << bit;
                }
            }
            Self::Cut(at) => input.truncate(place(at)),
            Self::Remove(part) => drop(input.drain(part.within(input.len()))),
            Self::Double(part) => input.extend_from_within(part.within(input.len())),
            Self::Insert(at, bytes) => {
                let at = place(at);
                input.splice(at..at, bytes);
            }
            Self::Overwrite(at, bytes) => {
                let at = place(at);
                let end = input.len().min(at + bytes.len());
                input.splice(at..end, bytes);
            }
        }
    }
}

/// A part of some bytes, often a short one.
#[derive(Clone, Copy, Debug)]
struct Part {
    start: Index,
    length: Index,
    length_max: usize,
}

fn part() -> impl Strategy<Value = Part> {
    let length_max = prop_oneof![Just(8), Just(40), Just(usize::MAX)];
    let parts = (any::<Index>(), any::<Index>(), length_max);
    parts.prop_map(|(start, length, length_max)| Part {
        start,
        length,
        length_max,
    })
}

impl Part {
    fn within(self, bytes: usize) -> Range<usize> {
        let start = self.start.index(bytes + 1);
        let length_max = self.length_max.min(bytes - start);
        start..start + self.length.index(length_max + 1)
    }
}

fn hexadecimal(input: &[u8]) -> String {
    input.iter().fold(String::new(), |mut text, byte| {
        // A string takes whatever is written.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, panic::catch_unwind, sync::Mutex};

    use super::*;

    #[test]
    fn inputs_are_seeds_and_what_is_left_of_them() {
        let seeds = [&b"a seed that is damaged"[..], b"and another"];
        let given = Mutex::new(Vec::new());
        decoder(seeds.map(<[u8]>::to_vec), |input| {
            given.lock().unwrap().push(input.to_vec());
        });
        let given = given.into_inner().unwrap();
        let distinct: HashSet<_> = given.iter().collect();
        assert!(distinct.len() > given.len() / 2, "{}", distinct.len());
        for whole in [&b""[..], seeds[0], seeds[1]] {
            assert!(given.iter().any(|input| input == whole), "{whole:?}");
        }
        let begun = given.iter().filter(|input| input.starts_with(b"a seed"));
        assert!(begun.count() > given.len() / 10);
        let is_huge = |input: &Vec<u8>| input.windows(8).any(|bytes| bytes == [0xFF; 8]);
        assert!(given.iter().any(is_huge));
    }

    #[test]
    fn a_decoder_that_panics_is_found_with_the_shortest_input_that_makes_it() {
        let failed = catch_unwind(|| {
            decoder([vec![1, 2, 3, 4]], |input| {
                assert!(input.len() < 3, "too long");
            });
        });
        let message = failed.unwrap_err().downcast::<String>().unwrap();
        assert!(message.contains("too long"), "{message}");
        let (_, input) = message.split_once("of the input ").unwrap();
        assert!(input.len() <= 8, "{message}");
    }
}
