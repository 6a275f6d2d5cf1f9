//! Images and containers of a containerd daemon, by its socket: gRPC over HTTP/2, of which few calls are needed
//! (containerd's api/services/images/v1/images.proto and content/v1/content.proto).
//!
//! What comes is not verified here: whoever reads a blob hashes it.

mod protobuf;
mod running;

use std::path::{Path, PathBuf};
use std::time::Duration;

use h2::client::SendRequest;
use h2::{RecvStream, client};
use http::{HeaderMap, Request};
use sealift_oci::{Descriptor, Digest};
use tokio::net::UnixStream;
use tokio::time::timeout;

use crate::Error;
use protobuf::{Field, fields, put_text};
pub use running::RunningContainer;

const IDLE_TIME_MAX: Duration = Duration::from_mins(1);
/// containerd sends no larger messages itself.
const MESSAGE_BYTES_MAX: usize = 16 << 20;
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 1 << 30;
const PREFIX_BYTES: usize = 5;

/// A containerd daemon, and the namespace that its images are in. Cheap to clone.
#[derive(Clone)]
pub struct Containerd {
    socket: PathBuf,
    namespace: String,
    sender: SendRequest<bytes::Bytes>,
}

impl Containerd {
    /// Connects to a daemon. The connection lives as long as the runtime, and ends with the last clone.
    pub async fn connect(socket: &Path, namespace: &str) -> Result<Self, Error> {
        let fail = |reason: String| Error::Containerd { socket: socket.to_owned(), reason };
        let stream = within(UnixStream::connect(socket)).await.map_err(fail)?;
        let handshake = client::Builder::new()
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .enable_push(false)
            .handshake(stream);
        let (sender, connection) = within(handshake).await.map_err(fail)?;
        // What ends the connection shows at whatever waits for it.
        tokio::spawn(async move { connection.await.ok() });
        Ok(Self { socket: socket.to_owned(), namespace: namespace.to_owned(), sender })
    }

    /// What an image's name stands for; `None` if there is no image of that name.
    pub async fn image(&self, name: &str) -> Result<Option<Descriptor>, Error> {
        let mut request = Vec::new();
        put_text(&mut request, 1, name);
        let path = "/containerd.services.images.v1.Images/Get";
        let mut messages = match self.call(path, request).await {
            Ok(messages) => messages,
            Err(Failure::NotFound(_)) => return Ok(None),
            Err(failure) => return Err(self.failed(failure)),
        };
        match messages.next().await {
            Ok(Some(message)) => target(&message)
                .map(Some)
                .map_err(|reason| self.failed(Failure::Other(reason.to_owned()))),
            Ok(None) => Err(self.failed(Failure::Other("it answers nothing".to_owned()))),
            Err(Failure::NotFound(_)) => Ok(None),
            Err(failure) => Err(self.failed(failure)),
        }
    }

    /// A blob's bytes, from the first.
    pub async fn blob(&self, digest: &Digest) -> Result<Content, Error> {
        let mut request = Vec::new();
        put_text(&mut request, 1, &digest.to_string());
        let call = self.call("/containerd.services.content.v1.Content/Read", request);
        let messages = call.await.map_err(|failure| self.failed(failure))?;
        Ok(Content { daemon: self.clone(), messages, count: 0 })
    }

    async fn call(&self, path: &str, message: Vec<u8>) -> Result<Messages, Failure> {
        let request = Request::post(format!("http://localhost{path}"))
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("containerd-namespace", &self.namespace)
            .body(())
            .map_err(|error| Failure::Other(error.to_string()))?;
        let mut sender = within(self.sender.clone().ready()).await.map_err(Failure::Other)?;
        let (answer, mut body) = sender
            .send_request(request, false)
            .map_err(|error| Failure::Other(error.to_string()))?;
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(message);
        body.send_data(bytes.into(), true).map_err(|error| Failure::Other(error.to_string()))?;
        let answer = within(answer).await.map_err(Failure::Other)?;
        if answer.status() != 200 {
            return Err(Failure::Other(format!("it answers {}", answer.status())));
        }
        // An answer that is nothing but a failure has its status here.
        if answer.headers().contains_key("grpc-status") {
            check(answer.headers())?;
        }
        Ok(Messages { body: answer.into_body(), buffer: Vec::new(), is_done: false })
    }

