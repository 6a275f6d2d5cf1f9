//! The way out of Docker Content Trust: every trusted tag of a repository signed again for cosign and notation.
//!
//! Only manifests are fetched, never layers: what is signed is the digest that the trust data names, whatever the registry
//! says that the tag is now. What is signed already stays, so that a run that broke off is taken up by the next one.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use sealift_client::Blocking;
use sealift_crypto::{Certificate, PublicKey};
use sealift_image::BlobSource;
use sealift_notary::SignedTag;
use sealift_notation::{
    EnvelopeFormat, Request as NotationRequest, SigningScheme, Target, is_signature,
};
use sealift_oci::{Descriptor, Manifest, Raw, Reference, media_type};
use sealift_pipeline::keys::Signer;
use sealift_pipeline::{Error, Session};
use sealift_sign::{Artifact, Subject};
use sealift_trust::tag_map::{self, TagMap};

use crate::tag_maps::Making;

/// What is made of each tag.
pub struct Migration<'a> {
    /// The key that signs.
    pub signer: &'a Signer,
    /// For notation: the key's certificate first, the root last.
    pub chain: &'a [Certificate],
    /// How the tag map is made.
    pub making: &'a Making<'a>,
    /// Whether nothing is sent.
    pub is_rehearsal: bool,
}

/// What became of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migrated {
    /// The tag.
    pub tag: String,
    /// The digest that the trust data names.
    pub digest: String,
    /// Who had signed it.
    pub signers: Vec<String>,
    /// What became of it.
    pub state: State,
}

