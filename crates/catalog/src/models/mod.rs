//! Models of machine learning, by the metadata at the beginning of their files. Formats that carry no name and no
//! metadata of their own are left out.

pub(crate) mod gguf;
pub(crate) mod safetensors;

use std::collections::HashMap;

use sealift_archive::RelativePath;
use sealift_model::{Method, PackageKind, Purl, Supplier};

use crate::cataloger::{Context, Draft};
use crate::component::{NAME_BYTES_MAX, component, license, shorten};

/// What a file says of its model.
#[derive(Default)]
struct Described<'a> {
    name: &'a str,
    version: Option<&'a str>,
    license: Option<&'a str>,
    author: Option<&'a str>,
    homepage: Option<&'a str>,
    summary: Vec<&'a str>,
    /// Owner and name in Hugging Face's hub, and the revision.
    hub: Option<&'a (String, Option<&'a str>)>,
}

fn draft(described: &Described<'_>, context: &Context<'_>) -> Draft {
    let name: String = shorten(described.name.trim());
    let version = described.version.filter(|version| version.len() <= NAME_BYTES_MAX);
    let evidence = context.evidence(Method::Manifest);
    let mut draft = component(PackageKind::Model, &name, version, evidence, context);
    let package = &mut draft.package;
    if let Some((name, revision)) = described.hub {
        // PURL-TYPES, `huggingface`: the version is the revision.
        let (owner, name) = name
            .split_once('/')
            .map_or((None, name.as_str()), |(owner, name)| (Some(owner.to_owned()), name));
        package.purl = Purl::new("huggingface", name);
        package.purl.namespace = owner;
        package.purl.version = revision.map(str::to_ascii_lowercase);
    }
    package.licenses = described.license.and_then(license).into_iter().collect();
    package.supplier = described
        .author
        .map(str::trim)
        .filter(|author| !author.is_empty())
        .map(|author| Supplier::Organization(shorten(author)));
    package.homepage = described.homepage.map(shorten);
    let summary = described.summary.join(", ");
    package.summary = Some(shorten(&summary)).filter(|summary| !summary.is_empty());
    draft
}

/// The number of a part and how many there are: `model-00001-of-00002`.
fn part(stem: &str) -> Option<(&str, u32, u32)> {
    let (rest, count) = stem.rsplit_once("-of-")?;
    let (name, number) = rest.rsplit_once('-')?;
    let is_number = |text: &str| text.len() >= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(number) || !is_number(count) {
        return None;
    }
    Some((name, number.parse().ok()?, count.parse().ok()?))
}

/// One component for the files of one folder that say they are the same model.
pub(crate) fn merge_parts(drafts: &mut Vec<Draft>) {
    if !drafts.iter().any(|draft| draft.package.kind == PackageKind::Model) {
        return;
    }
    let mut places: HashMap<(String, String), usize> = HashMap::new();
    let mut merged: Vec<Draft> = Vec::new();
    for draft in std::mem::take(drafts) {
        if draft.package.kind != PackageKind::Model {
            merged.push(draft);
            continue;
        }
        let path = draft.package.evidence.first().map(|evidence| evidence.path.as_str());
        let folder = path.and_then(|path| path.rsplit_once('/')).map_or("", |(folder, _)| folder);
        let key = (folder.to_owned(), draft.package.purl.to_string());
        if let Some(place) = places.get(&key) {
            merged[*place].package.evidence.extend(draft.package.evidence);
        } else {
            places.insert(key, merged.len());
            merged.push(draft);
        }
    }
    *drafts = merged;
}

/// True for files of a cache of Hugging Face's hub.
fn is_in_hub(path: &RelativePath) -> bool {
    memchr::memmem::find(path.as_bytes(), b"models--").is_some()
}

/// Owner and name of the model, and the revision, if the path is in a cache of Hugging Face's hub
/// (`models--OWNER--NAME/snapshots/REVISION/…`, or the `blobs` that these lead to).
fn hub(path: &str) -> Option<(String, Option<&str>)> {
    let parts: Vec<&str> = path.split('/').collect();
    let at = parts.iter().rposition(|part| part.starts_with("models--"))?;
    let name = parts[at].strip_prefix("models--")?.replace("--", "/");
    let revision = match parts.get(at + 1..at + 3) {
        Some([folder, revision]) if *folder == "snapshots" => Some(*revision),
        _ => None,
    };
    (!name.is_empty() && !name.starts_with('/') && !name.ends_with('/')).then_some((name, revision))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(part("model-00001-of-00002"), Some(("model", 1, 2)));
        assert_eq!(part("a-of-b"), None);
        assert_eq!(part("state-of-the-art"), None);
        assert_eq!(
            hub("x/hub/models--meta--Llama-3/snapshots/abc/model.safetensors"),
            Some(("meta/Llama-3".to_owned(), Some("abc")))
        );
        assert_eq!(hub("models--gpt2/blobs/00"), Some(("gpt2".to_owned(), None)));
        assert_eq!(hub("models--/blobs/00"), None);
        assert_eq!(hub("a/b"), None);
    }
}
