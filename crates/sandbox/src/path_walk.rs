//! Finds and makes mount points inside a root that is not trusted.
//!
//! A path is followed component by component below a root descriptor: symbolic links and `..` never lead out of it,
//! as if the process had already changed its root. The image is hostile input; the path is the user's.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, Timestamps, XattrFlags};
use rustix::io::{Errno, Result};

/// The kernel's own limit on links in one path.
const LINKS_MAX: usize = 40;
/// How often the kernel is asked again; each time takes microseconds.
const ATTEMPTS_MAX: usize = 1000;
/// Descriptors for directories that are only walked through or mounted upon.
const WALK: OFlags =
    OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC).union(OFlags::LARGEFILE);
const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o755);
const FILE_MODE: Mode = Mode::from_raw_mode(0o644);

/// What a mount point must be for the thing mounted on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PointKind {
    Directory,
    File,
}

/// Where a path leads.
struct Place {
    /// Components below the root, free of links and `..`.
    parts: Vec<OsString>,
    /// How many of them exist.
    n_present: usize,
}

impl Place {
    fn prefix(&self, n_parts: usize) -> PathBuf {
        self.parts[..n_parts].iter().collect()
    }
}

/// Opens a mount point below `root` for mounting on it, and makes it and its parents if they are missing.
pub(crate) fn open_or_create(
    root: BorrowedFd<'_>,
    path: &Path,
    kind: PointKind,
) -> Result<OwnedFd> {
    match open(root, path) {
        Err(Errno::NOENT) => {}
        outcome => return outcome,
    }
    let place = locate(root, path)?;
    for n_parts in place.n_present + 1..=place.parts.len() {
        let last = n_parts == place.parts.len();
        let kind = if last { kind } else { PointKind::Directory };
        create(root, &place.prefix(n_parts), kind)?;
    }
    open(root, path)
}

/// Opens what exists below `root`, following links within it.
pub(crate) fn open(root: BorrowedFd<'_>, path: &Path) -> Result<OwnedFd> {
    let path = path.strip_prefix("/").unwrap_or(path);
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    // Any rename or mount on the machine meanwhile makes the kernel unsure of a `..`, and it asks to be asked again
    // (openat2(2), EAGAIN).
    let mut n_left = ATTEMPTS_MAX;
    loop {
        match rustix::fs::openat2(root, path, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) if n_left > 0 => n_left -= 1,
            result => return result,
        }
    }
}

/// Provides the missing mount points of `view` in the empty directory `scratch`, which is then stacked above the
/// image's layers. Directories that exist in the view are repeated with the same owner, mode, times and
/// attributes, so that nothing but the new mount points can be told from the image.
pub(crate) fn provide(
    view: BorrowedFd<'_>,
    scratch: BorrowedFd<'_>,
    points: &[(PathBuf, PointKind)],
) -> Result<()> {
    let mut repeated = BTreeSet::new();
    for (path, kind) in points {
        let place = match locate(view, path) {
            Ok(place) => place,
            // A link that leads nowhere sensible: mounting will fail, and name the mount point.
            Err(Errno::LOOP | Errno::NOTDIR) => continue,
            Err(other) => return Err(other),
        };
        if place.n_present == place.parts.len() {
            continue;
        }
        for n_parts in 1..=place.parts.len() {
            let prefix = place.prefix(n_parts);
            let last = n_parts == place.parts.len();
            create(scratch, &prefix, if last { *kind } else { PointKind::Directory })?;
            if n_parts <= place.n_present {
                repeated.insert(prefix);
            }
        }
    }
    // Deepest first: whatever is done in a directory changes the times of that directory only.
    for path in repeated.iter().rev() {
        repeat_metadata(view, scratch, path)?;
    }
    Ok(())
}

fn create(root: BorrowedFd<'_>, path: &Path, kind: PointKind) -> Result<()> {
    let made = match kind {
        PointKind::Directory => rustix::fs::mkdirat(root, path, DIRECTORY_MODE),
        PointKind::File => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
            rustix::fs::openat(root, path, flags, FILE_MODE).map(drop)
        }
    };
    match made {
        Err(Errno::EXIST) => Ok(()),
        outcome => outcome,
    }
}

