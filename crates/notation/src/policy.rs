//! notation's trust policies: `trustpolicy.json`, `trustpolicy.oci.json` and `trustpolicy.blob.json`, version 1.0.

use std::collections::{BTreeMap, BTreeSet};

use sealift_crypto::strict_json;
use serde::Deserialize;

use crate::text::{clean, json_reason};
use crate::{DistinguishedName, Error, StoreName};

const POLICY_BYTES_MAX: usize = 1 << 20;
const STATEMENTS_MAX: usize = 1000;
const IDENTITIES_MAX: usize = 1000;
const WILDCARD: &str = "*";

/// Which kind of artifacts a policy is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// Images and other artifacts of registries, by `registryScopes`.
    Oci,
    /// Files, by the name of the statement.
    Blob,
}

/// A policy whose rules hold together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    /// What it is for.
    pub kind: PolicyKind,
    /// Its statements, in their order.
    pub statements: Vec<Statement>,
}

/// What is wanted of the artifacts that a statement is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its name.
    pub name: String,
    /// Repositories, or `*`; empty in a policy for blobs.
    pub scopes: Vec<String>,
    /// Whether it is for blobs for which no statement is named.
    pub is_global: bool,
    /// Its level, before overrides.
    pub level: Level,
    /// Actions instead of the level's.
    pub overrides: BTreeMap<Check, Action>,
    /// When a timestamp is looked at.
    pub verify_timestamp: VerifyTimestamp,
    /// Where the trusted certificates are.
    pub stores: Vec<StoreName>,
    /// Who may sign. Empty only if the level is [`Level::Skip`].
    pub identities: Vec<TrustedIdentity>,
}

/// How strict a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Everything counts.
    Strict,
    /// Time and revocation are reported only.
    Permissive,
    /// All but the signature itself is reported only.
    Audit,
    /// Nothing is looked at.
    Skip,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Check {
    /// The envelope, its signature, and that it is for this artifact.
    Integrity,
    /// A trusted authority and a trusted identity.
    Authenticity,
    /// The certificates were valid when it was signed.
    AuthenticTimestamp,
    /// The signer still stands for it.
    Expiry,
    /// No certificate was revoked.
    Revocation,
}

/// What follows from a check that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// The signature is refused.
    Enforce,
    /// It is reported.
    Log,
    /// The check is not made.
    Skip,
}

/// When a timestamp is looked at, if the statement names a store for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum VerifyTimestamp {
    /// Always; a signature without one is refused.
    #[default]
    #[serde(rename = "always", alias = "")]
    Always,
    /// When a certificate has expired since.
    #[serde(rename = "afterCertExpiry")]
    AfterCertExpiry,
}

/// Who may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustedIdentity {
    /// Everybody whose certificate is under a trusted authority.
    Any,
    /// Whose subject has these attributes.
    Subject(DistinguishedName),
}

impl Level {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Permissive => "permissive",
            Self::Audit => "audit",
            Self::Skip => "skip",
        }
    }

    fn action(self, check: Check) -> Action {
        match (self, check) {
            (Self::Skip, _) => Action::Skip,
            (Self::Strict, _) | (_, Check::Integrity) => Action::Enforce,
            (Self::Permissive, Check::Authenticity) => Action::Enforce,
            (Self::Permissive | Self::Audit, _) => Action::Log,
        }
    }
}

impl Check {
    /// All, in the order in which they are made.
    pub const ALL: [Self; 5] = [
        Self::Integrity,
        Self::Authenticity,
        Self::Expiry,
        Self::AuthenticTimestamp,
        Self::Revocation,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Integrity => "integrity",
            Self::Authenticity => "authenticity",
            Self::AuthenticTimestamp => "authenticTimestamp",
            Self::Expiry => "expiry",
            Self::Revocation => "revocation",
        }
    }
}

impl Action {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Log => "log",
            Self::Skip => "skip",
        }
    }
}

impl Statement {
    /// What follows if this check fails.
    pub fn action(&self, check: Check) -> Action {
        self.overrides.get(&check).copied().unwrap_or_else(|| self.level.action(check))
    }

