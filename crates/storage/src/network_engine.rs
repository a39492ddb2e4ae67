//! The engines that reach a store across a network.

use storage_core::{Result, SharedStore};

use crate::server_url::Missing;

/// An engine that reaches its stores across a network.
///
/// All engines have a name, whatever features are on; to
/// [open](crate::StoreUrl::open) a store takes the engine's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NetworkEngine {
    /// PostgreSQL.
    Pg,
    /// Redis.
    Redis,
    /// Objects, in buckets of S3 and in directories.
    Object,
}

impl NetworkEngine {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Pg, Self::Redis, Self::Object];

    /// Its name, which is also its feature.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pg => "pg",
            Self::Redis => "redis",
            Self::Object => "object",
        }
    }

    /// How its URLs begin, the usual way first.
    #[must_use]
    pub const fn schemes(self) -> &'static [&'static str] {
        match self {
            Self::Pg => &["postgres:", "postgresql:"],
            Self::Redis => &[
                "redis:",
                "rediss:",
                "redis-sentinel:",
                "rediss-sentinel:",
                "redis-cluster:",
                "rediss-cluster:",
            ],
            Self::Object => &["s3:", "az:", "gs:", "object+file:"],
        }
    }

    /// What its URLs look like.
    #[must_use]
    pub const fn pattern(self) -> &'static str {
        match self {
            Self::Pg => "postgres://USER@HOST/DATABASE",
            Self::Redis => "redis://USER@HOST/DATABASE",
            Self::Object => "s3://BUCKET/PREFIX",
        }
    }

    /// Whether its feature is on, so that its stores can be opened.
    #[must_use]
    pub const fn is_built_in(self) -> bool {
        match self {
            Self::Pg => cfg!(feature = "pg"),
            Self::Redis => cfg!(feature = "redis"),
            Self::Object => cfg!(feature = "object"),
        }
    }

    /// The engine whose scheme `url` begins with.
    pub(crate) fn of_url(url: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|engine| !engine.scheme_of(url).is_empty())
    }

    /// The scheme of this engine that `url` begins with; empty if there is none.
    pub(crate) fn scheme_of(self, url: &str) -> &'static str {
        let mut schemes = self.schemes().iter();
        schemes
            .find(|scheme| url.starts_with(**scheme))
            .copied()
            .unwrap_or_default()
    }

    /// Whether `url` is one, as far as this build can tell.
    #[cfg_attr(
        not(any(feature = "pg", feature = "redis", feature = "object")),
        expect(
            clippy::unnecessary_wraps,
            unused_variables,
            reason = "the engines that know are left out"
        )
    )]
    pub(crate) fn check(self, url: &str) -> Result<()> {
        match self {
            #[cfg(feature = "pg")]
            Self::Pg => crate::pg::PgConfig::from_url(url).map(drop),
            #[cfg(feature = "redis")]
            Self::Redis => crate::redis::RedisConfig::from_url(url).map(drop),
            #[cfg(feature = "object")]
            Self::Object => match crate::object::ObjectConfig::from_url(url) {
                // The feature of its scheme is off, which the opening says.
                Err(error) if error.kind() == storage_core::ErrorKind::Unsupported => Ok(()),
                read => read.map(drop),
            },
            #[cfg(not(all(feature = "pg", feature = "redis", feature = "object")))]
            _ => Ok(()),
        }
    }

    /// Opens the store at `url` with the settings that it has.
    #[cfg_attr(
        not(any(feature = "pg", feature = "redis", feature = "object")),
        expect(
            clippy::unused_async,
            unused_variables,
            reason = "the engines that wait are left out"
        )
    )]
    pub(crate) async fn open(self, url: &str, missing: Missing) -> Result<SharedStore> {
        match self {
            #[cfg(feature = "pg")]
            Self::Pg => {
                use crate::pg::{PgConfig, PgCreation};

                let mut config = PgConfig::from_url(url)?;
                config.creation = match missing {
                    Missing::Make => PgCreation::IfMissing,
                    Missing::Refuse => PgCreation::Never,
                };
                Ok(SharedStore::new(config.open().await?))
            }
            #[cfg(feature = "redis")]
            Self::Redis => {
                use crate::redis::{RedisConfig, RedisCreation};

                let mut config = RedisConfig::from_url(url)?;
                config.creation = match missing {
                    Missing::Make => RedisCreation::IfMissing,
                    Missing::Refuse => RedisCreation::Never,
                };
                Ok(SharedStore::new(config.open().await?))
            }
            #[cfg(feature = "object")]
            Self::Object => {
                use crate::object::{ObjectConfig, ObjectCreation};

                let mut config = ObjectConfig::from_url(url)?;
                config.creation = match missing {
                    Missing::Make => ObjectCreation::IfMissing,
                    Missing::Refuse => ObjectCreation::Never,
                };
                Ok(SharedStore::new(config.open().await?))
            }
            #[cfg(not(all(feature = "pg", feature = "redis", feature = "object")))]
            left_out => Err(crate::open::feature_off(left_out.name())),
        }
    }
}
