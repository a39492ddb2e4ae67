//! What goes on with each key at the moment: reads that will fill the cache, and
//! commits that change it.
//!
//! INVARIANT: while a commit that may change a key is under way, the level in
//! memory holds nothing for that key. A commit marks its keys and forgets them
//! before the store below sees it; a read fills the cache only if no commit has
//! marked its key since it began. Both happen under the lock of the key's stripe.

use std::{
    hash::BuildHasher,
    mem,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_channel::oneshot;
use hashbrown::HashMap;
use quick_cache::DefaultHashBuilder;
use storage_core::{Entry, Result, Timestamp};

use crate::key::{CacheKey, Lookup};

/// A power of two: more than will ever be busy at once.
const STRIPES: u64 = 64;

/// What a read has found, for those who waited for it.
pub(crate) type Answer = Result<Option<Entry>>;

/// The keys of which something is under way.
pub(crate) struct Stripes {
    parts: Box<[Mutex<Stripe>]>,
    hasher: DefaultHashBuilder,
    /// How many keys a commit of unknown outcome may yet change.
    uncertain: AtomicU64,
}

/// Some of the keys.
#[derive(Default)]
pub(crate) struct Stripe {
    keys: HashMap<CacheKey, KeyState, DefaultHashBuilder>,
    last_flight: u64,
}

/// What is under way with one key.
#[derive(Default)]
struct KeyState {
    /// How many commits that change it are under way.
    commits: u32,
    /// Until when a commit may yet change it whose outcome is unknown.
    unknown_until: Option<Timestamp>,
    /// The read that others may join and that may fill the cache.
    flight: Option<Flight>,
    /// Reads that a commit has outdated; those who joined before still wait.
    outdated: Vec<Flight>,
}

/// A read under way.
struct Flight {
    id: u64,
    waiting: Vec<oneshot::Sender<Answer>>,
}

/// What the state of a key lets a read do.
pub(crate) enum Start {
    /// A commit may be changing the key.
    Around,
    /// Wait for a read that began before.
    Join(oneshot::Receiver<Answer>),
    /// Nothing is under way.
    Free,
}

/// A read that has ended.
pub(crate) struct Landed {
    pub(crate) waiting: Vec<oneshot::Sender<Answer>>,
    /// Whether no commit has marked the key since the read began.
    pub(crate) is_current: bool,
}

impl Stripes {
    pub(crate) fn new() -> Self {
        Self {
            parts: (0..STRIPES).map(|_| Mutex::default()).collect(),
            hasher: DefaultHashBuilder::default(),
            uncertain: AtomicU64::new(0),
        }
    }

    /// Locks the stripe of a key.
    pub(crate) fn lock(&self, key: Lookup<'_>) -> MutexGuard<'_, Stripe> {
        // The tables within use the other end of the hash.
        let hash = self.hasher.hash_one(key).rotate_right(32);
        let index = usize::try_from(hash % STRIPES).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "there are STRIPES of them")]
        lock(&self.parts[index])
    }

    /// Locks one stripe after the other.
    pub(crate) fn lock_each(&self) -> impl Iterator<Item = MutexGuard<'_, Stripe>> {
        self.parts.iter().map(lock)
    }

    pub(crate) fn uncertain(&self) -> u64 {
        self.uncertain.load(Ordering::Relaxed)
    }

    /// A commit has ended. If its outcome is unknown, the key stays marked until then.
    pub(crate) fn release(&self, key: &CacheKey, unknown_until: Option<Timestamp>) {
        let mut stripe = self.lock(Lookup::of(key.as_key()));
        let Some(state) = stripe.keys.get_mut(key) else {
            return;
        };
        state.commits = state.commits.saturating_sub(1);
        if let Some(until) = unknown_until {
            let before = state.unknown_until.replace(until);
            if before.is_none() {
                self.uncertain.fetch_add(1, Ordering::Relaxed);
            }
        }
        stripe.tidy(key);
    }

    /// Drops marks of unknown outcomes whose time has passed.
    pub(crate) fn sweep(&self, now: Timestamp) {
        for mut stripe in self.lock_each() {
            stripe.keys.retain(|_, state| {
                self.let_pass(state, || now);
                !state.is_idle()
            });
        }
    }

    /// What a read of `key` may do, given the locked stripe.
    pub(crate) fn start(
        &self,
        stripe: &mut Stripe,
        key: Lookup<'_>,
        now: impl Fn() -> Timestamp,
    ) -> Start {
        let Some(state) = stripe.keys.get_mut(&key) else {
            return Start::Free;
        };
        self.let_pass(state, now);
        if state.is_marked() {
            return Start::Around;
        }
        match &mut state.flight {
            Some(flight) => {
                let (sender, receiver) = oneshot::channel();
                flight.waiting.push(sender);
                Start::Join(receiver)
            }
            None => Start::Free,
        }
    }

    fn let_pass(&self, state: &mut KeyState, now: impl Fn() -> Timestamp) {
        if state.unknown_until.is_some_and(|until| until <= now()) {
            state.unknown_until = None;
            self.uncertain.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

fn lock(stripe: &Mutex<Stripe>) -> MutexGuard<'_, Stripe> {
    stripe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Stripe {
    /// Begins a read that others may join. Returns its number.
    pub(crate) fn take_off(&mut self, key: CacheKey) -> u64 {
        self.last_flight += 1;
        self.keys.entry(key).or_default().flight = Some(Flight {
            id: self.last_flight,
            waiting: Vec::new(),
        });
        self.last_flight
    }

    /// Ends a read.
    pub(crate) fn land(&mut self, key: &CacheKey, id: u64) -> Landed {
        let mut landed = Landed {
            waiting: Vec::new(),
            is_current: false,
        };
        let Some(state) = self.keys.get_mut(key) else {
            return landed;
        };
        if let Some(flight) = state.flight.take_if(|flight| flight.id == id) {
            landed.waiting = flight.waiting;
            landed.is_current = true;
        } else if let Some(index) = state.outdated.iter().position(|flight| flight.id == id) {
            landed.waiting = state.outdated.swap_remove(index).waiting;
        }
        self.tidy(key);
        landed
    }

    /// A commit that changes the key begins.
    pub(crate) fn mark(&mut self, key: &CacheKey) {
        let state = self.keys.entry(key.clone()).or_default();
        state.commits = state.commits.saturating_add(1);
        state.outdate();
    }

    /// Keeps the read under way from filling the cache, and others from joining it.
    pub(crate) fn outdate(&mut self, key: Lookup<'_>) {
        if let Some(state) = self.keys.get_mut(&key) {
            state.outdate();
        }
    }

    /// The same for every key that `concerns` is true of.
    pub(crate) fn outdate_all(&mut self, concerns: impl Fn(&CacheKey) -> bool) {
        for (key, state) in &mut self.keys {
            if concerns(key) {
                state.outdate();
            }
        }
    }

    /// Whether nothing is under way with the key.
    pub(crate) fn is_idle(&self, key: Lookup<'_>) -> bool {
        !self.keys.contains_key(&key)
    }

    fn tidy(&mut self, key: &CacheKey) {
        if self.keys.get(key).is_some_and(KeyState::is_idle) {
            self.keys.remove(key);
        }
    }
}

impl KeyState {
    const fn is_marked(&self) -> bool {
        self.commits > 0 || self.unknown_until.is_some()
    }

    const fn is_idle(&self) -> bool {
        !self.is_marked() && self.flight.is_none() && self.outdated.is_empty()
    }

    fn outdate(&mut self) {
        if let Some(flight) = mem::take(&mut self.flight) {
            self.outdated.push(flight);
        }
    }
}
