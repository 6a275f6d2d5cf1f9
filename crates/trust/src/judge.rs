//! The judgement: a policy, what was proved, and the question whether this image may be used under this name.

mod names;
mod signers;

use std::fmt::{self, Write as _};

use sealift_oci::{Digest, Reference};

use crate::policy::{Decision, OnMissing, Policy, Require, Rule};
use crate::revocation::RevocationList;
use crate::tag_map::{self, TagMap};
use crate::text::{clean, list, short, time};
use crate::{Evidence, Holds, Proof, write_duration};
use signers::{Counted, count};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The name under which the image is wanted.
    pub image: &'a Reference,
    /// The digest that the name led to.
    pub digest: &'a Digest,
    /// Digest of the platform's manifest, if the other is an index.
    pub child: Option<&'a Digest>,
    /// A signer who must have signed, whatever the rule says.
    pub signer: Option<&'a str>,
    /// Revocation lists.
    pub revocations: &'a [RevocationList],
    /// Now, in seconds since 1970.
    pub now_secs: i64,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// Whether the image may be used.
    pub outcome: Outcome,
    /// Why not: the first thing that did not hold.
    pub refusal: Option<Refusal>,
    /// The rule that decided.
    pub rule: Option<Rule>,
    /// Names of the signers who count, in the policy's order.
    pub signers: Vec<String>,
    /// The whole proof.
    pub proof: Proof,
}

/// Whether an image may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It may.
    Admitted,
    /// It may, and somebody should know that it proves less than it should.
    Warned,
    /// It may not.
    Refused,
}

/// Why an image may not be used, in one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What kind of reason.
    pub kind: RefusalKind,
    /// The reason.
    pub text: String,
}

/// What kind of reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// No rule covers the image, or two do.
    Rule,
    /// Something does not match its digest or signature.
    Tampered,
    /// No signature.
    Unsigned,
    /// Too few signers.
    Signers,
    /// What was signed has ended.
    Expired,
    /// Older than allowed, or than what was seen.
    Replayed,
    /// The tag stands for something else.
    Repointed,
    /// Revoked.
    Revoked,
    /// An attestation is missing.
    Attestation,
}

impl RefusalKind {
    /// For machines and for the beginning of the line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "no rule",
            Self::Tampered => "tampered",
            Self::Unsigned => "unsigned",
            Self::Signers => "not enough signers",
            Self::Expired => "expired",
            Self::Replayed => "replayed",
            Self::Repointed => "re-pointed",
            Self::Revoked => "revoked",
            Self::Attestation => "attestation missing",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.kind.as_str(), self.text)
    }
}

/// Judges an image.
pub fn judge(policy: &Policy, question: &Question<'_>, evidence: &Evidence) -> Judgement {
    let mut trial =
        Trial { policy, question, evidence, steps: Vec::new(), refusal: None, warned: false };
    let rule = trial.find_rule();
    let mut signers = Vec::new();
    if let Some(rule) = &rule {
        match rule.decision {
            Decision::Judge => signers = trial.examine(rule),
            Decision::Reject => {
                let text = format!("{} rejects everything", rule.place);
                trial.refuse("rule", RefusalKind::Rule, text);
            }
            Decision::AcceptAnything => {
                trial.warned = true;
                let text = format!("{} takes everything, signed or not", rule.place);
                trial.step(Proof::new("rule", Holds::Warning, text));
            }
        }
    }
    trial.finish(rule, signers)
}

struct Trial<'a> {
    policy: &'a Policy,
    question: &'a Question<'a>,
    evidence: &'a Evidence,
    steps: Vec<Proof>,
    refusal: Option<Refusal>,
    warned: bool,
}

impl<'a> Trial<'a> {
    fn step(&mut self, step: Proof) {
        self.steps.push(step);
    }

    fn refuse(&mut self, kind: &'static str, reason: RefusalKind, text: String) {
        self.step(Proof::new(kind, Holds::No, text.clone()));
        self.refusal.get_or_insert(Refusal { kind: reason, text });
    }

    fn find_rule(&mut self) -> Option<Rule> {
        let image = self.question.image;
        match self.policy.rule(image) {
            Ok(Some(rule)) => {
                let text = describe(self.policy, &rule);
                self.step(Proof::new("rule", Holds::Yes, text));
                Some(rule)
            }
            Ok(None) => {
                let text = format!(
                    "no rule of `{}` matches `{}`, and without a rule everything is refused",
                    self.policy.file,
                    image.familiar_name()
                );
                self.refuse("rule", RefusalKind::Rule, text);
                None
            }
            Err(error) => {
                self.refuse("rule", RefusalKind::Rule, error.to_string());
                None
            }
        }
    }

