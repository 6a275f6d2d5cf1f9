//! Connections: TLS, limits on time, size and number, and an end without torn answers.
//!
//! A transfer may take as long as it moves: of a body or an answer, [`ConnectionLimits::progress_bytes`] have to move in
//! [`ConnectionLimits::progress`]. Whoever sends or takes bytes one by one is left.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::progress::{Moved, Watched};
use crate::{Body, Error};

// Most that is read at once. Pushes cost a fifth less than with 32 KiB; more than this the allocator takes from the system
// and gives back each time, which costs more than it saves.
const READ_BYTES: usize = 112 << 10;
// What a client may have sent to the wrong port before it is told.
const WRONG_PORT_BYTES_MAX: usize = 8 << 10;
const WRONG_PORT: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/json; charset=utf-8\r\n\
    Content-Length: 121\r\nConnection: close\r\n\r\n\
    {\"errors\":[{\"code\":\"UNSUPPORTED\",\"message\":\"this port speaks HTTPS, and the request came as plain HTTP\",\"detail\":null}]}\n";

/// Caps on connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at once; others wait.
    pub connections: usize,
    /// Bytes of all headers of a request.
    pub header_bytes: usize,
    /// Headers of a request.
    pub headers: usize,
    /// For the handshake of TLS.
    pub handshake: Duration,
    /// For the headers of a request, and between two requests.
    pub headers_time: Duration,
    /// For one request, from its headers to the headers of its answer, as long as no bytes move.
    pub request: Duration,
    /// In this time [`ConnectionLimits::progress_bytes`] have to move, if any are to move.
    pub progress: Duration,
    /// How many bytes are progress.
    pub progress_bytes: u64,
    /// For one connection; the request at hand is still answered.
    pub connection: Duration,
    /// For requests at hand when the server stops.
    pub stop: Duration,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            connections: 1024,
            header_bytes: 32 << 10,
            headers: 64,
            handshake: Duration::from_secs(10),
            headers_time: Duration::from_secs(15),
            request: Duration::from_mins(1),
            progress: Duration::from_secs(30),
            progress_bytes: 16 << 10,
            connection: Duration::from_mins(10),
            stop: Duration::from_secs(10),
        }
    }
}

/// The certificate that a client showed and the server's authorities have signed; an extension of a request.
#[derive(Clone, Debug)]
pub struct ClientCertificate(pub CertificateDer<'static>);

/// What answers requests.
pub trait Service: Send + Sync + 'static {
    /// Answers one.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// Listens on an address.
pub async fn bind(address: &str) -> Result<TcpListener, Error> {
    // `:4443` is any address of this machine, as Go's programs have it.
    let full = if address.starts_with(':') { format!("[::]{address}") } else { address.to_owned() };
    let listen = |source| Error::Listen { address: address.to_owned(), source };
    match TcpListener::bind(&full).await {
        // A machine without IPv6.
        Err(_) if address.starts_with(':') => {
            TcpListener::bind(format!("0.0.0.0{address}")).await.map_err(listen)
        }
        result => result.map_err(listen),
    }
}

/// Serves until `stop` is ready, then ends what is at hand.
pub async fn serve<S: Service>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    service: Arc<S>,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    let (stopping, is_stopping) = watch::channel(false);
    let free = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        let accepted = async {
            let permit = Arc::clone(&free).acquire_owned().await.ok()?;
            let (stream, peer) = listener.accept().await.ok()?;
            // An IPv4 client of a socket for both is the same client as of one for IPv4.
            let peer = SocketAddr::new(peer.ip().to_canonical(), peer.port());
            Some((permit, stream, peer))
        };
        tokio::select! {
            () = &mut stop => break,
            accepted = accepted => match accepted {
                Some((permit, stream, peer)) => {
                    let (tls, service) = (tls.clone(), Arc::clone(&service));
                    let is_stopping = is_stopping.clone();
                    connections.spawn(async move {
                        connection(stream, peer, tls, service, limits, is_stopping).await;
                        drop(permit);
                    });
                }
                // No file left, or a client that went away: others may be luckier.
                None => sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(listener);
    // Nobody listens if there is no connection.
    let _ = stopping.send(true);
    let _ = timeout(limits.stop, async { while connections.join_next().await.is_some() {} }).await;
    connections.shutdown().await;
}

async fn connection<S: Service>(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    service: Arc<S>,
    limits: ConnectionLimits,
    is_stopping: watch::Receiver<bool>,
) {
    // Answers are written whole; waiting for more to send only delays them.
    let _ = stream.set_nodelay(true);
    let Some(tls) = tls else {
        return exchange(stream, peer, None, service, limits, is_stopping).await;
    };
    let accepted = async {
        let mut first = [0];
        // A record of TLS begins with its kind, 22 for a handshake; a method of HTTP with a letter.
        if stream.peek(&mut first).await.is_ok_and(|n| n == 1 && first[0].is_ascii_alphabetic()) {
            tell_wrong_port(stream).await;
            return None;
        }
        tls.accept(stream).await.ok()
    };
    if let Ok(Some(stream)) = timeout(limits.handshake, accepted).await {
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate =
            certificates.first().map(|first| ClientCertificate(first.clone().into_owned()));
        exchange(stream, peer, certificate, service, limits, is_stopping).await;
    }
}

async fn tell_wrong_port(mut stream: TcpStream) {
    // What is not read makes the end of the connection a reset, and the client would not see the answer.
    let mut buffer = vec![0; WRONG_PORT_BYTES_MAX];
    let _ = stream.read(&mut buffer).await;
    let _ = stream.write_all(WRONG_PORT).await;
    let _ = stream.shutdown().await;
    let _ = stream.read(&mut buffer).await;
}

async fn exchange<S: Service>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    certificate: Option<ClientCertificate>,
    service: Arc<S>,
    limits: ConnectionLimits,
    mut is_stopping: watch::Receiver<bool>,
) {
    let moved = Moved::default();
    let stream = Watched::new(stream, moved.clone(), &limits);
    let answer = service_fn(move |mut request: Request<Incoming>| {
        if let Some(certificate) = &certificate {
            request.extensions_mut().insert(certificate.clone());
        }
        let has_body = !request.body().is_end_stream();
        let moved = moved.clone();
        moved.begin(has_body);
        let answer = Arc::clone(&service).answer(request, peer);
        async move {
            let answer = within(answer, &moved, &limits).await.unwrap_or_else(too_slow);
            moved.end(has_body && !answer.status().is_success());
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers_time)
        .max_headers(limits.headers)
        .max_buf_size(READ_BYTES.max(limits.header_bytes))
        // A client may close its side when it has said all.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    let is_over = tokio::select! {
        _ = connection.as_mut() => return,
        _ = is_stopping.wait_for(|is_stopping| *is_stopping) => false,
        () = sleep(limits.connection) => true,
    };
    if is_over {
        // The last request of this connection; it ends as long as it moves.
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = is_stopping.wait_for(|is_stopping| *is_stopping) => {}
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.stop, connection).await;
}

// The answer, if there is one before nothing has moved for too long.
async fn within<T>(
    answer: impl Future<Output = T>,
    moved: &Moved,
    limits: &ConnectionLimits,
) -> Option<T> {
    let mut answer = pin!(answer);
    loop {
        let before = moved.count();
        if let Ok(answer) = timeout(limits.request, answer.as_mut()).await {
            return Some(answer);
        }
        if moved.count() < before.saturating_add(limits.progress_bytes) {
            return None;
        }
    }
}

fn too_slow() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    // What is left of the body is no request.
    response.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    response
}
