//! Times as images have them: RFC 3339, whole seconds.

use jiff::Timestamp;

/// Now.
pub(crate) fn now() -> String {
    format(Timestamp::now().as_second())
}

/// A number of seconds since 1970.
pub(crate) fn format(seconds: i64) -> String {
    Timestamp::from_second(seconds).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
