//! Mounts as values: make one detached, then attach it at a descriptor. No path is looked up twice.
//!
//! <https://man7.org/linux/man-pages/man2/fsopen.2.html>. All calls used here exist since Linux 5.12.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::CWD;
use rustix::io::Result;
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags};

use crate::sys::{self, MountAttributes};

/// A new file system, mounted nowhere yet. Options with an empty value are flags.
pub(crate) fn filesystem(
    kind: &str,
    options: &[(&str, &str)],
    attributes: MountAttrFlags,
) -> Result<OwnedFd> {
    let context = rustix::mount::fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (name, value) in options {
        if value.is_empty() {
            rustix::mount::fsconfig_set_flag(context.as_fd(), *name)?;
        } else {
            rustix::mount::fsconfig_set_string(context.as_fd(), *name, *value)?;
        }
    }
    rustix::mount::fsconfig_create(context.as_fd())?;
    rustix::mount::fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// A second view of what is at a path of the host, with the mounts below it.
pub(crate) fn copy_of(path: &Path) -> Result<OwnedFd> {
    rustix::mount::open_tree(CWD, path, copy_flags())
}

/// A second view of an open file or directory, with the mounts below it.
pub(crate) fn copy_of_open(file: BorrowedFd<'_>) -> Result<OwnedFd> {
    rustix::mount::open_tree(file, "", copy_flags() | OpenTreeFlags::AT_EMPTY_PATH)
}

fn copy_flags() -> OpenTreeFlags {
    OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | OpenTreeFlags::AT_RECURSIVE
}

/// Makes a detached mount visible on top of `point`.
pub(crate) fn attach(mount: BorrowedFd<'_>, point: BorrowedFd<'_>) -> Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    rustix::mount::move_mount(mount, "", point, "", flags)
}

/// Makes what is at `point`, and all below it, unwritable for everyone.
pub(crate) fn attach_read_only_copy(point: BorrowedFd<'_>) -> Result<()> {
    let copy = copy_of_open(point)?;
    sys::set_mount_attributes(copy.as_fd(), MountAttributes::READ_ONLY)?;
    attach(copy.as_fd(), point)
}
