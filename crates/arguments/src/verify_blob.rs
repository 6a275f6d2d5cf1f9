//! The command line of `verify-blob`.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use super::TextOrJson;

/// `verify-blob`
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("identity").args(["certificate_identity", "certificate_identity_regexp"]),
    group = ArgGroup::new("issuer").args(["certificate_oidc_issuer", "certificate_oidc_issuer_regexp"]),
    after_help = "\
Examples:
  sealift verify-blob app.tar.gz --bundle app.sigstore.json --key cosign.pub
  sealift verify-blob sha256:… --bundle app.sigstore.json --key cosign.pub --explain

Instead of --key: --trusted-root FILE --certificate-identity TEXT --certificate-oidc-issuer URL.
Nothing is fetched. An expression must match the whole text."
)]
pub struct VerifyBlob {
    /// File that was signed, or its digest, sha256:HEX
    #[arg(value_name = "FILE|DIGEST")]
    pub artifact: String,
    /// Sigstore bundle, JSON
    #[arg(long, value_name = "FILE")]
    pub bundle: PathBuf,
    /// Public key of who must have signed, PEM
    #[arg(long, value_name = "FILE", conflicts_with_all = ["identity", "issuer", "claims"])]
    #[arg(required_unless_present = "trusted_root")]
    pub key: Option<PathBuf>,
    /// Whom to trust: a sigstore instance's authorities and logs
    #[arg(long, value_name = "FILE", env = "SEALIFT_TRUSTED_ROOT", hide_env = true)]
    pub trusted_root: Option<PathBuf>,
    /// Who must have signed: mail address or web address
    #[arg(long, value_name = "TEXT")]
    pub certificate_identity: Option<String>,
    /// Expression for who must have signed
    #[arg(long, value_name = "REGEXP")]
    pub certificate_identity_regexp: Option<String>,
    /// Who must vouch for the signer
    #[arg(long, value_name = "URL")]
    pub certificate_oidc_issuer: Option<String>,
    /// Expression for who must vouch for the signer
    #[arg(long, value_name = "REGEXP")]
    pub certificate_oidc_issuer_regexp: Option<String>,
    /// What else the certificate must claim: repository, ref, workflow, runner-environment and more (repeatable)
    #[arg(long = "certificate-claim", value_name = "NAME=VALUE")]
    pub claims: Vec<String>,
    /// Print each step of the proof
    #[arg(long)]
    pub explain: bool,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}
