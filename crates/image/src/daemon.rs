//! Images of a Docker or Podman daemon, by its socket (Docker Engine API 1.24, `GET /images/{name}/get`, which Podman
//! serves too), and the containers that run there.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use sealift_oci::Reference;
use serde::Deserialize;

use crate::{Error, Image, Result, open_docker_archive};

const IDLE_TIME_MAX: Duration = Duration::from_mins(2);
const HEAD_BYTES_MAX: u64 = 64 << 10;
const MESSAGE_BYTES_MAX: u64 = 4 << 10;
const LIST_BYTES_MAX: u64 = 16 << 20;

/// A container that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its image, as whoever started it named it.
    pub image: String,
    /// What the daemon knows the image by, whatever has become of its name.
    pub image_id: String,
}

/// Has the daemon save an image to a file in a folder, and opens that. The file is gone once the image is dropped.
pub fn open_daemon(socket: &Path, reference: &Reference, folder: &Path) -> Result<Image> {
    // A reference has no character that a path of HTTP would have to escape.
    let name = reference.familiar();
    open_named(socket, &name, folder).map(|image| image.named(Some(name)))
}

/// The same of a container's image, by its id.
pub fn open_daemon_container(socket: &Path, container: &Container, folder: &Path) -> Result<Image> {
    open_named(socket, &container.image_id, folder)
        .map(|image| image.named(Some(container.image.clone())))
}

/// The containers that run in a daemon (Docker Engine API 1.24, `GET /containers/json`).
pub fn running_containers(socket: &Path) -> Result<Vec<Container>> {
    let fail = |reason: String| Error::Daemon { socket: socket.to_owned(), reason };
    let body = get(socket, "/v1.24/containers/json", "containers")?;
    let mut bytes = Vec::new();
    body.take(LIST_BYTES_MAX).read_to_end(&mut bytes).map_err(|error| fail(error.to_string()))?;
    let listed: Vec<Listed> = serde_json::from_slice(&bytes)
        .map_err(|error| fail(format!("its list of containers cannot be read: {error}")))?;
    let is_plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b':')
    };
    let containers = listed.into_iter().map(|listed| {
        // It becomes part of a path of HTTP.
        if !is_plain(&listed.image_id) || !is_plain(&listed.id) {
            return Err(fail(format!("it names a container `{}`", listed.id.escape_default())));
        }
        let name = listed.names.unwrap_or_default().into_iter().next();
        let name = name.map(|name| name.trim_start_matches('/').to_owned());
        Ok(Container {
            name: name.unwrap_or_else(|| listed.id.clone()),
            id: listed.id,
            image: listed.image,
            image_id: listed.image_id,
        })
    });
    containers.collect()
}

/// What a daemon says of a container, JSON (Docker Engine API 1.24, `GET /containers/{id}/json`).
pub fn inspect_container(socket: &Path, container: &Container) -> Result<Vec<u8>> {
    let path = format!("/v1.24/containers/{}/json", container.id);
    let body = get(socket, &path, &container.name)?;
    let mut bytes = Vec::new();
    let fail =
        |error: io::Error| Error::Daemon { socket: socket.to_owned(), reason: error.to_string() };
    body.take(LIST_BYTES_MAX).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    names: Option<Vec<String>>,
    image: String,
    #[serde(rename = "ImageID")]
    image_id: String,
}

fn open_named(socket: &Path, name: &str, folder: &Path) -> Result<Image> {
    let fail =
        |error: io::Error| Error::Daemon { socket: socket.to_owned(), reason: error.to_string() };
    let mut body = get(socket, &format!("/v1.24/images/{name}/get"), name)?;
    let file = tempfile::NamedTempFile::new_in(folder)
        .map_err(|source| Error::Io { path: folder.to_owned(), source })?;
    copy(&mut body, file.as_file()).map_err(fail)?;
    open_docker_archive(file.path(), None)
}

// The body of what the daemon has at a path.
fn get(socket: &Path, path: &str, what: &str) -> Result<Box<dyn Read>> {
    let fail = |reason: String| Error::Daemon { socket: socket.to_owned(), reason };
    let io = |error: io::Error| fail(error.to_string());
    let stream = UnixStream::connect(socket).map_err(io)?;
    stream.set_read_timeout(Some(IDLE_TIME_MAX)).map_err(io)?;
    let mut request = stream.try_clone().map_err(io)?;
    write!(request, "GET {path} HTTP/1.1\r\nHost: daemon\r\nConnection: close\r\n\r\n")
        .map_err(io)?;
    let mut answer = BufReader::new(stream);
    let head = read_head(&mut answer).map_err(fail)?;
    let body: Box<dyn Read> = match head.length {
        Length::Chunked => Box::new(Chunked { source: answer, left: 0, is_done: false }),
        Length::Bytes(count) => Box::new(answer.take(count)),
        Length::ToTheEnd => Box::new(answer),
    };
    if head.status == 200 {
        return Ok(body);
    }
    let mut message = String::new();
    // Without a message there is still the status.
    let _ = body.take(MESSAGE_BYTES_MAX).read_to_string(&mut message);
    let message: String = message.chars().filter(|character| !character.is_control()).collect();
    Err(fail(format!("it answers {} for `{what}`: {message}", head.status)))
}

