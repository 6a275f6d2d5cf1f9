//! Connections: TLS, limits on time, size and number, and an end without torn answers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::Error;

/// Caps on connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Connections at once; others wait.
    pub connections: usize,
    /// Bytes of all headers of a request, and of the buffer that reads it.
    pub header_bytes: usize,
    /// Headers of a request.
    pub headers: usize,
    /// For the handshake of TLS.
    pub handshake: Duration,
    /// For the headers of a request, and between two requests.
    pub headers_time: Duration,
    /// For one request, its body and its answer.
    pub request: Duration,
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
            connection: Duration::from_mins(10),
            stop: Duration::from_secs(10),
        }
    }
}

/// What answers requests.
pub trait Service: Send + Sync + 'static {
    /// Answers one.
    fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send;
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
    match tls {
        None => exchange(stream, peer, service, limits, is_stopping).await,
        Some(tls) => {
            if let Ok(Ok(stream)) = timeout(limits.handshake, tls.accept(stream)).await {
                exchange(stream, peer, service, limits, is_stopping).await;
            }
        }
    }
}

async fn exchange<S: Service>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    peer: SocketAddr,
    service: Arc<S>,
    limits: ConnectionLimits,
    mut is_stopping: watch::Receiver<bool>,
) {
    let answer = service_fn(move |request| {
        let service = Arc::clone(&service);
        async move {
            let answer = timeout(limits.request, service.answer(request, peer)).await;
            Ok::<_, Infallible>(answer.unwrap_or_else(|_| too_slow()))
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers_time)
        .max_headers(limits.headers)
        .max_buf_size(limits.header_bytes)
        // A client may close its side when it has said all.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), answer);
    let mut connection = pin!(connection);
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = is_stopping.wait_for(|is_stopping| *is_stopping) => {}
        () = sleep(limits.connection) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(limits.stop, connection).await;
}

fn too_slow() -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
    // What is left of the body is no request.
    let close = hyper::header::HeaderValue::from_static("close");
    response.headers_mut().insert(hyper::header::CONNECTION, close);
    response
}
