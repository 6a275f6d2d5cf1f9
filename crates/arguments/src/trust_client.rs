//! The command lines of `trust` for publishers and readers.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use sealift_notary::Threshold;

use super::TextOrJson;

/// Which server, and what of it is believed; shared by all that look at a repository.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Trust options")]
pub struct TrustLook {
    /// Notary server, https://HOST[:PORT] [default: DOCKER_CONTENT_TRUST_SERVER, or the registry itself]
    #[arg(long, value_name = "URL", env = "SEALIFT_TRUST_SERVER", hide_env = true)]
    pub server: Option<String>,
    /// Id of a root key that is known from elsewhere (repeatable) [default: [trust.pins], and what `trust pin` keeps]
    #[arg(
        long = "pin",
        value_name = "ID",
        env = "SEALIFT_TRUST_PIN",
        hide_env = true,
        value_delimiter = ','
    )]
    pub pins: Vec<String>,
    /// Authority that issued the certificate of the root key, PEM
    #[arg(long, value_name = "FILE", env = "SEALIFT_TRUST_PIN_CA", hide_env = true)]
    pub pin_ca: Option<PathBuf>,
    /// Trust what the server shows of a repository that was never seen here
    #[arg(long, env = "SEALIFT_TRUST_TOFU", hide_env = true)]
    pub tofu: bool,
}

/// Which private keys, and their passphrases; shared by all that sign.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Key options")]
pub struct TrustSecrets {
    /// Private key besides those of ~/.config/sealift/keys: a file, or `pkcs11:…` for one in a token (repeatable)
    #[arg(long = "private-key", value_name = "KEY")]
    pub private_keys: Vec<PathBuf>,
    /// File whose first line is the passphrase of signers' and repositories' keys [or: SEALIFT_KEY_PASSPHRASE, or a prompt]
    #[arg(long, value_name = "FILE", env = "SEALIFT_PASSPHRASE_FILE", hide_env = true)]
    pub passphrase_file: Option<PathBuf>,
    /// Open descriptor from which the first line is that passphrase
    #[arg(long, value_name = "N", conflicts_with = "passphrase_file")]
    pub passphrase_fd: Option<u32>,
    /// File whose first line is the passphrase of root keys [or: SEALIFT_ROOT_PASSPHRASE, or a prompt]
    #[arg(long, value_name = "FILE", env = "SEALIFT_ROOT_PASSPHRASE_FILE", hide_env = true)]
    pub root_passphrase_file: Option<PathBuf>,
}

/// What every change of a repository is told.
#[derive(Clone, Debug, Args)]
pub struct TrustChange {
    #[command(flatten)]
    pub look: TrustLook,
    #[command(flatten)]
    pub secrets: TrustSecrets,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `trust init`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust init registry.example.com/team/app
  sealift trust init --threshold 2/3 registry.example.com/team/app

Root and repository keys are made and sealed in ~/.config/sealift/keys, as far as they are not there. The pin that is printed
is what others need for their first look; give it to them by another way than the server.")]
pub struct TrustInit {
    /// Repository
    #[arg(value_name = "REPOSITORY")]
    pub repository: String,
    /// How many of how many root keys must sign a new root
    #[arg(long, value_name = "N/M", default_value = "1/1")]
    pub threshold: Threshold,
    #[command(flatten)]
    pub change: TrustChange,
}

/// `trust key`
#[derive(Debug, Subcommand)]
pub enum TrustKey {
    /// Make a signer's key pair
    Generate(TrustKeyGenerate),
    /// Take a private key over into the keyring
    Load(TrustKeyLoad),
    /// List the keyring
    List(TrustKeyList),
}

/// Kind of a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrustKeyKind {
    /// ECDSA on P-256; every client of Docker Content Trust knows it.
    P256,
    /// Ed25519.
    Ed25519,
    /// RSA of 3072 bits.
    Rsa,
}

/// `trust key generate`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust key generate alice
  sealift trust key generate --passphrase-file secret.txt --dir keys ci")]
pub struct TrustKeyGenerate {
    /// Name of the signer: lower-case letters, digits, `-` and `_`
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Folder for the public key, NAME.pub
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub dir: PathBuf,
    /// Kind of key
    #[arg(long, value_name = "KIND", default_value = "p256")]
    pub kind: TrustKeyKind,
    #[command(flatten)]
    pub secrets: TrustSecrets,
}

/// `trust key load`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust key load --name alice alice-key.pem
  sealift trust key load ~/.docker/trust/private/ID.key
  sealift trust key load --name ci 'pkcs11:token=ci;object=release?module-path=/usr/lib/softhsm/libsofthsm2.so'

