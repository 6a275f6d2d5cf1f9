//! Promises of logs of certificates, embedded in a certificate (RFC 6962 §3).

use jiff::Timestamp;
use sealift_crypto::{Certificate, Hash};

use crate::trusted_root::Log;
use crate::{Refusal, Step};

const PROMISES: &str = "1.3.6.1.4.1.11129.2.4.2";
const PROMISES_MAX: usize = 32;
const ENTRY_PRECERTIFICATE: [u8; 2] = [0, 1];

struct Promise<'a> {
    log_id: &'a [u8],
    milliseconds: u64,
    extensions: &'a [u8],
    signature: &'a [u8],
}

/// How many promises of trusted logs a certificate has. What a trusted log did not sign is a refusal.
pub(crate) fn check(
    certificate: &Certificate,
    issuer: &Certificate,
    logs: &[Log],
    steps: &mut Vec<Step>,
) -> Result<(usize, Vec<String>), Refusal> {
    let refuse = |what: String| Refusal::CertificateLog(what);
    let Some(extension) = certificate.extension(PROMISES) else {
        return Ok((0, vec!["the certificate has none".to_owned()]));
    };
    let promises = extension
        .octets()
        .and_then(read_list)
        .ok_or_else(|| refuse("the list of its promises cannot be read".to_owned()))?;
    let signed_part =
        certificate.signed_part_without(PROMISES).map_err(|error| refuse(error.to_string()))?;
    let issuer_key = Hash::Sha256.of(issuer.public_key().spki_der());
    let (mut n_good, mut passed_over) = (0, Vec::new());
    for promise in promises {
        let named = || logs.iter().filter(|log| log.ids.iter().any(|id| id == promise.log_id));
        if named().next().is_none() {
            passed_over.push(format!(
                "the certificate's log `{}` is unknown",
                crate::wire::hex(promise.log_id)
            ));
            continue;
        }
        let time = i64::try_from(promise.milliseconds)
            .ok()
            .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
            .ok_or_else(|| refuse("the time of a promise cannot be read".to_owned()))?;
        let signed = promise.signed(&issuer_key, &signed_part);
        let log =
            named().find(|log| log.key.verify(&signed, promise.signature).is_ok()).ok_or_else(
                || refuse("a promise is not its signature over this certificate".to_owned()),
            )?;
        if !log.validity.contains(time) {
            return Err(refuse(format!("`{}` is not trusted at {time}", log.uri)));
        }
        steps.push(Step {
            what: "certificate log",
            found: format!("`{}` promised to log the certificate at {time}", log.uri),
        });
        n_good += 1;
    }
    Ok((n_good, passed_over))
}

impl Promise<'_> {
    // RFC 6962 §3.2.
    fn signed(&self, issuer_key: &[u8], signed_part: &[u8]) -> Vec<u8> {
        let n_signed = u32::try_from(signed_part.len()).unwrap_or(u32::MAX).to_be_bytes();
        let n_extensions = u16::try_from(self.extensions.len()).unwrap_or(u16::MAX).to_be_bytes();
        [
            // Version 1, a promise.
            &[0, 0][..],
            &self.milliseconds.to_be_bytes(),
            &ENTRY_PRECERTIFICATE,
            issuer_key,
            &n_signed[1..],
            signed_part,
            &n_extensions,
            self.extensions,
        ]
        .concat()
    }
}

// A list whose lengths have two bytes.
fn read_list(list: &[u8]) -> Option<Vec<Promise<'_>>> {
    let (mut rest, after) = counted(list)?;
    let mut promises = Vec::new();
    while !rest.is_empty() {
        let (promise, next) = counted(rest)?;
        (promises.len() < PROMISES_MAX).then_some(())?;
        promises.push(read(promise)?);
        rest = next;
    }
    (after.is_empty() && !promises.is_empty()).then_some(promises)
}

fn read(bytes: &[u8]) -> Option<Promise<'_>> {
    let (version, rest) = bytes.split_first()?;
    let (log_id, rest) = rest.split_at_checked(32)?;
    let (milliseconds, rest) = rest.split_first_chunk::<8>()?;
    let (extensions, rest) = counted(rest)?;
    // The algorithm follows from the log's key.
    let (_, rest) = rest.split_first_chunk::<2>()?;
    let (signature, after) = counted(rest)?;
    let milliseconds = u64::from_be_bytes(*milliseconds);
    (*version == 0 && after.is_empty()).then_some(Promise {
        log_id,
        milliseconds,
        extensions,
        signature,
    })
}

// What a length of two bytes counts, and what comes after.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<2>()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}
