//! Which signatures count, and for whom.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use sealift_notation::DistinguishedName;

use super::{Question, Refusal, RefusalKind};
use crate::policy::{NameRule, Policy, Rule, Signer};
use crate::tag_map::CLOCK_SECS;
use crate::text::{clean, time};
use crate::{Evidence, Holds, Identity, Proof, Signature, SignedAt};

/// What counts.
pub(super) struct Counted {
    /// Signers with a signature that counts; positions in the policy's list, in order.
    pub(super) signers: Vec<usize>,
    /// How many of them there are if each needs a key of its own.
    pub(super) n_distinct: usize,
    /// The signatures that count; positions in the evidence.
    pub(super) signatures: Vec<usize>,
    /// One step for each signer and for each signature that does not count.
    pub(super) proofs: Vec<Proof>,
    /// Why the first signature that could have counted does not.
    pub(super) first_fault: Option<Refusal>,
}

/// Looks at every signature.
pub(super) fn count(
    policy: &Policy,
    rule: &Rule,
    question: &Question<'_>,
    evidence: &Evidence,
) -> Counted {
    let mut by_signer: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut proofs_of: BTreeMap<usize, Vec<Proof>> = BTreeMap::new();
    let mut others = Vec::new();
    let mut first_fault = None;
    for (number, signature) in evidence.signatures.iter().enumerate() {
        let owners: Vec<usize> = rule
            .signers
            .iter()
            .copied()
            .filter(|position| is_by(&policy.signers[*position], &signature.identity))
            .collect();
        let text = describe(signature, &policy.signers, &owners);
        if owners.is_empty() {
            let text = format!("{text}: of nobody whom the rule names");
            others.push(Proof::new("signature", Holds::Note, text));
        }
        for owner in owners {
            let step = match fault(rule, &policy.signers[owner], question, signature) {
                None => {
                    by_signer.entry(owner).or_default().push(number);
                    Proof::new("signature", Holds::Yes, text.clone())
                }
                Some(fault) => {
                    let step =
                        Proof::new("signature", Holds::No, format!("{text}: {}", fault.text));
                    first_fault.get_or_insert(fault);
                    step
                }
            };
            proofs_of.entry(owner).or_default().push(step);
        }
    }
    let mut proofs: Vec<Proof> = Vec::new();
    for position in &rule.signers {
        let steps = proofs_of.remove(position).unwrap_or_default();
        let name = &policy.signers[*position].name;
        let has_signed = by_signer.contains_key(position);
        let text =
            if has_signed { name.clone() } else { format!("{name} has no signature that counts") };
        let holds = if has_signed { Holds::Yes } else { Holds::Note };
        proofs.push(Proof::new("signer", holds, text).with(steps));
    }
    proofs.extend(others);
    let signatures: BTreeSet<usize> = by_signer.values().flatten().copied().collect();
    Counted {
        n_distinct: distinct(&by_signer, evidence),
        signers: by_signer.into_keys().collect(),
        signatures: signatures.into_iter().collect(),
        proofs,
        first_fault,
    }
}

/// Whether an identity is one of a signer's.
pub(super) fn is_by(signer: &Signer, identity: &Identity) -> bool {
    let has_key =
        |fingerprint: &str| signer.keys.iter().any(|known| known.key.fingerprint() == fingerprint);
    match identity {
        Identity::Key { fingerprint } => has_key(fingerprint),
        Identity::Certificate { authority, subject, .. } => {
            signer.statement.is_some()
                || signer.certificates.iter().any(|known| known.fingerprint() == *authority)
                    && (signer.subjects.is_empty()
                        || signer.subjects.iter().any(|wanted| is_subject(wanted, subject)))
        }
        Identity::Keyless { subject, issuer } => signer
            .identities
            .iter()
            .any(|known| known.issuer == *issuer && crate::glob(&known.subject, subject)),
        // Several keys may stand behind a role; then it is not known which has signed.
        Identity::Role { role, keys } => {
            signer.roles.contains(role) || matches!(keys.as_slice(), [key] if has_key(key))
        }
    }
}

// All attributes that are wanted are there, as notation compares them.
fn is_subject(wanted: &str, actual: &str) -> bool {
    match (DistinguishedName::parse(wanted), DistinguishedName::parse(actual)) {
        (Ok(wanted), Ok(actual)) => wanted.is_part_of(&actual),
        _ => false,
    }
}

