//! As much of HTTP/1.1 as the test registry needs.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

#[derive(Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// Announce the whole body but hang up after so many bytes.
    pub(crate) cut_after: Option<usize>,
    /// Bytes of a piece, and the pause after it.
    pub(crate) pace: Option<(usize, Duration)>,
    /// The end of the connection is the end of the body.
    pub(crate) has_no_length: bool,
}

impl Response {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    #[must_use]
    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }
}

/// Reads one request; `None` when the client has hung up.
pub(crate) fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let mut words = line.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length").and_then(|text| text.parse::<u64>().ok()) {
        stream.by_ref().take(length).read_to_end(&mut body)?;
    } else if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        read_chunks(stream, &mut body)?;
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.replace("%3A", ":").replace("%2F", "/")))
        .collect();
    Ok(Some(Request { method, path: path.to_owned(), query, headers, body }))
}

fn read_chunks(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> io::Result<()> {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let length = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
        stream.by_ref().take(length).read_to_end(body)?;
        stream.read_line(&mut String::new())?;
        if length == 0 {
            return Ok(());
        }
    }
}

pub(crate) fn write(stream: &mut TcpStream, response: &Response, is_head: bool) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} X\r\n", response.status);
    for (name, value) in &response.headers {
        write!(head, "{name}: {value}\r\n").expect("a string takes everything");
    }
    if response.has_no_length {
        head.push_str("Connection: close\r\n\r\n");
    } else {
        write!(head, "Content-Length: {}\r\n\r\n", response.body.len())
            .expect("a string takes everything");
    }
    stream.write_all(head.as_bytes())?;
    if !is_head {
        let end = response.cut_after.unwrap_or(response.body.len()).min(response.body.len());
        let (piece, pause) = response.pace.unwrap_or((end.max(1), Duration::ZERO));
        for piece in response.body[..end].chunks(piece) {
            stream.write_all(piece)?;
            std::thread::sleep(pause);
        }
    }
    stream.flush()
}
