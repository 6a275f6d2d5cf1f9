//! `sealift sbom diff` and `analyze`: what documents say, in figures and lists.

use std::process::ExitCode;

use sealift_model::{Coverage, FileCount, Package};
use sealift_sbom::{Analysis, Difference, analyze, diff};
use serde_json::{Value, json};

use super::sbom_documents::open;
use crate::columns::columns;
use crate::printer::Printer;
use sealift_arguments::{SbomAnalyze, SbomDiff, TextOrJson};

/// `sbom diff`
pub(crate) fn compare(arguments: &SbomDiff, printer: &Printer) -> anyhow::Result<ExitCode> {
    let old = open(&arguments.old, printer)?;
    let new = open(&arguments.new, printer)?;
    let difference = diff(&old.inventory, &new.inventory);
    let text = match arguments.format {
        TextOrJson::Json => serde_json::to_string_pretty(&difference_json(&difference))?,
        TextOrJson::Text => difference_text(&difference),
    };
    printer.data(&text)?;
    let code = if difference.is_empty() { 0 } else { arguments.exit_code.unwrap_or(0) };
    Ok(ExitCode::from(code))
}

fn difference_text(difference: &Difference<'_>) -> String {
    let row = |sign: &str, package: &Package, from: String, to: String| {
        vec![sign.to_owned(), package.name.clone(), type_of(package), from, to]
    };
    let mut rows = Vec::new();
    for package in &difference.removed {
        rows.push(row("-", package, version(package), String::new()));
    }
    for package in &difference.added {
        rows.push(row("+", package, String::new(), version(package)));
    }
    for (old, new) in &difference.changed {
        rows.push(row("~", new, version(old), version(new)));
    }
    for (old, new) in &difference.relicensed {
        rows.push(row("L", new, licenses(old).join(", "), licenses(new).join(", ")));
    }
    let summary = format!(
        "{} added, {} removed, {} changed, {} with other licenses, {} the same",
        difference.added.len(),
        difference.removed.len(),
        difference.changed.len(),
        difference.relicensed.len(),
        difference.same
    );
    if rows.is_empty() {
        return summary;
    }
    format!("{}\n\n{summary}", columns(&["", "NAME", "TYPE", "OLD", "NEW"], rows))
}

fn difference_json(difference: &Difference<'_>) -> Value {
    let list = |packages: &[&Package]| packages.iter().map(|it| describe(it)).collect::<Vec<_>>();
    let pairs = |pairs: &[(&Package, &Package)]| {
        let pairs = pairs.iter().map(|(old, new)| {
            json!({
                "name": new.name,
                "type": type_of(new),
                "old": {"version": old.version, "licenses": licenses(old)},
                "new": {"version": new.version, "licenses": licenses(new)},
            })
        });
        pairs.collect::<Vec<_>>()
    };
    json!({
        "schemaVersion": 1,
        "added": list(&difference.added),
        "removed": list(&difference.removed),
        "changed": pairs(&difference.changed),
        "relicensed": pairs(&difference.relicensed),
        "same": difference.same,
    })
}

