//! `sealift lsp`

use std::io::{BufReader, stdin, stdout};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use sealift_diagnostic::{Diagnostic, Rule, Tier};
use sealift_lsp::{Ending, Workspace};
use sealift_pipeline::lint::{self, LintRequest};

use super::lint::{Flags, request};
use crate::settings::{Folders, Settings};
use sealift_arguments::{Global, Lsp};

pub(crate) fn run(global: &Global, _arguments: &Lsp) -> anyhow::Result<ExitCode> {
    let linter = Linter { folders: Folders::from_environment()?, config: global.config.clone() };
    let ending = sealift_lsp::serve(BufReader::new(stdin()), stdout().lock(), &linter)?;
    // The protocol wants 1 for an `exit` without a `shutdown`.
    Ok(ExitCode::from(u8::from(ending == Ending::Abrupt)))
}

/// The linter as `sealift lint` would run it on the saved file: with the settings and the context of its folder.
struct Linter {
    folders: Folders,
    config: Option<PathBuf>,
}

impl Linter {
    fn request(&self, folder: &Path) -> anyhow::Result<LintRequest> {
        let settings = Settings::read(&self.folders, self.config.as_deref(), folder)?;
        request(&Flags::default(), &settings.file, folder)
    }
}

impl Workspace for Linter {
    fn lint(&self, path: &Path, text: &str) -> Result<Vec<Diagnostic>, String> {
        let folder = folder(path);
        let request = self.request(folder).map_err(|error| format!("{error:#}"))?;
        lint::lint_text(path, folder, text, &request).map_err(|error| error.to_string())
    }

    fn fix_all(&self, path: &Path, text: &str) -> Result<String, String> {
        let folder = folder(path);
        let request = self.request(folder).map_err(|error| format!("{error:#}"))?;
        let fixed = lint::fix_text(path, folder, text, &request, Tier::Safe)
            .map_err(|error| error.to_string())?;
        Ok(fixed.text)
    }

    fn rule(&self, id: &str) -> Option<&'static Rule> {
        sealift_lint::rule(id).or_else(|| sealift_audit::rule(id))
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
