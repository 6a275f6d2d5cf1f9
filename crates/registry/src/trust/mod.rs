//! The server of trust data over HTTP: every endpoint of notary-server, with its answers.

mod address;
mod answer;
mod documents;
mod metrics;
mod multipart;
mod service;

pub use address::{Address, AddressFault};
pub use documents::Documents;
pub use multipart::{Form, FormFault, FormLimits};
pub use service::{Guard, TrustService};
