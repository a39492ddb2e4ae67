//! Which sessions are of use: what a server has to be, and to have.

use std::sync::PoisonError;

use storage_core::{Error, ErrorKind, Result};

use super::Connector;
use crate::{
    error::{corrupt, unavailable},
    info::{NOT_BEGUN, REWRITTEN},
    session::{Facts, Session, StoreFound},
};

/// The oldest version that has all that is used.
const VERSION_MIN: u32 = 7;

/// What a node of a cluster is to a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It has it, as a server that stands alone has all.
    Owner,
    /// The slot is on its way to it.
    Taker,
}

impl Connector {
    /// Judges a new session.
    ///
    /// # Errors
    /// `Unsupported` for a server of another kind, `Unavailable` if another one
    /// takes the writes, `Corrupt` if the store is not there any more.
    pub(super) fn judge(&self, session: &Session, role: Role) -> Result<()> {
        let (info, store) = (&session.facts.info, &session.facts.store);
        let version = info.version();
        if version < VERSION_MIN {
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("the server is Redis {version}; this takes 7 or later"),
            ));
        }
        match (info.text("redis_mode") == "cluster", self.is_in_cluster()) {
            (true, false) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "the server is a node of a cluster; name it as redis-cluster://",
                ));
            }
            (false, true) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    "the server is no node of a cluster; name it as redis://",
                ));
            }
            _ => {}
        }
        if info.text("role") != "master" {
            return Err(unavailable(
                "the server is a replica, which takes no writes; name its master".into(),
            ));
        }
        let is_expected = match (store, self.store.get()) {
            (StoreFound::Elsewhere, _) => {
                return Err(unavailable(
                    "the node says that another one has the partition".into(),
                ));
            }
            // The node that the header is on its way to, or from, knows more.
            (StoreFound::Moving, _) | (_, None) => true,
            (StoreFound::Nowhere, Some(_)) => role == Role::Taker,
            (StoreFound::Here(found), Some(expected)) => found == expected,
        };
        if is_expected {
            return Ok(());
        }
        Err(corrupt(
            "the store is not on the server any more: it was removed, or the server lost it",
        ))
    }

    /// A log that was whole before stays so while it is written anew.
    pub(crate) fn judge_log(&self, facts: &mut Facts) {
        let log = facts.log();
        let mut whole = self
            .whole_log
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let persistence = &mut facts.persistence;
        match persistence.pending {
            // One that is turned off and on again begins anew.
            _ if persistence.missing.is_some() => whole.clear(),
            Some(NOT_BEGUN) => whole.clear(),
            None => *whole = log,
            Some(REWRITTEN) if *whole == log => persistence.pending = None,
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        RedisConfig,
        info::{Info, Persistence},
    };

    #[test]
    fn a_log_that_was_off_is_not_whole_before_it_is_seen_whole_again() {
        let config = RedisConfig::from_url("redis://a").unwrap();
        let connector = Connector::new(&config).unwrap();
        let pending_with = |lines: &str| {
            let info = Info::parse(&format!("aof_last_write_status:ok\r\n{lines}"));
            let mut facts = Facts {
                client: 1,
                persistence: Persistence {
                    missing: None,
                    pending: Persistence::pending(&info),
                },
                info,
                store: StoreFound::Nowhere,
            };
            connector.judge_log(&mut facts);
            facts.persistence.pending
        };
        let anew = "aof_enabled:1\r\naof_rewrite_in_progress:1";
        for (lines, pending) in [
            (anew, Some(REWRITTEN)),
            ("aof_enabled:1", None),
            (anew, None),
            ("aof_enabled:0", Some(NOT_BEGUN)),
            (anew, Some(REWRITTEN)),
            ("aof_enabled:1", None),
            (anew, None),
        ] {
            assert_eq!(pending_with(lines), pending, "{lines}");
        }
    }
}