    fn examine(&mut self, rule: &Rule) -> Vec<String> {
        for refusal in &self.evidence.refusals {
            self.refuse("artifact", RefusalKind::Tampered, clean(refusal));
        }
        for replay in &self.evidence.replays {
            self.refuse("artifact", RefusalKind::Replayed, clean(replay));
        }
        self.check_revoked();
        let counted = count(self.policy, rule, self.question, self.evidence);
        self.check_signers(rule, &counted);
        self.check_wanted_signer(rule, &counted);
        self.check_attestations(rule);
        let map = self.tag_map();
        self.check_pinned(map);
        self.check_tag(rule, map, &counted);
        self.check_staleness(rule, map, &counted);
        for unproved in &self.evidence.unproved {
            self.step(Proof::new(
                "unproved",
                Holds::Note,
                format!("proves nothing: {}", clean(&unproved.text)),
            ));
        }
        counted.signers.iter().map(|position| self.policy.signers[*position].name.clone()).collect()
    }

    fn check_revoked(&mut self) {
        let digests = [Some(self.question.digest), self.question.child];
        for list in self.question.revocations {
            for digest in digests.into_iter().flatten() {
                if let Some(entry) = list.digest(digest) {
                    let since = time(entry.since_secs);
                    let text = format!("`{digest}` is revoked since {since}: {}", entry.reason);
                    self.refuse("revocation", RefusalKind::Revoked, text);
                }
            }
            let text = format!(
                "revocation list number {} of {}, {} entries",
                list.counter,
                time(list.issued_secs),
                list.entries.len()
            );
            self.step(Proof::new("revocation", Holds::Note, text));
        }
    }

    fn check_signers(&mut self, rule: &Rule, counted: &Counted) {
        let wanted = wanted(rule);
        let n_met = counted.n_distinct;
        let is_met = n_met >= wanted;
        let all = list(&names(self.policy, &rule.signers));
        let text = format!("{n_met} of the {wanted} signers that are wanted ({all})");
        let steps = counted.proofs.clone();
        if is_met {
            self.step(Proof::new("signers", Holds::Yes, text).with(steps));
            return;
        }
        let nothing = self.evidence.signatures.is_empty()
            && self.evidence.refusals.is_empty()
            && !self.evidence.unproved.iter().any(|unproved| unproved.is_signature);
        if nothing && rule.on_missing == OnMissing::Warn {
            self.warned = true;
            let text = "no signature at all; the rule only warns".to_owned();
            self.step(Proof::new("signers", Holds::Warning, text));
            return;
        }
        self.step(Proof::new("signers", Holds::No, text).with(steps));
        let refusal = match (&counted.first_fault, nothing) {
            (_, true) => Refusal {
                kind: RefusalKind::Unsigned,
                text: format!("no signature; {} must have signed", phrase(rule, &all)),
            },
            (Some(fault), _) if n_met + 1 >= wanted => fault.clone(),
            _ => Refusal {
                kind: if n_met == 0 && counted.first_fault.is_none() {
                    RefusalKind::Unsigned
                } else {
                    RefusalKind::Signers
                },
                text: format!(
                    "signed by {} of {wanted} that are wanted: {} must have signed{}",
                    n_met,
                    phrase(rule, &all),
                    foreign(self.evidence)
                ),
            },
        };
        self.refusal.get_or_insert(refusal);
    }

    fn check_wanted_signer(&mut self, rule: &Rule, counted: &Counted) {
        let Some(name) = self.question.signer else { return };
        let Some(position) = self.policy.signer(name) else {
            let text = format!("`{}` has no signer `{}`", self.policy.file, clean(name));
            return self.refuse("signer", RefusalKind::Signers, text);
        };
        if !rule.signers.contains(&position) {
            let text = format!(
                "the signer `{name}` does not sign for `{}`",
                self.question.image.familiar_name()
            );
            return self.refuse("signer", RefusalKind::Signers, text);
        }
        if counted.signers.contains(&position) {
            let text = format!("`{name}` has signed, as was asked");
            return self.step(Proof::new("signer", Holds::Yes, text));
        }
        let kind =
            if counted.signers.is_empty() { RefusalKind::Unsigned } else { RefusalKind::Signers };
        let others = names(self.policy, &counted.signers);
        let by =
            if others.is_empty() { String::new() } else { format!(", only {}", list(&others)) };
        self.refuse("signer", kind, format!("the signer `{name}` has not signed it{by}"));
    }

    fn check_attestations(&mut self, rule: &Rule) {
        for wanted in &rule.attestations {
            let found = self.evidence.attestations.iter().find(|attestation| {
                wanted.predicate_types.contains(&attestation.predicate_type)
                    && rule.formats.contains(&attestation.format)
                    && signers::revoked(self.question, &attestation.identity, attestation.signed_at)
                        .is_none()
                    && wanted.by.iter().any(|position| {
                        signers::is_by(&self.policy.signers[*position], &attestation.identity)
                    })
            });
            if let Some(attestation) = found {
                let text = format!(
                    "attestation `{}` by {}, {}",
                    wanted.name,
                    attestation.identity,
                    clean(&attestation.artifact)
                );
                self.step(Proof::new("attestation", Holds::Yes, text));
            } else {
                let by = list(&names(self.policy, &wanted.by));
                let text = format!("no attestation `{}` by {by}", wanted.name);
                self.refuse("attestation", RefusalKind::Attestation, text);
            }
        }
    }

