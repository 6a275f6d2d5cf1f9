//! Moments at which a signature existed: a log or a time stamping authority signed them.

use jiff::Timestamp;
use sealift_crypto::timestamp::{self, Token};

use crate::{Refusal, Step, TrustedRoot};

/// A moment that counts.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    pub(crate) time: Timestamp,
    // Who signed it, for people.
    pub(crate) source: String,
}

/// The moments that trusted authorities signed; what is by others is passed over.
pub(crate) fn check(
    timestamps: &[Vec<u8>],
    signature: &[u8],
    root: &TrustedRoot,
    now: Timestamp,
    steps: &mut Vec<Step>,
) -> Result<(Vec<Moment>, Vec<String>), Refusal> {
    let (mut moments, mut passed_over) = (Vec::new(), Vec::new());
    for (index, bytes) in timestamps.iter().enumerate() {
        let number = index + 1;
        let refuse = |fault: String| Refusal::Timestamp { number, fault };
        let token = Token::from_der(bytes).map_err(|refusal| refuse(refusal.to_string()))?;
        if token.time() > now {
            return Err(refuse(format!("its time {} is in the future", token.time())));
        }
        match check_one(&token, signature, root).map_err(refuse)? {
            Ok(moment) => {
                steps.push(Step {
                    what: "timestamp",
                    found: format!("{} signed {}", moment.source, moment.time),
                });
                moments.push(moment);
            }
            Err(why) => passed_over.push(format!("timestamp {number}: {why}")),
        }
    }
    Ok((moments, passed_over))
}

// The inner error says why it does not count, the outer one why it is refused.
fn check_one(
    token: &Token,
    signature: &[u8],
    root: &TrustedRoot,
) -> Result<Result<Moment, String>, String> {
    let mut why = "no time stamping authority is trusted".to_owned();
    for authority in &root.timestamp_authorities {
        let (roots, intermediates) = authority.split();
        match token.verify(signature, intermediates, roots) {
            Ok(verified) if authority.validity.contains(verified.time) => {
                let source = format!("`{}`", authority.uri);
                return Ok(Ok(Moment { time: verified.time, source }));
            }
            Ok(verified) => {
                why = format!("`{}` is not trusted at {}", authority.uri, verified.time);
            }
            Err(
                refusal @ (timestamp::Refusal::UnknownSigner
                | timestamp::Refusal::OtherCertificate
                | timestamp::Refusal::Chain(_)),
            ) => why = refusal.to_string(),
            Err(refusal) => return Err(refusal.to_string()),
        }
    }
    Ok(Err(why))
}
