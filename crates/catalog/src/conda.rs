//! What Conda installed: a record for each package, `conda-meta/*.json` (docs.conda.io, "Conda environments").

use sealift_model::{Method, PackageKind};
use serde_json::{Map, Value};

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component, is_test_data, license};
use crate::declared::{download_url, hash};

/// Packages in Conda's environments.
pub(crate) const RECORD: Cataloger = Cataloger {
    name: "conda-package",
    what: "packages of Conda's environments",
    evidence: &[Pattern::InAny("conda-meta", ".json")],
    companions: &[],
    read,
};

const RECORD_BYTES_MAX: usize = 64 << 20;
const NEEDS_MAX: usize = 1_000;
const FILES_MAX: usize = 200_000;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let path = context.path();
    if bytes.len() > RECORD_BYTES_MAX {
        found.notes.push(context.note("it is too large for a record"));
        return found;
    }
    let record: Map<String, Value> = match serde_json::from_slice(bytes) {
        Ok(record) => record,
        Err(error) => {
            found.notes.push(context.note(format!("it is no record of a package: {error}")));
            return found;
        }
    };
    let text = |key: &str| {
        let text = record.get(key).and_then(Value::as_str).map(str::trim);
        text.filter(|text| !text.is_empty() && text.len() <= 2_000)
    };
    let Some(name) = text("name").filter(|name| name.len() <= NAME_BYTES_MAX) else {
        // Other tools keep settings beside the records, which have no name.
        if record.contains_key("depends") || record.contains_key("build") {
            found.notes.push(context.note("it has no name"));
        }
        return found;
    };
    let version = text("version");
    if version.is_none() {
        found.notes.push(context.note(format!("package `{name}` has no version")));
    }
    let evidence = context.evidence(Method::Database);
    let mut draft = component(PackageKind::Conda, name, version, evidence, context);
    let prefix = path.split("/conda-meta/").next().unwrap_or_default().to_owned();
    let package = &mut draft.package;
    let channel = text("channel").map(channel).filter(|channel| !channel.is_empty());
    let qualifiers = [("build", text("build")), ("channel", channel), ("subdir", text("subdir"))];
    for (key, value) in qualifiers {
        if let Some(value) = value {
            package.purl.qualifiers.insert(key.to_owned(), value.to_owned());
        }
    }
    package.architecture = text("subdir").map(str::to_owned);
    package.licenses = text("license").and_then(license).into_iter().collect();
    package.download_url = text("url").and_then(download_url);
    package.hashes = ["md5", "sha256"].iter().filter_map(|it| hash(it, text(it)?)).collect();
    let files = record.get("files").and_then(Value::as_array).into_iter().flatten();
    let is_below = |file: &&str| !file.split('/').any(|part| part == "..");
    package.files = files
        .filter_map(Value::as_str)
        .filter(is_below)
        .take(FILES_MAX)
        .map(|file| format!("{prefix}/{}", file.trim_start_matches('/')))
        .collect();
    package.introduced_by = context.layer_of(&package.files).or_else(|| context.introduced());
    if is_test_data(&path) {
        package.scope = sealift_model::Scope::TestData;
    }
    draft.surroundings = prefix;
    draft.provides = vec![name.to_owned()];
    let needs = record.get("depends").and_then(Value::as_array).into_iter().flatten();
    // `name version build`, or `name[version=…]`. What the system has begins with underscores.
    draft.requires = needs
        .filter_map(Value::as_str)
        .take(NEEDS_MAX)
        .filter_map(|need| need.split([' ', '[', '>', '<', '=', '!', '~']).next())
        .filter(|need| !need.is_empty())
        .map(|need| vec![need.to_owned()])
        .collect();
    found.drafts.push(draft);
    found
}

// `https://conda.anaconda.org/conda-forge/linux-64`, `pkgs/main`, `conda-forge`: the part that names it.
fn channel(text: &str) -> &str {
    let text = text.trim_end_matches('/');
    let is_platform = |part: &str| part == "noarch" || part.starts_with("linux-");
    let text =
        text.rsplit_once('/').filter(|(_, last)| is_platform(last)).map_or(text, |(rest, _)| rest);
    text.rsplit('/').next().unwrap_or(text)
}
