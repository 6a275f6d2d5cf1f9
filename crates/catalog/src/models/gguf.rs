//! GGUF, the files of llama.cpp and Ollama (ggml, `docs/gguf.md`): a head with keys and values, of which those that begin
//! with `general.` tell of the model. Keys of tokenizers, which are large, come behind them.

use std::collections::BTreeMap;

use sealift_archive::RelativePath;
use sealift_image::Look;

use super::{Described, draft, hub, is_in_hub, part};
use crate::bytes::{Endian, u32_at, u64_at};
use crate::cataloger::extract::Extract;
use crate::cataloger::{Context, Found};

const MAGIC: &[u8] = b"GGUF";
const HEAD_BYTES: usize = 4 << 20;
const KEYS_MAX: u64 = 100_000;
const KEY_BYTES_MAX: usize = 200;
const VALUE_BYTES_MAX: usize = 2000;
const STRING: u32 = 8;
const ARRAY: u32 = 9;
const PREFIX: &str = "general.";

/// Files that may be one; Ollama names them by their hash.
pub(crate) fn is_candidate(path: &RelativePath) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.ends_with(b".gguf") || name.starts_with(b"sha256-") || is_in_hub(path)
}

/// The head of what is one.
pub(crate) fn look(_: &RelativePath, start: &[u8]) -> Look {
    if start.starts_with(MAGIC) { Look::Head(HEAD_BYTES) } else { Look::Pass }
}

/// The keys that tell of the model.
pub(crate) fn extract(content: &[u8]) -> Option<Extract> {
    let mut rest = Reader::open(content)?;
    let mut extract = Extract::default();
    // What is not there of a long file's head was not looked at.
    let is_whole = content.len() < HEAD_BYTES;
    match rest.values() {
        Ok(values) => extract.parts = values,
        Err((values, complaint)) => {
            extract.parts = values;
            if is_whole {
                extract.complaints.push(complaint.to_owned());
            }
        }
    }
    extract.parts.push(("gguf".to_owned(), Vec::new()));
    Some(extract)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    endian: Endian,
    // Lengths had four bytes in the first version.
    is_first_version: bool,
}

type Values = Vec<(String, Vec<u8>)>;

impl<'a> Reader<'a> {
    fn open(bytes: &'a [u8]) -> Option<Self> {
        let version = bytes.strip_prefix(MAGIC).and_then(|rest| u32_at(rest, 0, Endian::Little))?;
        // In the other order the version's number is large.
        let endian = if version.trailing_zeros() >= 16 { Endian::Big } else { Endian::Little };
        let is_first_version = u32_at(bytes, 4, endian) == Some(1);
        Some(Self { bytes, at: 8, endian, is_first_version })
    }

    fn values(&mut self) -> Result<Values, (Values, &'static str)> {
        const CUT_OFF: &str = "its metadata is cut off";
        let mut values = Values::new();
        let (Some(_), Some(n_keys)) = (self.length(), self.length()) else {
            return Err((values, CUT_OFF));
        };
        if n_keys > KEYS_MAX {
            return Err((values, "it has an impossible number of keys"));
        }
        for _ in 0..n_keys {
            let Some((key, kind)) = self.text().zip(self.number()) else {
                return Err((values, CUT_OFF));
            };
            let is_wanted = key.starts_with(PREFIX.as_bytes()) && key.len() <= KEY_BYTES_MAX;
            let value = match kind {
                STRING => self.text().map(|text| text[..text.len().min(VALUE_BYTES_MAX)].to_vec()),
                ARRAY => self.skip_array().map(|()| Vec::new()),
                4 => self.number().map(|number| number.to_string().into_bytes()),
                kind => match size_of(kind) {
                    Some(size) => self.take(size).map(|_| Vec::new()),
                    None => return Err((values, "it has a value of a kind that is not known")),
                },
            };
            let Some(value) = value else { return Err((values, CUT_OFF)) };
            if is_wanted && !value.is_empty() {
                values.push((String::from_utf8_lossy(key).into_owned(), value));
            }
        }
        Ok(values)
    }

    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(size)?;
        let bytes = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn number(&mut self) -> Option<u32> {
        let endian = self.endian;
        u32_at(self.take(4)?, 0, endian)
    }

    fn length(&mut self) -> Option<u64> {
        if self.is_first_version {
            return self.number().map(u64::from);
        }
        let endian = self.endian;
        u64_at(self.take(8)?, 0, endian)
    }

    fn text(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.length()?).ok()?;
        self.take(length)
    }

    // Arrays of arrays are not known to be used.
    fn skip_array(&mut self) -> Option<()> {
        let kind = self.number()?;
        let count = self.length()?;
        if kind == STRING {
            // Each has bytes of its own, so that the content's end comes first.
            for _ in 0..count {
                self.text()?;
            }
            return Some(());
        }
        let bytes = count.checked_mul(u64::try_from(size_of(kind)?).ok()?)?;
        self.take(usize::try_from(bytes).ok()?).map(|_| ())
    }
}

