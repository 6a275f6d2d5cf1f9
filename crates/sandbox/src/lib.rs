//! Runs a process in its own namespaces, mounts, capabilities and seccomp filter.
//!
//! ```text
//! caller ── run ──> supervisor ──> init (pid 1 inside) ──> command
//!   │ socket: spec ↓ report ↑        │ root, /proc, /dev, reaping
//!   └ pipes: stdout, stderr          └ when it ends, all that is left ends
//! ```
//!
//! A program that uses this crate calls [`handle_reexec`] as the first line of `main`, [`become_root`] once before
//! it starts threads, and then [`run`] as often as it likes, from as many threads as it likes. What the command
//! writes ends up in [`Spec::upper_dir`] in overlayfs's form: whiteouts are character devices 0/0, opaque directories
//! carry `trusted.overlay.opaque` (`user.overlay.opaque` in a user namespace). Nothing of the sandbox itself is there.
//!
//! What holds whatever the command does: no process outlives [`run`]; no mount is ever visible on the host; the
//! command has at most Docker's default capabilities and system calls, no devices but `/dev`'s own, and neither
//! `/proc` nor `/sys` lets it change the host. With [`Network::Host`] it does share the caller's network, and as
//! root of the machine it keeps `CAP_NET_RAW` there, as `docker build --network host` does.
//!
//! Needs Linux 5.12 (Linux 6.8 for images of more than some 230 layers).

mod error;
mod identity;
mod init;
mod mount;
mod name_files;
mod overlay;
mod path_walk;
mod privilege;
mod probe;
mod reexec;
mod report;
mod root;
mod run;
mod seccomp;
mod spec;
mod sys;

pub use error::Error;
pub use privilege::{Privilege, become_root};
pub use probe::probe;
pub use reexec::handle_reexec;
pub use run::run;
pub use spec::{Exit, Mount, Network, Spec, Stream, User};
