//! What verification found, what was refused and why, and what a consumer requires.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use sealift_oci::Digest;

use crate::predicate_type;

/// What the referrers of an image prove. Only `signatures` and `attestations` are to be trusted.
#[derive(Clone, Debug, Default)]
pub struct Verification {
    /// Proved signatures.
    pub signatures: Vec<Signature>,
    /// Proved attestations.
    pub attestations: Vec<Attestation>,
    /// Referrers that prove nothing to us: other keys, other kinds.
    pub unproved: Vec<Unproved>,
    /// What does not match. One is enough not to trust the image.
    pub refusals: Vec<Refusal>,
}

/// A proved signature. All but `artifact` stands in signed bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// Fingerprint of the key.
    pub key: String,
    /// Digest of the signature's manifest.
    pub artifact: Digest,
    /// When it was made, if the signature says so.
    pub created: Option<Timestamp>,
    /// The name that the image was signed under, if the signature says so.
    pub name: Option<String>,
    /// How it was stored.
    pub form: Form,
    /// Whether whoever made it meant the name to bind. cosign writes only the repository into the older form, and
    /// ignores it when it verifies.
    pub binds_name: bool,
    /// What else was signed with it: `--annotation`.
    pub annotations: BTreeMap<String, String>,
}

/// How a signature or attestation is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A sigstore bundle that refers to the image.
    Bundle,
    /// A layer of an image under a tag. Several may have one manifest.
    Legacy,
}

/// What is asked of the name in a signature that does not mean it to bind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameRule {
    /// It must be the whole name.
    #[default]
    Whole,
    /// The repository is enough.
    Repository,
    /// It is not looked at.
    Ignored,
}

/// A proved attestation. All but `artifact` stands in signed bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Type of the predicate.
    pub predicate_type: String,
    /// The predicate, byte for byte as it was signed.
    pub predicate: Vec<u8>,
    /// Fingerprint of the key.
    pub key: String,
    /// Digest of the attestation's manifest.
    pub artifact: Digest,
    /// When it was made, if the attestation says so.
    pub created: Option<Timestamp>,
    /// The name that the image was attested under, if the attestation says so.
    pub name: Option<String>,
    /// How it was stored.
    pub form: Form,
}

/// A referrer that proves nothing to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unproved {
    /// Digest of its manifest.
    pub artifact: Digest,
    /// What it says it is.
    pub what: What,
    /// Why it proves nothing.
    pub reason: String,
}

/// Something that does not match, or is missing. Its text is one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Digest of the artifact, or of the image's content, that is refused.
    pub artifact: Option<Digest>,
    /// What it says it is.
    pub what: What,
    /// What does not match.
    pub why: Fault,
}

/// What an artifact says it is. Not proved, for messages only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The image itself.
    Image,
    /// A signature.
    Signature,
    /// An attestation with its predicate type.
    Attestation(String),
    /// A referrer that does not say what it is.
    Referrer,
}

/// A part of an image or of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The manifest or index.
    Manifest,
    /// The config.
    Config,
    /// A layer.
    Layer,
    /// The sigstore bundle.
    Bundle,
    /// The signed statement.
    Statement,
    /// The signed payload of the older form.
    Payload,
    /// The signed envelope of the older form.
    Envelope,
    /// A file that is no image.
    File,
}

