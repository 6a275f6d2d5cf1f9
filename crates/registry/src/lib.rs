//! What serves: a listener with limits, and the server of trust data (Docker Content Trust).
//!
//! Entry points: [`TrustService`] answers requests, [`serve`] brings them. Invariants: no request costs more than the
//! limits say; nobody does what `access` has not allowed; a change that was answered with success is on the disk; what
//! is logged has no credentials.

mod error;
mod listener;
mod log;
mod tls;

pub mod configuration;
pub mod store;
pub mod trust;

pub use error::Error;
pub use listener::{ConnectionLimits, Service, bind, serve};
pub use log::{Entry, Log};
pub use tokio_rustls::TlsAcceptor;

pub use tls::{tls_of_files, tls_of_folder};
pub use trust::{Guard, TrustService};
