//! The shape of one round's workload.

use storage_core::{BatchScope, Capabilities, Durability, SequenceScope, Support};

use crate::{
    dice::Dice,
    proof::{SIGNED_BYTES_MIN, seed::Part},
};

/// How many tasks, on how many keys, with how large values; and what the store
/// can be asked for.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Decides what each task does.
    pub(super) seed: u64,
    pub(crate) tasks: u16,
    /// How many keys of each space a task has.
    pub(super) keys: u16,
    /// How many keys all tasks contend for.
    pub(super) shared: u16,
    /// One value in so many is large.
    pub(super) large_once_in: u64,
    /// One operation in so many asks for the strongest durability, which is the
    /// slowest.
    pub(super) strongest_once_in: u64,
    /// One step in so many of the first task is upkeep.
    pub(super) upkeep_once_in: u64,
    pub(super) value_bytes_max: u32,
    /// How many changes and guards a batch may have; the log entry is one.
    pub(super) batch_max: u32,
    pub(super) guards: Support,
    pub(super) range_deletes: Support,
    pub(super) expiry: Support,
    pub(super) log: Support,
    /// Those on offer, the weakest first.
    pub(super) durabilities: Vec<Durability>,
}

impl Plan {
    /// The most changes a batch has.
    const BATCH_MAX: u32 = 20;

    /// What a batch may have beside its changes: guards and a log entry.
    const BESIDE_CHANGES: u32 = 5;

    /// Draws a plan for a store with these capabilities.
    pub(crate) fn draw(seed: u64, capabilities: &Capabilities) -> Self {
        let dice = Dice::new(Part::Plan.seed(seed));
        let tasks = match dice.below(10) {
            0 => 1,
            1..5 => 2 + dice.small(7),
            5..9 => 8 + dice.small(25),
            _ => 33 + dice.small(32),
        };
        let offered = u32::try_from(capabilities.batch_operations_max).unwrap_or(u32::MAX);
        let batch_max = match capabilities.batch {
            BatchScope::Store => offered.min(Self::BATCH_MAX + Self::BESIDE_CHANGES),
            // What shares a partition is the store's own business.
            BatchScope::Key | BatchScope::Partition => 1,
        };
        let sequenced = capabilities.sequence != SequenceScope::Unsupported && batch_max > 1;
        let levels = capabilities.durability_min..=capabilities.durability_max;
        // However many changes a batch has, it must fit.
        let value_bytes_max = capabilities
            .value_bytes_max
            .min(capabilities.batch_bytes_max / 64);
        let all = [
            Durability::Volatile,
            Durability::Buffered,
            Durability::Synced,
        ];
        Self {
            seed,
            tasks,
            keys: 3 + dice.small(30),
            shared: 1 + dice.small(4),
            large_once_in: dice.pick(400, &[50, 8]),
            strongest_once_in: dice.pick(2, &[1, 10, 40]),
            upkeep_once_in: dice.pick(100, &[20, 500]),
            value_bytes_max: u32::try_from(value_bytes_max).unwrap_or(u32::MAX),
            batch_max,
            guards: capabilities.guards,
            range_deletes: capabilities.range_deletes,
            expiry: capabilities.expiry,
            log: if sequenced {
                Support::Supported
            } else {
                Support::Unsupported
            },
            durabilities: all
                .into_iter()
                .filter(|level| levels.contains(level))
                .collect(),
        }
    }

    /// The length of a value: none, or enough for a signature.
    pub(super) fn value_bytes(&self, dice: &Dice) -> u32 {
        let length = if dice.once_in(self.large_once_in) {
            dice.within(50_000..=400_000)
        } else {
            match dice.below(20) {
                0 => 0,
                1..14 => dice.within(SIGNED_BYTES_MIN..=300),
                14..19 => dice.within(300..=5_000),
                _ => dice.within(5_000..=50_000),
            }
        };
        length.min(self.value_bytes_max)
    }

    /// How many changes a batch of several has.
    pub(super) fn batch_length(&self, dice: &Dice) -> u32 {
        let most = self.batch_max.saturating_sub(Self::BESIDE_CHANGES);
        dice.within(2..=most.clamp(2, Self::BATCH_MAX))
    }

    /// Whether a batch may have several changes and guards.
    pub(super) fn has_batches(&self) -> bool {
        self.batch_max > Self::BESIDE_CHANGES + 1
    }
}
