//! Processes of a case's own: the same test again, where it may do what would
//! disturb others.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{self, Command},
    time::Duration,
};

use super::Site;
use crate::{CaseResult, Failure, child::Child, failure::ensure};

/// Which kind of process this is; unset in the one that the tests run in.
const KIND_VARIABLE: &str = "STORAGE_ON_DISK_ENCLOSURE";

/// Where the case works that started it.
const PLACE_VARIABLE: &str = "STORAGE_ON_DISK_PLACE";

/// How a process ends whose case has come to its end and holds. A program that
/// finds no test of the name it is given ends well too.
const HOLDS: i32 = 86;

/// A process that takes longer hangs.
const TIME_MAX: Duration = Duration::from_mins(3);

/// What is special about a process of a case's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enclosure {
    /// Nothing: it has locks and a working directory of its own.
    Process,
    /// It may mount file systems, which nobody else sees.
    Mounts,
    /// The permissions of files hold for it, also if it is root's.
    Unprivileged,
}

impl Enclosure {
    const ALL: [Self; 3] = [Self::Process, Self::Mounts, Self::Unprivileged];

    const fn name(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Mounts => "mounts",
            Self::Unprivileged => "unprivileged",
        }
    }

    /// Starts the test at `site` again, to go on at `place`.
    pub(super) fn start(self, site: Site, place: &Path) -> CaseResult<Child> {
        let program = env::current_exe()?;
        let arguments = ["--exact", site.test(), "--nocapture"].map(OsString::from);
        let mut command = match self {
            Self::Process | Self::Unprivileged => Command::new(program),
            Self::Mounts => {
                let mut command = Command::new("unshare");
                command.args(["--map-root-user", "--mount", "--"]);
                command.arg(program);
                command
            }
        };
        command
            .args(arguments)
            .env(KIND_VARIABLE, self.name())
            .env(PLACE_VARIABLE, place);
        Child::run(&mut command).map_err(|error| {
            Failure::from(error).within(format!(
                "starting {}, which this case needs",
                command.get_program().display()
            ))
        })
    }

    /// Lets the test at `site` go on in such a process, to its end.
    pub(super) fn run(self, site: Site, place: &Path) -> CaseResult {
        let mut child = self.start(site, place)?;
        let has_ended = child.ends_within(TIME_MAX)?;
        let remains = child.kill()?;
        ensure!(
            has_ended,
            "the case did not end within {TIME_MAX:?} in a process of its own; {}",
            remains.last_words()
        );
        ensure!(
            remains.status.code() == Some(HOLDS),
            "in a process of its own, {}",
            remains.last_words()
        );
        Ok(())
    }
}

/// The process that a case started, as it sees itself.
#[derive(Clone, Debug)]
pub(super) struct Enclosed {
    pub(super) enclosure: Enclosure,
    /// Where the case works.
    pub(super) place: PathBuf,
}

impl Enclosed {
    /// What this process is, unless it is the one that the tests run in.
    pub(super) fn of_this_process() -> Option<Self> {
        let kind = env::var_os(KIND_VARIABLE)?;
        let is_this = |enclosure: &Enclosure| kind == enclosure.name();
        Some(Self {
            enclosure: Enclosure::ALL.into_iter().find(is_this)?,
            place: env::var_os(PLACE_VARIABLE)?.into(),
        })
    }

    /// Makes this thread, and those it starts, what the enclosure says.
    pub(super) fn settle(&self) -> CaseResult {
        match self.enclosure {
            Enclosure::Process | Enclosure::Mounts => Ok(()),
            Enclosure::Unprivileged => give_up_rights(),
        }
    }
}

/// Ends a process that a case started, with what the case said.
pub(super) fn conclude(answer: CaseResult) -> ! {
    let Err(failure) = answer else {
        process::exit(HOLDS)
    };
    // Not by a macro: tests capture what those print.
    let _ = writeln!(io::stderr(), "{failure}");
    process::exit(1)
}

/// Gives up root's right to pass over the permissions of files.
#[cfg(target_os = "linux")]
fn give_up_rights() -> CaseResult {
    use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

    let passing = CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH;
    let mut sets = capabilities(None).map_err(io::Error::from)?;
    sets.effective.remove(passing);
    sets.permitted.remove(passing);
    sets.inheritable.remove(passing);
    set_capabilities(None, sets).map_err(io::Error::from)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn give_up_rights() -> CaseResult {
    Ok(())
}