/// Follows a path as far as it exists.
fn locate(root: BorrowedFd<'_>, path: &Path) -> Result<Place> {
    let mut pending: VecDeque<OsString> = components(path);
    let mut parts: Vec<OsString> = Vec::new();
    let mut directories: Vec<OwnedFd> = Vec::new();
    let mut n_links = 0;
    while let Some(part) = pending.pop_front() {
        if part == ".." {
            parts.pop();
            directories.pop();
            continue;
        }
        let here = directories.last().map_or(root, OwnedFd::as_fd);
        let found = match rustix::fs::openat(here, &part, WALK, Mode::empty()) {
            Ok(found) => found,
            Err(Errno::NOENT) => {
                let n_present = parts.len();
                parts.push(part);
                return missing(parts, n_present, pending);
            }
            Err(other) => return Err(other),
        };
        match FileType::from_raw_mode(rustix::fs::fstat(&found)?.st_mode) {
            FileType::Symlink => {
                n_links += 1;
                if n_links > LINKS_MAX {
                    return Err(Errno::LOOP);
                }
                let target = rustix::fs::readlinkat(&found, "", Vec::new())?.into_bytes();
                if target.starts_with(b"/") {
                    parts.clear();
                    directories.clear();
                }
                for part in components(Path::new(OsStr::from_bytes(&target))).into_iter().rev() {
                    pending.push_front(part);
                }
            }
            FileType::Directory => {
                parts.push(part);
                directories.push(found);
            }
            _ if pending.is_empty() => parts.push(part),
            _ => return Err(Errno::NOTDIR),
        }
    }
    let n_present = parts.len();
    Ok(Place { parts, n_present })
}

/// The rest of a path below its first missing component.
fn missing(mut parts: Vec<OsString>, n_present: usize, rest: VecDeque<OsString>) -> Result<Place> {
    for part in rest {
        if part == ".." {
            // The kernel refuses to go up from a directory that does not exist, too.
            return Err(Errno::NOTDIR);
        }
        parts.push(part);
    }
    Ok(Place { parts, n_present })
}

fn components(path: &Path) -> VecDeque<OsString> {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    });
    parts.collect()
}

fn repeat_metadata(view: BorrowedFd<'_>, scratch: BorrowedFd<'_>, path: &Path) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let from = rustix::fs::openat(view, path, flags, Mode::empty())?;
    let to = rustix::fs::openat(scratch, path, flags, Mode::empty())?;
    copy_owner_and_mode(&from, &to)?;
    copy_attributes(&from, &to)?;
    let status = rustix::fs::fstat(&from)?;
    let time = |seconds: i64, nanoseconds| rustix::fs::Timespec {
        tv_sec: seconds,
        tv_nsec: i64::try_from(nanoseconds).unwrap_or(0),
    };
    let times = Timestamps {
        last_access: time(status.st_atime, status.st_atime_nsec),
        last_modification: time(status.st_mtime, status.st_mtime_nsec),
    };
    rustix::fs::futimens(&to, &times)
}

/// Gives `to` the owner and mode of `from`.
pub(crate) fn copy_owner_and_mode(from: &OwnedFd, to: &OwnedFd) -> Result<()> {
    let status = rustix::fs::fstat(from)?;
    let owner = rustix::fs::Uid::from_raw(status.st_uid);
    let group = rustix::fs::Gid::from_raw(status.st_gid);
    match rustix::fs::fchown(to, Some(owner), Some(group)) {
        // An owner that this user namespace does not know cannot be given to anything.
        Ok(()) | Err(Errno::INVAL | Errno::PERM) => {}
        Err(other) => return Err(other),
    }
    rustix::fs::fchmod(to, Mode::from_raw_mode(status.st_mode & 0o7777))
}

