//! Passwords that nobody can guess, and names that are used once.

use std::{
    fs::File,
    io::Read,
    sync::atomic::{AtomicU32, Ordering},
};

use super::{ServerError, ServerResult};

/// A password of hexadecimal digits, which needs no escape anywhere.
pub(super) fn password() -> ServerResult<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut bytes))
        .map_err(ServerError::system("read /dev/urandom"))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

/// A name that this process gives to nothing else.
pub(super) fn name(prefix: &str) -> String {
    static LAST: AtomicU32 = AtomicU32::new(0);
    let number = LAST.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}_{number}")
}
