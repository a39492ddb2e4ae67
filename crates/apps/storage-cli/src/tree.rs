//! Directory trees as keys: walking one in a fixed order.

use std::{
    fs,
    io::Read,
    os::unix::{ffi::OsStrExt, fs::FileTypeExt},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use walkdir::{DirEntry, WalkDir};

use crate::failure::{Failure, Result};

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
    WalkDir::new(&root)
        .min_depth(1)
        .follow_links(symlinks == Symlinks::Follow)
        .sort_by_file_name()
        .into_iter()
        .filter_map(move |step| match step {
            Ok(entry) => look(&root, entry).transpose(),
            Err(error) => Some(Err(unreadable(&error))),
        })
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
    let path = entry.into_path();
    let below = path.strip_prefix(root).unwrap_or(&path);
    let mut key = below.as_os_str().as_bytes().to_vec();
    if content == Content::EmptyDirectory {
        key.push(b'/');
    }
    Ok(Some(Found { path, key, content }))
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
