//! `trust-policy.json`: `{"version": "1.0", "trust": {"enabled": true, "signers": {NAME: {"keys": […], "repos": […]}}}}`.
//!
//! A signer may sign for the repositories that its patterns match; any one of those who may is enough, and
//! `verify --signer NAME` asks for a certain one. A key is named by its file with or without `.pub`.

use std::collections::BTreeMap;

use sealift_crypto::PublicKey;
use serde_json::Value;

use super::{check_fields, error, texts};
use crate::pattern::Pattern;
use crate::policy::{
    Decision, FileRead, NameRule, OnMissing, Policy, PolicyKey, Require, Rule, Shape, Signer,
};
use crate::text::clean;
use crate::{Error, Format};

pub(super) fn read(file: &str, value: &Value, files: FileRead<'_>) -> Result<Policy, Error> {
    check_fields(file, "the file", value, &["version", "trust"])?;
    if value.get("version").and_then(Value::as_str) != Some("1.0") {
        return Err(error(file, "the file", "`version` is not \"1.0\", and no other is known"));
    }
    let trust = value.get("trust").unwrap_or(&Value::Null);
    check_fields(file, "trust", trust, &["enabled", "signers"])?;
    match trust.get("enabled").and_then(Value::as_bool) {
        Some(true) => {}
        Some(false) => {
            return Err(error(
                file,
                "trust",
                "`enabled` is false, so the policy would prove nothing",
            ));
        }
        None => return Err(error(file, "trust", "`enabled` is not true")),
    }
    let signers = trust.get("signers").and_then(Value::as_object);
    let signers = signers.filter(|signers| !signers.is_empty()).ok_or_else(|| {
        error(file, "trust", "`signers` names nobody, so everything would be refused")
    })?;
    let mut policy = Policy {
        file: file.to_owned(),
        shape: Shape::Signers,
        signers: Vec::new(),
        rules: Vec::new(),
        revocations: Vec::new(),
        warnings: Vec::new(),
        tag_maps: BTreeMap::new(),
        notation: None,
    };
    for (name, value) in signers {
        let place = format!("signer `{}`", clean(name));
        check_fields(file, &place, value, &["keys", "repos"])?;
        let signer = signer(file, &place, name, value, files)?;
        let position = policy.signers.len();
        let patterns = texts(file, &place, value, "repos")?;
        if patterns.is_empty() {
            return Err(error(file, &place, "`repos` is empty"));
        }
        for text in patterns {
            let pattern = Pattern::parse(&text).map_err(|reason| error(file, &place, reason))?;
            policy.rules.push(rule(&place, pattern, position));
        }
        policy.signers.push(signer);
    }
    Ok(policy)
}

fn signer(
    file: &str,
    place: &str,
    name: &str,
    value: &Value,
    files: FileRead<'_>,
) -> Result<Signer, Error> {
    if name.is_empty() || clean(name) != *name {
        return Err(error(file, place, "the name is empty, too long, or has control characters"));
    }
    let mut signer = Signer { name: name.to_owned(), ..Signer::default() };
    for named in texts(file, place, value, "keys")? {
        let has_ending = [".pub", ".pem"].iter().any(|ending| named.ends_with(ending));
        let path = if has_ending { named.clone() } else { format!("{named}.pub") };
        let fail = |reason: String| Error::File {
            file: file.to_owned(),
            place: place.to_owned(),
            named: clean(&path),
            reason,
        };
        let bytes = files(&path).map_err(|reason| fail(clean(&reason)))?;
        let text = String::from_utf8(bytes).map_err(|_| fail("it is not text".to_owned()))?;
        let key = PublicKey::from_pem(&text).map_err(|error| fail(error.to_string()))?;
        signer.keys.push(PolicyKey { file: path.clone(), key });
    }
    if signer.keys.is_empty() {
        return Err(error(file, place, "`keys` is empty"));
    }
    Ok(signer)
}

fn rule(place: &str, pattern: Pattern, signer: usize) -> Rule {
    Rule {
        place: format!("{place} (`{}`)", pattern.as_str()),
        pattern,
        decision: Decision::Judge,
        require: Require::Any,
        signers: vec![signer],
        formats: Format::ALL.into(),
        attestations: Vec::new(),
        tag_binding: false,
        max_staleness_secs: None,
        name: NameRule::Repository,
        on_missing: OnMissing::Deny,
    }
}
