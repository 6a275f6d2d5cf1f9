//! Why a signature does not count.

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not a bundle, or not a sound one.
    #[error("not a usable sigstore bundle: {0}")]
    Bundle(String),
    /// Not a trusted root.
    #[error("not a usable trusted root: {0}")]
    TrustedRoot(String),
    /// A regular expression that cannot be read.
    #[error("`{0}` is not a regular expression")]
    Expression(String),
    /// A claim that certificates do not have.
    #[error("certificates have no claim `{0}`")]
    UnknownClaim(String),
    /// Signed with a key, and a certificate was asked for, or the other way round.
    #[error("it is signed with {found}, and {wanted} is asked for")]
    Material {
        /// What is there.
        found: &'static str,
        /// What is asked for.
        wanted: &'static str,
    },
    /// The certificate itself.
    #[error("the signing certificate {0}")]
    Certificate(String),
    /// No path to a trusted authority at a moment of the signature.
    #[error("the signing certificate is not trusted: {0}")]
    Path(String),
    /// Another signer.
    #[error("the {what} is {found}, and {wanted} is asked for")]
    Identity {
        /// Identity, issuer, or a claim.
        what: String,
        /// What is asked for.
        wanted: String,
        /// What the certificate says.
        found: String,
    },
    /// The signature is another's, or over something else.
    #[error("the signature does not match")]
    Signature,
    /// The bundle names another digest.
    #[error("the bundle is for other content: {0}")]
    Content(String),
    /// A log entry that is not sound, or not of this signature.
    #[error("log entry {index}: {fault}")]
    Entry {
        /// Its number in the log.
        index: u64,
        /// What is wrong.
        fault: String,
    },
    /// A timestamp that is not sound, or not of this signature.
    #[error("timestamp {number}: {fault}")]
    Timestamp {
        /// Its number in the bundle, from 1.
        number: usize,
        /// What is wrong.
        fault: String,
    },
    /// A promise of a log of certificates.
    #[error("the certificate's log: {0}")]
    CertificateLog(String),
    /// Too little evidence.
    #[error("{found} of {wanted} needed {what}{}", notes(.passed_over))]
    TooLittle {
        /// What there must be.
        what: &'static str,
        /// How much was asked for.
        wanted: usize,
        /// How much was found.
        found: usize,
        /// What was found and does not count.
        passed_over: Vec<String>,
    },
}

impl Refusal {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::TrustedRoot(_) => {
                Some("take `trusted_root.json` from the TUF repository of the sigstore instance")
            }
            Self::Identity { .. } => {
                Some("an expression must match the whole text: add `.*` where more may follow")
            }
            Self::TooLittle { .. } => {
                Some("check that the trusted root is that of the instance which signed")
            }
            _ => None,
        }
    }
}

fn notes(passed_over: &[String]) -> String {
    if passed_over.is_empty() {
        return String::new();
    }
    format!(": {}", passed_over.join("; "))
}
