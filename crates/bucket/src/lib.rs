//! Objects of a store that speaks S3: whole ones, large ones in parts, ranges, and what to try again.
//!
//! Entry point: [`Bucket`]. Each request is signed (AWS Signature Version 4, with the hash of its body, so that the store
//! takes in what was sent or nothing). What the store could not do for the moment is tried again a few times; then the
//! error says whether it may pass. A body that breaks off while it is read goes on where it broke.

mod answer;
mod bucket;
mod credentials;
mod error;
pub mod fuzz;
mod reading;
mod sending;
mod settings;
mod sign;

pub use bucket::{Bucket, Listed, PART_BYTES_MIN, PARTS_MAX};
pub use credentials::Credentials;
pub use error::Error;
pub use reading::ObjectBody;
pub use settings::{Encryption, Settings};
