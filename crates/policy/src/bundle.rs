//! Bundles as OPA has them: a gzipped tar of `.manifest`, policies and data. What is built of the same files is the same
//! byte for byte.

#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "these endings are written small, as other tools have them"
)]

use std::io::{Cursor, Read};

use sealift_archive::{EntryKind, GzipWriter, Header, Limits, RelativePath, tar};
use serde_json::{Map, Value as Json, json};

use crate::document::{self, Kind};
use crate::policies::Namespaces;
use crate::{Error, Settings, Source};

const BYTES_MAX: u64 = 64 << 20;
const ENTRIES_MAX: u64 = 10_000;
const FILE_BYTES_MAX: u64 = 16 << 20;
const LEVEL: u32 = 9;

/// Policies and data under one revision.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bundle {
    /// What its maker calls this state.
    pub revision: String,
    /// Paths that belong to it, `docker/image`; an empty one is everything.
    pub roots: Vec<String>,
    /// Policies.
    pub sources: Vec<Source>,
    /// Data, an object.
    pub data: Json,
}

/// Why a bundle cannot be read or made.
#[derive(Debug, thiserror::Error)]
#[error("the bundle `{name}` cannot be used: {reason}")]
pub struct BundleError {
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
}

impl Bundle {
    /// A bundle of policies that make sense together.
    pub fn new(
        sources: Vec<Source>,
        data: Json,
        revision: &str,
        roots: Vec<String>,
    ) -> Result<Self, Error> {
        let settings = Settings { namespaces: Namespaces::All, ..Settings::default() };
        crate::Policies::load(&settings, &sources, &data)?;
        let data = if data.is_null() { json!({}) } else { data };
        let roots = if roots.is_empty() { vec![String::new()] } else { roots };
        let bundle = Self { revision: revision.to_owned(), roots, sources, data };
        bundle.check("new").map_err(|error| Error::Data { message: error.reason })?;
        Ok(bundle)
    }

    /// Reads a bundle, gzipped or not.
    pub fn read(name: &str, bytes: Vec<u8>) -> Result<Self, BundleError> {
        let fail = |reason: String| BundleError { name: name.to_owned(), reason };
        let reader = sealift_archive::open(Box::new(Cursor::new(bytes)))
            .map_err(|error| fail(error.to_string()))?;
        Self::read_tar(name, reader)
    }

    /// Reads the tar of a bundle.
    pub fn read_tar(name: &str, reader: impl Read) -> Result<Self, BundleError> {
        let fail = |reason: String| BundleError { name: name.to_owned(), reason };
        let limits = Limits {
            entries_max: ENTRIES_MAX,
            entry_bytes_max: FILE_BYTES_MAX,
            total_bytes_max: BYTES_MAX,
            ..Limits::default()
        };
        let mut bundle = Self { data: json!({}), roots: vec![String::new()], ..Self::default() };
        // What follows the archive's end is bounded too.
        let mut archive = tar::Reader::new(reader.take(2 * BYTES_MAX), limits);
        while let Some(mut entry) = archive.next_entry().map_err(|error| fail(error.to_string()))? {
            if entry.header().kind != EntryKind::File {
                continue;
            }
            let path = String::from_utf8_lossy(entry.header().path.as_bytes()).into_owned();
            let mut bytes = Vec::new();
            entry
                .by_ref()
                .take(FILE_BYTES_MAX)
                .read_to_end(&mut bytes)
                .map_err(|error| fail(error.to_string()))?;
            bundle.add(&path, bytes).map_err(|reason| fail(format!("`{path}`: {reason}")))?;
        }
        bundle.check(name)?;
        Ok(bundle)
    }

