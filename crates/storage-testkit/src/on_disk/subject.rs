//! What is certified: a store that keeps its files in a directory of its own.

use std::{future::Future, path::Path};

use storage_core::{Components, Result, Store};

/// An engine whose stores are directories, claimed by
/// [`StoreDirectory`](storage_core::StoreDirectory).
pub trait OnDisk: Send + Sync + 'static {
    /// The type of the store.
    type Store: Store;

    /// The name of the engine, under which the directory is claimed. If the
    /// environment variable `STORAGE_TEST_ENGINES` holds a list of names,
    /// separated by commas, only tests of those engines run.
    const ENGINE: &'static str;

    /// The version of its format, under which the directory is claimed.
    const FORMAT_VERSION: u32;

    /// The size of the disk that cases fill, in bytes: one that takes a few
    /// commits of 100 KB, and not thousands.
    const DISK_BYTES: u64 = 2 << 20;

    /// The size of that disk once there is room again, in bytes.
    const ROOMY_DISK_BYTES: u64 = 64 << 20;

    /// Opens the store in `directory` with these components, and with whichever
    /// settings make it small, so that little fills its buffers.
    fn open(
        &self,
        directory: &Path,
        components: Components,
    ) -> impl Future<Output = Result<Self::Store>> + Send;

    /// Files whose damage the engine cannot tell from what a crash leaves. None
    /// by default.
    fn exemptions(&self) -> &[Exemption] {
        &[]
    }
}

/// A file whose damage may go unreported, and why.
///
/// Even so, what the damaged store shows must be a state it once had: the
/// commits up to some point, whole, and none after it.
#[derive(Clone, Copy, Debug)]
pub struct Exemption {
    /// How the path of the file ends, such as `.log`.
    pub file: &'static str,
    /// Why the engine cannot tell.
    pub reason: &'static str,
}
