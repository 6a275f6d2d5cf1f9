//! Policies in Rego.

use std::time::Duration;

use sealift_policy::{Settings, Source, evaluate_with};
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
