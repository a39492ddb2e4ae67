//! Store URLs: an engine and where its data is, in one word.

use std::{fmt, path::PathBuf, str::FromStr};

use storage_core::{Error, ErrorKind, Operation, Result};

/// Names a store: `memory:` or `fjall:PATH`.
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
    /// The fjall store in a directory, which is created if it is not there.
    Fjall {
        /// The directory.
        path: PathBuf,
    },
}

const KNOWN: &str = "memory: and fjall:PATH";

impl FromStr for StoreUrl {
    type Err = Error;

    /// # Errors
    /// `Invalid`, naming what is wrong and the known schemes.
    fn from_str(url: &str) -> Result<Self> {
        let Some((scheme, target)) = url.split_once(':') else {
            return Err(invalid(format!(
                "`{url}` has no scheme; write {KNOWN}, such as fjall:./data"
            )));
        };
        if target.contains('?') {
            return Err(invalid(format!(
                "`{url}` has parameters, and no scheme takes any; leave out what follows the `?`"
            )));
        }
        match scheme {
            "memory" if target.is_empty() => Ok(Self::Memory),
            "memory" => Err(invalid(format!(
                "`{url}` has a path, which memory has no use for; write memory:"
            ))),
            "fjall" if target.is_empty() => Err(invalid(format!(
                "`{url}` has no path; name a directory, such as fjall:./data"
            ))),
            // Most would read `fjall://data` as a relative path; it is not one.
            "fjall" if target.starts_with("//") => Err(invalid(format!(
                "`{url}` begins with two slashes; write fjall:./data or fjall:/srv/data"
            ))),
            "fjall" => Ok(Self::Fjall {
                path: target.into(),
            }),
            _ => Err(invalid(format!(
                "no scheme is called `{scheme}`; the known ones are {KNOWN}"
            ))),
        }
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Fjall { path } => write!(f, "fjall:{}", path.display()),
        }
    }
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
        for url in ["memory:", "fjall:./data", "fjall:/srv/a b", "fjall:C:odd"] {
            assert_eq!(url.parse::<StoreUrl>().unwrap().to_string(), url);
        }
    }

    #[test]
    fn an_unknown_scheme_is_answered_with_the_known_ones() {
        let message = refusal("oracle:db");
        assert!(message.contains("`oracle`"), "{message}");
        assert!(message.contains("memory: and fjall:PATH"), "{message}");
    }

    #[test]
    fn a_bare_path_is_answered_with_the_url_to_write() {
        assert!(refusal("./data").contains("fjall:./data"));
    }

    #[test]
    fn what_a_scheme_has_no_use_for_is_refused() {
        assert!(refusal("memory:x").contains("write memory:"));
        assert!(refusal("fjall:").contains("no path"));
        assert!(refusal("fjall://data").contains("two slashes"));
        assert!(refusal("fjall:./data?cache=1").contains("parameters"));
    }
}
