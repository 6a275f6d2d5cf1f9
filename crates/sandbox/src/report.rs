//! What the init process tells the caller: lines of JSON over a socket, the first of which counts.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::spec::{Exit, Spec};

/// Bound on a specification on its way to the init process: `execve` takes at most 6 MiB of texts anyway.
const SPEC_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// Byte that asks the supervisor to send SIGTERM to the command.
pub(crate) const TERMINATE: u8 = b'T';
/// Byte that asks the supervisor to kill everything.
pub(crate) const KILL: u8 = b'K';

/// A message from the init process.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The command ran and ended.
    Exit(Exit),
    /// The command could not be run.
    Failed(Failure),
}

/// A step that failed and the kernel's reason, in a form that travels.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) step: Step,
    pub(crate) errno: i32,
}

/// The steps that can fail.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Step {
    Open(String),
    Namespace(String),
    Overlay,
    Mount(String),
    Prepare(String),
    WorkingDirectory(String),
    User { uid: u32, gid: u32 },
    FindCommand { command: String, search_path: Option<String> },
    LoadCommand(String),
    ExecuteCommand(String),
    Live(String),
}

/// Names the step that a kernel error belongs to.
pub(crate) trait Context<T> {
    fn step(self, step: impl FnOnce() -> Step) -> Result<T, Failure>;

    fn prepare(self, what: &str) -> Result<T, Failure>
    where
        Self: Sized,
    {
        self.step(|| Step::Prepare(what.to_owned()))
    }
}

impl<T> Context<T> for rustix::io::Result<T> {
    fn step(self, step: impl FnOnce() -> Step) -> Result<T, Failure> {
        self.map_err(|errno| Failure::new(step(), errno))
    }
}

impl<T> Context<T> for std::io::Result<T> {
    fn step(self, step: impl FnOnce() -> Step) -> Result<T, Failure> {
        self.map_err(|error| {
            let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
            Failure::new(step(), errno)
        })
    }
}

impl Failure {
    pub(crate) fn new(step: Step, errno: Errno) -> Self {
        Self { step, errno: errno.raw_os_error() }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let source = std::io::Error::from_raw_os_error(failure.errno);
        // For namespaces this number means that a limit on their count is reached.
        let counted = matches!(failure.step, Step::Namespace(_));
        if failure.errno == Errno::NOSPC.raw_os_error() && !counted {
            let step = match failure.step {
                Step::Mount(target) => format!("mounting `{target}`"),
                Step::Prepare(what) => what,
                other => format!("preparing the sandbox ({other:?})"),
            };
            return Self::NoSpace { step };
        }
        match failure.step {
            Step::Open(path) => Self::Open { path: path.into(), source },
            Step::Namespace(what) => Self::NamespacesDenied { what, source },
            Step::Overlay => Self::Overlay { source },
            Step::Mount(target) => Self::Mount { target, source },
            Step::Prepare(step) => Self::Setup { step, source },
            Step::WorkingDirectory(path) => Self::WorkingDirectory { path, source },
            Step::User { uid, gid } => Self::User { uid, gid, source },
            Step::FindCommand { command, search_path } => {
                Self::CommandNotFound { command, search_path }
            }
            Step::LoadCommand(command) => Self::LoaderMissing { command },
            Step::ExecuteCommand(command) => Self::NotExecutable { command, source },
            Step::Live(how) => Self::Lost { how },
        }
    }
}

/// Sends the specification: its length, then JSON.
pub(crate) fn send_spec(mut control: &UnixStream, spec: &Spec) -> std::io::Result<()> {
    let json = serde_json::to_vec(spec)?;
    let length = u32::try_from(json.len()).ok().filter(|length| *length <= SPEC_BYTES_MAX);
    let length =
        length.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::ArgumentListTooLong))?;
    control.write_all(&length.to_ne_bytes())?;
    control.write_all(&json)
}

/// Receives what [`send_spec`] sent; `None` when the caller is gone or is not Sealift.
pub(crate) fn receive_spec(mut control: &UnixStream) -> Option<Spec> {
    let mut length = [0; 4];
    control.read_exact(&mut length).ok()?;
    let length = u32::from_ne_bytes(length);
    if length > SPEC_BYTES_MAX {
        return None;
    }
    let mut json = Vec::new();
    control.take(u64::from(length)).read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Sends a message; when the caller is gone, there is nobody left to tell.
pub(crate) fn send(mut control: &UnixStream, report: &Report) {
    if let Ok(mut line) = serde_json::to_vec(report) {
        line.push(b'\n');
        let _gone = control.write_all(&line);
    }
}

/// Reads the first message out of all that was received.
pub(crate) fn first(received: &[u8]) -> Option<Report> {
    let line = received.split(|byte| *byte == b'\n').next()?;
    serde_json::from_slice(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_has_its_own_error() {
        let failure = Failure::new(Step::Prepare("making mount points".to_owned()), Errno::NOSPC);
        let error = Error::from(failure);
        assert_eq!(error.to_string(), "no space left while making mount points");
        assert!(error.hint().is_some());
        let failure = Failure::new(Step::Namespace("a user namespace".to_owned()), Errno::NOSPC);
        assert_eq!(Error::from(failure).to_string(), "cannot create a user namespace");
    }

    #[test]
    fn the_first_report_counts() {
        let received = b"{\"Exit\":{\"Code\":3}}\n{\"Exit\":{\"Code\":0}}\n";
        assert!(matches!(first(received), Some(Report::Exit(Exit::Code(3)))));
        assert!(first(b"").is_none());
        assert!(first(b"noise\n").is_none());
    }

    #[test]
    fn a_specification_that_ends_early_is_none() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        (&ours).write_all(&100_u32.to_ne_bytes()).unwrap();
        (&ours).write_all(b"{").unwrap();
        drop(ours);
        assert!(receive_spec(&theirs).is_none());
        let (ours, theirs) = UnixStream::pair().unwrap();
        (&ours).write_all(&u32::MAX.to_ne_bytes()).unwrap();
        assert!(receive_spec(&theirs).is_none());
    }
}
