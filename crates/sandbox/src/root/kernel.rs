//! `/proc` and `/sys`, with what a container must not see or change covered as Docker and runc cover it.
//!
//! <https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#masked-paths>

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::io::{Errno, Result};
use rustix::mount::MountAttrFlags;

use crate::identity::Namespace;
use crate::path_walk::{self, PointKind};
use crate::report::{Context, Failure, Step};
use crate::root::devices::Devices;
use crate::spec::Network;
use crate::sys::{self, MountAttributes};
use crate::{mount, root};

/// Paths that show the host: a file reads as empty, a directory is empty.
const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
    "/sys/devices/virtual/powercap",
];
/// Paths that would change the host when written.
const READ_ONLY: [&str; 5] =
    ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

const HARMLESS: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NODEV)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// Mounts the `/proc` of the new pid namespace.
pub(super) fn mount_proc(root: BorrowedFd<'_>) -> std::result::Result<(), Failure> {
    let made = mount::filesystem("proc", &[], HARMLESS).step(|| Step::Mount("/proc".to_owned()))?;
    root::attach(root, "/proc", PointKind::Directory, made.as_fd())
}

/// Mounts `/sys` unwritable. A new one needs the right over the network namespace; a user namespace in the host's
/// network does not have it and is given a copy of the host's.
pub(super) fn mount_sys(
    root: BorrowedFd<'_>,
    namespace: Namespace,
    network: Network,
) -> std::result::Result<(), Failure> {
    let owner = namespace == Namespace::Initial || root::isolated(network);
    let made = if owner { new_sys().or_else(|_| copy_of_sys()) } else { copy_of_sys() };
    let made = made.step(|| Step::Mount("/sys".to_owned()))?;
    root::attach(root, "/sys", PointKind::Directory, made.as_fd())
}

fn new_sys() -> Result<OwnedFd> {
    mount::filesystem("sysfs", &[], HARMLESS | MountAttrFlags::MOUNT_ATTR_RDONLY)
}

fn copy_of_sys() -> Result<OwnedFd> {
    let copy = mount::copy_of(Path::new("/sys"))?;
    let attributes = MountAttributes::READ_ONLY
        .and(MountAttributes::NO_SET_UID)
        .and(MountAttributes::NO_DEVICES)
        .and(MountAttributes::NO_EXECUTE);
    sys::set_mount_attributes(copy.as_fd(), attributes)?;
    Ok(copy)
}

/// Covers the masked paths and makes the read-only ones so. `empty` is an empty directory.
pub(super) fn restrict(
    root: BorrowedFd<'_>,
    devices: &Devices,
    empty: BorrowedFd<'_>,
) -> std::result::Result<(), Failure> {
    for path in READ_ONLY {
        present(root, path, mount::attach_read_only_copy)?;
    }
    for path in MASKED {
        present(root, path, |point| mask(point, devices, empty))?;
    }
    Ok(())
}

fn mask(point: BorrowedFd<'_>, devices: &Devices, empty: BorrowedFd<'_>) -> Result<()> {
    let status = rustix::fs::fstat(point)?;
    let cover = if rustix::fs::FileType::from_raw_mode(status.st_mode).is_dir() {
        let cover = mount::copy_of_open(empty)?;
        sys::set_mount_attributes(cover.as_fd(), MountAttributes::READ_ONLY)?;
        cover
    } else {
        devices.cover()?
    };
    mount::attach(cover.as_fd(), point)
}

/// Does something at a path that not every kernel has.
fn present(
    root: BorrowedFd<'_>,
    path: &str,
    action: impl FnOnce(BorrowedFd<'_>) -> Result<()>,
) -> std::result::Result<(), Failure> {
    match path_walk::open(root, Path::new(path)) {
        Err(Errno::NOENT) => Ok(()),
        Err(other) => Err(other),
        Ok(point) => action(point.as_fd()),
    }
    .step(|| Step::Mount(path.to_owned()))
}
