//! `trust cert` and its commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use sealift_notation::StoreType;

use super::KeyOptions;

pub(crate) const TRUST_CERT_EXAMPLES: &str = "\
Examples:
  sealift trust cert generate release
  sealift trust cert add --trust-store team root.crt
  sealift trust cert list
  sealift trust cert delete --trust-store team --all";

/// What to do with certificates.
#[derive(Debug, Subcommand)]
pub enum TrustCert {
    /// Make a certificate for a signing key, under a root of the same key, and trust that root
    Generate(CertGenerate),
    /// Trust certificates: put a file into a trust store
    Add(CertAdd),
    /// Show the certificates of the trust stores
    List(CertList),
    /// Trust no more: delete a file of a trust store, or all of the store
    Delete(CertDelete),
}

/// `trust cert generate`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust cert generate release
  sealift trust cert generate release --key release.key --subject 'CN=release,O=Example,ST=BE,C=CH' --lifetime 90d

The root lies in the trust store `ca:NAME`; give its file to those who shall trust you, and keep it: the next certificate
of the same name is made under the same root.")]
pub struct CertGenerate {
    /// Name of the certificate and of its trust store
    pub name: String,
    #[command(flatten)]
    pub key: KeyOptions,
    /// Whose it is, with country, state and organisation [default: CN=NAME,O=NAME,ST=None,C=ZZ]
    #[arg(long, value_name = "NAME")]
    pub subject: Option<String>,
    /// How long it is valid; the root is valid ten years
    #[arg(
        long,
        value_name = "TIME",
        default_value = "365d",
        value_parser = sealift_trust::read_duration
    )]
    pub lifetime: i64,
}

/// Which trust store.
#[derive(Debug, Args)]
pub struct StoreOptions {
    /// What its certificates are trusted for: ca, signingAuthority or tsa
    #[arg(long = "type", value_name = "TYPE", default_value = "ca", value_parser = store_type)]
    pub kind: StoreType,
    /// Name of the store
    #[arg(long, value_name = "NAME")]
    pub trust_store: String,
}

/// `trust cert add`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust cert add --trust-store team root.crt
  sealift trust cert add --type tsa --trust-store time tsa-root.pem")]
pub struct CertAdd {
    #[command(flatten)]
    pub place: StoreOptions,
    /// Certificates of authorities, PEM or DER
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

/// `trust cert list`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust cert list
  sealift trust cert list --type tsa")]
pub struct CertList {
    /// Only stores of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = store_type)]
    pub kind: Option<StoreType>,
    /// Only stores of this name
    #[arg(long, value_name = "NAME")]
    pub trust_store: Option<String>,
}

/// `trust cert delete`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust cert delete --trust-store team root.crt
  sealift trust cert delete --trust-store team --all")]
pub struct CertDelete {
    #[command(flatten)]
    pub place: StoreOptions,
    /// Name of the file in the store
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub file: Option<String>,
    /// All of the store
    #[arg(long)]
    pub all: bool,
}

fn store_type(text: &str) -> Result<StoreType, String> {
    StoreType::ALL
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| "ca, signingAuthority or tsa".to_owned())
}
