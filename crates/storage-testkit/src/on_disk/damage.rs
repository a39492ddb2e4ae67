//! What happens to files.

use std::{
    fmt,
    fs::{self, File},
    io,
    path::Path,
};

/// What is done to a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Damage {
    Flip { place: u64, bit: u8 },
    Cut { length: u64 },
    Removal,
}

impl Damage {
    /// Does it to `file`.
    pub(super) fn inflict(self, file: &Path) -> io::Result<()> {
        match self {
            Self::Flip { place, bit } => {
                let mut bytes = fs::read(file)?;
                let place = usize::try_from(place).map_err(io::Error::other)?;
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= bit;
                }
                fs::write(file, bytes)
            }
            Self::Cut { length } => File::options().write(true).open(file)?.set_len(length),
            Self::Removal => fs::remove_file(file),
        }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flip { place, bit } => write!(f, "with byte {place} changed by {bit:#04x}"),
            Self::Cut { length } => write!(f, "cut off after {length} bytes"),
            Self::Removal => f.write_str("removed"),
        }
    }
}
