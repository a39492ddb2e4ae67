//! Samples of the namespaces that get a dictionary next.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use super::DictionaryConfig;
use crate::namespaces::Learnt;

/// Values one after the other.
#[derive(Debug, Default)]
pub(super) struct Samples {
    pub(super) bytes: Vec<u8>,
    pub(super) lengths: Vec<usize>,
}

impl Samples {
    fn push(&mut self, value: &[u8]) {
        self.bytes.extend_from_slice(value);
        self.lengths.push(value.len());
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = &*self.bytes;
        self.lengths.iter().map_while(move |length| {
            let (sample, after) = rest.split_at_checked(*length)?;
            rest = after;
            Some(sample)
        })
    }
}

/// Samples of one namespace.
#[derive(Debug)]
pub(crate) struct Gathering {
    pub(super) learnt: Arc<Learnt>,
    /// What a dictionary is trained on.
    pub(super) training: Samples,
    /// What it is judged by.
    pub(super) judging: Samples,
    /// When the last one came, counted in samples of all namespaces.
    last: u64,
}

impl Gathering {
    /// One sample in so many is for judging.
    const JUDGING_EVERY: usize = 8;

    pub(super) const fn samples(&self) -> usize {
        self.training.lengths.len() + self.judging.lengths.len()
    }

    fn push(&mut self, value: &[u8]) {
        if (self.samples() + 1).is_multiple_of(Self::JUDGING_EVERY) {
            self.judging.push(value);
        } else {
            self.training.push(value);
        }
    }

    const fn is_enough(&self, config: &DictionaryConfig) -> bool {
        self.samples() >= config.samples
            || self.training.bytes.len() + self.judging.bytes.len() >= config.sample_bytes
    }
}

/// The gatherings of a store: few at once, since each takes memory.
#[derive(Debug, Default)]
pub(super) struct Gatherings {
    state: Mutex<State>,
    /// Whether one is complete.
    is_due: AtomicBool,
}

#[derive(Debug, Default)]
struct State {
    under_way: Vec<Gathering>,
    complete: Vec<Gathering>,
    /// How many samples came.
    samples: u64,
}

impl Gatherings {
    const COUNT_MAX: usize = 8;

    /// A gathering that got none of so many samples makes room for another.
    const IDLE_SAMPLES: u64 = 10_000;

    pub(super) fn add(&self, learnt: &Arc<Learnt>, value: &[u8], config: &DictionaryConfig) {
        let mut state = self.lock();
        state.samples += 1;
        let now = state.samples;
        let Some(at) = state.place_of(learnt) else {
            return;
        };
        let Some(gathering) = state.under_way.get_mut(at) else {
            return;
        };
        gathering.push(value);
        gathering.last = now;
        if gathering.is_enough(config) {
            let gathering = state.under_way.swap_remove(at);
            gathering.learnt.course.rest_for_good();
            state.complete.push(gathering);
            self.is_due.store(true, Ordering::Release);
        }
    }

    /// Whether there is one to take; sooner or later, if it has only just become so.
    pub(super) fn is_due(&self) -> bool {
        self.is_due.load(Ordering::Acquire)
    }

    /// One that is complete.
    pub(super) fn take(&self) -> Option<Gathering> {
        let mut state = self.lock();
        let taken = state.complete.pop();
        self.is_due
            .store(!state.complete.is_empty(), Ordering::Release);
        taken
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Where the gathering of a namespace is, which may be new; `None` if there is no room.
    fn place_of(&mut self, learnt: &Arc<Learnt>) -> Option<usize> {
        let is_its = |gathering: &Gathering| Arc::ptr_eq(&gathering.learnt, learnt);
        if let Some(at) = self.under_way.iter().position(is_its) {
            return Some(at);
        }
        if self.under_way.len() + self.complete.len() >= Gatherings::COUNT_MAX {
            let idle = self.samples.saturating_sub(Gatherings::IDLE_SAMPLES);
            let at = self.under_way.iter().position(|other| other.last < idle)?;
            self.under_way.swap_remove(at);
        }
        self.under_way.push(Gathering {
            learnt: Arc::clone(learnt),
            training: Samples::default(),
            judging: Samples::default(),
            last: self.samples,
        });
        Some(self.under_way.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> DictionaryConfig {
        DictionaryConfig::new().samples(16, 100)
    }

    #[test]
    fn a_gathering_is_complete_after_so_many_samples_or_bytes() {
        for (value, values) in [(&b"12345"[..], 16), (b"1234567890", 10)] {
            let (gatherings, learnt) = (Gatherings::default(), Arc::default());
            for _ in 0..values {
                assert!(!gatherings.is_due());
                gatherings.add(&learnt, value, &config());
            }
            assert!(gatherings.is_due());
            let gathering = gatherings.take().unwrap();
            assert_eq!(gathering.samples(), values);
            assert_eq!(gathering.judging.lengths.len(), values / 8);
            assert!(gathering.training.iter().all(|sample| sample == value));
            assert!(!gatherings.is_due());
        }
    }

    #[test]
    fn few_namespaces_gather_at_once_and_idle_ones_make_room() {
        let gatherings = Gatherings::default();
        let all: Vec<Arc<Learnt>> = (0..9).map(|_| Arc::default()).collect();
        let add = |learnt| gatherings.add(learnt, b"v", &config());
        for _ in 0..15 {
            all.iter().for_each(add);
        }
        assert!(!gatherings.is_due());
        let late = &all[8];
        for _ in 0..10_100 {
            add(late);
        }
        assert!(gatherings.is_due());
        assert!(Arc::ptr_eq(&gatherings.take().unwrap().learnt, late));
    }
}
