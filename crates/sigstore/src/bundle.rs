//! Sigstore bundles, versions 0.1 to 0.3
//! (<https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto>).

use sealift_crypto::dsse::{ENVELOPE_BYTES_MAX, Envelope};
use sealift_crypto::{Certificate, Hash, strict_json};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Refusal;
use crate::entry::{InclusionProof, LogEntry};
use crate::trusted_root::{WireCertificate, WireChain};
use crate::wire::{Bytes, Number, printable};

const ENTRIES_MAX: usize = 32;
const CHAIN_MAX: usize = 10;
const BODY_BYTES_MAX: usize = 32 << 20;
const VERSIONS: [(&str, Version); 4] = [
    ("application/vnd.dev.sigstore.bundle+json;version=0.1", Version::V01),
    ("application/vnd.dev.sigstore.bundle+json;version=0.2", Version::V02),
    ("application/vnd.dev.sigstore.bundle+json;version=0.3", Version::V03),
    ("application/vnd.dev.sigstore.bundle.v0.3+json", Version::V03),
];

/// Whether this is a media type of a bundle that is read here.
pub fn is_bundle_type(media_type: &str) -> bool {
    VERSIONS.iter().any(|(known, _)| *known == media_type)
}

/// A bundle whose structure was understood. Nothing of it is true until it is verified.
#[derive(Clone, Debug)]
pub struct Bundle {
    pub(crate) version: Version,
    pub(crate) material: Material,
    pub(crate) entries: Vec<LogEntry>,
    pub(crate) timestamps: Vec<Vec<u8>>,
    pub(crate) signed: Signed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) enum Version {
    V01,
    V02,
    V03,
}

#[derive(Clone, Debug)]
pub(crate) enum Material {
    Key { hint: String },
    // The signer's is first.
    Certificates(Vec<Certificate>),
}

#[derive(Clone, Debug)]
pub(crate) enum Signed {
    Message { signature: Vec<u8>, digest: Option<(Hash, Vec<u8>)> },
    Envelope(Envelope),
}

impl Bundle {
    /// Reads the JSON form.
    pub fn from_json(json: &[u8]) -> Result<Self, Refusal> {
        let refuse = |what: &str| Refusal::Bundle(what.to_owned());
        if json.len() > ENVELOPE_BYTES_MAX {
            return Err(refuse("it is larger than 128 MiB"));
        }
        let wire: Wire = strict_json::from_slice(json, "sigstore bundle")
            .map_err(|error| Refusal::Bundle(error.to_string()))?;
        let version = VERSIONS
            .iter()
            .find(|(known, _)| *known == wire.media_type)
            .map(|(_, version)| *version)
            .ok_or_else(|| {
                let found = printable(&wire.media_type);
                Refusal::Bundle(format!("its media type is `{found}`"))
            })?;
        let material = wire.verification_material;
        let timestamps = material.timestamp_verification_data.map_or(Vec::new(), |data| {
            data.rfc3161_timestamps.into_iter().map(|stamp| stamp.signed_timestamp.0).collect()
        });
        if material.tlog_entries.len() > ENTRIES_MAX || timestamps.len() > ENTRIES_MAX {
            return Err(refuse("it has more than 32 log entries or timestamps"));
        }
        let signed = match (wire.message_signature, wire.dsse_envelope) {
            (Some(message), None) => message.read()?,
            (None, Some(envelope)) => read_envelope(envelope.get().as_bytes())?,
            (Some(_), Some(_)) => {
                return Err(refuse("it has both an envelope and a message signature"));
            }
            (None, None) => {
                return Err(refuse("it has neither an envelope nor a message signature"));
            }
        };
        Ok(Self {
            version,
            entries: material
                .tlog_entries
                .into_iter()
                .map(WireEntry::read)
                .collect::<Result<_, _>>()?,
            material: read_material(
                version,
                material.public_key,
                material.certificate,
                material.x509_certificate_chain,
            )?,
            timestamps,
            signed,
        })
    }

    /// The hint at the key, if it is signed with a key and not with a certificate.
    pub fn key_hint(&self) -> Option<&str> {
        match &self.material {
            Material::Key { hint } => Some(hint),
            Material::Certificates(_) => None,
        }
    }
}

/// Reads an envelope with one signature.
pub(crate) fn read_envelope(json: &[u8]) -> Result<Signed, Refusal> {
    let envelope = Envelope::from_json(json).map_err(|error| Refusal::Bundle(error.to_string()))?;
    if envelope.signatures.len() != 1 {
        return Err(Refusal::Bundle("its envelope has not one signature".to_owned()));
    }
    Ok(Signed::Envelope(envelope))
}

