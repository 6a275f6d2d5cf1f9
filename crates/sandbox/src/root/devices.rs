//! `/dev`: a file system in memory with the few devices that cannot harm.
//!
//! Docker keeps a container from the disks by a device cgroup. Without cgroups the same is reached otherwise: every
//! file system that the command can write to is mounted `nodev`, so that a device made with `mknod` cannot be
//! opened, and the harmless devices are bind mounts of the host's.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::mount::MountAttrFlags;

use crate::identity::Namespace;
use crate::path_walk::{self, PointKind};
use crate::report::{Context, Failure, Step};
use crate::{mount, root};

const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
const LINKS: [(&str, &str); 5] = [
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
];
/// The group `tty` on every distribution.
const TTY_GROUP: u32 = 5;

const DATA_ONLY: MountAttrFlags = MountAttrFlags::MOUNT_ATTR_NOSUID
    .union(MountAttrFlags::MOUNT_ATTR_NODEV)
    .union(MountAttrFlags::MOUNT_ATTR_NOEXEC);
/// Pseudo terminals are devices, but only those that the kernel made for this mount.
const TERMINALS: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// Mounts `/dev` and what belongs below it.
pub(super) fn mount_dev(root: BorrowedFd<'_>, namespace: Namespace) -> Result<(), Failure> {
    let step = || Step::Mount("/dev".to_owned());
    let options = [("mode", "0755"), ("size", "64m")];
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let made = mount::filesystem("tmpfs", &options, attributes).step(step)?;
    root::attach(root, "/dev", PointKind::Directory, made.as_fd())?;
    let dev = path_walk::open(root, Path::new("/dev")).step(step)?;
    for (target, name) in LINKS {
        rustix::fs::symlinkat(target, &dev, name).step(step)?;
    }
    for device in DEVICES {
        bind_device(&dev, device).step(|| Step::Mount(format!("/dev/{device}")))?;
    }
    mount_below(&dev, "pts", || terminals(namespace))?;
    let shared = || mount::filesystem("tmpfs", &[("mode", "1777"), ("size", "64m")], DATA_ONLY);
    mount_below(&dev, "shm", shared)?;
    // Kernels without POSIX message queues exist, and so do commands: all but a few do not need them.
    if let Ok(queues) = mount::filesystem("mqueue", &[], DATA_ONLY) {
        mount_below(&dev, "mqueue", || Ok(queues))?;
    }
    Ok(())
}

fn bind_device(dev: &OwnedFd, name: &str) -> rustix::io::Result<()> {
    let copy = mount::copy_of(&Path::new("/dev").join(name))?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    let point = rustix::fs::openat(dev, name, flags, Mode::from_raw_mode(0o666))?;
    mount::attach(copy.as_fd(), point.as_fd())
}

fn terminals(namespace: Namespace) -> rustix::io::Result<OwnedFd> {
    let group = TTY_GROUP.to_string();
    let mut options = vec![("newinstance", ""), ("ptmxmode", "0666"), ("mode", "0620")];
    if namespace.knows_group(TTY_GROUP) {
        options.push(("gid", &group));
    }
    mount::filesystem("devpts", &options, TERMINALS)
}

fn mount_below(
    dev: &OwnedFd,
    name: &str,
    make: impl FnOnce() -> rustix::io::Result<OwnedFd>,
) -> Result<(), Failure> {
    let mount = || {
        rustix::fs::mkdirat(dev, name, Mode::from_raw_mode(0o755))?;
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let point = rustix::fs::openat(dev, name, flags, Mode::empty())?;
        mount::attach(make()?.as_fd(), point.as_fd())
    };
    mount().step(|| Step::Mount(format!("/dev/{name}")))
}
