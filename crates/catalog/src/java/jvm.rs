//! Java's own runtimes: the file `release` in the folder of each (JEP 223 and what followed it).

use std::collections::BTreeMap;

use sealift_model::{Method, PackageKind};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component};
use crate::supplier::supplier;

/// Runtimes and development kits.
pub(crate) const JVM: Cataloger = Cataloger {
    name: "java-runtime",
    what: "Java runtimes and development kits",
    evidence: &[Pattern::Named("", "release")],
    companions: &[],
    read,
};

const BYTES_MAX: usize = 1 << 20;

// What makers' names have in them, and what their runtimes are called.
const NAMES: [(&str, &str); 14] = [
    ("graalvm", "graalvm"),
    ("adoptium", "temurin"),
    ("adoptopenjdk", "adoptopenjdk"),
    ("temurin", "temurin"),
    ("amazon", "corretto"),
    ("azul", "zulu"),
    ("bellsoft", "liberica"),
    ("microsoft", "microsoft-openjdk"),
    ("sap se", "sapmachine"),
    ("alibaba", "dragonwell"),
    ("tencent", "kona"),
    ("jetbrains", "jetbrains-runtime"),
    ("ibm", "semeru"),
    ("international business machines", "semeru"),
];

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    // Many things have a file of this name.
    if bytes.len() > BYTES_MAX || memchr::memmem::find(bytes, b"JAVA_VERSION=").is_none() {
        return found;
    }
    let text = String::from_utf8_lossy(bytes);
    let fields: BTreeMap<&str, &str> = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim(), value.trim().trim_matches('"').trim()))
        .filter(|(_, value)| !value.is_empty() && value.len() <= NAME_BYTES_MAX)
        .collect();
    let Some(version) = version(&fields) else {
        found.notes.push(context.note("it has no version of Java"));
        return found;
    };
    let evidence = context.evidence(Method::Manifest);
    let mut draft =
        component(PackageKind::Binary, name(&fields), Some(&version), evidence, context);
    let maker = fields.get("IMPLEMENTOR").copied();
    draft.package.supplier = maker.filter(|name| *name != "N/A").and_then(supplier);
    draft.package.architecture = fields.get("OS_ARCH").map(|text| (*text).to_owned());
    let kind = if is_development_kit(&fields) { "development kit" } else { "runtime" };
    draft.package.summary = Some(format!("Java {kind}"));
    context.path().trim_end_matches("/release").clone_into(&mut draft.surroundings);
    found.drafts.push(draft);
    found
}

fn name(fields: &BTreeMap<&str, &str>) -> &'static str {
    if fields.contains_key("GRAALVM_VERSION") {
        return "graalvm";
    }
    let text = |key: &str| fields.get(key).copied().unwrap_or_default().to_ascii_lowercase();
    let maker = format!("{} {}", text("IMPLEMENTOR_VERSION"), text("IMPLEMENTOR"));
    let known = NAMES.iter().find(|(part, _)| maker.contains(part));
    if let Some((_, name)) = known {
        return name;
    }
    // Oracle's builds of OpenJDK do not say so, and its own have a type of build.
    let is_oracle = maker.contains("oracle") && text("BUILD_TYPE") == "commercial";
    if is_oracle { "oracle-jdk" } else { "openjdk" }
}

fn version(fields: &BTreeMap<&str, &str>) -> Option<String> {
    let is_version = |text: &&str| text.starts_with(|c: char| c.is_ascii_digit());
    let text = |key: &str| fields.get(key).copied().filter(is_version);
    // `17.0.9+9-Debian-1`: what is behind the build is the distribution's.
    let build = text("JAVA_RUNTIME_VERSION").map(|text| match text.split_once('+') {
        Some((version, build)) => {
            let digits = build.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
            format!("{}+{digits}", version.split('-').next().unwrap_or_default())
        }
        None => text.to_owned(),
    });
    let known = text("SEMANTIC_VERSION").map(|text| text.split('-').next().unwrap_or(text));
    known.map(str::to_owned).or(build).or_else(|| text("JAVA_VERSION").map(str::to_owned))
}

fn is_development_kit(fields: &BTreeMap<&str, &str>) -> bool {
    match fields.get("IMAGE_TYPE") {
        Some(kind) => *kind == "JDK",
        None => fields
            .get("MODULES")
            .is_some_and(|modules| modules.split(' ').any(|module| module == "jdk.compiler")),
    }
}

/// The archives of a runtime are it, not packages of their own.
pub(crate) fn settle(drafts: &mut Vec<Draft>) {
    let homes: Vec<String> = drafts
        .iter()
        .filter(|draft| draft.package.kind == PackageKind::Binary)
        .filter(|draft| draft.package.evidence[0].path.ends_with("/release"))
        .map(|draft| format!("{}/", draft.surroundings))
        .filter(|home| home.len() > 1)
        .take(1_000)
        .collect();
    if homes.is_empty() {
        return;
    }
    // A runtime's own folders; a program may lie beside them.
    let parts = ["lib/", "jre/", "jmods/", "demo/", "languages/", "tools/"];
    drafts.retain(|draft| {
        let is_nameless =
            draft.package.kind == PackageKind::Maven && draft.package.purl.namespace.is_none();
        !(is_nameless && {
            let path = &draft.package.evidence[0].path;
            let inner = homes.iter().find_map(|home| path.strip_prefix(home.as_str()));
            inner.is_some_and(|inner| parts.iter().any(|part| inner.starts_with(part)))
        })
    });
}
