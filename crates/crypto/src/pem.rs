//! PEM blocks (RFC 7468), read strictly: nothing around them. [`Block`] has the headers of RFC 1421 too.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::{Error, Secret};

const TEXT_BYTES_MAX: usize = 64 << 10;
const HEADERS_MAX: usize = 16;

/// A block with headers, as Docker's key files have them.
pub struct Block {
    /// What stands after `BEGIN`.
    pub label: String,
    /// Names and values, in their order.
    pub headers: Vec<(String, String)>,
    /// The content; it may be a private key.
    pub content: Secret,
}

impl Block {
    /// Reads a text that is one block.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let mut blocks = Self::parse_all(text)?;
        match (blocks.pop(), blocks.is_empty()) {
            (Some(block), true) => Ok(block),
            _ => Err(error("it is not one block")),
        }
    }

    /// Reads a text of blocks and nothing else.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, Error> {
        if text.len() > TEXT_BYTES_MAX {
            let size = text.len();
            return Err(Error::TooLarge { what: "PEM file", size, limit: TEXT_BYTES_MAX });
        }
        let mut blocks = Vec::new();
        let mut lines = text.lines().map(str::trim_ascii_end).peekable();
        while let Some(line) = lines.next() {
            if line.is_empty() {
                continue;
            }
            let label = line
                .strip_prefix("-----BEGIN ")
                .and_then(|rest| rest.strip_suffix("-----"))
                .ok_or_else(|| error("a line before the block"))?;
            let mut headers = Vec::new();
            while let Some((name, value)) = lines.peek().and_then(|line| line.split_once(':')) {
                if headers.len() == HEADERS_MAX {
                    return Err(error("too many headers"));
                }
                headers.push((name.trim_ascii().to_owned(), value.trim_ascii().to_owned()));
                lines.next();
            }
            if !headers.is_empty() && lines.next() != Some("") {
                return Err(error("no empty line after the headers"));
            }
            let end = format!("-----END {label}-----");
            let mut base64 = Zeroizing::new(String::new());
            loop {
                match lines.next() {
                    Some(line) if line == end => break,
                    Some(line) if line.starts_with('-') => {
                        return Err(error("another label at the end"));
                    }
                    Some(line) => base64.push_str(line),
                    None => return Err(error("no end")),
                }
            }
            let content =
                STANDARD.decode(base64.as_bytes()).map_err(|_| error("the body is not base64"))?;
            blocks.push(Self { label: label.to_owned(), headers, content: Secret::new(content) });
        }
        Ok(blocks)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The block as text. No header may have a line break in it.
    pub fn to_text(&self) -> Result<String, Error> {
        let plain = encode(self.content.expose(), &self.label);
        if self.headers.is_empty() {
            return Ok(plain);
        }
        let mut headers = String::new();
        for (name, value) in &self.headers {
            if name.contains([':', '\r', '\n']) || value.contains(char::is_control) {
                return Err(error("a header that cannot be written"));
            }
            headers.extend([name, ": ", value, "\n"]);
        }
        let start = plain.find('\n').expect("a block has lines") + 1;
        Ok(format!("{}{headers}\n{}", &plain[..start], &plain[start..]))
    }
}

fn error(reason: &'static str) -> Error {
    Error::Pem { label: "of any kind", reason }
}

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
    fn headers_round_trip() {
        let block = Block {
            label: "X".to_owned(),
            headers: vec![
                ("gun".to_owned(), "host:1/a".to_owned()),
                ("role".to_owned(), "targets".to_owned()),
            ],
            content: Secret::new(vec![7; 70]),
        };
        let text = block.to_text().unwrap();
        assert!(
            text.starts_with("-----BEGIN X-----\ngun: host:1/a\nrole: targets\n\nBwcH"),
            "{text}"
        );
        for text in [text.clone(), text.replace('\n', "\r\n"), format!("\n{text}\n\n")] {
            let read = Block::parse(&text).unwrap();
            assert_eq!((&read.label, &read.headers), (&block.label, &block.headers));
            assert_eq!(read.content.expose(), block.content.expose());
        }
        assert_eq!(block.header("role"), Some("targets"));
        assert_eq!(Block::parse_all(&format!("{text}{text}")).unwrap().len(), 2);
        for text in [
            format!("{text}{text}"),
            format!("{text}x"),
            text.replace("targets\n\n", "targets\n"),
            text.replace("END X", "END Y"),
            text.replace("-----END X-----\n", ""),
            text.replace("BwcH", "Bwc"),
            text.replace("role: targets\n", &"a: b\n".repeat(20)),
            String::new(),
        ] {
            assert!(Block::parse(&text).is_err(), "{text}");
        }
        let header = ("role".to_owned(), "a\nb: c".to_owned());
        assert!(Block { headers: vec![header], ..block }.to_text().is_err());
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
