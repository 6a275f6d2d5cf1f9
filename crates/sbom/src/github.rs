//! A snapshot for GitHub's dependency submission API
//! (<https://docs.github.com/en/rest/dependency-graph/dependency-submission>).

use std::collections::BTreeMap;

use sealift_model::Inventory;
use serde_json::{Value, json};

use crate::components::{Components, unique};
use crate::{Subject, text};

/// Writes a document. The commit and the job that the API also wants are the sender's to add.
pub(crate) fn encode(inventory: &Inventory, subject: &Subject) -> String {
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
    let document = json!({
        "version": 0,
        "job": {},
        "detector": {
            "name": "sealift",
            "version": env!("CARGO_PKG_VERSION"),
            "url": "https://github.com/sealift/sealift",
        },
        "manifests": manifests,
        "scanned": subject.timestamp(),
    });
    let mut json = serde_json::to_string_pretty(&document).expect("texts and lists are JSON");
    json.push('\n');
    json
}
