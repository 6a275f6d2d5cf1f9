//! Names, tags and time: whether what was signed is about the name that was asked for, now.

use std::fmt::Write as _;

use sealift_oci::Reference;

use super::signers::Counted;
use super::{RefusalKind, Trial, key_text};
use crate::policy::{IdentityRule, Rule};
use crate::tag_map::{CLOCK_SECS, TagMap};
use crate::text::{clean, time};
use crate::{Bound, Format, Holds, Proof, write_duration};

/// Whether a signature is for the repository; one without a name is for any.
pub(super) fn is_of(image: &Reference, bound: &Bound) -> Result<(), String> {
    let Bound::Name(name) = bound else { return Ok(()) };
    let is_same = Reference::parse(name).is_ok_and(|signed| is_same_repository(&signed, image));
    if is_same {
        return Ok(());
    }
    Err(format!("it was signed as `{}`, which is another repository", clean(name)))
}

/// Whether a signature has the name that containers' policies want.
pub(super) fn fits(rule: &IdentityRule, image: &Reference, bound: &Bound) -> Result<(), String> {
    let Bound::Name(name) = bound else {
        return Err("it was signed without a name, but the policy wants one".to_owned());
    };
    let wrong =
        || format!("it was signed as `{}`, which the policy does not want here", clean(name));
    let signed = Reference::parse(name).map_err(|_| wrong())?;
    let is_exact = |image: &Reference| {
        image.tag().is_some() && signed.tag() == image.tag() && is_same_repository(&signed, image)
    };
    let by_digest = |image: &Reference| match image.tag() {
        Some(_) => is_exact(image),
        None => is_same_repository(&signed, image),
    };
    let fits = match rule {
        IdentityRule::Exact => is_exact(image),
        IdentityRule::RepositoryIfDigest => by_digest(image),
        IdentityRule::Repository => is_same_repository(&signed, image),
        IdentityRule::ExactReference(text) => {
            Reference::parse(text).is_ok_and(|wanted| wanted == signed)
        }
        IdentityRule::ExactRepository(text) => {
            Reference::parse(text).is_ok_and(|wanted| is_same_repository(&wanted, &signed))
        }
        IdentityRule::Remap { prefix, signed_prefix } => {
            by_digest(&remapped(image, prefix, signed_prefix))
        }
    };
    if fits { Ok(()) } else { Err(wrong()) }
}

fn is_same_repository(one: &Reference, other: &Reference) -> bool {
    one.registry() == other.registry() && one.repository() == other.repository()
}

// A prefix is a whole name or ends before a `/` or `:`.
fn remapped(image: &Reference, prefix: &str, signed_prefix: &str) -> Reference {
    let whole = image.to_string();
    let Some(rest) = whole.strip_prefix(prefix) else { return image.clone() };
    if !rest.is_empty() && !rest.starts_with(['/', ':', '@']) {
        return image.clone();
    }
    Reference::parse(&format!("{signed_prefix}{rest}")).unwrap_or_else(|_| image.clone())
}

