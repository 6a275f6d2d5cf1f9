//! What a policy says, once it is understood.

use std::collections::{BTreeMap, BTreeSet};

use sealift_crypto::{Certificate, PublicKey, RevocationList};
use sealift_oci::Reference;
use sealift_sigstore::TrustedRoot;

use crate::pattern::Pattern;
use crate::{Error, Format};

/// Reads a file that a policy names: its path as it stands there. The error says why it cannot.
pub type FileRead<'a> = &'a dyn Fn(&str) -> Result<Vec<u8>, String>;

/// A policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Its file, for people.
    pub file: String,
    /// The language it was written in.
    pub shape: Shape,
    /// Everybody who can sign.
    pub signers: Vec<Signer>,
    /// The rules, as they were written.
    pub rules: Vec<Rule>,
    /// Revocation lists that must be there.
    pub revocations: Vec<RevocationSource>,
    /// What whoever uses this policy should know.
    pub warnings: Vec<String>,
    /// The least numbers of tag maps, by repository.
    pub tag_maps: BTreeMap<String, u64>,
    /// Notation's policy, which its own verifier judges.
    pub notation: Option<sealift_notation::TrustPolicy>,
}

/// The language of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Ours, `trust.toml`.
    Own,
    /// `trust-policy.json`: signers with keys and repositories. All that match are joined.
    Signers,
    /// `policy.json` of podman, skopeo and CRI-O.
    Containers,
    /// `trustpolicy.json` of notation; its levels are notation's to judge.
    Notation,
}

/// Somebody who can sign: one person or machine, with all keys and identities it has.
#[derive(Clone, Debug, Default)]
pub struct Signer {
    /// Name.
    pub name: String,
    /// Public keys.
    pub keys: Vec<PolicyKey>,
    /// Authorities of its certificates.
    pub certificates: Vec<Certificate>,
    /// Timestamping authorities that are believed when its certificates have ended.
    pub timestamp_authorities: Vec<Certificate>,
    /// Lists of revoked certificates.
    pub certificate_lists: Vec<RevocationList>,
    /// The statement of notation's policy that it stands for; whoever satisfies that is this signer.
    pub statement: Option<String>,
    /// Subjects that its certificates may have; none means any.
    pub subjects: Vec<String>,
    /// Identities without a key.
    pub identities: Vec<KeylessIdentity>,
    /// The authorities and logs of its identities.
    pub trusted_root: Option<TrustedRoot>,
    /// Roles of Docker Content Trust.
    pub roles: Vec<String>,
    /// Root keys of Docker Content Trust.
    pub pins: Vec<String>,
    /// What must be signed of the name, where that is each signer's own matter.
    pub name_rule: Option<IdentityRule>,
}

/// A public key and the file it came from.
#[derive(Clone, Debug)]
pub struct PolicyKey {
    /// The file, or what stands for it.
    pub file: String,
    /// The key.
    pub key: PublicKey,
}

/// An identity that has certificates made when it signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeylessIdentity {
    /// Address or URL; `*` and `**` as in patterns.
    pub subject: String,
    /// Who vouches for it, exactly.
    pub issuer: String,
}

/// What containers' `signedIdentity` asks of the signed name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityRule {
    /// The name that was asked for, with its tag.
    Exact,
    /// The same; for a digest the repository.
    RepositoryIfDigest,
    /// The repository.
    Repository,
    /// This name.
    ExactReference(String),
    /// This repository.
    ExactRepository(String),
    /// As `RepositoryIfDigest`, after a prefix was replaced.
    Remap {
        /// Prefix of the name that was asked for.
        prefix: String,
        /// What stands for it in signatures.
        signed_prefix: String,
    },
}

/// What is wanted of some repositories.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where it stands, `rule 2`.
    pub place: String,
    /// Of which.
    pub pattern: Pattern,
    /// Whether it judges.
    pub decision: Decision,
    /// How many signers.
    pub require: Require,
    /// Which; positions in the policy's list.
    pub signers: Vec<usize>,
    /// Formats that count.
    pub formats: BTreeSet<Format>,
    /// Attestations.
    pub attestations: Vec<AttestationRule>,
    /// Whether the tag must be signed too.
    pub tag_binding: bool,
    /// Age of the newest proof, in seconds.
    pub max_staleness_secs: Option<i64>,
    /// What a signature for another repository is worth.
    pub name: NameRule,
    /// What happens if nothing is signed.
    pub on_missing: OnMissing,
}

