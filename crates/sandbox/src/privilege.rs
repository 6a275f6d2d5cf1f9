//! Becoming root without being root: a user namespace with the user's subordinate ids.
//!
//! <https://man7.org/linux/man-pages/man7/user_namespaces.7.html>, <https://man7.org/linux/man-pages/man5/subuid.5.html>.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use rustix::io::Errno;
use rustix::thread::UnshareFlags;

use crate::error::Error;
use crate::identity::{self, Namespace};
use crate::reexec::{self, Role};
use crate::sys;

/// `newuidmap` accepts no more lines than the kernel does.
const RANGES_MAX: usize = 300;

/// How this process came to be root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// Root of the machine.
    Root,
    /// Root of a user namespace in which a range of subordinate ids stands for all other users.
    UserNamespace,
    /// Root of a user namespace that knows no other user: files cannot be given to others, and commands that
    /// change their user fail.
    SingleUser,
}

impl Privilege {
    /// What the user should know about this kind of privilege.
    pub fn warning(self) -> Option<&'static str> {
        match self {
            Self::Root | Self::UserNamespace => None,
            Self::SingleUser => Some(
                "no subordinate user ids are usable, so only root exists inside builds: `chown`, `su` and `apt-get` \
                 may fail; install the package `uidmap` and run \
                 `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME` as root",
            ),
        }
    }
}

/// Makes this process root, in a user namespace unless it is root already. To be called once, early, while the
/// process has a single thread; its environment, directory and files stay as they are.
pub fn become_root() -> Result<Privilege, Error> {
    if rustix::process::geteuid().is_root() {
        return Ok(current());
    }
    let (uid, gid) = own_ids();
    let mapper = Mapper::start(uid, gid)?;
    match sys::unshare(UnshareFlags::NEWUSER) {
        Ok(()) => {}
        Err(Errno::INVAL) => {
            let step = "becoming root while other threads run".to_owned();
            return Err(Error::Setup { step, source: Errno::INVAL.into() });
        }
        Err(errno) => return Err(denied(errno)),
    }
    if mapper.is_some_and(Mapper::finish) {
        return Ok(Privilege::UserNamespace);
    }
    map_single_user(uid, gid).map_err(denied)?;
    Ok(Privilege::SingleUser)
}

/// Enters a user namespace with one user; this process must have one thread.
pub(crate) fn enter_single_user() -> rustix::io::Result<()> {
    let (uid, gid) = own_ids();
    sys::unshare(UnshareFlags::NEWUSER)?;
    map_single_user(uid, gid)
}

fn own_ids() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

fn current() -> Privilege {
    match (Namespace::current(), identity::n_known_users()) {
        (Namespace::Initial, _) => Privilege::Root,
        (Namespace::User, 0 | 1) => Privilege::SingleUser,
        (Namespace::User, _) => Privilege::UserNamespace,
    }
}

fn denied(errno: Errno) -> Error {
    Error::NamespacesDenied { what: "a user namespace".to_owned(), source: errno.into() }
}

fn map_single_user(uid: u32, gid: u32) -> rustix::io::Result<()> {
    let write = |path: &str, text: &str| {
        std::fs::write(path, text)
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
    };
    // The kernel wants groups to be unchangeable before a user may map a group without help.
    write("/proc/self/setgroups", "deny")?;
    // A map is written once; `newuidmap` may have succeeded where `newgidmap` then failed.
    if identity::n_known_users() == 0 {
        write("/proc/self/uid_map", &format!("0 {uid} 1"))?;
    }
    write("/proc/self/gid_map", &format!("0 {gid} 1"))
}

/// A process that stays outside of the new namespace, as only such a one may map more than one user into it.
struct Mapper {
    process: Child,
}

impl Mapper {
    /// Starts the helper; none when the user has no ranges.
    fn start(uid: u32, gid: u32) -> Result<Option<Self>, Error> {
        let text = |path| std::fs::read_to_string(path).unwrap_or_default();
        let name = user_name(&text("/etc/passwd"), uid);
        let users = ranges(&text("/etc/subuid"), name.as_deref(), uid);
        let groups = ranges(&text("/etc/subgid"), name.as_deref(), uid);
        if users.is_empty() || groups.is_empty() {
            return Ok(None);
        }
        let process = reexec::command(Role::Mapper)?
            .arg(rustix::process::getpid().to_string())
            .arg(map_arguments(uid, &users))
            .arg(map_arguments(gid, &groups))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| Error::Setup { step: "starting itself".to_owned(), source })?;
        Ok(Some(Self { process }))
    }

    /// Tells the helper that the namespace exists; says whether it could map all users and groups.
    fn finish(mut self) -> bool {
        let told = self.process.stdin.take().is_some_and(|mut stdin| stdin.write_all(b"!").is_ok());
        let status = self.process.wait();
        told && status.is_ok_and(|status| status.success())
    }
}

