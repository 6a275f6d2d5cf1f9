//! The few system calls for which no safe wrapper exists; all `unsafe` code of Sealift is in this file.
//!
//! [`close_inherited`], [`take_stdin`], [`default_signals`] and [`terminate_all_others`] are for the init process alone;
//! [`fork`] and [`unshare`] need a process of one thread, which the init process is by construction and the caller of
//! `become_root` by contract.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use rustix::io::{Errno, Result};
use rustix::process::Pid;
use rustix::thread::UnshareFlags;
use seccompiler::sock_filter;

/// `mount_setattr` flags, <https://man7.org/linux/man-pages/man2/mount_setattr.2.html>.
#[derive(Clone, Copy)]
pub(crate) struct MountAttributes(u64);

impl MountAttributes {
    pub(crate) const READ_ONLY: Self = Self(libc::MOUNT_ATTR_RDONLY);
    pub(crate) const NO_DEVICES: Self = Self(libc::MOUNT_ATTR_NODEV);
    pub(crate) const NO_SET_UID: Self = Self(libc::MOUNT_ATTR_NOSUID);
    pub(crate) const NO_EXECUTE: Self = Self(libc::MOUNT_ATTR_NOEXEC);

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What a wait for signals brought.
pub(crate) struct Received {
    pub(crate) signal: i32,
    /// Process id of the sender, 0 when it is outside of the pid namespace.
    pub(crate) sender: i32,
}

fn check(result: libc::c_long) -> Result<libc::c_long> {
    if result == -1 { Err(last_error()) } else { Ok(result) }
}

fn last_error() -> Errno {
    Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)
}

/// Splits this single-threaded process in two: `None` in the child.
pub(crate) fn fork() -> Result<Option<Pid>> {
    // SAFETY: the process has one thread, so the child inherits no lock that another thread holds.
    let pid = check(libc::c_long::from(unsafe { libc::fork() }))?;
    Ok(i32::try_from(pid).ok().and_then(Pid::from_raw))
}

/// Ends the process at once, without destructors or buffers: those belong to the process it was forked from.
pub(crate) fn exit(code: i32) -> ! {
    // SAFETY: `_exit` only takes a number and does not return.
    unsafe { libc::_exit(code) }
}

/// Moves this single-threaded process into new namespaces.
pub(crate) fn unshare(flags: UnshareFlags) -> Result<()> {
    // SAFETY: only namespace flags are given, never FILES, so descriptors keep their meaning.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// Becomes another program; returns only when that fails.
pub(crate) fn execute(path: &CStr, argv: &[CString], env: &[CString]) -> Errno {
    let pointers = |texts: &[CString]| -> Vec<*const libc::c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
    };
    let (argv, env) = (pointers(argv), pointers(env));
    // SAFETY: the path and both arrays of NUL-terminated texts, themselves ended by NULL, outlive the call.
    unsafe { libc::execve(path.as_ptr(), argv.as_ptr(), env.as_ptr()) };
    last_error()
}

/// Closes every descriptor from 3 on. Only for the start of a process, before anything owns one.
pub(crate) fn close_inherited() -> Result<()> {
    // SAFETY: nothing in this process has opened a descriptor yet; these are the caller's accidents.
    check(unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) })?;
    Ok(())
}

/// Marks every descriptor from 3 on to be closed by `execve`, also those inherited by accident.
pub(crate) fn close_others_on_exec() -> Result<()> {
    // SAFETY: marking descriptors close-on-exec does not close any that this process still uses.
    check(unsafe {
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC)
    })?;
    Ok(())
}

/// Sets attributes on a mount and all mounts below it.
pub(crate) fn set_mount_attributes(
    mount: BorrowedFd<'_>,
    attributes: MountAttributes,
) -> Result<()> {
    let wanted =
        libc::mount_attr { attr_set: attributes.0, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: the structure outlives the call and its true size is given.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const wanted,
            size_of::<libc::mount_attr>(),
        )
    })?;
    Ok(())
}

/// Makes `source` this process's descriptor number `number`, one of 0, 1 and 2.
pub(crate) fn replace_standard(source: BorrowedFd<'_>, number: i32) -> Result<()> {
    // SAFETY: only standard streams are replaced; nothing in this program owns them as `OwnedFd`.
    check(libc::c_long::from(unsafe { libc::dup2(source.as_raw_fd(), number) }))?;
    Ok(())
}

