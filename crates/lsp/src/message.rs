//! Messages: a header with a length, then JSON.

use std::io::{self, BufRead, Read, Write};

use serde_json::{Value, json};
use thiserror::Error;

/// Longest message that is read.
pub(crate) const BYTES_MAX: u64 = 64 << 20;
const HEADER_BYTES_MAX: u64 = 8 << 10;

/// What ends a conversation.
#[derive(Debug, Error)]
pub enum Error {
    /// The stream broke.
    #[error("the editor's stream broke: {0}")]
    Io(#[from] io::Error),
    /// The header of a message cannot be read; where the next one begins is not known.
    #[error("the editor sent no header of the protocol but `{0}`")]
    Header(String),
}

/// A message as it came.
#[derive(Debug, PartialEq)]
pub(crate) enum Message {
    /// JSON.
    Value(Value),
    /// No JSON, or too much of it; the words say what is wrong.
    Unreadable(String),
}

/// The next message; `None` at the end of the stream.
pub(crate) fn read(input: &mut impl BufRead) -> Result<Option<Message>, Error> {
    let Some(length) = read_header(input)? else { return Ok(None) };
    let mut body = input.by_ref().take(length);
    if length > BYTES_MAX {
        io::copy(&mut body, &mut io::sink())?;
        let why = format!("a message of {length} bytes is longer than {BYTES_MAX}");
        return Ok(Some(Message::Unreadable(why)));
    }
    let mut bytes = Vec::new();
    body.read_to_end(&mut bytes)?;
    if (bytes.len() as u64) < length {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
    }
    Ok(Some(match serde_json::from_slice(&bytes) {
        Ok(value) => Message::Value(value),
        Err(error) => Message::Unreadable(format!("this is no JSON: {error}")),
    }))
}

/// The length that a header says; `None` at the end of the stream.
fn read_header(input: &mut impl BufRead) -> Result<Option<u64>, Error> {
    let mut length = None;
    let mut left = HEADER_BYTES_MAX;
    loop {
        let mut line = Vec::new();
        let read = input.by_ref().take(left).read_until(b'\n', &mut line)? as u64;
        if read == 0 && left == HEADER_BYTES_MAX {
            return Ok(None);
        }
        left -= read;
        let text = String::from_utf8_lossy(&line);
        let bad = || Error::Header(text.trim_end().chars().take(60).collect());
        if line.last() != Some(&b'\n') {
            return Err(bad());
        }
        match text.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = Some(value.trim().parse().map_err(|_| bad())?);
            }
            Some(_) => {}
            None if text.trim_end().is_empty() => return length.map(Some).ok_or_else(bad),
            None => return Err(bad()),
        }
    }
}

/// Write a message.
pub(crate) fn write(output: &mut impl Write, message: &Value) -> Result<(), Error> {
    let text = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    output.flush()?;
    Ok(())
}

/// The answer to a request.
pub(crate) fn answer(id: &Value, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

/// A refusal of a request.
pub(crate) fn refusal(id: &Value, code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } })
}

/// A message that wants no answer.
pub(crate) fn notification(method: &str, parameters: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": parameters })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let mut input = text.as_bytes();
        let mut found = Vec::new();
        loop {
            match read(&mut input) {
                Ok(Some(Message::Value(value))) => found.push(value.to_string()),
                Ok(Some(Message::Unreadable(why))) => found.push(why),
                Ok(None) => break,
                Err(error) => {
                    found.push(error.to_string());
                    break;
                }
            }
        }
        assert_eq!(found.join("; "), expected);
    }

    #[test]
    fn messages() {
        check("", "");
        check("Content-Length: 2\r\n\r\n{}Content-Length: 2\r\n\r\n[]", "{}; []");
        check("content-length:2\nContent-Type: x\n\n{}", "{}");
        check(
            "Content-Length: 1\r\n\r\n{Content-Length: 2\r\n\r\n{}",
            "this is no JSON: EOF while parsing an object at line 1 column 1; {}",
        );
    }

    #[test]
    fn hostile_headers() {
        check(
            "GET / HTTP/1.1\r\n",
            "the editor sent no header of the protocol but `GET / HTTP/1.1`",
        );
        check(
            "Content-Length: -1\r\n\r\n",
            "the editor sent no header of the protocol but `Content-Length: -1`",
        );
        check("Content-Length: 9\r\n\r\n{}", "the editor's stream broke: unexpected end of file");
        check("\r\n", "the editor sent no header of the protocol but ``");
        let long = "x".repeat(1 << 20);
        check(&long, &format!("the editor sent no header of the protocol but `{}`", &long[..60]));
        check(
            "Content-Length: 99999999999\r\n\r\n{}",
            "a message of 99999999999 bytes is longer than 67108864",
        );
    }
}
