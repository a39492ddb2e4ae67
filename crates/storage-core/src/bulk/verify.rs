//! Comparing a copy with its source.

use std::time::Duration;

use super::{CopySource, Digest, digest::Reading, mark, sequence};
use crate::{Count, Error, ErrorKind, Read, Result, ScanOrder, Store, Timestamp};

/// What is added to the present to be the first horizon: entries that expire
/// earlier are not compared.
const MARGIN: Duration = Duration::from_secs(1);

/// How often the stores are read at most. Each horizon but the first leaves
/// twice as long as the readings before it took.
const READINGS_MAX: usize = 4;

impl<R: Read> CopySource<R> {
    /// Reads both stores and compares their [`Digest`]s. If they are equal, the
    /// copy is finished: the target loses its mark.
    ///
    /// Close the target and open it again before: what is compared is then what
    /// every later open finds. Entries that expire meanwhile are no difference;
    /// `progress` is called with what was read so far of one of the stores.
    ///
    /// # Errors
    /// `Corrupt` if they differ; `Invalid` if the target was not opened again
    /// and would give out sequences that copied keys hold; `Unsupported` if a
    /// store does not scan in order; as for any read.
    ///
    /// # Cancel safety
    /// If the future is dropped, the copy is not finished and can be resumed.
    pub async fn verify<T: Store>(
        &self,
        target: &T,
        mut progress: impl FnMut(Count) -> Result<()> + Send,
    ) -> Result<Digest> {
        self.require_order(target)?;
        if let Some(last) = self.sequence() {
            sequence::check(target, last)?;
        }
        let (source, copy) = self.compare(target, &mut progress).await?;
        if source != copy {
            return Err(differs(&source, &copy));
        }
        mark::end(target).await?;
        Ok(source)
    }

    /// The digests of source and target, which differ only if the stores do.
    ///
    /// # Errors
    /// `Unsupported` if a store does not scan in order; as for any read.
    pub(super) async fn compare<T: Store>(
        &self,
        target: &T,
        progress: &mut (impl FnMut(Count) -> Result<()> + Send),
    ) -> Result<(Digest, Digest)> {
        self.require_order(target)?;
        let now = || self.clock.now().max(target.clock().now());
        let mut margin = MARGIN;
        let mut readings = 0;
        loop {
            let start = now();
            let horizon = start.after(margin);
            let source = Reading::of(&self.view, horizon, progress).await?;
            let copy = Reading::of(target, horizon, progress).await?;
            if source.digest == copy.digest {
                return Ok((source.digest, copy.digest));
            }
            readings += 1;
            let end = now();
            // What expired after the one reading is missing in the other.
            let has_expired = [&source, &copy]
                .iter()
                .filter_map(|reading| reading.expires_first)
                .any(|expires| expires <= end);
            if !has_expired || readings == READINGS_MAX {
                return Ok((source.digest, copy.digest));
            }
            margin = MARGIN.saturating_add(time_between(start, end).saturating_mul(2));
        }
    }

    fn require_order<T: Store>(&self, target: &T) -> Result<()> {
        let orders = [
            self.capabilities.scan_order,
            target.capabilities().scan_order,
        ];
        if orders == [ScanOrder::Ordered; 2] {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Unsupported,
            "a store that does not scan in order has no digest; compare the entries one by one",
        ))
    }
}

fn time_between(start: Timestamp, end: Timestamp) -> Duration {
    let milliseconds = end.as_unix_milliseconds();
    Duration::from_millis(milliseconds.saturating_sub(start.as_unix_milliseconds()))
}

fn differs(source: &Digest, copy: &Digest) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "the copy differs from its source, or somebody wrote to it meanwhile: {} entries of {} bytes with hash {copy}, \
             and the source has {} of {} with {source}; resume the copy, or make a new one",
            copy.count.entries, copy.count.bytes, source.count.entries, source.count.bytes
        ),
    )
}
