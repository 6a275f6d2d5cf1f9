//! The judgement of one signature: content, signature, log entries, moments, certificate, identity; in this order.

use jiff::Timestamp;
use sealift_crypto::certificate::Certificate;
use sealift_crypto::chain::{self, Purpose, Question};
use sealift_crypto::dsse::{self, Envelope};
use sealift_crypto::{Hash, KeyKind, PublicKey, strict_json};
use serde::Deserialize;
use serde_json::Value;

use crate::body::{self, Bound, BoundContent, BoundSigner};
use crate::bundle::{Bundle, Material, Signed, Version};
use crate::entry::{LogEntry, Need};
use crate::identity::Subject;
use crate::timing::{self, Moment};
use crate::trusted_root::TrustedRoot;
use crate::wire::{hex, printable};
use crate::{Content, Identity, IdentityPolicy, Proof, Refusal, Step, transparency};

const STATEMENT_TYPE: &str = "application/vnd.in-toto+json";
const SUBJECTS_MAX: usize = 10_000;

/// What was signed, as far as it is here.
#[derive(Clone, Copy, Debug)]
pub enum Artifact<'a> {
    /// All of it.
    Bytes(&'a [u8]),
    /// Its digest alone.
    Digest(Hash, &'a [u8]),
}

/// Who must have signed.
#[derive(Clone, Copy, Debug)]
pub enum Signer<'a> {
    /// Whoever has this identity, as the trusted authorities say.
    Identity(&'a IdentityPolicy, &'a TrustedRoot),
    /// This key. With a trusted root the signature must be in one of its logs too.
    Key(&'a PublicKey, Option<&'a TrustedRoot>),
}

impl Artifact<'_> {
    /// Its digest of this kind, if it is known.
    pub fn digest(&self, hash: Hash) -> Option<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Some(hash.of(bytes)),
            Self::Digest(known, digest) => (*known == hash).then(|| digest.to_vec()),
        }
    }
}

/// Judges a bundle. Nothing is fetched, and `now` only tells that a signed moment is not in the future.
pub fn verify_bundle(
    bundle: &[u8],
    artifact: Artifact<'_>,
    signer: Signer<'_>,
    now: Timestamp,
) -> Result<Proof, Refusal> {
    let bundle = Bundle::from_json(bundle)?;
    let need = if bundle.version == Version::V01 { Need::PromiseOrProof } else { Need::Proof };
    let case = Case {
        signed: &bundle.signed,
        artifact: &artifact,
        entries: &bundle.entries,
        timestamps: &bundle.timestamps,
        stamped: None,
        need,
        now,
    };
    match (signer, &bundle.material) {
        (Signer::Identity(policy, root), Material::Certificates(chain)) => {
            case.judge_certificate(chain, policy, root)
        }
        (Signer::Key(key, root), Material::Key { .. }) => case.judge_key(key, root),
        (Signer::Identity(..), Material::Key { .. }) => {
            Err(Refusal::Material { found: "a key", wanted: "a certificate" })
        }
        (Signer::Key(..), Material::Certificates(_)) => {
            Err(Refusal::Material { found: "a certificate", wanted: "a key" })
        }
    }
}

/// A signature with all that came with it.
pub(crate) struct Case<'a> {
    pub(crate) signed: &'a Signed,
    pub(crate) artifact: &'a Artifact<'a>,
    pub(crate) entries: &'a [LogEntry],
    pub(crate) timestamps: &'a [Vec<u8>],
    // What the timestamps are over, if it is not the signature.
    pub(crate) stamped: Option<&'a [u8]>,
    pub(crate) need: Need,
    pub(crate) now: Timestamp,
}

#[derive(Default)]
struct Evidence {
    n_entries: usize,
    moments: Vec<Moment>,
    passed_over: Vec<String>,
}

