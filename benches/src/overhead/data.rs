//! The keys and values that both sides are given, and how many operations they
//! do with them.

use super::{
    cell::{Engine, Workload},
    target::Pair,
};

/// The size of every value.
const VALUE_BYTES: usize = 256;

/// The size of every key.
const KEY_BYTES: usize = 16;

pub(crate) type Key = [u8; KEY_BYTES];

/// What a cell works on.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    /// The keys, in no order.
    pub(crate) keys: Vec<Key>,
    /// The value of every key.
    pub(crate) value: Vec<u8>,
    /// How often the operation is done.
    pub(crate) operations: u32,
}

impl Data {
    /// Enough to keep a process busy for a fraction of a second to a few.
    pub(crate) fn of(engine: Engine, workload: Workload, tasks: u32) -> Self {
        let (keys, operations) = match (engine, workload) {
            (Engine::Memory, Workload::Get) => (10_000, 2_000_000),
            (Engine::Memory, _) => (10_000, 200_000),
            // Every entry is a file.
            (Engine::Fs, Workload::Get) => (10_000, 100_000),
            (Engine::Fs, Workload::Scan) => (10_000, 1_000),
            (Engine::Fs, Workload::VolatilePut | Workload::BufferedPut) => (20_000, 20_000),
            (Engine::Fs, Workload::SyncedPut) if tasks == 1 => (1_000, 1_000),
            (Engine::Fs, Workload::SyncedPut) => (6_400, 6_400),
            (_, Workload::Get) => (100_000, 200_000),
            (_, Workload::Scan) => (100_000, 20_000),
            (_, Workload::VolatilePut | Workload::BufferedPut) => (200_000, 200_000),
            (_, Workload::SyncedPut) if tasks == 1 => (4_000, 4_000),
            (_, Workload::SyncedPut) => (25_600, 25_600),
        };
        Self::with(keys, operations)
    }

    /// So many keys, for so many operations.
    pub(crate) fn with(keys: u32, operations: u32) -> Self {
        Self {
            keys: (0..keys).map(key).collect(),
            value: (0..VALUE_BYTES).map(|at| at.to_le_bytes()[0]).collect(),
            operations,
        }
    }

    /// All keys, with their values.
    pub(crate) fn entries(&self) -> Vec<Pair> {
        let keys = self.keys.iter();
        keys.map(|key| (key.to_vec(), self.value.clone())).collect()
    }
}

/// A key that looks random, another one for each number.
fn key(number: u32) -> Key {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // Odd, so that the multiplication maps no two numbers to one.
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mixed = u64::from(number).wrapping_mul(FACTOR);
    let mut rest = mixed ^ (mixed >> 32);
    [(); KEY_BYTES].map(|()| {
        rest = rest.rotate_left(4);
        let digit = usize::try_from(rest & 0xf).unwrap_or(0);
        DIGITS.get(digit).copied().unwrap_or(b'0')
    })
}
