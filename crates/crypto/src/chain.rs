//! Paths of certificates from a leaf to a trusted authority (RFC 5280 §6.1), at one moment and for one purpose.
//!
//! Entry point: [`validate`]. Policies are not asked for, and names are not constrained: a certificate that constrains
//! names or has a critical extension that is unknown here is refused. Searching is bounded by [`DEPTH_MAX`],
//! [`CERTIFICATES_MAX`] and [`CHECKS_MAX`].

use jiff::Timestamp;

use crate::certificate::{
    Certificate, KeyUsage, PURPOSE_ANY, PURPOSE_CODE_SIGNING, PURPOSE_TIME_STAMPING,
};

/// The longest path, with leaf and trusted authority.
pub const DEPTH_MAX: usize = 8;
/// The most certificates that may be offered.
pub const CERTIFICATES_MAX: usize = 100;
/// The most signatures that are checked.
pub const CHECKS_MAX: usize = 100;

const EXTENDED_KEY_USAGE: &str = "2.5.29.37";

/// What the key of the leaf must be for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Signing code.
    CodeSigning,
    /// Signing timestamps, and nothing else (RFC 3161 §2.3).
    TimeStamping,
    /// Whatever it is.
    Any,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The certificate in question.
    pub leaf: &'a Certificate,
    /// Certificates that may stand between; nothing about them is trusted.
    pub intermediates: &'a [Certificate],
    /// The trusted authorities. The leaf may be one of them.
    pub roots: &'a [Certificate],
    /// What for.
    pub purpose: Purpose,
    /// When.
    pub at: Timestamp,
}

/// Why there is no path: the fault of the certificate that was reached last on the best attempt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the certificate `{name}` {fault}")]
pub struct Refusal {
    /// Subject of the certificate, or its serial number.
    pub name: String,
    /// How far from the leaf it is; 0 is the leaf.
    pub depth: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with one certificate of a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// At another time it may be good.
    #[error("is valid from {from} to {to}, and not at {at}")]
    Time {
        /// First moment.
        from: Timestamp,
        /// Last moment.
        to: Timestamp,
        /// The moment in question.
        at: Timestamp,
    },
    /// What is critical must be understood.
    #[error("has a critical extension `{0}` that is not understood")]
    UnknownCritical(String),
    /// Constraints are not weighed here.
    #[error("constrains names, which is not understood")]
    NameConstraints,
    /// A leaf that signs certificates, or an old certificate without constraints.
    #[error("signed another, but is not an authority")]
    NotAuthority,
    /// Key usage without certificate signing.
    #[error("signed another, but its key may not sign certificates")]
    CertificateSigning,
    /// Too many authorities below.
    #[error("allows {allowed} authorities below it, and there are {found}")]
    PathLength {
        /// As it says.
        allowed: u32,
        /// As it is.
        found: u32,
    },
    /// Its extended key usage is another, or a leaf has none.
    #[error("is not for {0}")]
    Purpose(&'static str),
    /// RFC 3161 §2.3.
    #[error("is for time stamping, but not critically for that alone")]
    NotForTimeAlone,
    /// Key usage without digital signature.
    #[error("has a key that may not make signatures")]
    NoSignatures,
    /// Who issued it is not here.
    #[error("was issued by `{0}`, which is neither trusted nor given")]
    NoIssuer(String),
    /// The name is known, the key is another, or the algorithm is too weak.
    #[error("names `{0}` as its issuer, whose key did not sign it")]
    Signature(String),
    /// The search was given up.
    #[error("has a path to a trusted authority that is too long or too tangled")]
    Limit,
}

/// Finds a path from the leaf to a trusted authority; the leaf is first.
pub fn validate<'a>(question: &Question<'a>) -> Result<Vec<&'a Certificate>, Refusal> {
    let refuse = |fault| Refusal { name: name(question.leaf), depth: 0, fault };
    if question.intermediates.len() + question.roots.len() > CERTIFICATES_MAX {
        return Err(refuse(Fault::Limit));
    }
    check_any(question.leaf, question).map_err(refuse)?;
    check_leaf(question.leaf, question.purpose).map_err(refuse)?;
    if question.roots.contains(question.leaf) {
        return Ok(vec![question.leaf]);
    }
    let mut search =
        Search { question, path: vec![question.leaf], n_checks: 0, best: refuse(Fault::Limit) };
    search.best = search.refusal(search.no_issuer());
    if search.extend() { Ok(search.path) } else { Err(search.best) }
}

struct Search<'a, 'q> {
    question: &'q Question<'a>,
    path: Vec<&'a Certificate>,
    n_checks: usize,
    // Of the attempts that failed, the one that came farthest.
    best: Refusal,
}