impl Case<'_> {
    fn judge_key(&self, key: &PublicKey, root: Option<&TrustedRoot>) -> Result<Proof, Refusal> {
        let mut steps = Vec::new();
        let content = self.check_content(&mut steps)?;
        self.check_signature(key)?;
        let found = format!("by the key {}", key.fingerprint());
        steps.push(Step { what: "signature", found });
        let mut time = None;
        if let Some(root) = root {
            let evidence = self.collect(&BoundSigner::Key(key), root, &mut steps)?;
            enough("log entries", 1, evidence.n_entries, &evidence.passed_over)?;
            time = evidence.moments.iter().map(|moment| moment.time).min();
        }
        Ok(Proof { identity: None, content, time, steps })
    }

    pub(crate) fn judge_certificate(
        &self,
        chain: &[Certificate],
        policy: &IdentityPolicy,
        root: &TrustedRoot,
    ) -> Result<Proof, Refusal> {
        let (leaf, intermediates) = chain
            .split_first()
            .ok_or_else(|| Refusal::Bundle("it has no certificate".to_owned()))?;
        let mut steps = Vec::new();
        let content = self.check_content(&mut steps)?;
        if leaf.is_authority() {
            return Err(Refusal::Certificate("is that of an authority".to_owned()));
        }
        self.check_signature(leaf.public_key())?;
        let found = format!("by the key of the certificate {}", leaf.fingerprint());
        steps.push(Step { what: "signature", found });
        let evidence = self.collect(&BoundSigner::Certificate(leaf), root, &mut steps)?;
        let thresholds = policy.thresholds;
        enough("log entries", thresholds.log_entries, evidence.n_entries, &evidence.passed_over)?;
        // Without a moment there is nothing at which the certificate could have been valid.
        let n_times = thresholds.times.max(1);
        enough("signed times", n_times, evidence.moments.len(), &evidence.passed_over)?;
        let mut issuer = None;
        for moment in &evidence.moments {
            let found = check_path(leaf, intermediates, root, moment.time)?;
            let path = found.path.iter().map(|certificate| format!("`{}`", certificate.subject()));
            let path: Vec<String> = path.collect();
            let text = format!("valid at {} below {}", moment.time, path.join(", "));
            steps.push(Step { what: "certificate", found: text });
            issuer = found.path.into_iter().next();
        }
        let issuer = issuer.expect("there is at least one moment");
        let (n_promises, passed_over) =
            transparency::check(leaf, &issuer, &root.certificate_logs, &mut steps)?;
        enough(
            "promises of certificate logs",
            thresholds.certificate_timestamps,
            n_promises,
            &passed_over,
        )?;
        let subject = Subject::read(leaf)?;
        subject.check(policy)?;
        let found = format!("`{}`, vouched for by `{}`", subject.name, subject.issuer);
        steps.push(Step { what: "identity", found });
        let Subject { name, issuer, claims } = subject;
        let identity = Identity { name, issuer, claims, certificate: leaf.fingerprint() };
        let time = evidence.moments.iter().map(|moment| moment.time).min();
        Ok(Proof { identity: Some(identity), content, time, steps })
    }

    // That what is signed is about the artifact.
    fn check_content(&self, steps: &mut Vec<Step>) -> Result<Content, Refusal> {
        let (content, found) = match self.signed {
            Signed::Message { digest: Some((hash, digest)), .. } => {
                let own = self.artifact.digest(*hash).ok_or_else(|| {
                    Refusal::Content(format!("it needs a digest of kind {}", hash.as_str()))
                })?;
                if own != *digest {
                    return Err(Refusal::Content(format!(
                        "it has the {} `{}`, and the content `{}`",
                        hash.as_str(),
                        hex(digest),
                        hex(&own)
                    )));
                }
                (Content::Message, format!("{} `{}`", hash.as_str(), hex(&own)))
            }
            Signed::Message { digest: None, .. } => {
                (Content::Message, "the content itself".to_owned())
            }
            Signed::Envelope(envelope) => {
                let subject = check_statement(envelope, self.artifact)?;
                let content = Content::Statement {
                    payload_type: envelope.payload_type.clone(),
                    payload: envelope.payload.clone(),
                };
                (content, subject)
            }
        };
        steps.push(Step { what: "content", found });
        Ok(content)
    }

    fn signature(&self) -> &[u8] {
        match self.signed {
            Signed::Message { signature, .. } => signature,
            Signed::Envelope(envelope) => {
                envelope.signatures.first().map_or(&[], |signature| &signature.bytes)
            }
        }
    }

    fn check_signature(&self, key: &PublicKey) -> Result<(), Refusal> {
        let signature = self.signature();
        let verified = match (self.signed, self.artifact) {
            (Signed::Envelope(envelope), _) => {
                let message = dsse::pae(&envelope.payload_type, &envelope.payload);
                key.verify(&message, signature)
            }
            (Signed::Message { .. }, Artifact::Bytes(bytes)) if key.kind() == KeyKind::Ed25519 => {
                key.verify(bytes, signature)
            }
            (Signed::Message { digest, .. }, artifact) => {
                let hash = digest.as_ref().map_or_else(|| hash_of(key.kind()), |(hash, _)| *hash);
                let digest = artifact.digest(hash).ok_or_else(|| {
                    Refusal::Content(format!("it needs a digest of kind {}", hash.as_str()))
                })?;
                key.verify_digest(hash, &digest, signature)
            }
        };
        verified.map_err(|_| Refusal::Signature)
    }

    // Log entries and timestamps; each must be of this signature.
    fn collect(
        &self,
        signer: &BoundSigner<'_>,
        root: &TrustedRoot,
        steps: &mut Vec<Step>,
    ) -> Result<Evidence, Refusal> {
        let content = match self.signed {
            Signed::Message { .. } => BoundContent::Message(self.artifact),
            Signed::Envelope(envelope) => BoundContent::Envelope(envelope),
        };
        let bound = Bound { signature: self.signature(), signer: *signer, content };
        let stamped = self.stamped.unwrap_or_else(|| self.signature());
        let (moments, passed_over) =
            timing::check(self.timestamps, stamped, root, self.now, steps)?;
        let mut evidence = Evidence { n_entries: 0, moments, passed_over };
        let mut seen = Vec::new();
        for entry in self.entries {
            body::check(entry, &bound)?;
            // The same entry twice is one.
            if seen.contains(&(&entry.log_id, &entry.body)) {
                return Err(entry.refuse("it stands twice in the bundle"));
            }
            seen.push((&entry.log_id, &entry.body));
            self.collect_entry(entry, root, &mut evidence, steps)?;
        }
        Ok(evidence)
    }

    fn collect_entry(
        &self,
        entry: &LogEntry,
        root: &TrustedRoot,
        evidence: &mut Evidence,
        steps: &mut Vec<Step>,
    ) -> Result<(), Refusal> {
        let is_rekor_2 = body::is_rekor_2(entry);
        if is_rekor_2 && entry.promise.is_some() {
            return Err(entry.refuse("its kind has no promise"));
        }
        let need = if is_rekor_2 { Need::Proof } else { self.need };
        let logs: Vec<_> = root.logs.iter().filter(|log| log.ids.contains(&entry.log_id)).collect();
        if logs.is_empty() {
            let note = format!("log entry {}: its log is unknown", entry.index);
            evidence.passed_over.push(note);
            return Ok(());
        }
        let mut refusal = None;
        for log in logs {
            match entry.check(log, need, self.now) {
                Ok(logged) => {
                    // A log that signs no time is judged by the others' moments.
                    let times = evidence.moments.iter().map(|moment| moment.time);
                    if let Some(time) = times.clone().find(|time| !log.validity.contains(*time))
                        && logged.time.is_none()
                    {
                        let fault = format!("its log `{}` is not trusted at {time}", log.uri);
                        return Err(entry.refuse(&fault));
                    }
                    let at = logged.time.map(|time| format!(" at {time}")).unwrap_or_default();
                    let found =
                        format!("entry {} of `{}`{at}, by {}", entry.index, log.uri, logged.how);
                    steps.push(Step { what: "log", found });
                    evidence.n_entries += 1;
                    evidence.moments.extend(
                        logged.time.map(|time| Moment { time, source: format!("`{}`", log.uri) }),
                    );
                    return Ok(());
                }
                Err(why) => refusal = Some(why),
            }
        }
        Err(refusal.expect("there is at least one log"))
    }
}