/// `sbom analyze`
pub(crate) fn analysis(arguments: &SbomAnalyze, printer: &Printer) -> anyhow::Result<ExitCode> {
    let document = open(&arguments.file, printer)?;
    let analysis = analyze(&document.inventory);
    let text = match arguments.format {
        TextOrJson::Json => {
            let mut facts = analysis_json(&analysis);
            facts["coverage"] = coverage_json(document.inventory.coverage.as_ref());
            serde_json::to_string_pretty(&facts)?
        }
        TextOrJson::Text => {
            let text = analysis_text(&document.subject.name, &analysis);
            match &document.inventory.coverage {
                Some(coverage) => format!("{text}\n\n{}", coverage_text(coverage)),
                None => text,
            }
        }
    };
    printer.data(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn analysis_text(name: &str, analysis: &Analysis<'_>) -> String {
    let mut parts =
        vec![format!("{name}: {} packages, {} relations", analysis.packages, analysis.relations)];
    let count = |count: &usize| count.to_string();
    let types = analysis.by_type.iter().map(|(kind, n)| vec![(*kind).to_owned(), count(n)]);
    parts.push(columns(&["TYPE", "PACKAGES"], types));
    let licenses = analysis.licenses.iter().map(|(name, n)| vec![name.clone(), count(n)]);
    parts.push(columns(&["LICENSE", "PACKAGES"], licenses));
    let missing = missing(analysis)
        .map(|(what, packages)| vec![what.to_owned(), packages.len().to_string(), few(packages)]);
    parts.push(columns(&["WITHOUT", "PACKAGES", "WHICH"], missing));
    if !analysis.risky.is_empty() {
        let risky = analysis.risky.iter().map(|(package, risk)| {
            vec![package.name.clone(), version(package), risk.as_str().to_owned()]
        });
        parts.push(columns(&["NOT FOR PRODUCTION", "VERSION", "WHY"], risky));
    }
    parts.join("\n\n")
}

fn coverage_text(coverage: &Coverage) -> String {
    let row = |name: &str, count: FileCount| {
        vec![name.to_owned(), count.files.to_string(), count.bytes.to_string()]
    };
    let rows = [
        row("owned", coverage.owned),
        row("explained", coverage.explained),
        row("unowned", coverage.unowned),
    ];
    columns(&["FILES", "COUNT", "BYTES"], rows)
}

// Null where the document says nothing of files.
fn coverage_json(coverage: Option<&Coverage>) -> Value {
    let count = |count: FileCount| json!({"files": count.files, "bytes": count.bytes});
    coverage.map_or(Value::Null, |coverage| {
        json!({
            "owned": count(coverage.owned),
            "explained": count(coverage.explained),
            "unowned": count(coverage.unowned),
        })
    })
}

fn missing<'a>(analysis: &'a Analysis<'a>) -> [(&'static str, &'a [&'a Package]); 4] {
    [
        ("version", &analysis.without_version),
        ("license", &analysis.without_license),
        ("supplier", &analysis.without_supplier),
        ("purl", &analysis.without_purl),
    ]
}

// The first of a list; `--format json` has them all.
fn few(packages: &[&Package]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> =
        packages.iter().take(SHOWN).map(|package| package.name.as_str()).collect();
    let more = if packages.len() > SHOWN { ", …" } else { "" };
    names.join(", ") + more
}

fn analysis_json(analysis: &Analysis<'_>) -> Value {
    let by_type: serde_json::Map<String, Value> =
        analysis.by_type.iter().map(|(kind, count)| ((*kind).to_owned(), json!(count))).collect();
    let licenses: serde_json::Map<String, Value> =
        analysis.licenses.iter().map(|(name, count)| (name.clone(), json!(count))).collect();
    let without: serde_json::Map<String, Value> = missing(analysis)
        .into_iter()
        .map(|(what, packages)| {
            let list: Vec<Value> = packages.iter().map(|package| describe(package)).collect();
            (what.to_owned(), json!(list))
        })
        .collect();
    let risky: Vec<Value> = analysis
        .risky
        .iter()
        .map(|(package, risk)| {
            let mut value = describe(package);
            value["risk"] = json!(risk.as_str());
            value
        })
        .collect();
    json!({
        "schemaVersion": 1,
        "packages": analysis.packages,
        "relations": analysis.relations,
        "byType": by_type,
        "licenses": licenses,
        "without": without,
        "risky": risky,
    })
}

fn describe(package: &Package) -> Value {
    json!({
        "name": package.name,
        "version": package.version,
        "type": type_of(package),
        "purl": package.purl.to_string(),
        "licenses": licenses(package),
    })
}

fn type_of(package: &Package) -> String {
    package.purl.kind.clone()
}

fn version(package: &Package) -> String {
    package.version.clone().unwrap_or_default()
}

fn licenses(package: &Package) -> Vec<&str> {
    let licenses = package.licenses.iter();
    licenses.map(|license| license.spdx.as_deref().unwrap_or(&license.declared)).collect()
}
