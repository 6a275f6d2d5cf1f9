//! The command lines of `admit`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{PolicyOptions, ScanOptions, ServerOptions};

/// Examples of `admit`.
pub const ADMIT_EXAMPLES: &str = "\
Examples:
  sealift admit serve --trust trust.toml --tls-cert tls.crt --tls-key tls.key
  sealift admit manifests --namespace sealift --ca ca.crt --image registry.example.com/sealift:1.0 --trust trust.toml";

/// `admit`
#[derive(Debug, Subcommand)]
pub enum Admit {
    /// Judge the images of pods and workloads for a cluster
    Serve(Box<AdmitServe>),
    /// Print the manifests that install the webhook in a cluster
    Manifests(AdmitManifests),
}

/// `admit serve`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift admit serve --trust trust.toml --tls-cert tls.crt --tls-key tls.key
  sealift admit serve --policy policy/ --data environment=production --tls-self-signed=sealift-admission.sealift.svc
  sealift admit serve --trust trust.toml --mode warn --exempt-namespace 'kube-*' --tls-cert a.crt --tls-key a.key

/validate denies pods and workloads whose images the trust policy refuses or the policies do not admit; /mutate replaces
tags by the digests that were judged. What cannot be judged in time is denied. The log is JSON on stderr.
docs/admission.md")]
pub struct AdmitServe {
    /// Address to listen on; without a host, all addresses of this machine
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = ":8443",
        env = "SEALIFT_ADMIT_LISTEN",
        hide_env = true
    )]
    pub listen: String,
    /// Trust policy: who must have signed
    #[arg(long, value_name = "FILE", env = "SEALIFT_ADMIT_TRUST", hide_env = true)]
    pub trust: Option<PathBuf>,
    #[command(flatten)]
    pub policy: PolicyOptions,
    #[command(flatten)]
    pub scan: ScanOptions,
    /// Public key whose signatures count as verified (repeatable) [default: all of the key folder]
    #[arg(long = "key", value_name = "FILE", env = "SEALIFT_VERIFY_KEY", hide_env = true)]
    pub keys: Vec<PathBuf>,
    #[command(flatten)]
    pub server: ServerOptions,
    #[command(flatten)]
    pub webhook: WebhookOptions,
    #[command(flatten)]
    pub tls: AdmitTls,
}

/// How the webhook decides.
#[derive(Debug, Args)]
#[command(next_help_heading = "Webhook options")]
pub struct WebhookOptions {
    /// What becomes of a denial [default: [admit] mode of the settings, or enforce]
    #[arg(long, value_name = "MODE", env = "SEALIFT_ADMIT_MODE", hide_env = true)]
    pub mode: Option<AdmitMode>,
    /// Namespace whose images are not judged, `*` for any letters (repeatable) [default: [admit] exempt_namespaces]
    #[arg(long = "exempt-namespace", value_name = "NAME")]
    pub exempt_namespaces: Vec<String>,
    /// Deny images without a digest; `/mutate` gives them theirs before
    #[arg(long)]
    pub require_digest: bool,
    /// Seconds for all images of an object; less if Kubernetes says so [default: [admit] timeout_secs, or 9]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=29))]
    pub timeout: Option<u64>,
}

/// What becomes of a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AdmitMode {
    /// It is one
    Enforce,
    /// It is a warning
    Warn,
}

/// How connections are protected.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS options")]
pub struct AdmitTls {
    /// Certificate with its chain, PEM; read again when it changes
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        env = "SEALIFT_ADMIT_TLS_CERT",
        hide_env = true
    )]
    pub tls_cert: Option<PathBuf>,
    /// Key of the certificate, PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_cert",
        env = "SEALIFT_ADMIT_TLS_KEY",
        hide_env = true
    )]
    pub tls_key: Option<PathBuf>,
    /// Make a certificate for these names below ~/.local/share/sealift/admission, and use it from then on
    #[arg(
        long,
        value_name = "NAME,…",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "localhost,127.0.0.1,::1",
        value_delimiter = ',',
        conflicts_with = "tls_cert"
    )]
    pub tls_self_signed: Vec<String>,
    /// Speak plain HTTP, behind a proxy that speaks TLS
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_self_signed"])]
    pub no_tls: bool,
}

/// `admit manifests`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift admit manifests --ca ca.crt --image registry.example.com/sealift:1.0 --trust trust.toml --file ci.pub
  sealift admit manifests --ca ca.crt --image r.example.com/sealift:1.0 --policy policy.rego | kubectl apply -f -

Policies and keys go into a ConfigMap. docs/admission.md says how the certificate comes to be.")]
pub struct AdmitManifests {
    /// Namespace of the webhook
    #[arg(long, value_name = "NAME", default_value = "sealift")]
    pub namespace: String,
    /// Certificate of the authority that signed the webhook's certificate, PEM
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,
    /// Image of Sealift, best with a digest
    #[arg(long, value_name = "REFERENCE")]
    pub image: String,
    /// Trust policy
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// Rego file (repeatable)
    #[arg(long = "policy", value_name = "FILE")]
    pub policies: Vec<PathBuf>,
    /// Another file that those name, a key of the trust policy for example (repeatable)
    #[arg(long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Namespace that is left alone, besides kube-system and the webhook's own (repeatable)
    #[arg(long = "exempt-namespace", value_name = "NAME")]
    pub exempt_namespaces: Vec<String>,
    /// What becomes of a denial
    #[arg(long, value_name = "MODE", default_value = "enforce")]
    pub mode: AdmitMode,
    /// How many run
    #[arg(long, value_name = "COUNT", default_value_t = 2)]
    pub replicas: u32,
    /// Leave tags as they are
    #[arg(long)]
    pub no_mutation: bool,
}
