//! The shape of `sealift.toml` and of the user's `config.toml`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::failure::Usage;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct File {
    pub(crate) store: Option<PathBuf>,
    pub(crate) platform: Option<String>,
    pub(crate) image: Image,
    pub(crate) base: BTreeMap<String, Base>,
    pub(crate) build: Build,
    pub(crate) lint: Lint,
    pub(crate) sbom: Sbom,
    pub(crate) scan: Scan,
    pub(crate) policy: Policy,
    pub(crate) sign: Sign,
    pub(crate) verify: Verify,
    pub(crate) trust: Trust,
    pub(crate) registry: BTreeMap<String, Registry>,
    pub(crate) admit: sealift_admission::Settings,
}

/// `[image]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Image {
    pub(crate) name: Option<String>,
    pub(crate) dockerfile: Option<PathBuf>,
    pub(crate) target: Option<String>,
    pub(crate) args: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
}

/// `[base."NAME"]`
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Base {
    pub(crate) recipe: PathBuf,
}

/// `[build]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Build {
    pub(crate) ca_bundle: Option<String>,
}

/// `[lint]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Lint {
    pub(crate) fail_on: Option<String>,
    pub(crate) ignore: Vec<String>,
    pub(crate) edition: Option<String>,
    pub(crate) levels: BTreeMap<String, String>,
    pub(crate) registries: Vec<String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) strict_labels: Option<bool>,
}

/// `[sbom]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sbom {
    pub(crate) creator: Option<String>,
    pub(crate) supplier: Option<String>,
}

/// `[scan]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Scan {
    pub(crate) advisories: Option<PathBuf>,
    pub(crate) severity: Vec<String>,
    pub(crate) ignore_unfixed: Option<bool>,
    pub(crate) fail_on: Option<String>,
    pub(crate) fail_on_incomplete: Option<bool>,
    pub(crate) ignore_status: Vec<String>,
    pub(crate) ignore_files: Vec<PathBuf>,
    pub(crate) strict_ignores: Option<bool>,
    pub(crate) vex: Vec<PathBuf>,
    pub(crate) secret_config: Option<PathBuf>,
    pub(crate) secret_baselines: Vec<PathBuf>,
}

/// `[policy]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Policy {
    pub(crate) files: Option<Vec<PathBuf>>,
    pub(crate) environment: Option<String>,
    pub(crate) data: Vec<PathBuf>,
}

/// `[sign]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Sign {
    pub(crate) key: Option<PathBuf>,
    pub(crate) passphrase_file: Option<PathBuf>,
    pub(crate) tag_map: Option<bool>,
    pub(crate) tag_map_lifetime: Option<String>,
    pub(crate) timestamp_url: Option<String>,
    pub(crate) timestamp_root: Option<PathBuf>,
}

/// `[verify]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Verify {
    pub(crate) keys: Vec<PathBuf>,
    pub(crate) require: Vec<String>,
    pub(crate) policy: Option<PathBuf>,
    pub(crate) revocations: Vec<PathBuf>,
}

/// `[trust]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Trust {
    pub(crate) server: Option<String>,
    pub(crate) pins: BTreeMap<String, Vec<String>>,
}

/// `[registry."HOST"]`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Registry {
    pub(crate) plain_http: bool,
    pub(crate) mirrors: Vec<String>,
}

impl File {
    /// From the merged table, whose keys are known to be right.
    pub(crate) fn deserialize_from(table: toml::Table) -> anyhow::Result<Self> {
        table.try_into().map_err(|error: toml::de::Error| {
            Usage::error(
                format!("a setting has the wrong type: {}", error.message()),
                "see docs/configuration.md for the type of each key",
            )
        })
    }
}
