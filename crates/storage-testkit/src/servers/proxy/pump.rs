//! Bytes that go one way of a connection.

use std::{future, io, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{ReadHalf, WriteHalf},
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{
    Direction,
    faults::{Faults, Traffic},
};

/// How many bytes are read at once.
const CHUNK: usize = 16 << 10;

/// How many chunks may be under way: what is more waits in the sender's system, as
/// it does on a slow line.
const CHUNKS_MAX: usize = 64;

/// How often bytes are let through where only so many a second are.
const PORTIONS_PER_SECOND: u64 = 50;

/// What was read, and when. No bytes are the end.
type Chunk = (Instant, Vec<u8>);

/// Forwards all that comes from one end to the other, and then the end.
pub(super) async fn pump(
    from: ReadHalf<'_>,
    to: WriteHalf<'_>,
    direction: Direction,
    faults: &watch::Receiver<Faults>,
    cuts: u64,
) -> io::Result<()> {
    let (arrive, arrived) = mpsc::channel(CHUNKS_MAX);
    let line = Line {
        direction,
        faults: faults.clone(),
        cuts,
    };
    tokio::try_join!(read(from, arrive), line.deliver(arrived, to))?;
    Ok(())
}

async fn read(mut from: ReadHalf<'_>, arrive: mpsc::Sender<Chunk>) -> io::Result<()> {
    loop {
        let mut bytes = vec![0; CHUNK];
        let length = from.read(&mut bytes).await?;
        bytes.truncate(length);
        let is_end = bytes.is_empty();
        if arrive.send((Instant::now(), bytes)).await.is_err() || is_end {
            return Ok(());
        }
    }
}

/// The way between the ends.
struct Line {
    direction: Direction,
    faults: watch::Receiver<Faults>,
    /// How often all connections were cut before this one came.
    cuts: u64,
}

impl Line {
    async fn deliver(
        mut self,
        mut arrived: mpsc::Receiver<Chunk>,
        mut to: WriteHalf<'_>,
    ) -> io::Result<()> {
        while let Some((at, bytes)) = arrived.recv().await {
            self.hold(at).await;
            match bytes.as_slice() {
                [] if !self.is_silent().await => return to.shutdown().await,
                bytes => self.write(bytes, &mut to).await?,
            }
        }
        // The end was swallowed too.
        future::pending().await
    }

    /// Waits until a chunk is due, by the delay of the moment.
    async fn hold(&mut self, arrived: Instant) {
        loop {
            let due = arrived + self.faults.borrow_and_update().way(self.direction).delay;
            if due <= Instant::now() {
                return;
            }
            tokio::select! {
                () = sleep_until(due) => {}
                Ok(()) = self.faults.changed() => {}
            }
        }
    }

    /// Whether what comes now is swallowed. Nothing comes any more once all
    /// connections were cut: there may be a hole before it.
    async fn is_silent(&self) -> bool {
        let (traffic, cuts) = {
            let faults = self.faults.borrow();
            (faults.traffic, faults.cuts)
        };
        if cuts != self.cuts {
            return future::pending().await;
        }
        traffic == Traffic::Swallowed
    }

    async fn write(&self, mut bytes: &[u8], to: &mut WriteHalf<'_>) -> io::Result<()> {
        while !bytes.is_empty() && !self.is_silent().await {
            let rate = self.faults.borrow().way(self.direction).bytes_per_second;
            let Some(rate) = rate.map(std::num::NonZero::get) else {
                return to.write_all(bytes).await;
            };
            let portion = usize::try_from(rate / PORTIONS_PER_SECOND).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(portion.clamp(1, bytes.len()));
            to.write_all(now).await?;
            bytes = later;
            let nanoseconds = u64::try_from(now.len())
                .unwrap_or(u64::MAX)
                .saturating_mul(1_000_000_000)
                / rate;
            sleep(Duration::from_nanos(nanoseconds)).await;
        }
        Ok(())
    }
}
