//! `registry import`, and what keeps a registry's storage

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::TextOrJson;

/// Which storage.
#[derive(Debug, Args)]
pub struct StorageOptions {
    /// Folder of the registry [default: ~/.local/share/sealift/registry]
    #[arg(long, value_name = "DIR", env = "SEALIFT_REGISTRY_DATA", hide_env = true)]
    pub data: Option<PathBuf>,
    /// Configuration of the registry, for its folder and rules
    #[arg(long = "registry-config", value_name = "FILE", conflicts_with = "data")]
    pub configuration: Option<PathBuf>,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `registry gc`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry gc --data /var/lib/registry
  sealift registry gc --dry-run --registry-config config.yml

A server that has the folder open does it while it serves, and does so by itself every hour. What was pushed or asked
for lately stays for a day, since a manifest that names it may follow.")]
pub struct RegistryGc {
    /// Only tell what would go
    #[arg(long)]
    pub dry_run: bool,
    /// Also what was pushed or asked for lately: only right while nobody pushes
    #[arg(long)]
    pub all: bool,
    #[command(flatten)]
    pub storage: StorageOptions,
}

/// `registry retain`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry retain --dry-run --registry-config config.yml
  sealift registry retain --data /var/lib/registry

The rules are those of the server if one runs, else those of --registry-config (`sealift: {retention: …}`).")]
pub struct RegistryRetain {
    /// Only tell what would go
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub storage: StorageOptions,
}

/// `registry scrub`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry scrub --data /var/lib/registry
  sealift registry scrub --bytes-per-second 10000000 --format json

Exit code 1: something is damaged. It is not served until it is pushed again.")]
pub struct RegistryScrub {
    /// Read at most so fast
    #[arg(long, value_name = "BYTES")]
    pub bytes_per_second: Option<u64>,
    #[command(flatten)]
    pub storage: StorageOptions,
}

/// `registry backup`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry backup /backup/registry --data /var/lib/registry
  sealift registry backup /backup/registry --registry-config config.yml

What an earlier backup left in the folder is used again. The folder can be served as it is.")]
pub struct RegistryBackup {
    /// Folder of the backup
    pub folder: PathBuf,
    #[command(flatten)]
    pub storage: StorageOptions,
}

/// `registry rebuild`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry rebuild --data /var/lib/registry
  sealift registry rebuild --registry-config config.yml --format json

The database is made again of the blobs and the journal; the old one is set aside. The server must be stopped.")]
pub struct RegistryRebuild {
    #[command(flatten)]
    pub storage: StorageOptions,
}

/// `registry history`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry history team/app:latest --data /var/lib/registry
  sealift registry history team/app:latest --format json")]
pub struct RegistryHistory {
    /// Repository and tag, without the registry
    #[arg(value_name = "REPOSITORY:TAG")]
    pub name: String,
    #[command(flatten)]
    pub storage: StorageOptions,
}

/// `registry undelete`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry history team/app:latest
  sealift registry undelete team/app:latest sha256:9f2c… --data /var/lib/registry")]
pub struct RegistryUndelete {
    /// Repository and tag, without the registry
    #[arg(value_name = "REPOSITORY:TAG")]
    pub name: String,
    /// What it shall name again; `registry history` shows what it named
    pub digest: String,
    #[command(flatten)]
    pub storage: StorageOptions,
}

/// `registry statistics`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry statistics --data /var/lib/registry
  sealift registry statistics --format json")]
pub struct RegistryStatistics {
    #[command(flatten)]
    pub storage: StorageOptions,
}

/// What is imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SourceKind {
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
pub struct RegistryImport {
    /// What is at the path
    pub kind: SourceKind,
    /// Folder to bring
    pub path: PathBuf,
    /// Repository of a layout [default: the name of its folder]
    #[arg(long, value_name = "NAME")]
    pub repository: Option<String>,
    #[command(flatten)]
    pub storage: StorageOptions,
}
