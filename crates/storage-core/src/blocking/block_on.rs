//! Waiting for a future on the calling thread.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
};

/// Runs `future` to its end on the calling thread, which sleeps while there is
/// nothing to do.
///
/// It drives any store that does not need a runtime
/// ([`RuntimeNeed::None`](crate::RuntimeNeed)); for the others there is
/// [`BlockingStore`](super::BlockingStore). Within an async task it keeps the
/// task's thread from doing anything else.
///
/// ```
/// assert_eq!(storage_core::blocking::block_on(async { 6 * 7 }), 42);
/// ```
pub fn block_on<F: Future>(future: F) -> F::Output {
    let alarm = Arc::new(Alarm {
        rung: AtomicBool::new(false),
        sleeper: thread::current(),
    });
    let waker = Waker::from(Arc::clone(&alarm));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        alarm.wait();
    }
}

struct Alarm {
    /// Kept beside the thread's own token, which others may use up.
    rung: AtomicBool,
    sleeper: Thread,
}

impl Alarm {
    fn wait(&self) {
        while !self.rung.swap(false, Ordering::Acquire) {
            thread::park();
        }
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::Release);
        self.sleeper.unpark();
    }
}