A key in a token stays there; the keyring has a file that says where it is.")]
pub struct TrustKeyLoad {
    /// Private key: cosign's, Docker's, PKCS#8, SEC 1 or PKCS#1, PEM; or `pkcs11:…` for one in a token
    #[arg(value_name = "KEY")]
    pub file: PathBuf,
    /// Name of the signer [default: what the file says]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    #[command(flatten)]
    pub secrets: TrustSecrets,
}

/// `trust key list`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust key list
  sealift trust key list --format json")]
pub struct TrustKeyList {
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `trust signer`
#[derive(Debug, Subcommand)]
pub enum TrustSigner {
    /// Let somebody sign; makes the trust data of a repository that has none
    Add(TrustSignerAdd),
    /// Let somebody sign no more
    Remove(TrustSignerRemove),
}

/// `trust signer add`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust signer add --key alice.pub alice registry.example.com/team/app
  sealift trust signer add --key ci.pub --key ci-old.pub ci registry.example.com/team/app")]
pub struct TrustSignerAdd {
    /// Name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Repositories
    #[arg(value_name = "REPOSITORY", required = true)]
    pub repositories: Vec<String>,
    /// Public key or certificate, PEM; any of them is enough (repeatable)
    #[arg(long = "key", value_name = "FILE", required = true)]
    pub keys: Vec<PathBuf>,
    #[command(flatten)]
    pub change: TrustChange,
}

/// `trust signer remove`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust signer remove alice registry.example.com/team/app
  sealift trust signer remove alice registry.example.com/team/app registry.example.com/team/web")]
pub struct TrustSignerRemove {
    /// Name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Repositories
    #[arg(value_name = "REPOSITORY", required = true)]
    pub repositories: Vec<String>,
    #[command(flatten)]
    pub change: TrustChange,
}

/// `trust sign`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust sign registry.example.com/team/app:1.0
  sealift trust sign --registry registry.example.com/team/app:1.0

The tag is signed in all delegations whose keys are in the keyring, or in `targets` if there are none, as docker does. It is
the digest that the local store has under this name, or else the registry.")]
pub struct TrustSign {
    /// Image with its tag
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// Sign what the registry has, whatever the local store has
    #[arg(long)]
    pub registry: bool,
    /// Do not count the release: verifiers then take a return to an older digest for an attack
    #[arg(long)]
    pub no_counter: bool,
    #[command(flatten)]
    pub change: TrustChange,
}

/// `trust inspect`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust inspect registry.example.com/team/app
  sealift trust inspect --pretty registry.example.com/team/app:1.0
  sealift trust inspect registry.example.com/team/app | jq -r '.[0].SignedTags[].SignedTag'")]
pub struct TrustInspect {
    /// Repositories, or images with their tags
    #[arg(value_name = "IMAGE", required = true)]
    pub images: Vec<String>,
    /// A table for people
    #[arg(long, conflicts_with = "json")]
    pub pretty: bool,
    /// JSON, as without it
    #[arg(long)]
    pub json: bool,
    /// Use what was verified before, and not the server
    #[arg(long)]
    pub offline: bool,
    /// Refuse a proof of freshness that is older than so many hours
    #[arg(long, value_name = "HOURS", env = "SEALIFT_TRUST_MAX_STALENESS", hide_env = true)]
    pub max_staleness: Option<u32>,
    #[command(flatten)]
    pub look: TrustLook,
}

/// `trust revoke`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust revoke registry.example.com/team/app:1.0
  sealift trust revoke --yes registry.example.com/team/app")]
pub struct TrustRevoke {
    /// Image with its tag; without one, all tags
    #[arg(value_name = "IMAGE")]
    pub image: String,
    /// Revoke all tags without being asked
    #[arg(short = 'y', long)]
    pub yes: bool,
    #[command(flatten)]
    pub change: TrustChange,
}

/// One of the four roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrustRole {
    /// Names all keys.
    Root,
    /// Lists tags and delegates.
    Targets,
    /// Binds one state of all roles.
    Snapshot,
    /// Says which snapshot is the newest.
    Timestamp,
}

/// `trust rotate`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust rotate timestamp registry.example.com/team/app
  sealift trust rotate snapshot --server-managed registry.example.com/team/app
  sealift trust rotate root --threshold 2/3 registry.example.com/team/app")]
pub struct TrustRotate {
    /// The role
    #[arg(value_name = "ROLE")]
    pub role: TrustRole,
    /// Repository
    #[arg(value_name = "REPOSITORY")]
    pub repository: String,
    /// The server holds the key of the snapshot; that of the timestamp it holds always
    #[arg(long)]
    pub server_managed: bool,
    /// How many of how many new root keys must sign [default: as before]
    #[arg(long, value_name = "N/M")]
    pub threshold: Option<Threshold>,
    #[command(flatten)]
    pub change: TrustChange,
}

