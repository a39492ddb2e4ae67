//! Users to order, and where they find the server.

use std::{fmt, net::SocketAddr};

use super::{RedisServer, server::next_database};
use crate::servers::{ServerResult, secret};

/// Somebody who may log in, with a password.
#[derive(Clone, PartialEq, Eq)]
pub struct RedisUser {
    name: String,
    password: String,
}

impl RedisServer {
    /// Makes a user with a password of chance, who may do what `rules` say, such
    /// as `~mine:* +@all`.
    ///
    /// # Errors
    /// If the server does not run, or refuses.
    pub fn create_user(&self, name: &str, rules: &str) -> ServerResult<RedisUser> {
        let user = RedisUser::new(name)?;
        {
            let mut state = self.lock();
            state.users.retain(|(other, _)| other.name != name);
            state.users.push((user.clone(), rules.to_owned()));
            self.write_users(&state)?;
        }
        self.call(&["ACL", "LOAD"])?;
        Ok(user)
    }

    /// Where a user finds a database of this server.
    #[must_use]
    pub fn url(&self, user: &RedisUser, database: usize) -> String {
        Self::url_at(self.address, user, database)
    }

    /// Where a user finds a database of a server through a proxy.
    #[must_use]
    pub fn url_at(address: SocketAddr, user: &RedisUser, database: usize) -> String {
        let RedisUser { name, password } = user;
        format!("redis://{name}:{password}@{address}/{database}")
    }

    /// Where a user finds a database of this server, encrypted.
    #[must_use]
    pub fn tls_url(&self, user: &RedisUser, database: usize) -> String {
        let url = Self::url_at(self.tls_address, user, database);
        url.replacen("redis://", "rediss://", 1)
    }

    /// Where the administrator finds a database that nobody else of this process
    /// is given. [The shared server](Self::shared) has 4,096 of them.
    #[must_use]
    pub fn new_database(&self) -> String {
        self.url(&self.administrator, next_database())
    }
}

impl RedisUser {
    pub(super) fn new(name: impl Into<String>) -> ServerResult<Self> {
        Ok(Self {
            name: name.into(),
            password: secret::password()?,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its password.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// The line of the file of users.
    pub(super) fn line(&self, rules: &str) -> String {
        let Self { name, password } = self;
        format!("user {name} on >{password} {rules}\n")
    }
}

impl fmt::Debug for RedisUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisUser")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
