//! Signatures as cosign 1 and 2 stored them: a layer of a manifest, with the certificate and the rest in annotations
//! (<https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md>).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use sealift_crypto::{Certificate, Hash, strict_json};
use serde::Deserialize;

use crate::bundle::{Signed, read_envelope};
use crate::entry::{LogEntry, Need};
use crate::verify::Case;
use crate::wire::{Bytes, Number};
use crate::{Artifact, IdentityPolicy, Proof, Refusal, TrustedRoot};

/// A signature and its annotations.
#[derive(Clone, Copy, Debug)]
pub struct Legacy<'a> {
    /// What was signed.
    pub content: LegacyContent<'a>,
    /// `dev.sigstore.cosign/certificate`: PEM.
    pub certificate: &'a str,
    /// `dev.sigstore.cosign/chain`: PEM.
    pub chain: Option<&'a str>,
    /// `dev.sigstore.cosign/bundle`: the log's promise, JSON.
    pub bundle: Option<&'a str>,
    /// `dev.sigstore.cosign/rfc3161timestamp`: JSON.
    pub timestamp: Option<&'a str>,
}

/// What such a layer holds.
#[derive(Clone, Copy, Debug)]
pub enum LegacyContent<'a> {
    /// A payload; its signature is in `dev.cosignproject.cosign/signature`.
    Message {
        /// The layer.
        payload: &'a [u8],
        /// Base64 of the signature.
        signature: &'a str,
    },
    /// An envelope with a statement about this artifact.
    Envelope {
        /// The layer.
        envelope: &'a [u8],
        /// What the statement must be about.
        artifact: Artifact<'a>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WireBundle {
    signed_entry_timestamp: Bytes,
    payload: WirePayload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WirePayload {
    body: Bytes,
    integrated_time: Number,
    log_index: Number,
    #[serde(rename = "logID")]
    log_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTimestamp {
    #[serde(rename = "SignedRFC3161Timestamp")]
    token: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireKind {
    kind: String,
    api_version: String,
}

/// Judges a signature of this form. The promise of the log is its only word here; there is no inclusion proof.
pub fn verify_legacy(
    legacy: &Legacy<'_>,
    policy: &IdentityPolicy,
    root: &TrustedRoot,
    now: Timestamp,
) -> Result<Proof, Refusal> {
    let refuse = |what: String| Refusal::Bundle(what);
    let mut chain = Certificate::chain_from_pem(legacy.certificate)
        .map_err(|error| refuse(error.to_string()))?;
    if chain.len() != 1 {
        return Err(refuse("its certificate is not one".to_owned()));
    }
    if let Some(text) = legacy.chain.filter(|text| !text.trim().is_empty()) {
        // cosign stores the root too; it proves nothing, and who verifies brings the roots.
        let given = Certificate::chain_from_pem(text).map_err(|error| refuse(error.to_string()))?;
        chain.extend(given.into_iter().filter(|part| part.issuer() != part.subject()));
    }
    let (signed, artifact, stamped) = match legacy.content {
        LegacyContent::Message { payload, signature } => {
            let signature = STANDARD
                .decode(signature.trim())
                .map_err(|_| refuse("its signature is not base64".to_owned()))?;
            let digest = Some((Hash::Sha256, Hash::Sha256.of(payload)));
            (Signed::Message { signature, digest }, Artifact::Bytes(payload), None)
        }
        LegacyContent::Envelope { envelope, artifact } => {
            (read_envelope(envelope)?, artifact, Some(envelope))
        }
    };
    let entries: Vec<LogEntry> = legacy.bundle.map(read_entry).transpose()?.into_iter().collect();
    let timestamps: Vec<Vec<u8>> =
        legacy.timestamp.map(read_timestamp).transpose()?.into_iter().collect();
    let case = Case {
        signed: &signed,
        artifact: &artifact,
        entries: &entries,
        timestamps: &timestamps,
        stamped,
        need: Need::PromiseOrProof,
        now,
    };
    case.judge_certificate(&chain, policy, root)
}

fn read_entry(json: &str) -> Result<LogEntry, Refusal> {
    let wire: WireBundle = strict_json::from_slice(json.as_bytes(), "bundle annotation")
        .map_err(|error| Refusal::Bundle(error.to_string()))?;
    let kind: WireKind = strict_json::from_slice(&wire.payload.body.0, "log entry")
        .map_err(|error| Refusal::Bundle(error.to_string()))?;
    let log_id = read_hex(&wire.payload.log_id)
        .ok_or_else(|| Refusal::Bundle("the log's identifier is not hexadecimal".to_owned()))?;
    Ok(LogEntry {
        index: wire.payload.log_index.0,
        log_id,
        kind: kind.kind,
        version: kind.api_version,
        integrated_time: Some(wire.payload.integrated_time.0),
        promise: Some(wire.signed_entry_timestamp.0),
        proof: None,
        body: wire.payload.body.0,
    })
}

fn read_timestamp(json: &str) -> Result<Vec<u8>, Refusal> {
    let wire: WireTimestamp = strict_json::from_slice(json.as_bytes(), "timestamp annotation")
        .map_err(|error| Refusal::Bundle(error.to_string()))?;
    Ok(wire.token.0)
}

fn read_hex(text: &str) -> Option<Vec<u8>> {
    let is_plain = text.len() == 64
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let digit = |at: usize| u8::from_str_radix(text.get(at..at + 2)?, 16).ok();
    is_plain.then(|| (0..32).map(|index| digit(index * 2)).collect())?
}
