//! The registry's pages, made on the server: what is in it, what is known of it, and what an administrator does.
//!
//! Entry point: [`Web`], which is the registry's hook for all that is no API. No page loads anything from elsewhere, none
//! has a script; what others wrote is text. Invariants: a visitor sees no repository that they may not pull; nothing is
//! changed but by a form that this server gave to the same session.

mod address;
mod answer;
mod deeds;
mod imaging;
mod insight;
mod layout;
mod log;
mod looking;
mod office;
mod pages;
mod query;
mod service;
mod session;
mod table;

pub use insight::{Counts, Details, Finding, Insight, Package, Signature, Summary, Verdict};
pub use office::{Going, LogAsked, LogBegin, LogEvent, LogPart, LogPlace, Office, Robot};
pub use service::{Settings, Web};
