//! safetensors, the files of Hugging Face's libraries (github.com/huggingface/safetensors, "Format"): the length of a
//! JSON text, and that text, of which `__metadata__` tells of the model (ModelSpec, where tools write it).

use std::collections::BTreeMap;
use std::fmt;

use sealift_archive::RelativePath;
use sealift_image::Look;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};

use super::{Described, draft, hub, is_in_hub, part};
use crate::bytes::{Endian, u64_at};
use crate::cataloger::extract::Extract;
use crate::cataloger::{Context, Found};

// The format's own limit is 100 MB; a model of thousands of tensors has a head of some hundred kilobytes.
const HEAD_BYTES_MAX: usize = 8 << 20;
const VALUE_BYTES_MAX: usize = 2000;
const KEYS: [&str; 7] = [
    "modelspec.title",
    "modelspec.author",
    "modelspec.license",
    "modelspec.architecture",
    "modelspec.description",
    "name",
    "license",
];

/// Files that may be one; the hub's cache names them by their hash.
pub(crate) fn is_candidate(path: &RelativePath) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.ends_with(b".safetensors") || is_in_hub(path)
}

/// The head of what is one.
pub(crate) fn look(_: &RelativePath, start: &[u8]) -> Look {
    match head_bytes(start) {
        Some(bytes) => Look::Head(8 + bytes.min(HEAD_BYTES_MAX)),
        None => Look::Pass,
    }
}

// The length of the JSON text, if it can be one.
fn head_bytes(start: &[u8]) -> Option<usize> {
    let length = usize::try_from(u64_at(start, 0, Endian::Little)?).ok()?;
    (start.get(8..10)? == b"{\"" && length <= 100_000_000).then_some(length)
}

#[derive(Default)]
struct Head {
    metadata: BTreeMap<String, String>,
    n_tensors: usize,
}

impl<'de> Deserialize<'de> for Head {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(HeadVisitor)
    }
}

struct HeadVisitor;

impl<'de> Visitor<'de> for HeadVisitor {
    type Value = Head;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a map of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Head, A::Error> {
        let mut head = Head::default();
        while let Some(key) = map.next_key::<String>()? {
            if key == "__metadata__" {
                head.metadata = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
                head.n_tensors += 1;
            }
        }
        Ok(head)
    }
}

/// What tells of the model.
pub(crate) fn extract(path: &RelativePath, content: &[u8]) -> Option<Extract> {
    let is_named = path.as_bytes().ends_with(b".safetensors");
    let length = head_bytes(content)?;
    let mut extract = Extract::default();
    extract.parts.push(("safetensors".to_owned(), Vec::new()));
    if length > HEAD_BYTES_MAX {
        extract.complaints.push("its head is larger than the limit, and was not read".to_owned());
        return Some(extract);
    }
    let Some(json) = content.get(8..8 + length) else {
        extract.complaints.push("its head is cut off".to_owned());
        return Some(extract);
    };
    match serde_json::from_slice::<Head>(json) {
        // In the hub's cache, JSON is in other files, too.
        Ok(head) if head.n_tensors == 0 && head.metadata.is_empty() => return None,
        Ok(head) => {
            let values = head.metadata.into_iter().filter(|(key, value)| {
                KEYS.contains(&key.as_str()) && value.len() <= VALUE_BYTES_MAX
            });
            extract.parts.extend(values.map(|(key, value)| (key, value.into_bytes())));
        }
        Err(_) if !is_named => return None,
        Err(error) => extract.complaints.push(format!("its head cannot be read: {error}")),
    }
    Some(extract)
}

/// The model of what was found.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if extract.part("safetensors").is_none() {
        return found;
    }
    found.notes.extend(extract.complaints.iter().map(|complaint| context.note(complaint.as_str())));
    let get = |key: &str| {
        let text = std::str::from_utf8(extract.part(key)?).ok()?.trim();
        (!text.is_empty()).then_some(text)
    };
    let path = String::from_utf8_lossy(context.path_bytes()).into_owned();
    let mut parts = path.rsplit('/');
    let file = parts.next().unwrap_or_default();
    let folder = parts.next().unwrap_or_default();
    let stem = file.strip_suffix(".safetensors").unwrap_or(file);
    let part = part(stem);
    // A model of several parts is one; and only the cache's name tells which of its blobs belong together.
    if part.is_some_and(|(_, number, _)| number > 1) {
        return found;
    }
    let stem = part.map_or(stem, |(name, _, _)| name);
    let hub = hub(&path);
    // Names that every model has: the folder's says more.
    let is_usual = matches!(
        stem,
        "model" | "adapter_model" | "diffusion_pytorch_model" | "pytorch_model" | "consolidated"
    );
    let by_path = if is_usual && !folder.is_empty() { folder } else { stem };
    let of_hub = hub.as_ref().map(|(name, _)| name.as_str());
    let name = get("modelspec.title").or(of_hub).or(get("name")).unwrap_or(by_path);
    found.drafts.push(draft(
        &Described {
            name,
            version: hub.as_ref().and_then(|(_, revision)| *revision),
            license: get("modelspec.license").or(get("license")),
            author: get("modelspec.author"),
            homepage: None,
            summary: get("modelspec.architecture")
                .into_iter()
                .chain(get("modelspec.description"))
                .collect(),
            hub: hub.as_ref(),
        },
        context,
    ));
    found
}