fn size_of(kind: u32) -> Option<usize> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// The model of what was found.
pub(crate) fn read(extract: &Extract, context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if extract.part("gguf").is_none() {
        return found;
    }
    found.notes.extend(extract.complaints.iter().map(|complaint| context.note(complaint.as_str())));
    let values: BTreeMap<&str, String> = extract
        .parts
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix(PREFIX)?, value)))
        .map(|(key, value)| (key, String::from_utf8_lossy(value).trim().to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let get = |key: &str| values.get(key).map(String::as_str);
    let path = String::from_utf8_lossy(context.path_bytes()).into_owned();
    let file = path.rsplit('/').next().unwrap_or_default();
    let stem = file.strip_suffix(".gguf");
    // All parts but the first are without metadata.
    let is_later_part = stem.and_then(part).is_some_and(|(_, number, _)| number > 1);
    if is_later_part {
        return found;
    }
    let stem = stem.map(|stem| part(stem).map_or(stem, |(name, _, _)| name));
    let hub = hub(&path);
    let of_hub = hub.as_ref().map(|(name, _)| name.as_str());
    let Some(name) = get("name").or(get("basename")).or(stem).or(of_hub).or(get("architecture"))
    else {
        found.notes.push(context.note("it is a model without a name"));
        return found;
    };
    let quantization = get("file_type").and_then(|number| file_type(number.parse().ok()?));
    let summary = [get("architecture"), get("size_label"), quantization];
    found.drafts.push(draft(
        &Described {
            name,
            version: get("version").or(hub.as_ref().and_then(|(_, revision)| *revision)),
            license: get("license"),
            author: get("organization").or(get("author")),
            homepage: get("url").or(get("repo_url")).or(get("source.url")),
            summary: summary.into_iter().flatten().collect(),
            hub: hub.as_ref(),
        },
        context,
    ));
    found
}

// How most of its numbers are quantized (`enum ggml_ftype` of the format's description, and llama.cpp's later ones).
fn file_type(number: u16) -> Option<&'static str> {
    const NAMES: [(u16, &str); 31] = [
        (0, "F32"),
        (1, "F16"),
        (2, "Q4_0"),
        (3, "Q4_1"),
        (7, "Q8_0"),
        (8, "Q5_0"),
        (9, "Q5_1"),
        (10, "Q2_K"),
        (11, "Q3_K_S"),
        (12, "Q3_K_M"),
        (13, "Q3_K_L"),
        (14, "Q4_K_S"),
        (15, "Q4_K_M"),
        (16, "Q5_K_S"),
        (17, "Q5_K_M"),
        (18, "Q6_K"),
        (19, "IQ2_XXS"),
        (20, "IQ2_XS"),
        (21, "Q2_K_S"),
        (22, "IQ3_XS"),
        (23, "IQ3_XXS"),
        (24, "IQ1_S"),
        (25, "IQ4_NL"),
        (26, "IQ3_S"),
        (27, "IQ3_M"),
        (28, "IQ2_S"),
        (29, "IQ2_M"),
        (30, "IQ4_XS"),
        (31, "IQ1_M"),
        (32, "BF16"),
        (36, "TQ1_0"),
    ];
    NAMES.iter().find(|(known, _)| *known == number).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_lie() {
        // Version 3, no tensors, one key whose name would be longer than the memory.
        let long =
            [&b"GGUF\x03\0\0\0"[..], &[0; 8], &[1, 0, 0, 0, 0, 0, 0, 0], &[0xff; 16]].concat();
        assert_eq!(extract(&long).unwrap().complaints, ["its metadata is cut off"]);
        let many = [&b"GGUF\x03\0\0\0"[..], &[0; 8], &[0xff; 8]].concat();
        assert_eq!(extract(&many).unwrap().complaints, ["it has an impossible number of keys"]);
        for end in 0..long.len() {
            let is_one = extract(&long[..end]).is_some();
            assert_eq!(is_one, end >= 8, "cut off at {end}");
        }
        // An array of more elements than can be.
        let key = [&[1, 0, 0, 0, 0, 0, 0, 0][..], b"a", &[9, 0, 0, 0], &[4, 0, 0, 0], &[0xff; 8]];
        let array = [&b"GGUF\x03\0\0\0"[..], &[0; 8], &[1, 0, 0, 0, 0, 0, 0, 0], &key.concat()];
        assert_eq!(extract(&array.concat()).unwrap().complaints, ["its metadata is cut off"]);
    }
}
