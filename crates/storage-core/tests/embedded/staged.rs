//! A memory engine whose calls can be held, failed and counted.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, ThreadId},
};

use storage_core::{
    Capabilities, Components, CrashOrder, Description, Direction, Durability, Entry, Error,
    ErrorKind, Health, Item, Key, KeyRange, Mutation, Outcome, OwnedKey, Projection, Result,
    SequenceScope, Stats,
    embedded::{
        Change, ChangeForm, Embedded, Engine, EngineRead, GroupPolicy, PreparePolicy, Prepared,
        ReadPolicy, Tried, WritePolicy,
    },
    memory::{MemoryEngine, MemorySnapshot},
};

/// A store on a staged engine, and the script that directs it.
pub(crate) fn open(stage: &Arc<Stage>) -> Embedded<Staged> {
    open_with(stage, &Components::default())
}

pub(crate) fn open_with(stage: &Arc<Stage>, components: &Components) -> Embedded<Staged> {
    Embedded::new(engine(stage), components).unwrap()
}

pub(crate) fn try_open(stage: &Arc<Stage>) -> Result<Embedded<Staged>> {
    Embedded::new(engine(stage), &Components::default())
}

fn engine(stage: &Arc<Stage>) -> Staged {
    Staged {
        memory: Arc::clone(&stage.memory),
        stage: Arc::clone(stage),
    }
}

/// What the engine does, as a test directs it.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) memory: Arc<MemoryEngine>,
    pub(crate) read_policy: ReadPolicy,
    pub(crate) write_policy: WritePolicy,
    pub(crate) buffered_as: Durability,
    pub(crate) change_form: ChangeForm,
    pub(crate) group_policy: GroupPolicy,
    /// Where nothing may wait, every so many calls and scanned entries would
    /// have to.
    pub(crate) would_wait_every: usize,
    /// The calls and entries so far.
    pub(crate) without_waiting: AtomicUsize,
    pub(crate) get_many_answers_too_few: bool,
    /// Whether commits must go to the writer thread.
    pub(crate) apply_may_wait: AtomicBool,
    pub(crate) prepare_policy: PreparePolicy,
    pub(crate) prepare_fails: AtomicBool,
    /// How many commits are prepared now.
    pub(crate) prepared: Arc<AtomicUsize>,
    /// How much that was prepared came with each call of `apply`.
    pub(crate) came_prepared: Mutex<Vec<usize>>,
    /// How the next calls of `apply` fail, if they do.
    pub(crate) apply_failures: Mutex<VecDeque<Option<Failure>>>,
    pub(crate) apply_gate: Gate,
    pub(crate) sync_fails: AtomicBool,
    pub(crate) sync_gate: Gate,
    /// Whether the engine panics when it is freed.
    pub(crate) drop_panics: AtomicBool,
    /// The sizes of the change lists that reached `apply`.
    pub(crate) applied: Mutex<Vec<usize>>,
    pub(crate) syncs: AtomicUsize,
    pub(crate) read_threads: Mutex<Vec<ThreadId>>,
}

#[derive(Debug)]
pub(crate) enum Failure {
    Refuse(ErrorKind),
    /// Nobody knows whether anything was written.
    BreakOff(ErrorKind),
    /// Another process holds a lock.
    LockedOut,
    Panic,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self {
            memory: Arc::default(),
            read_policy: ReadPolicy::Inline {
                entries_max: 100.try_into().unwrap(),
            },
            write_policy: WritePolicy::Foretold,
            buffered_as: Durability::Buffered,
            change_form: ChangeForm::Ordered,
            group_policy: GroupPolicy::Merged,
            would_wait_every: usize::MAX,
            without_waiting: AtomicUsize::new(0),
            get_many_answers_too_few: false,
            apply_may_wait: AtomicBool::new(false),
            prepare_policy: PreparePolicy::Never,
            prepare_fails: AtomicBool::new(false),
            prepared: Arc::default(),
            came_prepared: Mutex::default(),
            apply_failures: Mutex::default(),
            apply_gate: Gate::default(),
            sync_fails: AtomicBool::new(false),
            sync_gate: Gate::default(),
            drop_panics: AtomicBool::new(false),
            applied: Mutex::default(),
            syncs: AtomicUsize::new(0),
            read_threads: Mutex::default(),
        }
    }
}

impl Stage {
    fn would_wait(&self) -> bool {
        let before = self.without_waiting.fetch_add(1, Ordering::SeqCst);
        (before + 1).is_multiple_of(self.would_wait_every)
    }
}

/// Lets calls through, or holds them until it is opened.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    is_shut: bool,
    waiting: usize,
}

impl Gate {
    pub(crate) fn shut(&self) {
        self.state.lock().unwrap().is_shut = true;
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().is_shut = false;
        self.changed.notify_all();
    }

    /// Blocks until a call waits at the gate.
    pub(crate) fn wait_for_arrival(&self) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| state.waiting == 0));
    }

    fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        self.changed.notify_all();
        state = self
            .changed
            .wait_while(state, |state| state.is_shut)
            .unwrap();
        state.waiting -= 1;
    }
}

