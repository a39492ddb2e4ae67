//! Comparing a copy with its source.

use std::time::Duration;

use super::{CopySource, Digest, mark, sequence};
use crate::{Count, Error, ErrorKind, Read, Result, ScanOrder, Store, Timestamp};

/// What is added to the present to be the first horizon: entries that expire
/// earlier are not compared.
const MARGIN: Duration = Duration::from_secs(1);

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
        let now = || self.clock.now().max(target.clock().now());
        let mut margin = MARGIN;
        let digest = loop {
            let horizon = now().after(margin);
            let source = Digest::of(&self.view, horizon, &mut progress).await?;
            let copy = Digest::of(target, horizon, &mut progress).await?;
            if source == copy {
                break source;
            }
            if !has_passed(horizon, now()) {
                return Err(differs(&source, &copy));
            }
            // What seems to differ may have expired between the two readings.
            margin = margin.saturating_mul(4);
        };
        mark::end(target).await?;
        Ok(digest)
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

fn has_passed(horizon: Timestamp, now: Timestamp) -> bool {
    now >= horizon
}

fn differs(source: &Digest, copy: &Digest) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!(
            "the copy differs from its source: {} entries of {} bytes with hash {copy}, \
             and the source has {} of {} with {source}; resume the copy, or make a new one",
            copy.count.entries, copy.count.bytes, source.count.entries, source.count.bytes
        ),
    )
}
