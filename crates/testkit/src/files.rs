//! Files on loopback, for tests of feeds: tags, parts, and mischief.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};

use sealift_oci::Digest;

use crate::request::{self, Request, Response};

/// How one answer misbehaves.
#[derive(Clone, Debug)]
pub enum Mischief {
    /// Too many requests.
    Busy,
    /// A page of a portal.
    WebPage,
    /// Ask elsewhere.
    Redirect(String),
    /// Hang up after so many bytes.
    Cut(usize),
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Vec<u8>>,
    mischief: BTreeMap<String, Vec<Mischief>>,
    log: Vec<String>,
}

/// A server of files that lives as long as the test process.
#[derive(Clone)]
pub struct FileServer {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl FileServer {
    /// Starts one.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        let server = Self { address, state: Arc::default() };
        let accepting = server.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let server = accepting.clone();
                std::thread::spawn(move || server.serve(stream).ok());
            }
        });
        server
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Has this file from now on.
    pub fn put(&self, path: &str, content: impl Into<Vec<u8>>) {
        self.state().files.insert(path.to_owned(), content.into());
    }

    /// Misbehaves at the next request for a file.
    pub fn spoil(&self, path: &str, mischief: Mischief) {
        self.state().mischief.entry(path.to_owned()).or_default().push(mischief);
    }

    /// The requests since the last call: path, range if one was asked for, status.
    pub fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.state().log)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no panic while held")
    }

    fn serve(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut reader = BufReader::new(stream.try_clone()?);
        while let Some(request) = request::read(&mut reader)? {
            let response = self.answer(&request);
            let range = request.headers.get("range").map(|range| format!(" {range}"));
            self.state().log.push(format!(
                "{}{} {}",
                request.path,
                range.unwrap_or_default(),
                response.status
            ));
            request::write(&mut stream, &response, request.method == "HEAD")?;
            if response.cut_after.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn answer(&self, request: &Request) -> Response {
        let mut state = self.state();
        let path = request.path.replace("%20", " ");
        let mischief = state.mischief.get_mut(&path).filter(|list| !list.is_empty());
        let mischief = mischief.map(|list| list.remove(0));
        let Some(content) = state.files.get(&path) else { return Response::status(404) };
        let tag = format!("\"{}\"", &Digest::sha256(content).hex()[..12]);
        let is_current = |name: &str| request.headers.get(name) == Some(&tag);
        let response = Response::status(200).header("ETag", tag.clone());
        match mischief {
            Some(Mischief::Busy) => return Response::status(429).header("Retry-After", "0"),
            Some(Mischief::WebPage) => {
                let page = Response::status(200).header("Content-Type", "text/html; charset=utf-8");
                return page.body("<html>log in</html>");
            }
            Some(Mischief::Redirect(url)) => return Response::status(302).header("Location", url),
            Some(Mischief::Cut(count)) => {
                return Response { cut_after: Some(count), ..response.body(content.clone()) };
            }
            None => {}
        }
        if is_current("if-none-match") {
            return Response::status(304).header("ETag", tag.clone());
        }
        let range = request.headers.get("range").filter(|_| is_current("if-range"));
        let start = range.and_then(|it| it.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok());
        match start {
            Some(start) if start <= content.len() => {
                Response { status: 206, ..response.body(&content[start..]) }
            }
            _ => response.body(content.clone()),
        }
    }
}
