//! PHP's packages: `vendor/composer/installed.json`, Composer's record of what it installed, and `composer.lock`.

pub(crate) mod pear;
mod serialized;

use sealift_model::{Method, PackageKind, Scope};
use serde_json::{Map, Value};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component, is_test_data, license, shorten};
use crate::declared::{download_url, hash, is_of_package};
use crate::supplier::supplier;

/// What is installed.
pub(crate) const INSTALLED: Cataloger = Cataloger {
    name: "composer-installed",
    what: "PHP packages that Composer installed",
    evidence: &[Pattern::Named("composer", "installed.json")],
    companions: &[],
    read: |bytes, context| read(bytes, context, Method::Database, Scope::Installed),
};

/// What is meant to be.
pub(crate) const LOCK: Cataloger = Cataloger {
    name: "composer-lock",
    what: "PHP packages that Composer's lock file names",
    evidence: &[Pattern::Named("", "composer.lock")],
    companions: &[],
    read: |bytes, context| read(bytes, context, Method::LockFile, Scope::Declared),
};

const BYTES_MAX: usize = 32 << 20;
const PACKAGES_MAX: usize = 20_000;
const NEEDS_MAX: usize = 500;
const FILES_MAX: usize = 50_000;

fn read(bytes: &[u8], context: &Context<'_>, method: Method, scope: Scope) -> Found {
    let mut found = Found::default();
    if scope == Scope::Declared && is_of_package(&context.path()) {
        return found;
    }
    if bytes.len() > BYTES_MAX {
        found.notes.push(context.note("it is too large for a list of packages"));
        return found;
    }
    let value: Value = match serde_json::from_slice(bytes) {
        Ok(value) => value,
        Err(error) => {
            found.notes.push(context.note(format!("it is no list of packages: {error}")));
            return found;
        }
    };
    // Composer 1 has a list, Composer 2 an object with it; a lock file keeps those for development apart.
    let lists = [Some(&value), value.get("packages"), value.get("packages-dev")];
    let path = context.path();
    // `vendor/composer/installed.json`: packages are beside the folder `composer`.
    let vendor = path.strip_prefix('/').and_then(|it| it.strip_suffix("/composer/installed.json"));
    let packages = lists.into_iter().flatten().filter_map(Value::as_array).flatten();
    for package in packages.take(PACKAGES_MAX).filter_map(Value::as_object) {
        let Some(mut draft) = draft(package, context, method) else {
            found.notes.push(context.note("a package has no name"));
            continue;
        };
        let is_there = || {
            let directory = path.trim_start_matches('/').rsplit_once('/').map_or("", |it| it.0);
            let slash = if directory.is_empty() { "" } else { "/" };
            let place = format!("{directory}{slash}vendor/{}", draft.package.name);
            context.resolved(&place).is_some()
        };
        if scope == Scope::Declared && is_there() {
            continue;
        }
        if let Some(vendor) = vendor.filter(|_| scope == Scope::Installed) {
            let place = format!("{vendor}/{}", draft.package.name);
            draft.package.files = context.files_below(&place, FILES_MAX);
        }
        draft.package.scope = if is_test_data(&path) { Scope::TestData } else { scope };
        draft.surroundings.clone_from(&path);
        found.drafts.push(draft);
    }
    found
}

fn draft(package: &Map<String, Value>, context: &Context<'_>, method: Method) -> Option<Draft> {
    let text = |key: &str| package.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let name = text("name").filter(|it| it.len() <= NAME_BYTES_MAX)?;
    let version = text("version").filter(|it| it.len() <= NAME_BYTES_MAX);
    let evidence = context.evidence(method);
    let mut draft = component(PackageKind::Composer, name, version, evidence, context);
    // Vendors and names are in lower case (purl types, `composer`).
    let purl = &mut draft.package.purl;
    purl.name.make_ascii_lowercase();
    if let Some(namespace) = &mut purl.namespace {
        namespace.make_ascii_lowercase();
    }
    let licenses = package.get("license");
    draft.package.licenses = match licenses {
        // Several are a choice, an expression in one text is one.
        Some(Value::Array(list)) => {
            let names: Vec<&str> = list.iter().filter_map(Value::as_str).take(20).collect();
            license(&names.join(" OR ")).into_iter().collect()
        }
        other => other.and_then(Value::as_str).and_then(license).into_iter().collect(),
    };
    let author = package.get("authors").and_then(|authors| authors.get(0)?.get("name")?.as_str());
    draft.package.supplier = author.and_then(supplier);
    let download = |key: &str| package.get("dist").and_then(|it| it.get(key)?.as_str());
    draft.package.download_url = download("url").and_then(download_url);
    draft.package.hashes =
        download("shasum").and_then(|hex| hash("sha1", hex)).into_iter().collect();
    draft.package.homepage = text("homepage").map(shorten);
    draft.package.summary = text("description").map(shorten);
    let names = |key: &str| {
        let names = package.get(key).and_then(Value::as_object).into_iter().flat_map(Map::keys);
        names.take(NEEDS_MAX).map(|name| name.to_ascii_lowercase()).collect::<Vec<_>>()
    };
    draft.provides = vec![name.to_ascii_lowercase()];
    draft.provides.extend(names("provide").into_iter().chain(names("replace")));
    draft.requires = names("require").into_iter().map(|name| vec![name]).collect();
    Some(draft)
}
