//! What a layer cannot do without.

use std::fmt;

use crate::{
    BatchScope, Capabilities, CrashOrder, ReadSupport, ScanOrder, SequenceScope, SnapshotSupport,
    Support,
};

/// A capability that the store below a layer must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Need {
    /// Batches of this scope, or a wider one.
    Batch(BatchScope),
    /// Guards.
    Guards,
    /// Range deletes.
    RangeDeletes,
    /// Entries that expire.
    Expiry,
    /// Snapshots, however long they last.
    Snapshots,
    /// Scans in byte order.
    OrderedScans,
    /// Reads that see every answered commit.
    LinearizableReads,
    /// Reads that see every answered commit, at least those that demand it.
    LinearizableReadsOnDemand,
    /// A crash loses no commit that comes before one that it does not lose.
    SuffixLoss,
    /// Sequences of this scope, or a wider one.
    Sequence(SequenceScope),
}

impl Need {
    /// Whether a store with these capabilities will do.
    #[must_use]
    pub fn is_met_by(self, capabilities: &Capabilities) -> bool {
        match self {
            Self::Batch(scope) => covers(capabilities.batch, scope),
            Self::Guards => capabilities.guards == Support::Supported,
            Self::RangeDeletes => capabilities.range_deletes == Support::Supported,
            Self::Expiry => capabilities.expiry == Support::Supported,
            Self::Snapshots => capabilities.snapshots != SnapshotSupport::Unsupported,
            Self::OrderedScans => capabilities.scan_order == ScanOrder::Ordered,
            Self::LinearizableReads => capabilities.reads == ReadSupport::Linearizable,
            Self::LinearizableReadsOnDemand => capabilities.reads != ReadSupport::Eventual,
            Self::SuffixLoss => capabilities.crash_order == CrashOrder::Suffix,
            Self::Sequence(SequenceScope::Unsupported) => true,
            Self::Sequence(SequenceScope::Process) => {
                capabilities.sequence != SequenceScope::Unsupported
            }
            Self::Sequence(SequenceScope::Store) => capabilities.sequence == SequenceScope::Store,
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Batch(BatchScope::Key) => "batches over one key",
            Self::Batch(BatchScope::Partition) => "batches over a partition",
            Self::Batch(BatchScope::Store) => "batches over the whole store",
            Self::Guards => "guards",
            Self::RangeDeletes => "range deletes",
            Self::Expiry => "entries that expire",
            Self::Snapshots => "snapshots",
            Self::OrderedScans => "ordered scans",
            Self::LinearizableReads => "linearizable reads",
            Self::LinearizableReadsOnDemand => "linearizable reads where they are demanded",
            Self::SuffixLoss => "crashes that lose the last commits only",
            Self::Sequence(SequenceScope::Unsupported) => "no sequences",
            Self::Sequence(SequenceScope::Process) => "sequences",
            Self::Sequence(SequenceScope::Store) => "sequences that grow across reopening",
        })
    }
}

fn covers(offered: BatchScope, needed: BatchScope) -> bool {
    match needed {
        BatchScope::Key => true,
        BatchScope::Partition => offered != BatchScope::Key,
        BatchScope::Store => offered == BatchScope::Store,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_store_meets_no_need() {
        let least = Capabilities::least();
        for need in [
            Need::Batch(BatchScope::Partition),
            Need::Batch(BatchScope::Store),
            Need::Guards,
            Need::RangeDeletes,
            Need::Expiry,
            Need::Snapshots,
            Need::OrderedScans,
            Need::LinearizableReads,
            Need::LinearizableReadsOnDemand,
            Need::SuffixLoss,
            Need::Sequence(SequenceScope::Process),
            Need::Sequence(SequenceScope::Store),
        ] {
            assert!(!need.is_met_by(&least), "{need}");
        }
        assert!(Need::Batch(BatchScope::Key).is_met_by(&least));
    }

    #[test]
    fn a_wider_scope_meets_a_narrower_need() {
        let mut store = Capabilities::least();
        store.batch = BatchScope::Store;
        store.sequence = SequenceScope::Store;
        assert!(Need::Batch(BatchScope::Partition).is_met_by(&store));
        assert!(Need::Sequence(SequenceScope::Process).is_met_by(&store));

        store.batch = BatchScope::Partition;
        store.sequence = SequenceScope::Process;
        assert!(!Need::Batch(BatchScope::Store).is_met_by(&store));
        assert!(!Need::Sequence(SequenceScope::Store).is_met_by(&store));
    }
}
