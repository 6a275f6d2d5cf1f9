//! Runs a process in its own namespaces, mounts, capabilities and seccomp filter.

mod error;
mod spec;

use std::sync::atomic::AtomicBool;

pub use error::Error;
pub use spec::{Exit, Mount, Network, Spec, Stream, User};

/// How this process came to be root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// Root of the machine.
    Root,
    /// Root of a user namespace with a range of subordinate ids.
    UserNamespace,
    /// Root of a user namespace that knows no other user.
    SingleUser,
}

/// First line of `main`.
pub fn handle_reexec() {}

/// Makes this process root.
pub fn become_root() -> Result<Privilege, Error> {
    Err(Error::Unprepared)
}

/// Tells whether sandboxes can be started.
pub fn probe() -> Result<(), Error> {
    Err(Error::Unprepared)
}

/// Runs a command.
pub fn run(
    spec: &Spec,
    _output: &mut dyn FnMut(Stream, &[u8]),
    _cancel: &AtomicBool,
) -> Result<Exit, Error> {
    spec.check()?;
    Err(Error::Unprepared)
}