/// Moves standard input to a descriptor of its own, closed by `execve`, and puts `/dev/null` in its place.
pub(crate) fn take_stdin() -> Result<OwnedFd> {
    let stdin = std::io::stdin();
    let taken = rustix::io::fcntl_dupfd_cloexec(stdin.as_fd(), 3)?;
    let null = rustix::fs::open(
        "/dev/null",
        rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    replace_standard(null.as_fd(), 0)?;
    Ok(taken)
}

fn signal_set(signals: &[i32]) -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigemptyset` initialises the set; `sigaddset` then changes an initialised one.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), *signal);
        }
        set.assume_init()
    }
}

/// Holds back the signals that [`wait_for_signal`] looks for, so that none is lost before it is called.
pub(crate) fn block_supervised_signals() {
    let set = signal_set(&[libc::SIGTERM, libc::SIGCHLD]);
    // SAFETY: the set is initialised, and the old mask is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()) };
}

/// Waits until a child ends or this process is asked to end.
pub(crate) fn wait_for_signal() -> Result<Received> {
    let set = signal_set(&[libc::SIGTERM, libc::SIGCHLD]);
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: both structures outlive the call; zeroed bytes are a valid `siginfo_t`.
    let signal =
        check(libc::c_long::from(unsafe { libc::sigwaitinfo(&raw const set, info.as_mut_ptr()) }))?;
    // SAFETY: for both signals the kernel fills in the sender's process id.
    let sender = unsafe { info.assume_init().si_pid() };
    Ok(Received { signal: i32::try_from(signal).unwrap_or(0), sender })
}

/// Sends a signal to every process of this pid namespace but its init process. Only for that init process.
pub(crate) fn terminate_all_others() {
    // SAFETY: sending a signal touches no memory of this process. No receiver is an acceptable outcome.
    unsafe { libc::kill(-1, libc::SIGTERM) };
}

/// Gives every signal its default effect and unblocks all, as a program expects at its start.
pub(crate) fn default_signals() {
    /// Bytes of the kernel's signal set, which is not the C library's.
    const SET_BYTES: usize = 8;
    // The kernel's `struct sigaction` has at most four words; all zero, it means the default.
    let default = [0_u64; 4];
    for signal in 1..=64 {
        // SAFETY: the structure outlives the call, and the default action runs no code of this process. The C
        // library would refuse its own signals 32 and 33. Signals that cannot be changed say so.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                default.as_ptr(),
                ptr::null_mut::<u64>(),
                SET_BYTES,
            )
        };
    }
    let none = signal_set(&[]);
    // SAFETY: the set is initialised, and the old mask is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut()) };
}

/// Installs a seccomp filter. Unlike `seccompiler::apply_filter` it does not set `no_new_privs`.
pub(crate) fn install_filter(program: &[sock_filter]) -> Result<()> {
    let length = u16::try_from(program.len()).map_err(|_| Errno::INVAL)?;
    let program = libc::sock_fprog {
        len: length,
        filter: program.as_ptr().cast::<libc::sock_filter>().cast_mut(),
    };
    // SAFETY: both `sock_filter` types are the kernel's structure; the kernel copies the program and does not
    // write to it.
    check(unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program)
    })?;
    Ok(())
}

/// Leaves the caller's keyring behind, so that its keys cannot be used inside. Kernels without keys are fine.
pub(crate) fn new_session_keyring() {
    const KEYCTL_JOIN_SESSION_KEYRING: libc::c_long = 1;
    // SAFETY: a NULL name asks for an anonymous keyring.
    unsafe { libc::syscall(libc::SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, ptr::null::<u8>()) };
}

/// Brings up the loopback interface of a new network namespace.
pub(crate) fn loopback_up() -> Result<()> {
    // SAFETY: creating a socket takes only numbers.
    let socket = check(libc::c_long::from(unsafe {
        libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0)
    }))?;
    // SAFETY: the descriptor was just made and belongs to nobody else.
    let socket = unsafe { OwnedFd::from_raw_fd(i32::try_from(socket).map_err(|_| Errno::BADF)?) };
    // SAFETY: zeroed bytes are a valid `ifreq`.
    let mut request: libc::ifreq = unsafe { MaybeUninit::zeroed().assume_init() };
    for (slot, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *slot = libc::c_char::from_ne_bytes([*byte]);
    }
    request.ifr_ifru.ifru_flags = libc::c_short::try_from(libc::IFF_UP).unwrap_or(1);
    // SAFETY: the request is an `ifreq`, which this ioctl reads, and it outlives the call.
    check(libc::c_long::from(unsafe {
        libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request)
    }))?;
    Ok(())
}
