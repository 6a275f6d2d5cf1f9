//! Refusals with the codes and texts of notary-server, which its clients look at.

use serde_json::{Value, json};

use super::StoreError;
use crate::Error;

/// What kind of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// No such document, or no such address.
    MetadataNotFound,
    /// Not a form with files.
    MalformedUpload,
    /// A file without a name.
    NoFilename,
    /// A file that is named after no role.
    InvalidRole,
    /// A file that is not the JSON of a document.
    MalformedJson,
    /// Somebody else published first.
    Version,
    /// Documents that prove nothing, or do not fit each other.
    InvalidUpdate,
    /// A name that repositories do not have.
    InvalidGun,
    /// Parameters that cannot be read.
    InvalidParameters,
    /// The store failed.
    Updating,
    /// The store cannot be reached for the moment.
    Unavailable,
    /// Anything else.
    Unknown,
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Kind.
    pub code: Code,
    /// What goes with it.
    pub detail: Option<Value>,
    /// What failed in the server: for its log, never for its clients.
    pub cause: Option<String>,
}

impl Code {
    /// As it stands in the answer.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MetadataNotFound => "METADATA_NOT_FOUND",
            Self::MalformedUpload => "MALFORMED_UPLOAD",
            Self::NoFilename => "NO_FILENAME",
            Self::InvalidRole => "INVALID_ROLE",
            Self::MalformedJson => "MALFORMED_JSON",
            Self::Version => "VERSION",
            Self::InvalidUpdate => "INVALID_UPDATE",
            Self::InvalidGun => "INVALID_GUN",
            Self::InvalidParameters => "INVALID_PARAMETERS",
            Self::Updating => "UPDATING",
            Self::Unavailable => "UNAVAILABLE",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::MetadataNotFound => 404,
            Self::Updating | Self::Unknown => 500,
            Self::Unavailable => 503,
            _ => 400,
        }
    }

    /// Text for people.
    pub fn message(self) -> &'static str {
        match self {
            Self::MetadataNotFound => "You have requested metadata that does not exist.",
            Self::MalformedUpload => "The body of your request is malformed.",
            Self::NoFilename => "No file/role name provided.",
            Self::InvalidRole => "The role you are attempting to operate on is invalid.",
            Self::MalformedJson => "JSON sent by the client could not be parsed by the server",
            Self::Version => "A newer version of metadata is already available.",
            Self::InvalidUpdate => "Update sent by the client is invalid.",
            Self::InvalidGun => "The server does not support actions on images of this name.",
            Self::InvalidParameters => "The parameters provided are not valid.",
            Self::Updating => "An error has occurred while updating the TUF repository.",
            Self::Unavailable => "The trust data cannot be reached for the moment.",
            Self::Unknown => "unknown error",
        }
    }
}

impl Refusal {
    /// Without more words.
    pub fn plain(code: Code) -> Self {
        Self { code, detail: None, cause: None }
    }

    /// With what goes with it.
    pub fn with(code: Code, detail: Value) -> Self {
        Self { code, detail: Some(detail), cause: None }
    }

    /// An upload that proves nothing; the name is that of Notary's error.
    pub(super) fn invalid(name: &str, message: &str) -> Self {
        let error = json!({ "Msg": message });
        Self::with(Code::InvalidUpdate, json!({ "Name": name, "Error": error }))
    }

    /// The body of the answer.
    pub fn to_json(&self) -> Vec<u8> {
        let mut error = json!({ "code": self.code.as_str(), "message": self.code.message() });
        if let (Some(detail), Some(error)) = (&self.detail, error.as_object_mut()) {
            error.insert("detail".to_owned(), detail.clone());
        }
        json!({ "errors": [error] }).to_string().into_bytes()
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::OldVersion => Self::with(Code::Version, json!({})),
            StoreError::Unavailable(cause) => {
                Self { cause: Some(cause), ..Self::plain(Code::Unavailable) }
            }
            StoreError::Failed(cause) => Self { cause: Some(cause), ..Self::plain(Code::Updating) },
        }
    }
}

/// The text that notary-server has for an error, where clients may know it.
pub(super) fn notary_text(error: &Error) -> String {
    match error {
        Error::Threshold { role, .. } => {
            format!("valid signatures did not meet threshold for {role}")
        }
        error => error.to_string(),
    }
}
