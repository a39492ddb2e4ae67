//! The engines that tests can be narrowed to.

use clap::ValueEnum;

use crate::server::Server;

/// An engine by the name that `--engines` and the tests know it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// The ordered map in memory.
    Memory,
    /// The embedded default.
    Fjall,
    /// RocksDB.
    Rocks,
    /// sled.
    Sled,
    /// SQLite.
    Sqlite,
    /// Files in directories.
    Fs,
    /// PostgreSQL.
    Pg,
    /// Redis.
    Redis,
    /// Redis, by the same crate, in a cluster.
    RedisCluster,
    /// Objects, on S3 and in directories.
    Object,
}

impl Engine {
    /// The name in the list the tests read.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Fjall => "fjall",
            Self::Rocks => "rocks",
            Self::Sled => "sled",
            Self::Sqlite => "sqlite",
            Self::Fs => "fs",
            Self::Pg => "pg",
            Self::Redis => "redis",
            Self::RedisCluster => "redis-cluster",
            Self::Object => "object",
        }
    }

    /// The crate that has it.
    pub(crate) fn package(self) -> String {
        let name = match self {
            Self::Memory => "core",
            Self::RedisCluster => Self::Redis.name(),
            other => other.name(),
        };
        format!("storage-{name}")
    }

    /// The test target that puts its servers under chaos.
    pub(crate) fn chaos_target(self) -> &'static str {
        match self {
            Self::RedisCluster => "chaos-cluster",
            _ => "chaos",
        }
    }

    /// Whether anything outlives the process that wrote it.
    pub(crate) fn is_durable(self) -> bool {
        self != Self::Memory
    }

    /// Whether its data lies in files that this machine may lose.
    pub(crate) fn keeps_files(self) -> bool {
        self.is_durable() && self.server().is_none()
    }

    /// Whether to build it takes so long that a run which leaves it out does without.
    pub(crate) fn is_slow_to_build(self) -> bool {
        self == Self::Rocks
    }

    /// The server that it speaks to, if it is one across a network.
    pub(crate) fn server(self) -> Option<Server> {
        match self {
            Self::Pg => Some(Server::Pg),
            Self::Redis | Self::RedisCluster => Some(Server::Redis),
            Self::Object => Some(Server::S3),
            Self::Memory | Self::Fjall | Self::Rocks | Self::Sled | Self::Sqlite | Self::Fs => None,
        }
    }

    /// The names of the engines that keep files.
    pub(crate) fn names_with_files() -> Vec<&'static str> {
        Self::names_of(Self::keeps_files)
    }

    /// The names of the engines across a network.
    pub(crate) fn names_with_servers() -> Vec<&'static str> {
        Self::names_of(|engine| engine.server().is_some())
    }

    fn names_of(is_meant: impl Fn(Self) -> bool) -> Vec<&'static str> {
        let all = Self::value_variants().iter();
        all.filter(|engine| is_meant(**engine))
            .map(|engine| engine.name())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Command;

    #[test]
    fn an_unknown_engine_is_refused_with_the_names_of_the_known_ones() {
        let error =
            Command::try_parse_from(["xtask", "test", "--engines", "memory,oracle"]).unwrap_err();

        let message = error.to_string();
        assert!(message.contains("oracle"), "{message}");
        for engine in Engine::value_variants() {
            assert!(message.contains(engine.name()), "{message}");
        }
        assert_ne!(error.exit_code(), 0);
    }

    #[test]
    fn the_command_line_and_the_tests_use_the_same_names() {
        for engine in Engine::value_variants() {
            assert_eq!(Engine::from_str(engine.name(), false), Ok(*engine));
        }
    }

    #[test]
    fn an_engine_is_in_the_crate_of_its_name_unless_it_shares_another_s() {
        for (engine, package) in [
            (Engine::Memory, "storage-core"),
            (Engine::Fjall, "storage-fjall"),
            (Engine::Redis, "storage-redis"),
            (Engine::RedisCluster, "storage-redis"),
        ] {
            assert_eq!(engine.package(), package);
        }
    }
}
