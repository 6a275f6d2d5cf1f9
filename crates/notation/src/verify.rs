//! Judges a signature by a statement of a policy: five checks, each with what follows if it fails.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealift_crypto::timestamp::Token;
use sealift_crypto::{Certificate, PublicKey};
use sealift_oci::Descriptor;

use crate::{
    Action, Check, DistinguishedName, Envelope, Error, Level, RevocationLists, SigningScheme,
    Statement, StoreType, Target, TrustStore, TrustedIdentity, VerifyTimestamp, chain,
};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The statement of the policy that is for the artifact.
    pub statement: &'a Statement,
    /// The stores that it names.
    pub store: &'a TrustStore,
    /// Lists of revoked certificates.
    pub lists: &'a RevocationLists,
    /// Media type of the envelope.
    pub media_type: &'a str,
    /// The envelope.
    pub envelope: &'a [u8],
    /// The artifact that is there.
    pub artifact: &'a Descriptor,
    /// Annotations that the signature must have.
    pub annotations: &'a BTreeMap<String, String>,
    /// The time.
    pub now: Timestamp,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The level of the statement.
    pub level: Level,
    /// The checks that were made, in their order. After one that is enforced and fails there are no more.
    pub checks: Vec<CheckResult>,
    /// What was signed and by whom, if the integrity of the signature is proved. Trust is in `checks`.
    pub signed: Option<Signed>,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// Which.
    pub check: Check,
    /// What follows if it fails.
    pub action: Action,
    /// Why it failed.
    pub fault: Option<Error>,
}

/// A signature that matches its certificate's key and is for the artifact.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The artifact, with the signer's annotations.
    pub target: Target,
    /// The signer's certificate first, the root last.
    pub chain: Vec<Certificate>,
    /// The certificate of the chain that a store of the statement has.
    pub authority: Option<Certificate>,
    /// When.
    pub time: SignedTime,
    /// Until when the signer stands for it.
    pub expiry: Option<Timestamp>,
    /// Who is believed about the time.
    pub scheme: SigningScheme,
    /// The program that signed, as it says.
    pub agent: Option<String>,
}

/// When a signature was made, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedTime {
    /// The signer, whom nobody need believe.
    Claimed(Timestamp),
    /// A trusted signing service.
    SigningAuthority(Timestamp),
    /// A trusted time stamping authority.
    Timestamp(Timestamp),
}

impl SignedTime {
    /// The moment.
    pub fn moment(self) -> Timestamp {
        match self {
            Self::Claimed(time) | Self::SigningAuthority(time) | Self::Timestamp(time) => time,
        }
    }

    fn proved(self) -> Option<Timestamp> {
        match self {
            Self::Claimed(_) => None,
            Self::SigningAuthority(time) | Self::Timestamp(time) => Some(time),
        }
    }
}

impl Signed {
    /// The signer's key.
    pub fn key(&self) -> &PublicKey {
        self.chain[0].public_key()
    }

    /// The signer's subject, as RFC 4514 writes it.
    pub fn subject(&self) -> String {
        self.chain[0].subject().to_string()
    }
}

impl Outcome {
    /// Whether nothing that is enforced has failed. True for [`Level::Skip`], which proves nothing.
    pub fn is_accepted(&self) -> bool {
        self.refusal().is_none()
    }

    /// Why the signature is refused.
    pub fn refusal(&self) -> Option<&Error> {
        let mut enforced = self.checks.iter().filter(|result| result.action == Action::Enforce);
        enforced.find_map(|result| result.fault.as_ref())
    }

    /// What failed and is only reported.
    pub fn warnings(&self) -> impl Iterator<Item = &CheckResult> {
        let logged = self.checks.iter().filter(|result| result.action == Action::Log);
        logged.filter(|result| result.fault.is_some())
    }
}

/// Judges a signature.
pub fn verify(question: &Question<'_>) -> Outcome {
    let mut outcome = Outcome { level: question.statement.level, checks: Vec::new(), signed: None };
    if question.statement.level == Level::Skip {
        return outcome;
    }
    let (envelope, mut signed) = match check_integrity(question) {
        Ok(pair) => pair,
        Err(fault) => {
            outcome.note(question, Check::Integrity, Err(fault));
            return outcome;
        }
    };
    outcome.note(question, Check::Integrity, Ok(()));
    for check in &Check::ALL[1..] {
        if question.statement.action(*check) == Action::Skip {
            continue;
        }
        let found = match check {
            Check::Authenticity => check_authenticity(question, &mut signed),
            Check::Expiry => check_expiry(question, &signed),
            Check::AuthenticTimestamp => check_time(question, &envelope, &mut signed),
            Check::Revocation | Check::Integrity => {
                let signed_at = signed.time.proved();
                question.lists.check_chain(&signed.chain, question.now, signed_at)
            }
        };
        if outcome.note(question, *check, found) {
            break;
        }
    }
    outcome.signed = Some(signed);
    outcome
}

