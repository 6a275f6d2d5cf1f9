//! What was proved, step by step.

use jiff::Timestamp;

use crate::Claim;

/// A signature that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Who signed; `None` if it was a key.
    pub identity: Option<Identity>,
    /// What was signed.
    pub content: Content,
    /// The earliest moment at which the signature existed for sure.
    pub time: Option<Timestamp>,
    /// Each step, in its order.
    pub steps: Vec<Step>,
}

/// Who signed, as its certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Mail address or web address.
    pub name: String,
    /// Who vouches for it.
    pub issuer: String,
    /// Everything else.
    pub claims: Vec<Claim>,
    /// Lower-case hex of the SHA-256 of the certificate.
    pub certificate: String,
}

/// What was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// The content itself.
    Message,
    /// A statement about it.
    Statement {
        /// Media type of the statement.
        payload_type: String,
        /// Its signed bytes.
        payload: Vec<u8>,
    },
}

/// One step of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was looked at.
    pub what: &'static str,
    /// What was found.
    pub found: String,
}
