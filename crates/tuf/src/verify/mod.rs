//! What a consumer believes of a repository, and why.
//!
//! [`Update`] is a state machine: it says which document it wants next, is given it or its absence, and ends with
//! [`Trusted`] and the [`State`] to keep. So blocking and asynchronous callers use the same code.

mod policy;
mod root;
mod state;
mod trusted;
mod update;

pub use policy::{FirstUse, Pin, Policy};
pub use state::State;
pub use trusted::{SignedTag, Target, Trusted, TrustedRole};
pub use update::{Update, Wanted, verify_kept};

pub(crate) use root::{check_root, check_self_signed};
pub(crate) use trusted::counter_of;