impl Outcome {
    // Returns whether this ends it.
    fn note(&mut self, question: &Question<'_>, check: Check, found: Result<(), Error>) -> bool {
        let action = question.statement.action(check);
        let ends = found.is_err() && action == Action::Enforce;
        self.checks.push(CheckResult { check, action, fault: found.err() });
        ends
    }
}

fn check_integrity(question: &Question<'_>) -> Result<(Envelope, Signed), Error> {
    let envelope = Envelope::parse(question.media_type, question.envelope)?;
    let target = envelope.verify()?;
    target.check(question.artifact)?;
    for (name, value) in question.annotations {
        if target.annotations.get(name) != Some(value) {
            let (name, value) = (crate::text::clean(name), crate::text::clean(value));
            return Err(Error::Annotation { name, value });
        }
    }
    let signed = Signed {
        target,
        chain: envelope.chain.clone(),
        authority: None,
        time: SignedTime::Claimed(envelope.signing_time),
        expiry: envelope.expiry,
        scheme: envelope.scheme,
        agent: envelope.agent.clone(),
    };
    Ok((envelope, signed))
}

fn check_authenticity(question: &Question<'_>, signed: &mut Signed) -> Result<(), Error> {
    let statement = question.statement;
    let kind = match signed.scheme {
        SigningScheme::X509 => StoreType::Authority,
        SigningScheme::SigningAuthority => StoreType::SigningAuthority,
    };
    let trusted = question.store.certificates(kind, &statement.stores)?;
    let authority = signed.chain.iter().find(|certificate| trusted.contains(certificate)).cloned();
    if authority.is_none() {
        return Err(Error::Untrusted { statement: statement.name.clone() });
    }
    let refused = || Error::Identity {
        subject: chain::name(&signed.chain[0]),
        statement: statement.name.clone(),
    };
    if !statement.identities.contains(&TrustedIdentity::Any) {
        let subject = DistinguishedName::of_name(signed.chain[0].subject()).map_err(|reason| {
            Error::Certificate { subject: chain::name(&signed.chain[0]), reason }
        })?;
        let is_trusted = statement.identities.iter().any(|identity| match identity {
            TrustedIdentity::Any => true,
            TrustedIdentity::Subject(wanted) => wanted.is_part_of(&subject),
        });
        if !is_trusted {
            return Err(refused());
        }
    }
    // Only who is trusted says when it was.
    if signed.scheme == SigningScheme::SigningAuthority {
        signed.time = SignedTime::SigningAuthority(signed.time.moment());
    }
    signed.authority = authority;
    Ok(())
}

fn check_expiry(question: &Question<'_>, signed: &Signed) -> Result<(), Error> {
    match signed.expiry {
        Some(at) if question.now >= at => Err(Error::Expired { at }),
        _ => Ok(()),
    }
}

fn check_time(
    question: &Question<'_>,
    envelope: &Envelope,
    signed: &mut Signed,
) -> Result<(), Error> {
    if signed.scheme == SigningScheme::SigningAuthority {
        return check_validity(&signed.chain, signed.time.moment(), "the time of signing");
    }
    let statement = question.statement;
    let has_store = statement.stores.iter().any(|store| store.kind == StoreType::Timestamp);
    let is_expired = signed.chain.iter().any(|certificate| question.now > certificate.validity().1);
    let is_wanted =
        has_store && (statement.verify_timestamp == VerifyTimestamp::Always || is_expired);
    if !is_wanted {
        return check_validity(&signed.chain, question.now, "now");
    }
    let refused = |reason: String| Error::Timestamp(reason);
    let token = envelope
        .timestamp
        .as_deref()
        .ok_or_else(|| refused("the signature has none".to_owned()))?;
    let token = Token::from_der(token).map_err(|error| refused(error.to_string()))?;
    let roots = question.store.certificates(StoreType::Timestamp, &statement.stores)?;
    let verified = token
        .verify(&envelope.signature, &[], &roots)
        .map_err(|error| refused(error.to_string()))?;
    let accuracy = token.accuracy();
    let edges = [
        verified.time.checked_sub(accuracy).unwrap_or(Timestamp::MIN),
        verified.time.checked_add(accuracy).unwrap_or(Timestamp::MAX),
    ];
    for edge in edges {
        check_validity(&signed.chain, edge, "the time of the timestamp")?;
    }
    // Where nobody asks about revocation, what is not known of the authority does not matter either.
    let is_asked = statement.action(Check::Revocation) == Action::Enforce;
    match question.lists.check_chain(&verified.path, question.now, None) {
        Err(Error::RevocationUnknown { .. }) if !is_asked => {}
        found => found?,
    }
    signed.time = SignedTime::Timestamp(verified.time);
    Ok(())
}

fn check_validity(
    certificates: &[Certificate],
    at: Timestamp,
    what: &'static str,
) -> Result<(), Error> {
    match certificates.iter().find(|certificate| !certificate.is_valid_at(at)) {
        None => Ok(()),
        Some(certificate) => {
            let (from, to) = certificate.validity();
            Err(Error::Validity { subject: chain::name(certificate), from, to, at, what })
        }
    }
}