fn enough(
    what: &'static str,
    wanted: usize,
    found: usize,
    passed_over: &[String],
) -> Result<(), Refusal> {
    if found >= wanted {
        return Ok(());
    }
    Err(Refusal::TooLittle { what, wanted, found, passed_over: passed_over.to_vec() })
}

fn hash_of(kind: KeyKind) -> Hash {
    match kind {
        KeyKind::EcdsaP384 => Hash::Sha384,
        KeyKind::EcdsaP521 => Hash::Sha512,
        _ => Hash::Sha256,
    }
}

struct Found {
    // Without the leaf.
    path: Vec<Certificate>,
}

fn check_path(
    leaf: &Certificate,
    intermediates: &[Certificate],
    root: &TrustedRoot,
    at: Timestamp,
) -> Result<Found, Refusal> {
    let mut why = "no authority is trusted".to_owned();
    let mut is_outside = false;
    for authority in &root.certificate_authorities {
        let (roots, between) = authority.split();
        let offered: Vec<Certificate> = intermediates.iter().chain(between).cloned().collect();
        let question =
            Question { leaf, intermediates: &offered, roots, purpose: Purpose::CodeSigning, at };
        match chain::validate(&question) {
            Ok(path) if authority.validity.contains(at) && path.len() > 1 => {
                return Ok(Found { path: path[1..].iter().map(|part| (*part).clone()).collect() });
            }
            Ok(_) => {
                why = format!("`{}` is not trusted at {at}", authority.uri);
                is_outside = true;
            }
            // Of several authorities the one that would do says most.
            Err(refusal) if !is_outside => why = refusal.to_string(),
            Err(_) => {}
        }
    }
    Err(Refusal::Path(why))
}