fn read_material(
    version: Version,
    key: Option<WireHint>,
    certificate: Option<WireCertificate>,
    chain: Option<WireChain>,
) -> Result<Material, Refusal> {
    let refuse = |what: &str| Err(Refusal::Bundle(what.to_owned()));
    let certificates = match (key, certificate, chain) {
        (Some(key), None, None) => return Ok(Material::Key { hint: key.hint }),
        (None, Some(certificate), None) => vec![certificate],
        (None, None, Some(chain)) if version < Version::V03 => chain.certificates,
        (None, None, Some(_)) => {
            return refuse("version 0.3 has one certificate and no chain");
        }
        (None, None, None) => return refuse("it has neither a key nor a certificate"),
        _ => return refuse("it has more than one of key, certificate and chain"),
    };
    if certificates.is_empty() || certificates.len() > CHAIN_MAX {
        return refuse("it has not 1 to 10 certificates");
    }
    let read = |wire: &WireCertificate| {
        Certificate::from_der(&wire.raw_bytes.0).map_err(|error| Refusal::Bundle(error.to_string()))
    };
    let certificates: Vec<Certificate> = certificates.iter().map(read).collect::<Result<_, _>>()?;
    // Who verifies brings the roots.
    if certificates.iter().any(|certificate| certificate.issuer() == certificate.subject()) {
        return refuse("it brings a root certificate");
    }
    Ok(Material::Certificates(certificates))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    media_type: String,
    verification_material: WireMaterial,
    dsse_envelope: Option<Box<RawValue>>,
    message_signature: Option<WireMessage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireMaterial {
    public_key: Option<WireHint>,
    certificate: Option<WireCertificate>,
    x509_certificate_chain: Option<WireChain>,
    #[serde(default)]
    tlog_entries: Vec<WireEntry>,
    timestamp_verification_data: Option<WireTimestamps>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireHint {
    #[serde(default)]
    hint: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireTimestamps {
    #[serde(default)]
    rfc3161_timestamps: Vec<WireTimestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireTimestamp {
    signed_timestamp: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireMessage {
    message_digest: Option<WireDigest>,
    signature: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WireDigest {
    algorithm: String,
    digest: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireEntry {
    #[serde(default)]
    log_index: Number,
    log_id: WireLogId,
    kind_version: WireKind,
    #[serde(default)]
    integrated_time: Number,
    inclusion_promise: Option<WirePromise>,
    inclusion_proof: Option<WireProof>,
    canonicalized_body: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireLogId {
    key_id: Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireKind {
    kind: String,
    version: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WirePromise {
    signed_entry_timestamp: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireProof {
    #[serde(default)]
    log_index: Number,
    root_hash: Bytes,
    tree_size: Number,
    #[serde(default)]
    hashes: Vec<Bytes>,
    checkpoint: Option<WireCheckpoint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireCheckpoint {
    #[serde(default)]
    envelope: String,
}

impl WireMessage {
    fn read(self) -> Result<Signed, Refusal> {
        let digest = match self.message_digest {
            Some(wire) => Some(wire.read().ok_or_else(|| {
                Refusal::Bundle(
                    "its digest is of an unknown kind, or not as long as its kind".to_owned(),
                )
            })?),
            None => None,
        };
        Ok(Signed::Message { signature: self.signature.0, digest })
    }
}

impl WireDigest {
    pub(crate) fn read(self) -> Option<(Hash, Vec<u8>)> {
        let (hash, n_bytes) = match self.algorithm.as_str() {
            "SHA2_256" => (Hash::Sha256, 32),
            "SHA2_384" => (Hash::Sha384, 48),
            "SHA2_512" => (Hash::Sha512, 64),
            _ => return None,
        };
        (self.digest.0.len() == n_bytes).then_some((hash, self.digest.0))
    }
}

impl WireEntry {
    fn read(self) -> Result<LogEntry, Refusal> {
        if self.canonicalized_body.0.len() > BODY_BYTES_MAX {
            return Err(Refusal::Bundle("a log entry is larger than 32 MiB".to_owned()));
        }
        let proof = self.inclusion_proof.map(|proof| InclusionProof {
            index: proof.log_index.0,
            size: proof.tree_size.0,
            root: proof.root_hash.0,
            hashes: proof.hashes.into_iter().map(|hash| hash.0).collect(),
            checkpoint: proof
                .checkpoint
                .map(|checkpoint| checkpoint.envelope)
                .filter(|envelope| !envelope.is_empty()),
        });
        Ok(LogEntry {
            index: self.log_index.0,
            log_id: self.log_id.key_id.0,
            kind: self.kind_version.kind,
            version: self.kind_version.version,
            integrated_time: Some(self.integrated_time.0).filter(|time| *time != 0),
            promise: self.inclusion_promise.map(|promise| promise.signed_entry_timestamp.0),
            proof,
            body: self.canonicalized_body.0,
        })
    }
}
