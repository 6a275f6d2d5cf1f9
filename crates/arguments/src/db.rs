//! `db` and its commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{KeyOptions, TextOrJson};

pub const DB_EXAMPLES: &str = "\
Examples:
  sealift db update
  sealift db build --from osv/
  sealift db status
  sealift db explain CVE-2021-44228
  sealift db export advisories.tar.zst    and elsewhere: sealift db import advisories.tar.zst";

/// What to do with the advisory database.
#[derive(Debug, Subcommand)]
pub enum Db {
    /// Fetch what has changed, and make the database anew
    Update(DbUpdate),
    /// Make the database of advisories that are at hand
    Build(DbBuild),
    /// Show how old the database is, and what is in it
    Status(DbStatus),
    /// Show everything that is known of a flaw
    Explain(DbExplain),
    /// Find packages by a part of their name
    Search(DbSearch),
    /// Write the database into one file, to carry it to where there is no network
    Export(DbExport),
    /// Take the database of an exported file
    Import(DbImport),
    /// Sign the database, and send it to a registry
    Push(DbPush),
}

/// Which database.
#[derive(Debug, Args)]
pub struct DbFolder {
    /// Folder of the database [default: that of the local store]
    #[arg(long, value_name = "DIR", env = "SEALIFT_DATABASE", hide_env = true)]
    pub database: Option<PathBuf>,
}

/// `db update`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift db update
  sealift db update --source https://osv.mirror.example.com
  sealift db update --source oci://registry.example.com/security/advisories:latest --key release.pub
  sealift db update --source osv=https://osv.example.com --source kev=https://example.com/kev.json

Without --source these are fetched: osv, kev (CISA's catalogue), epss, debian (the security tracker), debian-releases
and ubuntu-releases (ends of life). If osv or anything that was named fails, the old database stays, and what was
fetched is there for the next time. From a registry (oci://) comes a whole database that `db push` sent, in pieces, of
which only the new ones are fetched; a trusted key must have signed it, and it must not be older than the one here.")]
pub struct DbUpdate {
    /// Fetch only this: a mirror of the OSV bucket, or with a name any feed that is one file (repeatable)
    /// [default: all that is known]
    #[arg(
        long,
        value_name = "[NAME=]URL",
        value_delimiter = ',',
        env = "SEALIFT_DB_SOURCE",
        hide_env = true
    )]
    pub source: Vec<String>,
    /// Public key that must have signed a database of a registry (repeatable)
    /// [default: the keys of `verify`]
    #[arg(
        long = "key",
        value_name = "FILE",
        env = "SEALIFT_VERIFY_KEY",
        hide_env = true,
        value_delimiter = ','
    )]
    pub keys: Vec<PathBuf>,
    #[command(flatten)]
    pub folder: DbFolder,
}

/// `db push`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift db push registry.example.com/security/advisories:latest
  sealift db push --key release.key registry.example.com/security/advisories:2026-11-21

Elsewhere: sealift db update --source oci://registry.example.com/security/advisories:latest --key release.pub")]
pub struct DbPush {
    /// Name that it gets, with the registry
    pub name: String,
    #[command(flatten)]
    pub key: KeyOptions,
    #[command(flatten)]
    pub folder: DbFolder,
}

/// `db build`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift db build --from osv/
  sealift db build --from osv/ --from feeds/ --database ./database
  sealift db build --from osv/ --from https://example.com/csaf_vex.tar.zst")]
pub struct DbBuild {
    /// Feeds: a file or a folder, or the address of a file or of a mirror of the OSV bucket (repeatable)
    #[arg(long, value_name = "PATH|URL", required = true)]
    pub from: Vec<PathBuf>,
    #[command(flatten)]
    pub folder: DbFolder,
}

/// `db status`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift db status
  sealift db status --format json")]
pub struct DbStatus {
    #[command(flatten)]
    pub folder: DbFolder,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `db explain`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift db explain CVE-2021-44228
  sealift db explain GHSA-jfh8-c2jp-5v3q")]
pub struct DbExplain {
    /// Id of the flaw, or of a record on it
    pub id: String,
    #[command(flatten)]
    pub folder: DbFolder,
}

/// `db search`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift db search openssl
  sealift db search --database ./database spring-beans")]
pub struct DbSearch {
    /// Part of the name
    pub text: String,
    #[command(flatten)]
    pub folder: DbFolder,
}

/// `db export`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift db export advisories.tar.zst
  sealift db export --database ./database advisories.tar.zst")]
pub struct DbExport {
    /// File to write
    pub file: PathBuf,
    #[command(flatten)]
    pub folder: DbFolder,
}

/// `db import`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift db import advisories.tar.zst
  sealift db import --database ./database advisories.tar.zst")]
pub struct DbImport {
    /// File that `db export` wrote
    pub file: PathBuf,
    #[command(flatten)]
    pub folder: DbFolder,
}
