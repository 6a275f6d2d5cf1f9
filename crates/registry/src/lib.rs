//! What serves: a listener with limits, the registry, and the server of trust data (Docker Content Trust).
//!
//! Entry points: [`Registry`] and [`TrustService`] answer requests, [`serve`] brings them; [`hooks`] is where others plug
//! in. Invariants: no request costs more than the limits say; nobody does what `access` has not allowed; a change that
//! was answered with success is on the disk; what is logged has no credentials.

mod body;
mod certificate;
mod debugging;
mod error;
mod health;
mod listener;
mod log;
mod metrics;
mod mirrored;
mod progress;
mod tls;
mod traces;

pub mod api;
pub mod configuration;
pub mod hooks;
pub mod store;
pub mod trust;

pub use api::{Hooks, Options, Prefix, Registry, UrlRules};
pub use body::Body;
pub use debugging::DebugService;
pub use error::Error;
pub use health::Health;
pub use hyper::header::HeaderValue;
pub use listener::{ClientCertificate, ConnectionLimits, Service, bind, serve};
pub use log::{Entry, Log};
pub use metrics::{Metrics, Route};
pub use tokio_rustls::TlsAcceptor;

pub use tls::{ClientCertificates, Protocol, tls_of_files, tls_of_folder, tls_with_clients};
pub use traces::{TraceContext, TraceSettings, Tracer};
pub use trust::{Guard, TrustService};
