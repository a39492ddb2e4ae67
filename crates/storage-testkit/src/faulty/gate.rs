//! Gates: where calls wait until the test lets them go on.

use std::sync::Arc;

use tokio::sync::watch;

/// Lets calls through, or holds them until it is opened. Clones are the same
/// gate. It takes no runtime.
#[derive(Clone, Debug)]
pub struct Gate(Arc<watch::Sender<State>>);

#[derive(Clone, Copy, Debug)]
struct State {
    is_shut: bool,
    waiting: usize,
}

impl Gate {
    /// A gate that is shut.
    #[must_use]
    pub fn new() -> Self {
        let state = State {
            is_shut: true,
            waiting: 0,
        };
        Self(Arc::new(watch::Sender::new(state)))
    }

    /// Holds the calls that come from now on.
    pub fn shut(&self) {
        self.0.send_modify(|state| state.is_shut = true);
    }

    /// Lets all calls go on, those that wait and those to come.
    pub fn open(&self) {
        self.0.send_modify(|state| state.is_shut = false);
    }

    /// How many calls wait at the gate.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.borrow().waiting
    }

    /// Waits until a call waits at the gate.
    pub async fn wait_for_arrival(&self) {
        self.until(|state| state.waiting > 0).await;
    }

    /// Waits until the gate is open.
    pub(super) async fn pass(&self) {
        let _waiting = Waiting::at(self);
        self.until(|state| !state.is_shut).await;
    }

    async fn until(&self, holds: impl FnMut(&State) -> bool) {
        // It only fails without a sender, and this gate is one.
        let _ = self.0.subscribe().wait_for(holds).await;
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// A call at the gate; it leaves when its future is dropped, too.
struct Waiting<'a>(&'a Gate);

impl<'a> Waiting<'a> {
    fn at(gate: &'a Gate) -> Self {
        gate.0.send_modify(|state| state.waiting += 1);
        Self(gate)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|state| state.waiting -= 1);
    }
}
