//! Store URLs: an engine and where its data is, in one word.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use storage_core::{Error, ErrorKind, Operation, Result};

use crate::DirectoryEngine;

/// Names a store: `memory:`, or an engine and a directory, such as
/// `fjall:./data`.
///
/// | URL | The store |
/// |---|---|
/// | `memory:` | a new one that is gone when it is closed |
/// | `fjall:PATH` `sqlite:PATH` `fs:PATH` `sled:PATH` `rocks:PATH` | the one in that directory, which is made if it is not there |
///
/// A relative path is relative to the current directory. `?` is kept for
/// parameters and refused until there are some; a path that holds one is opened
/// with the engine's configuration instead.
///
/// All schemes parse, whatever features are on; [`open`](StoreUrl::open) says
/// which feature is missing.
///
/// ```
/// use storage::StoreUrl;
///
/// let url: StoreUrl = "fjall:./data".parse()?;
/// assert_eq!(url.to_string(), "fjall:./data");
/// # Ok::<(), storage::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreUrl {
    /// A new store that is gone when it is closed.
    Memory,
    /// The store in a directory, which is made if it is not there.
    Directory {
        /// Whose store it is.
        engine: DirectoryEngine,
        /// The directory.
        path: PathBuf,
    },
}

impl StoreUrl {
    /// Where the store keeps its files, if it keeps any here.
    #[must_use]
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Self::Memory => None,
            Self::Directory { path, .. } => Some(path),
        }
    }
}

impl FromStr for StoreUrl {
    type Err = Error;

    /// # Errors
    /// `Invalid`, naming what is wrong and the known schemes.
    fn from_str(url: &str) -> Result<Self> {
        let Some((scheme, target)) = url.split_once(':') else {
            return Err(invalid(format!(
                "`{url}` has no scheme; write {}, such as fjall:./data",
                known()
            )));
        };
        if target.contains('?') {
            return Err(invalid(format!(
                "`{url}` has parameters, and no scheme takes any; leave out what follows the `?`"
            )));
        }
        if scheme == "memory" {
            return match target {
                "" => Ok(Self::Memory),
                _ => Err(invalid(format!(
                    "`{url}` has a path, which memory has no use for; write memory:"
                ))),
            };
        }
        let engine = DirectoryEngine::ALL
            .into_iter()
            .find(|engine| engine.name() == scheme)
            .ok_or_else(|| {
                invalid(format!(
                    "no scheme is called `{scheme}`; the known ones are {}",
                    known()
                ))
            })?;
        if target.is_empty() {
            return Err(invalid(format!(
                "`{url}` has no path; name a directory, such as {scheme}:./data"
            )));
        }
        // Most would read `fjall://data` as a relative path; it is not one.
        if target.starts_with("//") {
            return Err(invalid(format!(
                "`{url}` begins with two slashes; write {scheme}:./data or {scheme}:/srv/data"
            )));
        }
        Ok(Self::Directory {
            engine,
            path: target.into(),
        })
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Directory { engine, path } => write!(f, "{}:{}", engine.name(), path.display()),
        }
    }
}

/// What can be written.
fn known() -> String {
    let engines = DirectoryEngine::ALL.map(|engine| format!("{}:PATH", engine.name()));
    format!("memory:, {}", engines.join(", "))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::Invalid, message).with_operation(Operation::Open)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(url: &str) -> String {
        let error = url.parse::<StoreUrl>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.message().to_owned()
    }

    #[test]
    fn a_url_prints_as_it_was_written() {
        for url in ["memory:", "fjall:./data", "rocks:/srv/a b", "sqlite:C:odd"] {
            assert_eq!(url.parse::<StoreUrl>().unwrap().to_string(), url);
        }
        for engine in DirectoryEngine::ALL {
            let url = format!("{}:data", engine.name());
            let parsed = url.parse::<StoreUrl>().unwrap();
            assert_eq!(parsed.to_string(), url);
            assert_eq!(parsed.directory(), Some(Path::new("data")));
        }
    }

    #[test]
    fn an_unknown_scheme_is_answered_with_the_known_ones() {
        let message = refusal("oracle:db");
        assert!(message.contains("`oracle`"), "{message}");
        assert!(
            message.contains("memory:, fjall:PATH, sqlite:PATH"),
            "{message}"
        );
    }

    #[test]
    fn a_bare_path_is_answered_with_the_url_to_write() {
        assert!(refusal("./data").contains("fjall:./data"));
    }

    #[test]
    fn what_a_scheme_has_no_use_for_is_refused() {
        assert!(refusal("memory:x").contains("write memory:"));
        assert!(refusal("fjall:").contains("no path"));
        assert!(refusal("sled:").contains("sled:./data"));
        assert!(refusal("fjall://data").contains("two slashes"));
        assert!(refusal("sqlite:./data?cache=1").contains("parameters"));
    }
}
