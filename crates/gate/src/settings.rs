//! What an administrator says of the gate.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

/// The section `gate` of the registry's configuration.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// The name of the registry, host and port: images are judged under it. Without it, the address it listens on.
    pub name: Option<String>,
    /// Whether images are examined when they are pushed.
    pub scan: bool,
    /// Whether an image that was not examined yet is held back.
    pub quarantine: bool,
    /// Whether refusals are only written down.
    pub dry_run: bool,
    /// Rego files, folders of them, bundles, packs (`pack:baseline`).
    pub policies: Vec<PathBuf>,
    /// More input for them: `environment: production`.
    pub data: BTreeMap<String, String>,
    /// Files and folders of JSON and YAML that they see as `data`.
    pub data_files: Vec<PathBuf>,
    /// The file of exemptions.
    pub exemptions: Option<PathBuf>,
    /// The trust policy.
    pub trust: Option<PathBuf>,
    /// The folder of public keys.
    pub keys: Option<PathBuf>,
    /// The findings that make a scan fail: a severity or an expression; `never` for none.
    pub fail_on: Option<String>,
    /// The database of advisories, or OSV documents.
    pub advisories: Option<PathBuf>,
    /// Users who may pull what others may not: scanners, auditors. A `*` stands for any characters.
    pub bypass: Vec<String>,
    /// For how many seconds a verdict counts.
    pub verdict_seconds: u64,
    /// The server of trust data, if it is not the registry's own.
    pub trust_server: Option<String>,
    /// Who is told what happens.
    pub webhooks: Vec<Webhook>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            name: None,
            scan: true,
            quarantine: false,
            dry_run: false,
            policies: Vec::new(),
            data: BTreeMap::new(),
            data_files: Vec::new(),
            exemptions: None,
            trust: None,
            keys: None,
            fail_on: None,
            advisories: None,
            bypass: Vec::new(),
            verdict_seconds: 300,
            trust_server: None,
            webhooks: Vec::new(),
        }
    }
}

impl Settings {
    /// The files and folders that are read with the rules.
    pub fn files(&self) -> Vec<PathBuf> {
        let alone = [&self.exemptions, &self.trust, &self.keys].into_iter().flatten();
        let secrets = self.webhooks.iter().filter_map(|hook| hook.secret_file.as_ref());
        self.policies.iter().chain(&self.data_files).chain(alone).chain(secrets).cloned().collect()
    }
}

/// Somebody who is told what happens.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Where to post to.
    pub url: String,
    /// The file of the secret that signs what is posted.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// The kinds of events, as `manifest.pushed` or `manifest.*`; none means all.
    #[serde(default)]
    pub events: Vec<String>,
    /// Repositories, as patterns; none means all.
    #[serde(default)]
    pub repositories: Vec<String>,
}

/// Whether a pattern, in which a `*` stands for any characters, fits a text.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let pieces: Vec<&str> = pieces.collect();
    let Some((last, middle)) = pieces.split_last() else { return rest.is_empty() };
    for piece in middle {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(last)
}
