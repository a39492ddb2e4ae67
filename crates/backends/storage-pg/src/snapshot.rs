//! Snapshots: transactions on connections of their own.
//!
//! While one is open, the server removes no row that was deleted since. The
//! adapter ends those that are too old; should this process stall, the server
//! ends a transaction in which nothing is read.

use crate::sqlx;
use std::{fmt, sync::Arc};

use storage_core::{
    Consistency, Entry, Error, ErrorKind, KeyRange, OwnedKey, Page, Result, ScanOptions, Sequence,
    Timestamp, networked::EngineRead,
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, OwnedSemaphorePermit, Semaphore},
    time::{Instant, timeout_at},
};

use crate::{
    error::{Failure, timed_out, unavailable},
    pool::{Lease, Pool, Repeat},
    read, scan,
    session::within,
};

/// A PostgreSQL store as of one moment. Reads of one snapshot take turns: it has
/// one connection.
pub struct PgSnapshot {
    lease: Mutex<Option<Lease>>,
    _permit: OwnedSemaphorePermit,
}

impl PgSnapshot {
    /// Takes a snapshot.
    ///
    /// # Errors
    /// `Throttled` if too many are open.
    pub(crate) async fn take(
        pool: &Arc<Pool>,
        permits: &Arc<Semaphore>,
        deadline: Instant,
    ) -> Result<(Self, Sequence)> {
        let permit = Arc::clone(permits).try_acquire_owned().map_err(|_| {
            Error::new(
                ErrorKind::Throttled,
                "as many snapshots are open as snapshots_max allows; drop some first",
            )
            .with_retry_after(std::time::Duration::from_millis(100))
        })?;
        let mut repeat = Repeat::default();
        let (lease, sequence) = loop {
            let mut lease = pool.lend(deadline).await?;
            let begun = begin(&mut lease, deadline).await;
            // Whatever happens, nobody else gets the session before it is well.
            lease.retire();
            if let Some(begun) = repeat.unless_stale(begun, &lease) {
                break (lease, begun?);
            }
        };
        let snapshot = Self {
            lease: Mutex::new(Some(lease)),
            _permit: permit,
        };
        Ok((snapshot, sequence))
    }

    async fn read<T>(
        &self,
        deadline: Instant,
        work: impl AsyncFnOnce(&mut sqlx::PgConnection) -> sqlx::Result<T>,
    ) -> Result<T> {
        let Ok(mut held) = timeout_at(deadline, self.lease.lock()).await else {
            return Err(timed_out("other reads of the snapshot took too long"));
        };
        // Taken, so that a read whose future is dropped takes the session along.
        let mut lease = held.take().ok_or_else(lost)?;
        let session = lease.session()?;
        let answer = within(deadline, work(&mut session.connection)).await;
        match answer {
            Ok(answer) => {
                *held = Some(lease);
                Ok(answer)
            }
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Begins the transaction. Its state is that of its first read, which tells the
/// last commit in it.
async fn begin(lease: &mut Lease, deadline: Instant) -> Result<Sequence, Failure> {
    lease
        .run(deadline, async |session| {
            sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                .execute(&mut session.connection)
                .await?;
            let last: i64 = sqlx::query_scalar("SELECT coalesce(max(last), 0) FROM outcomes")
                .fetch_one(&mut session.connection)
                .await?;
            Ok(Sequence::new(last.cast_unsigned()))
        })
        .await
}

fn lost() -> Error {
    unavailable("the snapshot was lost with its connection; take a new one".into())
}

impl EngineRead for PgSnapshot {
    async fn get_many(
        &self,
        keys: &[OwnedKey],
        _: Option<Consistency>,
        deadline: Instant,
    ) -> Result<Vec<Option<Entry>>> {
        self.read(deadline, async |connection| {
            read::get_many(connection, keys).await
        })
        .await
    }

    async fn scan(
        &self,
        range: &KeyRange,
        options: &ScanOptions,
        now: Timestamp,
        deadline: Instant,
    ) -> Result<Page> {
        self.read(deadline, async |connection| {
            scan::page(connection, range, options, now).await
        })
        .await
    }
}

impl Drop for PgSnapshot {
    fn drop(&mut self) {
        let Some(mut lease) = self.lease.get_mut().take() else {
            return;
        };
        // Without a runtime, closing the connection ends the transaction too.
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        drop(runtime.spawn(async move {
            let soon = Instant::now() + std::time::Duration::from_secs(1);
            let ended = lease.run(soon, async |session| {
                let rollback = sqlx::raw_sql("ROLLBACK");
                rollback.execute(&mut session.connection).await
            });
            // If it does not end in time, the session is closed.
            drop(ended.await);
        }));
    }
}

impl fmt::Debug for PgSnapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgSnapshot").finish_non_exhaustive()
    }
}
