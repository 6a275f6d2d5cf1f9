//! What a client can be told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::DockerConfig;

/// What a client can be told.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Credentials, from `~/.docker/config.json`.
    pub docker_config: DockerConfig,
    /// Hosts that are spoken to by plain HTTP.
    pub plain_http: BTreeSet<String>,
    /// Mirrors of a registry, by the registry's name in image references.
    pub mirrors: BTreeMap<String, Vec<Mirror>>,
    /// File with the certificate authorities to trust, PEM.
    pub ca_bundle: Option<PathBuf>,
    /// More files of them, PEM.
    pub ca_files: Vec<PathBuf>,
    /// A registry that is not in a private network itself may not send us into one: for a server that asks for others.
    pub public_only: bool,
    /// Hosts of token servers that may be asked, besides a registry's own; all if nothing is said.
    pub token_hosts: Option<BTreeSet<String>>,
}

/// A registry that holds copies of another's images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mirror {
    /// Host and port.
    pub host: String,
    /// Put before the repository's name.
    pub prefix: Option<String>,
}