    // The newest map decides; a map that contradicts itself is a refusal.
    // A machine that never saw a map believes any that has not ended, unless the policy says how new it must be.
    fn check_pinned(&mut self, map: Option<&TagMap>) {
        let repository = tag_map::repository(self.question.image);
        let Some(least) = self.policy.tag_maps.get(&repository) else { return };
        let text = match map {
            Some(map) if map.counter >= *least => {
                let text = format!("number {}; the policy pins {least} at least", map.counter);
                return self.step(Proof::new("tag map", Holds::Yes, text));
            }
            Some(map) => format!(
                "the tag map of `{repository}` is number {} of {}, and the policy pins {least} at least",
                map.counter,
                time(map.issued_secs)
            ),
            None => format!(
                "there is no tag map of `{repository}` by the rule's signers, and the policy pins number {least} at least"
            ),
        };
        self.refuse("tag map", RefusalKind::Replayed, text);
    }

    fn tag_map(&mut self) -> Option<&'a TagMap> {
        let evidence = self.evidence;
        let repository = tag_map::repository(self.question.image);
        match tag_map::newest(&evidence.tag_maps, &repository, self.question.image.tag()) {
            Ok(map) => map,
            Err(error) => {
                self.refuse("tag map", RefusalKind::Replayed, error.to_string());
                None
            }
        }
    }
}

fn names(policy: &Policy, positions: &[usize]) -> Vec<String> {
    positions.iter().map(|position| policy.signers[*position].name.clone()).collect()
}

fn wanted(rule: &Rule) -> usize {
    match rule.require {
        Require::Any => 1,
        Require::All => rule.signers.len(),
        Require::AtLeast(count) => count,
    }
}

fn phrase(rule: &Rule, all: &str) -> String {
    match (rule.require, rule.signers.len()) {
        (_, 1) => all.to_owned(),
        (Require::Any, _) => format!("any of {all}"),
        (Require::All, _) => format!("all of {all}"),
        (Require::AtLeast(count), _) => format!("{count} of {all}"),
    }
}

fn foreign(evidence: &Evidence) -> String {
    let signatures = || evidence.unproved.iter().filter(|unproved| unproved.is_signature);
    match signatures().count() {
        0 => String::new(),
        1 => match signatures().find_map(|unproved| unproved.why.as_deref()) {
            Some(why) => format!("; one signature proves nothing: {}", clean(why)),
            None => "; one signature by another key proves nothing".to_owned(),
        },
        count => format!("; {count} signatures by other keys prove nothing"),
    }
}

fn describe(policy: &Policy, rule: &Rule) -> String {
    let mut text = format!("{} of `{}`", rule.place, policy.file);
    if rule.decision == Decision::Judge {
        text.push_str(": ");
        text.push_str(&phrase(rule, &list(&names(policy, &rule.signers))));
    }
    if rule.tag_binding {
        text.push_str(", the tag too");
    }
    if let Some(secs) = rule.max_staleness_secs {
        write!(text, ", not older than {}", write_duration(secs))
            .expect("a string takes everything");
    }
    text
}

impl Trial<'_> {
    fn finish(mut self, rule: Option<Rule>, signers: Vec<String>) -> Judgement {
        let outcome = match (&self.refusal, self.warned) {
            (Some(_), _) => Outcome::Refused,
            (None, true) => Outcome::Warned,
            (None, false) => Outcome::Admitted,
        };
        for warning in &self.policy.warnings {
            self.steps.push(Proof::new("warning", Holds::Warning, warning.clone()));
        }
        let (holds, word) = match outcome {
            Outcome::Admitted => (Holds::Yes, "admitted"),
            Outcome::Warned => (Holds::Warning, "admitted with a warning"),
            Outcome::Refused => (Holds::No, "refused"),
        };
        let name = self.question.image.familiar();
        let at = match self.question.image.digest() {
            Some(_) => String::new(),
            None => format!("@{}", self.question.digest),
        };
        let why = self.refusal.as_ref().map(|refusal| format!(" ({refusal})")).unwrap_or_default();
        let proof = Proof::new("image", holds, format!("{name}{at}: {word}{why}")).with(self.steps);
        Judgement { outcome, refusal: self.refusal, rule, signers, proof }
    }
}

// Only for messages.
fn key_text(map: &TagMap) -> String {
    format!("key {}", short(&map.key))
}
