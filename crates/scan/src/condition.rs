//! Whether what a row says holds for this build of a package.

use std::collections::BTreeSet;

use sealift_database::Row;
use sealift_model::{Functions, QualifierKind};

use crate::ecosystem::Question;

/// Whether a row holds for a build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Yes,
    No,
    /// The condition that cannot be judged.
    Unknown(String),
}

/// Whether all conditions of a row are met; of several of one kind any will do.
pub(crate) fn holds(row: &Row<'_>, question: &Question<'_>) -> Answer {
    let kinds: BTreeSet<QualifierKind> = row.qualifiers.iter().map(|it| it.kind).collect();
    let mut unknown = None;
    for kind in kinds {
        let values = row.qualifiers.iter().filter(|it| it.kind == kind);
        let values: Vec<&str> = values.map(|it| it.value.as_str()).collect();
        match meets(kind, &values, question) {
            Some(true) => {}
            Some(false) => return Answer::No,
            None => unknown = Some(format!("{} {}", word(kind), values.join(" or "))),
        }
    }
    unknown.map_or(Answer::Yes, Answer::Unknown)
}

fn meets(kind: QualifierKind, values: &[&str], question: &Question<'_>) -> Option<bool> {
    let package = question.package;
    match kind {
        // The label is `name:stream:version:context`. A package without one is of no module, unless its version says so.
        QualifierKind::Module => {
            let Some(label) = package.purl.qualifiers.get("rpmmod") else {
                let is_of_one = package.version.as_ref().is_some_and(|it| it.contains(".module"));
                return if is_of_one { None } else { Some(false) };
            };
            let stream: Vec<&str> = label.splitn(3, ':').take(2).collect();
            Some(values.contains(&stream.join(":").as_str()))
        }
        QualifierKind::Architecture => {
            let own = package.architecture.as_deref()?;
            Some(matches!(own, "all" | "noarch") || values.contains(&own))
        }
        QualifierKind::Product if question.ecosystem.name == "Red Hat" => {
            Some(values.iter().any(|value| question.products.has(value)))
        }
        QualifierKind::Product if question.ecosystem.name == "SUSE" => {
            Some(values.iter().any(|value| is_of_server(value)))
        }
        // Of others an inventory does not have the products.
        QualifierKind::Product => None,
        // Where nobody knows what is in the program, all of the package may be.
        QualifierKind::Symbol => Some(
            package
                .functions
                .as_ref()
                .is_none_or(|functions| values.iter().any(|value| has_function(functions, value))),
        ),
    }
}

// `net/http:Get,Client.Do`, or `net/http` for any function of it.
fn has_function(functions: &Functions, value: &str) -> bool {
    match value.split_once(':') {
        Some((path, names)) => {
            names.split(',').any(|name| functions.has(&format!("{path}.{name}")))
        }
        None => functions.has(value),
    }
}

// A server takes its packages from the product itself, also when it is supported for longer, and from modules. Some
// modules have other builds of packages that are elsewhere too.
fn is_of_server(product: &str) -> bool {
    let apart =
        ["Certifications", "Live Patching", "SAP", "High Performance", "Teradata", "Desktop"];
    let names = [
        "Linux Enterprise Server ",
        "Linux Enterprise Module for ",
        "Linux Enterprise Micro ",
        "Linux Micro ",
    ];
    names.iter().any(|name| product.starts_with(name))
        && !apart.iter().any(|name| product.contains(name))
}

/// What a condition is about, for people.
pub(crate) fn word(kind: QualifierKind) -> &'static str {
    match kind {
        QualifierKind::Module => "module",
        QualifierKind::Architecture => "architecture",
        QualifierKind::Product => "product",
        QualifierKind::Symbol => "function",
    }
}
