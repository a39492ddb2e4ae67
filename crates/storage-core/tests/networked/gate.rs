//! Where calls wait until a test lets them go on.

use tokio::sync::watch;

/// Lets calls through, or holds them until it is opened.
#[derive(Debug)]
pub(crate) struct Gate {
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    is_shut: bool,
    /// How many of those that wait may go on though it is shut.
    leave: usize,
    waiting: usize,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self {
            state: watch::Sender::new(State::default()),
        }
    }

    pub(crate) fn shut(&self) {
        self.state.send_modify(|state| state.is_shut = true);
    }

    pub(crate) fn open(&self) {
        self.state.send_modify(|state| state.is_shut = false);
    }

    /// Lets one call through that waits, or the next.
    pub(crate) fn let_one_pass(&self) {
        self.state.send_modify(|state| state.leave += 1);
    }

    /// How many calls wait at the gate.
    pub(crate) fn waiting(&self) -> usize {
        self.state.borrow().waiting
    }

    /// Waits until that many calls wait at the gate.
    pub(crate) async fn arrival_of(&self, calls: usize) {
        let mut state = self.state.subscribe();
        state
            .wait_for(|state| state.waiting == calls)
            .await
            .unwrap();
    }

    pub(crate) async fn pass(&self) {
        self.state.send_modify(|state| state.waiting += 1);
        let _leaving = Leaving(self);
        let mut state = self.state.subscribe();
        while !self.try_pass() {
            state
                .wait_for(|state| !state.is_shut || state.leave > 0)
                .await
                .unwrap();
        }
    }

    fn try_pass(&self) -> bool {
        let mut passes = false;
        self.state.send_if_modified(|state| {
            passes = !state.is_shut || state.leave > 0;
            state.leave = state.leave.saturating_sub(usize::from(state.is_shut));
            false
        });
        passes
    }
}

/// A call that waits, until it goes on or is dropped.
struct Leaving<'a>(&'a Gate);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.state.send_modify(|state| state.waiting -= 1);
    }
}
