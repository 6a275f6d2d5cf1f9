//! The pages over sockets: who sees what, what a form may do, and what others wrote.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod forms;
mod hostile;
mod knowing;
mod lists;
mod log;
mod rights;
mod sessions;
mod site;
