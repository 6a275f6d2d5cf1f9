//! GraalVM's native images have a CycloneDX document within, compressed, behind the symbols `sbom` and `sbom_length`
//! (graalvm.org, "Embedding Software Bill of Materials").

use sealift_model::{Method, PackageKind, Purl, Scope};
use sealift_program::{Program, native_image};
use serde_json::Value;

use crate::cataloger::extract::Extract;
use crate::cataloger::{Context, Found};
use crate::component::{NAME_BYTES_MAX, component, license};

const BYTES_MAX: usize = 32 << 20;
const PART: &str = "components";
const COMPONENTS_MAX: usize = 50_000;

/// The document of a native image, uncompressed.
pub(crate) fn extract(content: &[u8]) -> Option<Extract> {
    let document = native_image::document(&Program::parse(content)?)?;
    Some(match document {
        Ok(json) => Extract { parts: vec![(PART.to_owned(), json)], complaints: Vec::new() },
        Err(complaint) => Extract { parts: Vec::new(), complaints: vec![complaint] },
    })
}

/// The packages of an extract.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = extract.part(PART).map(|json| components(json, context)).unwrap_or_default();
    found.notes.extend(extract.complaints.iter().map(|complaint| context.note(complaint)));
    found
}

/// The packages that a native image was built from, by its uncompressed document.
pub(crate) fn components(json: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if json.len() > BYTES_MAX {
        found.notes.push(context.note("its list of components is too large to be read"));
        return found;
    }
    let document: Value = match serde_json::from_slice(json) {
        Ok(document) => document,
        Err(error) => {
            found.notes.push(context.note(format!("its list of components is no JSON: {error}")));
            return found;
        }
    };
    let components = document.get("components").and_then(Value::as_array);
    for item in components.into_iter().flatten().take(COMPONENTS_MAX) {
        let text = |key: &str| {
            item.get(key)
                .and_then(Value::as_str)
                .filter(|it| !it.is_empty() && it.len() <= NAME_BYTES_MAX)
        };
        let Some(name) = text("name") else {
            found.notes.push(context.note("a component has no name"));
            continue;
        };
        let group = text("group");
        let evidence = context.evidence(Method::Sbom);
        let mut draft = component(PackageKind::Maven, name, text("version"), evidence, context);
        draft.package.scope = Scope::Embedded;
        if let Some(group) = group {
            draft.package.name = format!("{group}:{name}");
            draft.package.purl.namespace = Some(group.to_owned());
        }
        if let Some(purl) = text("purl").and_then(Purl::parse).filter(|it| it.kind == "maven") {
            draft.package.purl = purl;
        }
        let licenses = item.get("licenses").and_then(Value::as_array).into_iter().flatten();
        draft.package.licenses = licenses
            .take(20)
            .filter_map(|it| {
                let named =
                    it.get("license").and_then(|it| it.get("id").or_else(|| it.get("name")));
                license(it.get("expression").or(named)?.as_str()?)
            })
            .collect();
        let reference = text("bom-ref").unwrap_or(name);
        draft.provides = vec![format!("{}#{reference}", context.path())];
        found.drafts.push(draft);
    }
    needs(&document, &mut found, context);
    found
}

fn needs(document: &Value, found: &mut Found, context: &Context<'_>) {
    let path = context.path();
    let key = |reference: &str| format!("{path}#{reference}");
    let lists = document.get("dependencies").and_then(Value::as_array).into_iter().flatten();
    let mut wanted = std::collections::HashMap::new();
    for list in lists.take(COMPONENTS_MAX) {
        let Some(reference) = list.get("ref").and_then(Value::as_str) else { continue };
        let needs = list.get("dependsOn").and_then(Value::as_array).into_iter().flatten();
        let needs = needs.filter_map(Value::as_str).take(1_000).map(|it| vec![key(it)]);
        wanted.insert(key(reference), needs.collect::<Vec<_>>());
    }
    for draft in &mut found.drafts {
        if let Some(needs) = wanted.remove(&draft.provides[0]) {
            draft.requires = needs;
        }
    }
}