    fn failed(&self, failure: Failure) -> Error {
        let (Failure::NotFound(reason) | Failure::Other(reason)) = failure;
        Error::Containerd { socket: self.socket.clone(), reason }
    }
}

/// A blob's bytes, as they come.
pub struct Content {
    daemon: Containerd,
    messages: Messages,
    count: u64,
}

impl Content {
    /// The next bytes; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let failed = |failure| self.daemon.failed(failure);
        let Some(message) = self.messages.next().await.map_err(failed)? else { return Ok(None) };
        let malformed = |reason: &str| self.daemon.failed(Failure::Other(reason.to_owned()));
        let data = data(&message, self.count).map_err(malformed)?.to_vec();
        self.count += data.len() as u64;
        Ok(Some(data))
    }
}

// A blob's bytes from this place on.
fn data(message: &[u8], place: u64) -> Result<&[u8], &'static str> {
    let mut data = &message[..0];
    for field in fields(message) {
        match field? {
            // Where the bytes belong; left out where that is 0.
            (1, Field::Number(offset)) if offset != place => {
                return Err("it sends bytes of another place");
            }
            (2, Field::Bytes(bytes)) => data = bytes,
            _ => {}
        }
    }
    Ok(data)
}

/// All that an answer's bytes are read as, for `sealift-corpus`: the number of bytes in them that belong to a blob.
pub(crate) fn read_answer(bytes: &[u8]) -> usize {
    let mut rest = bytes.to_vec();
    let mut count = 0;
    while let Ok(Some(message)) = take(&mut rest) {
        if let Ok(descriptor) = target(&message) {
            assert!(!descriptor.digest.to_string().is_empty(), "an image has a digest");
        }
        count += data(&message, count as u64).map_or(0, <[u8]>::len);
    }
    count
}

// The `target` of the `image` of an answer: media type, digest, size.
fn target(message: &[u8]) -> Result<Descriptor, &'static str> {
    let inner = |message, wanted| -> Result<&[u8], &'static str> {
        for field in fields(message) {
            if let (number, Field::Bytes(bytes)) = field?
                && number == wanted
            {
                return Ok(bytes);
            }
        }
        Err("its answer has no image")
    };
    let (mut media_type, mut digest, mut size) = (None, None, 0);
    for field in fields(inner(inner(message, 1)?, 3)?) {
        match field? {
            (1, Field::Bytes(bytes)) => media_type = std::str::from_utf8(bytes).ok(),
            (2, Field::Bytes(bytes)) => {
                digest = std::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
            }
            (3, Field::Number(number)) => size = number,
            _ => {}
        }
    }
    let digest: Digest = digest.ok_or("its answer has no digest")?;
    Ok(Descriptor::new(media_type.ok_or("its answer has no media type")?, digest, size))
}

enum Failure {
    NotFound(String),
    Other(String),
}

struct Messages {
    body: RecvStream,
    buffer: Vec<u8>,
    is_done: bool,
}

impl Messages {
    // The next message; at the end, the status that the daemon gives.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        while !self.is_done {
            if let Some(message) = take(&mut self.buffer)? {
                return Ok(Some(message));
            }
            let data = timeout(IDLE_TIME_MAX, self.body.data());
            let data = data.await.map_err(|_| Failure::Other("it says nothing".to_owned()))?;
            let Some(data) = data else {
                let trailers = within(self.body.trailers()).await.map_err(Failure::Other)?;
                check(&trailers.unwrap_or_default())?;
                if !self.buffer.is_empty() {
                    return Err(Failure::Other("its answer breaks off".to_owned()));
                }
                self.is_done = true;
                return Ok(None);
            };
            let data = data.map_err(|error| Failure::Other(error.to_string()))?;
            // The connection may be gone already; the next read says so.
            self.body.flow_control().release_capacity(data.len()).ok();
            self.buffer.extend_from_slice(&data);
        }
        Ok(None)
    }
}

