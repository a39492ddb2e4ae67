//! URLs of stores as they were given, which may hold passwords.

use std::fmt;

use storage::StoreUrl;

/// A URL as somebody wrote it: perhaps with a password in it, perhaps none at
/// all. Neither form of it shows what may be a password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct GivenUrl(String);

impl GivenUrl {
    /// # Errors
    /// As for the URL's own parser.
    pub(crate) fn parsed(&self) -> storage::Result<StoreUrl> {
        self.0.parse()
    }

    /// With the password, for programs that this one runs.
    pub(crate) fn revealed(&self) -> &str {
        &self.0
    }
}

impl From<String> for GivenUrl {
    fn from(url: String) -> Self {
        Self(url)
    }
}

impl fmt::Display for GivenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&StoreUrl::masked(&self.0))
    }
}

impl fmt::Debug for GivenUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", StoreUrl::masked(&self.0))
    }
}