    /// The statement that nothing but the given stores is trusted in, strictly, whoever signed.
    pub fn strict(name: &str, stores: Vec<StoreName>) -> Self {
        Self {
            name: name.to_owned(),
            scopes: vec![WILDCARD.to_owned()],
            is_global: false,
            level: Level::Strict,
            overrides: BTreeMap::new(),
            verify_timestamp: VerifyTimestamp::AfterCertExpiry,
            stores,
            identities: vec![TrustedIdentity::Any],
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    version: String,
    trust_policies: Vec<WireStatement>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireStatement {
    name: String,
    #[serde(default)]
    registry_scopes: Option<Vec<String>>,
    #[serde(default)]
    global_policy: Option<bool>,
    signature_verification: WireVerification,
    #[serde(default)]
    trust_stores: Vec<String>,
    #[serde(default)]
    trusted_identities: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireVerification {
    level: Level,
    #[serde(default)]
    r#override: BTreeMap<Check, Action>,
    #[serde(default)]
    verify_timestamp: VerifyTimestamp,
}

impl TrustPolicy {
    /// Reads a policy. All of it must be right, also what is for other artifacts.
    pub fn parse(kind: PolicyKind, bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() > POLICY_BYTES_MAX {
            let size = bytes.len();
            return Err(Error::TooLarge { what: "trust policy", size, limit: POLICY_BYTES_MAX });
        }
        let document: Document = strict_json::from_slice(bytes, "trust policy")
            .map_err(|error| refused(json_reason(&error)))?;
        if document.version != "1.0" {
            let version = clean(&document.version);
            return Err(refused(format!("its version is `{version}`, and 1.0 is known")));
        }
        let n_statements = document.trust_policies.len();
        if n_statements == 0 || n_statements > STATEMENTS_MAX {
            return Err(refused("it has no statement, or more than 1000"));
        }
        let statements: Vec<Statement> = document
            .trust_policies
            .into_iter()
            .map(|wire| read_statement(kind, wire))
            .collect::<Result<_, Error>>()?;
        check_together(&statements)?;
        Ok(Self { kind, statements })
    }

    /// The statement for a repository, `registry.example/team/app`: the one that names it, or that of `*`.
    pub fn for_repository(&self, repository: &str) -> Result<&Statement, Error> {
        let with = |scope: &str| {
            self.statements.iter().find(|statement| statement.scopes.iter().any(|own| own == scope))
        };
        with(repository)
            .or_else(|| with(WILDCARD))
            .ok_or_else(|| Error::NoStatement(clean(repository)))
    }

    /// The statement for a blob: the one with this name, or the global one.
    pub fn for_blob(&self, name: Option<&str>) -> Result<&Statement, Error> {
        let mut statements = self.statements.iter();
        match name {
            Some(name) => statements.find(|statement| statement.name == name),
            None => statements.find(|statement| statement.is_global),
        }
        .ok_or_else(|| Error::NoStatement(clean(name.unwrap_or("blobs"))))
    }
}

fn refused(reason: impl Into<String>) -> Error {
    Error::Policy(reason.into())
}

fn read_statement(kind: PolicyKind, wire: WireStatement) -> Result<Statement, Error> {
    if wire.name.is_empty() {
        return Err(refused("a statement has no name"));
    }
    let name = clean(&wire.name);
    let error = |reason: String| refused(format!("statement `{name}` {reason}"));
    let verification = wire.signature_verification;
    check_overrides(&verification).map_err(error)?;
    let is_skip = verification.level == Level::Skip;
    let (n_stores, n_identities) = (wire.trust_stores.len(), wire.trusted_identities.len());
    if is_skip && n_stores + n_identities > 0 {
        return Err(error("skips verification, but has trust stores or identities".to_owned()));
    }
    if !is_skip && (n_stores == 0 || n_identities == 0) {
        return Err(error("has no trust stores, or no trusted identities".to_owned()));
    }
    let stores = wire.trust_stores.iter().map(|store| store.parse().map_err(error));
    let stores = stores.collect::<Result<_, Error>>()?;
    let identities = read_identities(&wire.trusted_identities).map_err(error)?;
    let (scopes, is_global) = match (kind, wire.registry_scopes, wire.global_policy) {
        (PolicyKind::Oci, Some(scopes), None) => (scopes, false),
        (PolicyKind::Blob, None, global) => (Vec::new(), global.unwrap_or(false)),
        (PolicyKind::Oci, ..) => {
            return Err(error("has no `registryScopes`, or is one for blobs".to_owned()));
        }
        (PolicyKind::Blob, ..) => {
            return Err(error("has `registryScopes`, which are not for blobs".to_owned()));
        }
    };
    if is_global && is_skip {
        return Err(error("is the global one and skips verification".to_owned()));
    }
    check_scopes(kind, &scopes).map_err(error)?;
    Ok(Statement {
        name: wire.name,
        scopes,
        is_global,
        level: verification.level,
        overrides: verification.r#override,
        verify_timestamp: verification.verify_timestamp,
        stores,
        identities,
    })
}

fn check_overrides(verification: &WireVerification) -> Result<(), String> {
    if verification.level == Level::Skip && !verification.r#override.is_empty() {
        return Err("skips verification, but overrides something".to_owned());
    }
    for (check, action) in &verification.r#override {
        let name = check.as_str();
        match (check, action) {
            (Check::Integrity, _) => return Err(format!("overrides `{name}`")),
            (Check::Revocation, _) => {}
            (_, Action::Skip) => return Err(format!("skips `{name}`; only revocation may be")),
            _ => {}
        }
    }
    Ok(())
}

fn read_identities(texts: &[String]) -> Result<Vec<TrustedIdentity>, String> {
    if texts.iter().any(|text| text == WILDCARD) && texts.len() > 1 {
        return Err("trusts the identity `*` and others".to_owned());
    }
    if texts.len() > IDENTITIES_MAX {
        return Err("trusts more than 1000 identities".to_owned());
    }
    let mut identities: Vec<TrustedIdentity> = Vec::new();
    for text in texts {
        if text == WILDCARD {
            identities.push(TrustedIdentity::Any);
            continue;
        }
        let shown = clean(text);
        // notation passes other kinds over, for its plugins. Here they would be identities that nobody has.
        let subject = text
            .strip_prefix("x509.subject:")
            .ok_or_else(|| format!("trusts the identity `{shown}`, which is no `x509.subject:`"))?;
        let subject = DistinguishedName::parse(subject)
            .map_err(|reason| format!("trusts the identity `{shown}`, which {reason}"))?;
        let overlaps = identities.iter().any(|known| match known {
            TrustedIdentity::Any => true,
            TrustedIdentity::Subject(known) => {
                known.is_part_of(&subject) || subject.is_part_of(known)
            }
        });
        if overlaps {
            return Err(format!("trusts the identity `{shown}`, which overlaps with another"));
        }
        identities.push(TrustedIdentity::Subject(subject));
    }
    Ok(identities)
}

fn check_scopes(kind: PolicyKind, scopes: &[String]) -> Result<(), String> {
    if kind == PolicyKind::Blob {
        return Ok(());
    }
    if scopes.is_empty() {
        return Err("has no `registryScopes`".to_owned());
    }
    if scopes.iter().any(|scope| scope == WILDCARD) {
        let is_alone = scopes.len() == 1;
        return is_alone.then_some(()).ok_or("has the scope `*` and others".to_owned());
    }
    match scopes.iter().find(|scope| !is_repository(scope)) {
        None => Ok(()),
        Some(scope) => {
            Err(format!("has the scope `{}`, which is not `HOST/REPOSITORY`", clean(scope)))
        }
    }
}

// A host with or without port, and a path of lower-case parts, without tag or digest.
fn is_repository(scope: &str) -> bool {
    let Some((host, path)) = scope.split_once('/') else { return false };
    let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
    let is_label = |label: &str| {
        let is_inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty()
            && label.bytes().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let is_port =
        port.is_none_or(|port| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
    name.split('.').all(is_label) && is_port && path.split('/').all(is_path_part)
}

// Letters and digits, between them one dot, one or two underscores, or hyphens.
fn is_path_part(part: &str) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends_well = bytes.first().is_some_and(is_name) && bytes.last().is_some_and(is_name);
    let separators =
        part.split(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit());
    let is_separator =
        |text: &str| matches!(text, "" | "." | "_" | "__") || text.bytes().all(|byte| byte == b'-');
    ends_well && separators.into_iter().all(is_separator)
}

fn check_together(statements: &[Statement]) -> Result<(), Error> {
    let (mut names, mut scopes) = (BTreeSet::new(), BTreeSet::new());
    let mut has_global = false;
    for statement in statements {
        if !names.insert(&statement.name) {
            return Err(refused(format!("two statements are named `{}`", clean(&statement.name))));
        }
        if statement.is_global && has_global {
            return Err(refused("two statements are the global one"));
        }
        has_global |= statement.is_global;
        for scope in &statement.scopes {
            if !scopes.insert(scope) {
                return Err(refused(format!("the scope `{}` stands twice", clean(scope))));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
