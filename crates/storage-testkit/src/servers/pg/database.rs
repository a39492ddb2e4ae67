//! Databases and roles to order.

use std::{
    fmt::{self, Write},
    net::SocketAddr,
};

use super::{
    PgServer,
    sql::{identifier, literal},
};
use crate::servers::{ServerResult, secret};

/// Somebody who may log in, with a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PgRole {
    name: String,
    password: String,
}

/// A database of a server, and the role that owns it and has no other right.
#[derive(Clone, Debug)]
pub struct PgDatabase {
    name: String,
    owner: PgRole,
    server: SocketAddr,
}

impl PgServer {
    /// Makes a role that may log in, with a password of chance. `attributes` are
    /// those of `CREATE ROLE`, such as `CONNECTION LIMIT 3`; mostly there are none.
    ///
    /// # Errors
    /// If the server does not run, or refuses.
    pub fn create_role(&self, name: &str, attributes: &str) -> ServerResult<PgRole> {
        let role = PgRole::new(name)?;
        let (name, password) = (identifier(name), literal(role.password()));
        let create = format!("CREATE ROLE {name} LOGIN PASSWORD {password} {attributes};");
        self.sql(Self::MAINTENANCE, &create)?;
        Ok(role)
    }

    /// Makes an empty database, which nobody but its owner may connect to.
    ///
    /// # Errors
    /// If the server does not run, or refuses.
    pub fn create_database(&self, name: &str, owner: &PgRole) -> ServerResult {
        let (name, owner) = (identifier(name), identifier(owner.name()));
        let create = format!(
            "CREATE DATABASE {name} OWNER {owner};\n\
             REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
        );
        self.sql(Self::MAINTENANCE, &create)?;
        Ok(())
    }

    /// Makes an empty database with an owner of its own.
    ///
    /// # Errors
    /// If the server does not run, or refuses.
    pub fn new_database(&self) -> ServerResult<PgDatabase> {
        let name = secret::name("test");
        let owner = self.create_role(&name, "")?;
        self.create_database(&name, &owner)?;
        Ok(PgDatabase {
            name,
            owner,
            server: self.address,
        })
    }

    /// Where a role finds a database of this server. What is to be said about
    /// TLS is added by who connects.
    #[must_use]
    pub fn url(&self, role: &PgRole, database: &str) -> String {
        Self::url_at(self.address, role, database)
    }

    /// Where a role finds a database of a server through a proxy.
    #[must_use]
    pub fn url_at(address: SocketAddr, role: &PgRole, database: &str) -> String {
        let PgRole { name, password } = role;
        let (name, database) = (encoded(name), encoded(database));
        format!("postgres://{name}:{password}@{address}/{database}")
    }
}

impl PgDatabase {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who owns it.
    #[must_use]
    pub const fn owner(&self) -> &PgRole {
        &self.owner
    }

    /// Where its owner finds it.
    #[must_use]
    pub fn url(&self) -> String {
        self.url_at(self.server)
    }

    /// Where its owner finds it through a proxy, or on a standby.
    #[must_use]
    pub fn url_at(&self, address: SocketAddr) -> String {
        PgServer::url_at(address, &self.owner, &self.name)
    }
}

impl PgRole {
    pub(in crate::servers) fn new(name: impl Into<String>) -> ServerResult<Self> {
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
}

impl fmt::Debug for PgRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgRole")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A name as a URL holds it.
fn encoded(name: &str) -> String {
    let mut url = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => url.push(byte.into()),
            // A string takes all that is written to it.
            _ => drop(write!(url, "%{byte:02X}")),
        }
    }
    url
}
