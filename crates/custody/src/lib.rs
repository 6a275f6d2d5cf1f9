//! Images and trust policies brought together: what an image carries as evidence, what was seen before, and the judgement
//! before an image is verified or pulled.
//!
//! Entry points: [`judge`], [`fetch`], [`tag_maps::attach`]. The judgement itself is `sealift-trust`'s, bytes and layers are
//! `sealift-pipeline`'s; here is what needs files and the network. Invariants: a name is resolved once, and all that
//! follows goes by digest; marks of what was seen only rise; what cannot be read of policy, marks or lists is a refusal.

mod judging;
mod pulling;

mod dct;
mod evidence;
mod keyless;
mod notation;

pub mod marks;
pub mod migration;
pub mod policy_file;
pub mod revocations;
pub mod stamping;
pub mod tag_maps;

pub use dct::{TrustPlace, TrustServer};
pub use judging::{Judged, Trust, judge, keys_of_policy};
pub use pulling::{check_bytes, fetch};

use sealift_pipeline::Error;

/// An error of a document as the job's errors have it: what is written wrong is the user's, all else is a refusal.
pub(crate) fn refuse(what: &str, error: sealift_trust::Error) -> Error {
    use sealift_trust::Error as Trust;
    match &error {
        Trust::Syntax { .. } | Trust::Policy { .. } | Trust::File { .. } => {
            Error::usage(error.to_string(), error.hint().unwrap_or_default())
        }
        _ => Error::Refused { what: what.to_owned(), why: error.to_string() },
    }
}
