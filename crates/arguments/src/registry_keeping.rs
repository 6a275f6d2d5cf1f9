//! `registry import`, and what keeps a registry's storage

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use sealift_oci::Digest;

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

/// `registry log`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry log --denied --data /var/lib/registry
  sealift registry log --since 24h --format json
  sealift registry log --verify --registry-config config.yml
  sealift registry log --verify --known 120@sha256:9f2c…

--verify reads the whole log and says what its last line is: keep that elsewhere, and give it to a later --known, since
whoever can write the database can write another log. Exit code 4: a line was changed or taken out.")]
pub struct RegistryLog {
    /// From when on: 24h, 2026-11-21, 2026-11-21T08:00:00Z [default: the newest events]
    #[arg(long, value_name = "TIME", value_parser = read_since)]
    pub since: Option<Since>,
    /// Only what was refused
    #[arg(long)]
    pub denied: bool,
    /// How many of the newest events
    #[arg(long, value_name = "NUMBER", default_value_t = 100, conflicts_with = "since")]
    pub limit: usize,
    /// Check that no line was changed or taken out
    #[arg(long, conflicts_with_all = ["since", "denied", "limit"])]
    pub verify: bool,
    /// A line and its hash, as an earlier --verify said
    #[arg(long, value_name = "LINE@DIGEST", value_parser = read_mark, requires = "verify")]
    pub known: Option<(u64, Digest)>,
    #[command(flatten)]
    pub storage: StorageOptions,
}

/// A time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// So many seconds ago.
    Ago(i64),
    /// In seconds since 1970.
    At(i64),
}

fn read_since(text: &str) -> Result<Since, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Since::At(time.as_second()));
    }
    if let Ok(time) = format!("{text}T00:00:00Z").parse::<Timestamp>() {
        return Ok(Since::At(time.as_second()));
    }
    let ago = sealift_trust::read_duration(text);
    ago.map(Since::Ago).map_err(|_| "write 24h, 2026-11-21 or 2026-11-21T08:00:00Z".to_owned())
}

fn read_mark(text: &str) -> Result<(u64, Digest), String> {
    let mark = || {
        let (number, digest) = text.split_once('@')?;
        Some((number.parse().ok()?, digest.parse().ok()?))
    };
    mark()
        .ok_or_else(|| "write LINE@DIGEST, as `sealift registry log --verify` prints it".to_owned())
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
