//! Removes chunks that nobody refers to.
//!
//! A pass has two parts. The first looks at each chunk that may be referred to, and at all
//! hints of it; if no key that a hint names refers to the chunk, the chunk is *condemned*:
//! its row `live` is replaced by one that says when. From then on a commit that relied on
//! the chunk fails by its guard on that row, and its writer writes the chunk again, which
//! replaces the row back. The second part looks, after the grace, at all hints of each
//! condemned chunk once more, and then removes the chunk, guarded by the row that condemns
//! it: so nobody has referred to it since it was condemned, and all who did before are
//! seen by the second look.
//!
//! Each change is one batch, so a crash anywhere leaves a store whose next pass goes on. A
//! row of a chunk that the store below cannot read keeps its chunk, and no others.

mod guarded;
mod pass;
mod references;

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use storage_core::{
    Error, Result, Store,
    layer::{Attendance, Background},
};

use self::pass::Pass;
use crate::{CollectReport, shared::Shared};

/// Works on a store for as long as it is there.
#[derive(Debug)]
pub(crate) struct Collector<S> {
    inner: Weak<S>,
    shared: Arc<Shared>,
}

impl<S: Store> Collector<S> {
    pub(crate) const fn new(inner: Weak<S>, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }

    /// One pass, as fast as it goes.
    ///
    /// # Errors
    /// As for the store below; `Closed` if it is gone.
    pub(crate) async fn pass(&self) -> Result<CollectReport> {
        let mut pass = self.start()?;
        loop {
            match pass.step().await {
                Ok(None) => return Ok(pass.finish()),
                Ok(Some(_)) => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
    }

    /// Takes note of what ended a pass.
    fn failed(&self, error: Error) -> Error {
        self.shared.counters.set_failure(Some(error.to_string()));
        error
    }

    fn start(&self) -> Result<Pass<S>> {
        let inner = self.inner.upgrade().ok_or_else(Error::closed)?;
        Ok(Pass::new(inner, Arc::clone(&self.shared)))
    }

    /// Begins to make passes in the background, so long after each other.
    ///
    /// # Errors
    /// `Unavailable` if the system gives no thread.
    pub(crate) fn begin(self: Arc<Self>, every: Duration) -> Result<Background> {
        Background::start("storage-dedup", move |attendance| {
            while !attendance.pause(self.jittered(every)) && self.pass_slowly(attendance) {}
        })
    }

    /// A pass at the pace of the settings; says whether the store is still there. One that
    /// fails is told of and left to the next.
    fn pass_slowly(&self, attendance: &Attendance) -> bool {
        let Ok(mut pass) = self.start() else {
            return false;
        };
        loop {
            match attendance.wait(pass.step()) {
                Ok(None) => {
                    pass.finish();
                    return true;
                }
                Ok(Some(chunks)) => {
                    let seconds =
                        f64::from(chunks) / f64::from(self.shared.collect.chunks_per_second_max);
                    if attendance.pause(Duration::from_secs_f64(seconds)) {
                        return false;
                    }
                }
                Err(error) => {
                    self.failed(error);
                    return true;
                }
            }
        }
    }

    /// A tenth more or less, so that many stores do not all collect at once.
    fn jittered(&self, every: Duration) -> Duration {
        let mut drawn = [0];
        // Without randomness they do.
        let _ = self.shared.random.fill(&mut drawn);
        let [drawn] = drawn;
        every.mul_f64(0.9 + 0.2 * f64::from(drawn) / 255.0)
    }
}
