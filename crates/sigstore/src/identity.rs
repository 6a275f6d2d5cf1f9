//! Who signed: what certificates of Fulcio say, and what is asked of them
//! (<https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md>).

use regex::Regex;
use sealift_crypto::Certificate;
use sealift_crypto::certificate::AlternativeName;

use crate::Refusal;
use crate::wire::printable;

const PREFIX: &str = "1.3.6.1.4.1.57264.1.";
const OTHER_NAME: &str = "1.3.6.1.4.1.57264.1.7";
const EXPRESSION_BYTES_MAX: usize = 1 << 20;

/// The claims of a certificate by name, with the last number of their identifiers.
pub const CLAIMS: &[(&str, u8)] = &[
    ("issuer", 8),
    ("build-signer-uri", 9),
    ("build-signer-digest", 10),
    ("runner-environment", 11),
    ("repository", 12),
    ("repository-digest", 13),
    ("ref", 14),
    ("repository-id", 15),
    ("owner", 16),
    ("owner-id", 17),
    ("workflow", 18),
    ("workflow-digest", 19),
    ("trigger", 20),
    ("run", 21),
    ("visibility", 22),
];

/// What an identity must be for a signature to count.
#[derive(Clone, Debug)]
pub struct IdentityPolicy {
    /// The mail address or web address of who signed.
    pub identity: Matcher,
    /// Who vouched for it.
    pub issuer: Matcher,
    /// Further claims, by the names of [`CLAIMS`].
    pub claims: Vec<(String, Matcher)>,
    /// How much evidence there must be.
    pub thresholds: Thresholds,
}

/// A text that is asked for.
#[derive(Clone, Debug)]
pub enum Matcher {
    /// Exactly this.
    Exact(String),
    /// A regular expression for all of it.
    Expression(Regex),
}

/// How much evidence there must be. Zero means that it is not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thresholds {
    /// Entries of trusted logs.
    pub log_entries: usize,
    /// Moments that a trusted log or authority signed. One at least is needed for a certificate.
    pub times: usize,
    /// Promises of logs of certificates.
    pub certificate_timestamps: usize,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { log_entries: 1, times: 1, certificate_timestamps: 1 }
    }
}

/// What a certificate claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Name, one of [`CLAIMS`].
    pub name: &'static str,
    /// Value.
    pub value: String,
}

impl IdentityPolicy {
    /// An identity and who vouches for it, with the ordinary thresholds.
    pub fn new(identity: Matcher, issuer: Matcher) -> Self {
        Self { identity, issuer, claims: Vec::new(), thresholds: Thresholds::default() }
    }

    /// Asks for a claim by name.
    pub fn with_claim(mut self, name: &str, matcher: Matcher) -> Result<Self, Refusal> {
        if !CLAIMS.iter().any(|(known, _)| *known == name) {
            return Err(Refusal::UnknownClaim(printable(name)));
        }
        self.claims.push((name.to_owned(), matcher));
        Ok(self)
    }
}

impl Matcher {
    /// Exactly this text.
    pub fn exact(text: &str) -> Self {
        Self::Exact(text.to_owned())
    }

    /// A regular expression that must match the whole text: what matches a part only lets in what nobody thought of.
    pub fn expression(text: &str) -> Result<Self, Refusal> {
        regex::RegexBuilder::new(&format!("^(?:{text})$"))
            .size_limit(EXPRESSION_BYTES_MAX)
            .build()
            .ok()
            // `a)|(b` would escape from the brackets.
            .filter(|_| Regex::new(text).is_ok())
            .map(Self::Expression)
            .ok_or_else(|| Refusal::Expression(printable(text)))
    }

    /// Whether a text is what is asked for.
    pub fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(expected) => expected == text,
            Self::Expression(expression) => expression.is_match(text),
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Exact(text) => format!("`{}`", printable(text)),
            Self::Expression(expression) => {
                let text = expression.as_str();
                let inner = text.strip_prefix("^(?:").and_then(|text| text.strip_suffix(")$"));
                format!("all of `{}`", printable(inner.unwrap_or(text)))
            }
        }
    }
}

/// What a certificate says of who asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) claims: Vec<Claim>,
}

impl Subject {
    /// Reads a certificate of Fulcio: one name, one issuer.
    pub(crate) fn read(certificate: &Certificate) -> Result<Self, Refusal> {
        let name = match certificate.alternative_names() {
            [AlternativeName::Email(text) | AlternativeName::Uri(text)] => text.clone(),
            [AlternativeName::Other { id, text: Some(text) }] if id == OTHER_NAME => text.clone(),
            _ => return Err(Refusal::Certificate("names not exactly one identity".to_owned())),
        };
        let malformed = || Refusal::Certificate("has a claim that is not text".to_owned());
        let mut claims = Vec::new();
        for (name, number) in CLAIMS {
            if let Some(extension) = certificate.extension(&format!("{PREFIX}{number}")) {
                let text = extension.text().map(str::as_bytes).and_then(visible);
                let value = text.ok_or_else(malformed)?;
                claims.push(Claim { name, value });
            }
        }
        // The first form of the issuer is bare text, and both must agree.
        let old = match certificate.extension(&format!("{PREFIX}1")) {
            Some(extension) => Some(visible(&extension.value).ok_or_else(malformed)?),
            None => None,
        };
        let new = claims.iter().find(|claim| claim.name == "issuer");
        let issuer = match (new, old) {
            (Some(new), Some(old)) if new.value != old => {
                return Err(Refusal::Certificate("names two issuers".to_owned()));
            }
            (Some(new), _) => new.value.clone(),
            (None, Some(old)) => old,
            (None, None) => return Err(Refusal::Certificate("names no issuer".to_owned())),
        };
        Ok(Self { name, issuer, claims })
    }

    /// Compares it with what is asked for.
    pub(crate) fn check(&self, policy: &IdentityPolicy) -> Result<(), Refusal> {
        let refuse = |what: &str, matcher: &Matcher, found: Option<&str>| Refusal::Identity {
            what: what.to_owned(),
            wanted: matcher.describe(),
            found: found.map_or_else(|| "nothing".to_owned(), |text| format!("`{text}`")),
        };
        if !policy.issuer.matches(&self.issuer) {
            return Err(refuse("issuer", &policy.issuer, Some(&self.issuer)));
        }
        if !policy.identity.matches(&self.name) {
            return Err(refuse("identity", &policy.identity, Some(&self.name)));
        }
        for (name, matcher) in &policy.claims {
            let claim = self.claims.iter().find(|claim| claim.name == name);
            if !claim.is_some_and(|claim| matcher.matches(&claim.value)) {
                let found = claim.map(|claim| claim.value.as_str());
                return Err(refuse(&format!("claim `{name}`"), matcher, found));
            }
        }
        Ok(())
    }
}

fn visible(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    (!text.contains(char::is_control)).then(|| text.to_owned())
}