fn copy(body: &mut dyn Read, file: &File) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, file);
    io::copy(body, &mut out)?;
    out.flush()
}

struct Head {
    status: u16,
    length: Length,
}

enum Length {
    Chunked,
    Bytes(u64),
    ToTheEnd,
}

fn read_head(answer: &mut impl BufRead) -> Result<Head, String> {
    let mut limited = answer.take(HEAD_BYTES_MAX);
    let mut line = || -> Result<String, String> {
        let mut line = String::new();
        limited.read_line(&mut line).map_err(|error| error.to_string())?;
        if line.ends_with('\n') {
            Ok(line.trim_end().to_owned())
        } else {
            Err("it broke off".to_owned())
        }
    };
    let first = line()?;
    let status =
        first.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.parse().ok());
    let status = status.ok_or_else(|| "it does not speak HTTP".to_owned())?;
    let mut length = Length::ToTheEnd;
    loop {
        let header = line()?;
        if header.is_empty() {
            return Ok(Head { status, length });
        }
        let Some((name, value)) = header.split_once(':') else { continue };
        let value = value.trim();
        if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
            length = Length::Chunked;
        } else if name.eq_ignore_ascii_case("content-length") && !matches!(length, Length::Chunked)
        {
            length =
                Length::Bytes(value.parse().map_err(|_| "its length is no number".to_owned())?);
        }
    }
}

// RFC 9112 §7.1.
struct Chunked<R> {
    source: R,
    left: u64,
    is_done: bool,
}

impl<R: BufRead> Chunked<R> {
    fn next_size(&mut self) -> io::Result<u64> {
        let mut line = String::new();
        self.source.by_ref().take(128).read_line(&mut line)?;
        let digits = line.trim_end().split(';').next().unwrap_or_default().trim();
        u64::from_str_radix(digits, 16).map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, "a chunk of the answer has no size")
        })
    }
}

impl<R: BufRead> Read for Chunked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_done || buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            self.left = self.next_size()?;
            if self.left == 0 {
                self.is_done = true;
                return Ok(0);
            }
        }
        let count = self.source.by_ref().take(self.left).read(buffer)?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer broke off"));
        }
        self.left -= count as u64;
        if self.left == 0 {
            let mut end = [0; 2];
            self.source.read_exact(&mut end)?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    // A daemon that gives one answer.
    fn ask(answer: &[u8]) -> Result<Image> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let answer = answer.to_vec();
        let daemon = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut request = BufReader::new(&stream);
            let mut line = String::new();
            while line != "\r\n" {
                line.clear();
                request.read_line(&mut line).unwrap();
            }
            // The client may have heard enough before the end.
            let _ = (&stream).write_all(&answer);
        });
        let result = open_daemon(&socket, &Reference::parse("app:1").unwrap(), folder.path());
        daemon.join().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only the socket is left");
        result
    }

    fn refusal(answer: &[u8]) -> String {
        ask(answer).unwrap_err().to_string()
    }

    #[test]
    fn says_what_the_daemon_says() {
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 31\r\n\r\n{\"message\":\"no such image: x\"}\n";
        assert!(refusal(answer).contains("404 for `app:1`: {\"message\":\"no such image: x\"}"));
    }

    fn list(body: &str) -> Result<Vec<Container>> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        let daemon = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            line
        });
        let containers = running_containers(&socket);
        assert_eq!(daemon.join().unwrap(), "GET /v1.24/containers/json HTTP/1.1\r\n");
        containers
    }

    #[test]
    fn containers_that_run() {
        assert_eq!(list("[]").unwrap(), []);
        let body = r#"[{"Id": "ab12", "Names": ["/web"], "Image": "app:1", "ImageID": "sha256:cd"},
            {"Id": "ab13", "Names": null, "Image": "sha256:ef", "ImageID": "sha256:ef"}]"#;
        let names: Vec<String> = list(body).unwrap().into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["web", "ab13"]);
        for body in [
            "",
            "{}",
            "[{}]",
            r#"[{"Id": "a", "Names": [], "Image": "", "ImageID": "../../x HTTP/1.1"}]"#,
            r#"[{"Id": "", "Names": [], "Image": "", "ImageID": "sha256:ab"}]"#,
        ] {
            assert!(list(body).is_err(), "{body}");
        }
    }

    #[test]
    fn hostile_answers_are_errors() {
        for answer in [
            &b""[..],
            b"SSH-2.0\r\n",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
        ] {
            assert!(ask(answer).is_err(), "{}", String::from_utf8_lossy(answer));
        }
        let endless = [b"HTTP/1.1 200 OK\r\nA: ".to_vec(), vec![b'x'; 100_000]].concat();
        assert!(refusal(&endless).contains("it broke off"));
    }

    #[test]
    fn chunks_are_joined() {
        let mut text = String::new();
        let source = BufReader::new(&b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"[..]);
        Chunked { source, left: 0, is_done: false }.read_to_string(&mut text).unwrap();
        assert_eq!(text, "abcde");
    }
}
