//! Exemptions: violations that somebody answers for, by name, with a reason, until a day.
//!
//! ```toml
//! [[exemption]]                  # in sealift.toml: [[policy.exemptions]]
//! policy = "docker.image"        # Rego package; `*` matches anything
//! rule = "deny_root"             # optional
//! id = "PB01"                    # optional: `id` of the rule's metadata
//! message = "*health*"           # optional
//! image = "registry.corp/old/*"  # optional
//! owner = "team@example.com"
//! reason = "replaced in March"
//! expires = 2026-03-31
//! ```

use sealift_model::{Level, Verdict, Violation};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::judge::Judgement;

const EXEMPTIONS_MAX: usize = 10_000;
const DAY_NS: i64 = 24 * 60 * 60 * 1_000_000_000;

/// A violation that somebody answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    policy: String,
    rule: Option<String>,
    id: Option<String>,
    message: Option<String>,
    image: Option<String>,
    /// Who answers for it.
    pub owner: String,
    /// Why.
    pub reason: String,
    /// The last day on which it holds, `2026-03-31`.
    pub expires: String,
    // Nanoseconds since 1970 at the end of that day.
    end_ns: i64,
}

/// Why exemptions cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the exemptions in `{file}` cannot be read: {reason}")]
pub struct ExemptionError {
    /// The file.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// What exemptions did to a judgement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exempted {
    /// Violations that no longer count, each with the exemption.
    pub held: Vec<(Violation, Exemption)>,
    /// Exemptions that would have held, had they not expired.
    pub expired: Vec<Exemption>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    exemption: Vec<Entry>,
}

// The other keys of the settings are checked where they are read.
#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    policy: PolicySettings,
}

#[derive(Default, Deserialize)]
struct PolicySettings {
    #[serde(default)]
    exemptions: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    policy: String,
    rule: Option<String>,
    id: Option<String>,
    message: Option<String>,
    image: Option<String>,
    owner: String,
    reason: String,
    expires: toml::Value,
}

/// Reads exemptions: a file of them, or sealift.toml.
pub fn exemptions(
    file: &str,
    text: &str,
    is_settings: bool,
) -> Result<Vec<Exemption>, ExemptionError> {
    let fail = |reason: String| ExemptionError { file: file.to_owned(), reason };
    let entries = if is_settings {
        toml::from_str::<Settings>(text).map(|settings| settings.policy.exemptions)
    } else {
        toml::from_str::<File>(text).map(|file| file.exemption)
    };
    let entries = entries.map_err(|error| fail(error.to_string().trim().to_owned()))?;
    if entries.len() > EXEMPTIONS_MAX {
        return Err(fail(format!("there are more than {EXEMPTIONS_MAX}")));
    }
    entries.into_iter().map(|entry| exemption(entry).map_err(fail)).collect()
}

fn exemption(entry: Entry) -> Result<Exemption, String> {
    for (name, text) in
        [("policy", &entry.policy), ("owner", &entry.owner), ("reason", &entry.reason)]
    {
        if text.trim().is_empty() {
            return Err(format!("`{name}` is empty"));
        }
    }
    // Everything of every policy is no exemption but no policy.
    if entry.policy == "*" && entry.rule.is_none() && entry.id.is_none() && entry.message.is_none()
    {
        return Err("`policy = \"*\"` alone would switch every rule off".to_owned());
    }
    let expires = match &entry.expires {
        toml::Value::Datetime(date) => date.to_string(),
        toml::Value::String(text) => text.clone(),
        other => other.type_str().to_owned(),
    };
    let date: jiff::civil::Date = expires
        .parse()
        .map_err(|_| format!("`expires`: `{expires}` is not a day like 2026-03-31"))?;
    let midnight = date
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map_err(|error| error.to_string())?
        .timestamp()
        .as_second();
    let end_ns = midnight.saturating_mul(1_000_000_000).saturating_add(DAY_NS);
    Ok(Exemption {
        policy: entry.policy,
        rule: entry.rule,
        id: entry.id,
        message: entry.message,
        image: entry.image,
        owner: entry.owner,
        reason: entry.reason,
        expires,
        end_ns,
    })
}

impl Exemption {
    fn covers(&self, violation: &Violation, metadata: &Map<String, Json>, image: &str) -> bool {
        let is_met = |wanted: &Option<String>, text: &str| {
            wanted.as_ref().is_none_or(|wanted| matches(wanted, text))
        };
        matches(&self.policy, &violation.package)
            && is_met(&self.rule, &violation.rule)
            && is_met(&self.message, &violation.message)
            && is_met(&self.image, image)
            && is_met(&self.id, metadata.get("id").and_then(Json::as_str).unwrap_or_default())
    }
}

/// Takes out of a judgement what is exempted. A rule that failed while it ran cannot be: nobody knows what it would
/// have said.
pub fn exempt(
    judgement: &mut Judgement,
    exemptions: &[Exemption],
    image: &str,
    now_ns: i64,
) -> Exempted {
    let mut exempted = Exempted::default();
    let (mut violations, mut metadata) = (Vec::new(), Vec::new());
    let all = std::mem::take(&mut judgement.verdict.violations);
    for (violation, about) in all.into_iter().zip(std::mem::take(&mut judgement.metadata)) {
        let covering = |it: &&Exemption| {
            violation.level != Level::Error && it.covers(&violation, &about, image)
        };
        let mut found = exemptions.iter().filter(covering);
        if let Some(holding) = found.clone().find(|it| now_ns < it.end_ns) {
            exempted.held.push((violation, holding.clone()));
            continue;
        }
        if let Some(expired) = found.next().filter(|it| !exempted.expired.contains(it)) {
            exempted.expired.push(expired.clone());
        }
        violations.push(violation);
        metadata.push(about);
    }
    let policies = std::mem::take(&mut judgement.verdict.policies);
    judgement.verdict = Verdict::from_violations(violations, policies);
    judgement.metadata = metadata;
    exempted
}

// `*` stands for anything. Time is the product of both lengths at most.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at, mut place, mut star) = (0, 0, None);
    while place < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(byte) if *byte == text[place] => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((behind, from)) = star else { return false };
                (at, place) = (behind + 1, from + 1);
                star = Some((behind, from + 1));
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("*", "", true),
            ("*b*b*", "aabab", true),
            ("a", "ab", false),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn unreadable() {
        let check = |text: &str, expected: &str| {
            let error = exemptions("f", text, false).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("[[exemption]]\npolicy = \"a\"\nowner = \"o\"\nexpires = 2026-01-01", "reason");
        check(
            "[[exemption]]\npolicy = \"*\"\nowner = \"o\"\nreason = \"r\"\nexpires = 2026-01-01",
            "every rule",
        );
        check(
            "[[exemption]]\npolicy = \"a\"\nowner = \" \"\nreason = \"r\"\nexpires = 2026-01-01",
            "owner",
        );
        check(
            "[[exemption]]\npolicy = \"a\"\nowner = \"o\"\nreason = \"r\"\nexpires = \"never\"",
            "never",
        );
        check("[[exemption]]\npolicy = \"a\"\nrules = \"o\"", "rules");
    }
}
