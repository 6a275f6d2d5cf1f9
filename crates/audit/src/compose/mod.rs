//! Compose files: services to workloads, and rules on the project as a whole.
//!
//! Follows the compose specification: short and long forms, `extends`, merge keys, `deploy`, variables with defaults; files
//! that are merged, `include`, `env_file`. A file is judged as a part of its project: what another file says counts, and is
//! reported where that file is judged.

mod build;
mod dotenv;
mod files;
mod mend;
mod mounts;
mod ports;
mod project;
mod service;
mod variables;

use std::collections::BTreeMap;

use sealift_diagnostic::{Diagnostic, Rule};

use self::project::Scope;
use self::service::{Member, NOWHERE};
use crate::rules;
use crate::yaml::{Limits, Tree, View, read};
use crate::{Context, FileKind};

pub use build::Build;
pub(crate) use build::builds;
pub(crate) use dotenv::lint as lint_variables;
pub use files::Beside;
pub(crate) use project::RULES;

/// Whether a document is a compose file.
pub(crate) fn is_compose(document: View<'_>) -> bool {
    let services = document.get("services");
    services.is_some_and(View::is_map)
        && document.entry("apiVersion").is_none()
        && document.entry("kind").is_none()
}

/// What the rules find in a compose file, in the project that it belongs to.
pub(crate) fn lint(tree: &Tree<'_>, context: &Context<'_>) -> Vec<Diagnostic> {
    let project = files::assemble(tree, context);
    let others: Vec<Option<Tree<'_>>> = project
        .files
        .iter()
        .map(|file| file.text.as_deref().map(|text| read(text, &context.limits)))
        .collect();
    let trees = || others.iter().map(|other| other.as_ref().unwrap_or(tree)).zip(&project.files);
    let texts: Vec<BTreeMap<String, String>> = trees()
        .map(|(tree, file)| service::foreign_texts(tree.documents(), &file.folder, context))
        .collect();
    let limits = Limits::default();
    let foreign: Vec<BTreeMap<String, Tree<'_>>> = texts
        .iter()
        .map(|texts| texts.iter().map(|(name, text)| (name.clone(), read(text, &limits))).collect())
        .collect();
    let members: Vec<Member<'_>> = trees()
        .zip(&foreign)
        .flat_map(|((tree, file), foreign)| {
            let (folder, is_here) = (file.folder.as_str(), file.text.is_none());
            let member = move |document| Member { document, foreign, folder, is_here };
            tree.documents().map(member)
        })
        .collect();
    let services = service::services(&members);
    let mut findings = project.problems;
    for service in services.iter().filter(|service| !service.is_template()) {
        let build = build::known(service, context);
        let workload = service.workload(build);
        findings.extend(rules::run(&workload));
    }
    let scope = Scope { members: &members, is_whole: project.is_whole };
    findings.extend(project::run(&scope, &services));
    findings.retain(|finding| finding.span != NOWHERE);
    for finding in &mut findings {
        finding.related.retain(|(span, _)| *span != NOWHERE);
    }
    findings
}

/// The other files of the project that a compose file belongs to.
pub(crate) fn companions(tree: &Tree<'_>, context: &Context<'_>) -> Vec<(String, FileKind)> {
    let project = files::assemble(tree, context);
    let others = project.files.into_iter().filter(|file| file.text.is_some());
    let variables = project.variables.into_iter();
    others
        .map(|file| (file.path, FileKind::Compose))
        .chain(variables.map(|(path, format)| (path, FileKind::Variables(format))))
        .collect()
}

/// Rules on compose files alone.
pub(crate) fn own_rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().map(|check| &check.rule).chain([&files::MISSING_FILE, &files::UNREAD_FILE])
}
