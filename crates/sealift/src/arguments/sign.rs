//! The arguments of `sign` and `attest`, and those of every command that signs.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::TrustLook;

/// Which private key; shared by all commands that sign.
#[derive(Debug, Args)]
#[command(next_help_heading = "Key options")]
pub(crate) struct KeyOptions {
    /// Private key: a file, or `pkcs11:…` for one in a token [default: ~/.config/sealift/keys/default.key, made at first use]
    #[arg(long, value_name = "KEY", env = "SEALIFT_KEY", hide_env = true)]
    pub(crate) key: Option<PathBuf>,
    /// File whose first line is the key's passphrase [or: SEALIFT_KEY_PASSPHRASE, COSIGN_PASSWORD, or a prompt]
    #[arg(long, value_name = "FILE", env = "SEALIFT_PASSPHRASE_FILE", hide_env = true)]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Open file descriptor whose first line is the key's passphrase
    #[arg(long, value_name = "NUMBER", conflicts_with = "passphrase_file")]
    pub(crate) passphrase_fd: Option<u32>,
}

/// The forms that a signature can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum SignatureForm {
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
pub(crate) enum SignatureKind {
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
pub(crate) struct NotationOptions {
    /// The signer's certificate and those above it, PEM [default: from ~/.config/sealift/certificates]
    #[arg(long = "cert-chain", value_name = "FILE", env = "SEALIFT_CERT_CHAIN", hide_env = true)]
    pub(crate) certificate_chain: Option<PathBuf>,
    /// Format of the envelope
    #[arg(long, value_name = "FORMAT", default_value = "jws")]
    pub(crate) envelope: EnvelopeName,
    /// How long you stand for the image: `30d`, `12h`
    #[arg(long, value_name = "TIME", value_parser = sealift_trust::read_duration)]
    pub(crate) expiry: Option<i64>,
    /// Time stamping authority (RFC 3161) that says when it was signed, http:// or https://
    #[arg(long, value_name = "URL", env = "SEALIFT_TIMESTAMP_URL", hide_env = true)]
    pub(crate) timestamp_url: Option<String>,
    /// Root certificate of that authority, PEM; its answer is held against it before it is used
    #[arg(long, value_name = "FILE", env = "SEALIFT_TIMESTAMP_ROOT", hide_env = true)]
    pub(crate) timestamp_root: Option<PathBuf>,
}

/// Formats of notation's envelopes.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum EnvelopeName {
    /// JSON.
    Jws,
    /// CBOR.
    Cose,
}

/// How and where; shared by `sign` and `attest`.
#[derive(Debug, Args)]
pub(crate) struct SigningOptions {
    /// Form of the signature
    #[arg(long, value_name = "FORM", default_value = "bundle", env = "SEALIFT_SIGNATURE_FORMAT")]
    #[arg(hide_env = true)]
    pub(crate) format: SignatureForm,
    /// Name to sign the image under, if it is another than its own or it has none
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// Of an index, sign all its images too
    #[arg(short, long)]
    pub(crate) recursive: bool,
    /// Send what was signed to the registry; that is done anyway if the image is not in the local store
    #[arg(long)]
    pub(crate) push: bool,
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
pub(crate) struct Sign {
    /// Image
    pub(crate) image: String,
    /// Whose signatures to write (repeatable, or with commas)
    #[arg(long = "as", value_name = "KIND", default_value = "cosign", value_delimiter = ',')]
    pub(crate) kinds: Vec<SignatureKind>,
    /// Sign this with it (repeatable)
    #[arg(long = "annotation", value_name = "NAME=VALUE")]
    pub(crate) annotations: Vec<String>,
    /// Sign which tag stands for this digest, too [default: `[sign] tag_map`, or what the trust policy asks for]
    #[arg(long)]
    pub(crate) tag_map: bool,
    #[command(flatten)]
    pub(crate) signing: SigningOptions,
    #[command(flatten)]
    pub(crate) notation: NotationOptions,
    #[command(flatten)]
    pub(crate) look: TrustLook,
    #[command(flatten)]
    pub(crate) key: KeyOptions,
}

/// `attest`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift attest --type spdxjson --predicate app.spdx.json registry.example.com/team/app:1.0
  sealift attest --type https://example.com/review/v1 --predicate review.json --format both app:1.0

`sealift sbom attest` makes the SBOM as well.")]
pub(crate) struct Attest {
    /// Image
    pub(crate) image: String,
    /// The document to sign; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) predicate: PathBuf,
    /// What it is: custom, cyclonedx, link, openvex, slsaprovenance, slsaprovenance02, slsaprovenance1, spdx, spdxjson, vuln, or a URI
    #[arg(long = "type", value_name = "TYPE", default_value = "custom")]
    pub(crate) kind: String,
    #[command(flatten)]
    pub(crate) signing: SigningOptions,
    #[command(flatten)]
    pub(crate) key: KeyOptions,
}
