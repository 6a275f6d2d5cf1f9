//! What the webhook can be told.

use std::time::Duration;

use serde::Deserialize;

/// What the webhook can be told.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Whether what is denied is denied, or only warned of.
    pub mode: Mode,
    /// Namespaces whose images are not judged; `*` stands for any letters.
    pub exempt_namespaces: Vec<String>,
    /// Images must have digests when they are judged. The mutating webhook, which comes first, gives them those.
    pub require_digest: bool,
    /// Seconds for all images of a request. A shorter time that Kubernetes gives counts.
    pub timeout_secs: u64,
    /// Seconds for which a verdict on a digest is remembered.
    pub digest_verdict_secs: u64,
    /// Seconds for which a verdict on a tag is remembered, and a denial.
    pub tag_verdict_secs: u64,
    /// Verdicts that are remembered; the first to end go when there are more.
    pub verdicts_max: usize,
    /// Images judged at the same time.
    pub judges_max: usize,
    /// Bytes of a request.
    pub body_bytes_max: usize,
    /// Containers of an object.
    pub containers_max: usize,
}

/// What becomes of a denial.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is one.
    #[default]
    Enforce,
    /// It is a warning.
    Warn,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            exempt_namespaces: Vec::new(),
            require_digest: false,
            timeout_secs: 9,
            digest_verdict_secs: 600,
            tag_verdict_secs: 30,
            verdicts_max: 20_000,
            judges_max: 8,
            body_bytes_max: 3 << 20,
            containers_max: 10_000,
        }
    }
}

impl Settings {
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_secs)
    }

    pub(crate) fn is_exempt(&self, namespace: &str) -> bool {
        // What has no namespace is in none that could be exempt.
        !namespace.is_empty()
            && self.exempt_namespaces.iter().any(|pattern| fits(pattern, namespace))
    }
}

// `*` stands for any letters. Names of namespaces are 63 letters at most, so that it is quick whatever the pattern.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(place) = rest.find(part) else { return false };
        rest = &rest[place + part.len()..];
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("kube-system", "kube-system", true),
            ("kube-system", "kube-system2", false),
            ("kube-*", "kube-system", true),
            ("*", "anything", true),
            ("*-dev", "team-dev", true),
            ("*-dev", "team-dev2", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "abc", true),
            ("a*b*c", "acb", false),
            ("ab*ba", "aba", false),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
        let settings = Settings { exempt_namespaces: vec!["*".to_owned()], ..Settings::default() };
        assert!(!settings.is_exempt(""));
    }

    #[test]
    fn unknown_settings_are_errors() {
        let read = serde_json::from_str::<Settings>;
        assert_eq!(read(r#"{"mode":"warn"}"#).unwrap().mode, Mode::Warn);
        assert!(read(r#"{"mode":"off"}"#).is_err());
        assert!(read(r#"{"exempt-namespaces":[]}"#).is_err());
    }
}
