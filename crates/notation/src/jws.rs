//! JWS envelopes: flattened JSON (RFC 7515 §7.2.2) with the headers of the specification.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use sealift_crypto::strict_json;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::envelope::{
    AUTHENTIC_SIGNING_TIME, EXPIRY, SIGNING_AGENT, SIGNING_SCHEME, SIGNING_TIME,
    TIMESTAMP_SIGNATURE, check_critical, check_times, malformed, read_chain,
};
use crate::payload::PAYLOAD_TYPE;
use crate::sign::Draft;
use crate::text::{clean, json_reason};
use crate::{Algorithm, Envelope, EnvelopeFormat, Error, SigningScheme};

const FORMAT: EnvelopeFormat = EnvelopeFormat::Jws;
const KNOWN: [&str; 7] =
    ["alg", "crit", "cty", SIGNING_SCHEME, SIGNING_TIME, AUTHENTIC_SIGNING_TIME, EXPIRY];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    payload: String,
    protected: String,
    header: Map<String, Value>,
    signature: String,
}

/// Reads an envelope.
pub(crate) fn read(bytes: &[u8]) -> Result<Envelope, Error> {
    let document: Document = strict_json::from_slice(bytes, "JWS").map_err(json_error)?;
    let part = |text: &str, name| {
        URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| malformed(FORMAT, format!("the {name} is not base64url")))
    };
    let protected: Map<String, Value> =
        strict_json::from_slice(&part(&document.protected, "protected header")?, "header")
            .map_err(json_error)?;
    let signed = Signed::read(&protected)?;
    let header = &document.header;
    // RFC 7515 §4: a name stands in one of the two headers.
    let is_signed =
        |name: &&String| protected.contains_key(*name) || KNOWN.contains(&name.as_str());
    if let Some(name) = header.keys().find(is_signed) {
        return Err(malformed(FORMAT, format!("the header `{}` is not signed", clean(name))));
    }
    let certificates = unsigned_chain(header)?;
    let timestamp = match header.get(TIMESTAMP_SIGNATURE) {
        None => None,
        Some(value) => {
            Some(value.as_str().and_then(|text| STANDARD.decode(text).ok()).ok_or_else(|| {
                malformed(FORMAT, format!("the header `{TIMESTAMP_SIGNATURE}` is not base64"))
            })?)
        }
    };
    Ok(Envelope {
        format: FORMAT,
        algorithm: signed.algorithm,
        scheme: signed.scheme,
        signing_time: signed.signing_time,
        expiry: signed.expiry,
        attributes: signed.attributes,
        chain: read_chain(FORMAT, certificates.iter().map(Vec::as_slice))?,
        timestamp,
        agent: header.get(SIGNING_AGENT).and_then(Value::as_str).map(clean),
        signature: part(&document.signature, "signature")?,
        payload: part(&document.payload, "payload")?,
        signed: format!("{}.{}", document.protected, document.payload).into_bytes(),
    })
}

struct Signed {
    algorithm: Algorithm,
    scheme: SigningScheme,
    signing_time: Timestamp,
    expiry: Option<Timestamp>,
    attributes: Vec<String>,
}

impl Signed {
    fn read(protected: &Map<String, Value>) -> Result<Self, Error> {
        let text = |name: &str| {
            protected
                .get(name)
                .ok_or_else(|| malformed(FORMAT, format!("the signed header `{name}` is missing")))?
                .as_str()
                .ok_or_else(|| malformed(FORMAT, format!("the header `{name}` is not a text")))
        };
        let name = text("alg")?;
        let algorithm = Algorithm::from_name(name).ok_or_else(|| Error::Algorithm(clean(name)))?;
        let content_type = text("cty")?;
        if content_type != PAYLOAD_TYPE {
            let reason = format!("the payload is of type `{}`", clean(content_type));
            return Err(malformed(FORMAT, reason));
        }
        let scheme = text(SIGNING_SCHEME)?;
        let scheme = SigningScheme::read(scheme).ok_or_else(|| {
            malformed(FORMAT, format!("the signing scheme `{}` is not known", clean(scheme)))
        })?;
        let has = |name: &str| protected.contains_key(name);
        let critical: Vec<String> = protected
            .get("crit")
            .and_then(|value| serde_json::from_value(value.clone()).ok())
            .ok_or_else(|| malformed(FORMAT, "`crit` is missing, or not a list of names"))?;
        check_critical(FORMAT, &critical, scheme, has)?;
        check_times(FORMAT, scheme, has)?;
        let time = |name: &str| {
            let value = text(name)?;
            read_time(value).ok_or_else(|| {
                malformed(FORMAT, format!("`{}` of `{name}` is not a time", clean(value)))
            })
        };
        Ok(Self {
            algorithm,
            scheme,
            signing_time: time(scheme.time_header())?,
            expiry: if has(EXPIRY) { Some(time(EXPIRY)?) } else { None },
            attributes: protected
                .keys()
                .filter(|name| !KNOWN.contains(&name.as_str()))
                .map(|name| clean(name))
                .collect(),
        })
    }
}

