//! What Bitnami put into its images: the record beside its components.

use sealift_model::{Hash, HashAlgorithm, Method, PackageKind};
use serde_json::{Map, Value};

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component};

/// `/opt/bitnami/.bitnami_components.json`.
pub(crate) const COMPONENTS: Cataloger = Cataloger {
    name: "bitnami",
    what: "Bitnami's components, as its images record them",
    evidence: &[Pattern::Exact("opt/bitnami/.bitnami_components.json")],
    companions: &[],
    read,
};

const BYTES_MAX: usize = 4 << 20;
const FILES_MAX: usize = 200_000;
const COMPONENTS_MAX: usize = 5_000;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if bytes.len() > BYTES_MAX {
        found.notes.push(context.note("it is too large for a list of components"));
        return found;
    }
    let components: Map<String, Value> = match serde_json::from_slice(bytes) {
        Ok(components) => components,
        Err(error) => {
            found.notes.push(context.note(format!("it is no list of components: {error}")));
            return found;
        }
    };
    if components.len() > COMPONENTS_MAX {
        found.notes.push(context.note("it has more components than the limit"));
    }
    for (name, value) in components.iter().take(COMPONENTS_MAX) {
        let text = |key: &str| {
            let text = value.get(key).and_then(Value::as_str)?;
            (!text.is_empty() && text.len() <= NAME_BYTES_MAX).then_some(text)
        };
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !value.is_object() {
            found.notes.push(context.note("a component cannot be read"));
            continue;
        }
        let version = text("version");
        if version.is_none() {
            found.notes.push(context.note(format!("component `{name}` has no version")));
        }
        let evidence = context.evidence(Method::Database);
        let mut draft = component(PackageKind::Bitnami, name, version, evidence, context);
        let package = &mut draft.package;
        package.architecture = text("arch").map(str::to_owned);
        for key in ["arch", "distro"] {
            if let Some(value) = text(key) {
                package.purl.qualifiers.insert(key.to_owned(), value.to_owned());
            }
        }
        if !name.contains('/') {
            package.files = context.files_below(&format!("opt/bitnami/{name}"), FILES_MAX);
        }
        let is_hash = |hex: &&str| hex.len() == 64 && hex.bytes().all(|it| it.is_ascii_hexdigit());
        package.hashes = text("digest")
            .filter(is_hash)
            .map(|hex| Hash { algorithm: HashAlgorithm::Sha256, hex: hex.to_ascii_lowercase() })
            .into_iter()
            .collect();
        found.drafts.push(draft);
    }
    found
}
