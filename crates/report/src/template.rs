//! Reports by a template of the user's, over the data that trivy's users know: the results, with the names of the fields
//! of trivy's structs.

use sealift_model::Report;
use sealift_template::{Surroundings, Template, TemplateError, TemplateLimits};
use serde_json::{Value, json};

use crate::{Context, json};

// The parts that trivy's struct has from the one that describes the flaw itself.
const EMBEDDED: [&str; 9] = [
    "Title",
    "Description",
    "Severity",
    "CweIDs",
    "VendorSeverity",
    "CVSS",
    "References",
    "PublishedDate",
    "LastModifiedDate",
];
const LISTS: [&str; 15] = [
    "Vulnerabilities",
    "Misconfigurations",
    "Secrets",
    "Licenses",
    "Packages",
    "CustomResources",
    "ModifiedFindings",
    "ExperimentalModifiedFindings",
    "References",
    "CweIDs",
    "VendorIDs",
    "Aliases",
    "Reasons",
    "Locations",
    "DependsOn",
];
const MAPS: [&str; 8] = [
    "CVSS",
    "VendorSeverity",
    "MisconfSummary",
    "Layer",
    "DataSource",
    "PkgIdentifier",
    "CauseMetadata",
    "Vulnerability",
];
const NUMBERS: [&str; 7] =
    ["V2Score", "V3Score", "V40Score", "StartLine", "EndLine", "Successes", "Failures"];
const TEXTS: [&str; 27] = [
    "Target",
    "Class",
    "Type",
    "VulnerabilityID",
    "PkgID",
    "PkgName",
    "PkgPath",
    "InstalledVersion",
    "FixedVersion",
    "Status",
    "SeveritySource",
    "PrimaryURL",
    "Title",
    "Description",
    "Severity",
    "PublishedDate",
    "LastModifiedDate",
    "Fingerprint",
    "V2Vector",
    "V3Vector",
    "V40Vector",
    "Digest",
    "DiffID",
    "PURL",
    "URL",
    "Name",
    "Statement",
];

/// The report by a template. `.` is the list of results, as for trivy; the function `report` gives the whole document.
/// In Jinja, the document's fields are there by their names.
pub fn by_template(
    report: &Report,
    context: &Context<'_>,
    template: &Template,
) -> Result<String, TemplateError> {
    let mut document: Value =
        serde_json::from_str(&json::json_within(report, context)).expect("the JSON report is JSON");
    for result in document["Results"].as_array_mut().into_iter().flatten() {
        complete(result);
    }
    let constants =
        [("appVersion", json!(env!("CARGO_PKG_VERSION"))), ("report", document.clone())];
    let surroundings = Surroundings {
        now_secs: report.created_secs,
        variable: context.variable,
        constants: &constants,
        zero,
    };
    let data = if template.is_jinja() { document } else { document["Results"].take() };
    template.fill(&data, &surroundings, &TemplateLimits::default())
}

// Where the names in trivy's structs are others than in its JSON.
fn complete(result: &mut Value) {
    let modified = result["ExperimentalModifiedFindings"].as_array_mut().into_iter().flatten();
    for modified in modified {
        embed(&mut modified["Finding"]);
    }
    if let Some(modified) = result.get("ExperimentalModifiedFindings").filter(|it| it.is_array()) {
        result["ModifiedFindings"] = modified.clone();
    }
    if let Some(map) = result.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    for vulnerability in result["Vulnerabilities"].as_array_mut().into_iter().flatten() {
        embed(vulnerability);
    }
}

fn embed(vulnerability: &mut Value) {
    let mut inner = json!({});
    for name in EMBEDDED {
        if let Some(value) = vulnerability.get(name) {
            inner[name] = value.clone();
        }
    }
    vulnerability["Vulnerability"] = inner;
}

// What a field of trivy's structs is that has not been set. Of other names there is nothing, and that is shown.
fn zero(name: &str) -> Value {
    match name {
        name if TEXTS.contains(&name) => json!(""),
        name if LISTS.contains(&name) => json!([]),
        name if NUMBERS.contains(&name) => json!(0),
        name if MAPS.contains(&name) => json!({}),
        _ => Value::Null,
    }
}
