//! System calls that fail.

use crate::{CaseResult, Failure};

/// A kind of system call that a process of a case's own may be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// To make what was written durable.
    Sync,
    /// To write at a place in a file.
    Write,
    /// To open a file.
    Open,
}

/// Lets each call of a kind fail with the error of this number, for all threads
/// and for good.
///
/// # Errors
/// Where the kernel does not offer that: it takes Linux on x86-64.
pub fn fail_calls(call: Call, errno: i32) -> CaseResult {
    system::fail_calls(call, errno).map_err(|error| Failure::new(error).within("failing calls"))
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod system {
    use std::collections::BTreeMap;

    use nix::libc::{self, c_long};
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};

    use super::Call;

    impl Call {
        const fn numbers(self) -> &'static [c_long] {
            match self {
                Self::Sync => &[
                    libc::SYS_fsync,
                    libc::SYS_fdatasync,
                    libc::SYS_syncfs,
                    libc::SYS_sync_file_range,
                    libc::SYS_msync,
                ],
                Self::Write => &[libc::SYS_pwrite64],
                Self::Open => &[libc::SYS_openat, libc::SYS_open],
            }
        }
    }

    pub(super) fn fail_calls(call: Call, errno: i32) -> Result<(), String> {
        let rules: BTreeMap<_, _> = call.numbers().iter().map(|it| (*it, Vec::new())).collect();
        let errno = u32::try_from(errno).map_err(|error| error.to_string())?;
        let filter = SeccompFilter::new(
            rules,
            SeccompAction::Allow,
            SeccompAction::Errno(errno),
            TargetArch::x86_64,
        );
        let program: BpfProgram = filter
            .and_then(TryInto::try_into)
            .map_err(|error| error.to_string())?;
        seccompiler::apply_filter_all_threads(&program).map_err(|error| error.to_string())
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod system {
    use super::Call;

    pub(super) fn fail_calls(_: Call, _: i32) -> Result<(), String> {
        Err("this takes Linux on x86-64".to_owned())
    }
}