/// The helper's side of [`Mapper`].
pub(crate) fn map_for(mut arguments: impl Iterator<Item = OsString>) -> ! {
    let mut go = [0_u8; 1];
    if std::io::stdin().read_exact(&mut go).is_err() {
        sys::exit(1);
    }
    let mut next = || arguments.next()?.into_string().ok();
    let (Some(process), Some(users), Some(groups)) = (next(), next(), next()) else { sys::exit(1) };
    let map = |program: &str, lines: &str| {
        let mut command = Command::new(program);
        command.arg(&process).args(lines.split(' '));
        command.status().is_ok_and(|status| status.success())
    };
    let mapped = map("newuidmap", &users) && map("newgidmap", &groups);
    sys::exit(i32::from(!mapped))
}

/// A range of subordinate ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    start: u32,
    count: u32,
}

/// The ranges in `/etc/subuid` or `/etc/subgid` that belong to a user, by name or by number.
fn ranges(text: &str, name: Option<&str>, uid: u32) -> Vec<Range> {
    let number = uid.to_string();
    let range = |line: &str| {
        let mut fields = line.trim().split(':');
        let owner = fields.next()?;
        if Some(owner) != name && owner != number {
            return None;
        }
        let (start, count) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        (count > 0).then_some(Range { start, count })
    };
    let mut found: Vec<Range> = Vec::new();
    for range in text.lines().filter_map(range) {
        // The kernel refuses a map in which an id occurs twice.
        let apart = |other: &Range| {
            u64::from(range.start) >= u64::from(other.start) + u64::from(other.count)
                || u64::from(other.start) >= u64::from(range.start) + u64::from(range.count)
        };
        let without_self = apart(&Range { start: uid, count: 1 });
        if without_self && found.iter().all(apart) && found.len() < RANGES_MAX {
            found.push(range);
        }
    }
    found
}

/// The arguments of `newuidmap`: the user becomes root, the ranges follow from 1 on.
fn map_arguments(own: u32, ranges: &[Range]) -> String {
    let mut extents = vec![format!("0 {own} 1")];
    let mut inside = 1_u32;
    for range in ranges {
        let Some(next) = inside.checked_add(range.count) else { break };
        extents.push(format!("{inside} {} {}", range.start, range.count));
        inside = next;
    }
    extents.join(" ")
}

fn user_name(passwd: &str, uid: u32) -> Option<String> {
    let entry = passwd.lines().find(|line| {
        line.split(':').nth(2).and_then(|field| field.parse::<u32>().ok()) == Some(uid)
    });
    entry.and_then(|line| line.split(':').next()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(subuid: &str, expected: &str) {
        let found = ranges(subuid, Some("ann"), 1000);
        assert_eq!(map_arguments(1000, &found), expected, "{subuid}");
    }

    #[test]
    fn ranges_belong_by_name_or_number() {
        check("bob:1:2\n", "0 1000 1");
        check("ann:100000:65536\n", "0 1000 1 1 100000 65536");
        check("1000:5000:10\nann:100000:65536", "0 1000 1 1 5000 10 11 100000 65536");
    }

    #[test]
    fn ranges_that_cannot_be_mapped_are_left_out() {
        check("ann:900:200\nann:5000:10\nann:5005:10", "0 1000 1 1 5000 10");
        check("ann:x:1\nann:1\nann:5:0\nann\n::\nann:99999999999:1", "0 1000 1");
        check("ann:5000:10\nann:4294967295:4294967295", "0 1000 1 1 5000 10");
    }

    #[test]
    fn names_come_from_the_password_file() {
        let passwd = "root:x:0:0:::\nann:x:1000:1000:::\nbroken\n";
        assert_eq!(user_name(passwd, 1000).as_deref(), Some("ann"));
        assert_eq!(user_name(passwd, 7), None);
    }
}
