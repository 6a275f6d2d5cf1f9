//! Reading: manifests, blobs, tags (distribution-spec, pull and content discovery).

use std::io::Write;

use reqwest::header::{ACCEPT, HeaderValue, RANGE};
use reqwest::{Method, Response, StatusCode};
use sealift_oci::{Descriptor, Digest, Hasher, Reference, media_type};
use serde::Deserialize;

use crate::auth::Action;
use crate::http::{Body, Request, read_body, refused};
use crate::{Client, Endpoint, Error};

/// The specification asks registries for at least 4 MiB.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;
const TAGS_BYTES_MAX: u64 = 32 << 20;
const RESUMES_MAX: u32 = 5;

pub(crate) const MANIFEST_TYPES: [&str; 4] = [
    media_type::INDEX,
    media_type::MANIFEST,
    media_type::DOCKER_INDEX,
    media_type::DOCKER_MANIFEST,
];

#[derive(Deserialize)]
struct TagList {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Client {
    /// The manifest or index that a reference stands for, its bytes checked against the digest if one was given.
    pub async fn manifest(&self, reference: &Reference) -> Result<(Descriptor, Vec<u8>), Error> {
        let mut failure = None;
        for endpoint in self.endpoints(reference) {
            match self.manifest_at(&endpoint, reference).await {
                Ok(found) => return Ok(found),
                // A mirror that does not help is passed over; the registry's own answer is the one that counts.
                Err(error) if error.is_not_here() => failure = Some(error),
                Err(error) => return Err(error),
            }
        }
        Err(failure.expect("the registry itself is always asked"))
    }

    /// The same, asked of the registry itself: what is about to be changed must not come from a mirror.
    pub async fn manifest_of_origin(
        &self,
        reference: &Reference,
    ) -> Result<(Descriptor, Vec<u8>), Error> {
        self.manifest_at(&Endpoint::of(reference), reference).await
    }

    async fn manifest_at(
        &self,
        endpoint: &Endpoint,
        reference: &Reference,
    ) -> Result<(Descriptor, Vec<u8>), Error> {
        let name = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => digest.to_string(),
            (None, tag) => tag.unwrap_or("latest").to_owned(),
        };
        let path = endpoint.path(&format!("manifests/{name}"));
        // One header line a type, as the clients that registries were tested with send it.
        let headers = MANIFEST_TYPES.map(|kind| (ACCEPT, HeaderValue::from_static(kind))).to_vec();
        let response = self.send(endpoint, get(path, headers)).await?;
        let what = reference.familiar();
        if !response.status().is_success() {
            return Err(refused(response, &endpoint.host, "GET", &what).await);
        }
        let content_type = content_type(&response);
        let bytes = read_body(response, &endpoint.host, &what, MANIFEST_BYTES_MAX).await?;
        let digest = match reference.digest() {
            Some(expected) => check(&endpoint.host, expected, &bytes)?,
            None => Digest::sha256(&bytes),
        };
        let media_type = Self::manifest_type(endpoint, content_type.as_deref(), &bytes)?;
        Ok((Descriptor::new(media_type, digest, bytes.len() as u64), bytes))
    }

