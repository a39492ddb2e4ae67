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

use equivalent::Equivalent;
use futures_channel::oneshot;
use hashbrown::HashTable;
use quick_cache::DefaultHashBuilder;
use storage_core::{Entry, Result, Timestamp};

use crate::key::{CacheKey, Lookup};

/// A power of two: more than will ever be busy at once.
const STRIPES: u64 = 64;

/// More reads do not end in a stripe between a look at what is cached and the lock of the
/// stripe, unless a thread is interrupted just then.
const LANDED: usize = 4;

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
    keys: HashTable<KeyState>,
    last_flight: u64,
    /// The hashes of the reads that ended here last.
    landed: [u64; LANDED],
    last_landed: usize,
}

/// The stripe of a key, locked, with the hash of the key: each step takes one look.
pub(crate) struct Locked<'a> {
    stripe: MutexGuard<'a, Stripe>,
    hash: u64,
    stripes: &'a Stripes,
}

/// What is under way with one key.
struct KeyState {
    key: CacheKey,
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
    pub(crate) fn lock(&self, key: Lookup<'_>) -> Locked<'_> {
        self.lock_hash(self.hasher.hash_one(key))
    }

    /// Locks the stripe of a key of this [hash](Locked::hash).
    pub(crate) fn lock_hash(&self, hash: u64) -> Locked<'_> {
        // The tables within use the other end of the hash.
        let index = usize::try_from(hash.rotate_right(32) % STRIPES).unwrap_or(0);
        #[expect(clippy::indexing_slicing, reason = "there are STRIPES of them")]
        let part = &self.parts[index];
        Locked {
            stripe: lock(part),
            hash,
            stripes: self,
        }
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
        let mut locked = self.lock(Lookup::of(key.as_key()));
        locked.change(Lookup::of(key.as_key()), |state| {
            state.commits = state.commits.saturating_sub(1);
            if let Some(until) = unknown_until {
                let before = state.unknown_until.replace(until);
                if before.is_none() {
                    self.uncertain.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }

    /// Drops marks of unknown outcomes whose time has passed.
    pub(crate) fn sweep(&self, now: Timestamp) {
        for mut stripe in self.lock_each() {
            stripe.keys.retain(|state| {
                self.let_pass(state, || now);
                !state.is_idle()
            });
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

impl Locked<'_> {
    /// The hash of the key.
    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }

    /// What a read of the key may do.
    pub(crate) fn start(&mut self, key: Lookup<'_>, now: impl Fn() -> Timestamp) -> Start {
        let stripes = self.stripes;
        let Some(state) = self.find(key) else {
            return Start::Free;
        };
        stripes.let_pass(state, now);
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

    /// Whether a read of the key may have ended a moment ago.
    pub(crate) fn has_just_landed(&self) -> bool {
        self.stripe.landed.contains(&self.hash)
    }

    /// Begins a read that others may join. Returns its number.
    pub(crate) fn take_off(&mut self, key: &CacheKey) -> u64 {
        self.stripe.last_flight += 1;
        let id = self.stripe.last_flight;
        self.find_or_insert(key).flight = Some(Flight {
            id,
            waiting: Vec::new(),
        });
        id
    }

    /// Ends a read.
    pub(crate) fn land(&mut self, key: &CacheKey, id: u64) -> Landed {
        let mut landed = Landed {
            waiting: Vec::new(),
            is_current: false,
        };
        self.change(Lookup::of(key.as_key()), |state| {
            if let Some(flight) = state.flight.take_if(|flight| flight.id == id) {
                landed.waiting = flight.waiting;
                landed.is_current = true;
            } else if let Some(index) = state.outdated.iter().position(|flight| flight.id == id) {
                landed.waiting = state.outdated.swap_remove(index).waiting;
            }
        });
        let Stripe {
            landed: last,
            last_landed,
            ..
        } = &mut *self.stripe;
        *last_landed = (*last_landed + 1) % LANDED;
        if let Some(place) = last.get_mut(*last_landed) {
            *place = self.hash;
        }
        landed
    }

    /// A commit that changes the key begins.
    pub(crate) fn mark(&mut self, key: &CacheKey) {
        let state = self.find_or_insert(key);
        state.commits = state.commits.saturating_add(1);
        state.outdate();
    }

    /// Keeps the read under way from filling the cache, and others from joining it.
    pub(crate) fn outdate(&mut self, key: Lookup<'_>) {
        if let Some(state) = self.find(key) {
            state.outdate();
        }
    }

    /// Whether nothing is under way with the key.
    pub(crate) fn is_idle(&self, key: Lookup<'_>) -> bool {
        let is_it = |state: &KeyState| key.equivalent(&state.key);
        self.stripe.keys.find(self.hash, is_it).is_none()
    }

    fn find(&mut self, key: Lookup<'_>) -> Option<&mut KeyState> {
        let is_it = |state: &KeyState| key.equivalent(&state.key);
        self.stripe.keys.find_mut(self.hash, is_it)
    }

    fn find_or_insert(&mut self, key: &CacheKey) -> &mut KeyState {
        let hasher = &self.stripes.hasher;
        self.stripe
            .keys
            .entry(
                self.hash,
                |state| state.key == *key,
                |state| hasher.hash_one(&state.key),
            )
            .or_insert_with(|| KeyState::new(key.clone()))
            .into_mut()
    }

    /// Changes the state of the key, if there is any, and drops it once it is idle.
    fn change(&mut self, key: Lookup<'_>, change: impl FnOnce(&mut KeyState)) {
        let is_it = |state: &KeyState| key.equivalent(&state.key);
        if let Ok(mut found) = self.stripe.keys.find_entry(self.hash, is_it) {
            change(found.get_mut());
            if found.get().is_idle() {
                found.remove();
            }
        }
    }
}

impl Stripe {
    /// Keeps reads of every key that `concerns` is true of from filling the cache, and
    /// others from joining them.
    pub(crate) fn outdate_all(&mut self, concerns: impl Fn(&CacheKey) -> bool) {
        for state in &mut self.keys {
            if concerns(&state.key) {
                state.outdate();
            }
        }
    }
}

impl KeyState {
    const fn new(key: CacheKey) -> Self {
        Self {
            key,
            commits: 0,
            unknown_until: None,
            flight: None,
            outdated: Vec::new(),
        }
    }

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
