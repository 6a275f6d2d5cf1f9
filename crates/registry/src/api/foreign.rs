//! Addresses from which clients get layers that are not distributed. The registry never asks them; a configuration may say
//! which of them a manifest can name (distribution's `validation.manifests.urls`).

use regex::Regex;
use serde::Deserialize;

use super::refusal::{Code, Refusal};
use crate::configuration::{Validation, expression};

const SHOWN_CHARACTERS_MAX: usize = 200;

/// Which addresses a manifest may name; all of them unless something is said.
#[derive(Clone, Debug, Default)]
pub struct UrlRules {
    allowed: Vec<Regex>,
    denied: Vec<Regex>,
}

// What has addresses, whatever else is in it.
#[derive(Deserialize)]
struct Document {
    config: Option<Entry>,
    #[serde(default)]
    layers: Option<Vec<Entry>>,
    #[serde(default)]
    blobs: Option<Vec<Entry>>,
    #[serde(default)]
    manifests: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    #[serde(default)]
    urls: Option<Vec<String>>,
}

impl UrlRules {
    /// The rules of a configuration.
    pub fn new(validation: &Validation) -> Result<Self, regex::Error> {
        let read = |texts: &[String]| -> Result<Vec<Regex>, regex::Error> {
            texts.iter().map(|text| expression(text)).collect()
        };
        Ok(Self {
            allowed: read(&validation.urls_allowed)?,
            denied: read(&validation.urls_denied)?,
        })
    }

    /// Refuses a manifest with an address that it may not name.
    pub(super) fn check(&self, manifest: &[u8]) -> Result<(), Refusal> {
        if self.allowed.is_empty() && self.denied.is_empty() {
            return Ok(());
        }
        let document: Document = serde_json::from_slice(manifest).map_err(|error| {
            Refusal::because(Code::ManifestInvalid, format!("it cannot be read: {error}"))
        })?;
        let lists = [document.layers, document.blobs, document.manifests];
        let entries = document.config.into_iter().chain(lists.into_iter().flatten().flatten());
        let urls = entries.flat_map(|entry| entry.urls.unwrap_or_default());
        for url in urls {
            self.check_one(&url)?;
        }
        Ok(())
    }

    fn check_one(&self, url: &str) -> Result<(), Refusal> {
        let is_web = ["http://", "https://"].iter().any(|scheme| url.starts_with(scheme));
        let is_plain = is_web && !url.contains(|c: char| c == '#' || c.is_whitespace());
        let any = |rules: &[Regex]| rules.iter().any(|rule| rule.is_match(url));
        if is_plain && (self.allowed.is_empty() || any(&self.allowed)) && !any(&self.denied) {
            return Ok(());
        }
        let shown: String = url.chars().take(SHOWN_CHARACTERS_MAX).collect();
        let message = format!(
            "it names the address `{shown}`, which this registry does not allow; push the layer itself"
        );
        Err(Refusal::because(Code::ManifestInvalid, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(allowed: &[&str], denied: &[&str]) -> UrlRules {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let validation = Validation {
            urls_allowed: texts(allowed),
            urls_denied: texts(denied),
            ..Validation::default()
        };
        UrlRules::new(&validation).unwrap()
    }

    #[test]
    fn addresses_of_layers() {
        let manifest =
            |url: &str| format!(r#"{{"config":{{}},"layers":[{{}},{{"urls":["{url}"]}}]}}"#);
        let own = "https://layers.example/x";
        for (allowed, denied, url, is_fine) in [
            (&[][..], &[][..], "file:///etc/passwd", true),
            (&["^https://layers\\.example/"], &[], own, true),
            (&["^https://layers\\.example/"], &[], "https://other.example/x", false),
            (&["^https://layers\\.example/"], &[], "https://layers.example/x#y", false),
            (&["example"], &["/x$"], own, false),
            (&[], &["^http://10\\."], own, true),
            (&[], &["^http://10\\."], "http://10.0.0.1/x", false),
            (&["."], &[], "file:///etc/passwd", false),
            (&["."], &[], "", false),
        ] {
            let checked = rules(allowed, denied).check(manifest(url).as_bytes());
            assert_eq!(checked.is_ok(), is_fine, "{allowed:?} {denied:?} {url}");
        }
        let only = rules(&["^https://"], &[]);
        for text in [
            r#"{"manifests":[{"urls":["ftp://a/"]}]}"#,
            r#"{"config":{"urls":["ftp://a/"]}}"#,
            r#"{"blobs":[{"urls":["https://a/","ftp://a/"]}]}"#,
            r#"{"layers":[{"urls":"ftp://a/"}]}"#,
            "{",
        ] {
            assert!(only.check(text.as_bytes()).is_err(), "{text}");
        }
        assert!(only.check(br#"{"layers":null}"#).is_ok());
    }
}
