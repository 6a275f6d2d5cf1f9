//! `registry config`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::TextOrJson;

pub(crate) const CONFIG_CHECK_EXAMPLES: &str = "\
Examples:
  sealift registry config check config.yml
  sealift registry config show config.yml
  REGISTRY_HTTP_ADDR=:6000 sealift registry config show config.yml";

/// `registry config`
#[derive(Debug, Subcommand)]
pub enum RegistryConfig {
    /// Say what becomes of each key, with line and remedy
    Check(RegistryConfigCheck),
    /// Print it with the variables of the environment, without secrets
    Show(RegistryConfigShow),
}

/// `registry config check`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry config check config.yml
  sealift registry config check --strict --format json /etc/docker/registry/config.yml

Exit code 1: a server would not start with it, or with --strict there is a warning.")]
pub struct RegistryConfigCheck {
    /// Configuration, YAML as distribution's registry has it
    pub file: PathBuf,
    /// Warnings are findings too
    #[arg(long)]
    pub strict: bool,
    /// Do not look at the files that it names
    #[arg(long)]
    pub no_files: bool,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `registry config show`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry config show config.yml
  REGISTRY_STORAGE_DELETE_ENABLED=true sealift registry config show config.yml")]
pub struct RegistryConfigShow {
    /// Configuration, YAML as distribution's registry has it
    pub file: PathBuf,
}
