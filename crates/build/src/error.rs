//! What can go wrong in a build.

use std::io;
use std::path::{Path, PathBuf};

use sealift_diagnostic::{Diagnostic, Span};

use crate::BaseError;

/// Result of this crate.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in a build.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The Dockerfile cannot be understood.
    #[error("cannot read `{}` line {line}: {}", path.display(), first_problem(problems))]
    Syntax {
        /// The Dockerfile.
        path: PathBuf,
        /// Line of the first problem, from 1.
        line: usize,
        /// Every problem, with its place.
        problems: Vec<Diagnostic>,
    },
    /// An instruction failed; the source says why.
    #[error("`{}` line {line}: `{instruction}` failed", path.display())]
    Instruction {
        /// The Dockerfile.
        path: PathBuf,
        /// Line of the instruction, from 1.
        line: usize,
        /// Where the instruction stands.
        span: Span,
        /// Its first line.
        instruction: String,
        /// Why.
        source: Box<Self>,
    },
    /// A command exited with something other than 0.
    #[error("the command ended with {status}{}", last_lines(output))]
    Command {
        /// What was run.
        command: String,
        /// `exit code 1` or `signal 9`.
        status: String,
        /// The exit code, if it was one.
        code: Option<i32>,
        /// The last lines that it wrote.
        output: Vec<String>,
    },
    /// `--target` names no stage.
    #[error("there is no stage `{name}`")]
    UnknownTarget {
        /// The name.
        name: String,
        /// A stage with a like name, or all names.
        nearest: Option<String>,
    },
    /// `--from` points to the stage that it stands in, or to a later one.
    #[error("cannot copy from stage `{0}`: it does not come before this one")]
    StageOrder(String),
    /// The base image cannot be had.
    #[error(transparent)]
    Base(#[from] BaseError),
    /// A name that is no image reference.
    #[error(transparent)]
    Reference(#[from] sealift_oci::ReferenceError),
    /// A source of `COPY` or `ADD` is not there.
    #[error("`{path}` is not in {place}{}", if *is_ignored { ": it is excluded by .dockerignore" } else { "" })]
    MissingSource {
        /// The path as written.
        path: String,
        /// Where it was looked for.
        place: String,
        /// True if the file is there, but excluded.
        is_ignored: bool,
        /// A path with a like name.
        nearest: Option<String>,
    },
    /// A source leads out of the context.
    #[error("`{path}` leads out of {place}")]
    OutsideSource {
        /// The path as written.
        path: String,
        /// The context or stage.
        place: String,
    },
    /// A destination cannot be written.
    #[error("cannot write `{path}`: {reason}")]
    Destination {
        /// The path.
        path: String,
        /// Why not.
        reason: String,
    },
    /// A user or group is not in the image.
    #[error("there is no {kind} `{name}` in the image's `/etc/{file}`")]
    UnknownUser {
        /// `user` or `group`.
        kind: &'static str,
        /// The name.
        name: String,
        /// `passwd` or `group`.
        file: &'static str,
        /// A like name.
        nearest: Option<String>,
    },
    /// A value that an instruction cannot have.
    #[error("{what} `{value}`: {reason}")]
    Value {
        /// What it is, `--chmod`.
        what: &'static str,
        /// The value.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something that Dockerfiles can ask for and this builder does not do.
    #[error("{what} is not supported")]
    Unsupported {
        /// What.
        what: String,
        /// What to do instead.
        instead: String,
    },
    /// Variables of a word cannot be expanded.
    #[error("cannot expand `{text}`: {source}")]
    Variable {
        /// The word as written.
        text: String,
        /// Why not.
        source: sealift_dockerfile::variables::Error,
    },
    /// A mount of a `RUN` step.
    #[error("`--mount={text}`: {source}")]
    Mount {
        /// The mount as written.
        text: String,
        /// What is wrong with it.
        source: sealift_dockerfile::MountError,
    },
    /// A secret that a `RUN` step requires was not given.
    #[error("the secret `{0}` is required, but was not given")]
    MissingSecret(String),
    /// A pattern in an ignore file.
    #[error("`{}` line {line}: `{pattern}`: {reason}", path.display())]
    IgnoreFile {
        /// The ignore file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An entry of a layer or archive that cannot be unpacked.
    #[error("cannot unpack `{path}` of `{archive}`: {reason}")]
    Entry {
        /// The layer or archive.
        archive: String,
        /// Path of the entry.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file system refused.
    #[error("cannot {action} `{}`: {source}", path.display())]
    Io {
        /// What was tried, `write`.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// An archive cannot be read or written.
    #[error("`{path}`: {source}")]
    Archive {
        /// The archive.
        path: String,
        /// Why not.
        source: sealift_archive::Error,
    },
    /// The store failed.
    #[error(transparent)]
    Store(#[from] sealift_store::Error),
    /// A base image cannot be read.
    #[error(transparent)]
    Image(#[from] sealift_image::Error),
    /// The sandbox could not be made.
    #[error(transparent)]
    Sandbox(#[from] sealift_sandbox::Error),
    /// The caller asked to stop.
    #[error("the build was cancelled")]
    Cancelled,
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let did_you_mean = |nearest: &Option<String>| {
            nearest.as_ref().map(|name| format!("did you mean `{name}`?"))
        };
        match self {
            Self::Instruction { source, .. } => source.hint(),
            Self::Syntax { problems, .. } => {
                problems.iter().find_map(|problem| problem.help.as_deref().map(str::to_owned))
            }
            Self::Command { code: Some(126 | 127), .. } => Some(
                "the program is missing in the image or not executable; \
                 install it in an earlier step"
                    .to_owned(),
            ),
            Self::Command { .. } => Some(
                "run the command in the image by hand, or add `set -x` in front of it, \
                     to see what it does"
                    .to_owned(),
            ),
            Self::UnknownTarget { nearest, .. } => did_you_mean(nearest),
            Self::StageOrder(_) => {
                Some("move the stage that is copied from above this one".to_owned())
            }
            Self::Base(error) => error.hint.clone(),
            Self::MissingSource { is_ignored: true, path, .. } => {
                Some(format!("add a line `!{path}` at the end of .dockerignore"))
            }
            Self::MissingSource { nearest, .. } => did_you_mean(nearest).or_else(|| {
                Some("sources are paths from the top of the context, stage or image".to_owned())
            }),
            Self::OutsideSource { .. } => Some(
                "sources are paths within the context: move the file there, \
                 or build from the folder above"
                    .to_owned(),
            ),
            Self::UnknownUser { nearest, kind, .. } => did_you_mean(nearest).or_else(|| {
                Some(format!("create the {kind} in an earlier RUN step, or use its number"))
            }),
            Self::Unsupported { instead, .. } => Some(instead.clone()),
            Self::Variable { source, .. } => source.hint(),
            Self::Mount { source, .. } => source.hint(),
            Self::MissingSecret(id) => Some(format!("give it with `--secret id={id},src=FILE`")),
            Self::Io { source, path, .. } => io_hint(source, path),
            Self::Archive { source: sealift_archive::Error::Io(source), path } => {
                io_hint(source, Path::new(path))
            }
            Self::Archive { source, .. } => source.hint(),
            Self::Store(error) => error.hint(),
            Self::Image(error) => error.hint(),
            Self::Sandbox(error) => error.hint(),
            _ => None,
        }
    }

    /// The failure itself, without the instruction that it happened in.
    pub fn cause(&self) -> &Self {
        match self {
            Self::Instruction { source, .. } => source.cause(),
            other => other,
        }
    }

    /// True if the caller asked to stop.
    pub fn is_cancelled(&self) -> bool {
        matches!(self.cause(), Self::Cancelled)
    }

    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    // For rustix, whose errors are numbers.
    pub(crate) fn os(action: &'static str, path: &Path) -> impl FnOnce(rustix::io::Errno) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source: source.into() }
    }
}

fn io_hint(error: &io::Error, path: &Path) -> Option<String> {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(format!(
            "there is no space left on the disk of `{}`: \
             free some, or point `--store` at a larger disk",
            path.display()
        )),
        io::ErrorKind::InvalidInput => Some(
            "the owner has no number in this user namespace: \
             give the user a range in /etc/subuid and /etc/subgid"
                .to_owned(),
        ),
        _ => None,
    }
}

fn first_problem(problems: &[Diagnostic]) -> String {
    let first = problems.first().map_or("it has no instruction", |problem| &problem.message);
    match problems.len() {
        0 | 1 => first.to_owned(),
        count => format!("{first} (and {} more)", count - 1),
    }
}

fn last_lines(output: &[String]) -> String {
    if output.is_empty() {
        return "; it wrote nothing".to_owned();
    }
    output.iter().fold("; its last lines:".to_owned(), |text, line| text + "\n  | " + line)
}
