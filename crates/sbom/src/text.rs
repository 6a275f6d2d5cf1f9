//! Texts as documents may hold them.

use sealift_model::{Hash, HashAlgorithm, Package};
use sealift_oci::Digest;

const LINE_CHARS_MAX: usize = 4096;
const LINES_MAX: usize = 1000;

/// One line without control characters.
pub(crate) fn line(text: &str) -> String {
    text.chars()
        .take(LINE_CHARS_MAX)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Lines without other control characters; `None` if nothing is in them.
pub(crate) fn block(text: &str) -> Option<String> {
    let lines = text.lines().map(line).filter(|line| !line.is_empty());
    let lines: Vec<String> = lines.take(LINES_MAX).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
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

/// The version, or the date of the file for what has none (BSI TR-03183-2 §5.2.2; CISA 2025, "Component Version").
pub(crate) fn version_or_date(package: &Package) -> Option<String> {
    package.version.as_deref().and_then(some).or_else(|| date_for_version(package))
}

/// The date of the file of what has no version, RFC 3339.
pub(crate) fn date_for_version(package: &Package) -> Option<String> {
    let seconds = package.modified_secs.filter(|_| package.version.is_none())?;
    jiff::Timestamp::from_second(seconds).ok().map(|time| time.to_string())
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

/// A CPE as a formatted string (NISTIR 7695 §6.2), if it is one that every reader accepts.
pub(crate) fn cpe(text: &str) -> Option<String> {
    let rest = text.strip_prefix("cpe:2.3:")?;
    let mut parts = 1;
    let mut is_quoted = false;
    for byte in rest.bytes() {
        match byte {
            _ if is_quoted => is_quoted = false,
            b'\\' => is_quoted = true,
            b':' => parts += 1,
            b'*' | b'?' | b'-' | b'.' | b'_' | b'~' => {}
            _ if byte.is_ascii_alphanumeric() => {}
            _ => return None,
        }
    }
    let part = rest.split(':').next()?;
    (parts == 11 && !is_quoted && matches!(part, "a" | "o" | "h") && text.len() <= 2048)
        .then(|| text.to_owned())
}

/// True if the value of a hash is as long as its function makes it, in lower-case hexadecimal.
pub(crate) fn is_hash(hash: &Hash) -> bool {
    let length = match hash.algorithm {
        HashAlgorithm::Md5 => 32,
        HashAlgorithm::Sha1 => 40,
        HashAlgorithm::Sha256 => 64,
        HashAlgorithm::Sha384 => 96,
        HashAlgorithm::Sha512 => 128,
    };
    let is_lower = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    hash.hex.len() == length && hash.hex.bytes().all(is_lower)
}

/// The hash function of a name as formats write it: `SHA-256`, `SHA256`, `sha256`.
pub(crate) fn hash_algorithm(name: &str) -> Option<HashAlgorithm> {
    Some(match name.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
        "md5" => HashAlgorithm::Md5,
        "sha1" => HashAlgorithm::Sha1,
        "sha256" => HashAlgorithm::Sha256,
        "sha384" => HashAlgorithm::Sha384,
        "sha512" => HashAlgorithm::Sha512,
        _ => return None,
    })
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value & 0xf)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
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
    fn cpes() {
        let good = r"cpe:2.3:a:gnu:libc\+\+:2.36-9\+deb12u9:*:*:*:*:*:*:*";
        assert_eq!(cpe(good).as_deref(), Some(good));
        for bad in [
            "",
            "cpe:/a:x:y",
            "cpe:2.3:a:x:y",
            "cpe:2.3:x:a:b:*:*:*:*:*:*:*:*",
            r"cpe:2.3:a:a b:c:1:*:*:*:*:*:*:*",
        ] {
            assert_eq!(cpe(bad), None, "{bad}");
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
