//! PEM blocks (RFC 7468), read strictly: one block, nothing around it, no headers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::Error;

const TEXT_BYTES_MAX: usize = 64 << 10;

/// Decodes the only block of a text, if it has this label.
pub(crate) fn decode(text: &str, label: &'static str) -> Result<Vec<u8>, Error> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(Error::TooLarge { what: "PEM file", size: text.len(), limit: TEXT_BYTES_MAX });
    }
    let error = |reason| Error::Pem { label, reason };
    let body = text
        .trim_ascii()
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.strip_prefix(label))
        .and_then(|rest| rest.strip_prefix("-----"))
        .ok_or_else(|| error("it does not begin with that label"))?;
    let body = body
        .strip_suffix("-----")
        .and_then(|rest| rest.strip_suffix(label))
        .and_then(|rest| rest.strip_suffix("-----END "))
        .ok_or_else(|| error("it does not end with that label"))?;
    // It may be a private key.
    let base64: Zeroizing<String> =
        Zeroizing::new(body.split(['\r', '\n']).map(str::trim_ascii).collect());
    STANDARD.decode(base64.as_bytes()).map_err(|_| error("the body is not base64"))
}

/// True if the text begins with a block of this label.
pub(crate) fn has_label(text: &str, label: &str) -> bool {
    let rest = text.trim_ascii_start().strip_prefix("-----BEGIN ");
    rest.and_then(|rest| rest.strip_prefix(label)).is_some_and(|rest| rest.starts_with("-----"))
}

/// A block with lines of 64 characters.
pub(crate) fn encode(bytes: &[u8], label: &str) -> String {
    let base64 = STANDARD.encode(bytes);
    let mut text = format!("-----BEGIN {label}-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text + "-----END " + label + "-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        for size in [0, 1, 47, 48, 49, 200] {
            let bytes: Vec<u8> = (0..size).collect();
            assert_eq!(decode(&encode(&bytes, "X"), "X").unwrap(), bytes);
        }
        assert!(decode("-----BEGIN X-----\r\nAAEC\r\n-----END X-----\r\n", "X").is_ok());
    }

    #[test]
    fn refuses_what_is_not_one_block() {
        let block = encode(b"abc", "X");
        for text in [
            String::new(),
            "-----BEGIN X-----".to_owned(),
            "-----BEGIN X----------END X-----garbage".to_owned(),
            format!("text\n{block}"),
            format!("{block}text"),
            format!("{block}{block}"),
            block.replace("END X", "END Y"),
            block.replace("YWJj", "YWJ"),
            block.replace("YWJj", "Proc-Type: 4\n\nYWJj"),
        ] {
            assert!(decode(&text, "X").is_err(), "{text:?}");
        }
        assert!(decode(&block, "Y").is_err());
        assert!(decode(&"x".repeat(TEXT_BYTES_MAX + 1), "X").is_err());
    }
}
