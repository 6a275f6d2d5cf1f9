//! `policy.json` of podman, skopeo and CRI-O (containers-policy.json(5)), as far as it is about images of registries.
//!
//! Of what it can ask for, `sigstoreSigned` with keys is judged. What is not understood (OpenPGP, Fulcio, Rekor) refuses
//! its scope; a field that is not known refuses the whole file.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::PublicKey;
use serde_json::Value;

use super::{check_fields, error, texts};
use crate::pattern::Pattern;
use crate::policy::{
    Decision, FileRead, IdentityRule, NameRule, OnMissing, Policy, PolicyKey, Require, Rule, Shape,
    Signer,
};
use crate::text::clean;
use crate::{Error, Format};

const TRANSPORT: &str = "docker";
/// Fields that ask for more than a key.
const BEYOND_KEYS: [&str; 7] = [
    "fulcio",
    "pki",
    "rekorPublicKeyPath",
    "rekorPublicKeyPaths",
    "rekorPublicKeyData",
    "rekorPublicKeyDatas",
    "caPath",
];
const SIGSTORE_FIELDS: [&str; 13] = [
    "type",
    "keyPath",
    "keyPaths",
    "keyData",
    "keyDatas",
    "signedIdentity",
    "fulcio",
    "pki",
    "rekorPublicKeyPath",
    "rekorPublicKeyPaths",
    "rekorPublicKeyData",
    "rekorPublicKeyDatas",
    "caPath",
];

pub(super) fn read(file: &str, value: &Value, files: FileRead<'_>) -> Result<Policy, Error> {
    check_fields(file, "the file", value, &["default", "transports"])?;
    let Some(default) = value.get("default") else {
        return Err(error(file, "the file", "`default` is missing"));
    };
    let policy = Policy {
        file: file.to_owned(),
        shape: Shape::Containers,
        signers: Vec::new(),
        rules: Vec::new(),
        revocations: Vec::new(),
        warnings: Vec::new(),
        tag_maps: BTreeMap::new(),
        notation: None,
    };
    let mut reader = Reader { file, files, policy };
    reader.scope("default", Pattern::rest(), default)?;
    let transports = value.get("transports");
    if transports.is_some_and(|transports| !transports.is_object()) {
        return Err(error(file, "transports", "it is not an object"));
    }
    if let Some(scopes) = transports.and_then(|transports| transports.get(TRANSPORT)) {
        let place = format!("transports.{TRANSPORT}");
        let scopes =
            scopes.as_object().ok_or_else(|| error(file, &place, "it is not an object"))?;
        for (scope, requirements) in scopes {
            let place = format!("`{}`", clean(scope));
            let pattern = Pattern::scope(scope).map_err(|reason| error(file, &place, reason))?;
            reader.scope(&place, pattern, requirements)?;
        }
    }
    Ok(reader.policy)
}

struct Reader<'a> {
    file: &'a str,
    files: FileRead<'a>,
    policy: Policy,
}