/// What became of a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Signed, in these formats.
    Signed(Vec<&'static str>),
    /// All of it was signed before.
    Already,
    /// It would be signed, in these formats.
    Would(Vec<&'static str>),
    /// It could not be.
    Failed(String),
}

/// Signs all tags, and says of each what became of it.
pub fn migrate(
    session: &Session<'_>,
    repository: &Reference,
    tags: &[SignedTag],
    migration: &Migration<'_>,
) -> Result<(Vec<Migrated>, Option<TagMap>), Error> {
    let mut report = Vec::new();
    let mut done: Vec<(Reference, Descriptor)> = Vec::new();
    for signed in tags {
        let name = repository.with_tag(&signed.tag)?;
        let state = match one(session, &name, signed, migration) {
            Ok((descriptor, state)) => {
                done.push((name, descriptor));
                state
            }
            Err(error @ Error::Interrupted) => return Err(error),
            Err(error) => State::Failed(error.to_string()),
        };
        report.push(Migrated {
            tag: signed.tag.clone(),
            digest: format!("sha256:{}", signed.digest),
            signers: signed.signers.clone(),
            state,
        });
    }
    let changed = report.iter().any(|line| matches!(line.state, State::Signed(_)));
    let map = if changed { map_tags(session, &done, migration)? } else { None };
    Ok((report, map))
}

fn one(
    session: &Session<'_>,
    name: &Reference,
    signed: &SignedTag,
    migration: &Migration<'_>,
) -> Result<(Descriptor, State), Error> {
    let client = session.network.client();
    let digest = format!("sha256:{}", signed.digest).parse().map_err(|_| Error::Refused {
        what: name.familiar(),
        why: "the trust data has no digest of it".to_owned(),
    })?;
    let at = name.at_digest(&digest);
    let (descriptor, _) = client.run(async |client| client.manifest(&at).await)?;
    if descriptor.size != signed.length {
        let (size, length) = (descriptor.size, signed.length);
        let why = format!("its manifest has {size} bytes, but {length} were signed");
        return Err(Error::Refused { what: name.familiar(), why });
    }
    let known = referrers(client, name, &descriptor)?;
    let public = migration.signer.key.public();
    let mut wanted = Vec::new();
    if !has_cosign(client, name, &descriptor, &known, &public) {
        wanted.push("cosign");
    }
    if !migration.chain.is_empty() && !has_notation(client, name, &known, migration.chain) {
        wanted.push("notation");
    }
    if wanted.is_empty() {
        return Ok((descriptor, State::Already));
    }
    if migration.is_rehearsal {
        return Ok((descriptor, State::Would(wanted)));
    }
    for format in &wanted {
        let artifact = match *format {
            "cosign" => cosign(session, name, &descriptor, migration)?,
            _ => notation(session, name, &descriptor, migration)?,
        };
        send(session, name, &artifact)?;
    }
    Ok((descriptor, State::Signed(wanted)))
}

fn referrers(
    client: &Blocking,
    name: &Reference,
    descriptor: &Descriptor,
) -> Result<Vec<Descriptor>, Error> {
    let mut list = client.run(async |client| client.referrers(name, &descriptor.digest).await)?;
    list.retain(|entry| media_type::is_manifest(&entry.media_type));
    list.truncate(1000);
    Ok(list)
}

fn fetch(client: &Blocking, name: &Reference, wanted: &Descriptor) -> Result<Vec<u8>, String> {
    if media_type::is_manifest(&wanted.media_type) {
        let at = name.at_digest(&wanted.digest);
        let found = client.run(async |client| client.manifest(&at).await);
        return found.map(|(_, bytes)| bytes).map_err(|error| error.to_string());
    }
    if wanted.size > 16 << 20 {
        return Err("it is larger than any signature".to_owned());
    }
    let mut bytes = Vec::new();
    client
        .run(async |client| client.blob(name, wanted, &mut bytes).await)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

// A signature of ours over this image, under this name.
fn has_cosign(
    client: &Blocking,
    name: &Reference,
    descriptor: &Descriptor,
    known: &[Descriptor],
    key: &PublicKey,
) -> bool {
    let read = |wanted: &Descriptor| fetch(client, name, wanted);
    let proved = sealift_sign::verify(descriptor, known, &read, std::slice::from_ref(key));
    let full = name.to_string();
    proved.signatures.iter().any(|signature| signature.name.as_ref() == Some(&full))
}

// A signature with our certificate, as its manifest says. To be wrong here costs a signature more or one less, and
// `verify` looks at what is there.
fn has_notation(
    client: &Blocking,
    name: &Reference,
    known: &[Descriptor],
    chain: &[Certificate],
) -> bool {
    let leaf = chain[0].fingerprint();
    known.iter().any(|entry| {
        let Ok(bytes) = fetch(client, name, entry) else { return false };
        let Ok(manifest) = Raw::<Manifest>::parse(bytes, "signature") else { return false };
        let annotations = &manifest.value().annotations;
        is_signature(manifest.value())
            && annotations
                .get(sealift_notation::THUMBPRINT_ANNOTATION)
                .is_some_and(|text| text.contains(&leaf))
    })
}

fn cosign(
    session: &Session<'_>,
    name: &Reference,
    descriptor: &Descriptor,
    migration: &Migration<'_>,
) -> Result<Artifact, Error> {
    let full = name.to_string();
    let subject = Subject { descriptor, name: Some(&full) };
    Ok(sealift_sign::sign_image(&migration.signer.key, &subject, &BTreeMap::new(), now(session))?)
}

fn notation(
    session: &Session<'_>,
    name: &Reference,
    descriptor: &Descriptor,
    migration: &Migration<'_>,
) -> Result<Artifact, Error> {
    let fail = |error: sealift_notation::Error| Error::Refused {
        what: name.familiar(),
        why: error.to_string(),
    };
    let target = Target {
        media_type: descriptor.media_type.clone(),
        digest: descriptor.digest.clone(),
        size: descriptor.size,
        annotations: BTreeMap::new(),
    };
    let request = NotationRequest {
        format: EnvelopeFormat::Jws,
        scheme: SigningScheme::X509,
        target: &target,
        chain: migration.chain,
        signing_time: now(session),
        expiry: None,
        agent: concat!("sealift/", env!("CARGO_PKG_VERSION")),
    };
    let envelope =
        sealift_notation::sign(&request, &migration.signer.key, |_| Ok(None)).map_err(fail)?;
    sealift_notation::artifact(EnvelopeFormat::Jws, envelope, descriptor).map_err(fail)
}

fn send(session: &Session<'_>, name: &Reference, artifact: &Artifact) -> Result<(), Error> {
    let client = session.network.client();
    let source: Arc<dyn BlobSource> = Arc::new(session.store.clone());
    for blob in &artifact.blobs {
        session.store.put_blob(&blob.bytes)?;
        client.run(async |client| client.push_blob(name, &blob.descriptor, &source, None).await)?;
    }
    client.run(async |client| client.push_referrer(name, &artifact.manifest).await)?;
    Ok(())
}

// One map with all tags, beside each image and under the well-known tag.
fn map_tags(
    session: &Session<'_>,
    done: &[(Reference, Descriptor)],
    migration: &Migration<'_>,
) -> Result<Option<TagMap>, Error> {
    let Some((first, _)) = done.first() else { return Ok(None) };
    let making = migration.making;
    let key = migration.signer.key.public();
    let repository = tag_map::repository(first);
    let mut keys = making.keys.to_vec();
    keys.push(key.clone());
    let is_trusted = |found: &str| keys.iter().any(|known| known.fingerprint() == found);
    let mut known: Vec<TagMap> =
        crate::tag_maps::remote(session, first, &keys)?.map(|(map, _)| map).into_iter().collect();
    known.extend(making.marks.tag_map(&repository)?.filter(|map| is_trusted(&map.key)));
    let mut last = tag_map::merge(&known, &repository);
    for (name, descriptor) in done {
        let lifetime = making.lifetime_secs;
        let digest = &descriptor.digest;
        let next = tag_map::next(last.as_ref(), name, digest, session.now_secs, lifetime)
            .map_err(|error| crate::refuse("tag map", error))?;
        last = Some(next);
    }
    let Some(mut map) = last else { return Ok(None) };
    map.key = key.fingerprint();
    let predicate = tag_map::encode(&map);
    let mut newest = None;
    for (name, descriptor) in done {
        let subject = Subject { descriptor, name: Some(&repository) };
        let artifact = sealift_sign::attest(
            &migration.signer.key,
            &subject,
            tag_map::PREDICATE_TYPE,
            &predicate,
            now(session),
        )?;
        send(session, name, &artifact)?;
        newest = Some(artifact);
    }
    if let Some(artifact) = newest {
        let at = first.with_tag(tag_map::TAG)?;
        let bytes = artifact.manifest.bytes();
        session.network.client().run(async |client| {
            client.push_manifest(&at, media_type::MANIFEST, bytes).await.map(|_| ())
        })?;
    }
    making.marks.keep_tag_map(&map, &is_trusted)?;
    Ok(Some(map))
}

fn now(session: &Session<'_>) -> Timestamp {
    Timestamp::from_second(session.now_secs).unwrap_or_default()
}
