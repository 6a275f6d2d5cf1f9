//! The in-toto statement (<https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>).

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealift_oci::{ANNOTATION_CREATED, Descriptor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::time;
use crate::verification::clean;

/// Payload type of a statement in a DSSE envelope.
pub(crate) const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// `_type` of a statement.
pub(crate) const TYPE: &str = "https://in-toto.io/Statement/v1";
/// The same of the version before, which cosign still writes; its fields are the same.
pub(crate) const TYPE_01: &str = "https://in-toto.io/Statement/v0.1";

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Statement {
    #[serde(rename = "_type")]
    pub(crate) kind: String,
    pub(crate) subject: Vec<StatementSubject>,
    pub(crate) predicate_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) predicate: Option<Box<RawValue>>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct StatementSubject {
    /// The name that the image was signed under. cosign leaves it out and does not look at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    pub(crate) digest: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, serde_json::Value>,
}

impl Statement {
    /// A statement about one image. The time stands inside too, so that it is signed.
    pub(crate) fn new(
        subject: &Descriptor,
        name: Option<&str>,
        created: Timestamp,
        predicate_type: &str,
        predicate: Box<RawValue>,
    ) -> Self {
        let digest = &subject.digest;
        let subject = StatementSubject {
            name: name.map(str::to_owned),
            digest: [(digest.algorithm().as_str().to_owned(), digest.hex().to_owned())].into(),
            annotations: [(ANNOTATION_CREATED.to_owned(), time::text(created).into())].into(),
        };
        Self {
            kind: TYPE.to_owned(),
            subject: vec![subject],
            predicate_type: predicate_type.to_owned(),
            predicate: Some(predicate),
        }
    }
}

impl StatementSubject {
    /// True if the subject has this image's digest and no other.
    pub(crate) fn is(&self, image: &Descriptor) -> bool {
        let digest = &image.digest;
        self.digest.len() == 1
            && self.digest.get(digest.algorithm().as_str()).map(String::as_str)
                == Some(digest.hex())
    }

    /// The signed annotations, without the time.
    pub(crate) fn texts(&self) -> BTreeMap<String, String> {
        let own = |name: &String| name != ANNOTATION_CREATED;
        self.annotations
            .iter()
            .filter(|(name, _)| own(name))
            .filter_map(|(name, value)| Some((clean(name), clean(value.as_str()?))))
            .collect()
    }

    /// The signed time.
    pub(crate) fn created(&self) -> Option<Timestamp> {
        self.annotations.get(ANNOTATION_CREATED)?.as_str()?.parse().ok()
    }
}
