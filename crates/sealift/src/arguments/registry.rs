//! `registry` and its commands.

use clap::Subcommand;

use super::registry_config::{CONFIG_CHECK_EXAMPLES, RegistryConfig};

pub(crate) const REGISTRY_EXAMPLES: &str = "\
Examples:
  sealift registry config check config.yml
  sealift registry config show config.yml

docs/registry-configuration.md says what is read of distribution's configuration.";

/// What to do with a registry.
#[derive(Debug, Subcommand)]
pub(crate) enum Registry {
    /// Look at a configuration before a server starts with it
    #[command(subcommand, after_help = CONFIG_CHECK_EXAMPLES)]
    Config(RegistryConfig),
}
