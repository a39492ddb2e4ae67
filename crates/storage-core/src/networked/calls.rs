//! Calls that take no lane, counted so that closing can wait for them.

use tokio::sync::watch;

use crate::{Error, Result};

/// Counts calls under way.
#[derive(Debug)]
pub(super) struct Calls {
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    under_way: usize,
    is_closed: bool,
}

/// A call under way, until it is dropped.
#[derive(Debug)]
pub(super) struct Call<'a> {
    calls: &'a Calls,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self {
            state: watch::Sender::new(State::default()),
        }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// `Closed` once calls are refused.
    pub(super) fn enter(&self) -> Result<Call<'_>> {
        let is_counted = self.state.send_if_modified(|state| {
            if !state.is_closed {
                state.under_way += 1;
            }
            !state.is_closed
        });
        if is_counted {
            Ok(Call { calls: self })
        } else {
            Err(Error::closed())
        }
    }

    /// Refuses further calls.
    pub(super) fn refuse(&self) {
        self.state.send_modify(|state| state.is_closed = true);
    }

    /// Waits until no call is under way.
    pub(super) async fn drained(&self) {
        // The sender outlives this borrow of it.
        let _ = self
            .state
            .subscribe()
            .wait_for(|state| state.under_way == 0)
            .await;
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.calls.state.send_modify(|state| state.under_way -= 1);
    }
}
