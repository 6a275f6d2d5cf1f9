//! `/dev`: a file system in memory with the few devices that cannot harm.
//!
//! Docker keeps a container from the disks by a device cgroup. Without cgroups the same is reached otherwise: every
//! file system that the command can write to is mounted `nodev`, so that a device made with `mknod` cannot be
//! opened, and the harmless devices are bind mounts, one by one. Their sources are devices of our own where the
//! kernel lets us make some, and the host's, which then cannot be changed through the mount, elsewhere.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::MountAttrFlags;

use crate::identity::Namespace;
use crate::path_walk::{self, PointKind};
use crate::report::{Context, Failure, Step};
use crate::sys::{self, MountAttributes};
use crate::{mount, root};

/// Names and numbers, <https://docs.kernel.org/admin-guide/devices.html>.
const DEVICES: [(&str, u32, u32); 6] = [
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];
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
/// For pseudo terminals and our own devices: nobody but the kernel and we can make more of them there.
const WITH_DEVICES: MountAttrFlags =
    MountAttrFlags::MOUNT_ATTR_NOSUID.union(MountAttrFlags::MOUNT_ATTR_NOEXEC);

/// Where the devices come from.
pub(super) struct Devices {
    /// A directory of our own with all of them, if they could be made.
    own: Option<OwnedFd>,
}

impl Devices {
    /// Makes the devices in a file system of their own, mounted at `point` where the command cannot reach it.
    pub(super) fn make(point: BorrowedFd<'_>) -> Result<Self, Failure> {
        let made = mount::filesystem("tmpfs", &[("mode", "0755"), ("size", "64k")], WITH_DEVICES)
            .prepare("mounting devices")?;
        mount::attach(made.as_fd(), point).prepare("mounting devices")?;
        for (name, major, minor) in DEVICES {
            let number = rustix::fs::makedev(major, minor);
            let mode = Mode::from_raw_mode(0o666);
            let kind = rustix::fs::FileType::CharacterDevice;
            match rustix::fs::mknodat(&made, name, kind, mode, number) {
                Ok(()) => {}
                // A user namespace may not make devices.
                Err(Errno::PERM | Errno::ACCESS) => return Ok(Self { own: None }),
                Err(other) => return Err(other).prepare("making devices"),
            }
        }
        Ok(Self { own: Some(made) })
    }

    /// A detached bind mount of one device.
    fn copy(&self, name: &str) -> rustix::io::Result<OwnedFd> {
        let Some(own) = &self.own else {
            let copy = mount::copy_of(&Path::new("/dev").join(name))?;
            // Keeps owner and mode of the host's device; a device can be written to nevertheless.
            sys::set_mount_attributes(copy.as_fd(), MountAttributes::READ_ONLY)?;
            return Ok(copy);
        };
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let device = rustix::fs::openat(own, name, flags, Mode::empty())?;
        mount::copy_of_open(device.as_fd())
    }

    /// A detached cover for files that must read as empty.
    pub(super) fn cover(&self) -> rustix::io::Result<OwnedFd> {
        let copy = self.copy("null")?;
        sys::set_mount_attributes(copy.as_fd(), MountAttributes::READ_ONLY)?;
        Ok(copy)
    }
}

/// Mounts `/dev` and what belongs below it.
pub(super) fn mount_dev(
    root: BorrowedFd<'_>,
    devices: &Devices,
    namespace: Namespace,
) -> Result<(), Failure> {
    let step = || Step::Mount("/dev".to_owned());
    let options = [("mode", "0755"), ("size", "64m")];
    let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
    let made = mount::filesystem("tmpfs", &options, attributes).step(step)?;
    root::attach(root, "/dev", PointKind::Directory, made.as_fd())?;
    let dev = path_walk::open(root, Path::new("/dev")).step(step)?;
    for (target, name) in LINKS {
        rustix::fs::symlinkat(target, &dev, name).step(step)?;
    }
    for (name, _, _) in DEVICES {
        attach_device(&dev, devices, name).step(|| Step::Mount(format!("/dev/{name}")))?;
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

fn attach_device(dev: &OwnedFd, devices: &Devices, name: &str) -> rustix::io::Result<()> {
    let copy = devices.copy(name)?;
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
    mount::filesystem("devpts", &options, WITH_DEVICES)
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
