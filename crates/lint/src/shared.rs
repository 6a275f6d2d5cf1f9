//! What rules on other kinds of files need of this crate's knowledge: ports, secrets, comments that silence.

use crate::rules::{ADMIN, DATABASE, find_secrets};
use crate::suppress;

pub use sealift_secrets::{can_be_secret, is_secret_name};

pub use crate::suppress::Silence;

/// The first port of a range by which something is administrated, and what.
pub fn admin_port(range: (u16, u16)) -> Option<(u16, &'static str)> {
    within(&ADMIN, range)
}

/// The first port of a range that a store listens on, and which.
pub fn database_port(range: (u16, u16)) -> Option<(u16, &'static str)> {
    within(&DATABASE, range)
}

fn within(table: &[(u16, &'static str)], (low, high): (u16, u16)) -> Option<(u16, &'static str)> {
    table.iter().find(|(port, _)| (low..=high).contains(port)).copied()
}

/// What the secrets in a text are, by their look.
pub fn secrets_in(text: &str) -> Vec<String> {
    find_secrets(text).into_iter().map(|found| found.title).collect()
}

/// What a comment, without its `#`, silences on a day such as `2026-01-31`; nothing if it is about something else.
pub fn silenced_by(comment: &str, today: Option<&str>) -> Option<Silence> {
    suppress::silenced_by(comment, today)
}
