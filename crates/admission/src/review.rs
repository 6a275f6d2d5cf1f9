//! AdmissionReview, version v1: the question of Kubernetes' API server, and the answer.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

const API_VERSION: &str = "admission.k8s.io/v1";
const UID_BYTES_MAX: usize = 256;
// Kubernetes cuts warnings above these limits off, and says so where nobody reads it.
const WARNING_CHARACTERS_MAX: usize = 250;
const WARNINGS_MAX: usize = 15;
const MESSAGE_CHARACTERS_MAX: usize = 4000;

/// What is to be judged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// The request's own name, which the answer repeats.
    pub uid: String,
    /// Of what kind the object is.
    pub kind: Kind,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: String,
    /// The namespace of the object; empty if it has none.
    #[serde(default)]
    pub namespace: String,
    /// Part of the object, `ephemeralcontainers`; empty for all of it.
    #[serde(default)]
    pub sub_resource: String,
    /// Who asks.
    #[serde(default)]
    pub user_info: UserInfo,
    /// The object as it will be.
    #[serde(default)]
    pub object: Value,
    /// The object as it was.
    #[serde(default)]
    pub old_object: Value,
    /// Nothing will come of it.
    #[serde(default)]
    pub dry_run: Option<bool>,
}

/// The kind of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Kind {
    /// `apps`; empty for the core.
    #[serde(default)]
    pub group: String,
    /// `v1`.
    #[serde(default)]
    pub version: String,
    /// `Deployment`.
    #[serde(rename = "kind")]
    pub name: String,
}

impl Kind {
    /// How objects of this kind say it of themselves.
    fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct UserInfo {
    /// `alice` or `system:serviceaccount:team:deployer`.
    #[serde(default)]
    pub username: String,
}

/// Why a request is no review that can be answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// It is not JSON, or not this JSON.
    #[error("the body is no AdmissionReview: {reason}")]
    Syntax {
        /// What the reader says.
        reason: String,
    },
    /// It is a review of another version.
    #[error(
        "the body is `{kind}` of `{api_version}`, and only AdmissionReview of `admission.k8s.io/v1` is answered"
    )]
    Version {
        /// What it says it is.
        kind: String,
        /// Of what version.
        api_version: String,
    },
    /// It asks nothing.
    #[error("the AdmissionReview has no request")]
    NoRequest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    request: Option<Review>,
}

impl Review {
    /// Reads a review. The caller has limited its bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, ReviewError> {
        let syntax = |reason: String| ReviewError::Syntax { reason };
        let document: Document =
            serde_json::from_slice(bytes).map_err(|error| syntax(error.to_string()))?;
        if document.api_version != API_VERSION || document.kind != "AdmissionReview" {
            let cut = |text: String| text.chars().take(100).collect();
            let (kind, api_version) = (cut(document.kind), cut(document.api_version));
            return Err(ReviewError::Version { kind, api_version });
        }
        let review = document.request.ok_or(ReviewError::NoRequest)?;
        if review.uid.is_empty() || review.uid.len() > UID_BYTES_MAX {
            return Err(syntax("its `uid` is empty or too long".to_owned()));
        }
        Ok(review)
    }

    /// True if nothing may be left behind.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run == Some(true)
    }

    /// True if the object is what the request says it is.
    pub(crate) fn is_of_its_kind(&self) -> bool {
        let field = |name: &str| self.object.get(name).and_then(Value::as_str);
        // Kubernetes leaves both out in some objects that it makes itself.
        field("kind").is_none_or(|kind| kind == self.kind.name)
            && field("apiVersion").is_none_or(|version| version == self.kind.api_version())
    }

    /// What the object is called, for people.
    pub(crate) fn title(&self) -> String {
        let metadata = self.object.get("metadata");
        let field = |name: &str| metadata?.get(name)?.as_str().filter(|text| !text.is_empty());
        let name = field("name").or_else(|| field("generateName")).unwrap_or("without a name");
        let name: String = name.chars().take(260).collect();
        match self.namespace.as_str() {
            "" => format!("{} {name}", self.kind.name),
            namespace => format!("{} {namespace}/{name}", self.kind.name),
        }
    }
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) allowed: bool,
    pub(crate) message: Option<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) annotations: Vec<(&'static str, String)>,
    /// Operations of RFC 6902.
    pub(crate) patch: Vec<Value>,
}

impl Answer {
    /// The review that carries it.
    pub(crate) fn to_json(&self, uid: &str) -> Vec<u8> {
        let mut response = Map::new();
        response.insert("uid".to_owned(), uid.into());
        response.insert("allowed".to_owned(), self.allowed.into());
        if let Some(message) = &self.message {
            let reason = if self.allowed { "" } else { "Forbidden" };
            let code = if self.allowed { 200 } else { 403 };
            let message = clean(message, MESSAGE_CHARACTERS_MAX);
            response.insert(
                "status".to_owned(),
                json!({ "code": code, "reason": reason, "message": message }),
            );
        }
        if !self.warnings.is_empty() {
            let warnings = self.warnings.iter().take(WARNINGS_MAX);
            let warnings = warnings.map(|text| clean(text, WARNING_CHARACTERS_MAX));
            response.insert("warnings".to_owned(), warnings.collect());
        }
        if !self.annotations.is_empty() {
            let annotations = self.annotations.iter().map(|(name, text)| {
                ((*name).to_owned(), Value::from(clean(text, MESSAGE_CHARACTERS_MAX)))
            });
            response.insert("auditAnnotations".to_owned(), Value::Object(annotations.collect()));
        }
        if !self.patch.is_empty() {
            let patch = Value::Array(self.patch.clone()).to_string();
            response.insert("patchType".to_owned(), "JSONPatch".into());
            response.insert("patch".to_owned(), STANDARD.encode(patch).into());
        }
        let review =
            json!({ "apiVersion": API_VERSION, "kind": "AdmissionReview", "response": response });
        review.to_string().into_bytes()
    }
}

// One line: kubectl prints it as it is.
fn clean(text: &str, characters_max: usize) -> String {
    let plain = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter });
    plain.take(characters_max).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_review() {
        let error = |text: &str| Review::read(text.as_bytes()).unwrap_err().to_string();
        assert!(error("").contains("no AdmissionReview"));
        assert!(error("[]").contains("no AdmissionReview"));
        assert!(error("{}").contains("only AdmissionReview"));
        let old = r#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview"}"#;
        assert!(error(old).contains("v1beta1"));
        let empty = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}"#;
        assert_eq!(error(empty), "the AdmissionReview has no request");
        let unnamed = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",
            "request":{"uid":"","kind":{"kind":"Pod"},"operation":"CREATE"}}"#;
        assert!(error(unnamed).contains("uid"));
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(error(&deep).contains("no AdmissionReview"));
    }

    #[test]
    fn answers() {
        let answer = Answer {
            allowed: false,
            message: Some("no\nway".to_owned()),
            warnings: vec!["w".repeat(1000)],
            ..Answer::default()
        };
        let value: Value = serde_json::from_slice(&answer.to_json("1-2")).unwrap();
        let response = &value["response"];
        assert_eq!(response["uid"], "1-2");
        assert_eq!(response["status"]["message"], "no way");
        assert_eq!(response["warnings"][0].as_str().unwrap().len(), 250);
        assert!(response.get("patch").is_none());
    }
}