/// What does not match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes cannot be had.
    #[error("the {part} cannot be read: {reason}")]
    Unreadable {
        /// Which part.
        part: Part,
        /// Why.
        reason: String,
    },
    /// Larger than allowed.
    #[error("the {part} has {size} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Which part.
        part: Part,
        /// Size that its descriptor states.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// The number of bytes is not that of the descriptor.
    #[error("the {part} has {actual} bytes, but its descriptor says {expected}")]
    Size {
        /// Which part.
        part: Part,
        /// Stated size.
        expected: u64,
        /// Real size.
        actual: u64,
    },
    /// There are more bytes than the descriptor says.
    #[error("the {part} is longer than the {expected} bytes that its descriptor says")]
    Longer {
        /// Which part.
        part: Part,
        /// Stated size.
        expected: u64,
    },
    /// The bytes are not those of the descriptor.
    #[error("the {part} has digest `{actual}`, but its descriptor says `{expected}`")]
    Digest {
        /// Which part.
        part: Part,
        /// Stated digest.
        expected: Digest,
        /// Real digest.
        actual: Digest,
    },
    /// The document cannot be understood.
    #[error("the {part} is malformed: {reason}")]
    Malformed {
        /// Which part.
        part: Part,
        /// Why.
        reason: String,
    },
    /// The media type is not exactly the expected one.
    #[error("the {part} has media type `{actual}`, not `{expected}`")]
    MediaType {
        /// Which part.
        part: Part,
        /// Expected media type.
        expected: String,
        /// Stated media type.
        actual: String,
    },
    /// The manifest does not refer to the image.
    #[error("the manifest refers to {actual}, not to the image {expected}")]
    Subject {
        /// The image: digest, media type, size.
        expected: String,
        /// What the manifest refers to.
        actual: String,
    },
    /// An annotation does not say what it must.
    #[error("the annotation `{name}` is `{actual}`, not `{expected}`")]
    Annotation {
        /// Name of the annotation.
        name: &'static str,
        /// Its value, or nothing.
        actual: String,
        /// What the signed or fixed value is.
        expected: String,
    },
    /// The signature is not by the key that it names.
    #[error("the signature does not match the statement under key `{key}`")]
    Signature {
        /// Fingerprint of the key.
        key: String,
    },
    /// A file is not signed by the key.
    #[error("no signature of the file by key `{key}`")]
    FileSignature {
        /// Fingerprint of the key.
        key: String,
    },
    /// The envelope does not hold a statement.
    #[error("the payload type is `{0}`, not an in-toto statement")]
    PayloadType(String),
    /// The payload is about another image.
    #[error("the signed payload is about `{actual}`, not about `{expected}`")]
    PayloadSubject {
        /// Digest of the image.
        expected: Digest,
        /// What the payload is about.
        actual: String,
    },
    /// More signatures under one tag than any image has.
    #[error("there are {count} signatures in one manifest, more than the limit of {limit}")]
    TooManySignatures {
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// The statement is about another image.
    #[error("the signed statement is about {actual}, not about `{expected}`")]
    StatementSubject {
        /// Digest of the image.
        expected: Digest,
        /// What the statement is about.
        actual: String,
    },
    /// More referrers than any image has.
    #[error("there are {count} referrers, more than the limit of {limit}")]
    TooManyReferrers {
        /// How many.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// A signature is required.
    #[error("no signature by a known key{}", unproved_text(*.n_unproved))]
    NoSignature {
        /// Signatures that prove nothing.
        n_unproved: usize,
    },
    /// A signature for a certain name is required.
    #[error("no signature for the name `{expected}`; it was signed as {actual}")]
    Name {
        /// The required name.
        expected: String,
        /// The names that it was signed under.
        actual: String,
    },
    /// A signature with certain annotations is required.
    #[error(
        "no signature by a known key has all the required annotations, of which `{expected}` is the first"
    )]
    NoAnnotation {
        /// The first of them.
        expected: String,
    },
    /// An attestation is required.
    #[error("no attestation `{predicate_type}` by a known key{}", unproved_text(*.n_unproved))]
    NoAttestation {
        /// The required type.
        predicate_type: String,
        /// Attestations of this type that prove nothing.
        n_unproved: usize,
    },
}

/// What a consumer wants proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// At least one signature by a known key.
    pub signature: bool,
    /// If given, at least one signature must be for this name.
    pub name: Option<String>,
    /// How the name is compared where a signature does not mean it to bind.
    pub legacy_name: NameRule,
    /// Annotations that one signature must have, all of them.
    pub annotations: BTreeMap<String, String>,
    /// Predicate types of which at least one attestation by a known key must be there.
    pub attestations: Vec<String>,
}

