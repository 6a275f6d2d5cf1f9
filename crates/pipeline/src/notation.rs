//! Notary Project signatures of images, stored beside them as referrers, and the certificates of their signers.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sealift_crypto::{Certificate, PublicKey};
use sealift_notation::{Envelope, EnvelopeFormat, Request, SigningScheme, Target, artifact};
use sealift_oci::{Descriptor, Manifest, Raw};
use sealift_store::Store;

use crate::Error;
use crate::keys::Signer;
use crate::open::Opened;
use crate::seal::Sealed;

const AGENT: &str = concat!("sealift/", env!("CARGO_PKG_VERSION"));
const MANIFEST_BYTES_MAX: u64 = 1 << 20;
const CHAIN_BYTES_MAX: u64 = 1 << 20;

/// How an image is signed.
pub struct Signing<'a> {
    /// Where the signature goes.
    pub place: &'a Store,
    /// The image, with what refers to it.
    pub opened: &'a Opened,
    /// What is signed: the image, and of an index perhaps all in it.
    pub subjects: &'a [Descriptor],
    /// By whom.
    pub signer: &'a Signer,
    /// The signer's certificate first, the root last.
    pub chain: &'a [Certificate],
    /// Format of the envelope.
    pub format: EnvelopeFormat,
    /// When, in seconds since 1970.
    pub now_secs: i64,
    /// How long the signer stands for it.
    pub lifetime_secs: Option<i64>,
    /// What the signer says of the image.
    pub annotations: &'a BTreeMap<String, String>,
    /// Brings a token of a time stamping authority over a signature, if one is wanted.
    pub stamp: Option<&'a Stamp<'a>>,
}

/// From a signature to a token over it that was verified.
pub type Stamp<'a> = dyn Fn(&[u8]) -> Result<Vec<u8>, Error> + 'a;

/// Signs an image. A signature that says the same already stays, unless it is to expire.
pub fn sign(signing: &Signing<'_>) -> Result<Sealed, Error> {
    let mut sealed = Sealed::default();
    let now = moment(signing.now_secs);
    let end = |secs: i64| moment(signing.now_secs.saturating_add(secs));
    for subject in signing.subjects {
        let target = Target {
            media_type: subject.media_type.clone(),
            digest: subject.digest.clone(),
            size: subject.size,
            annotations: signing.annotations.clone(),
        };
        if signing.lifetime_secs.is_none() && is_signed(signing, subject, &target) {
            sealed.kept += 1;
            continue;
        }
        let request = Request {
            format: signing.format,
            scheme: SigningScheme::X509,
            target: &target,
            chain: signing.chain,
            signing_time: now,
            expiry: signing.lifetime_secs.map(end),
            agent: AGENT,
        };
        let mut failure = None;
        let stamped = |signature: &[u8]| {
            let token = signing.stamp.map(|stamp| stamp(signature)).transpose();
            token.map_err(|error| {
                let text = error.to_string();
                failure = Some(error);
                sealift_notation::Error::Timestamp(text)
            })
        };
        let made = sealift_notation::sign(&request, &signing.signer.key, stamped)
            .and_then(|envelope| artifact(signing.format, envelope, subject));
        if let Some(error) = failure {
            return Err(error);
        }
        let made = made.map_err(|error| mistake(&error))?;
        for blob in &made.blobs {
            signing.place.put_blob(&blob.bytes)?;
        }
        signing.place.add_referrer(&made.manifest)?;
        sealed.made += 1;
    }
    Ok(sealed)
}

/// An error of notation's as a mistake of the user's, with what to do.
pub fn mistake(error: &sealift_notation::Error) -> Error {
    let hint = error.hint().unwrap_or_else(|| {
        "`sealift trust cert generate NAME` makes certificates that fit a key".to_owned()
    });
    Error::usage(error.to_string(), hint)
}

fn moment(secs: i64) -> Timestamp {
    Timestamp::from_second(secs).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn is_signed(signing: &Signing<'_>, subject: &Descriptor, target: &Target) -> bool {
    // What refers to the images of an index was not looked up.
    if *subject != signing.opened.descriptor {
        return false;
    }
    signing.opened.referrers.manifests.iter().any(|descriptor| {
        read(signing.opened, descriptor).is_some_and(|envelope| {
            envelope.expiry.is_none()
                && envelope.format == signing.format
                && envelope.chain == signing.chain
                && (signing.stamp.is_none() || envelope.timestamp.is_some())
                && envelope.verify().is_ok_and(|signed| signed == *target)
        })
    })
}

// A signature that cannot be read says nothing: then another one is made.
fn read(opened: &Opened, descriptor: &Descriptor) -> Option<Envelope> {
    let source = &*opened.referrers.source;
    let blob = |descriptor: &Descriptor, limit: u64| {
        sealift_image::read_blob_verified(source, descriptor, limit).ok()
    };
    let manifest =
        Raw::<Manifest>::parse(blob(descriptor, MANIFEST_BYTES_MAX)?, "referrer").ok()?;
    let layer = sealift_notation::envelope_of(manifest.value(), &opened.descriptor).ok()?;
    let limit = sealift_notation::ENVELOPE_BYTES_MAX as u64;
    Envelope::parse(&layer.media_type, &blob(layer, limit)?).ok()
}

/// Reads a chain of certificates, PEM.
pub fn read_chain(path: &Path) -> Result<Vec<Certificate>, Error> {
    let size = fs::metadata(path).map_err(|source| Error::file("read", path, source))?.len();
    if size > CHAIN_BYTES_MAX {
        let message = format!("`{}` is larger than any chain of certificates", path.display());
        return Err(Error::usage(message, "give the PEM file of the signer's certificates"));
    }
    let text = fs::read_to_string(path).map_err(|source| Error::file("read", path, source))?;
    Certificate::chain_from_pem(&text)
        .map_err(|source| Error::Key { path: path.to_owned(), source })
}

/// The chain of a key in a folder: of those that are valid the one that is valid longest.
pub fn find_chain(
    folder: &Path,
    key: &PublicKey,
    now_secs: i64,
) -> Result<Option<(PathBuf, Vec<Certificate>)>, Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::file("read", folder, source)),
    };
    let is_chain = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "crt");
    let mut paths: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(is_chain).collect();
    paths.sort();
    let mut best: Option<(PathBuf, Vec<Certificate>)> = None;
    for path in paths {
        let chain = read_chain(&path)?;
        let leaf = &chain[0];
        if leaf.public_key() != key || !leaf.is_valid_at(moment(now_secs)) {
            continue;
        }
        let end = leaf.validity().1;
        if best.as_ref().is_none_or(|(_, known)| known[0].validity().1 < end) {
            best = Some((path, chain));
        }
    }
    Ok(best)
}
