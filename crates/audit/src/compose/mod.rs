//! Compose files: services to workloads, and rules on the project as a whole.
//!
//! Follows the compose specification: short and long forms, `extends`, merge keys, `deploy`, variables with defaults.

mod build;
mod mend;
mod mounts;
mod ports;
mod project;
mod service;
mod variables;

use std::collections::BTreeMap;

use sealift_diagnostic::{Diagnostic, Rule};

use crate::Context;
use crate::rules;
use crate::yaml::{Limits, Tree, View, read};

pub use build::Build;
pub(crate) use build::builds;
pub(crate) use project::RULES;

/// Whether a document is a compose file.
pub(crate) fn is_compose(document: View<'_>) -> bool {
    let services = document.get("services");
    services.is_some_and(View::is_map)
        && document.entry("apiVersion").is_none()
        && document.entry("kind").is_none()
}

/// What the rules find in a compose file.
pub(crate) fn lint(tree: &Tree<'_>, context: &Context<'_>) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for document in tree.documents() {
        let texts = service::foreign_texts(document, context);
        let limits = Limits::default();
        let foreign: BTreeMap<&str, Tree<'_>> =
            texts.iter().map(|(name, text)| (name.as_str(), read(text, &limits))).collect();
        let services = service::services(document, &foreign);
        for service in services.iter().filter(|service| !service.is_template()) {
            let build = build::known(service, context);
            let workload = service.workload(build);
            findings.extend(rules::run(&workload));
        }
        findings.extend(project::run(document, &services));
    }
    findings
}

/// Rules on compose files alone.
pub(crate) fn own_rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().map(|check| &check.rule)
}
