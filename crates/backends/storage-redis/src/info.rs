//! What a server tells about itself.

use std::collections::HashMap;

use storage_core::Durability;

/// The lines of `INFO`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Info {
    lines: HashMap<String, String>,
}

impl Info {
    pub(crate) fn parse(text: &str) -> Self {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        Self {
            lines: lines
                .map(|(name, value)| (name.to_owned(), value.trim_end().to_owned()))
                .collect(),
        }
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.lines.get(name).map_or("", String::as_str)
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or_default()
    }

    /// The first part of the version.
    pub(crate) fn version(&self) -> u32 {
        let version = self.text("redis_version").split('.').next();
        version
            .and_then(|major| major.parse().ok())
            .unwrap_or_default()
    }

    /// Whether the server removes keys that have no expiry when it is full.
    pub(crate) fn evicts(&self) -> bool {
        self.number("maxmemory") > 0 && self.text("maxmemory_policy").starts_with("allkeys-")
    }
}

/// How a server keeps what is written, as far as it lets itself be asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Persistence {
    /// Why commits are not synced before they are answered; nothing if they are.
    pub(crate) missing: Option<String>,
    /// Why they are not for the moment, though they are to be.
    pub(crate) pending: Option<&'static str>,
}

/// A log that is written anew. If it is the first of a server, or the first since
/// it has copied all of another one, there is no other before it is done.
pub(crate) const REWRITTEN: &str = "its append-only file is being written anew, and may not be \
                                    whole before that is done";

/// A log that is off, though it is to be on: one that is turned on begins anew.
pub(crate) const NOT_BEGUN: &str = "it has not begun its append-only file yet";

impl Persistence {
    /// What must be set for commits to be synced, and to what.
    pub(crate) const NEEDED: [(&'static str, &'static str); 3] = [
        ("appendonly", "yes"),
        ("appendfsync", "always"),
        ("no-appendfsync-on-rewrite", "no"),
    ];

    /// From the values of the settings [needed](Self::NEEDED); none where the
    /// server did not tell.
    pub(crate) fn of(found: [Option<String>; 3], info: &Info) -> Self {
        let missing =
            Self::NEEDED
                .iter()
                .zip(found)
                .find_map(|((name, wanted), found)| match found {
                    Some(found) if found == *wanted => None,
                    Some(found) => {
                        Some(format!("{name} is `{found}` on the server, not `{wanted}`"))
                    }
                    None => Some(format!(
                        "the user may not ask for {name} (it takes `+config|get`)"
                    )),
                });
        let evicts = info
            .evicts()
            .then(|| "the server may evict the store when its memory is full".to_owned());
        Self {
            missing: missing.or(evicts),
            pending: Self::pending(info),
        }
    }

    /// What keeps commits from being synced for the moment, where they are to be.
    pub(crate) fn pending(info: &Info) -> Option<&'static str> {
        if info.number("loading") != 0 {
            Some("it reads its data")
        } else if info.text("aof_enabled") != "1" {
            Some(NOT_BEGUN)
        } else if info.text("aof_last_write_status") != "ok" {
            Some("it could not write to its append-only file; see that its disk is well")
        } else if info.number("aof_rewrite_in_progress") + info.number("aof_rewrite_scheduled") > 0
        {
            Some(REWRITTEN)
        } else {
            None
        }
    }

    /// Whether commits are as durable as that, at this moment.
    pub(crate) const fn makes(&self, durability: Durability) -> bool {
        match durability {
            Durability::Volatile => true,
            _ => self.missing.is_none() && self.pending.is_none(),
        }
    }

    /// How durable a commit can be.
    pub(crate) const fn durability_max(&self) -> Durability {
        match self.missing {
            None => Durability::Synced,
            Some(_) => Durability::Volatile,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_their_names() {
        let info = Info::parse(
            "# Server\r\nredis_version:7.0.15\r\nrole:master\r\nmaxmemory:10\r\nmaxmemory_policy:allkeys-lru\r\n",
        );
        assert_eq!((info.version(), info.text("role")), (7, "master"));
        assert!(info.evicts());
        assert!(!Info::parse("maxmemory:0\r\nmaxmemory_policy:allkeys-lru\r\n").evicts());
        assert!(!Info::parse("maxmemory:9\r\nmaxmemory_policy:volatile-lru\r\n").evicts());
    }

    #[test]
    fn a_log_that_is_not_whole_keeps_commits_from_being_synced_for_the_moment() {
        let well = "aof_enabled:1\r\naof_last_write_status:ok\r\n";
        assert_eq!(Persistence::pending(&Info::parse(well)), None);
        for (line, why) in [
            ("loading:1", "reads"),
            ("aof_enabled:0", "begun"),
            ("aof_last_write_status:err", "disk"),
            ("aof_rewrite_in_progress:1", "anew"),
            ("aof_rewrite_scheduled:1", "anew"),
        ] {
            let pending = Persistence::pending(&Info::parse(&format!("{well}{line}\r\n")));
            assert!(
                pending.is_some_and(|said| said.contains(why)),
                "{line}: {pending:?}"
            );
        }
    }

    #[test]
    fn what_keeps_commits_from_being_synced_is_named() {
        let found = |values: [Option<&str>; 3]| {
            let values = values.map(|value| value.map(str::to_owned));
            Persistence::of(values, &Info::parse("aof_enabled:1\r\n"))
        };
        let synced = found([Some("yes"), Some("always"), Some("no")]);
        assert_eq!(synced.durability_max(), Durability::Synced);
        for (values, named) in [
            ([Some("no"), Some("always"), Some("no")], "appendonly"),
            (
                [Some("yes"), Some("everysec"), Some("no")],
                "appendfsync is `everysec`",
            ),
            (
                [Some("yes"), Some("always"), Some("yes")],
                "no-appendfsync-on-rewrite",
            ),
            ([None, None, None], "+config|get"),
        ] {
            let persistence = found(values);
            assert_eq!(persistence.durability_max(), Durability::Volatile);
            assert!(persistence.missing.unwrap().contains(named));
        }
    }
}
