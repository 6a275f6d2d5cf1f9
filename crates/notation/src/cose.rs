//! COSE envelopes: `COSE_Sign1_Tagged` (RFC 9052 §4.2) with the headers of the specification.

use jiff::Timestamp;

use crate::cbor::{self, Value};
use crate::envelope::{
    AUTHENTIC_SIGNING_TIME, EXPIRY, SIGNING_AGENT, SIGNING_SCHEME, SIGNING_TIME,
    TIMESTAMP_SIGNATURE, check_critical, check_times, malformed, read_chain,
};
use crate::payload::PAYLOAD_TYPE;
use crate::sign::Draft;
use crate::text::clean;
use crate::{Algorithm, Envelope, EnvelopeFormat, Error, SigningScheme};

const FORMAT: EnvelopeFormat = EnvelopeFormat::Cose;
const TAG_SIGN1: u64 = 18;
const ALG: Value<'static> = Value::Unsigned(1);
const CRIT: Value<'static> = Value::Unsigned(2);
const CONTENT_TYPE: Value<'static> = Value::Unsigned(3);
const X5CHAIN: Value<'static> = Value::Unsigned(33);
const KNOWN: [Value<'static>; 7] = [
    ALG,
    CRIT,
    CONTENT_TYPE,
    Value::Text(SIGNING_SCHEME),
    Value::Text(SIGNING_TIME),
    Value::Text(AUTHENTIC_SIGNING_TIME),
    Value::Text(EXPIRY),
];

type Entries<'a> = [(Value<'a>, Value<'a>)];

/// Reads an envelope.
pub(crate) fn read(bytes: &[u8]) -> Result<Envelope, Error> {
    let form = || malformed(FORMAT, "it is not a `COSE_Sign1_Tagged` with its payload inside");
    let Value::Tag(TAG_SIGN1, content) = cbor::read(bytes)? else { return Err(form()) };
    let Value::Array(parts) = *content else { return Err(form()) };
    let [
        Value::Bytes(protected_bytes),
        Value::Map(unprotected),
        Value::Bytes(payload),
        Value::Bytes(signature),
    ] = parts.as_slice()
    else {
        return Err(form());
    };
    let Value::Map(protected) = cbor::read(protected_bytes)? else { return Err(form()) };
    let signed = Signed::read(&protected)?;
    let is_signed =
        |key: &Value<'_>| KNOWN.contains(key) || protected.iter().any(|(known, _)| known == key);
    if let Some((key, _)) = unprotected.iter().find(|(key, _)| is_signed(key)) {
        return Err(malformed(FORMAT, format!("the header `{}` is not signed", key.name())));
    }
    let timestamp = match get(unprotected, &Value::Text(TIMESTAMP_SIGNATURE)) {
        None => None,
        Some(Value::Bytes(token)) => Some(token.to_vec()),
        Some(_) => {
            let reason = format!("the header `{TIMESTAMP_SIGNATURE}` is not a byte string");
            return Err(malformed(FORMAT, reason));
        }
    };
    let agent = match get(unprotected, &Value::Text(SIGNING_AGENT)) {
        Some(Value::Text(agent)) => Some(clean(agent)),
        _ => None,
    };
    Ok(Envelope {
        format: FORMAT,
        algorithm: signed.algorithm,
        scheme: signed.scheme,
        signing_time: signed.signing_time,
        expiry: signed.expiry,
        attributes: signed.attributes,
        chain: read_chain(FORMAT, unsigned_chain(unprotected)?.into_iter())?,
        timestamp,
        agent,
        signature: signature.to_vec(),
        payload: payload.to_vec(),
        signed: signature_structure(protected_bytes, payload),
    })
}

// RFC 9052 §4.4, without further data from outside.
fn signature_structure(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    cbor::to_vec(&Value::Array(vec![
        Value::Text("Signature1"),
        Value::Bytes(protected),
        Value::Bytes(&[]),
        Value::Bytes(payload),
    ]))
}

fn get<'a, 'b>(entries: &'b Entries<'a>, key: &Value<'_>) -> Option<&'b Value<'a>> {
    entries.iter().find(|(known, _)| known == key).map(|(_, value)| value)
}

struct Signed {
    algorithm: Algorithm,
    scheme: SigningScheme,
    signing_time: Timestamp,
    expiry: Option<Timestamp>,
    attributes: Vec<String>,
}

