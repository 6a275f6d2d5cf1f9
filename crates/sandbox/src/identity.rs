//! Who the command is: user, groups, capabilities, and the user namespace they are counted in.

use rustix::io::{Errno, Result};
use rustix::thread::{CapabilitySet, CapabilitySets, Gid, Uid};

use crate::report::{Context, Failure, Step};
use crate::seccomp;
use crate::spec::User;

/// What Docker leaves to the root of a container,
/// <https://docs.docker.com/engine/containers/run/#runtime-privilege-and-linux-capabilities>.
const KEPT: CapabilitySet = CapabilitySet::CHOWN
    .union(CapabilitySet::DAC_OVERRIDE)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::MKNOD)
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETFCAP)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::AUDIT_WRITE);

/// Which user namespace this process is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Namespace {
    /// The machine's own.
    Initial,
    /// One of a user's.
    User,
}

impl Namespace {
    /// Looks at the identity map, which is the whole range in the machine's own namespace only.
    pub(crate) fn current() -> Self {
        match read_map("/proc/self/uid_map").as_slice() {
            [Extent { inside: 0, outside: 0, count: u32::MAX }] => Self::Initial,
            _ => Self::User,
        }
    }

    /// Whether files can belong to this group.
    pub(crate) fn knows_group(self, group: u32) -> bool {
        self == Self::Initial
            || read_map("/proc/self/gid_map").iter().any(|extent| extent.contains(group))
    }
}

/// How many users the current namespace knows.
pub(crate) fn n_known_users() -> u64 {
    read_map("/proc/self/uid_map").iter().map(|extent| u64::from(extent.count)).sum()
}

struct Extent {
    inside: u32,
    outside: u32,
    count: u32,
}

impl Extent {
    fn contains(&self, id: u32) -> bool {
        id.checked_sub(self.inside).is_some_and(|distance| distance < self.count)
    }
}

fn read_map(path: &str) -> Vec<Extent> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let extent = |line: &str| {
        let mut numbers = line.split_ascii_whitespace().map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Extent { inside: next()?, outside: next()?, count: next()? })
    };
    text.lines().filter_map(extent).collect()
}

/// Gives up everything that the command must not have. Nothing privileged can be done afterwards.
pub(crate) fn assume(user: &User) -> std::result::Result<(), Failure> {
    drop_bounding_set().prepare("dropping capabilities")?;
    // Needs CAP_SYS_ADMIN, which the next steps take away.
    seccomp::install().prepare("installing the system call filter")?;
    become_user(user).step(|| Step::User { uid: user.uid, gid: user.gid })?;
    drop_capabilities(user).prepare("dropping capabilities")
}

fn drop_bounding_set() -> Result<()> {
    for number in 0..u64::BITS {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        if KEPT.contains(capability) {
            continue;
        }
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // Above the last capability that this kernel knows.
            Err(Errno::INVAL) => break,
            outcome => outcome?,
        }
    }
    Ok(())
}

fn become_user(user: &User) -> Result<()> {
    let groups: Vec<Gid> = user.groups.iter().map(|group| Gid::from_raw(*group)).collect();
    match rustix::thread::set_thread_groups(&groups) {
        // A namespace with a single user may not change groups at all, so there is nothing to give up either.
        Err(Errno::PERM) if user.groups.is_empty() => {}
        outcome => outcome?,
    }
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)
}

/// A change from root to another user has emptied the effective set already; root keeps Docker's.
fn drop_capabilities(user: &User) -> Result<()> {
    rustix::thread::clear_ambient_capability_set()?;
    let kept = if user.uid == 0 {
        KEPT & rustix::thread::capabilities(None)?.permitted
    } else {
        CapabilitySet::empty()
    };
    let sets =
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    rustix::thread::set_capabilities(None, sets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_are_half_open() {
        let extent = Extent { inside: 1, outside: 100_000, count: 65_536 };
        assert!(!extent.contains(0));
        assert!(extent.contains(1));
        assert!(extent.contains(65_536));
        assert!(!extent.contains(65_537));
    }
}