impl Reader<'_> {
    fn scope(&mut self, place: &str, pattern: Pattern, requirements: &Value) -> Result<(), Error> {
        let list = requirements.as_array().filter(|list| !list.is_empty() && list.len() <= 100);
        let list = list
            .ok_or_else(|| error(self.file, place, "it is not a list of 1 to 100 requirements"))?;
        let mut rule = Rule {
            place: place.to_owned(),
            pattern,
            decision: Decision::Judge,
            require: Require::All,
            signers: Vec::new(),
            formats: [Format::Cosign].into(),
            attestations: Vec::new(),
            tag_binding: false,
            max_staleness_secs: None,
            name: NameRule::Any,
            on_missing: OnMissing::Deny,
        };
        let mut accepts_anything = false;
        for (number, requirement) in list.iter().enumerate() {
            let at = format!("{place}, requirement {}", number + 1);
            match requirement.get("type").and_then(Value::as_str) {
                Some("insecureAcceptAnything") => {
                    check_fields(self.file, &at, requirement, &["type"])?;
                    accepts_anything = true;
                }
                Some("reject") => {
                    check_fields(self.file, &at, requirement, &["type"])?;
                    rule.decision = Decision::Reject;
                }
                Some("signedBy") => {
                    rule.decision = Decision::Reject;
                    rule.place = format!("{place} (signedBy, OpenPGP, is not understood and)");
                }
                Some("sigstoreSigned") => match self.sigstore(&at, requirement)? {
                    Ok(signer) => {
                        rule.signers.push(self.policy.signers.len());
                        self.policy.signers.push(signer);
                    }
                    Err(field) => {
                        rule.decision = Decision::Reject;
                        rule.place = format!("{place} (`{field}` is not understood and)");
                    }
                },
                Some(other) => {
                    let reason = format!("`{}` is not a type of requirement", clean(other));
                    return Err(error(self.file, &at, reason));
                }
                None => return Err(error(self.file, &at, "`type` is missing")),
            }
        }
        if rule.decision == Decision::Judge && rule.signers.is_empty() && accepts_anything {
            rule.decision = Decision::AcceptAnything;
        }
        self.policy.rules.push(rule);
        Ok(())
    }

    // The signer, or the field that asks for what is not understood.
    fn sigstore(&self, place: &str, value: &Value) -> Result<Result<Signer, &'static str>, Error> {
        check_fields(self.file, place, value, &SIGSTORE_FIELDS)?;
        if let Some(field) = BEYOND_KEYS.into_iter().find(|field| value.get(field).is_some()) {
            return Ok(Err(field));
        }
        let mut signer = Signer { name: place.to_owned(), ..Signer::default() };
        let mut sources = 0;
        for (name, is_data) in [("keyPath", false), ("keyData", true)] {
            if let Some(text) = value.get(name) {
                let text = text
                    .as_str()
                    .ok_or_else(|| error(self.file, place, format!("`{name}` is not a text")))?;
                signer.keys.push(self.key(place, text, is_data)?);
                sources += 1;
            }
        }
        for (name, is_data) in [("keyPaths", false), ("keyDatas", true)] {
            if value.get(name).is_some() {
                for text in texts(self.file, place, value, name)? {
                    signer.keys.push(self.key(place, &text, is_data)?);
                }
                sources += 1;
            }
        }
        if sources != 1 || signer.keys.is_empty() {
            let reason = "it has not exactly one of keyPath, keyPaths, keyData and keyDatas";
            return Err(error(self.file, place, reason));
        }
        signer.name_rule = Some(self.identity(place, value.get("signedIdentity"))?);
        Ok(Ok(signer))
    }

    fn key(&self, place: &str, text: &str, is_data: bool) -> Result<PolicyKey, Error> {
        let named = if is_data { "keyData".to_owned() } else { clean(text) };
        let fail = |reason: String| Error::File {
            file: self.file.to_owned(),
            place: place.to_owned(),
            named: named.clone(),
            reason,
        };
        let bytes = if is_data {
            STANDARD.decode(text).map_err(|_| fail("it is not base64".to_owned()))?
        } else {
            (self.files)(text).map_err(|reason| fail(clean(&reason)))?
        };
        let pem = String::from_utf8(bytes).map_err(|_| fail("it is not text".to_owned()))?;
        let key = PublicKey::from_pem(&pem).map_err(|error| fail(error.to_string()))?;
        Ok(PolicyKey { file: named, key })
    }

    fn identity(&self, place: &str, value: Option<&Value>) -> Result<IdentityRule, Error> {
        let Some(value) = value else { return Ok(IdentityRule::RepositoryIfDigest) };
        let place = &format!("{place}, signedIdentity");
        let text = |name: &str| {
            let text = value.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            let missing = || error(self.file, place, format!("`{name}` is missing"));
            text.map(str::to_owned).ok_or_else(missing)
        };
        let only = |fields: &[&str]| check_fields(self.file, place, value, fields);
        match value.get("type").and_then(Value::as_str) {
            Some("matchExact") => only(&["type"]).map(|()| IdentityRule::Exact),
            Some("matchRepoDigestOrExact") => {
                only(&["type"]).map(|()| IdentityRule::RepositoryIfDigest)
            }
            Some("matchRepository") => only(&["type"]).map(|()| IdentityRule::Repository),
            Some("exactReference") => {
                only(&["type", "dockerReference"])?;
                Ok(IdentityRule::ExactReference(text("dockerReference")?))
            }
            Some("exactRepository") => {
                only(&["type", "dockerRepository"])?;
                Ok(IdentityRule::ExactRepository(text("dockerRepository")?))
            }
            Some("remapIdentity") => {
                only(&["type", "prefix", "signedPrefix"])?;
                let (prefix, signed_prefix) = (text("prefix")?, text("signedPrefix")?);
                Ok(IdentityRule::Remap { prefix, signed_prefix })
            }
            _ => Err(error(self.file, place, "`type` is not one that is understood")),
        }
    }
}