/// Copies access control lists and user attributes as far as the file system in memory can hold them.
fn copy_attributes(from: &OwnedFd, to: &OwnedFd) -> Result<()> {
    let mut names = vec![0_u8; 4096];
    let length = match rustix::fs::flistxattr(from, names.as_mut_slice()) {
        Ok(length) => length,
        Err(Errno::NOTSUP | Errno::RANGE) => return Ok(()),
        Err(other) => return Err(other),
    };
    for name in names[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let mut value = vec![0_u8; 4096];
        if let Ok(length) = rustix::fs::fgetxattr(from, name, value.as_mut_slice()) {
            let _unsupported =
                rustix::fs::fsetxattr(to, name, &value[..length], XattrFlags::empty());
        }
    }
    Ok(())
}

/// Whether a directory has no entries.
pub(crate) fn is_empty(directory: &OwnedFd) -> Result<bool> {
    for entry in rustix::fs::Dir::read_from(directory)? {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn open_directory(path: &Path) -> OwnedFd {
        rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap()
    }

    /// Where `path` leads in an image with some links, with `|` before the first missing part.
    fn check(path: &str, expected: &str) {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("run/lock")).unwrap();
        fs::create_dir_all(root.path().join("etc")).unwrap();
        fs::create_dir_all(root.path().join("var")).unwrap();
        fs::write(root.path().join("etc/passwd"), "").unwrap();
        symlink("../run", root.path().join("var/run")).unwrap();
        symlink("/run/missing/resolv.conf", root.path().join("etc/resolv.conf")).unwrap();
        symlink("../../../../../../etc", root.path().join("var/climb")).unwrap();
        symlink("loop", root.path().join("loop")).unwrap();
        let found = match locate(open_directory(root.path()).as_fd(), Path::new(path)) {
            Err(error) => error.to_string(),
            Ok(place) => {
                let mut text = String::new();
                for (index, part) in place.parts.iter().enumerate() {
                    text.push(if index < place.n_present { '/' } else { '|' });
                    text.push_str(part.to_str().unwrap());
                }
                text
            }
        };
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn paths_stay_below_the_root() {
        check("/etc/passwd", "/etc/passwd");
        check("/var/run/lock", "/run/lock");
        check("/var/run/secrets/token", "/run|secrets|token");
        check("/etc/resolv.conf", "/run|missing|resolv.conf");
        check("/var/climb/passwd", "/etc/passwd");
        check("/var/climb/new", "/etc|new");
        check("/a/b", "|a|b");
        check("/etc/passwd/x", &Errno::NOTDIR.to_string());
        check("/loop/x", &Errno::LOOP.to_string());
    }

    #[test]
    fn scratch_repeats_parents_and_makes_the_rest() {
        use std::os::unix::fs::MetadataExt;
        let (view, scratch) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(view.path().join("tmp")).unwrap();
        fs::create_dir(view.path().join("etc")).unwrap();
        fs::write(view.path().join("etc/hosts"), "").unwrap();
        let sticky = fs::Permissions::from_mode(0o1777);
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(view.path().join("tmp"), sticky).unwrap();
        let points = [
            (PathBuf::from("/tmp/a/b"), PointKind::Directory),
            (PathBuf::from("/etc/hosts"), PointKind::File),
            (PathBuf::from("/etc/resolv.conf"), PointKind::File),
        ];
        let (from, to) = (open_directory(view.path()), open_directory(scratch.path()));
        provide(from.as_fd(), to.as_fd(), &points).unwrap();
        let (old, new) = (view.path().join("tmp"), scratch.path().join("tmp"));
        let (old, new) = (old.metadata().unwrap(), new.metadata().unwrap());
        assert_eq!((old.mode(), old.mtime_nsec()), (new.mode(), new.mtime_nsec()));
        assert!(scratch.path().join("tmp/a/b").is_dir());
        assert!(scratch.path().join("etc/resolv.conf").is_file());
        assert!(!scratch.path().join("etc/hosts").exists());
    }
}
