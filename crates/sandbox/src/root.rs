//! Builds the file system that the command sees and moves into it.
//!
//! The layers are stacked by overlayfs with one more layer in between: a scratch layer in memory that holds the
//! mount points which the image lacks. So `upper_dir` never sees a mount point, and there is nothing to clean up
//! and nothing that could be forgotten. Every mount is made in a private mount namespace and dies with it.

mod devices;
mod kernel;

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{MountAttrFlags, MountPropagationFlags, UnmountFlags};

use crate::identity::Namespace;
use crate::overlay::{self, Stack};
use crate::path_walk::{self, PointKind};
use crate::report::{Context, Failure, Step};
use crate::spec::{Mount, Network, Spec};
use crate::sys::{self, MountAttributes};
use crate::{mount, name_files};
use devices::Devices;

/// Directories that every command gets.
const SYSTEM_POINTS: [&str; 3] = ["/proc", "/sys", "/dev"];
const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// What has been opened on the host before its paths are covered or left.
struct Host<'a> {
    spec: &'a Spec,
    namespace: Namespace,
    /// A detached copy of each bind mount's source, in the order of `spec.mounts`.
    sources: Vec<Option<OwnedFd>>,
    /// The file system in memory that holds everything of ours.
    area: OwnedFd,
}

/// Replaces the root of this process, which must be in a new mount namespace and the init of a new pid namespace.
pub(crate) fn enter(spec: &Spec) -> Result<(), Failure> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).prepare("keeping its mounts to itself")?;
    let stack = Stack::open(spec)?;
    let sources = spec.mounts.iter().map(open_source).collect::<Result<_, _>>()?;
    let host = Host { spec, namespace: Namespace::current(), sources, area: open_area(spec)? };
    name_files::write(host.area.as_fd(), spec).prepare("writing `/etc/hosts`")?;
    let root = stack_layers(&host, &stack)?;
    let root = root.as_fd();
    kernel::mount_proc(root)?;
    kernel::mount_sys(root, host.namespace, spec.network)?;
    let devices = Devices::make(open_in_area(&host, "devices", OFlags::PATH)?.as_fd())?;
    devices::mount_dev(root, &devices, host.namespace)?;
    let empty = open_in_area(&host, "empty", OFlags::PATH)?;
    kernel::restrict(root, &devices, empty.as_fd())?;
    for name in name_files::NAMES {
        let file = open_in_area(&host, name, OFlags::PATH)?;
        let copy = mount::copy_of_open(file.as_fd()).prepare("copying a mount")?;
        attach(root, &format!("/etc/{name}"), PointKind::File, copy.as_fd())?;
    }
    for (index, mount) in spec.mounts.iter().enumerate() {
        attach_extra(root, mount, host.sources[index].as_ref())?;
    }
    change_root(root).prepare("changing its root")
}

fn open_source(mount: &Mount) -> Result<Option<OwnedFd>, Failure> {
    let Mount::Bind { source, read_only, .. } = mount else { return Ok(None) };
    let open = || {
        let copy = mount::copy_of(source)?;
        let devices = MountAttributes::NO_DEVICES;
        let attributes = if *read_only { devices.and(MountAttributes::READ_ONLY) } else { devices };
        sys::set_mount_attributes(copy.as_fd(), attributes)?;
        Ok::<_, Errno>(copy)
    };
    open().map(Some).step(|| Step::Open(source.display().to_string()))
}

/// Covers `work_dir` with a file system in memory; the overlay has its directory open already.
fn open_area(spec: &Spec) -> Result<OwnedFd, Failure> {
    let open = || {
        let area = mount::filesystem(
            "tmpfs",
            &[("mode", "0755"), ("size", "16m")],
            MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV,
        )?;
        let flags = OFlags::PATH | DIRECTORY;
        let point = rustix::fs::openat(CWD, &spec.work_dir, flags, Mode::empty())?;
        mount::attach(area.as_fd(), point.as_fd())?;
        for name in ["scratch", "view", "root", "empty", "devices"] {
            rustix::fs::mkdirat(&area, name, Mode::from_raw_mode(0o755))?;
        }
        Ok::<_, Errno>(area)
    };
    open().prepare("mounting a file system in memory")
}

