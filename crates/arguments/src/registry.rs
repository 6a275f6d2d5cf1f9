//! `registry` and its commands.

use clap::Subcommand;

use super::registry_access::{
    REGISTRY_ROBOT_EXAMPLES, REGISTRY_USER_EXAMPLES, RegistryCanI, RegistryCert, RegistryRobot,
    RegistryUser,
};
use super::registry_config::{CONFIG_CHECK_EXAMPLES, RegistryConfig};
use super::registry_keeping::{
    RegistryBackup, RegistryGc, RegistryHistory, RegistryImport, RegistryLog, RegistryRebuild,
    RegistryRetain, RegistryScrub, RegistryStatistics, RegistryUndelete,
};
use super::registry_serve::RegistryServe;

pub const REGISTRY_EXAMPLES: &str = "\
Examples:
  sealift registry serve --htpasswd users.htpasswd --host registry.example.com
  sealift registry serve --listen 127.0.0.1:5000 --no-tls
  sealift registry config check config.yml
  sealift registry config show config.yml
  sealift registry cert ./certs --host registry.local:5000
  sealift registry user add users.htpasswd alice
  sealift registry can-i alice push team/app:v1 --config config.yml
  sealift registry import distribution /var/lib/docker-registry --data /var/lib/sealift
  sealift registry gc --data /var/lib/sealift

docs/registry.md says what is served, and how clients find it; docs/registry-access.md who may do what;
docs/registry-configuration.md what is read of distribution's configuration.";

/// What to do with a registry.
#[derive(Debug, Subcommand)]
pub enum Registry {
    /// Serve images, and trust data beside them
    Serve(RegistryServe),
    /// Look at a configuration before a server starts with it
    #[command(subcommand, after_help = CONFIG_CHECK_EXAMPLES)]
    Config(RegistryConfig),
    /// Users with passwords
    #[command(subcommand, after_help = REGISTRY_USER_EXAMPLES)]
    User(RegistryUser),
    /// Accounts of programs, with tokens that end
    #[command(subcommand, after_help = REGISTRY_ROBOT_EXAMPLES)]
    Robot(RegistryRobot),
    /// Say whether somebody may do something, and by which rule
    #[command(name = "can-i")]
    CanI(RegistryCanI),
    /// Make an authority and a certificate for a server
    Cert(RegistryCert),
    /// Bring what another registry stored
    Import(RegistryImport),
    /// Collect what nothing refers to, while the server runs
    Gc(RegistryGc),
    /// Delete what the rules of retention do not keep
    Retain(RegistryRetain),
    /// Read and hash everything again
    Scrub(RegistryScrub),
    /// Copy everything into a folder, while the server runs
    Backup(RegistryBackup),
    /// Make the database again of what is in the folder
    Rebuild(RegistryRebuild),
    /// Show what happened to a tag
    History(RegistryHistory),
    /// Give a tag back what it named
    Undelete(RegistryUndelete),
    /// Show what happened, and check that the record of it is whole
    Log(RegistryLog),
    /// Show how much there is
    Statistics(RegistryStatistics),
}