impl Requirements {
    /// All that speaks against the image: what was refused and what is missing. Trust it only if this is empty.
    pub fn evaluate(&self, verification: &Verification) -> Vec<Refusal> {
        let mut refusals = verification.refusals.clone();
        let missing = |why| Refusal { artifact: None, what: What::Image, why };
        let n_unproved = |what: &What| {
            verification.unproved.iter().filter(|unproved| unproved.what == *what).count()
        };
        let signatures = &verification.signatures;
        let needs_signature = self.signature || self.name.is_some() || !self.annotations.is_empty();
        if signatures.is_empty() && needs_signature {
            let n_unproved = n_unproved(&What::Signature);
            refusals.push(missing(Fault::NoSignature { n_unproved }));
        } else if let Some(expected) = &self.name
            && !signatures.iter().any(|signature| signature.is_for(expected, self.legacy_name))
        {
            let names = signatures.iter().map(|signature| match &signature.name {
                Some(name) => format!("`{}`", clean(name)),
                None => "no name".to_owned(),
            });
            let actual = names.collect::<Vec<_>>().join(", ");
            refusals.push(missing(Fault::Name { expected: expected.clone(), actual }));
        } else if !signatures.iter().any(|signature| self.has_annotations(signature))
            && let Some((name, value)) = self.annotations.iter().next()
        {
            let expected = clean(&format!("{name}={value}"));
            refusals.push(missing(Fault::NoAnnotation { expected }));
        }
        for predicate_type in &self.attestations {
            let is_there = verification
                .attestations
                .iter()
                .any(|attestation| attestation.predicate_type == *predicate_type);
            if !is_there {
                let n_unproved = n_unproved(&What::Attestation(predicate_type.clone()));
                let predicate_type = predicate_type.clone();
                refusals.push(missing(Fault::NoAttestation { predicate_type, n_unproved }));
            }
        }
        refusals
    }
}

impl Requirements {
    fn has_annotations(&self, signature: &Signature) -> bool {
        let name_fits = |name: &String| signature.is_for(name, self.legacy_name);
        self.name.as_ref().is_none_or(name_fits)
            && self
                .annotations
                .iter()
                .all(|(name, value)| signature.annotations.get(name) == Some(value))
    }
}

impl Signature {
    /// True if the image was signed under this name, compared as the rule says where the name does not bind.
    pub fn is_for(&self, name: &str, rule: NameRule) -> bool {
        let signed = self.name.as_deref().unwrap_or_default();
        let is_whole = signed == name;
        match rule {
            _ if self.binds_name => is_whole,
            NameRule::Whole => is_whole,
            NameRule::Repository => is_whole || signed == repository(name),
            NameRule::Ignored => true,
        }
    }
}

// A name without its tag and digest.
fn repository(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or_default();
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    name[start..].find(':').map_or(name, |colon| &name[..start + colon])
}

impl What {
    /// What a predicate type makes an artifact.
    pub(crate) fn of(predicate_type: Option<&String>) -> Self {
        match predicate_type.map(String::as_str) {
            Some(predicate_type::SIGN) => Self::Signature,
            Some(other) => Self::Attestation(clean(other)),
            None => Self::Referrer,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Image => out.write_str("image"),
            Self::Signature => out.write_str("signature"),
            Self::Attestation(predicate_type) => write!(out, "attestation `{predicate_type}`"),
            Self::Referrer => out.write_str("referrer"),
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Manifest => "manifest",
            Self::Config => "config",
            Self::Layer => "layer",
            Self::Bundle => "sigstore bundle",
            Self::Statement => "signed statement",
            Self::Payload => "signed payload",
            Self::Envelope => "signed envelope",
            Self::File => "file",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.what)?;
        if let Some(artifact) = &self.artifact {
            write!(out, " ({artifact})")?;
        }
        write!(out, ": {}", self.why)
    }
}

impl fmt::Display for Unproved {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({}): {}", self.what, self.artifact, self.reason)
    }
}

fn unproved_text(n_unproved: usize) -> String {
    match n_unproved {
        0 => String::new(),
        1 => "; one by another key or kind proves nothing".to_owned(),
        count => format!("; {count} by other keys or kinds prove nothing"),
    }
}

/// Text from outside, fit for a terminal: no control or direction characters, at most 200 characters.
pub(crate) fn clean(text: &str) -> String {
    let is_direction = |character| matches!(character, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    let visible = |character: char| {
        if character.is_control() || is_direction(character) { '\u{FFFD}' } else { character }
    };
    text.chars().take(200).map(visible).collect()
}
