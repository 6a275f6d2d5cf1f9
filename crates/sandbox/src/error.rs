//! Why a command could not be run.

use std::io;
use std::path::PathBuf;

use rustix::io::Errno;

/// What went wrong before, around or instead of the command. A command that ran and failed is an
/// [`crate::Exit`], not an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The program did not call [`crate::handle_reexec`] first, so it cannot start itself as the init process.
    #[error("this program was not prepared to start sandboxes")]
    Unprepared,
    /// The specification cannot be carried out by any kernel.
    #[error("{what}")]
    InvalidSpec {
        /// What is wrong with it.
        what: String,
    },
    /// A directory or file that the specification names cannot be opened.
    #[error("cannot open `{}`", path.display())]
    Open {
        /// The path on the host.
        path: PathBuf,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The kernel or an outer container does not let this process make namespaces.
    #[error("cannot create {what}")]
    NamespacesDenied {
        /// Which namespace.
        what: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The layers cannot be stacked.
    #[error("cannot mount the image's layers as overlay")]
    Overlay {
        /// The kernel's answer.
        source: io::Error,
    },
    /// A mount inside the sandbox failed.
    #[error("cannot mount `{target}`")]
    Mount {
        /// The path inside.
        target: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The disk or a file system in memory is full.
    #[error("no space left while {step}")]
    NoSpace {
        /// What was being done.
        step: String,
    },
    /// Another step of the preparation failed.
    #[error("cannot prepare the sandbox while {step}")]
    Setup {
        /// What was being done.
        step: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The working directory cannot be entered.
    #[error("cannot enter working directory `{path}`")]
    WorkingDirectory {
        /// The path inside.
        path: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The command's user cannot be taken.
    #[error("cannot become user {uid} and group {gid}")]
    User {
        /// User id asked for.
        uid: u32,
        /// Group id asked for.
        gid: u32,
        /// The kernel's answer.
        source: io::Error,
    },
    /// There is no such program in the image.
    #[error("command `{command}` not found in the image")]
    CommandNotFound {
        /// The program as given.
        command: String,
        /// The `PATH` that was searched, when the program has no slash.
        search_path: Option<String>,
    },
    /// The program exists, but the interpreter or loader that it names does not.
    #[error("the interpreter or loader of `{command}` is missing in the image")]
    LoaderMissing {
        /// The program found.
        command: String,
    },
    /// The program exists, but cannot be executed.
    #[error("cannot execute `{command}`")]
    NotExecutable {
        /// The program found.
        command: String,
        /// The kernel's answer.
        source: io::Error,
    },
    /// The caller asked to stop; the command and all its children are gone.
    #[error("the command was cancelled")]
    Cancelled,
    /// The init process ended without a word, as when the kernel ran out of memory.
    #[error("the sandbox ended unexpectedly ({how})")]
    Lost {
        /// Its exit status.
        how: String,
    },
}

impl Error {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NamespacesDenied { source, .. } if is(source, Errno::NOSPC) => {
                "the limit on namespaces is reached; raise `user.max_user_namespaces` and its \
                 neighbours with `sysctl`"
            }
            Self::NamespacesDenied { .. } => NAMESPACES_HINT,
            Self::Overlay { source } => overlay_hint(source)?,
            Self::Mount { target, source } if target == "/proc" && is(source, Errno::PERM) => {
                "an outer container hides parts of /proc; start it with \
                 `--security-opt systempaths=unconfined`, or build outside of it"
            }
            Self::NoSpace { .. } => "free some space, or move the store to a larger disk",
            Self::WorkingDirectory { .. } => "create it first, for example with WORKDIR",
            Self::User { .. } => {
                "the id is outside the range this process may use; give your user ranges with \
                 `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 NAME` and \
                 install the package `uidmap`"
            }
            Self::CommandNotFound { command, .. } if command == "/bin/sh" => {
                "the image has no shell; use the exec form, such as RUN [\"/app/tool\", \"argument\"]"
            }
            Self::CommandNotFound { search_path: Some(path), .. } => {
                return Some(format!("it was looked for in `{path}`"));
            }
            Self::LoaderMissing { .. } => {
                "a script's first line names a program that the image lacks, or the program was \
                 built for another C library"
            }
            Self::NotExecutable { source, .. } => not_executable_hint(source)?,
            Self::Lost { .. } => "look for `oom` in the kernel's messages (`dmesg`)",
            _ => return None,
        };
        Some(hint.to_owned())
    }

    /// The code with which a shell would report this: 127 when the command does not exist, 126 when it cannot be
    /// executed, none when the sandbox itself failed.
    pub fn exit_code(&self) -> Option<i32> {
        match self {
            Self::CommandNotFound { .. } | Self::LoaderMissing { .. } => Some(127),
            Self::NotExecutable { .. } => Some(126),
            _ => None,
        }
    }
}

const NAMESPACES_HINT: &str = "\
    inside a container: start it with `--privileged`, or with `--security-opt seccomp=unconfined \
    --security-opt apparmor=unconfined`; on a host: allow user namespaces \
    (`sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000 \
    kernel.apparmor_restrict_unprivileged_userns=0`), or run as root";

fn is(source: &io::Error, errno: Errno) -> bool {
    Errno::from_io_error(source) == Some(errno)
}

fn overlay_hint(source: &io::Error) -> Option<&'static str> {
    match Errno::from_io_error(source)? {
        Errno::NODEV => Some("the kernel lacks overlayfs; try `modprobe overlay`"),
        Errno::PERM => {
            Some("overlayfs in a user namespace needs Linux 5.11 or later, or run as root")
        }
        Errno::INVAL => Some(
            "the store must be on a file system that can carry overlayfs, such as ext4, xfs or btrfs: \
             not on another overlay, NFS or vfat",
        ),
        _ => None,
    }
}

fn not_executable_hint(source: &io::Error) -> Option<&'static str> {
    match Errno::from_io_error(source)? {
        Errno::ACCESS => Some("give it execute permission, for example with COPY --chmod=755"),
        Errno::NOEXEC => {
            Some("it was built for another architecture, or is a script without a `#!` line")
        }
        _ => None,
    }
}
