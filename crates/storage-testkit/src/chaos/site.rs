//! What is put under chaos.

use std::{fmt, time::Duration};

use storage_core::{Result, Store};

use crate::servers::ServerResult;

/// Servers of one engine, and what can be done to them. Dropping it ends them.
pub trait Site: Sized + 'static {
    /// The store that is opened on them.
    type Store: Store;

    /// All that can be done to the servers, at least one thing. Each is played
    /// once before any is played again.
    const FAULTS: &'static [Fault<Self>];

    /// How long any call of the store may take, as it is configured.
    const TIME_LIMIT: Duration;

    /// For how long a client may use a connection that it has just used without
    /// a look whether it is still there. What it sends on one that is gone is
    /// `Unknown` with reason.
    const NOTICED_WITHIN: Duration;

    /// Opens the one store there is, once more: what each gives is a client of
    /// its own, as if in another process. It must know by itself where the
    /// servers are after whatever fault.
    fn open(&self) -> impl Future<Output = Result<Self::Store>>;
}

/// Something that is done to servers and ends again. Its calls block, and return
/// when what they do is done.
pub struct Fault<S> {
    pub(super) name: &'static str,
    pub(super) reach: Reach,
    pub(super) strike: fn(&mut S) -> ServerResult,
    pub(super) heal: fn(&mut S) -> ServerResult,
    pub(super) repair: Option<fn(&mut S) -> ServerResult>,
}

/// Whether a client can send anything while a fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Perhaps,
    Nothing,
}

impl<S> Fault<S> {
    /// A fault that begins with `strike` and ends with `heal`: from then on puts
    /// must be acknowledged again.
    #[must_use]
    pub const fn new(
        name: &'static str,
        strike: fn(&mut S) -> ServerResult,
        heal: fn(&mut S) -> ServerResult,
    ) -> Self {
        Self {
            name,
            reach: Reach::Perhaps,
            strike,
            heal,
            repair: None,
        }
    }

    /// The same fault, which lets nothing through: from when `strike` returns
    /// until `heal` is called, no connection is open and every new one is
    /// refused. No commit that begins and ends meanwhile, once that is
    /// [noticed](Site::NOTICED_WITHIN), may be `Unknown`.
    #[must_use]
    pub const fn cutting_off(mut self) -> Self {
        self.reach = Reach::Nothing;
        self
    }

    /// The same fault, which uses something up that `repair` makes anew while the
    /// store goes on, such as a standby.
    #[must_use]
    pub const fn repaired_by(mut self, repair: fn(&mut S) -> ServerResult) -> Self {
        self.repair = Some(repair);
        self
    }
}

impl<S> fmt::Debug for Fault<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fault")
            .field("name", &self.name)
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}
