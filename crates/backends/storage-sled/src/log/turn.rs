//! Who settles the log: one thread at a time, and the settler when it is asked
//! to.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// How long a waiting thread sleeps before it looks whether there is anything
/// to wait for.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Gives out turns.
#[derive(Debug, Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
    /// Whether the settler is asked to settle and has not yet done so.
    is_wanted: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    is_taken: bool,
    is_closing: bool,
}

impl Turns {
    /// Waits for a turn, and calls `look` every second until it comes.
    pub(super) fn take(&self, look: impl Fn()) -> Turn<'_> {
        let mut state = self.lock();
        while state.is_taken {
            state = self.wait(state, &look);
        }
        state.is_taken = true;
        Turn(self)
    }

    /// Asks the settler to take a turn.
    pub(super) fn want(&self) {
        let state = self.lock();
        self.is_wanted.store(true, Ordering::Release);
        drop(state);
        self.changed.notify_all();
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Acquire)
    }

    /// Takes note that the settler did as it was asked.
    pub(super) fn granted(&self) {
        self.is_wanted.store(false, Ordering::Release);
    }

    /// Waits until the settler is asked to settle, and calls `look` every second
    /// until then; answers whether it is, and not closed.
    pub(super) fn is_wanted_again(&self, look: impl Fn()) -> bool {
        let mut state = self.lock();
        while !state.is_closing && !self.is_wanted() {
            state = self.wait(state, &look);
        }
        !state.is_closing
    }

    /// Ends the settler.
    pub(super) fn close(&self) {
        self.lock().is_closing = true;
        self.changed.notify_all();
    }

    fn wait<'a>(&'a self, state: MutexGuard<'a, State>, look: impl Fn()) -> MutexGuard<'a, State> {
        let (state, waited) = self
            .changed
            .wait_timeout(state, LOOK_EVERY)
            .unwrap_or_else(PoisonError::into_inner);
        if !waited.timed_out() {
            return state;
        }
        drop(state);
        look();
        self.lock()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The turn of whoever holds it.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Turns);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().is_taken = false;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        thread,
    };

    use super::*;

    #[test]
    fn one_thread_at_a_time_has_the_turn() {
        let turns = Turns::default();
        let inside = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let _turn = turns.take(|| ());
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                        inside.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
    }

    #[test]
    fn whoever_waits_for_a_turn_looks_around() {
        let turns = Turns::default();
        let looks = AtomicU32::new(0);
        let turn = turns.take(|| ());
        thread::scope(|scope| {
            scope.spawn(|| {
                turns.take(|| {
                    looks.fetch_add(1, Ordering::SeqCst);
                })
            });
            while looks.load(Ordering::SeqCst) == 0 {
                thread::sleep(Duration::from_millis(10));
            }
            drop(turn);
        });
    }

    #[test]
    fn the_settler_waits_until_it_is_wanted_or_closed() {
        let turns = Turns::default();
        turns.want();
        assert!(turns.is_wanted_again(|| ()));
        assert!(turns.is_wanted());
        turns.granted();
        thread::scope(|scope| {
            let settler = scope.spawn(|| turns.is_wanted_again(|| ()));
            turns.close();
            assert!(!settler.join().unwrap());
        });
    }
}
