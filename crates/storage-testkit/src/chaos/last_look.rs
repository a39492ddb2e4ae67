//! The look at what is left, when all faults have ended.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use storage_core::{Error, ErrorKind, KeyRange, Read, Retry, ScanOptions, Store};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{history::Seen, place::Place, site::Site, task::CONTESTED};

/// How long all of it may take. A thousand objects are a thousand requests, which take
/// a test server half a second, and some more where the machine has much else to do.
const LOOK_MAX: Duration = Duration::from_mins(15);

/// For so many time limits of the store one call is made again and again. Servers
/// that are well may have much to do still: what clients gave up, they go on with.
const REPEATED_MAX: u32 = 20;

/// Such a part of a time limit, as a divisor, servers are left alone that have not
/// answered.
const PAUSE: u32 = 6;

/// One look, and how often it was not answered.
#[derive(Debug, Default)]
pub(super) struct LastLook {
    unanswered: u64,
    last: Option<Error>,
    /// How many keys it found.
    pub(super) keys: usize,
    /// How long the longest of its calls took: they have a time limit as all have.
    pub(super) longest_call: Duration,
}

impl LastLook {
    /// Closes the stores, and reads all that is left by a new one.
    ///
    /// # Errors
    /// With what the last call failed that was not answered.
    pub(super) async fn take<S: Site>(
        &mut self,
        site: &S,
        stores: Vec<Arc<S::Store>>,
    ) -> Result<BTreeMap<Place, Seen>> {
        let answer = timeout(LOOK_MAX, self.everything(site, stores)).await;
        let answer = answer
            .with_context(|| format!("it took longer than {LOOK_MAX:?}"))
            .flatten();
        answer.with_context(|| {
            let told = self.told().map(|told| format!("; {told}"));
            let told = told.unwrap_or_default();
            format!("nothing is judged: what is left could not be read{told}")
        })
    }

    /// How often it was not answered, if ever.
    pub(super) fn told(&self) -> Option<String> {
        let (unanswered, last) = (self.unanswered, self.last.as_ref()?);
        Some(format!(
            "{unanswered} × a call of the last look, when all faults had ended, such as: {last}"
        ))
    }

    async fn everything<S: Site>(
        &mut self,
        site: &S,
        stores: Vec<Arc<S::Store>>,
    ) -> Result<BTreeMap<Place, Seen>> {
        for store in stores {
            store.close().await.context("closing a store")?;
        }
        let limit = S::TIME_LIMIT;
        let opened = self.patiently(limit, async || site.open().await).await;
        let store = opened.context("opening the store at the end")?;
        // What is not there must be known not to be there.
        let mut left: BTreeMap<_, _> = (0..CONTESTED)
            .map(|number| (Place::All(number), Seen::Nothing))
            .collect();
        let options = ScanOptions::new();
        let mut rest = Some(KeyRange::all());
        while let Some(range) = rest {
            let page = self.patiently(limit, async || store.scan_with(&range, &options).await);
            let page = page.await.context("reading all at the end")?;
            self.keys += page.items.len();
            for item in page.items {
                if let Some(place) = Place::of(&item.key) {
                    left.insert(place, Seen::of(Some(&item.entry)));
                }
            }
            rest = page.next;
        }
        store.close().await.context("closing the last store")?;
        Ok(left)
    }

    /// The answer to a call, which is made again while it may get one.
    async fn patiently<T>(
        &mut self,
        time_limit: Duration,
        call: impl AsyncFn() -> storage_core::Result<T>,
    ) -> storage_core::Result<T> {
        let end = Instant::now() + time_limit * REPEATED_MAX;
        loop {
            let began = Instant::now();
            let answer = timeout_at(end, call()).await;
            self.longest_call = self.longest_call.max(began.elapsed());
            let error = match answer {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => Error::new(ErrorKind::TimedOut, "the call did not end"),
            };
            if error.retry() == Retry::Never {
                return Err(error);
            }
            self.unanswered += 1;
            if Instant::now() >= end {
                return Err(error);
            }
            self.last = Some(error);
            sleep(time_limit / PAUSE).await;
        }
    }
}
