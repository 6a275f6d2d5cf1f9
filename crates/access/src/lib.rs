//! Who asks, what they may do, and how often.
//!
//! Entry point: [`Gatekeeper`]. It says who somebody is ([`Gatekeeper::identify`]) and whether they may do what they
//! want ([`Gatekeeper::decide`]). Invariants: whatever is missing, unknown or cannot be read is a refusal; a rule that
//! denies wins over all that allow; nobody gets in without a name unless a rule says so; no secret is logged or kept as
//! it came.

mod principal;

mod error;
mod foreign;
mod gatekeeper;
mod header;
mod passwords;
mod pattern;
mod rules;
mod token;
mod token_keys;

pub use error::Error;
pub use foreign::TokenServer;
pub use gatekeeper::{Gatekeeper, Parts};
pub use passwords::Passwords;
pub use principal::{Action, Decision, Denial, Grant, Kind, Principal, Request, Thing};
pub use rules::{Rule, Rules};
pub use token::{TokenFault, TokenRules, verify_token};
pub use token_keys::TokenKeys;
