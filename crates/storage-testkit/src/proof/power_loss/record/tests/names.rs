//! What the recorder sees of files that get names, and lose them.

use std::{
    env,
    fs::{self, OpenOptions},
    io,
    os::{
        fd::AsRawFd,
        unix::fs::{OpenOptionsExt, symlink},
    },
    path::Path,
};

use nix::{fcntl, libc, unistd};

use super::{operations, recorded};
use crate::proof::power_loss::event::{FileOperation, Kind};

pub(super) fn names(root: &Path) -> io::Result<()> {
    env::set_current_dir(root)?;
    fs::create_dir("sub")?;
    fs::write("sub/new", b"new")?;
    fs::rename("sub/new", root.join("newer"))?;
    fs::hard_link("newer", "sub/../also")?;
    symlink("newer", "link")?;
    fs::remove_file("old")?;
    fs::create_dir_all("sub/a/b")?;
    fs::remove_dir_all("sub")?;
    // None of these happens.
    fs::create_dir("link").unwrap_err();
    fs::rename("nothing", "something").unwrap_err();
    fs::remove_file("nowhere/nothing").unwrap_err();
    Ok(())
}

#[test]
fn names_are_recorded_by_whatever_path_they_were_given() {
    let recording = recorded("names").unwrap();
    let names: Vec<&str> = operations(&recording)
        .map(|operation| match operation {
            FileOperation::Create {
                kind: Kind::Directory,
                ..
            } => "mkdir",
            FileOperation::Create {
                kind: Kind::Symlink(_),
                ..
            } => "symlink",
            FileOperation::Create { .. } => "create",
            FileOperation::Rename { .. } => "rename",
            FileOperation::Link { .. } => "link",
            FileOperation::Unlink { .. } => "unlink",
            _ => "content",
        })
        .collect();
    assert_eq!(
        names,
        [
            "mkdir", "create", "content", "rename", "link", "symlink", "unlink", "mkdir", "mkdir",
            "unlink", "unlink", "unlink"
        ]
    );
}

/// Gives a new file its first name after it was made.
pub(super) fn links(root: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let file = options
        .write(true)
        .custom_flags(libc::O_TMPFILE)
        .open(root)?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let follow = fcntl::AtFlags::AT_SYMLINK_FOLLOW;
    let here = fcntl::AT_FDCWD;
    unistd::linkat(here, path.as_str(), here, &root.join("new"), follow)?;
    Ok(())
}

#[test]
fn an_empty_file_that_gets_its_name_later_is_recorded() {
    let recording = recorded("links").unwrap();
    let operations: Vec<_> = operations(&recording).collect();
    assert!(
        matches!(
            operations[..],
            [FileOperation::CreateNameless { node }, FileOperation::Link { node: linked, .. }]
                if node == linked
        ),
        "{operations:?}"
    );
}
