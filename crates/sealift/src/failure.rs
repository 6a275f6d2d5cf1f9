//! How a command fails: one error with its causes, a hint, and the exit code that the documentation promises.

use std::process::ExitCode;

use sealift_pipeline::{Error, Kind};

use crate::printer::Printer;

/// Findings, or a verdict that refuses.
pub(crate) const FINDINGS: u8 = 1;
/// The command line or a configuration file is wrong.
pub(crate) const USAGE: u8 = 2;
/// It could not be done: I/O, network, a broken RUN step.
pub(crate) const OPERATIONAL: u8 = 3;
/// A signature, a digest or a required attestation is not right.
pub(crate) const REFUSED: u8 = 4;
/// The user stopped it.
pub(crate) const INTERRUPTED: u8 = 130;

/// A mistake in how the program was called or configured.
#[derive(Debug)]
pub(crate) struct Usage {
    /// What is wrong.
    pub(crate) message: String,
    /// What to do.
    pub(crate) hint: Option<String>,
}

impl std::fmt::Display for Usage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for Usage {}

impl Usage {
    /// An error with a hint.
    pub(crate) fn error(message: impl Into<String>, hint: impl Into<String>) -> anyhow::Error {
        anyhow::Error::new(Self { message: message.into(), hint: Some(hint.into()) })
    }
}

/// Prints clap's own errors; help and version are no errors.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    // Nothing can be done if not even this can be printed.
    let _ = error.print();
    if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
}

/// Prints an error with its causes and its hint.
pub(crate) fn report(error: &anyhow::Error, printer: &Printer) -> ExitCode {
    let mut causes = error.chain().map(ToString::to_string);
    let first = causes.next().unwrap_or_default();
    printer.error(&first);
    let mut last = first;
    for cause in causes {
        // `#[error(transparent)]` and `{source}` already say what the next one says.
        if !last.contains(&cause) {
            printer.cause(&cause);
        }
        last = cause;
    }
    let ours = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    if let Some(Error::Build(sealift_build::Error::Syntax { path, problems, .. })) = ours
        && let Ok(source) = std::fs::read_to_string(path)
    {
        let shown = sealift_lint::render(
            problems,
            &path.display().to_string(),
            &source,
            printer.color_error(),
        );
        printer.message(shown.trim_end());
    }
    let usage = error.chain().find_map(|cause| cause.downcast_ref::<Usage>());
    let notary = error.chain().find_map(|cause| cause.downcast_ref::<sealift_notary::Error>());
    let server = error.chain().find_map(|cause| cause.downcast_ref::<sealift_registry::Error>());
    let access = error.chain().find_map(|cause| cause.downcast_ref::<sealift_access::Error>());
    let token = error.chain().find_map(|cause| cause.downcast_ref::<sealift_token::Error>());
    let hint = ours
        .and_then(Error::hint)
        .or_else(|| notary.and_then(sealift_notary::Error::hint))
        .or_else(|| usage.and_then(|usage| usage.hint.clone()))
        .or_else(|| server.and_then(|server| server.hint().map(str::to_owned)))
        .or_else(|| access.and_then(|access| access.hint().map(str::to_owned)))
        .or_else(|| token?.hint().map(str::to_owned));
    if let Some(hint) = hint {
        printer.hint(&hint);
    }
    let kind = ours.map(Error::kind).or_else(|| notary.map(kind_of_notary));
    let is_usage = matches!(token, Some(sealift_token::Error::Uri(_)))
        || access.is_some_and(sealift_access::Error::is_usage);
    let code = match (kind, usage) {
        (None, None) if is_usage => USAGE,
        (Some(Kind::Findings), _) => FINDINGS,
        (Some(Kind::Usage), _) | (None, Some(_)) => USAGE,
        (Some(Kind::Refused), _) => REFUSED,
        (Some(Kind::Interrupted), _) => INTERRUPTED,
        (Some(Kind::Operational) | None, _) => OPERATIONAL,
    };
    ExitCode::from(code)
}

fn kind_of_notary(error: &sealift_notary::Error) -> Kind {
    match error.kind() {
        sealift_notary::Kind::Usage => Kind::Usage,
        sealift_notary::Kind::Operational => Kind::Operational,
        sealift_notary::Kind::Refused => Kind::Refused,
    }
}
