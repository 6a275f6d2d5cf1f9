//! Starting this program again in another role.
//!
//! Namespaces must be entered by a process with one thread, and the callers have many. So the program starts itself
//! anew, under a name that its `main` recognises before anything else happens.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Error;
use crate::{init, privilege, probe, sys};

/// The name under which the program knows that it is not called by a user.
const NAME: &str = "sealift-sandbox-init";

/// Set by [`handle_reexec`]: without it a new start would run the whole program again, and that again itself.
static PREPARED: AtomicBool = AtomicBool::new(false);

/// What the program is started for.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    Supervisor,
    Mapper,
    Probe,
}

impl Role {
    fn name(self) -> &'static str {
        match self {
            Self::Supervisor => "run",
            Self::Mapper => "map",
            Self::Probe => "probe",
        }
    }
}

/// Must be the first line of `main`, before any thread is started. When the program was started by [`crate::run`],
/// [`crate::become_root`] or [`crate::probe`] it does their work and never returns; otherwise it does nothing.
pub fn handle_reexec() {
    PREPARED.store(true, Ordering::Relaxed);
    let mut arguments = std::env::args_os();
    if arguments.next().is_none_or(|name| name != NAME) {
        return;
    }
    let role = arguments.next().unwrap_or_default();
    match role.to_str() {
        Some("run") => init::supervise(),
        Some("map") => privilege::map_for(arguments),
        Some("probe") => probe::answer(),
        _ => sys::exit(2),
    }
}

/// The command that starts this program in a role.
pub(crate) fn command(role: Role) -> Result<Command, Error> {
    if !PREPARED.load(Ordering::Relaxed) {
        return Err(Error::Unprepared);
    }
    let mut command = Command::new("/proc/self/exe");
    command.arg0(NAME).arg(role.name());
    Ok(command)
}