/// What was prepared of a commit, counted for as long as it is there.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Debug)]
pub(crate) struct Staged {
    memory: Arc<MemoryEngine>,
    stage: Arc<Stage>,
}

impl Drop for Staged {
    fn drop(&mut self) {
        assert!(
            !self.stage.drop_panics.load(Ordering::SeqCst),
            "a file could not be closed"
        );
    }
}

impl EngineRead for Staged {
    fn get(&self, key: Key<'_>) -> Result<Option<Entry>> {
        self.stage
            .read_threads
            .lock()
            .unwrap()
            .push(thread::current().id());
        self.memory.get(key)
    }

    fn get_cached(&self, key: Key<'_>) -> Option<Result<Option<Entry>>> {
        let is_cached = key.bytes() == b"cached" || !self.stage.would_wait();
        is_cached.then(|| self.get(key))
    }

    fn get_many_cached(&self, keys: &[OwnedKey]) -> Option<Result<Vec<Option<Entry>>>> {
        (!self.stage.would_wait()).then(|| self.get_many(keys))
    }

    fn scan_cached(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Option<Result<Item>>>> {
        let items = self.memory.scan(range, direction, projection)?;
        Ok(items.map(|item| (!self.stage.would_wait()).then_some(item)))
    }

    fn get_many(&self, keys: &[OwnedKey]) -> Result<Vec<Option<Entry>>> {
        if self.stage.get_many_answers_too_few {
            return Ok(Vec::new());
        }
        self.memory.get_many(keys)
    }

    fn scan(
        &self,
        range: &KeyRange,
        direction: Direction,
        projection: Projection,
    ) -> Result<impl Iterator<Item = Result<Item>>> {
        self.memory.scan(range, direction, projection)
    }
}

impl Engine for Staged {
    type Snapshot = MemorySnapshot;

    fn describe(&self) -> Description {
        Description::of_engine("staged", "")
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.memory.capabilities();
        capabilities.durability_max = Durability::Synced;
        capabilities.crash_order = CrashOrder::Suffix;
        capabilities.sequence = SequenceScope::Store;
        capabilities
    }

    fn read_policy(&self) -> ReadPolicy {
        self.stage.read_policy
    }

    fn write_policy(&self) -> WritePolicy {
        self.stage.write_policy
    }

    fn change_form(&self) -> ChangeForm {
        self.stage.change_form
    }

    fn group_policy(&self) -> GroupPolicy {
        self.stage.group_policy
    }

    fn buffered_as(&self) -> Durability {
        self.stage.buffered_as
    }

    fn prepare_policy(&self) -> PreparePolicy {
        self.stage.prepare_policy
    }

    fn prepare(&self, mutations: &[Mutation]) -> Result<Option<Prepared>> {
        if self.stage.prepare_fails.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Full, "on purpose"));
        }
        if mutations.is_empty() {
            return Ok(None);
        }
        let count = Arc::clone(&self.stage.prepared);
        count.fetch_add(1, Ordering::SeqCst);
        Ok(Some(Prepared::new(Counted(count))))
    }

    fn apply_prepared(
        &self,
        changes: Vec<Change>,
        prepared: &[Prepared],
        durability: Durability,
    ) -> Result<()> {
        assert!(prepared.iter().all(|it| it.get::<Counted>().is_some()));
        let mut came = self.stage.came_prepared.lock().unwrap();
        came.push(prepared.len());
        drop(came);
        self.apply(changes, durability)
    }

    fn apply(&self, changes: Vec<Change>, durability: Durability) -> Result<()> {
        self.stage.apply_gate.pass();
        let failure = self.stage.apply_failures.lock().unwrap().pop_front();
        match failure.flatten() {
            Some(Failure::Refuse(kind)) => {
                return Err(Error::new(kind, "on purpose").with_outcome(Outcome::NotApplied));
            }
            Some(Failure::BreakOff(kind)) => return Err(Error::new(kind, "on purpose")),
            Some(Failure::LockedOut) => {
                return Err(Error::new(ErrorKind::Unavailable, "a lock, on purpose")
                    .with_outcome(Outcome::NotApplied)
                    .with_foreign_lock());
            }
            Some(Failure::Panic) => panic!("on purpose"),
            None => {}
        }
        self.stage.applied.lock().unwrap().push(changes.len());
        self.memory.apply(changes, durability)
    }

    fn try_apply(&self, changes: Vec<Change>, durability: Durability) -> Result<Tried> {
        if self.stage.would_wait() {
            return Ok(Tried::WouldWait);
        }
        self.apply(changes, durability).map(|()| Tried::Applied)
    }

    fn apply_may_wait(&self) -> bool {
        self.stage.apply_may_wait.load(Ordering::SeqCst)
    }

    fn sync(&self) -> Result<()> {
        self.stage.syncs.fetch_add(1, Ordering::SeqCst);
        self.stage.sync_gate.pass();
        if self.stage.sync_fails.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "the disk is gone"));
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<MemorySnapshot> {
        self.memory.snapshot()
    }

    fn stats(&self) -> Result<Stats> {
        self.memory.stats()
    }

    fn health(&self) -> Result<Health> {
        self.memory.health()
    }
}