// The first of gRPC's length-prefixed messages, if all of it is there.
fn take(buffer: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Failure> {
    let Some((prefix, rest)) = buffer.split_first_chunk::<PREFIX_BYTES>() else {
        return Ok(None);
    };
    let [compressed, length @ ..] = *prefix;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if compressed != 0 || length > MESSAGE_BYTES_MAX {
        return Err(Failure::Other("its answer is compressed or too large".to_owned()));
    }
    let Some(message) = rest.get(..length).map(<[u8]>::to_vec) else { return Ok(None) };
    buffer.drain(..PREFIX_BYTES + length);
    Ok(Some(message))
}

// Fails unless the status is that of success. An answer without one was cut off.
fn check(headers: &HeaderMap) -> Result<(), Failure> {
    const NOT_FOUND: &str = "5";
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match text("grpc-status") {
        "0" => Ok(()),
        "" => Err(Failure::Other("its answer breaks off".to_owned())),
        NOT_FOUND => Err(Failure::NotFound(format!("it answers: {}", text("grpc-message")))),
        _ => Err(Failure::Other(format!("it answers: {}", text("grpc-message")))),
    }
}

async fn within<T, E: std::fmt::Display>(
    future: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match timeout(IDLE_TIME_MAX, future).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("it says nothing".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Response};
    use tokio::net::UnixListener;

    use super::*;

    /// What a blob is, if the daemon answers with these bytes and this status.
    async fn blob(answer: Vec<u8>, status: Option<&'static str>) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let daemon = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut connection = h2::server::handshake(stream).await.unwrap();
            while let Some(Ok((request, mut respond))) = connection.accept().await {
                assert_eq!(request.headers()["containerd-namespace"], "here");
                let mut body = respond.send_response(Response::new(()), false).unwrap();
                body.send_data(answer.clone().into(), status.is_none()).unwrap();
                if let Some(status) = status {
                    let mut trailers = HeaderMap::new();
                    trailers.insert("grpc-status", HeaderValue::from_static(status));
                    trailers.insert("grpc-message", HeaderValue::from_static("so it is"));
                    body.send_trailers(trailers).unwrap();
                }
            }
        });
        let read = async {
            let client = Containerd::connect(&socket, "here").await?;
            let mut content = client.blob(&Digest::sha256(b"")).await?;
            let mut bytes = Vec::new();
            while let Some(more) = content.next().await? {
                bytes.extend(more);
            }
            assert!(content.next().await?.is_none(), "the end stays the end");
            Ok(bytes)
        };
        let result = read.await.map_err(|error: Error| error.to_string());
        daemon.abort();
        result
    }

    // A message of content, with its prefix.
    fn message(offset: u8, data: &[u8]) -> Vec<u8> {
        let mut body = vec![0x08, offset];
        put_text(&mut body, 2, std::str::from_utf8(data).unwrap());
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        bytes.extend(body);
        bytes
    }

    #[tokio::test]
    async fn messages_are_joined() {
        let answer = [message(0, b"abc"), message(3, b"de")].concat();
        assert_eq!(blob(answer, Some("0")).await.unwrap(), b"abcde");
        assert_eq!(blob(Vec::new(), Some("0")).await.unwrap(), b"");
    }

    #[tokio::test]
    async fn hostile_answers_are_errors() {
        let whole = message(0, b"abc");
        for (answer, status, expected) in [
            (whole.clone(), None, "breaks off"),
            (whole[..4].to_vec(), Some("0"), "breaks off"),
            (whole[..7].to_vec(), Some("0"), "breaks off"),
            (whole.clone(), Some("13"), "so it is"),
            (Vec::new(), Some("5"), "so it is"),
            (message(9, b"abc"), Some("0"), "another place"),
            ([&[1], &whole[1..]].concat(), Some("0"), "compressed or too large"),
            (vec![0, 0xff, 0xff, 0xff, 0xff], Some("0"), "compressed or too large"),
            (vec![0, 0, 0, 0, 1, 0xff], Some("0"), "malformed"),
        ] {
            let error = blob(answer.clone(), status).await.unwrap_err();
            assert!(error.contains(expected), "{answer:?} {status:?}: {error}");
        }
    }
}
