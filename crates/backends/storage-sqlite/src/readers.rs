//! The pool of connections that read.
//!
//! A read takes a connection, and gives it back when it ends. It never waits for
//! another read: where no connection is idle it opens one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use storage_core::{Error, Result};

use crate::{connection::Opener, read};

/// Connections for reading.
#[derive(Debug)]
pub(crate) struct Readers {
    opener: Opener,
    /// Those that nobody uses, the one used last at the end: its pages are the
    /// freshest.
    idle: Mutex<Vec<Connection>>,
    idle_max: usize,
}

impl Readers {
    /// A pool that keeps at most `idle_max` connections.
    pub(crate) const fn new(opener: Opener, idle_max: usize) -> Self {
        Self {
            opener,
            idle: Mutex::new(Vec::new()),
            idle_max,
        }
    }

    /// A connection for one read.
    ///
    /// # Errors
    /// As for [`Opener::reader`].
    pub(crate) fn lease(&self) -> Result<Lease<'_>> {
        Ok(Lease {
            readers: self,
            connection: Some(self.take()?),
        })
    }

    /// A connection for one read, if one is idle: to open one takes files.
    pub(crate) fn lease_idle(&self) -> Option<Lease<'_>> {
        let connection = self.idle().pop()?;
        Some(Lease {
            readers: self,
            connection: Some(connection),
        })
    }

    /// A connection to keep until it is [given back](Self::give_back).
    ///
    /// # Errors
    /// As for [`Opener::reader`].
    pub(crate) fn take(&self) -> Result<Connection> {
        let idle = self.idle().pop();
        idle.map_or_else(|| self.opener.reader(), Ok)
    }

    /// Takes a connection back, out of whatever transaction it is in.
    pub(crate) fn give_back(&self, connection: Connection) {
        if !connection.is_autocommit() && read::end(&connection).is_err() {
            return;
        }
        let mut idle = self.idle();
        if idle.len() < self.idle_max {
            idle.push(connection);
        }
    }

    /// Whether the database is no longer where it was.
    pub(crate) fn has_moved(&self) -> bool {
        self.opener.has_moved()
    }

    /// Closes the connections that nobody uses.
    pub(crate) fn close_idle(&self) {
        let idle = std::mem::take(&mut *self.idle());
        drop(idle);
    }

    /// How many connections nobody uses.
    pub(crate) fn idle_count(&self) -> usize {
        self.idle().len()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that is given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Lease<'r> {
    readers: &'r Readers,
    /// `None` once given back.
    connection: Option<Connection>,
}

impl Lease<'_> {
    pub(crate) fn connection(&self) -> Result<&Connection> {
        self.connection.as_ref().ok_or_else(Error::closed)
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.readers.give_back(connection);
        }
    }
}
