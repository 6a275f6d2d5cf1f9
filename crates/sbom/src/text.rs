//! Texts as documents may hold them.

use sealift_model::Package;
use sealift_oci::Digest;

const LINE_CHARS_MAX: usize = 4096;

/// One line without control characters.
pub(crate) fn line(text: &str) -> String {
    text.chars()
        .take(LINE_CHARS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

/// A text that is not empty.
pub(crate) fn some(text: &str) -> Option<String> {
    let text = line(text);
    if text.is_empty() { None } else { Some(text) }
}

/// The package URL of a package; without a name there is none.
pub(crate) fn purl(package: &Package) -> Option<String> {
    (!package.purl.name.is_empty()).then(|| package.purl.to_string())
}

/// The type in the package URL.
pub(crate) fn purl_type(package: &Package) -> &str {
    if package.purl.kind.is_empty() { package.kind.purl_type() } else { &package.purl.kind }
}

/// The text as an identifier of SPDX: letters, digits, `.` and `-`.
pub(crate) fn identifier(text: &str) -> String {
    text.chars()
        .take(80)
        .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' })
        .collect()
}

/// A web address, if the text is one that every reader accepts.
pub(crate) fn web_address(text: &str) -> Option<String> {
    let text = text.trim();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))?;
    let host = rest.split(['/', '?', '#']).next()?;
    let host_is_plain = !host.is_empty()
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte))
        && host
            .split_once(':')
            .is_none_or(|(name, port)| !name.is_empty() && port.parse::<u16>().is_ok());
    let is_plain = text.len() <= 2048
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&'()*+,;=%".contains(&byte))
        && text.matches('#').count() <= 1
        && has_whole_escapes(text);
    (host_is_plain && is_plain).then(|| text.to_owned())
}

fn has_whole_escapes(text: &str) -> bool {
    text.split('%')
        .skip(1)
        .all(|rest| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit()))
}

/// A UUID made from content (RFC 9562 §5.8, version 8).
pub(crate) fn content_uuid(content: &[u8]) -> String {
    let digest = Digest::sha256(content);
    let hex = digest.hex();
    let variant = match hex.as_bytes()[16] {
        b'0' | b'4' | b'8' | b'c' => '8',
        b'1' | b'5' | b'9' | b'd' => '9',
        b'2' | b'6' | b'a' | b'e' => 'a',
        _ => 'b',
    };
    format!(
        "{}-{}-8{}-{variant}{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[13..16],
        &hex[17..20],
        &hex[20..32]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_addresses() {
        for good in ["https://a.org", "http://a.org:80/x?y=1#z", "https://a/%20"] {
            assert_eq!(web_address(good).as_deref(), Some(good));
        }
        for bad in [
            "",
            "ftp://a",
            "https://",
            "https://a b",
            "https://a/ä",
            "http://a/%2",
            "http://a/#x#y",
            "http://a:b/",
            "http://[::1/",
            "http://a/<x>",
            "UNKNOWN",
        ] {
            assert_eq!(web_address(bad), None, "{bad}");
        }
    }

    #[test]
    fn uuids() {
        let uuid = content_uuid(b"x");
        assert_eq!(uuid, content_uuid(b"x"));
        assert_ne!(uuid, content_uuid(b"y"));
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'8');
    }

    #[test]
    fn lines() {
        assert_eq!(line(" a\nb\u{0} "), "a b");
        assert_eq!(some(" \t"), None);
        assert_eq!(identifier("a+b_c~1.2"), "a-b-c-1.2");
    }
}
