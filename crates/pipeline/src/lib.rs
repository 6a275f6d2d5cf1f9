//! The whole job and each of its steps: lint, base, build, SBOM, scan, policy, sign, push; and verification.
//!
//! Entry points: [`ship::ship`], [`verify::verify`], [`open::open`]. The binary calls this crate and prints what it tells
//! through its [`Observer`]; the registry's hooks will call it too. The network stands behind a blocking border.

mod advisories;
mod bucket;
mod containerd;
mod error;
mod events;
mod findings;
mod inventories;
mod layers;
mod mirror;
mod network;
mod resolved;
mod session;
mod tagged;

pub mod ship;

pub mod admit;
pub mod audit;
pub mod base;
pub mod build;
pub mod bundles;
pub mod compare;
pub mod contents;
pub mod database;
pub mod examine;
pub mod exceptions;
pub mod history;
pub mod inputs;
pub mod judge;
pub mod keys;
pub mod lint;
pub mod mend;
pub mod notation;
pub mod open;
pub mod origin;
pub mod package_index;
pub mod policies;
pub mod project;
pub mod publish;
pub mod rebuild;
pub mod running;
pub mod save;
pub mod scan;
pub mod seal;
pub mod secrets;
pub mod sign;
pub mod transfer;
pub mod update;
pub mod verify;

pub use error::{Error, Gate, Kind};
pub use events::{Event, Observer, Silent, Step};
pub use network::Network;
pub use session::{Daemons, Session};