    // The header and the document must agree on what it is: one read as manifest and as index is an attack.
    fn manifest_type(
        endpoint: &Endpoint,
        content_type: Option<&str>,
        bytes: &[u8],
    ) -> Result<String, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Kind {
            media_type: Option<String>,
            manifests: Option<serde::de::IgnoredAny>,
            layers: Option<serde::de::IgnoredAny>,
            config: Option<serde::de::IgnoredAny>,
        }
        let protocol = |reason: String| Error::Protocol { host: endpoint.host.clone(), reason };
        let kind: Kind = serde_json::from_slice(bytes)
            .map_err(|error| protocol(format!("the manifest is not JSON: {error}")))?;
        if kind.manifests.is_some() && (kind.layers.is_some() || kind.config.is_some()) {
            return Err(protocol("the document is a manifest and an index at once".to_owned()));
        }
        let by_content =
            if kind.manifests.is_some() { media_type::INDEX } else { media_type::MANIFEST };
        let known = content_type.filter(|kind| MANIFEST_TYPES.contains(kind));
        match (kind.media_type, known) {
            (Some(own), Some(header)) if own != header => {
                Err(protocol(format!("the manifest says `{own}`, its header says `{header}`")))
            }
            (Some(own), _) if MANIFEST_TYPES.contains(&own.as_str()) => Ok(own),
            (Some(own), _) => Err(protocol(format!("`{own}` is neither a manifest nor an index"))),
            (None, Some(header)) => Ok(header.to_owned()),
            (None, None) => Ok(by_content.to_owned()),
        }
    }

    /// Writes a blob's bytes, checked against its descriptor. A broken connection is taken up where it broke.
    ///
    /// On an error the sink has had bytes that must not be used.
    pub async fn blob(
        &self,
        reference: &Reference,
        descriptor: &Descriptor,
        sink: &mut (dyn Write + Send),
    ) -> Result<(), Error> {
        let mut failure = None;
        for endpoint in self.endpoints(reference) {
            let mut transfer = Transfer::new(descriptor, sink);
            match self.blob_at(&endpoint, descriptor, &mut transfer).await {
                Ok(()) => return transfer.finish(&endpoint.host),
                Err(error) if error.is_not_here() && transfer.received == 0 => {
                    failure = Some(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(failure.expect("the registry itself is always asked"))
    }

    async fn blob_at(
        &self,
        endpoint: &Endpoint,
        descriptor: &Descriptor,
        transfer: &mut Transfer<'_>,
    ) -> Result<(), Error> {
        let mut resumes = 0;
        loop {
            let path = endpoint.path(&format!("blobs/{}", descriptor.digest));
            let mut headers = Vec::new();
            if transfer.received > 0 {
                let range = format!("bytes={}-", transfer.received);
                headers.push((RANGE, HeaderValue::from_str(&range).expect("digits")));
            }
            let response = self.send(endpoint, get(path, headers)).await?;
            let skip = match response.status() {
                StatusCode::PARTIAL_CONTENT => 0,
                StatusCode::OK => transfer.received,
                _ => {
                    let what = descriptor.digest.to_string();
                    return Err(refused(response, &endpoint.host, "GET", &what).await);
                }
            };
            match transfer.take(response, &endpoint.host, skip).await {
                Err(Error::Unreachable { .. }) if resumes < RESUMES_MAX => resumes += 1,
                other => return other,
            }
        }
    }

    /// The tags of a repository, in the registry's order.
    pub async fn tags(&self, reference: &Reference) -> Result<Vec<String>, Error> {
        let endpoint = Endpoint::of(reference);
        let mut tags = Vec::new();
        let mut next = Some(endpoint.path("tags/list"));
        // A registry that pages for ever is stopped by the number of pages.
        for _ in 0..1000 {
            let Some(path) = next.take() else { break };
            let response = self.send(&endpoint, get(path, Vec::new())).await?;
            if !response.status().is_success() {
                let what = reference.familiar_name();
                return Err(refused(response, &endpoint.host, "GET", &what).await);
            }
            next = next_page(&response);
            let body = read_body(response, &endpoint.host, "tags", TAGS_BYTES_MAX).await?;
            let list: TagList = serde_json::from_slice(&body).map_err(|error| Error::Protocol {
                host: endpoint.host.clone(),
                reason: format!("the list of tags is not its JSON: {error}"),
            })?;
            tags.extend(list.tags.unwrap_or_default());
        }
        Ok(tags)
    }
}

pub(crate) fn get(
    target: String,
    headers: Vec<(reqwest::header::HeaderName, HeaderValue)>,
) -> Request<'static> {
    Request { method: Method::GET, target, headers, body: Body::Empty, action: Action::Pull }
}

fn content_type(response: &Response) -> Option<String> {
    let value = response.headers().get("content-type")?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or(value).trim().to_owned())
}

// RFC 8288: `</v2/…?last=x>; rel="next"`.
fn next_page(response: &Response) -> Option<String> {
    let link = response.headers().get("link")?.to_str().ok()?;
    let (target, rest) = link.strip_prefix('<')?.split_once('>')?;
    // Only a path: a registry has no business to send us elsewhere for its tags.
    (rest.contains("next") && target.starts_with('/')).then(|| target.to_owned())
}

fn check(host: &str, expected: &Digest, bytes: &[u8]) -> Result<Digest, Error> {
    if expected.matches(bytes) {
        return Ok(expected.clone());
    }
    Err(Error::DigestMismatch {
        host: host.to_owned(),
        expected: expected.clone(),
        actual: Digest::sha256(bytes),
    })
}

struct Transfer<'a> {
    descriptor: &'a Descriptor,
    sink: &'a mut (dyn Write + Send),
    hasher: Hasher,
    received: u64,
}

impl<'a> Transfer<'a> {
    fn new(descriptor: &'a Descriptor, sink: &'a mut (dyn Write + Send)) -> Self {
        let hasher = Hasher::new(descriptor.digest.algorithm());
        Self { descriptor, sink, hasher, received: 0 }
    }

    async fn take(
        &mut self,
        mut response: Response,
        host: &str,
        mut skip: u64,
    ) -> Result<(), Error> {
        while let Some(chunk) =
            response.chunk().await.map_err(|error| crate::http::unreachable(host, &error))?
        {
            let skipped = skip.min(chunk.len() as u64);
            skip -= skipped;
            let chunk = &chunk[usize::try_from(skipped).expect("not above the chunk's length")..];
            self.received += chunk.len() as u64;
            if self.received > self.descriptor.size {
                return Err(Error::TooLarge {
                    host: host.to_owned(),
                    what: self.descriptor.digest.to_string(),
                    limit: self.descriptor.size,
                });
            }
            self.hasher.update(chunk);
            self.sink.write_all(chunk).map_err(|source| Error::Local {
                action: "write",
                what: self.descriptor.digest.to_string(),
                source,
            })?;
        }
        Ok(())
    }

    fn finish(self, host: &str) -> Result<(), Error> {
        let actual = self.hasher.finish();
        if actual == self.descriptor.digest {
            return Ok(());
        }
        let expected = self.descriptor.digest.clone();
        Err(Error::DigestMismatch { host: host.to_owned(), expected, actual })
    }
}
