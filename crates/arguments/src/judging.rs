//! The command lines of `trust` for who judges: policies, revocation lists, tag maps.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{KeyOptions, TextOrJson};

/// The server of Docker Content Trust, where a trust policy names roles or pins.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Trust options")]
pub struct ServerOptions {
    /// Notary server, https://HOST[:PORT] [default: DOCKER_CONTENT_TRUST_SERVER, or the registry itself]
    #[arg(
        long = "trust-server",
        value_name = "URL",
        env = "SEALIFT_TRUST_SERVER",
        hide_env = true
    )]
    pub address: Option<String>,
    /// Trust what that server shows of a repository that was never seen here and has no pin
    #[arg(long, env = "SEALIFT_TRUST_TOFU", hide_env = true)]
    pub tofu: bool,
}

/// An identity that signed without a key of its own.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Keyless options")]
pub struct KeylessOptions {
    /// Address or URL that must have signed, exactly
    #[arg(
        long,
        value_name = "IDENTITY",
        requires = "certificate_oidc_issuer",
        requires = "trusted_root"
    )]
    pub certificate_identity: Option<String>,
    /// Who vouches for it, exactly
    #[arg(long, value_name = "URL", requires = "certificate_identity")]
    pub certificate_oidc_issuer: Option<String>,
    /// Authorities and logs that are believed: sigstore's trusted_root.json
    #[arg(long, value_name = "FILE", env = "SEALIFT_TRUSTED_ROOT", hide_env = true)]
    pub trusted_root: Option<PathBuf>,
}

/// `trust policy`
#[derive(Debug, Subcommand)]
pub enum TrustPolicyCommand {
    /// Read a trust policy, and say which rule judges an image
    Check(TrustPolicyCheck),
    /// Print the JSON schema of trust.toml
    #[command(after_help = "\
Examples:
  sealift trust policy schema
  sealift trust policy schema > trust.schema.json")]
    Schema,
    /// Print a trust.toml to begin with
    #[command(after_help = "\
Examples:
  sealift trust policy template
  sealift trust policy template > trust.toml")]
    Template,
    /// Print a policy of notation, of containers or of signers as a trust.toml
    Import(TrustPolicyImport),
}

/// `trust policy import`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust policy import /etc/containers/policy.json > trust.toml
  sealift trust policy import ~/.config/notation/trustpolicy.json

What is printed admits nothing that the policy refuses; what a trust.toml cannot say is rejected, or told as a note. Files of
keys and certificates stand where they stood: keep it beside the policy.")]
pub struct TrustPolicyImport {
    /// trust-policy.json, notation's trustpolicy.json, or containers' policy.json
    #[arg(value_name = "POLICY")]
    pub policy: PathBuf,
}

/// `trust policy check`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust policy check trust.toml
  sealift trust policy check trust.toml registry.example.com/team/app:1.0
  sealift trust policy check /etc/containers/policy.json debian:12")]
pub struct TrustPolicyCheck {
    /// trust.toml, trust-policy.json, notation's trustpolicy.json, or containers' policy.json
    #[arg(value_name = "POLICY")]
    pub policy: PathBuf,
    /// Images whose rules are wanted; nothing is fetched
    #[arg(value_name = "IMAGE")]
    pub images: Vec<String>,
}

/// `trust revocation`
#[derive(Debug, Subcommand)]
pub enum TrustRevocation {
    /// Put a digest or a key on a list, and sign the list
    Add(RevocationAdd),
    /// Print a list
    Show(RevocationShow),
    /// Sign a list anew, with today's date
    Renew(RevocationRenew),
}

/// `trust revocation add`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust revocation add revoked.json sha256:… --reason \"CVE-2026-1\"
  sealift trust revocation add revoked.json old.pub --since 2026-05-01T00:00:00Z --reason \"key stolen\"

A revoked digest is refused under every name. Signatures of a revoked key count only if a timestamping authority or a
transparency log says that they are older.")]
pub struct RevocationAdd {
    /// The list; it is made if it is not there
    #[arg(value_name = "LIST")]
    pub list: PathBuf,
    /// Digest, fingerprint of a key or certificate, or file of a public key
    #[arg(value_name = "DIGEST|FINGERPRINT|FILE")]
    pub what: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// Since when, RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    #[command(flatten)]
    pub key: KeyOptions,
}

/// `trust revocation show`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust revocation show revoked.json --key security.pub
  sealift trust revocation show --format json revoked.json")]
pub struct RevocationShow {
    /// The list
    #[arg(value_name = "LIST")]
    pub list: PathBuf,
    /// Public key that may have signed it (repeatable) [default: all of ~/.config/sealift/keys]
    #[arg(long = "key", value_name = "FILE", env = "SEALIFT_VERIFY_KEY", hide_env = true)]
    pub keys: Vec<PathBuf>,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `trust revocation renew`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust revocation renew revoked.json
  sealift trust revocation renew revoked.json --key security.key")]
pub struct RevocationRenew {
    /// The list
    #[arg(value_name = "LIST")]
    pub list: PathBuf,
    #[command(flatten)]
    pub key: KeyOptions,
}

/// `trust tag-map`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust tag-map secure-app:1.0.0
  sealift trust tag-map --push registry.example.com/team/app:1.0

The map says which tag stands for which digest, with a number and an end; it is signed and lies beside the image. Made
again, it is a fresh proof that the tag still stands for the image.")]
pub struct TrustMap {
    /// Image in the local store
    pub image: String,
    /// Ask the repository for its newest map first, and send the new one there
    #[arg(long)]
    pub push: bool,
    #[command(flatten)]
    pub key: KeyOptions,
}

/// `trust migrate`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust migrate --dry-run registry.example.com/team/app
  sealift trust migrate --key release.key --certificate-chain release.crt registry.example.com/team/app

What is signed is the digest that the trust data names. What is signed already stays, so a run that broke off is taken up by
the next one. All tags get into one signed tag map. Exit code 1 if a tag could not be signed.")]
pub struct TrustMigrate {
    /// Repository with trust data, without a tag
    #[arg(value_name = "REPOSITORY")]
    pub repository: String,
    /// Certificate of the key and those above it, PEM, the root last: sign for notation too
    #[arg(long, value_name = "FILE")]
    pub certificate_chain: Option<PathBuf>,
    /// Say what would be signed, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Id of a root key of the trust data that is known from elsewhere (repeatable)
    #[arg(
        long = "pin",
        value_name = "ID",
        env = "SEALIFT_TRUST_PIN",
        hide_env = true,
        value_delimiter = ','
    )]
    pub pins: Vec<String>,
    #[command(flatten)]
    pub server: ServerOptions,
    #[command(flatten)]
    pub key: KeyOptions,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}
