//! Writing: blobs and manifests (distribution-spec, push).

use std::io::Read;
use std::sync::Arc;

use futures_util::stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use sealift_image::BlobSource;
use sealift_oci::{Descriptor, Digest, Reference};
use tokio::sync::mpsc;

use crate::auth::Action;
use crate::http::{Body, Request, refused};
use crate::{Client, Endpoint, Error};

const CHUNK_BYTES: usize = 256 << 10;

/// What became of a blob that was to be pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It was there already.
    Present,
    /// The registry took it over from another repository.
    Mounted,
    /// Its bytes were sent.
    Uploaded,
}

impl Client {
    /// True if the repository has the blob.
    pub async fn has_blob(&self, reference: &Reference, digest: &Digest) -> Result<bool, Error> {
        let endpoint = Endpoint::of(reference);
        let path = endpoint.path(&format!("blobs/{digest}"));
        let request = request(Method::HEAD, path, Vec::new(), Body::Empty);
        let response = self.send(&endpoint, request).await?;
        match response.status() {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(refused(response, &endpoint.host, "HEAD", &digest.to_string()).await),
        }
    }

    /// Sends a blob, unless the repository has it or can mount it from another one of the same registry.
    pub async fn push_blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        source: &Arc<dyn BlobSource>,
        mount_from: Option<&str>,
    ) -> Result<Pushed, Error> {
        if self.has_blob(reference, &descriptor.digest).await? {
            return Ok(Pushed::Present);
        }
        let endpoint = Endpoint::of(reference);
        let mut path = endpoint.path("blobs/uploads/");
        if let Some(from) = mount_from {
            path = format!("{path}?mount={}&from={from}", descriptor.digest);
        }
        let start = vec![(CONTENT_LENGTH, HeaderValue::from_static("0"))];
        let response =
            self.send(&endpoint, request(Method::POST, path, start, Body::Empty)).await?;
        match response.status() {
            StatusCode::CREATED => return Ok(Pushed::Mounted),
            StatusCode::ACCEPTED => {}
            _ => {
                let what = descriptor.digest.to_string();
                return Err(refused(response, &endpoint.host, "POST upload of", &what).await);
            }
        }
        let location = upload_location(&response, &endpoint, &descriptor.digest)?;
        self.upload(&endpoint, location, descriptor, source).await?;
        Ok(Pushed::Uploaded)
    }

    // Monolithic upload: one PUT with the whole body (distribution-spec, POST then PUT).
    async fn upload(
        &self,
        endpoint: &Endpoint,
        location: String,
        descriptor: &Descriptor,
        source: &Arc<dyn BlobSource>,
    ) -> Result<(), Error> {
        let open = || Ok(reqwest::Body::wrap_stream(blob_stream(source.open(descriptor)?)));
        let headers = vec![(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))];
        let body = Body::Stream { length: descriptor.size, open: &open };
        let response = self.send(endpoint, request(Method::PUT, location, headers, body)).await?;
        if response.status() != StatusCode::CREATED {
            let what = descriptor.digest.to_string();
            return Err(refused(response, &endpoint.host, "PUT", &what).await);
        }
        Ok(())
    }

    /// Stores a manifest or index under the reference's tag, or under its digest if it has no tag.
    /// Returns true if the registry itself keeps the list of referrers (`OCI-Subject`).
    pub async fn push_manifest(
        &self,
        reference: &Reference,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<bool, Error> {
        let endpoint = Endpoint::of(reference);
        let digest = Digest::sha256(bytes);
        let name = match reference.tag() {
            Some(tag) => tag.to_owned(),
            None => digest.to_string(),
        };
        let kind = HeaderValue::from_str(media_type).map_err(|_| Error::Protocol {
            host: endpoint.host.clone(),
            reason: format!("`{media_type}` is no media type"),
        })?;
        let path = endpoint.path(&format!("manifests/{name}"));
        let request = request(Method::PUT, path, vec![(CONTENT_TYPE, kind)], Body::Bytes(bytes));
        let response = self.send(&endpoint, request).await?;
        if !response.status().is_success() {
            return Err(refused(response, &endpoint.host, "PUT", &reference.familiar()).await);
        }
        let told =
            response.headers().get("docker-content-digest").and_then(|value| value.to_str().ok());
        if let Some(told) = told.and_then(|told| told.parse::<Digest>().ok())
            && told != digest
        {
            let host = endpoint.host;
            return Err(Error::DigestMismatch { host, expected: digest, actual: told });
        }
        Ok(response.headers().contains_key("oci-subject"))
    }
}

fn request(
    method: Method,
    target: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Body<'_>,
) -> Request<'_> {
    Request { method, target, headers, body, action: Action::Push }
}

// The location may be absolute or relative and may have a query already.
fn upload_location(
    response: &Response,
    endpoint: &Endpoint,
    digest: &Digest,
) -> Result<String, Error> {
    let protocol =
        |reason: &str| Error::Protocol { host: endpoint.host.clone(), reason: reason.to_owned() };
    let location = response.headers().get("location").and_then(|value| value.to_str().ok());
    let location = location.ok_or_else(|| protocol("an upload was begun without a Location"))?;
    let mut url =
        response.url().join(location).map_err(|_| protocol("the upload's Location is no URL"))?;
    if url.host_str() != response.url().host_str() {
        return Err(protocol("the upload's Location is at another host"));
    }
    url.query_pairs_mut().append_pair("digest", &digest.to_string());
    let query = url.query().unwrap_or_default();
    Ok(format!("{}?{query}", url.path()))
}

// Blob sources are ordinary readers; one thread reads ahead of the socket.
fn blob_stream(
    mut reader: Box<dyn Read + Send>,
) -> impl stream::Stream<Item = std::io::Result<Vec<u8>>> + Send + 'static {
    let (sender, receiver) = mpsc::channel(4);
    tokio::task::spawn_blocking(move || {
        loop {
            let mut chunk = vec![0; CHUNK_BYTES];
            match reader.read(&mut chunk) {
                Ok(0) => break,
                Ok(count) => {
                    chunk.truncate(count);
                    if sender.blocking_send(Ok(chunk)).is_err() {
                        break;
                    }
                }
                Err(error) => {
                    // The receiver may be gone, and then nobody wants to know.
                    let _ = sender.blocking_send(Err(error));
                    break;
                }
            }
        }
    });
    stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (chunk, receiver))
    })
}
