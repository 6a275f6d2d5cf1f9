//! Artifacts that refer to an image: the referrers list, and the tag schema of registries that have none
//! (distribution-spec, listing referrers and unavailable referrers API).

use reqwest::StatusCode;
use sealift_oci::{Descriptor, Digest, Index, Manifest, Raw, Reference, media_type};

use crate::http::{read_body, refused};
use crate::pull::get;
use crate::{Client, Endpoint, Error};

const REFERRERS_BYTES_MAX: u64 = 16 << 20;

impl Client {
    /// The artifacts that refer to a digest.
    pub async fn referrers(
        &self,
        reference: &Reference,
        subject: &Digest,
    ) -> Result<Vec<Descriptor>, Error> {
        let endpoint = Endpoint::of(reference);
        let path = endpoint.path(&format!("referrers/{subject}"));
        let response = self.send(&endpoint, get(path, Vec::new())).await?;
        match response.status() {
            StatusCode::OK => {
                let body =
                    read_body(response, &endpoint.host, "referrers", REFERRERS_BYTES_MAX).await?;
                Ok(Raw::<Index>::parse(body, "list of referrers")?.value().manifests.clone())
            }
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED => {
                Ok(self
                    .referrers_by_tag(reference, subject)
                    .await?
                    .map_or(Vec::new(), |index| index.manifests))
            }
            _ => {
                Err(refused(response, &endpoint.host, "GET referrers of", &subject.to_string())
                    .await)
            }
        }
    }

    /// Pushes an artifact's manifest, and keeps the tag schema's list where the registry keeps none.
    pub async fn push_referrer(
        &self,
        reference: &Reference,
        manifest: &Raw<Manifest>,
    ) -> Result<(), Error> {
        let by_digest = reference.at_digest(manifest.digest());
        let is_listed =
            self.push_manifest(&by_digest, media_type::MANIFEST, manifest.bytes()).await?;
        let Some(subject) = manifest.value().subject.as_ref().filter(|_| !is_listed) else {
            return Ok(());
        };
        let known = self.referrers_by_tag(reference, &subject.digest).await?;
        let mut index = known.unwrap_or_else(|| Index::new(Vec::new()));
        index.manifests.retain(|entry| entry.digest != *manifest.digest());
        let mut entry =
            Descriptor::new(media_type::MANIFEST, manifest.digest().clone(), manifest.size());
        entry.artifact_type = Some(manifest.value().effective_artifact_type().to_owned());
        entry.annotations.clone_from(&manifest.value().annotations);
        index.manifests.push(entry);
        let tag = fallback_reference(reference, &subject.digest);
        self.push_manifest(&tag, media_type::INDEX, Raw::encode(index).bytes()).await?;
        Ok(())
    }

    async fn referrers_by_tag(
        &self,
        reference: &Reference,
        subject: &Digest,
    ) -> Result<Option<Index>, Error> {
        match self.manifest(&fallback_reference(reference, subject)).await {
            Ok((_, bytes)) => {
                Ok(Some(Raw::<Index>::parse(bytes, "list of referrers")?.value().clone()))
            }
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn fallback_reference(reference: &Reference, subject: &Digest) -> Reference {
    let tag = format!("{}-{}", subject.algorithm().as_str(), &subject.hex()[..64]);
    reference.with_tag(&tag).expect("an algorithm's name and hex digits are a tag")
}
