//! Sentinels: who tells where the server is that takes writes.

use std::path::PathBuf;

use deadpool_redis::redis::{RedisResult, aio::MultiplexedConnection, cmd};
use serde::Deserialize;
use storage_core::{Result, networked::Secret};

use crate::{RedisHost, error::unexpected, password::Places, session::Login};

/// How sentinels are asked where the server is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RedisSentinel {
    /// What the sentinels call the master.
    pub master: String,
    /// The user to connect to the sentinels as. Default: their `default`.
    #[serde(default)]
    pub user: Option<String>,
    /// The password for the sentinels. Default: they ask for none.
    #[serde(default)]
    pub password: Option<Secret>,
    /// The environment variable that holds it instead.
    #[serde(default)]
    pub password_env: Option<String>,
    /// The file that holds it in its first line, for nobody but its owner.
    #[serde(default)]
    pub password_file: Option<PathBuf>,
}

impl RedisSentinel {
    /// Sentinels that ask for no password.
    #[must_use]
    pub fn new(master: impl Into<String>) -> Self {
        Self {
            master: master.into(),
            user: None,
            password: None,
            password_env: None,
            password_file: None,
        }
    }

    /// Who logs in to the sentinels.
    ///
    /// # Errors
    /// `Invalid` if the password is not where it is said to be.
    pub(crate) fn login(&self) -> Result<Login> {
        let places = Places {
            prefix: "sentinel_",
            password: self.password.as_ref(),
            variable: self.password_env.as_deref(),
            file: self.password_file.as_deref(),
        };
        Ok(Login {
            user: self.user.clone(),
            password: places.find()?,
            database: 0,
        })
    }
}

/// Asks a sentinel where the master is; nothing if it knows none of that name.
pub(crate) async fn master(
    mut connection: MultiplexedConnection,
    login: &Login,
    name: &str,
) -> RedisResult<Option<RedisHost>> {
    login.log_in(&mut connection).await?;
    let mut ask = cmd("SENTINEL");
    ask.arg("GET-MASTER-ADDR-BY-NAME").arg(name);
    let address: Option<(String, String)> = ask.query_async(&mut connection).await?;
    let Some((host, port)) = address else {
        return Ok(None);
    };
    let port = port
        .parse()
        .map_err(|_| unexpected("a port that is none"))?;
    Ok(Some(RedisHost::new(host, port)))
}
