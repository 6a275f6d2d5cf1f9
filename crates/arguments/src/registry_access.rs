//! `registry user`, `registry robot`, `registry can-i` and `registry cert`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::TextOrJson;
use super::registry_keeping::StorageOptions;

pub(crate) const REGISTRY_USER_EXAMPLES: &str = "\
Examples:
  sealift registry user add users.htpasswd alice
  sealift registry user add users.htpasswd ci --password-file ci.password
  sealift registry user list users.htpasswd
  sealift registry user remove users.htpasswd alice

A server that reads the file sees the change; connections stay.";

pub(crate) const REGISTRY_ROBOT_EXAMPLES: &str = "\
Examples:
  sealift registry robot add ci --allow 'team/**:push' --expires 90d --data /var/lib/registry
  sealift registry robot list --registry-config config.yml
  sealift registry robot revoke ci --data /var/lib/registry
  sealift registry robot add ci --allow 'team/**:push' --expires 90d --file robots.json

A server that has the folder open does it, and it counts at once, on every server of the same storage. With --file they
are in a file, which the section `robots` of the configuration names.";

/// Where robots are.
#[derive(Debug, Args)]
pub struct RobotPlace {
    /// File of robots, in place of the registry's own; the options of the registry do not count then
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    #[command(flatten)]
    pub storage: StorageOptions,
}

/// What to do with users.
#[derive(Debug, Subcommand)]
pub enum RegistryUser {
    /// Add a user to a file of htpasswd, or give one another password
    Add(UserAdd),
    /// Remove a user
    Remove(UserRemove),
    /// Show the names of all users
    List(UserList),
}

/// `registry user add`
#[derive(Debug, Args)]
pub struct UserAdd {
    /// The file; it is made if it is not there
    pub file: PathBuf,
    /// The user
    pub name: String,
    /// File with the password in its first line [default: it is asked for]
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// Open descriptor with the password in its first line
    #[arg(long, value_name = "NUMBER", conflicts_with = "password_file")]
    pub password_fd: Option<u32>,
}

/// `registry user remove`
#[derive(Debug, Args)]
pub struct UserRemove {
    /// The file
    pub file: PathBuf,
    /// The user
    pub name: String,
}

/// `registry user list`
#[derive(Debug, Args)]
pub struct UserList {
    /// The file
    pub file: PathBuf,
}

/// What to do with robots.
#[derive(Debug, Subcommand)]
pub enum RegistryRobot {
    /// Make a robot, and print its token, which nobody can print again
    Add(RobotAdd),
    /// Remove a robot; its token ends
    #[command(visible_alias = "revoke")]
    Remove(RobotRemove),
    /// Show all robots
    List(RobotList),
}

/// `registry robot add`
#[derive(Debug, Args)]
pub struct RobotAdd {
    /// The robot
    pub name: String,
    /// What it may do: REPOSITORY[:TAG]:ACTIONS (repeatable)
    #[arg(long = "allow", value_name = "PERMISSION", required = true)]
    pub permissions: Vec<String>,
    /// When its token ends: 90d, 12h
    #[arg(
        long,
        value_name = "TIME",
        value_parser = sealift_trust::read_duration,
        required_unless_present = "no_expiry"
    )]
    pub expires: Option<i64>,
    /// Its token never ends
    #[arg(long, conflicts_with = "expires")]
    pub no_expiry: bool,
    #[command(flatten)]
    pub place: RobotPlace,
}

/// `registry robot remove`
#[derive(Debug, Args)]
pub struct RobotRemove {
    /// The robot
    pub name: String,
    #[command(flatten)]
    pub place: RobotPlace,
}

/// `registry robot list`
#[derive(Debug, Args)]
pub struct RobotList {
    #[command(flatten)]
    pub place: RobotPlace,
}

/// `registry can-i`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry can-i ci push team/app:v1 --config config.yml
  sealift registry can-i robot:ci delete team/app --config config.yml
  sealift registry can-i workload:acme pull team/app --claim repository=acme/app --rule 'claim:repository:acme/*=team/**:pull'
  sealift registry can-i anonymous pull library/debian --config config.yml

Exit code 0: they may, 1: they may not. What is printed is the rule that decides.")]
pub struct RegistryCanI {
    /// Who: a name, `anonymous`, `robot:NAME`, `workload:NAME`, `certificate:NAME`
    pub user: String,
    /// What: pull, push, delete or admin
    pub action: String,
    /// With what: REPOSITORY[:TAG], `catalog` with --of-all, or `server` with --of-all
    #[arg(value_name = "REPOSITORY[:TAG]")]
    pub place: String,
    /// Configuration of the registry
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "rules",
        env = "SEALIFT_REGISTRY_CONFIG",
        hide_env = true
    )]
    pub config: Option<PathBuf>,
    /// A rule, instead of a configuration (repeatable)
    #[arg(long = "rule", value_name = "RULE", conflicts_with = "config")]
    pub rules: Vec<String>,
    /// A group that they are in, besides those of the configuration (repeatable)
    #[arg(long = "group", value_name = "NAME")]
    pub groups: Vec<String>,
    /// What an issuer says of them (repeatable)
    #[arg(long = "claim", value_name = "NAME=VALUE")]
    pub claims: Vec<String>,
    /// The catalog of all repositories, or the server itself, and not a repository of that name
    #[arg(long)]
    pub of_all: bool,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: TextOrJson,
}

/// `registry cert`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry cert ./certs --host registry.local --host 192.0.2.10
  sealift registry cert ./certs --host registry.local:5000

Makes `ca.crt` and `ca.key`, unless they are there, and `registry.crt` and `registry.key`. Clients need `ca.crt`; the server
needs the last two; `ca.key` is needed to make another certificate, and is better kept elsewhere.")]
pub struct RegistryCert {
    /// Folder of the files
    pub folder: PathBuf,
    /// A name or address of the server, with its port for the paths that are printed (repeatable)
    #[arg(long = "host", value_name = "NAME[:PORT]", required = true)]
    pub hosts: Vec<String>,
}
