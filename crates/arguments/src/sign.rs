//! The arguments of `sign` and `attest`, and those of every command that signs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::TrustLook;

/// Which private key; shared by all commands that sign.
#[derive(Debug, Args)]
#[command(next_help_heading = "Key options")]
pub struct KeyOptions {
    /// Private key: a file, or `pkcs11:…` for one in a token [default: ~/.config/sealift/keys/default.key, made at first use]
    #[arg(long, value_name = "KEY", env = "SEALIFT_KEY", hide_env = true)]
    pub key: Option<PathBuf>,
    /// File whose first line is the key's passphrase [or: SEALIFT_KEY_PASSPHRASE, COSIGN_PASSWORD, or a prompt]
    #[arg(long, value_name = "FILE", env = "SEALIFT_PASSPHRASE_FILE", hide_env = true)]
    pub passphrase_file: Option<PathBuf>,
    /// Open file descriptor whose first line is the key's passphrase
    #[arg(long, value_name = "NUMBER", conflicts_with = "passphrase_file")]
    pub passphrase_fd: Option<u32>,
}

/// The forms that a signature can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SignatureForm {
    /// A sigstore bundle that refers to the image, as cosign 3 writes it.
    #[default]
    Bundle,
    /// A layer under the tag `sha256-….sig` or `.att`, as cosign 1 and 2, podman and skopeo know it.
    Legacy,
    /// Both.
    Both,
}

/// Whose signatures are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SignatureKind {
    /// cosign's.
    #[default]
    Cosign,
    /// notation's: X.509 certificates, an envelope in JWS or COSE.
    Notation,
    /// Docker Content Trust's: the tag, in the repository's data on a notary server.
    Dct,
}

/// How to sign for notation.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of notation's signatures")]
pub struct NotationOptions {
    /// The signer's certificate and those above it, PEM [default: from ~/.config/sealift/certificates]
    #[arg(long = "cert-chain", value_name = "FILE", env = "SEALIFT_CERT_CHAIN", hide_env = true)]
    pub certificate_chain: Option<PathBuf>,
    /// Format of the envelope
    #[arg(long, value_name = "FORMAT", default_value = "jws")]
    pub envelope: EnvelopeName,
    /// How long you stand for the image: `30d`, `12h`
    #[arg(long, value_name = "TIME", value_parser = sealift_trust::read_duration)]
    pub expiry: Option<i64>,
    /// Time stamping authority (RFC 3161) that says when it was signed, http:// or https://
    #[arg(long, value_name = "URL", env = "SEALIFT_TIMESTAMP_URL", hide_env = true)]
    pub timestamp_url: Option<String>,
    /// Root certificate of that authority, PEM; its answer is held against it before it is used
    #[arg(long, value_name = "FILE", env = "SEALIFT_TIMESTAMP_ROOT", hide_env = true)]
    pub timestamp_root: Option<PathBuf>,
}

/// Formats of notation's envelopes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum EnvelopeName {
    /// JSON.
    Jws,
    /// CBOR.
    Cose,
}

/// How and where; shared by `sign` and `attest`.
#[derive(Debug, Args)]
pub struct SigningOptions {
    /// Form of the signature
    #[arg(long, value_name = "FORM", default_value = "bundle", env = "SEALIFT_SIGNATURE_FORMAT")]
    #[arg(hide_env = true)]
    pub format: SignatureForm,
    /// Name to sign the image under, if it is another than its own or it has none
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Of an index, sign all its images too
    #[arg(short, long)]
    pub recursive: bool,
    /// Send what was signed to the registry; that is done anyway if the image is not in the local store
    #[arg(long)]
    pub push: bool,
}

/// `sign`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift sign secure-app:1.0.0
  sealift sign --key release.key --passphrase-file secret.txt secure-app:1.0.0
  sealift sign --format both --push registry.example.com/team/app:1.0
  sealift sign --tag-map --push registry.example.com/team/app:1.0
  sealift sign --as dct,cosign,notation --expiry 90d registry.example.com/team/app:1.0
  sealift sign --as notation --timestamp-url http://tsa.example.com --timestamp-root tsa.pem registry.example.com/team/app:1.0
  sealift sign --key 'pkcs11:token=ci;object=release?module-path=/usr/lib/softhsm/libsofthsm2.so' app:1.0

The signature goes where the image is: into the local store, into a layout (oci-dir:), or to the registry.
podman, skopeo and CRI-O check the form `legacy` only.")]
pub struct Sign {
    /// Image
    pub image: String,
    /// Whose signatures to write (repeatable, or with commas)
    #[arg(long = "as", value_name = "KIND", default_value = "cosign", value_delimiter = ',')]
    pub kinds: Vec<SignatureKind>,
    /// Sign this with it (repeatable)
    #[arg(long = "annotation", value_name = "NAME=VALUE")]
    pub annotations: Vec<String>,
    /// Sign which tag stands for this digest, too [default: `[sign] tag_map`, or what the trust policy asks for]
    #[arg(long)]
    pub tag_map: bool,
    #[command(flatten)]
    pub signing: SigningOptions,
    #[command(flatten)]
    pub notation: NotationOptions,
    #[command(flatten)]
    pub look: TrustLook,
    #[command(flatten)]
    pub key: KeyOptions,
}

/// `attest`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift attest --type spdxjson --predicate app.spdx.json registry.example.com/team/app:1.0
  sealift attest --type https://example.com/review/v1 --predicate review.json --format both app:1.0

`sealift sbom attest` makes the SBOM as well.")]
pub struct Attest {
    /// Image
    pub image: String,
    /// The document to sign; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub predicate: PathBuf,
    /// What it is: custom, cyclonedx, link, openvex, slsaprovenance, slsaprovenance02, slsaprovenance1, spdx, spdxjson, vuln, or a URI
    #[arg(long = "type", value_name = "TYPE", default_value = "custom")]
    pub kind: String,
    #[command(flatten)]
    pub signing: SigningOptions,
    #[command(flatten)]
    pub key: KeyOptions,
}