#[derive(Deserialize)]
struct Statement {
    #[serde(default)]
    subject: Vec<StatementSubject>,
}

#[derive(Deserialize)]
struct StatementSubject {
    #[serde(default)]
    digest: serde_json::Map<String, Value>,
}

// One subject of the statement is the artifact, by every digest that both know.
fn check_statement(envelope: &Envelope, artifact: &Artifact<'_>) -> Result<String, Refusal> {
    if envelope.payload_type != STATEMENT_TYPE {
        let found = printable(&envelope.payload_type);
        return Err(Refusal::Content(format!("its payload is `{found}`, and no statement")));
    }
    let statement: Statement = strict_json::from_slice(&envelope.payload, "statement")
        .map_err(|error| Refusal::Content(error.to_string()))?;
    if statement.subject.len() > SUBJECTS_MAX {
        return Err(Refusal::Content("it has more than 10000 subjects".to_owned()));
    }
    for subject in &statement.subject {
        let mut n_same = 0;
        let mut n_other = 0;
        for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
            let stated = subject.digest.get(hash.as_str()).map(Value::as_str);
            match (stated, artifact.digest(hash)) {
                (Some(Some(stated)), Some(own)) if hex(&own) == stated => n_same += 1,
                (Some(_), Some(_)) => n_other += 1,
                _ => {}
            }
        }
        if n_same > 0 && n_other == 0 {
            return Ok("a statement with this content as subject".to_owned());
        }
    }
    Err(Refusal::Content("no subject of its statement has the digest of the content".to_owned()))
}
