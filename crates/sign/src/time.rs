//! Times as the documents have them: RFC 3339, whole seconds, UTC.

use jiff::Timestamp;

pub(crate) fn text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
