//! A secret where none should be. The secret itself is never here.

use serde::{Deserialize, Serialize};

use crate::{Confidence, LayerRef, Severity};

/// A secret that was found in an image, a folder or a text. It holds the first and last characters of the secret at
/// most, so that it can be shown, kept and sent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SecretFinding {
    /// Where it is.
    pub place: SecretPlace,
    /// Line, from 1; 0 if the place has no lines.
    pub line: usize,
    /// Column in characters, from 1; 0 if the place has none.
    pub column: usize,
    /// The line on which it ends.
    pub end_line: usize,
    /// The rule that found it, `github-pat`.
    pub rule: String,
    /// What it is, `GitHub personal access token`.
    pub title: String,
    /// Whose it is, `GitHub`; `generic` if the form does not tell.
    pub provider: String,
    /// How bad it is that it is there.
    pub severity: Severity,
    /// How sure it is that it is one.
    pub confidence: Confidence,
    /// Its first and last characters, `ghp_…k3Xy`.
    pub masked: String,
    /// SHA-256 over rule, secret and path, hex: the same secret at the same place has the same.
    pub fingerprint: String,
    /// The layer that has it, if it is in one.
    pub layer: Option<LayerRef>,
    /// The instruction that made it, as the image's history has it, with the secret masked.
    pub instruction: Option<String>,
    /// The line of the Dockerfile that has this instruction, if the Dockerfile is at hand.
    pub dockerfile_line: Option<usize>,
    /// The later layer that deleted or replaced the file: it is in the image all the same.
    pub hidden_by: Option<usize>,
    /// The commit that brought it, if it is in the history of a repository.
    pub commit: Option<CommitRef>,
}

/// A commit of a Git repository.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CommitRef {
    /// Its id, hex.
    pub id: String,
    /// Who wrote it, `Name <address>`.
    pub author: String,
    /// When, in seconds since 1970.
    pub date_secs: i64,
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SecretPlace {
    /// In a file, by its path.
    File(String),
    /// In a variable of the image's config, by its name.
    Variable(String),
    /// In a label, by its name.
    Label(String),
    /// In a command of the image's config: `Cmd`, `Entrypoint`, `Healthcheck`.
    Command(String),
    /// In the image's history, by the place of its entry from 0.
    History(usize),
}

impl SecretPlace {
    /// One line, `/app/.env`, `ENV API_KEY`, `history 3`.
    pub fn describe(&self) -> String {
        match self {
            Self::File(path) => path.clone(),
            Self::Variable(name) => format!("ENV {name}"),
            Self::Label(name) => format!("LABEL {name}"),
            Self::Command(name) => name.clone(),
            Self::History(index) => format!("history {index}"),
        }
    }

    /// The path, if it is a file.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }
}
