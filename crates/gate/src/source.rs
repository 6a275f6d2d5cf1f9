//! Images as they lie in the depot, for code that is not async.

use std::io::{self, Cursor, Read};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use sealift_depot::{BlobBody, Depot, Manifest, Target};
use sealift_image::{BlobSource, Image};
use sealift_oci::{Descriptor, Digest, Platform, Reference, RepositoryName, Tag, media_type};
use sealift_pipeline::open::{Opened, Referrers};
use sealift_sign::legacy::Kind;
use tokio::runtime::Handle;

use crate::Error;

// More artifacts than that say no more.
const REFERRERS_MAX: usize = 1_000;
const PAGE: usize = 200;

/// The blobs and manifests of one repository.
pub(crate) struct Shelf {
    pub(crate) depot: Depot,
    pub(crate) repository: RepositoryName,
    pub(crate) runtime: Handle,
}

impl Shelf {
    /// A manifest, if the repository has it.
    pub(crate) fn manifest(&self, target: &Target) -> Result<Option<Arc<Manifest>>, Error> {
        Ok(self.runtime.block_on(self.depot.manifest(&self.repository, target))?)
    }

    /// The tags that name a manifest.
    pub(crate) fn tags_of(&self, digest: &Digest) -> Result<Vec<Tag>, Error> {
        Ok(self.runtime.block_on(self.depot.tags_of(&self.repository, digest))?)
    }

    fn open_blob(&self, digest: &Digest) -> Result<Option<Box<dyn Read + Send>>, Error> {
        let Some(blob) = self.runtime.block_on(self.depot.blob(&self.repository, digest))? else {
            return Ok(None);
        };
        let size = blob.size;
        let body = self.runtime.block_on(self.depot.read_blob(&blob, 0..size))?;
        Ok(Some(Box::new(Body {
            pieces: body,
            piece: Bytes::new(),
            runtime: self.runtime.clone(),
        })))
    }

    /// An image or an index under a name, with what refers to it. Of an index, the image for the platform.
    pub(crate) fn open(
        self: &Arc<Self>,
        manifest: &Manifest,
        name: &Reference,
        platform: &Platform,
    ) -> Result<Opened, Error> {
        let source: Arc<dyn BlobSource> = Arc::clone(self) as Arc<dyn BlobSource>;
        let descriptor = describe(manifest);
        let image: Image =
            sealift_image::image_for_platform(Arc::clone(&source), &descriptor, platform)
                .map_err(sealift_pipeline::Error::from)?;
        let manifests = self.referrers(&manifest.digest)?;
        Ok(Opened {
            image,
            descriptor,
            reference: Some(name.clone()),
            title: name.familiar(),
            referrers: Referrers { manifests, source },
        })
    }

    // What says so itself, and what cosign keeps under tags of its own.
    fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, Error> {
        let mut found: Vec<Descriptor> = Vec::new();
        loop {
            let after = found.last().map(|last| last.digest.clone());
            let page = self.runtime.block_on(self.depot.referrers(
                &self.repository,
                subject,
                None,
                after.as_ref(),
                PAGE,
            ))?;
            let is_end = !page.more || page.items.is_empty();
            found.extend(page.items.into_iter().map(|referrer| referrer.descriptor));
            if is_end || found.len() >= REFERRERS_MAX {
                break;
            }
        }
        for kind in Kind::ALL {
            let tag = kind.tag(subject).and_then(|tag| Tag::parse(&tag).ok());
            let Some(tag) = tag else { continue };
            if let Some(manifest) = self.manifest(&Target::Tag(tag))? {
                found.push(describe(&manifest));
            }
        }
        Ok(found)
    }
}

/// What points to a manifest.
pub(crate) fn describe(manifest: &Manifest) -> Descriptor {
    let size = manifest.bytes.len() as u64;
    Descriptor::new(manifest.media_type.clone(), manifest.digest.clone(), size)
}

impl BlobSource for Shelf {
    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, sealift_image::Error> {
        let digest = &descriptor.digest;
        let failed = |source: io::Error| {
            sealift_image::Error::blob(digest, self.repository.as_str(), source)
        };
        let kind = &descriptor.media_type;
        if media_type::is_index(kind) || media_type::is_manifest(kind) {
            let target = Target::Digest(digest.clone());
            let found = self.manifest(&target).map_err(|error| failed(io::Error::other(error)))?;
            if let Some(manifest) = found {
                return Ok(Box::new(Cursor::new(manifest.bytes.clone())));
            }
        }
        match self.open_blob(digest) {
            Ok(Some(reader)) => Ok(reader),
            Ok(None) => Err(failed(io::Error::from(io::ErrorKind::NotFound))),
            Err(error) => Err(failed(io::Error::other(error))),
        }
    }
}

struct Body {
    pieces: BlobBody,
    piece: Bytes,
    runtime: Handle,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.runtime.block_on(self.pieces.next()) {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        Ok(count)
    }
}
