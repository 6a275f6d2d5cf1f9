//! Policies in Rego.

use std::time::Duration;

use sealift_policy::document::{self, Kind};
use sealift_policy::{Bundle, Settings, Source, evaluate_with, exemptions};
use serde_json::Value;

use crate::{parts, text};

/// A policy and, behind separators, its input and its data in JSON.
pub fn policy(bytes: &[u8]) {
    let parts = parts(bytes);
    let Some(policy) = text(parts[0]) else { return };
    let json = |place: usize| -> Value {
        let part = parts.get(place).copied().unwrap_or_default();
        serde_json::from_slice(part).unwrap_or_default()
    };
    let settings = Settings {
        time_max: Duration::from_secs(1),
        policy_bytes_max: 64 << 10,
        now_ns: Some(0),
        ..Settings::default()
    };
    let sources = [Source::new("seed.rego", policy)];
    match evaluate_with(&settings, &sources, &json(1), &json(2)) {
        Ok(verdict) => {
            assert_eq!(verdict.policies.len(), 1, "a policy was not counted");
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            error.hint();
        }
    }
}

/// The name of a parser and, behind a separator, a configuration file; or a file of exemptions.
pub fn configuration(bytes: &[u8]) {
    let parts = parts(bytes);
    let (Some(name), Some(file)) = (text(parts[0]), parts.get(1).and_then(|part| text(part)))
    else {
        return;
    };
    if let Ok(list) = exemptions("seed.toml", file, name == "settings") {
        assert!(list.iter().all(|it| !it.owner.trim().is_empty() && !it.expires.is_empty()));
    }
    let Some(kind) = Kind::parse(name.trim()) else { return };
    match document::read(kind, "seed", file) {
        Ok(value) => {
            let count = document::documents(value.clone()).len();
            assert!(count > 0, "nothing would be judged");
            // What was read is JSON that can be read again.
            let text = value.to_string();
            assert_eq!(serde_json::from_str::<Value>(&text).ok(), Some(value), "{text}");
        }
        Err(error) => assert!(!error.reason.is_empty()),
    }
}

/// A bundle of policies; what was read is written and read again.
pub fn policy_bundle(bytes: &[u8]) {
    let Ok(bundle) = Bundle::read("seed", bytes.to_vec()) else { return };
    assert!(!bundle.sources.is_empty() || bundle.data.is_object());
    if let Ok(tar) = bundle.to_tar()
        && let Ok(again) = Bundle::read("again", tar)
    {
        assert_eq!(again.data, bundle.data);
        assert_eq!(again.sources.len(), bundle.sources.len());
    }
}
