//! Finds out whether sandboxes can be made here, without making one.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use rustix::mount::{MountAttrFlags, MountPropagationFlags};
use rustix::process::WaitOptions;
use rustix::thread::UnshareFlags;

use crate::error::Error;
use crate::reexec::{self, Role};
use crate::report::{self, Context, Failure, Report, Step};
use crate::spec::Exit;
use crate::{init, mount, privilege, sys};

/// Tries, in a process of its own, what [`crate::become_root`] and [`crate::run`] will need: a user namespace
/// unless this process is root, the other namespaces, and a `/proc`. The error says which is refused, and its hint
/// what to do.
pub fn probe() -> Result<(), Error> {
    let (mut control, theirs) = UnixStream::pair()
        .map_err(|source| Error::Setup { step: "making a socket".to_owned(), source })?;
    let mut child = reexec::command(Role::Probe)?
        .env_clear()
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .spawn()
        .map_err(|source| Error::Setup { step: "starting itself".to_owned(), source })?;
    let mut received = Vec::new();
    let read = control.read_to_end(&mut received);
    let waited = child.wait();
    let step = || "asking the kernel".to_owned();
    read.map_err(|source| Error::Setup { step: step(), source })?;
    let status = waited.map_err(|source| Error::Setup { step: step(), source })?;
    match report::first(&received) {
        Some(Report::Exit(_)) => Ok(()),
        Some(Report::Failed(failure)) => Err(failure.into()),
        None => Err(Error::Lost { how: status.to_string() }),
    }
}

/// The other side of [`probe`].
pub(crate) fn answer() -> ! {
    let Ok(control) = init::adopt_control() else { sys::exit(1) };
    let report = match attempt() {
        Ok(()) => Report::Exit(Exit::Code(0)),
        Err(failure) => Report::Failed(failure),
    };
    report::send(&control, &report);
    sys::exit(0)
}

fn attempt() -> Result<(), Failure> {
    let namespace = |what: &str| Step::Namespace(what.to_owned());
    if !rustix::process::geteuid().is_root() {
        privilege::enter_single_user().step(|| namespace("a user namespace"))?;
    }
    let flags =
        UnshareFlags::NEWNS | UnshareFlags::NEWPID | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS;
    sys::unshare(flags).step(|| namespace("namespaces"))?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).step(|| namespace("a mount namespace"))?;
    match sys::fork().prepare("starting a process")? {
        None => sys::exit(mount_proc()),
        Some(child) => {
            let status = rustix::process::waitpid(Some(child), WaitOptions::empty())
                .prepare("waiting for a process")?;
            let code = status.and_then(|(_, status)| status.exit_status()).unwrap_or(1);
            match code {
                0 => Ok(()),
                errno => Err(Failure { step: Step::Mount("/proc".to_owned()), errno }),
            }
        }
    }
}

/// Mounts the new pid namespace's `/proc`; the error number is the exit code, as both fit in a byte.
fn mount_proc() -> i32 {
    let made = mount::filesystem("proc", &[], MountAttrFlags::MOUNT_ATTR_NODEV);
    made.err().map_or(0, rustix::io::Errno::raw_os_error)
}