fn open_in_area(host: &Host<'_>, name: &str, flags: OFlags) -> Result<OwnedFd, Failure> {
    rustix::fs::openat(&host.area, name, flags | OFlags::CLOEXEC, Mode::empty())
        .prepare("opening its own files")
}

/// Mounts the overlay and returns its root.
fn stack_layers(host: &Host<'_>, stack: &Stack) -> Result<OwnedFd, Failure> {
    let scratch = open_in_area(host, "scratch", OFlags::RDONLY | DIRECTORY)?;
    let view_point = open_in_area(host, "view", OFlags::PATH | DIRECTORY)?;
    let view =
        if overlay::mount_view(stack, view_point.as_fd(), host.namespace).step(|| Step::Overlay)? {
            open_in_area(host, "view", OFlags::RDONLY | DIRECTORY)?
        } else {
            stack.upper.try_clone().prepare("opening the layers")?
        };
    let points = mount_points(host);
    path_walk::provide(view.as_fd(), scratch.as_fd(), &points).prepare("making mount points")?;
    drop(view);
    let point = open_in_area(host, "root", OFlags::PATH | DIRECTORY)?;
    overlay::mount(stack, scratch.as_fd(), point.as_fd(), host.namespace).step(|| Step::Overlay)?;
    open_in_area(host, "root", OFlags::PATH | DIRECTORY)
}

fn mount_points(host: &Host<'_>) -> Vec<(PathBuf, PointKind)> {
    let system = SYSTEM_POINTS.map(|path| (PathBuf::from(path), PointKind::Directory));
    let names = name_files::NAMES.map(|name| (Path::new("/etc").join(name), PointKind::File));
    let extra = host
        .spec
        .mounts
        .iter()
        .zip(&host.sources)
        .map(|(mount, source)| (mount.target().to_owned(), kind_of(source.as_ref())));
    system.into_iter().chain(names).chain(extra).collect()
}

/// A bind mount's point must be what its source is.
fn kind_of(source: Option<&OwnedFd>) -> PointKind {
    let status = source.and_then(|source| rustix::fs::fstat(source).ok());
    match status {
        Some(status) if !rustix::fs::FileType::from_raw_mode(status.st_mode).is_dir() => {
            PointKind::File
        }
        _ => PointKind::Directory,
    }
}

fn attach(
    root: BorrowedFd<'_>,
    target: &str,
    kind: PointKind,
    mount: BorrowedFd<'_>,
) -> Result<(), Failure> {
    path_walk::open_or_create(root, Path::new(target), kind)
        .and_then(|point| mount::attach(mount, point.as_fd()))
        .step(|| Step::Mount(target.to_owned()))
}

fn attach_extra(
    root: BorrowedFd<'_>,
    mount: &Mount,
    source: Option<&OwnedFd>,
) -> Result<(), Failure> {
    let name = mount.target().display().to_string();
    match (mount, source) {
        (Mount::Bind { .. }, Some(source)) => {
            attach(root, &name, kind_of(Some(source)), source.as_fd())
        }
        (Mount::Bind { .. }, None) => Err(Failure::new(Step::Mount(name), Errno::BADF)),
        (Mount::Tmpfs { size, .. }, _) => {
            let size = size.map(|size| size.to_string());
            let mut options = vec![("mode", "1777")];
            options.extend(size.as_deref().map(|size| ("size", size)));
            let attributes = MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV;
            let made = mount::filesystem("tmpfs", &options, attributes)
                .step(|| Step::Mount(name.clone()))?;
            attach(root, &name, PointKind::Directory, made.as_fd())
        }
    }
}

/// Makes `root` the root and lets go of the host's, <https://man7.org/linux/man-pages/man2/pivot_root.2.html#NOTES>.
fn change_root(root: BorrowedFd<'_>) -> rustix::io::Result<()> {
    rustix::process::fchdir(root)?;
    rustix::process::pivot_root(".", ".")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH)?;
    rustix::process::chdir("/")
}

/// The path under which the kernel finds an open file, however long or odd its own path is.
pub(crate) fn descriptor_path(file: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// Whether the command has a network of its own.
pub(crate) fn isolated(network: Network) -> bool {
    network == Network::None
}
