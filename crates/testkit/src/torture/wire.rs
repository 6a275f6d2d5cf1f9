//! One connection to the registry: what is sent byte for byte, and what is answered.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

// Longer than the server waits for anything.
const PATIENCE: Duration = Duration::from_mins(1);
const BODY_BYTES_MAX: u64 = 64 << 20;

/// An answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// How many bytes of an upload have come; `Range: 0-0` stands for none and for one.
    pub(super) fn offset(&self) -> Option<u64> {
        let (_, last) = self.header("range")?.split_once('-')?;
        last.parse::<u64>().ok().map(|last| if last == 0 { 0 } else { last + 1 })
    }
}

/// A connection.
pub(super) struct Wire {
    stream: BufReader<TcpStream>,
    host: String,
}

impl Wire {
    pub(super) fn open(host: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream: BufReader::with_capacity(1 << 16, stream), host: host.to_owned() })
    }

    pub(super) fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[&str],
        body: &[u8],
    ) -> io::Result<Reply> {
        self.head(method, path, headers, body.len())?;
        // Who has heard enough answers before all is said, and what it says is in the answer.
        let sent = self.stream.get_mut().write_all(body);
        let reply = self.reply(method == "HEAD")?;
        match sent {
            // It does not read the rest of what it refuses.
            Err(error) if reply.status < 400 => Err(error),
            _ => Ok(reply),
        }
    }

    /// Sends a part of a body and goes away: with both sides of the connection, or with one and a last look.
    pub(super) fn cut(
        mut self,
        (method, path): (&str, &str),
        headers: &[&str],
        (body, n_sent): (&[u8], usize),
        is_half: bool,
    ) -> io::Result<()> {
        self.head(method, path, headers, body.len())?;
        self.stream.get_mut().write_all(&body[..n_sent])?;
        if is_half {
            self.stream.get_ref().shutdown(Shutdown::Write)?;
            let mut rest = Vec::new();
            self.stream.take(1 << 16).read_to_end(&mut rest)?;
        }
        Ok(())
    }

    fn head(
        &mut self,
        method: &str,
        path: &str,
        headers: &[&str],
        length: usize,
    ) -> io::Result<()> {
        let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host);
        for header in headers {
            text += header;
            text += "\r\n";
        }
        if length > 0 || !matches!(method, "GET" | "HEAD" | "DELETE") {
            text += "Content-Length: ";
            text += &length.to_string();
            text += "\r\n";
        }
        text += "\r\n";
        self.stream.get_mut().write_all(text.as_bytes())
    }

    fn reply(&mut self, is_head: bool) -> io::Result<Reply> {
        let mut reply = Reply { status: 0, headers: Vec::new(), body: Vec::new() };
        let mut line = String::new();
        loop {
            line.clear();
            if self.stream.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if let Some(rest) = text.strip_prefix("HTTP/1.1 ") {
                reply.status = rest.get(..3).and_then(|code| code.parse().ok()).unwrap_or(0);
            } else if let Some((name, value)) = text.split_once(':') {
                reply.headers.push((name.to_owned(), value.trim().to_owned()));
            }
        }
        let length = reply.header("content-length").and_then(|text| text.parse::<u64>().ok());
        let has_none = is_head || matches!(reply.status, 204 | 304);
        let length = length.unwrap_or(0).min(if has_none { 0 } else { BODY_BYTES_MAX });
        // What was announced has to come: a torn answer is a lost connection.
        let n_read = (&mut self.stream).take(length).read_to_end(&mut reply.body)?;
        if n_read as u64 == length { Ok(reply) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}
