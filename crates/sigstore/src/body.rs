//! What a log entry says, bound to the signature that is judged: the same content, the same signature, the same signer.
//!
//! Without this an entry of another signature, or of another's, would do (GHSA-whqx-f9j3-ch6m).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::dsse::{self, Envelope};
use sealift_crypto::{Certificate, Hash, PublicKey, strict_json};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::bundle::WireDigest;
use crate::entry::LogEntry;
use crate::trusted_root::WireCertificate;
use crate::wire::{Bytes, hex, printable};
use crate::{Artifact, Refusal};

const OTHER_SIGNATURE: &str = "it is of another signature";
const OTHER_SIGNER: &str = "it is of another signer";
const OTHER_CONTENT: &str = "it is of other content";

/// The signature that is judged.
pub(crate) struct Bound<'a> {
    pub(crate) signature: &'a [u8],
    pub(crate) signer: BoundSigner<'a>,
    pub(crate) content: BoundContent<'a>,
}

#[derive(Clone, Copy)]
pub(crate) enum BoundSigner<'a> {
    Certificate(&'a Certificate),
    Key(&'a PublicKey),
}

pub(crate) enum BoundContent<'a> {
    Message(&'a Artifact<'a>),
    Envelope(&'a Envelope),
}

/// Checks that an entry is of this signature.
pub(crate) fn check(entry: &LogEntry, bound: &Bound<'_>) -> Result<(), Refusal> {
    check_body(entry, bound).map_err(|fault| entry.refuse(&fault))
}

fn check_body(entry: &LogEntry, bound: &Bound<'_>) -> Result<(), String> {
    let body: Body =
        strict_json::from_slice(&entry.body, "log entry").map_err(|e| e.to_string())?;
    if body.kind != entry.kind || body.api_version != entry.version {
        return Err("it is of another kind than the bundle says".to_owned());
    }
    let spec = body.spec.get().as_bytes();
    match (body.kind.as_str(), body.api_version.as_str()) {
        ("hashedrekord", "0.0.1") => read::<HashedRekord1>(spec)?.check(bound),
        ("hashedrekord", "0.0.2") => read::<HashedRekord2>(spec)?.hashed_rekord_v002.check(bound),
        ("dsse", "0.0.1") => read::<Dsse1>(spec)?.check(bound),
        ("dsse", "0.0.2") => read::<Dsse2>(spec)?.dsse_v002.check(bound),
        ("intoto", "0.0.2") => read::<Intoto2>(spec)?.content.check(bound),
        (kind, version) => Err(format!(
            "it is of a kind that is not read: `{}` {}",
            printable(kind),
            printable(version)
        )),
    }
}

/// Whether an entry of this kind comes from Rekor 2, which signs no promises.
pub(crate) fn is_rekor_2(entry: &LogEntry) -> bool {
    ["hashedrekord", "dsse"].contains(&entry.kind.as_str()) && entry.version == "0.0.2"
}

fn read<'a, T: Deserialize<'a>>(spec: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(spec).map_err(|error| printable(&error.to_string()))
}

impl Bound<'_> {
    fn check_signature(&self, signature: &[u8]) -> Result<(), String> {
        (self.signature == signature).then_some(()).ok_or_else(|| OTHER_SIGNATURE.to_owned())
    }

    // A certificate or a key in PEM.
    fn check_pem(&self, pem: &[u8]) -> Result<(), String> {
        let text = std::str::from_utf8(pem).map_err(|_| OTHER_SIGNER.to_owned())?;
        let is_same = match self.signer {
            BoundSigner::Certificate(certificate) => {
                matches!(Certificate::chain_from_pem(text).as_deref(), Ok([found]) if found == certificate)
            }
            BoundSigner::Key(key) => PublicKey::from_pem(text).is_ok_and(|found| found == *key),
        };
        is_same.then_some(()).ok_or_else(|| OTHER_SIGNER.to_owned())
    }

    fn check_verifier(&self, verifier: &Verifier) -> Result<(), String> {
        let is_same = match (&self.signer, &verifier.x509_certificate, &verifier.public_key) {
            (BoundSigner::Certificate(certificate), Some(found), None) => {
                certificate.der() == found.raw_bytes.0
            }
            (BoundSigner::Key(key), None, Some(found)) => key.spki_der() == found.raw_bytes.0,
            _ => false,
        };
        is_same.then_some(()).ok_or_else(|| OTHER_SIGNER.to_owned())
    }

    // The digest of what was signed: of the content, or of an envelope's encoding.
    fn check_signed(&self, hash: Hash, digest: &[u8]) -> Result<(), String> {
        let found = match self.content {
            BoundContent::Message(artifact) => artifact.digest(hash),
            BoundContent::Envelope(envelope) => {
                Some(hash.of(&dsse::pae(&envelope.payload_type, &envelope.payload)))
            }
        };
        (found.as_deref() == Some(digest)).then_some(()).ok_or_else(|| OTHER_CONTENT.to_owned())
    }

    fn envelope(&self) -> Result<&Envelope, String> {
        match self.content {
            BoundContent::Envelope(envelope) => Ok(envelope),
            BoundContent::Message(_) => Err("it is of an envelope".to_owned()),
        }
    }

    fn check_payload(&self, hash: Hash, digest: &[u8]) -> Result<(), String> {
        let is_same = hash.of(&self.envelope()?.payload) == digest;
        is_same.then_some(()).ok_or_else(|| OTHER_CONTENT.to_owned())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Body {
    api_version: String,
    kind: String,
    spec: Box<serde_json::value::RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HexHash {
    algorithm: String,
    value: String,
}

impl HexHash {
    fn check(&self, digest: impl Fn(Hash) -> Option<Vec<u8>>) -> Result<(), String> {
        let hash = match self.algorithm.as_str() {
            "sha256" => Hash::Sha256,
            "sha384" => Hash::Sha384,
            "sha512" => Hash::Sha512,
            _ => return Err("its digest is of an unknown kind".to_owned()),
        };
        let is_same = digest(hash).is_some_and(|digest| hex(&digest) == self.value);
        is_same.then_some(()).ok_or_else(|| OTHER_CONTENT.to_owned())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedRekord1 {
    data: HashedData,
    signature: HashedSignature,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedData {
    hash: HexHash,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HashedSignature {
    content: Bytes,
    public_key: PemContent,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PemContent {
    content: Bytes,
}

impl HashedRekord1 {
    fn check(&self, bound: &Bound<'_>) -> Result<(), String> {
        let BoundContent::Message(artifact) = bound.content else {
            return Err("it is of a message and not of an envelope".to_owned());
        };
        self.data.hash.check(|hash| artifact.digest(hash))?;
        bound.check_signature(&self.signature.content.0)?;
        bound.check_pem(&self.signature.public_key.content.0)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Dsse1 {
    payload_hash: HexHash,
    signatures: Vec<Dsse1Signature>,
    // The hash of one spelling of the envelope, which may be spelled otherwise here.
    #[serde(rename = "envelopeHash")]
    _envelope_hash: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dsse1Signature {
    signature: Bytes,
    verifier: Bytes,
}

impl Dsse1 {
    fn check(&self, bound: &Bound<'_>) -> Result<(), String> {
        let envelope = bound.envelope()?;
        self.payload_hash.check(|hash| Some(hash.of(&envelope.payload)))?;
        let [signature] = self.signatures.as_slice() else {
            return Err("it has not one signature".to_owned());
        };
        bound.check_signature(&signature.signature.0)?;
        bound.check_pem(&signature.verifier.0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Intoto2 {
    content: Intoto2Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Intoto2Content {
    envelope: Intoto2Envelope,
    payload_hash: HexHash,
    // As for `Dsse1`.
    #[serde(rename = "hash")]
    _hash: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Intoto2Envelope {
    payload_type: String,
    signatures: Vec<Intoto2Signature>,
    // The payload itself, which its hash covers.
    #[serde(rename = "payload")]
    _payload: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Intoto2Signature {
    // Base64 of the base64 of the envelope.
    sig: Bytes,
    public_key: Bytes,
    #[serde(rename = "keyid")]
    _key_id: Option<IgnoredAny>,
}

impl Intoto2Content {
    fn check(&self, bound: &Bound<'_>) -> Result<(), String> {
        let envelope = bound.envelope()?;
        self.payload_hash.check(|hash| Some(hash.of(&envelope.payload)))?;
        if self.envelope.payload_type != envelope.payload_type {
            return Err(OTHER_CONTENT.to_owned());
        }
        let [signature] = self.envelope.signatures.as_slice() else {
            return Err("it has not one signature".to_owned());
        };
        let inner = STANDARD.decode(&signature.sig.0).map_err(|_| OTHER_SIGNATURE.to_owned())?;
        bound.check_signature(&inner)?;
        bound.check_pem(&signature.public_key.0)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedRekord2 {
    #[serde(rename = "hashedRekordV002")]
    hashed_rekord_v002: HashedRekord2Content,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HashedRekord2Content {
    data: WireDigest,
    signature: Rekor2Signature,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Dsse2 {
    #[serde(rename = "dsseV002")]
    dsse_v002: Dsse2Content,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Dsse2Content {
    payload_hash: WireDigest,
    signatures: Vec<Rekor2Signature>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rekor2Signature {
    content: Bytes,
    verifier: Verifier,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Verifier {
    x509_certificate: Option<WireCertificate>,
    public_key: Option<WireCertificate>,
    // The key itself says what it is.
    #[serde(rename = "keyDetails")]
    _key_details: Option<IgnoredAny>,
}

impl HashedRekord2Content {
    fn check(self, bound: &Bound<'_>) -> Result<(), String> {
        let (hash, digest) = self.data.read().ok_or("its digest is of an unknown kind")?;
        bound.check_signed(hash, &digest)?;
        bound.check_signature(&self.signature.content.0)?;
        bound.check_verifier(&self.signature.verifier)
    }
}

impl Dsse2Content {
    fn check(self, bound: &Bound<'_>) -> Result<(), String> {
        let (hash, digest) = self.payload_hash.read().ok_or("its digest is of an unknown kind")?;
        bound.check_payload(hash, &digest)?;
        let [signature] = self.signatures.as_slice() else {
            return Err("it has not one signature".to_owned());
        };
        bound.check_signature(&signature.content.0)?;
        bound.check_verifier(&signature.verifier)
    }
}