/// `trust delegate`
#[derive(Debug, Subcommand)]
pub enum TrustDelegate {
    /// Make a delegation, or give it more keys and tags
    Add(TrustDelegateAdd),
    /// Take keys or tags from a delegation, or end it
    Remove(TrustDelegateRemove),
    /// List delegations
    List(TrustDelegateList),
}

/// `trust delegate add`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust delegate add --key night.pub --path nightly- registry.example.com/team/app targets/nightly
  sealift trust delegate add --key a.pub --key b.pub --threshold 2 registry.example.com/team/app targets/releases")]
pub struct TrustDelegateAdd {
    /// Repository
    #[arg(value_name = "REPOSITORY")]
    pub repository: String,
    /// Role: targets/NAME, of any depth
    #[arg(value_name = "ROLE")]
    pub role: String,
    /// Public key or certificate, PEM (repeatable)
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// Beginning of the tags that it may hold (repeatable) [default: all, for a new one]
    #[arg(long = "path", value_name = "PREFIX")]
    pub paths: Vec<String>,
    /// How many of its keys must sign
    #[arg(long, value_name = "N")]
    pub threshold: Option<u64>,
    #[command(flatten)]
    pub change: TrustChange,
}

/// `trust delegate remove`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust delegate remove registry.example.com/team/app targets/nightly
  sealift trust delegate remove --key-id 5172f8… registry.example.com/team/app targets/releases")]
pub struct TrustDelegateRemove {
    /// Repository
    #[arg(value_name = "REPOSITORY")]
    pub repository: String,
    /// Role: targets/NAME
    #[arg(value_name = "ROLE")]
    pub role: String,
    /// Take only this key from it, by its id (repeatable)
    #[arg(long = "key-id", value_name = "ID")]
    pub key_ids: Vec<String>,
    /// Take only this beginning of tags from it (repeatable)
    #[arg(long = "path", value_name = "PREFIX")]
    pub paths: Vec<String>,
    #[command(flatten)]
    pub change: TrustChange,
}

/// `trust delegate list`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust delegate list registry.example.com/team/app
  sealift trust delegate list --format json registry.example.com/team/app")]
pub struct TrustDelegateList {
    /// Repository
    #[arg(value_name = "REPOSITORY")]
    pub repository: String,
    #[command(flatten)]
    pub look: TrustLook,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `trust witness`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust witness registry.example.com/team/app targets/releases
  sealift trust witness registry.example.com/team/app targets/alice targets/releases

A role that cannot be used, because its keys were replaced or its time is over, is signed as the server has it: look at it first.")]
pub struct TrustWitness {
    /// Repository
    #[arg(value_name = "REPOSITORY")]
    pub repository: String,
    /// Roles
    #[arg(value_name = "ROLE", required = true)]
    pub roles: Vec<String>,
    #[command(flatten)]
    pub change: TrustChange,
}

/// `trust pin`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust pin registry.example.com/team/app
  sealift trust pin --tofu registry.example.com/team/app
  sealift trust pin registry.example.com/team/app 971b0e6a…
  sealift trust pin --tag-map registry.example.com/team/app >> trust.toml")]
pub struct TrustPin {
    /// Repository
    #[arg(value_name = "REPOSITORY")]
    pub repository: String,
    /// Pins to keep instead of those of before; without any, the repository's pin is printed
    #[arg(value_name = "ID")]
    pub ids: Vec<String>,
    /// Print the number of the repository's tag map, as a trust policy pins it: no machine believes an older one then
    #[arg(long, conflicts_with = "ids")]
    pub tag_map: bool,
    #[command(flatten)]
    pub look: TrustLook,
}

/// `trust import`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust import
  sealift trust import ./trust

Docker's files stay as they are. Keys are sealed anew and stronger, with the passphrases of this program's own keys.")]
pub struct TrustImport {
    /// Folder [default: ~/.docker/trust]
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
    #[command(flatten)]
    pub secrets: TrustSecrets,
}

/// `trust export`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust export ./trust registry.example.com/team/app
  sealift trust export ./trust registry.example.com/team/app registry.example.com/team/web

Docker's encryption of keys withstands guessing badly: choose long passphrases, and delete the folder when it has served.")]
pub struct TrustExport {
    /// Folder to write
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
    /// Repositories whose keys and documents go with it
    #[arg(value_name = "REPOSITORY")]
    pub repositories: Vec<String>,
    #[command(flatten)]
    pub secrets: TrustSecrets,
}
