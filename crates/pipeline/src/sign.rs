//! Signing in all of cosign's forms, wherever the image is: in the store, in a layout, in a registry.
//!
//! Only the descriptor of what is signed is needed, so that an index is signed with all its images without having them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealift_crypto::PublicKey;
use sealift_oci::{Descriptor, Index, Raw, media_type};
use sealift_sign::{Artifact, Form, Subject, Verification, legacy};
use sealift_store::Store;

use crate::keys::Signer;
use crate::seal::{Sealed, timestamp};
use crate::{Error, Session, tagged};

/// What is signed, where, and how.
pub struct Signing<'a> {
    /// Where the signatures go: the local store, or a layout.
    pub place: &'a Store,
    /// Image or index, and what else belongs to it.
    pub subjects: &'a [Descriptor],
    /// The name to sign it under, with its tag; for attestations the repository.
    pub name: &'a str,
    /// The key.
    pub signer: &'a Signer,
    /// The forms to write.
    pub forms: &'a [Form],
    /// What else to sign with it.
    pub annotations: &'a BTreeMap<String, String>,
}

/// An attestation to be made of each subject.
#[derive(Clone, Copy, Debug)]
pub struct Statement<'a> {
    /// Type of the predicate.
    pub predicate_type: &'a str,
    /// The predicate, JSON.
    pub predicate: &'a [u8],
}

/// An image, and if it is an index all that stands in it.
pub fn with_children(place: &Store, descriptor: &Descriptor) -> Result<Vec<Descriptor>, Error> {
    let mut subjects = vec![descriptor.clone()];
    if media_type::is_index(&descriptor.media_type) {
        let index = Raw::<Index>::parse(place.read_blob(&descriptor.digest)?, "image index")?;
        subjects.extend(index.value().manifests.iter().map(|child| {
            Descriptor::new(child.media_type.clone(), child.digest.clone(), child.size)
        }));
    }
    Ok(subjects)
}

/// Signs every subject in every form, unless the key has done so before.
pub fn sign(session: &Session<'_>, signing: &Signing<'_>) -> Result<Sealed, Error> {
    let key = &signing.signer.key;
    let is_there = |known: &Verification, form: Form| {
        known.signatures.iter().any(|signature| {
            signature.form == form
                && signature.name.as_deref() == Some(signing.name)
                && signature.annotations == *signing.annotations
        })
    };
    let make = |subject: &Subject<'_>, form: Form, created: Timestamp| {
        let make = match form {
            Form::Bundle => sealift_sign::sign_image,
            Form::Legacy => legacy::sign_image,
        };
        make(key, subject, signing.annotations, created)
    };
    add_missing(session, signing, &is_there, &make)
}

/// Attests the same of every subject in every form, unless the key has done so before.
pub fn attest(
    session: &Session<'_>,
    signing: &Signing<'_>,
    statement: Statement<'_>,
) -> Result<Sealed, Error> {
    let Statement { predicate_type, predicate } = statement;
    let key = &signing.signer.key;
    let is_there = |known: &Verification, form: Form| {
        known.attestations.iter().any(|attestation| {
            attestation.form == form
                && attestation.predicate_type == predicate_type
                && attestation.predicate.trim_ascii() == predicate.trim_ascii()
        })
    };
    let make = |subject: &Subject<'_>, form: Form, created: Timestamp| {
        let make = match form {
            Form::Bundle => sealift_sign::attest,
            Form::Legacy => legacy::attest,
        };
        make(key, subject, predicate_type, predicate, created)
    };
    add_missing(session, signing, &is_there, &make)
}

// Makes and stores what is not there yet of every subject in every form.
fn add_missing(
    session: &Session<'_>,
    signing: &Signing<'_>,
    is_there: &dyn Fn(&Verification, Form) -> bool,
    make: &dyn Fn(&Subject<'_>, Form, Timestamp) -> Result<Artifact, sealift_sign::Error>,
) -> Result<Sealed, Error> {
    let created = timestamp(session.document_secs());
    let public = signing.signer.key.public();
    let mut sealed = Sealed::default();
    for descriptor in signing.subjects {
        let known = proved(signing.place, descriptor, &public)?;
        let subject = Subject { descriptor, name: Some(signing.name) };
        for form in signing.forms {
            if is_there(&known, *form) {
                sealed.kept += 1;
                continue;
            }
            let artifact = make(&subject, *form, created)?;
            store(signing.place, descriptor, *form, &artifact)?;
            sealed.made += 1;
        }
    }
    Ok(sealed)
}

fn proved(place: &Store, subject: &Descriptor, key: &PublicKey) -> Result<Verification, Error> {
    let read = |descriptor: &Descriptor| {
        place.read_blob(&descriptor.digest).map_err(|error| error.to_string())
    };
    let referrers = place.referrers(&subject.digest)?;
    Ok(sealift_sign::verify(subject, &referrers, &read, std::slice::from_ref(key)))
}

fn store(
    place: &Store,
    subject: &Descriptor,
    form: Form,
    artifact: &Artifact,
) -> Result<(), Error> {
    match form {
        Form::Legacy => tagged::add(place, &subject.digest, artifact).map(|_| ()),
        Form::Bundle => {
            for blob in &artifact.blobs {
                place.put_blob(&blob.bytes)?;
            }
            place.add_referrer(&artifact.manifest)?;
            Ok(())
        }
    }
}