impl Trial<'_> {
    /// Whether the tag that was asked for is signed for this digest. The newest map decides where there is one.
    pub(super) fn check_tag(&mut self, rule: &Rule, map: Option<&TagMap>, counted: &Counted) {
        let question = self.question;
        let Some(tag) = question.image.tag() else {
            if rule.tag_binding {
                self.step(Proof::new(
                    "tag",
                    Holds::Note,
                    "asked for by digest, so there is no tag to bind",
                ));
            }
            return;
        };
        if let Some(map) = map {
            return self.check_map(rule, map, tag);
        }
        if !rule.tag_binding {
            return;
        }
        let full = question.image.to_string();
        let binding =
            counted.signatures.iter().map(|number| &self.evidence.signatures[*number]).find(
                |signature| {
                    signature.format == Format::Dct
                        || matches!(&signature.bound, Bound::Name(name)
                        if Reference::parse(name).is_ok_and(|signed| signed.to_string() == full))
                },
            );
        if let Some(signature) = binding {
            let text = format!(
                "the tag `{tag}` stands in the {} signature by {}",
                signature.format, signature.identity
            );
            self.step(Proof::new("tag", Holds::Yes, text));
        } else {
            let text = format!(
                "no signature and no tag map says that `{}` stands for `{}`{}",
                question.image.familiar(),
                question.digest,
                self.signed_as(counted)
            );
            self.refuse("tag", RefusalKind::Repointed, text);
        }
    }

    fn check_map(&mut self, rule: &Rule, map: &TagMap, tag: &str) {
        let now_secs = self.question.now_secs;
        let needs_it = rule.tag_binding || rule.max_staleness_secs.is_some();
        let about = format!(
            "tag map number {} of {} by {}",
            map.counter,
            time(map.issued_secs),
            key_text(map)
        );
        if map.issued_secs > now_secs.saturating_add(CLOCK_SECS) {
            let text = format!("{about} was made in the future");
            return self.refuse("tag map", RefusalKind::Replayed, text);
        }
        match map.tags.get(tag) {
            Some(entry) if entry.digest == *self.question.digest => {
                let is_over = map.expires_secs <= now_secs;
                let end = time(map.expires_secs);
                if is_over && needs_it {
                    let text = format!("{about} ended on {end}");
                    return self.refuse("tag map", RefusalKind::Expired, text);
                }
                let holds = if is_over { Holds::Note } else { Holds::Yes };
                let text = format!("{about} has `{tag}` for this digest, until {end}");
                self.step(Proof::new("tag", holds, text));
            }
            Some(entry) => {
                let text = format!(
                    "`{}` was signed for `{}` ({about}), but this is `{}`",
                    self.question.image.familiar(),
                    entry.digest,
                    self.question.digest
                );
                self.refuse("tag", RefusalKind::Repointed, text);
            }
            None if rule.tag_binding => {
                let text = format!("{about} does not have the tag `{tag}`");
                self.refuse("tag", RefusalKind::Repointed, text);
            }
            None => {
                let text = format!("{about} does not have the tag");
                self.step(Proof::new("tag", Holds::Note, text));
            }
        }
    }

    // The names that were signed, for a message.
    fn signed_as(&self, counted: &Counted) -> String {
        let mut text = String::new();
        for number in counted.signatures.iter().take(3) {
            if let Bound::Name(name) = &self.evidence.signatures[*number].bound {
                let before = if text.is_empty() { "; it was signed as " } else { ", " };
                write!(text, "{before}`{}`", clean(name)).expect("a string takes everything");
            }
        }
        text
    }

    /// Whether the newest proof is young enough.
    pub(super) fn check_staleness(&mut self, rule: &Rule, map: Option<&TagMap>, counted: &Counted) {
        let Some(limit) = rule.max_staleness_secs else { return };
        let question = self.question;
        let from_map = map
            .filter(|map| map.expires_secs > question.now_secs)
            .filter(|map| {
                question
                    .image
                    .tag()
                    .and_then(|tag| map.tags.get(tag))
                    .is_some_and(|entry| entry.digest == *question.digest)
            })
            .map(|map| map.issued_secs);
        let from_signatures = counted.signatures.iter().filter_map(|number| {
            let signature = &self.evidence.signatures[*number];
            let signed = signature.signed_at.map(|at| at.secs);
            let vouched = signature.vouched.map(|vouched| vouched.secs);
            signed.max(vouched)
        });
        let newest = from_signatures.chain(from_map).max();
        match newest {
            Some(secs) if question.now_secs.saturating_sub(secs) <= limit => {
                let text = format!("the newest proof is of {}", time(secs));
                self.step(Proof::new("freshness", Holds::Yes, text));
            }
            Some(secs) => {
                let text = format!(
                    "the newest proof is of {}, older than {}",
                    time(secs),
                    write_duration(limit)
                );
                self.refuse("freshness", RefusalKind::Replayed, text);
            }
            None => {
                let text = format!(
                    "nothing says how old it is, and it may not be older than {}",
                    write_duration(limit)
                );
                self.refuse("freshness", RefusalKind::Replayed, text);
            }
        }
    }
}
