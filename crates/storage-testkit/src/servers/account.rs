//! Whom servers run as.

use std::{
    io,
    os::unix::{fs::chown, process::CommandExt},
    path::Path,
    process::Command,
};

use super::{ServerError, ServerResult, tool};

/// The user that a server's processes and files belong to.
///
/// It is whoever runs the tests, except for root: PostgreSQL refuses to run as
/// root, and nothing that listens should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Account {
    /// The user of this process.
    Own,
    /// Another one, which root may become.
    Other { user: u32, group: u32 },
}

impl Account {
    /// Accounts without rights, the best first.
    const NAMES: &'static [&'static str] = &["postgres", "nobody"];

    /// The account to run servers as.
    pub(super) fn choose() -> ServerResult<Self> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Own);
        }
        let find = |name: &&str| Some((id("--user", name)?, id("--group", name)?));
        match Self::NAMES.iter().find_map(find) {
            Some((user, group)) => Ok(Self::Other { user, group }),
            None => Err(ServerError::NoAccount { names: Self::NAMES }),
        }
    }

    /// Lets a command run as this account, without groups that only root has.
    pub(super) fn run(self, command: &mut Command) {
        if let Self::Other { user, group } = self {
            command.uid(user).gid(group);
        }
    }

    /// Gives a file or directory to this account.
    pub(super) fn own(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Own => Ok(()),
            Self::Other { user, group } => chown(path, Some(user), Some(group)),
        }
    }
}

/// A number of the account called `name`, if there is such an account.
fn id(which: &str, name: &str) -> Option<u32> {
    let printed = tool::output(Command::new("id").args([which, name])).ok()?;
    printed.trim().parse().ok()
}
