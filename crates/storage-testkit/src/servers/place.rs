//! The directory of a server, and the watchdog that empties it.

use std::{
    env, fs,
    io::{self, Write},
    os::unix::{fs::OpenOptionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::Builder;

use super::{Account, ServerError, ServerResult};

/// A temporary directory. When it is dropped, or this process ends in whatever
/// way, all processes that work in it are ended, and it is removed.
#[derive(Debug)]
pub(super) struct Place {
    root: PathBuf,
    account: Account,
    /// Its standard input is the leash.
    watchdog: Child,
}

impl Place {
    /// Makes one for a kind of server, below `TMPDIR`.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub(super) fn new(kind: &str) -> ServerResult<Self> {
        let account = Account::choose()?;
        let below = env::temp_dir();
        let create = || {
            let made = Builder::new()
                .prefix(&format!("storage-{kind}-"))
                .tempdir_in(&below)?;
            // As the kernel names it, where processes work in it.
            Ok((fs::canonicalize(made.path())?, made))
        };
        let task = format!("make a directory in {}", below.display());
        let (root, kept) = create().map_err(ServerError::system(task))?;
        let watchdog = watchdog(&root).map_err(ServerError::system("start a watchdog"))?;
        // From here on the watchdog removes it.
        let _ = kept.keep();
        let place = Self {
            root,
            account,
            watchdog,
        };
        place.give(&place.root)?;
        Ok(place)
    }

    /// The directory.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Whom it belongs to.
    pub(super) fn account(&self) -> Account {
        self.account
    }

    /// Where the server that works in it logs.
    pub(super) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// Writes a file in it that only its owner may read, as keys must be.
    pub(super) fn write(&self, name: &str, content: &str) -> ServerResult<PathBuf> {
        let path = self.root.join(name);
        let written = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(content.as_bytes()));
        written.map_err(ServerError::system(format!("write {}", path.display())))?;
        self.give(&path)?;
        Ok(path)
    }

    pub(super) fn give(&self, path: &Path) -> ServerResult {
        let given = self.account.own(path);
        given.map_err(ServerError::system(format!("give away {}", path.display())))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        // It fails only if somebody has killed the watchdog.
        let _ = self.watchdog.wait();
    }
}

fn watchdog(root: &Path) -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", include_str!("watchdog.sh"), "watchdog"])
        .arg(root)
        .current_dir("/")
        // What stops the group of this process must not stop what cleans up after it.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

/// Where what was installed for tests is, so that those who run servers can read
/// it: root gives its servers to others, who may not look into its home.
pub(super) fn cache(name: &str) -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some(PathBuf::from("/var/cache").join(name));
    }
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| Some(env::home_dir()?.join(".cache")))?;
    Some(cache.join(name))
}
