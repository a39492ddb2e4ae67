//! Directory trees as keys: walking one in a fixed order.

use std::{
    fs,
    io::Read,
    iter,
    os::unix::{ffi::OsStrExt, fs::FileTypeExt},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use walkdir::{DirEntry, WalkDir};

use crate::failure::{Failure, Result};

/// How the names begin that an export gives to files and directories until they
/// are complete. They are no data.
pub(crate) const UNFINISHED_PREFIX: &str = ".storage-export-";

/// What to do about symbolic links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Symlinks {
    /// Import what they lead to.
    Follow,
    /// Leave them out.
    Skip,
}

/// Something in a tree.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    /// The path below the root, as bytes; that of a directory ends in `/`.
    pub(crate) key: Vec<u8>,
    pub(crate) content: Content,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    File {
        bytes: u64,
    },
    /// A directory without anything in it; others follow from their files.
    EmptyDirectory,
    /// Something that has no bytes of its own, and what that is.
    Skipped(&'static str),
}

/// Walks the tree below `root`, sorted by name within each directory.
pub(crate) fn walk(root: &Path, symlinks: Symlinks) -> impl Iterator<Item = Result<Found>> {
    let root = root.to_owned();
    let mut steps = WalkDir::new(&root)
        .min_depth(1)
        .follow_links(symlinks == Symlinks::Follow)
        .sort_by_file_name()
        .into_iter();
    iter::from_fn(move || {
        loop {
            let entry = match steps.next()? {
                Ok(entry) => entry,
                Err(error) => return Some(Err(unreadable(&error))),
            };
            let is_unfinished = is_unfinished_export(&entry);
            if is_unfinished && entry.file_type().is_dir() {
                steps.skip_current_dir();
            }
            let found = if is_unfinished {
                let left = Content::Skipped("an export that was cut off left it");
                Ok(Some(found(&root, entry, left)))
            } else {
                look(&root, entry)
            };
            if let Some(found) = found.transpose() {
                return Some(found);
            }
        }
    })
}

fn is_unfinished_export(entry: &DirEntry) -> bool {
    let name = entry.file_name().as_bytes();
    name.starts_with(UNFINISHED_PREFIX.as_bytes())
}

/// Reads a file, but not more than `bytes_max` of it.
///
/// # Errors
/// If the file cannot be read or has more bytes.
pub(crate) fn read_file(path: &Path, bytes_max: usize) -> Result<Vec<u8>> {
    let reading = || format!("read {}", path.display());
    let file = fs::File::open(path).map_err(|error| Failure::io(reading(), &error))?;
    let expected = file.metadata().map_or(0, |metadata| metadata.len());
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let mut bytes = Vec::with_capacity(usize::try_from(expected.min(limit)).unwrap_or(0));
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::io(reading(), &error))?;
    if bytes.len() > bytes_max {
        return Err(too_large(path, expected, bytes_max));
    }
    Ok(bytes)
}

/// The failure of a file that the store cannot take as one value.
pub(crate) fn too_large(path: &Path, bytes: u64, bytes_max: usize) -> Failure {
    Failure::usage(format!(
        "{} has {bytes} bytes, and a value of this store at most {bytes_max}",
        path.display()
    ))
    .remedy("split the file, or move it out of the tree")
}

fn look(root: &Path, entry: DirEntry) -> Result<Option<Found>> {
    let kind = entry.file_type();
    let content = if kind.is_file() {
        let metadata = entry.metadata().map_err(|error| unreadable(&error))?;
        Content::File {
            bytes: metadata.len(),
        }
    } else if kind.is_dir() {
        let mut within = fs::read_dir(entry.path())
            .map_err(|error| Failure::io(format!("list {}", entry.path().display()), &error))?;
        if within.next().is_some() {
            return Ok(None);
        }
        Content::EmptyDirectory
    } else if kind.is_symlink() {
        Content::Skipped("a symbolic link")
    } else if kind.is_fifo() {
        Content::Skipped("a named pipe")
    } else if kind.is_socket() {
        Content::Skipped("a socket")
    } else {
        Content::Skipped("a device")
    };
    Ok(Some(found(root, entry, content)))
}

fn found(root: &Path, entry: DirEntry, content: Content) -> Found {
    let path = entry.into_path();
    let below = path.strip_prefix(root).unwrap_or(&path);
    let mut key = below.as_os_str().as_bytes().to_vec();
    if content == Content::EmptyDirectory {
        key.push(b'/');
    }
    Found { path, key, content }
}

fn unreadable(error: &walkdir::Error) -> Failure {
    let path = error.path().unwrap_or(Path::new("the tree"));
    let shown = path.display();
    if let Some(ancestor) = error.loop_ancestor() {
        return Failure::usage(format!(
            "the symbolic link {shown} leads back to {}: the tree has no end",
            ancestor.display()
        ))
        .remedy("remove the link, or import with --symlinks skip");
    }
    if path.is_symlink() {
        return Failure::usage(format!("the symbolic link {shown} leads nowhere"))
            .because(error)
            .remedy("remove the link, or import with --symlinks skip");
    }
    match error.io_error() {
        Some(cause) => Failure::io(format!("read {shown}"), cause),
        None => Failure::usage(format!("could not read {shown}")).because(error),
    }
}
