//! What an operator asks of a depot: collect, apply retention, scrub, back up, look into the past, make robots, read the
//! audit log ([`audit`], and [`browse`] a page at a time).
//!
//! Entry points: [`perform`] does it with a depot at hand; [`attend`] lets a server do it for whoever opens the socket in
//! its folder, and [`ask`] is that other side. Invariants: only the server's own user, and root, are heard; a request
//! that cannot be read does nothing; nothing here stops what the server does.

mod desk;
mod error;
mod request;
mod robots;

pub mod audit;
pub mod browse;

pub use desk::{Attending, Rhythm, ask, attend, tend};
pub use error::Error;
pub use request::{Answer, Request, perform, robot_row};
pub use robots::robot_records;