impl Signed {
    fn read(protected: &Entries<'_>) -> Result<Self, Error> {
        let need = |key: Value<'_>| {
            get(protected, &key).ok_or_else(|| {
                malformed(FORMAT, format!("the signed header `{}` is missing", key.name()))
            })
        };
        let algorithm = match need(ALG)? {
            Value::Negative(number) => Algorithm::from_cose(*number),
            _ => None,
        };
        let algorithm = algorithm.ok_or_else(|| {
            Error::Algorithm(need(ALG).map_or_else(|_| String::new(), Value::name))
        })?;
        match need(CONTENT_TYPE)? {
            Value::Text(PAYLOAD_TYPE) => {}
            other => {
                return Err(malformed(
                    FORMAT,
                    format!("the payload is of type `{}`", other.name()),
                ));
            }
        }
        let scheme = need(Value::Text(SIGNING_SCHEME))?;
        let scheme = match scheme {
            Value::Text(name) => SigningScheme::read(name),
            _ => None,
        }
        .ok_or_else(|| {
            malformed(FORMAT, format!("the signing scheme `{}` is not known", scheme.name()))
        })?;
        let has = |name: &str| get(protected, &Value::Text(name)).is_some();
        check_critical(FORMAT, &read_critical(protected)?, scheme, has)?;
        check_times(FORMAT, scheme, has)?;
        let time = |name: &'static str| {
            need(Value::Text(name))?
                .epoch_secs()
                .and_then(|secs| Timestamp::from_second(secs).ok())
                .ok_or_else(|| {
                    let reason = format!("`{name}` is not a whole number of seconds of tag 1");
                    malformed(FORMAT, reason)
                })
        };
        let others = protected.iter().filter(|(key, _)| !KNOWN.contains(key));
        Ok(Self {
            algorithm,
            scheme,
            signing_time: time(scheme.time_header())?,
            expiry: if has(EXPIRY) { Some(time(EXPIRY)?) } else { None },
            attributes: others.map(|(key, _)| key.name()).collect(),
        })
    }
}

// Algorithm and content type may be named: they are understood.
fn read_critical(protected: &Entries<'_>) -> Result<Vec<String>, Error> {
    let error = || malformed(FORMAT, "`crit` is missing, or not a list of names");
    let Some(Value::Array(names)) = get(protected, &CRIT) else { return Err(error()) };
    let mut critical = Vec::new();
    for name in names {
        match name {
            Value::Text(name) => critical.push((*name).to_owned()),
            known if [ALG, CONTENT_TYPE].contains(known) => {}
            Value::Unsigned(_) | Value::Negative(_) => {
                let reason = format!("the critical header `{}` is not understood", name.name());
                return Err(malformed(FORMAT, reason));
            }
            _ => return Err(error()),
        }
    }
    Ok(critical)
}

// RFC 9360 §2: a list, or one certificate by itself.
fn unsigned_chain<'a>(unprotected: &Entries<'a>) -> Result<Vec<&'a [u8]>, Error> {
    let error = || malformed(FORMAT, "`x5chain` is missing, or not a list of certificates");
    match get(unprotected, &X5CHAIN) {
        Some(Value::Bytes(single)) => Ok(vec![single]),
        Some(Value::Array(list)) => list
            .iter()
            .map(|value| match value {
                Value::Bytes(der) => Ok(*der),
                _ => Err(error()),
            })
            .collect(),
        _ => Err(error()),
    }
}

/// The protected headers, and what is signed.
pub(crate) fn to_sign(draft: &Draft<'_>) -> Vec<u8> {
    signature_structure(&protected(draft), &draft.target.to_json())
}

fn protected(draft: &Draft<'_>) -> Vec<u8> {
    let mut critical = vec![Value::Text(SIGNING_SCHEME)];
    let mut entries = vec![
        (ALG, Value::Negative(draft.algorithm.cose())),
        (CONTENT_TYPE, Value::Text(PAYLOAD_TYPE)),
        (Value::Text(SIGNING_SCHEME), Value::Text(draft.scheme.as_str())),
        (Value::Text(draft.scheme.time_header()), write_time(draft.signing_time)),
    ];
    if draft.scheme == SigningScheme::SigningAuthority {
        critical.push(Value::Text(AUTHENTIC_SIGNING_TIME));
    }
    if let Some(expiry) = draft.expiry {
        critical.push(Value::Text(EXPIRY));
        entries.push((Value::Text(EXPIRY), write_time(expiry)));
    }
    entries.push((CRIT, Value::Array(critical)));
    cbor::to_vec(&Value::Map(entries))
}

fn write_time(time: Timestamp) -> Value<'static> {
    let secs = time.as_second();
    let number = match u64::try_from(secs) {
        Ok(secs) => Value::Unsigned(secs),
        Err(_) => Value::Negative((-1 - secs).unsigned_abs()),
    };
    Value::Tag(1, Box::new(number))
}

/// The envelope of what was signed.
pub(crate) fn write(draft: &Draft<'_>, signature: &[u8]) -> Vec<u8> {
    let chain = draft.chain.iter().map(|certificate| Value::Bytes(certificate.der())).collect();
    let mut unprotected = vec![
        (X5CHAIN, Value::Array(chain)),
        (Value::Text(SIGNING_AGENT), Value::Text(draft.agent)),
    ];
    if let Some(timestamp) = draft.timestamp {
        unprotected.push((Value::Text(TIMESTAMP_SIGNATURE), Value::Bytes(timestamp)));
    }
    let (protected, payload) = (protected(draft), draft.target.to_json());
    cbor::to_vec(&Value::Tag(
        TAG_SIGN1,
        Box::new(Value::Array(vec![
            Value::Bytes(&protected),
            Value::Map(unprotected),
            Value::Bytes(&payload),
            Value::Bytes(signature),
        ])),
    ))
}
