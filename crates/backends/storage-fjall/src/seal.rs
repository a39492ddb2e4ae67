//! A seal over fjall's journals and manifests, written by a clean close.
//!
//! After a crash a journal may end in a torn record, so fjall drops whatever
//! follows the first record it cannot read. After a clean close nothing may be
//! missing, but fjall cannot tell the two apart, and some bytes of its manifests
//! have no checksum. The seal makes up for both: while it is there, those files
//! must be, byte for byte, what the close left behind. Sorted files are left
//! out: each of their blocks has a checksum. `docs/formats/fjall.md` describes
//! the file.

use std::{
    fmt::Write as _,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use storage_core::{Error, ErrorKind, FileContent, Result, durable};

const SEAL_FILE: &str = "SEAL";
const FIRST_LINE: &str = "storage-seal 1";
const LAST_LINE: &str = "crc32 ";

/// Directories of files whose blocks fjall checks itself.
const CHECKSUMMED: [&str; 2] = ["tables", "blobs"];

/// Checks fjall's files in `data` against the seal that the last close of the
/// store left, breaks the seal, and says how the store was closed.
///
/// # Errors
/// `Corrupt` if they differ from what the last close left behind; the seal then
/// stays.
pub(crate) fn break_seal(store: &Path, data: &Path) -> Result<LastClose> {
    let path = store.join(SEAL_FILE);
    let failed = |error| Error::io(format!("checking {}", path.display()), error);
    match fs::read(&path) {
        Ok(text) => {
            verify(&path, &text, data)?;
            fs::remove_file(&path).map_err(failed)?;
            durable::sync_directory(store).map_err(failed)?;
            Ok(LastClose::Clean)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(LastClose::Unclean),
        Err(error) => Err(failed(error)),
    }
}

/// How a store was closed the last time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LastClose {
    /// The files are what it left behind.
    Clean,
    /// The process died, or something had failed; or the store is new.
    Unclean,
}

fn verify(seal: &Path, text: &[u8], data: &Path) -> Result<()> {
    let sealed = parse(text).ok_or_else(|| damaged(seal, "is damaged"))?;
    let reading = |path: &Path| {
        let path = path.display().to_string();
        move |error| Error::io(format!("reading {path}"), error)
    };
    for file in sealed_files(data).map_err(reading(data))? {
        let name = file.strip_prefix(data).ok().and_then(Path::to_str);
        if !name.is_some_and(|name| sealed.iter().any(|(_, sealed)| *sealed == name)) {
            return Err(damaged(&file, "was not there at the last close"));
        }
    }
    for (content, name) in sealed {
        let path = data.join(name);
        match FileContent::of(&path) {
            Ok(found) if found == content => {}
            Ok(_) => return Err(damaged(&path, "is not what the last close left behind")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(damaged(&path, "is missing"));
            }
            Err(error) => return Err(reading(&path)(error)),
        }
    }
    Ok(())
}

/// Seals fjall's files when it is dropped, which must be after fjall has closed
/// them.
#[derive(Debug)]
pub(crate) struct Seal {
    store: PathBuf,
    data: PathBuf,
    is_withheld: bool,
}

impl Seal {
    /// Will seal the files in `data`, of the store at `store`.
    pub(crate) fn new(store: &Path, data: PathBuf) -> Self {
        Self {
            store: store.to_owned(),
            data,
            is_withheld: false,
        }
    }

    /// Leaves the files unsealed, as a crash does.
    pub(crate) fn withhold(&mut self) {
        self.is_withheld = true;
    }

    fn write(&self) -> io::Result<()> {
        // A file that fjall removed without syncing its directory may come back
        // when the power is lost. The seal says that it is gone.
        sync_sealed(&self.data)?;
        let mut text = format!("{FIRST_LINE}\n");
        for file in sealed_files(&self.data)? {
            let FileContent { length, checksum } = FileContent::of(&file)?;
            let name = file
                .strip_prefix(&self.data)
                .ok()
                .and_then(Path::to_str)
                .ok_or(io::ErrorKind::InvalidFilename)?;
            writeln!(text, "{length} {checksum:08x} {name}").map_err(io::Error::other)?;
        }
        let checksum = crc32fast::hash(text.as_bytes());
        writeln!(text, "{LAST_LINE}{checksum:08x}").map_err(io::Error::other)?;
        durable::replace_file(self.store.join(SEAL_FILE), text.as_bytes())
    }
}

impl Drop for Seal {
    fn drop(&mut self) {
        if !self.is_withheld {
            // Without a seal the next open treats this close as a crash.
            let _ = self.write();
        }
    }
}

/// The files that a seal covers, with what it says of them.
fn parse(text: &[u8]) -> Option<Vec<(FileContent, &str)>> {
    let text = str::from_utf8(text).ok()?;
    let (sealed, checksum) = text.strip_suffix('\n')?.rsplit_once(LAST_LINE)?;
    let expected = format!("{:08x}", crc32fast::hash(sealed.as_bytes()));
    if checksum != expected {
        return None;
    }
    let mut lines = sealed.lines();
    if lines.next() != Some(FIRST_LINE) {
        return None;
    }
    lines.map(parse_line).collect()
}

/// The files that the seal covers.
fn sealed_files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if entry.file_type()?.is_file() {
            files.push(path);
        } else if !CHECKSUMMED.iter().any(|checksummed| name == *checksummed) {
            files.extend(sealed_files(&path)?);
        }
    }
    files.sort();
    Ok(files)
}

/// Makes durable what the seal will say: the files it covers, their names, and
/// that there are no others.
fn sync_sealed(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        if entry.file_type()?.is_file() {
            File::open(&path)?.sync_all()?;
        } else if !CHECKSUMMED.iter().any(|checksummed| name == *checksummed) {
            sync_sealed(&path)?;
        }
    }
    durable::sync_directory(directory)
}

fn parse_line(line: &str) -> Option<(FileContent, &str)> {
    let (length, rest) = line.split_once(' ')?;
    let (checksum, name) = rest.split_once(' ')?;
    let content = FileContent {
        length: length.parse().ok()?,
        checksum: u32::from_str_radix(checksum, 16).ok()?,
    };
    Some((content, name))
}

fn damaged(path: &Path, what: &str) -> Error {
    Error::new(
        ErrorKind::Corrupt,
        format!("{} {what}; restore the store from a backup", path.display()),
    )
}
