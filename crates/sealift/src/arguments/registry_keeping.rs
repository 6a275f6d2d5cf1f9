//! `registry import`, and what keeps a registry's storage

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::TextOrJson;

/// Which storage.
#[derive(Debug, Args)]
pub(crate) struct StorageOptions {
    /// Folder of the registry [default: ~/.local/share/sealift/registry]
    #[arg(long, value_name = "DIR", env = "SEALIFT_REGISTRY_DATA", hide_env = true)]
    pub(crate) data: Option<PathBuf>,
    /// Configuration of the registry, for its folder and rules
    #[arg(long = "registry-config", value_name = "FILE", conflicts_with = "data")]
    pub(crate) configuration: Option<PathBuf>,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(crate) format: TextOrJson,
}

/// `registry gc`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry gc --data /var/lib/registry
  sealift registry gc --dry-run --registry-config config.yml

A server that has the folder open does it while it serves, and does so by itself every hour. What was pushed or asked
for lately stays for a day, since a manifest that names it may follow.")]
pub(crate) struct RegistryGc {
    /// Only tell what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Also what was pushed or asked for lately: only right while nobody pushes
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) storage: StorageOptions,
}

/// `registry retain`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry retain --dry-run --registry-config config.yml
  sealift registry retain --data /var/lib/registry

The rules are those of the server if one runs, else those of --registry-config (`sealift: {retention: …}`).")]
pub(crate) struct RegistryRetain {
    /// Only tell what would go
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) storage: StorageOptions,
}

/// `registry scrub`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry scrub --data /var/lib/registry
  sealift registry scrub --bytes-per-second 10000000 --format json

Exit code 1: something is damaged. It is not served until it is pushed again.")]
pub(crate) struct RegistryScrub {
    /// Read at most so fast
    #[arg(long, value_name = "BYTES")]
    pub(crate) bytes_per_second: Option<u64>,
    #[command(flatten)]
    pub(crate) storage: StorageOptions,
}

/// `registry backup`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry backup /backup/registry --data /var/lib/registry
  sealift registry backup /backup/registry --registry-config config.yml

What an earlier backup left in the folder is used again. The folder can be served as it is.")]
pub(crate) struct RegistryBackup {
    /// Folder of the backup
    pub(crate) folder: PathBuf,
    #[command(flatten)]
    pub(crate) storage: StorageOptions,
}

/// `registry rebuild`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry rebuild --data /var/lib/registry
  sealift registry rebuild --registry-config config.yml --format json

The database is made again of the blobs and the journal; the old one is set aside. The server must be stopped.")]
pub(crate) struct RegistryRebuild {
    #[command(flatten)]
    pub(crate) storage: StorageOptions,
}

/// `registry history`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry history team/app:latest --data /var/lib/registry
  sealift registry history team/app:latest --format json")]
pub(crate) struct RegistryHistory {
    /// Repository and tag, without the registry
    #[arg(value_name = "REPOSITORY:TAG")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) storage: StorageOptions,
}

/// `registry undelete`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry history team/app:latest
  sealift registry undelete team/app:latest sha256:9f2c… --data /var/lib/registry")]
pub(crate) struct RegistryUndelete {
    /// Repository and tag, without the registry
    #[arg(value_name = "REPOSITORY:TAG")]
    pub(crate) name: String,
    /// What it shall name again; `registry history` shows what it named
    pub(crate) digest: String,
    #[command(flatten)]
    pub(crate) storage: StorageOptions,
}

/// `registry statistics`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry statistics --data /var/lib/registry
  sealift registry statistics --format json")]
pub(crate) struct RegistryStatistics {
    #[command(flatten)]
    pub(crate) storage: StorageOptions,
}

/// What is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SourceKind {
    /// Folder of distribution's registry (Docker's, Debian's)
    Distribution,
    /// Folder of zot
    Zot,
    /// One OCI layout
    Layout,
}

/// `registry import`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry import distribution /var/lib/docker-registry --data /var/lib/sealift
  sealift registry import zot /var/lib/zot --data /var/lib/sealift
  sealift registry import layout ./image --repository team/app --data /var/lib/sealift

The source is only read; files are shared with it by hard links where that is possible. Stop the server first; an import
that was interrupted goes on where it was. Exit code 1: something is damaged and did not come.")]
pub(crate) struct RegistryImport {
    /// What is at the path
    pub(crate) kind: SourceKind,
    /// Folder to bring
    pub(crate) path: PathBuf,
    /// Repository of a layout [default: the name of its folder]
    #[arg(long, value_name = "NAME")]
    pub(crate) repository: Option<String>,
    #[command(flatten)]
    pub(crate) storage: StorageOptions,
}
