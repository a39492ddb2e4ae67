//! Where passwords come from: the configuration, the environment, or files that
//! nobody else may read.

use std::{env, path::PathBuf};

use storage_core::{Error, ErrorKind, Result, networked::read_private_file};

use crate::{PgConfig, PgHost, Secret};

/// The variables and the file that all clients of PostgreSQL look at.
const PASSWORD_VARIABLE: &str = "PGPASSWORD";
const PASSFILE_VARIABLE: &str = "PGPASSFILE";
const PASSFILE_DEFAULT: &str = ".pgpass";

/// Passwords for the hosts of a store.
#[derive(Debug)]
pub(crate) enum Passwords {
    /// None is known; the server may want none.
    None,
    /// The same for every host.
    One(Secret),
    /// The lines of a password file, each for some hosts.
    Lines { file: PathBuf, text: Secret },
}

impl Passwords {
    /// What the configuration says, else what the environment says.
    ///
    /// # Errors
    /// `Invalid` if a password is not where it should be; `Denied` for a file
    /// that others may read; what reading the file answers.
    pub(crate) fn find(config: &PgConfig) -> Result<Self> {
        if let Some(password) = &config.password {
            return Ok(Self::One(password.clone()));
        }
        if let Some(name) = &config.password_env {
            return env::var(name)
                .map(|password| Self::One(Secret::new(password)))
                .map_err(|_| {
                    invalid(format!(
                        "password_env names the variable {name}, which is not set, or no text"
                    ))
                });
        }
        if let Some(file) = &config.password_file {
            let text = read_private_file(file)?;
            let line = text.lines().next().unwrap_or_default();
            return Ok(Self::One(Secret::new(line)));
        }
        let variable = env::var(PASSWORD_VARIABLE).ok();
        if let Some(password) = variable.filter(|password| !password.is_empty()) {
            return Ok(Self::One(Secret::new(password)));
        }
        if let Some(file) = &config.passfile {
            return Self::of_lines(file.clone());
        }
        let named = env::var_os(PASSFILE_VARIABLE).filter(|name| !name.is_empty());
        let file = named
            .map(PathBuf::from)
            .or_else(|| env::home_dir().map(|home| home.join(PASSFILE_DEFAULT)));
        // As with every client, nobody misses a file that is not there.
        match file.filter(|file| file.is_file()) {
            Some(file) => Self::of_lines(file),
            None => Ok(Self::None),
        }
    }

    fn of_lines(file: PathBuf) -> Result<Self> {
        let text = Secret::new(read_private_file(&file)?);
        Ok(Self::Lines { file, text })
    }

    /// The password for connections of `config` to `host`.
    ///
    /// # Errors
    /// `Invalid` for a line of the password file that cannot be read.
    pub(crate) fn for_host(&self, config: &PgConfig, host: &PgHost) -> Result<Option<Secret>> {
        match self {
            Self::None => Ok(None),
            Self::One(password) => Ok(Some(password.clone())),
            Self::Lines { file, text } => {
                for (number, line) in text.reveal().lines().enumerate() {
                    if line.is_empty() || line.starts_with('#') {
                        continue;
                    }
                    // The line is not shown: it may be a password.
                    let line = Line::parse(line).ok_or_else(|| {
                        invalid(format!(
                            "line {} of {} is not host:port:database:user:password",
                            number + 1,
                            file.display()
                        ))
                    })?;
                    if line.is_for(config, host) {
                        return Ok(Some(Secret::new(line.password)));
                    }
                }
                Ok(None)
            }
        }
    }
}

/// A line of a password file: `host:port:database:user:password`, where `*` is
/// any, and `\` takes the meaning of the next `:` or `\`
/// (<https://www.postgresql.org/docs/current/libpq-pgpass.html>).
struct Line {
    host: String,
    port: String,
    database: String,
    user: String,
    password: String,
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let mut characters = line.chars();
        let mut field = |is_last: bool| {
            let mut field = String::new();
            loop {
                match characters.next() {
                    Some(':') if !is_last => return Some(field),
                    Some('\\') => field.extend(characters.next()),
                    Some(character) => field.push(character),
                    None => return is_last.then_some(field),
                }
            }
        };
        Some(Self {
            host: field(false)?,
            port: field(false)?,
            database: field(false)?,
            user: field(false)?,
            password: field(true)?,
        })
    }

    fn is_for(&self, config: &PgConfig, host: &PgHost) -> bool {
        let is = |field: &str, value: &str| field == "*" || field == value;
        let is_host = is(&self.host, host.name()) || (host.is_socket() && self.host == "localhost");
        is_host
            && is(&self.port, &host.port().to_string())
            && is(&self.database, &config.database)
            && is(&self.user, &config.user)
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt, path::Path};

    use super::*;

    fn config() -> PgConfig {
        PgConfig::new(vec![PgHost::new("db", 5432)], "ledger", "app")
    }

    fn write(path: &Path, text: &str, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn password(config: &PgConfig) -> Result<Option<Secret>> {
        Passwords::find(config)?.for_host(config, &config.hosts[0])
    }

    #[test]
    fn a_password_is_found_where_the_configuration_says() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("password");
        write(&file, "from a file\nsecond line\n", 0o600);
        let mut config = config();
        config.password_file = Some(file);
        assert_eq!(password(&config).unwrap(), Some("from a file".into()));
        config.password_file = Some(directory.path().join("missing"));
        let error = password(&config).unwrap_err();
        assert!(error.message().contains("missing"), "{error}");
        config.password_file = None;
        config.password_env = Some("STORAGE_PG_NO_SUCH_VARIABLE".into());
        assert_eq!(password(&config).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused_with_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("password");
        for mode in [0o640, 0o604, 0o660, 0o644] {
            write(&file, "hunter2", mode);
            let mut by_file = config();
            by_file.password_file = Some(file.clone());
            let mut by_lines = config();
            by_lines.passfile = Some(file.clone());
            for config in [by_file, by_lines] {
                let error = password(&config).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Denied);
                let message = error.message();
                assert!(message.contains(&format!("{mode:04o}")), "{message}");
                assert!(message.contains("chmod 600"), "{message}");
                assert!(!message.contains("hunter2"), "{message}");
            }
        }
    }

    #[test]
    fn the_first_line_that_fits_has_the_password() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("passfile");
        let lines = "# host:port:database:user:password\n\n\
                     db:5433:*:*:other port\n\
                     db:5432:other:*:other database\n\
                     *:*:ledger:app:se\\:cr\\\\et:\n\
                     *:*:*:*:too late\n";
        write(&file, lines, 0o600);
        let mut config = config();
        config.passfile = Some(file.clone());
        assert_eq!(password(&config).unwrap(), Some("se:cr\\et:".into()));
        config.user = "else".into();
        assert_eq!(password(&config).unwrap(), Some("too late".into()));

        write(&file, "localhost:*:*:*:by socket\n", 0o600);
        assert_eq!(password(&config).unwrap(), None);
        config.hosts = vec![PgHost::new("/run/postgresql", 5432)];
        assert_eq!(password(&config).unwrap(), Some("by socket".into()));

        write(&file, "db:5432:hunter2\n", 0o600);
        let error = password(&config).unwrap_err();
        assert!(error.message().contains("line 1"), "{error}");
        assert!(!error.message().contains("hunter2"), "{error}");
    }
}