/// Whether a rule judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It does.
    Judge,
    /// Everything is refused.
    Reject,
    /// Everything is taken, signed or not.
    AcceptAnything,
}

/// How many signers must have signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Require {
    /// One.
    Any,
    /// All.
    All,
    /// So many, each with a key of its own.
    AtLeast(usize),
}

/// What a signature for another repository is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameRule {
    /// Nothing. A signature without a name counts.
    Repository,
    /// It counts: the image is a mirror's.
    Any,
}

/// What happens if no signature is there at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMissing {
    /// The image is refused.
    Deny,
    /// The image is taken with a warning. What is there and wrong is still refused.
    Warn,
}

/// An attestation that must be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationRule {
    /// Any of these types will do.
    pub predicate_types: Vec<String>,
    /// As it was written.
    pub name: String,
    /// Any of these signers; positions in the policy's list.
    pub by: Vec<usize>,
}

/// Where a revocation list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationSource {
    /// The file.
    pub file: String,
    /// Any of these signers has signed it; positions in the policy's list.
    pub by: Vec<usize>,
    /// Its greatest age, in seconds.
    pub max_age_secs: Option<i64>,
}

impl Policy {
    /// The policy of one keyless identity for every image, as it stands on a command line, with the attestations that the
    /// identity must have signed, named as in a policy.
    pub fn of_identity(
        identity: KeylessIdentity,
        root: TrustedRoot,
        attestations: &[String],
    ) -> Result<Self, String> {
        let attestation = |name: &String| {
            let predicate_types = crate::document::predicate_types(name)?;
            Ok(AttestationRule { predicate_types, name: name.clone(), by: vec![0] })
        };
        let attestations = attestations.iter().map(attestation).collect::<Result<_, String>>()?;
        let signer = Signer {
            name: identity.subject.clone(),
            identities: vec![identity],
            trusted_root: Some(root),
            ..Signer::default()
        };
        let rule = Rule {
            place: "the identity that was asked for".to_owned(),
            pattern: Pattern::rest(),
            decision: Decision::Judge,
            require: Require::Any,
            signers: vec![0],
            formats: [Format::Cosign].into(),
            attestations,
            tag_binding: false,
            max_staleness_secs: None,
            name: NameRule::Repository,
            on_missing: OnMissing::Deny,
        };
        Ok(Self {
            file: "the command line".to_owned(),
            shape: Shape::Own,
            signers: vec![signer],
            rules: vec![rule],
            revocations: Vec::new(),
            warnings: Vec::new(),
            tag_maps: BTreeMap::new(),
            notation: None,
        })
    }

    /// The rule for an image: the most exact of those that match. None is no rule; two are an error.
    pub fn rule(&self, image: &Reference) -> Result<Option<Rule>, Error> {
        let matching = || self.rules.iter().filter(|rule| rule.pattern.matches(image));
        if self.shape == Shape::Signers {
            return Ok(join(matching()));
        }
        let Some(best) = matching().max_by_key(|rule| rule.pattern.rank()) else {
            return Ok(None);
        };
        let rival = matching()
            .find(|rule| !std::ptr::eq(*rule, best) && rule.pattern.rank() == best.pattern.rank());
        match rival {
            Some(rival) => Err(Error::Ambiguous {
                file: self.file.clone(),
                image: image.familiar(),
                first: best.pattern.as_str().to_owned(),
                second: rival.pattern.as_str().to_owned(),
            }),
            None => Ok(Some(best.clone())),
        }
    }

    /// The signer of a name.
    pub fn signer(&self, name: &str) -> Option<usize> {
        self.signers.iter().position(|signer| signer.name == name)
    }

    /// Everybody that a rule listens to: signers, attesters, and who signs revocations.
    pub fn voices<'a>(&'a self, rule: &'a Rule) -> impl Iterator<Item = &'a Signer> {
        let attesters = rule.attestations.iter().flat_map(|wanted| &wanted.by);
        let positions: BTreeSet<usize> = rule.signers.iter().chain(attesters).copied().collect();
        positions.into_iter().filter_map(|position| self.signers.get(position))
    }
}

// Who may sign for several patterns may sign for all that they match.
fn join<'a>(mut rules: impl Iterator<Item = &'a Rule>) -> Option<Rule> {
    let mut joined = rules.next()?.clone();
    for rule in rules {
        joined.place = format!("{}, {}", joined.place, rule.place);
        let more: Vec<usize> =
            rule.signers.iter().filter(|one| !joined.signers.contains(one)).copied().collect();
        joined.signers.extend(more);
    }
    Some(joined)
}
