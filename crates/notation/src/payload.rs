//! What is signed: the descriptor of an artifact, with annotations of the signer.

use std::collections::BTreeMap;

use sealift_crypto::strict_json;
use sealift_oci::{Descriptor, Digest};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::text::{clean, json_reason};

/// Media type of the payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.cncf.notary.payload.v1+json";
const ANNOTATIONS_MAX: usize = 1000;

/// The artifact that a signature is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Media type of its manifest; of a blob any.
    pub media_type: String,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What the signer says of it.
    pub annotations: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    target_artifact: Wire,
}

// In the order in which notation writes it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default, skip_serializing)]
    #[expect(dead_code, reason = "it may stand there and says nothing that is asked for")]
    artifact_type: Option<String>,
    digest: String,
    media_type: String,
    size: u64,
}

impl Target {
    /// Reads the payload of an envelope.
    pub(crate) fn read(payload: &[u8]) -> Result<Self, Error> {
        let document: Document = strict_json::from_slice(payload, "payload")
            .map_err(|error| Error::Payload(json_reason(&error)))?;
        let wire = document.target_artifact;
        let digest = wire
            .digest
            .parse()
            .map_err(|_| Error::Payload(format!("`{}` is not a digest", clean(&wire.digest))))?;
        let annotations = wire.annotations.unwrap_or_default();
        if annotations.len() > ANNOTATIONS_MAX {
            return Err(Error::Payload("it has too many annotations".to_owned()));
        }
        Ok(Self { media_type: wire.media_type, digest, size: wire.size, annotations })
    }

    /// The payload of an envelope.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let wire = Wire {
            annotations: (!self.annotations.is_empty()).then(|| self.annotations.clone()),
            artifact_type: None,
            digest: self.digest.to_string(),
            media_type: self.media_type.clone(),
            size: self.size,
        };
        serde_json::to_vec(&Document { target_artifact: wire })
            .expect("a payload has string keys only")
    }

    /// Checks that this is the artifact that is there: digest, media type and size.
    pub(crate) fn check(&self, actual: &Descriptor) -> Result<(), Error> {
        let fields = [
            ("digest", self.digest.to_string(), actual.digest.to_string()),
            ("media type", self.media_type.clone(), actual.media_type.clone()),
            ("size", self.size.to_string(), actual.size.to_string()),
        ];
        match fields.into_iter().find(|(_, signed, actual)| signed != actual) {
            None => Ok(()),
            Some((field, signed, actual)) => {
                Err(Error::OtherArtifact { field, signed: clean(&signed), actual: clean(&actual) })
            }
        }
    }
}
