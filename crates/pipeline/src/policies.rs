//! Where policies come from: files, folders, bundles, the packs of the program, registries.

#![allow(
    clippy::case_sensitive_file_extension_comparisons,
    reason = "these endings are written small, as other tools have them"
)]

use std::path::{Path, PathBuf};

use sealift_policy::document::{self, Kind};
use sealift_policy::{Bundle, Exemption, Namespaces, Pack, Source, put};
use serde_json::{Value as Json, json};

use crate::Error;

const POLICY_BYTES_MAX: u64 = 1 << 20;
const DATA_BYTES_MAX: u64 = 16 << 20;
const BUNDLE_BYTES_MAX: u64 = 64 << 20;
const FILES_MAX: usize = 10_000;
const DEPTH_MAX: usize = 16;

/// Policies and what they are told besides the image.
#[derive(Clone, Debug, Default)]
pub struct PolicyRequest {
    /// Rego files, folders of them, bundles (`….tar.gz`), packs (`pack:NAME`).
    pub files: Vec<PathBuf>,
    /// Bundles that are here already, such as those of registries.
    pub bundles: Vec<Bundle>,
    /// More input at the top level: `environment` and what `--data` gives.
    pub data: Vec<(String, String)>,
    /// Files and folders of JSON and YAML that the policies see as `data`.
    pub data_files: Vec<PathBuf>,
    /// The packages that judge.
    pub namespaces: Namespaces,
    /// Violations that somebody answers for.
    pub exemptions: Vec<Exemption>,
}

impl PolicyRequest {
    /// Whether there is nothing to judge by.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.bundles.is_empty()
    }
}

/// Policies with their data.
#[derive(Clone, Debug, Default)]
pub struct PolicySet {
    /// Policies.
    pub sources: Vec<Source>,
    /// Their data, an object.
    pub data: Json,
}

/// Whether tests that lie beside policies are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tests {
    /// They are left out.
    Without,
    /// They are read too.
    With,
}

/// Reads policies and data.
pub fn load(request: &PolicyRequest, tests: Tests) -> Result<PolicySet, Error> {
    let mut set = PolicySet { sources: Vec::new(), data: json!({}) };
    for path in &request.files {
        if let Some(pack) = pack(path)? {
            set.sources.extend(pack.sources());
        } else if path.is_dir() {
            let mut found = Vec::new();
            find(path, &mut found, 0, &|name| {
                name.ends_with(".rego") && (tests == Tests::With || !name.ends_with("_test.rego"))
            })?;
            if found.is_empty() {
                return Err(Error::usage(
                    format!("the folder `{}` has no policy", path.display()),
                    "a policy is a file ending in `.rego`; without one nothing would be judged",
                ));
            }
            for file in found {
                let name = file.strip_prefix(path).unwrap_or(&file).display().to_string();
                set.sources.push(read_source(&file, name)?);
            }
        } else if is_bundle(path) {
            let bytes = read_bounded(path, BUNDLE_BYTES_MAX)?;
            let bundle = Bundle::read(&path.display().to_string(), bytes)?;
            set.add(bundle)?;
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            set.sources.push(read_source(path, name)?);
        }
    }
    for bundle in &request.bundles {
        set.add(bundle.clone())?;
    }
    for path in &request.data_files {
        set.add_data(path)?;
    }
    // The same pack or file by two ways is one policy.
    let mut known = std::collections::BTreeSet::new();
    set.sources.retain(|source| known.insert((source.file.clone(), source.text.clone())));
    Ok(set)
}

// Paths of sealift.toml are absolute by now, so that a pack's name is the last part.
fn pack(path: &Path) -> Result<Option<&'static Pack>, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let Some(name) = name.strip_prefix("pack:").filter(|_| !path.exists()) else { return Ok(None) };
    Pack::named(name).map(Some).ok_or_else(|| {
        Error::usage(format!("there is no pack `{name}`"), "`sealift policy packs` lists them")
    })
}

fn is_bundle(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    [".tar.gz", ".tgz", ".tar"].iter().any(|ending| name.ends_with(ending))
}

impl PolicySet {
    fn add(&mut self, bundle: Bundle) -> Result<(), Error> {
        self.sources.extend(bundle.sources);
        self.put("", bundle.data)
    }

    // The folders below a data folder are names in the data, as OPA has it; the files' names are not.
    fn add_data(&mut self, path: &Path) -> Result<(), Error> {
        let mut files = Vec::new();
        if path.is_dir() {
            find(path, &mut files, 0, &|name| {
                [".json", ".yaml", ".yml"].iter().any(|ending| name.ends_with(ending))
            })?;
        } else {
            files.push(path.to_owned());
        }
        for file in files {
            let name = file.display().to_string();
            let kind = if name.ends_with(".json") { Kind::Json } else { Kind::Yaml };
            let value = document::read(kind, &name, &read_text(&file, DATA_BYTES_MAX)?)?;
            let folder = file.strip_prefix(path).ok().and_then(Path::parent);
            self.put(&folder.unwrap_or(Path::new("")).display().to_string(), value)?;
        }
        Ok(())
    }

    fn put(&mut self, folder: &str, value: Json) -> Result<(), Error> {
        put(&mut self.data, folder, value)
            .map_err(|message| Error::Policy(sealift_policy::Error::Data { message }))
    }
}

fn find(
    folder: &Path,
    found: &mut Vec<PathBuf>,
    depth: usize,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Result<(), Error> {
    let fail = |source| Error::file("read", folder, source);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fail)? {
        paths.push(entry.map_err(fail)?.path());
    }
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // Links could lead around in circles, and hidden folders are other tools'.
        if path.is_dir() && !path.is_symlink() && !name.starts_with('.') && depth < DEPTH_MAX {
            find(&path, found, depth + 1, is_wanted)?;
        } else if path.is_file() && is_wanted(&name) {
            found.push(path);
        }
        if found.len() > FILES_MAX {
            return Err(Error::usage(
                format!("`{}` has more than {FILES_MAX} files", folder.display()),
                "name the folder of the policies",
            ));
        }
    }
    Ok(())
}

fn read_source(path: &Path, name: String) -> Result<Source, Error> {
    Ok(Source::new(name, read_text(path, POLICY_BYTES_MAX)?))
}

/// Reads a text of a bounded size.
pub fn read_text(path: &Path, bytes_max: u64) -> Result<String, Error> {
    String::from_utf8(read_bounded(path, bytes_max)?).map_err(|_| {
        Error::usage(format!("`{}` is not UTF-8", path.display()), "save the file as UTF-8")
    })
}

fn read_bounded(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Error> {
    use std::io::Read as _;
    let fail = |source| Error::file("read", path, source);
    let file = std::fs::File::open(path).map_err(fail)?;
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > bytes_max {
        return Err(Error::usage(
            format!("the policy `{}` is larger than {} MiB", path.display(), bytes_max >> 20),
            "check that it is the right file",
        ));
    }
    Ok(bytes)
}
