//! The client of Docker Content Trust: looks at repositories, signs in them, keeps what must not be forgotten.
//!
//! Entry points: [`Client::lookup`] for who wants to know what a tag means, [`Publisher`] for who signs. What a document
//! must be is judged by the crate `tuf`; here are the server, the folder of state, the keyring and the order of steps.
//! Invariants: what was verified once is marked before it is used, so that a second look never shows less; a mark is
//! never lost in silence; no private key leaves the keyring unsealed; the network is used only where the caller says so.

mod address;
mod error;
mod server;

mod client;
mod inspect;
mod pins;
mod states;

mod keyring;
mod publisher;
mod start;
mod token_key;

mod transfer;

pub use address::ServerAddress;
pub use client::{Client, Look, RoleProof, SignedTag};
pub use error::{Error, Kind};
pub use inspect::{Inspection, delegations};
pub use keyring::{KeyEntry, KeyUse, Keyring, Need, Passphrases, Purpose};
pub use pins::{Pins, parse_pin, parse_pins};
pub use publisher::{Published, Publisher};
pub use server::{HttpServer, Server, Upload};
pub use start::{Threshold, name_of};
pub use states::States;
pub use transfer::{Transfer, export_home, import_home};
