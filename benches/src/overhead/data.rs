//! The keys and values that both sides are given, and how many operations they
//! do with them.

use super::cell::{Engine, Workload};

/// The size of every value.
const VALUE_BYTES: usize = 256;

/// What a cell works on.
#[derive(Clone, Debug)]
pub(crate) struct Data {
    /// Keys of 16 bytes, in no order.
    pub(crate) keys: Vec<Vec<u8>>,
    /// The value of every key.
    pub(crate) value: Vec<u8>,
    /// How often the operation is done.
    pub(crate) operations: u32,
}

impl Data {
    /// Enough to keep a process busy for a fraction of a second to a few.
    pub(crate) fn of(engine: Engine, workload: Workload, tasks: u32) -> Self {
        let (keys, operations) = match (engine, workload) {
            (Engine::Memory, Workload::Get) => (10_000, 4_000_000),
            (Engine::Memory, _) => (10_000, 200_000),
            (Engine::Fjall, Workload::Get) => (100_000, 400_000),
            (Engine::Fjall, Workload::Scan) => (100_000, 20_000),
            (Engine::Fjall, Workload::BufferedPut) => (300_000, 300_000),
            (Engine::Fjall, Workload::SyncedPut) if tasks == 1 => (4_000, 4_000),
            (Engine::Fjall, Workload::SyncedPut) => (32_000, 32_000),
        };
        Self {
            keys: (0..keys).map(key).collect(),
            value: (0..VALUE_BYTES).map(|at| at.to_le_bytes()[0]).collect(),
            operations,
        }
    }
}

/// A key that looks random, another one for each number.
fn key(number: u32) -> Vec<u8> {
    // Odd, so that the multiplication maps no two numbers to one.
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mixed = u64::from(number).wrapping_mul(FACTOR);
    format!("{:016x}", mixed ^ (mixed >> 32)).into_bytes()
}
