//! The network, for callers that are not async: what the steps of the job want of registries and archives.

use std::sync::Arc;

use sealift_client::{Blocking, Client, Fetched, Part, Settings};
use sealift_debian::{Fetch, FetchError};
use sealift_image::BlobSource;
use sealift_oci::{Descriptor, Digest, Manifest, Raw, Reference};
use sealift_store::Store;
use tokio::runtime::Runtime;

use crate::Error;

/// Registries and archives.
pub struct Network(Blocking);

impl Network {
    /// A network of these settings; nothing is opened yet.
    pub fn new(settings: Settings) -> Self {
        Self(Blocking::new(settings))
    }

    /// The client, for what needs no more than that.
    pub fn client(&self) -> &Blocking {
        &self.0
    }

    fn open(&self) -> Result<&(Runtime, Client), sealift_client::Error> {
        self.0.open()
    }

    /// The manifest or index that a reference stands for.
    pub(crate) fn manifest(
        &self,
        reference: &Reference,
    ) -> Result<(Descriptor, Vec<u8>), sealift_client::Error> {
        let (runtime, client) = self.open()?;
        runtime.block_on(client.manifest(reference))
    }

    /// What stands under a tag in the registry itself, if there is anything.
    pub(crate) fn tagged(
        &self,
        reference: &Reference,
    ) -> Result<Option<Vec<u8>>, sealift_client::Error> {
        let (runtime, client) = self.open()?;
        match runtime.block_on(client.manifest_of_origin(reference)) {
            Ok((_, bytes)) => Ok(Some(bytes)),
            Err(sealift_client::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Brings a blob into the store, unless it is there.
    pub(crate) fn fetch_blob(
        &self,
        store: &Store,
        reference: &Reference,
        descriptor: &Descriptor,
    ) -> Result<(), Error> {
        if store.has_blob(&descriptor.digest) {
            return Ok(());
        }
        let (runtime, client) = self.open()?;
        let mut writer = store.blob_writer()?;
        runtime.block_on(client.blob(reference, descriptor, &mut writer))?;
        writer.commit(Some(&descriptor.digest))?;
        Ok(())
    }

    /// The artifacts that refer to a digest.
    pub(crate) fn referrers(
        &self,
        reference: &Reference,
        subject: &Digest,
    ) -> Result<Vec<Descriptor>, sealift_client::Error> {
        let (runtime, client) = self.open()?;
        runtime.block_on(client.referrers(reference, subject))
    }

    /// Sends a blob unless it is there.
    pub(crate) fn push_blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        source: &Arc<dyn BlobSource>,
    ) -> Result<sealift_client::Pushed, sealift_client::Error> {
        let (runtime, client) = self.open()?;
        runtime.block_on(client.push_blob(reference, descriptor, source, None))
    }

    /// Brings a file of a feed up to date.
    pub(crate) fn fetch(
        &self,
        url: &str,
        known: Option<&str>,
        part: &mut Part<'_>,
        bytes_max: u64,
    ) -> Result<Fetched, sealift_client::Error> {
        let (runtime, client) = self.open()?;
        runtime.block_on(client.fetch(url, known, part, bytes_max))
    }

    /// The SHA-256 of a file; `None` if it is not there.
    pub(crate) fn sum(
        &self,
        url: &str,
        bytes_max: u64,
    ) -> Result<Option<Digest>, sealift_client::Error> {
        let (runtime, client) = self.open()?;
        runtime.block_on(client.sum(url, bytes_max))
    }

    /// Stores a manifest or index.
    pub(crate) fn push_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<(), sealift_client::Error> {
        let (runtime, client) = self.open()?;
        runtime.block_on(client.push_manifest(reference, media_type, bytes)).map(|_| ())
    }

    /// Stores the manifest of an artifact.
    pub(crate) fn push_referrer(
        &self,
        reference: &Reference,
        manifest: &Raw<Manifest>,
    ) -> Result<(), sealift_client::Error> {
        let (runtime, client) = self.open()?;
        runtime.block_on(client.push_referrer(reference, manifest))
    }
}

impl Fetch for Network {
    fn get(&self, url: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
        let failed = |error: sealift_client::Error| match error {
            sealift_client::Error::TooLarge { limit, .. } => FetchError::TooLarge { limit },
            other => FetchError::Failed(other.to_string()),
        };
        let (runtime, client) = self.open().map_err(failed)?;
        runtime.block_on(client.download(url, limit)).map_err(failed)?.ok_or(FetchError::NotFound)
    }
}
