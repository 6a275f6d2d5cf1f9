//! The distribution interface, `/v2/`: what addresses, queries, ranges and refusals mean, and what is answered.
//!
//! Follows the OCI distribution specification 1.1 and its development version, and what Docker's clients expect beside it.

mod service;

mod call;

mod blobs;
mod lists;
mod manifests;
mod mirrored;
mod tokens;
mod uploads;

mod address;
mod figures;
mod foreign;
mod intake;
mod names;
mod page;
mod prefix;
mod query;
mod range;
mod refusal;

pub use address::{Address, AddressFault};
pub use foreign::UrlRules;
pub use page::{Asked as AskedPage, asked as asked_page, link};
pub use prefix::Prefix;
pub use query::{Query, decoded, encoded};
pub use range::{Asked as AskedRange, Chunk, asked as asked_range, chunk, received};
pub use refusal::{Code, Refusal};
pub use service::{Hooks, Options, Registry};