    fn add(&mut self, path: &str, bytes: Vec<u8>) -> Result<(), String> {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let text = || String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned());
        match file {
            ".manifest" => self.manifest(&text()?),
            "data.json" | "data.yaml" | "data.yml" => {
                let kind = if file == "data.json" { Kind::Json } else { Kind::Yaml };
                let value = document::read(kind, file, &text()?).map_err(|it| it.to_string())?;
                put(&mut self.data, folder, value)
            }
            _ if file.ends_with("_test.rego") => Ok(()),
            _ if file.ends_with(".rego") => {
                self.sources.push(Source::new(path, text()?));
                Ok(())
            }
            _ if file.ends_with(".wasm") => Err("compiled policies are not run".to_owned()),
            _ => Ok(()),
        }
    }

    fn manifest(&mut self, text: &str) -> Result<(), String> {
        let value: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if let Some(revision) = value.get("revision").and_then(Json::as_str) {
            revision.clone_into(&mut self.revision);
        }
        if let Some(roots) = value.get("roots") {
            let roots = roots.as_array().ok_or("`roots` is no list")?;
            self.roots = roots
                .iter()
                .map(|root| root.as_str().map(|it| it.trim_matches('/').to_owned()))
                .collect::<Option<_>>()
                .ok_or("`roots` is no list of texts")?;
        }
        Ok(())
    }

    // What lies outside its roots is not the bundle's to say.
    fn check(&self, name: &str) -> Result<(), BundleError> {
        let fail = |reason: String| BundleError { name: name.to_owned(), reason };
        if self.sources.is_empty() && self.data == json!({}) {
            return Err(fail("it has neither policies nor data".to_owned()));
        }
        let is_within = |path: &str| {
            self.roots.iter().any(|root| {
                root.is_empty() || path == root || path.starts_with(&format!("{root}/"))
            })
        };
        for source in &self.sources {
            let package = package_path(&source.text);
            if !is_within(&package) {
                return Err(fail(format!("`{}` is outside its roots", source.file)));
            }
        }
        let mut pending = vec![(String::new(), &self.data)];
        while let Some((path, value)) = pending.pop() {
            match value {
                Json::Object(object) if !is_within(&path) || path.is_empty() => {
                    for (key, inner) in object {
                        let path =
                            if path.is_empty() { key.clone() } else { format!("{path}/{key}") };
                        pending.push((path, inner));
                    }
                }
                _ if path.is_empty() || is_within(&path) => {}
                _ => return Err(fail(format!("data at `{path}` is outside its roots"))),
            }
        }
        Ok(())
    }

    /// Its bytes as a tar.
    pub fn to_tar(&self) -> std::io::Result<Vec<u8>> {
        let manifest = json!({"revision": self.revision, "roots": self.roots, "rego_version": 0});
        let mut files: Vec<(String, Vec<u8>)> = vec![
            (".manifest".to_owned(), manifest.to_string().into_bytes()),
            ("data.json".to_owned(), self.data.to_string().into_bytes()),
        ];
        for (number, source) in self.sources.iter().enumerate() {
            let plain: String = source
                .file
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() || "._-/".contains(c) { c } else { '_' })
                .collect();
            let path = plain.trim_start_matches(['/', '.']).replace("..", "_");
            let is_taken = files.iter().any(|(known, _)| *known == path);
            let path = if is_taken || path.is_empty() { format!("{number}_{path}") } else { path };
            let path = if path.ends_with(".rego") { path } else { format!("{path}.rego") };
            files.push((path, source.text.clone().into_bytes()));
        }
        files.sort();
        let mut archive = tar::Writer::new(Vec::new());
        for (path, bytes) in &files {
            let mut header = Header::new(RelativePath::parse(path.as_bytes())?, EntryKind::File);
            header.size = bytes.len() as u64;
            header.mode = 0o644;
            archive.append(&header, &mut bytes.as_slice())?;
        }
        Ok(archive.finish()?)
    }

    /// Its bytes as OPA reads them.
    pub fn to_tar_gz(&self) -> std::io::Result<Vec<u8>> {
        let mut writer = GzipWriter::new(Vec::new(), LEVEL);
        std::io::Write::write_all(&mut writer, &self.to_tar()?)?;
        writer.finish()
    }
}

fn package_path(text: &str) -> String {
    let line = text.lines().map(str::trim_start).find_map(|line| line.strip_prefix("package "));
    let path = line.unwrap_or_default().split(['#', ' ', ';']).next().unwrap_or_default();
    path.trim().replace("[\"", "/").replace("\"]", "").replace('.', "/")
}

/// Puts a value into an object at a path of folders; what both have is merged, and a conflict is an error.
pub fn put(data: &mut Json, folder: &str, value: Json) -> Result<(), String> {
    let mut wrapped = value;
    let parts = folder.split('/').filter(|part| !part.is_empty() && *part != ".");
    for part in parts.rev() {
        let mut object = Map::new();
        object.insert(part.to_owned(), wrapped);
        wrapped = Json::Object(object);
    }
    merge(data, wrapped, 0)
}

fn merge(into: &mut Json, from: Json, depth: usize) -> Result<(), String> {
    match (into, from) {
        (Json::Object(into), Json::Object(from)) if depth < 256 => {
            for (key, value) in from {
                match into.get_mut(&key) {
                    Some(known) => {
                        merge(known, value, depth + 1).map_err(|why| format!("{key}.{why}"))?;
                    }
                    None => drop(into.insert(key, value)),
                }
            }
            Ok(())
        }
        (into, from) if *into == from => Ok(()),
        _ => Err("two files give it different values".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bundle() -> Bundle {
        let source = Source::new("a/b.rego", "package a.b\ndeny[\"x\"] { data.a.n == 1 }");
        Bundle::new(vec![source], json!({"a": {"n": 1}}), "r1", vec!["a".to_owned()]).unwrap()
    }

    #[test]
    fn round_trip() {
        let bytes = bundle().to_tar_gz().unwrap();
        assert_eq!(bytes, bundle().to_tar_gz().unwrap());
        assert_eq!(Bundle::read("b", bytes).unwrap(), bundle());
        assert_eq!(Bundle::read("b", bundle().to_tar().unwrap()).unwrap(), bundle());
    }

    #[test]
    fn refused() {
        let check = |change: fn(&mut Bundle), expected: &str| {
            let mut bundle = bundle();
            change(&mut bundle);
            let error = Bundle::read("b", bundle.to_tar().unwrap()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(|it| it.roots = vec!["b".to_owned()], "outside its roots");
        check(|it| it.data = json!({"c": 1}), "data at `c`");
        check(|it| it.sources[0].text = "package c".to_owned(), "outside its roots");
        check(|it| (it.sources.clear(), it.data = json!({})).1, "neither");
        assert!(Bundle::read("b", b"nothing".to_vec()).is_err());
        assert!(Bundle::read("b", vec![0; 4096]).is_err());
        let bomb = {
            let mut writer = GzipWriter::new(Vec::new(), 9);
            std::io::Write::write_all(&mut writer, &vec![0; 1 << 20]).unwrap();
            writer.finish().unwrap()
        };
        assert!(Bundle::read("b", bomb).is_err());
    }

    #[test]
    fn data_is_merged() {
        let mut data = json!({"a": {"b": 1}});
        put(&mut data, "a/c", json!({"d": 2})).unwrap();
        assert_eq!(data, json!({"a": {"b": 1, "c": {"d": 2}}}));
        assert_eq!(
            put(&mut data, "", json!({"a": {"b": 2}})).unwrap_err(),
            "a.b.two files give it different values"
        );
    }
}
