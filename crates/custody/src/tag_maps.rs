//! Tag maps of images: made when an image is signed, carried with it, and kept under a tag of the repository.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sealift_client::Error as ClientError;
use sealift_crypto::PublicKey;
use sealift_image::{BlobSource, read_blob_verified};
use sealift_oci::{Descriptor, Digest, Manifest, Raw, Reference};
use sealift_pipeline::keys::Signer;
use sealift_pipeline::open::{Opened, Referrers};
use sealift_pipeline::{Error, Session};
use sealift_sign::Subject;
use sealift_store::Store;
use sealift_trust::tag_map::{self, TagMap};

use crate::marks::Marks;
use crate::refuse;

const WHAT: &str = "tag map";

/// Makes the next map of a repository with the image's tag in it, signs it, and lays it beside the image, into the store
/// or the layout where that is. What is known
/// of the last map comes from the image, from the marks and, if the network may be asked, from the repository.
pub fn attach(
    session: &Session<'_>,
    place: &Store,
    opened: &Opened,
    name: &Reference,
    signer: &Signer,
    making: &Making<'_>,
) -> Result<TagMap, Error> {
    let public = signer.key.public();
    let own = public.fingerprint();
    let mut keys = making.keys.to_vec();
    keys.push(public);
    let is_trusted = |key: &str| keys.iter().any(|known| known.fingerprint() == key);
    let repository = tag_map::repository(name);
    let proved = sealift_pipeline::verify::proved(opened, &keys)?;
    let mut known = Vec::new();
    let mut old = Vec::new();
    for attestation in &proved.attestations {
        if attestation.predicate_type == tag_map::PREDICATE_TYPE {
            known.extend(tag_map::decode(&attestation.predicate, &attestation.key).ok());
            // What others signed stays.
            old.extend((attestation.key == own).then(|| attestation.artifact.clone()));
        }
    }
    known.extend(making.marks.tag_map(&repository)?.filter(|map| is_trusted(&map.key)));
    if making.asks_registry {
        known.extend(remote(session, name, &keys)?.map(|(map, _)| map));
    }
    let last = tag_map::merge(&known, &repository);
    let digest = &opened.descriptor.digest;
    let mut map =
        tag_map::next(last.as_ref(), name, digest, session.now_secs, making.lifetime_secs)
            .map_err(|error| refuse(WHAT, error))?;
    map.key = own;
    let subject = Subject { descriptor: &opened.descriptor, name: Some(&repository) };
    let created = jiff::Timestamp::from_second(session.now_secs).unwrap_or_default();
    let artifact = sealift_sign::attest(
        &signer.key,
        &subject,
        tag_map::PREDICATE_TYPE,
        &tag_map::encode(&map),
        created,
    )?;
    for blob in &artifact.blobs {
        place.put_blob(&blob.bytes)?;
    }
    place.add_referrer(&artifact.manifest)?;
    for artifact in old {
        place.remove_referrer(&artifact)?;
    }
    making.marks.keep_tag_map(&map, &is_trusted)?;
    Ok(map)
}

/// How a map is made.
pub struct Making<'a> {
    /// What was seen before.
    pub marks: &'a Marks,
    /// Keys of others whose maps are continued.
    pub keys: &'a [PublicKey],
    /// How long it is good.
    pub lifetime_secs: i64,
    /// Whether the repository is asked for its newest map first.
    pub asks_registry: bool,
}

/// The newest map under the well-known tag of a repository, and its artifact; none if there is none or by another key.
pub fn remote(
    session: &Session<'_>,
    name: &Reference,
    keys: &[PublicKey],
) -> Result<Option<(TagMap, Descriptor)>, Error> {
    let Some(Fetched { descriptor, manifest, blobs }) = fetch(session, name)? else {
        return Ok(None);
    };
    let Some(subject) = manifest.value().subject.clone() else { return Ok(None) };
    let read = |wanted: &Descriptor| {
        blobs.get(&wanted.digest).cloned().ok_or_else(|| "it was not fetched".to_owned())
    };
    let proved = sealift_sign::verify(&subject, std::slice::from_ref(&descriptor), &read, keys);
    let Some(attestation) = proved.attestations.into_iter().next() else { return Ok(None) };
    if attestation.predicate_type != tag_map::PREDICATE_TYPE {
        return Ok(None);
    }
    let map = tag_map::decode(&attestation.predicate, &attestation.key)
        .map_err(|error| refuse(WHAT, error))?;
    Ok((map.repository == tag_map::repository(name)).then_some((map, descriptor)))
}

const MAP_BYTES_MAX: u64 = 16 << 20;

