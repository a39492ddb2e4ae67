//! Time limits for the calls of a store that may be slow.

use std::{
    future::{self, Future},
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::{Duration, Instant},
};

use futures_channel::oneshot;
use storage_core::{Result, layer::Background};

/// Ends waits whose time has passed: at their limit at the earliest, and one tick later at
/// the latest. A thread looks, since a store may be driven without any runtime.
#[derive(Debug)]
pub(crate) struct Watch {
    alarms: Arc<Alarms>,
    _thread: Background,
}

/// When each is due; never, if that is later than clocks go.
type Alarms = Mutex<Vec<(Option<Instant>, oneshot::Sender<()>)>>;

impl Watch {
    /// # Errors
    /// `Unavailable` if the system gives no thread.
    pub(crate) fn start(tick: Duration) -> Result<Self> {
        let alarms = Arc::<Alarms>::default();
        let watched = Arc::clone(&alarms);
        let thread = Background::start("storage-cache", move |attendance| {
            while !attendance.pause(tick) {
                let now = Instant::now();
                // A dropped alarm goes off.
                lock(&watched)
                    .retain(|(due, alarm)| due.is_none_or(|due| now < due) && !alarm.is_canceled());
            }
        })?;
        Ok(Self {
            alarms,
            _thread: thread,
        })
    }

    /// What `work` answers; `None` if it takes longer. It is dropped then.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        // Most answers come from memory: they need no alarm.
        let mut alarm = None;
        future::poll_fn(|context| {
            if let Poll::Ready(answer) = work.as_mut().poll(context) {
                return Poll::Ready(Some(answer));
            }
            let alarm = alarm.get_or_insert_with(|| self.alarm(limit));
            Pin::new(alarm).poll(context).map(|_| None)
        })
        .await
    }

    /// Waits for so long.
    pub(crate) async fn pause(&self, time: Duration) {
        // Nothing ever comes of it.
        let _: Option<()> = self.within(time, future::pending()).await;
    }

    fn alarm(&self, limit: Duration) -> oneshot::Receiver<()> {
        let (alarm, waiting) = oneshot::channel();
        lock(&self.alarms).push((Instant::now().checked_add(limit), alarm));
        waiting
    }
}

fn lock(alarms: &Alarms) -> MutexGuard<'_, Vec<(Option<Instant>, oneshot::Sender<()>)>> {
    alarms.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use storage_core::blocking::block_on;

    use super::*;

    #[test]
    fn an_answer_is_waited_for_and_what_never_answers_is_not() {
        let watch = Watch::start(Duration::from_millis(1)).unwrap();
        let limit = Duration::from_millis(5);
        assert_eq!(block_on(watch.within(limit, future::ready(7))), Some(7));
        let begun = Instant::now();
        let never: Option<()> = block_on(watch.within(limit, future::pending()));
        assert!(never.is_none() && begun.elapsed() >= limit);
        assert!(lock(&watch.alarms).is_empty());
    }

    #[test]
    fn a_limit_longer_than_clocks_go_is_none() {
        let watch = Watch::start(Duration::from_millis(1)).unwrap();
        let (answer, answered) = oneshot::channel();
        let later = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            answer.send(7).unwrap();
        });
        let waited = block_on(watch.within(Duration::MAX, answered));
        assert_eq!(waited, Some(Ok(7)));
        later.join().unwrap();
    }
}
