//! `trust` and its commands.

use clap::Subcommand;

use super::TrustServe;
use super::judging::{TrustMap, TrustMigrate, TrustPolicyCommand, TrustRevocation};
use super::trust_certificate::{TRUST_CERT_EXAMPLES, TrustCert};
use super::trust_client::{
    TrustDelegate, TrustExport, TrustImport, TrustInit, TrustInspect, TrustKey, TrustPin,
    TrustRevoke, TrustRotate, TrustSign, TrustSigner, TrustWitness,
};

pub const TRUST_EXAMPLES: &str = "\
Examples:
  sealift trust key generate alice
  sealift trust signer add --key alice.pub alice registry.example.com/team/app
  sealift trust sign registry.example.com/team/app:1.0
  sealift trust inspect --pretty registry.example.com/team/app
  sealift trust policy check trust.toml registry.example.com/team/app:1.0

The first are the commands of `docker trust` and `notary`; they work against notary-server and against `sealift trust serve`.
docs/trust.md says what is proved, docs/trust-attacks.md what is refused.";

/// What to do with trust data.
#[derive(Debug, Subcommand)]
pub enum Trust {
    /// Make a repository's trust data, and print its pin
    Init(TrustInit),
    /// Keys of the keyring
    #[command(subcommand, after_help = KEY_EXAMPLES)]
    Key(TrustKey),
    /// Who may sign in a repository
    #[command(subcommand, after_help = SIGNER_EXAMPLES)]
    Signer(TrustSigner),
    /// Sign a tag
    Sign(TrustSign),
    /// Show signed tags, signers and keys, as docker does
    Inspect(TrustInspect),
    /// Take a signature back
    Revoke(TrustRevoke),
    /// Give a role new keys
    Rotate(TrustRotate),
    /// Delegations of a repository
    #[command(subcommand, after_help = DELEGATE_EXAMPLES)]
    Delegate(TrustDelegate),
    /// Sign roles again as they are
    Witness(TrustWitness),
    /// Print the pin of a repository, or keep one
    Pin(TrustPin),
    /// Certificates of notation's signatures: make them, trust them
    #[command(subcommand, after_help = TRUST_CERT_EXAMPLES)]
    Cert(TrustCert),
    /// Take over keys and state of ~/.docker/trust
    Import(TrustImport),
    /// Write keys and state as ~/.docker/trust has them
    Export(TrustExport),
    /// Trust policies: who must have signed what
    #[command(subcommand, after_help = POLICY_EXAMPLES)]
    Policy(TrustPolicyCommand),
    /// Signed lists of digests and keys that are trusted no more
    #[command(subcommand, after_help = REVOCATION_EXAMPLES)]
    Revocation(TrustRevocation),
    /// Sign which tag stands for which digest, with a number and an end
    TagMap(TrustMap),
    /// Sign every trusted tag of a repository again, for cosign and notation
    Migrate(TrustMigrate),
    /// Serve trust data to docker, notary and sealift
    Serve(TrustServe),
}

const POLICY_EXAMPLES: &str = "\
Examples:
  sealift trust policy template > trust.toml
  sealift trust policy check trust.toml registry.example.com/team/app:1.0
  sealift trust policy schema > trust.schema.json";

const REVOCATION_EXAMPLES: &str = "\
Examples:
  sealift trust revocation add revoked.json old.pub --reason \"key stolen\"
  sealift trust revocation show revoked.json
  sealift trust revocation renew revoked.json";

const KEY_EXAMPLES: &str = "\
Examples:
  sealift trust key generate alice
  sealift trust key load --name ci ci.pem
  sealift trust key list";

const SIGNER_EXAMPLES: &str = "\
Examples:
  sealift trust signer add --key alice.pub alice registry.example.com/team/app
  sealift trust signer remove alice registry.example.com/team/app";

const DELEGATE_EXAMPLES: &str = "\
Examples:
  sealift trust delegate add --key night.pub --path nightly- registry.example.com/team/app targets/nightly
  sealift trust delegate remove registry.example.com/team/app targets/nightly
  sealift trust delegate list registry.example.com/team/app";
