//! A snapshot for GitHub's dependency submission API
//! (<https://docs.github.com/en/rest/dependency-graph/dependency-submission>).

use std::collections::BTreeMap;

use sealift_model::Inventory;
use serde_json::{Value, json};

use crate::components::{Components, unique};
use crate::{Subject, text};

/// The commit and the job that the API also wants, as GitHub's runners name them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Submission {
    /// `GITHUB_REF`
    pub reference: Option<String>,
    /// `GITHUB_SHA`
    pub commit: Option<String>,
    /// `GITHUB_WORKFLOW` and `GITHUB_JOB`, by which later snapshots replace earlier ones.
    pub correlator: Option<String>,
    /// `GITHUB_RUN_ID`
    pub run: Option<String>,
    /// What else is to be known of the snapshot.
    pub metadata: BTreeMap<String, String>,
}

/// Writes a document; its submission is the sender's to add.
pub(crate) fn encode(inventory: &Inventory, subject: &Subject) -> String {
    encode_with(inventory, subject, &Submission::default())
}

/// Writes a document for a submission.
pub fn encode_with(inventory: &Inventory, subject: &Subject, submission: &Submission) -> String {
    let components = Components::new(inventory);
    let names = unique(
        components
            .packages
            .iter()
            .map(|package| text::purl(package).unwrap_or_else(|| text::line(&package.name)))
            .collect(),
    );
    let subject_name = text::line(&subject.name);
    let mut manifests: BTreeMap<String, Value> = BTreeMap::new();
    for (place, package) in components.packages.iter().enumerate() {
        let path = package.evidence.first().map(|evidence| text::line(&evidence.path));
        let name = match &path {
            Some(path) => format!("{subject_name}:{path}"),
            None => subject_name.clone(),
        };
        let manifest = manifests.entry(name.clone()).or_insert_with(|| {
            let location = path.as_deref().map(|path| path.trim_start_matches('/'));
            let file = location.map_or_else(|| json!({}), |path| json!({"source_location": path}));
            json!({"name": name, "file": file, "resolved": {}})
        });
        let needs: Vec<&str> =
            components.needs[place].iter().map(|to| names[*to].as_str()).collect();
        let is_root = components.roots.contains(&place);
        let mut resolved = json!({
            "relationship": if is_root { "direct" } else { "indirect" },
            "scope": "runtime",
            "dependencies": needs,
        });
        if let Some(purl) = text::purl(package) {
            resolved["package_url"] = json!(purl);
        }
        manifest["resolved"][&names[place]] = resolved;
    }
    let mut job = json!({});
    let mut document = json!({
        "version": 0,
        "detector": {
            "name": "sealift",
            "version": env!("CARGO_PKG_VERSION"),
            "url": "https://github.com/sealift/sealift",
        },
        "manifests": manifests,
        "scanned": subject.timestamp(),
    });
    let parts = [("correlator", &submission.correlator), ("id", &submission.run)];
    for (name, value) in parts {
        if let Some(value) = value {
            job[name] = json!(text::line(value));
        }
    }
    document["job"] = job;
    for (name, value) in [("ref", &submission.reference), ("sha", &submission.commit)] {
        if let Some(value) = value {
            document[name] = json!(text::line(value));
        }
    }
    if !submission.metadata.is_empty() {
        document["metadata"] = json!(submission.metadata);
    }
    let mut json = serde_json::to_string_pretty(&document).expect("texts and lists are JSON");
    json.push('\n');
    json
}
