//! What a thread of the store works through: others put items in, it takes
//! them out.

use crate::{Error, Result, component::no_thread};
use std::{
    collections::VecDeque,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle, ThreadId},
};

/// Items for one thread, which starts with the first of them.
#[derive(Debug)]
pub(super) struct Inbox<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    /// Whether there are items, or none will come.
    has_news: AtomicBool,
}

#[derive(Debug)]
struct State<T> {
    items: VecDeque<T>,
    thread: Option<JoinHandle<()>>,
    /// Stays when the thread is waited for.
    thread_id: Option<ThreadId>,
    /// No more items are accepted.
    is_finishing: bool,
}

impl<T> Inbox<T> {
    pub(super) const fn new() -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                thread: None,
                thread_id: None,
                is_finishing: false,
            }),
            changed: Condvar::new(),
            has_news: AtomicBool::new(false),
        }
    }

    /// Adds an item. The first one starts the thread, which does `work`.
    ///
    /// # Errors
    /// `Closed` once the inbox is finishing, `Unavailable` if there is no
    /// thread to be had. The item comes back with the error.
    pub(super) fn put(
        &self,
        item: T,
        name: &str,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), (T, Error)> {
        let mut state = self.lock();
        if state.is_finishing {
            return Err((item, Error::closed()));
        }
        if state.thread.is_none() {
            match thread::Builder::new().name(name.into()).spawn(work) {
                Ok(thread) => {
                    state.thread_id = Some(thread.thread().id());
                    state.thread = Some(thread);
                }
                Err(error) => return Err((item, no_thread(error))),
            }
        }
        state.items.push_back(item);
        self.has_news.store(true, Ordering::Release);
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Waits for items and lets `take` have some of them; `None` once all are
    /// taken and no more will come.
    pub(super) fn take<U>(&self, take: impl FnOnce(&mut VecDeque<T>) -> U) -> Option<U> {
        let mut state = self.lock();
        while state.items.is_empty() {
            if state.is_finishing {
                return None;
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        let taken = take(&mut state.items);
        let has_news = state.is_finishing || !state.items.is_empty();
        self.has_news.store(has_news, Ordering::Release);
        Some(taken)
    }

    /// Whether [`take`](Self::take) would not have to wait.
    pub(super) fn has_news(&self) -> bool {
        self.has_news.load(Ordering::Acquire)
    }

    /// Accepts no more items, and waits until the thread has worked through
    /// those there are.
    pub(super) fn finish(&self) {
        let mut state = self.lock();
        state.is_finishing = true;
        self.has_news.store(true, Ordering::Release);
        let thread = state.thread.take();
        drop(state);
        self.changed.notify_all();
        if let Some(thread) = thread {
            // It catches the engine's panics and has none of its own.
            let _ = thread.join();
        }
    }

    /// Whether the caller is the thread that takes the items.
    pub(super) fn is_mine(&self) -> bool {
        self.lock().thread_id == Some(thread::current().id())
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
