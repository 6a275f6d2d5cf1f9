//! Stacks layers with overlayfs.
//!
//! <https://docs.kernel.org/filesystems/overlayfs.html>. Layers are handed over as open files, so their paths may be of
//! any length and contain `:` and `,`. The classic call takes options of one page; the newer one that takes layers
//! one by one (Linux 6.8) is used only for stacks too high for that, because older kernels lack it.

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::{Errno, Result};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MountFlags};

use crate::identity::Namespace;
use crate::report::{Context, Failure, Step};
use crate::root::descriptor_path;
use crate::spec::Spec;
use crate::{mount, path_walk};

/// The kernel copies at most a page of options.
const CLASSIC_OPTIONS_MAX: usize = 4000;
/// What makes the contents of `upper_dir` simple to read back: whole files, no renamed directories by reference.
const PLAIN_UPPER: [(&str, &str); 3] =
    [("redirect_dir", "nofollow"), ("metacopy", "off"), ("index", "off")];

/// The open layers.
pub(crate) struct Stack {
    /// Highest first, as overlayfs has it.
    lower: Vec<OwnedFd>,
    pub(crate) upper: OwnedFd,
    work: OwnedFd,
}

impl Stack {
    /// Opens the layers in the current mount namespace and prepares the upper two directories.
    pub(crate) fn open(spec: &Spec) -> std::result::Result<Self, Failure> {
        let open = |path: &Path, flags| {
            let flags = flags | OFlags::DIRECTORY | OFlags::CLOEXEC;
            rustix::fs::openat(CWD, path, flags, Mode::empty())
                .step(|| Step::Open(path.display().to_string()))
        };
        let lower = spec.lower_dirs.iter().rev().map(|path| open(path, OFlags::PATH));
        let stack = Self {
            lower: lower.collect::<std::result::Result<_, _>>()?,
            upper: open(&spec.upper_dir, OFlags::RDONLY)?,
            work: open(&spec.work_dir, OFlags::PATH)?,
        };
        stack.clear_marks().prepare("clearing the work directory")?;
        stack.take_root_metadata().prepare("preparing the upper directory")?;
        Ok(stack)
    }

    /// Removes the mark that a volatile mount leaves and that stops the next one. Nothing is lost: what a crash
    /// of the machine may have torn is never taken for a layer.
    fn clear_marks(&self) -> Result<()> {
        let (file, directory) = (AtFlags::empty(), AtFlags::REMOVEDIR);
        let marks = [
            ("work/incompat/volatile/dirty", file),
            ("work/incompat/volatile", directory),
            ("work/incompat", directory),
        ];
        for (path, kind) in marks {
            match rustix::fs::unlinkat(&self.work, path, kind) {
                Ok(()) | Err(Errno::NOENT) => {}
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// The root of a stack is the upper directory, so an empty one must look like the root of the layer below.
    fn take_root_metadata(&self) -> Result<()> {
        if !path_walk::is_empty(&self.upper)? {
            return Ok(());
        }
        match self.lower.first() {
            Some(topmost) => path_walk::copy_owner_and_mode(topmost, &self.upper),
            None => rustix::fs::fchmod(&self.upper, Mode::from_raw_mode(0o755)),
        }
    }
}

/// Mounts what the command would see without mount points; says no when that is the upper directory itself.
pub(crate) fn mount_view(
    stack: &Stack,
    point: BorrowedFd<'_>,
    namespace: Namespace,
) -> Result<bool> {
    if stack.lower.is_empty() {
        return Ok(false);
    }
    let layers: Vec<_> =
        std::iter::once(&stack.upper).chain(&stack.lower).map(OwnedFd::as_fd).collect();
    mount_layers(&layers, None, point, namespace)?;
    Ok(true)
}

/// Mounts the layers, with `scratch` above the lower ones, for writing.
pub(crate) fn mount(
    stack: &Stack,
    scratch: BorrowedFd<'_>,
    point: BorrowedFd<'_>,
    namespace: Namespace,
) -> Result<()> {
    let layers: Vec<_> =
        std::iter::once(scratch).chain(stack.lower.iter().map(OwnedFd::as_fd)).collect();
    mount_layers(&layers, Some((stack.upper.as_fd(), stack.work.as_fd())), point, namespace)
}

fn mount_layers(
    layers: &[BorrowedFd<'_>],
    upper: Option<(BorrowedFd<'_>, BorrowedFd<'_>)>,
    point: BorrowedFd<'_>,
    namespace: Namespace,
) -> Result<()> {
    let mut options: Vec<(&str, String)> =
        PLAIN_UPPER.map(|(name, value)| (name, value.to_owned())).to_vec();
    if namespace == Namespace::User {
        // Only the true root may set `trusted.*` attributes.
        options.push(("userxattr", String::new()));
    }
    if let Some((upper, work)) = upper {
        options.push(("upperdir", descriptor_path(upper)));
        options.push(("workdir", descriptor_path(work)));
        // Without this every unmount, and every fsync of the command, writes the whole disk's cache out.
        options.push(("volatile", String::new()));
    }
    let paths: Vec<String> = layers.iter().map(|layer| descriptor_path(*layer)).collect();
    let classic = classic_options(&options, &paths);
    if classic.len() <= CLASSIC_OPTIONS_MAX {
        let classic = CString::new(classic).map_err(|_| Errno::INVAL)?;
        let point = descriptor_path(point);
        // No device that the command makes with `mknod` may be opened: see `root/devices.rs`.
        let flags = MountFlags::NODEV;
        return rustix::mount::mount("overlay", point, "overlay", flags, classic.as_c_str());
    }
    mount_one_by_one(&options, &paths, point)
}

fn classic_options(options: &[(&str, String)], layers: &[String]) -> String {
    let mut text = format!("lowerdir={}", layers.join(":"));
    for (name, value) in options {
        text.push(',');
        text.push_str(name);
        if !value.is_empty() {
            text.push('=');
            text.push_str(value);
        }
    }
    text
}

fn mount_one_by_one(
    options: &[(&str, String)],
    layers: &[String],
    point: BorrowedFd<'_>,
) -> Result<()> {
    let context = rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let context = context.as_fd();
    for layer in layers {
        rustix::mount::fsconfig_set_string(context, "lowerdir+", layer.as_str())?;
    }
    for (name, value) in options {
        if value.is_empty() {
            rustix::mount::fsconfig_set_flag(context, *name)?;
        } else {
            rustix::mount::fsconfig_set_string(context, *name, value.as_str())?;
        }
    }
    rustix::mount::fsconfig_create(context)?;
    let flags = FsMountFlags::FSMOUNT_CLOEXEC;
    let made = rustix::mount::fsmount(context, flags, MountAttrFlags::MOUNT_ATTR_NODEV)?;
    mount::attach(made.as_fd(), point)
}
