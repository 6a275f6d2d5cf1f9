//! The cleartext signature framework (RFC 9580 §7).
//!
//! Stricter than the specification where a looser reader could show other text than was signed: nothing stands
//! before the message or after its signature, there is one message, only `Hash` headers, no bare carriage return.

use super::packet::{decode_armor, lines};
use crate::Error;

const MESSAGE_BYTES_MAX: usize = 32 << 20;
const BEGIN_MESSAGE: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";
const BEGIN_SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";
const END_SIGNATURE: &[u8] = b"-----END PGP SIGNATURE-----";

/// A signed text, taken apart.
pub(super) struct Message {
    /// Hash algorithms of the headers, by number.
    pub(super) hashes: Vec<u8>,
    /// The text as it was hashed: no trailing whitespace, lines parted by `\r\n`.
    pub(super) hashed: Vec<u8>,
    /// The same text with `\n` after each line.
    pub(super) payload: Vec<u8>,
    /// The signature packets.
    pub(super) signatures: Vec<u8>,
}

pub(super) fn parse(text: &[u8]) -> Result<Message, Error> {
    if text.len() > MESSAGE_BYTES_MAX {
        return Err(Error::TooLarge {
            what: "signed message",
            size: text.len(),
            limit: MESSAGE_BYTES_MAX,
        });
    }
    let lines = lines(text);
    let error = |index: usize, reason| Error::Cleartext { line: index + 1, reason };
    if lines.first() != Some(&BEGIN_MESSAGE) {
        return Err(error(0, "the first line does not begin a signed message"));
    }
    let blank = lines
        .iter()
        .position(|line| line.is_empty())
        .ok_or_else(|| error(0, "no empty line after the headers"))?;
    let mut hashes = Vec::new();
    for (index, line) in lines.iter().enumerate().take(blank).skip(1) {
        read_hash_header(line, &mut hashes)
            .ok_or_else(|| error(index, "not a `Hash` header with names of hashes"))?;
    }
    let body = blank + 1;
    let begin = body
        + lines[body..]
            .iter()
            .position(|line| *line == BEGIN_SIGNATURE)
            .ok_or_else(|| error(lines.len(), "no signature after the text"))?;
    let mut hashed = Vec::with_capacity(text.len());
    let mut payload = Vec::with_capacity(text.len());
    for (index, line) in lines.iter().enumerate().take(begin).skip(body) {
        let line = clean_line(line).map_err(|reason| error(index, reason))?;
        if index > body {
            hashed.extend_from_slice(b"\r\n");
        }
        hashed.extend_from_slice(line);
        payload.extend_from_slice(line);
        payload.push(b'\n');
    }
    let end = lines.len() - 1;
    if lines[end] != END_SIGNATURE {
        return Err(error(end, "the last line does not end the signature"));
    }
    let armor = lines.get(begin + 1..end).unwrap_or_default();
    let signatures = decode_armor(begin + 2, armor.iter().copied())?;
    Ok(Message { hashes, hashed, payload, signatures })
}

// Names of RFC 9580 §9.5; weak ones may be named, but no signature may use them.
fn read_hash_header(line: &[u8], hashes: &mut Vec<u8>) -> Option<()> {
    let names = std::str::from_utf8(line.strip_prefix(b"Hash: ")?).ok()?;
    for name in names.split(',') {
        hashes.push(match name.trim_matches(' ') {
            "MD5" => 1,
            "SHA1" => 2,
            "RIPEMD160" => 3,
            "SHA256" => 8,
            "SHA384" => 9,
            "SHA512" => 10,
            "SHA224" => 11,
            "SHA3-256" => 12,
            "SHA3-512" => 14,
            _ => return None,
        });
    }
    Some(())
}

// Undoes the dash escape and drops trailing whitespace, which is not signed.
fn clean_line(line: &[u8]) -> Result<&[u8], &'static str> {
    let line = match line.strip_prefix(b"-") {
        Some(rest) => {
            rest.strip_prefix(b" ").ok_or("a line with `-` at its start is not escaped")?
        }
        None => line,
    };
    if line.contains(&b'\r') {
        return Err("a carriage return inside the line");
    }
    let end = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |at| at + 1);
    Ok(&line[..end])
}