/// The revocation that makes an identity worth nothing.
pub(super) fn revoked(
    question: &Question<'_>,
    identity: &Identity,
    signed_at: Option<SignedAt>,
) -> Option<String> {
    let keys = identity.keys();
    let entry =
        question.revocations.iter().find_map(|list| keys.iter().find_map(|key| list.key(key)))?;
    // Whoever has a stolen key can write any time into what it signs.
    let is_older =
        signed_at.is_some_and(|at| at.source.is_independent() && at.secs < entry.since_secs);
    (!is_older)
        .then(|| format!("its key is revoked since {}: {}", time(entry.since_secs), entry.reason))
}

fn fault(
    rule: &Rule,
    signer: &Signer,
    question: &Question<'_>,
    signature: &Signature,
) -> Option<Refusal> {
    if signature.fault.is_some() {
        return signature.fault.clone();
    }
    let refusal = |kind, text: String| Some(Refusal { kind, text });
    if !rule.formats.contains(&signature.format) {
        let text = format!("{} signatures do not count here", signature.format);
        return refusal(RefusalKind::Signers, text);
    }
    if let Some(reason) = revoked(question, &signature.identity, signature.signed_at) {
        return refusal(RefusalKind::Revoked, reason);
    }
    let artifact: Option<sealift_oci::Digest> = signature.artifact.parse().ok();
    let entry = artifact
        .and_then(|artifact| question.revocations.iter().find_map(|list| list.digest(&artifact)));
    if let Some(entry) = entry {
        let text =
            format!("the signature is revoked since {}: {}", time(entry.since_secs), entry.reason);
        return refusal(RefusalKind::Revoked, text);
    }
    if let Some(end) = signature.expires_secs.filter(|end| *end <= question.now_secs) {
        let text = format!(
            "the {} signature by {} ended on {}",
            signature.format,
            signature.identity,
            time(end)
        );
        return refusal(RefusalKind::Expired, text);
    }
    let ahead = question.now_secs.saturating_add(CLOCK_SECS);
    if let Some(at) = signature.signed_at.filter(|at| at.secs > ahead) {
        let text = format!("it was signed on {}, which has not come yet", time(at.secs));
        return refusal(RefusalKind::Replayed, text);
    }
    let is_named = match &signer.name_rule {
        Some(wanted) => super::names::fits(wanted, question.image, &signature.bound),
        None if rule.name == NameRule::Any => Ok(()),
        None => super::names::is_of(question.image, &signature.bound),
    };
    is_named.err().and_then(|text| refusal(RefusalKind::Repointed, text))
}

// The largest number of signers who have a key each that no other of them uses: a matching in a small graph.
fn distinct(by_signer: &BTreeMap<usize, Vec<usize>>, evidence: &Evidence) -> usize {
    let choices: Vec<Vec<String>> = by_signer
        .values()
        .map(|signatures| {
            let principals: BTreeSet<String> = signatures
                .iter()
                .flat_map(|number| evidence.signatures[*number].identity.principals())
                .collect();
            principals.into_iter().collect()
        })
        .collect();
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    (0..choices.len()).filter(|start| augment(*start, &choices, &mut taken)).count()
}

// One round of breadth-first search for a free key, then the chain of owners moves along it.
fn augment<'a>(
    start: usize,
    choices: &'a [Vec<String>],
    taken: &mut BTreeMap<&'a str, usize>,
) -> bool {
    let mut came_from: BTreeMap<&'a str, usize> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(signer) = queue.pop_front() {
        for key in &choices[signer] {
            if came_from.contains_key(key.as_str()) {
                continue;
            }
            came_from.insert(key, signer);
            if let Some(owner) = taken.get(key.as_str()) {
                queue.push_back(*owner);
                continue;
            }
            let mut free: &'a str = key;
            loop {
                let signer = came_from[free];
                let before = taken.iter().find(|(_, owner)| **owner == signer).map(|(key, _)| *key);
                taken.insert(free, signer);
                match before {
                    Some(before) if signer != start => free = before,
                    _ => return true,
                }
            }
        }
    }
    false
}

fn describe(signature: &Signature, signers: &[Signer], owners: &[usize]) -> String {
    let mut text = format!("{} signature by {}", signature.format, signature.identity);
    let file = owners.iter().find_map(|owner| {
        let Identity::Key { fingerprint } = &signature.identity else { return None };
        let known =
            signers[*owner].keys.iter().find(|known| known.key.fingerprint() == *fingerprint)?;
        Some(&known.file)
    });
    if let Some(file) = file {
        write!(text, " (`{}`)", clean(file)).expect("a string takes everything");
    }
    if let crate::Bound::Name(name) = &signature.bound {
        write!(text, " for {}", clean(name)).expect("a string takes everything");
    }
    if let Some(at) = signature.signed_at {
        write!(text, ", {} says {}", time(at.secs), at.source.as_str())
            .expect("a string takes everything");
    }
    write!(text, ", {}", clean(&signature.artifact)).expect("a string takes everything");
    text
}