/// What lies under the well-known tag, not proved.
struct Fetched {
    descriptor: Descriptor,
    manifest: Raw<Manifest>,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

fn fetch(session: &Session<'_>, name: &Reference) -> Result<Option<Fetched>, Error> {
    let at = name.with_tag(tag_map::TAG)?;
    let client = session.network.client();
    let (descriptor, bytes) = match client.run(async |client| client.manifest(&at).await) {
        Ok(found) => found,
        Err(error) if is_missing(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let manifest = Raw::<Manifest>::parse(bytes.clone(), WHAT)?;
    let mut blobs = BTreeMap::from([(descriptor.digest.clone(), bytes)]);
    for blob in manifest.value().layers.iter().take(1) {
        if blob.size <= MAP_BYTES_MAX {
            let mut body = Vec::new();
            client.run(async |client| client.blob(&at, blob, &mut body).await)?;
            blobs.insert(blob.digest.clone(), body);
        }
    }
    Ok(Some(Fetched { descriptor, manifest, blobs }))
}

/// The map in a bundle, whoever has signed it: enough to compare numbers, and for nothing else.
fn unproved(manifest: &Manifest, read: impl Fn(&Descriptor) -> Option<Vec<u8>>) -> Option<TagMap> {
    let bundle = read(manifest.layers.first()?)?;
    let bundle: serde_json::Value = serde_json::from_slice(&bundle).ok()?;
    let payload = bundle.get("dsseEnvelope")?.get("payload")?.as_str()?;
    let statement: serde_json::Value =
        serde_json::from_slice(&STANDARD.decode(payload).ok()?).ok()?;
    tag_map::decode(&serde_json::to_vec(statement.get("predicate")?).ok()?, "").ok()
}

/// Whether a map was put under the well-known tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// It is there now.
    Yes,
    /// The image has none.
    None,
    /// What is there has this number, which is greater than that of the image's own, and was kept.
    Kept {
        /// The number that the repository has.
        there: u64,
        /// The image's number.
        own: u64,
    },
}

/// Puts the map that lies beside an image under the well-known tag, unless a newer one is there: an image that was signed
/// long ago takes nothing back that was said of the repository since.
pub fn publish_unless_newer(
    session: &Session<'_>,
    opened: &Opened,
    to: &Reference,
) -> Result<Published, Error> {
    let Some(own) = map_beside(&opened.referrers)? else { return Ok(Published::None) };
    let source = opened.referrers.source.as_ref();
    let read = |blob: &Descriptor| read_blob_verified(source, blob, MAP_BYTES_MAX).ok();
    let own = unproved(own.value(), read);
    let there = fetch(session, to)?
        .and_then(|it| unproved(it.manifest.value(), |blob| it.blobs.get(&blob.digest).cloned()));
    match (own, there) {
        (Some(own), Some(there))
            if own.repository == there.repository && own.counter < there.counter =>
        {
            Ok(Published::Kept { there: there.counter, own: own.counter })
        }
        _ => publish_of(session, &opened.referrers, to).map(|_| Published::Yes),
    }
}

/// Puts the map that lies beside an image under the well-known tag. Returns false if there is none.
pub fn publish(session: &Session<'_>, opened: &Opened, to: &Reference) -> Result<bool, Error> {
    publish_of(session, &opened.referrers, to)
}

/// The same of an image in the store that need not be whole there.
pub fn publish_stored(
    session: &Session<'_>,
    image: &Descriptor,
    to: &Reference,
) -> Result<bool, Error> {
    let manifests = session.store.referrers(&image.digest)?;
    let source: Arc<dyn BlobSource> = Arc::new(session.store.clone());
    publish_of(session, &Referrers { manifests, source }, to)
}

fn publish_of(session: &Session<'_>, referrers: &Referrers, to: &Reference) -> Result<bool, Error> {
    let at = to.with_tag(tag_map::TAG)?;
    let Some(map) = map_beside(referrers)? else { return Ok(false) };
    let kind = sealift_oci::media_type::MANIFEST;
    let client = session.network.client();
    client.run(async |client| client.push_manifest(&at, kind, map.bytes()).await.map(|_| ()))?;
    Ok(true)
}

fn map_beside(referrers: &Referrers) -> Result<Option<Raw<Manifest>>, Error> {
    let is_map = |manifest: &Raw<Manifest>| {
        let annotations = &manifest.value().annotations;
        annotations.get("dev.sigstore.bundle.predicateType").map(String::as_str)
            == Some(tag_map::PREDICATE_TYPE)
    };
    Ok(referrers.read()?.into_iter().rev().find(is_map))
}

fn is_missing(error: &ClientError) -> bool {
    matches!(error, ClientError::NotFound { .. })
}
