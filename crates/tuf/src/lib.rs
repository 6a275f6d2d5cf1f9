//! Docker Content Trust: the TUF of Notary v1, verified, published and served.
//!
//! It is not TUF 1.0: types are capitalised, hashes are base64, and there is no `spec_version`. Entry points:
//! `Update` for who verifies, `Repository` for who signs, `Server` for who serves.
//! Nothing here does network or reads the clock: documents and the time are given. Invariants: what is signed is judged
//! in its canonical form only; a signer counts once, however many names its key has; what was seen once, of any role and
//! any tag, never goes back; whatever is not understood is a refusal with its reason.

mod error;
mod limits;
mod name;

mod document;
mod envelope;
mod hash;
mod key;

mod changelist;
mod home;
mod key_file;

pub mod publish;
pub mod server;
pub mod verify;

pub use changelist::{read_change, write_change};
pub use document::{Delegation, Meta, RoleKeys, Root, Targets, lifetime_hours};
pub use envelope::{Authority, Envelope, Signature, Signer, seal};
pub use error::Error;
pub use hash::{FileMeta, sha256_hex};
pub use home::{Home, HomeRepository, read_folder, write_folder};
pub use key::Key;
pub use key_file::{KeyFile, read_public_key, write_public_key};
pub use limits::Limits;
pub use name::{Gun, Role, repository_of};
pub use publish::{Change, DelegationChange, Keys, Repository};
pub use verify::{State, Trusted, Update};