fn unsigned_chain(header: &Map<String, Value>) -> Result<Vec<Vec<u8>>, Error> {
    let error = || malformed(FORMAT, "`x5c` is missing, or not a list of certificates in base64");
    header
        .get("x5c")
        .and_then(Value::as_array)
        .ok_or_else(error)?
        .iter()
        .map(|value| value.as_str().and_then(|text| STANDARD.decode(text).ok()).ok_or_else(error))
        .collect()
}

fn json_error(error: sealift_crypto::Error) -> Error {
    malformed(FORMAT, json_reason(&error))
}

// RFC 3339 alone: the parser knows more forms than that.
fn read_time(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let is_plain = bytes.get(10) == Some(&b'T')
        && bytes.get(4) == Some(&b'-')
        && bytes.iter().all(|byte| byte.is_ascii_digit() || b"-:.+TZ".contains(byte));
    is_plain.then(|| text.parse().ok()).flatten()
}

/// What is signed: the protected header and the payload, each in base64url.
pub(crate) fn to_sign(draft: &Draft<'_>) -> Vec<u8> {
    let mut protected = Map::new();
    let mut critical = vec![SIGNING_SCHEME];
    protected.insert("alg".to_owned(), draft.algorithm.as_str().into());
    protected.insert("cty".to_owned(), PAYLOAD_TYPE.into());
    protected.insert(SIGNING_SCHEME.to_owned(), draft.scheme.as_str().into());
    protected.insert(draft.scheme.time_header().to_owned(), write_time(draft.signing_time));
    if draft.scheme == SigningScheme::SigningAuthority {
        critical.push(AUTHENTIC_SIGNING_TIME);
    }
    if let Some(expiry) = draft.expiry {
        critical.push(EXPIRY);
        protected.insert(EXPIRY.to_owned(), write_time(expiry));
    }
    protected.insert("crit".to_owned(), critical.into());
    let protected = Value::Object(protected).to_string();
    let payload = draft.target.to_json();
    format!("{}.{}", URL_SAFE_NO_PAD.encode(protected), URL_SAFE_NO_PAD.encode(payload))
        .into_bytes()
}

fn write_time(time: Timestamp) -> Value {
    time.to_string().into()
}

/// The envelope of what was signed.
pub(crate) fn write(draft: &Draft<'_>, signed: &[u8], signature: &[u8]) -> Vec<u8> {
    let signed = std::str::from_utf8(signed).expect("base64url is text");
    let (protected, payload) = signed.split_once('.').expect("there are two parts");
    let mut header = Map::new();
    let chain: Vec<Value> =
        draft.chain.iter().map(|certificate| STANDARD.encode(certificate.der()).into()).collect();
    header.insert("x5c".to_owned(), chain.into());
    if let Some(timestamp) = draft.timestamp {
        header.insert(TIMESTAMP_SIGNATURE.to_owned(), STANDARD.encode(timestamp).into());
    }
    header.insert(SIGNING_AGENT.to_owned(), draft.agent.into());
    let document = Document {
        payload: payload.to_owned(),
        protected: protected.to_owned(),
        header,
        signature: URL_SAFE_NO_PAD.encode(signature),
    };
    serde_json::to_vec(&document).expect("an envelope has string keys only")
}