impl<'a> Search<'a, '_> {
    // Depth first; the recursion is as deep as the path, which is bounded.
    fn extend(&mut self) -> bool {
        let last = *self.path.last().expect("a path has its leaf");
        let issuers = |from: &'a [Certificate]| {
            from.iter().filter(|issuer| issuer.subject() == last.issuer())
        };
        for root in issuers(self.question.roots) {
            if self.step(last, root) {
                self.path.push(root);
                return true;
            }
        }
        for issuer in issuers(self.question.intermediates) {
            // Twice the same key would be a circle.
            let is_known = self.path.iter().any(|known| {
                known.public_key() == issuer.public_key() && known.subject() == issuer.subject()
            });
            if is_known {
                continue;
            }
            if self.path.len() + 1 >= DEPTH_MAX {
                self.note(Fault::Limit);
                return false;
            }
            if self.step(last, issuer) {
                self.path.push(issuer);
                self.note(self.no_issuer());
                if self.extend() {
                    return true;
                }
                self.path.pop();
            }
        }
        false
    }

    // Whether this issuer may follow the path.
    fn step(&mut self, last: &Certificate, issuer: &'a Certificate) -> bool {
        self.n_checks += 1;
        if self.n_checks > CHECKS_MAX {
            self.note(Fault::Limit);
            return false;
        }
        if last.verify_signature(issuer.public_key()).is_err() {
            self.note(Fault::Signature(issuer.subject().to_string()));
            return false;
        }
        // The leaf does not count, nor does who names itself (RFC 5280 §4.2.1.9).
        let n_below = self.path[1..].iter().filter(|below| below.subject() != below.issuer());
        let n_below = u32::try_from(n_below.count()).unwrap_or(u32::MAX);
        let checked = check_any(issuer, self.question)
            .and_then(|()| check_authority(issuer, self.question.purpose, n_below));
        if let Err(fault) = checked {
            let refusal = Refusal { name: name(issuer), depth: self.path.len(), fault };
            self.keep(refusal);
            return false;
        }
        true
    }

    fn no_issuer(&self) -> Fault {
        let last = self.path.last().expect("a path has its leaf");
        Fault::NoIssuer(last.issuer().to_string())
    }

    fn refusal(&self, fault: Fault) -> Refusal {
        let last = self.path.last().expect("a path has its leaf");
        Refusal { name: name(last), depth: self.path.len() - 1, fault }
    }

    fn note(&mut self, fault: Fault) {
        self.keep(self.refusal(fault));
    }

    // Nothing says less than that there is no issuer.
    fn keep(&mut self, refusal: Refusal) {
        let is_weak = matches!(self.best.fault, Fault::NoIssuer(_));
        if refusal.depth > self.best.depth || (refusal.depth == self.best.depth && is_weak) {
            self.best = refusal;
        }
    }
}

fn check_any(certificate: &Certificate, question: &Question<'_>) -> Result<(), Fault> {
    let (from, to) = certificate.validity();
    if !certificate.is_valid_at(question.at) {
        return Err(Fault::Time { from, to, at: question.at });
    }
    if let Some(id) = certificate.unknown_critical_extension() {
        return Err(Fault::UnknownCritical(id.to_owned()));
    }
    if certificate.has_name_constraints() {
        return Err(Fault::NameConstraints);
    }
    Ok(())
}

fn check_leaf(leaf: &Certificate, purpose: Purpose) -> Result<(), Fault> {
    let Some((wanted, text)) = wanted(purpose) else { return Ok(()) };
    let may_sign =
        leaf.allows(KeyUsage::DigitalSignature) || leaf.allows(KeyUsage::ContentCommitment);
    if !may_sign {
        return Err(Fault::NoSignatures);
    }
    let purposes = leaf.extended_key_usages().unwrap_or_default();
    if !purposes.iter().any(|found| found == wanted) {
        return Err(Fault::Purpose(text));
    }
    if purpose == Purpose::TimeStamping {
        let is_critical = leaf.extension(EXTENDED_KEY_USAGE).is_some_and(|usage| usage.is_critical);
        if purposes.len() != 1 || !is_critical {
            return Err(Fault::NotForTimeAlone);
        }
    }
    Ok(())
}

fn check_authority(certificate: &Certificate, purpose: Purpose, n_below: u32) -> Result<(), Fault> {
    if !certificate.is_authority() {
        return Err(Fault::NotAuthority);
    }
    if !certificate.allows(KeyUsage::CertificateSigning) {
        return Err(Fault::CertificateSigning);
    }
    if let Some(allowed) = certificate.path_length_max()
        && n_below > allowed
    {
        return Err(Fault::PathLength { allowed, found: n_below });
    }
    // An authority that names purposes stands for no others.
    match (wanted(purpose), certificate.extended_key_usages()) {
        (Some((wanted, text)), Some(purposes)) => purposes
            .iter()
            .any(|found| found == wanted || found == PURPOSE_ANY)
            .then_some(())
            .ok_or(Fault::Purpose(text)),
        _ => Ok(()),
    }
}

fn wanted(purpose: Purpose) -> Option<(&'static str, &'static str)> {
    match purpose {
        Purpose::CodeSigning => Some((PURPOSE_CODE_SIGNING, "signing code")),
        Purpose::TimeStamping => Some((PURPOSE_TIME_STAMPING, "time stamping")),
        Purpose::Any => None,
    }
}

// The certificates of keyless signers have no subject.
fn name(certificate: &Certificate) -> String {
    if certificate.subject().is_empty() {
        format!("serial number {}", crate::hex::lower(certificate.serial()))
    } else {
        certificate.subject().to_string()
    }
}

#[cfg(test)]
mod tests;
