//! Whom sigstore trusts: certificate authorities, logs and time stamping authorities, each for a time
//! (<https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_trustroot.proto>).

use jiff::Timestamp;
use sealift_crypto::{Certificate, PublicKey, strict_json};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::Refusal;
use crate::wire::Bytes;

/// Trusted roots above this size are refused.
const BYTES_MAX: usize = 4 << 20;
const INSTANCES_MAX: usize = 100;
const CHAIN_MAX: usize = 10;
const MEDIA_TYPES: [&str; 3] = [
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
];

/// Everything that is trusted.
#[derive(Clone, Debug)]
pub struct TrustedRoot {
    /// Who issues certificates for identities.
    pub certificate_authorities: Vec<Authority>,
    /// Who signs moments.
    pub timestamp_authorities: Vec<Authority>,
    /// Logs of signatures.
    pub logs: Vec<Log>,
    /// Logs of certificates.
    pub certificate_logs: Vec<Log>,
}

/// An authority with a path of certificates.
#[derive(Clone, Debug)]
pub struct Authority {
    /// Where it is; for people.
    pub uri: String,
    /// Its path: whoever issued the first is next, the trusted one is last.
    pub path: Vec<Certificate>,
    /// When it is trusted.
    pub validity: Validity,
}

/// A transparency log.
#[derive(Clone, Debug)]
pub struct Log {
    /// Where it is; for people.
    pub uri: String,
    /// Its identifiers: of the log, and of its checkpoints if those have another.
    pub ids: Vec<Vec<u8>>,
    /// Its key.
    pub key: PublicKey,
    /// When it is trusted.
    pub validity: Validity,
}

/// A time with both its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// First moment.
    pub start: Timestamp,
    /// Last moment, if there is one.
    pub end: Option<Timestamp>,
}

impl Validity {
    /// Whether a moment is inside.
    pub fn contains(&self, moment: Timestamp) -> bool {
        self.start <= moment && self.end.is_none_or(|end| moment <= end)
    }
}

impl Authority {
    /// The trusted certificate, and those that stand between.
    pub(crate) fn split(&self) -> (&[Certificate], &[Certificate]) {
        let (intermediates, roots) = self.path.split_at(self.path.len().saturating_sub(1));
        (roots, intermediates)
    }
}

impl TrustedRoot {
    /// Reads `trusted_root.json`, versions 0.1 and 0.2.
    pub fn from_json(json: &[u8]) -> Result<Self, Refusal> {
        if json.len() > BYTES_MAX {
            return Err(Refusal::TrustedRoot("it is larger than 4 MiB".to_owned()));
        }
        let wire: Wire = strict_json::from_slice(json, "trusted root")
            .map_err(|error| Refusal::TrustedRoot(error.to_string()))?;
        if !MEDIA_TYPES.contains(&wire.media_type.as_str()) {
            let found = crate::wire::printable(&wire.media_type);
            return Err(Refusal::TrustedRoot(format!("its media type is `{found}`")));
        }
        let all = [
            wire.tlogs.len(),
            wire.ctlogs.len(),
            wire.certificate_authorities.len(),
            wire.timestamp_authorities.len(),
        ];
        if all.iter().any(|n| *n > INSTANCES_MAX) {
            return Err(Refusal::TrustedRoot("it has more than 100 of a kind".to_owned()));
        }
        let authorities = |wires: Vec<WireAuthority>| -> Result<Vec<_>, Refusal> {
            wires.into_iter().map(WireAuthority::read).collect()
        };
        let logs = |wires: Vec<WireLog>| -> Result<Vec<_>, Refusal> {
            wires.into_iter().map(WireLog::read).collect()
        };
        Ok(Self {
            certificate_authorities: authorities(wire.certificate_authorities)?,
            timestamp_authorities: authorities(wire.timestamp_authorities)?,
            logs: logs(wire.tlogs)?,
            certificate_logs: logs(wire.ctlogs)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    media_type: String,
    #[serde(default)]
    tlogs: Vec<WireLog>,
    #[serde(default)]
    ctlogs: Vec<WireLog>,
    #[serde(default)]
    certificate_authorities: Vec<WireAuthority>,
    #[serde(default)]
    timestamp_authorities: Vec<WireAuthority>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireLog {
    #[serde(default)]
    base_url: String,
    hash_algorithm: String,
    public_key: WireKey,
    log_id: Option<WireId>,
    checkpoint_key_id: Option<WireId>,
    // For people.
    #[serde(rename = "operator")]
    _operator: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireId {
    key_id: Bytes,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireKey {
    raw_bytes: Bytes,
    key_details: String,
    valid_for: Option<WireValidity>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireValidity {
    start: Option<String>,
    end: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct WireAuthority {
    #[serde(default)]
    uri: String,
    cert_chain: WireChain,
    valid_for: Option<WireValidity>,
    // Both for people.
    #[serde(rename = "subject")]
    _subject: Option<IgnoredAny>,
    #[serde(rename = "operator")]
    _operator: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WireChain {
    #[serde(default)]
    pub(crate) certificates: Vec<WireCertificate>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WireCertificate {
    pub(crate) raw_bytes: Bytes,
}

impl WireLog {
    fn read(self) -> Result<Log, Refusal> {
        let uri = crate::wire::printable(&self.base_url);
        let refuse = |what: &str| Refusal::TrustedRoot(format!("the log `{uri}` {what}"));
        if self.hash_algorithm != "SHA2_256" {
            return Err(refuse("hashes with something else than SHA-256"));
        }
        let bytes = &self.public_key.raw_bytes.0;
        let key = match self.public_key.key_details.as_str() {
            "PKCS1_RSA_PKCS1V5" | "PKCS1_RSA_PSS" => PublicKey::from_rsa_pkcs1(bytes),
            _ => PublicKey::from_spki_der(bytes),
        };
        let key = key.map_err(|error| refuse(&format!("has a key that is {error}")))?;
        let ids: Vec<Vec<u8>> =
            self.log_id.into_iter().chain(self.checkpoint_key_id).map(|id| id.key_id.0).collect();
        if ids.is_empty() || ids.iter().any(|id| id.len() < 4 || id.len() > 32) {
            return Err(refuse("has no identifier"));
        }
        let validity = read_validity(self.public_key.valid_for)
            .ok_or_else(|| refuse("has no sound time for which it is trusted"))?;
        Ok(Log { uri, ids, key, validity })
    }
}

impl WireAuthority {
    fn read(self) -> Result<Authority, Refusal> {
        let uri = crate::wire::printable(&self.uri);
        let refuse = |what: &str| Refusal::TrustedRoot(format!("the authority `{uri}` {what}"));
        if self.cert_chain.certificates.is_empty() || self.cert_chain.certificates.len() > CHAIN_MAX
        {
            return Err(refuse("has not 1 to 10 certificates"));
        }
        let validity = read_validity(self.valid_for)
            .ok_or_else(|| refuse("has no sound time for which it is trusted"))?;
        let read = |wire: &WireCertificate| {
            Certificate::from_der(&wire.raw_bytes.0)
                .map_err(|error| refuse(&format!("has a certificate that is {error}")))
        };
        let path = self.cert_chain.certificates.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Authority { uri, path, validity })
    }
}

fn read_validity(wire: Option<WireValidity>) -> Option<Validity> {
    let wire = wire?;
    // A missing start is no open one.
    let start = wire.start?.parse().ok()?;
    let end = match wire.end {
        Some(end) => Some(end.parse().ok()?),
        None => None,
    };
    end.is_none_or(|end| start <= end).then_some(Validity { start, end })
}
