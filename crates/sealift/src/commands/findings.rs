//! Where findings on files go, and in what formats.

use std::path::PathBuf;

use sealift_diagnostic::Rule;
use sealift_pipeline::Error;
use sealift_report::{FindingFormat, Findings, LintedFile, find_finding_format};

use crate::failure::Usage;
use crate::printer::Printer;

const DEFAULT_FORMAT: &str = "text";

/// Every rule that a command can name.
pub(super) fn rules() -> impl Iterator<Item = &'static Rule> {
    sealift_lint::rules().chain(sealift_audit::rules()).chain(sealift_policy::LINT_RULES)
}

/// What `-f` and `-o` ask for.
pub(super) struct Outputs(Vec<Output>);

struct Output {
    format: &'static FindingFormat,
    path: Option<PathBuf>,
}

impl Outputs {
    /// `-o` is a file for `-f`, or FORMAT=FILE; without either it is the text for people, on stdout.
    pub(super) fn read(format: Option<&str>, texts: &[String]) -> anyhow::Result<Self> {
        let find = |name: &str| {
            find_finding_format(name).map_err(|error| Usage::error(error.to_string(), error.hint()))
        };
        let mut outputs = Vec::new();
        let mut file = None;
        for text in texts {
            match text.split_once('=').filter(|(name, _)| !name.contains(['/', '.'])) {
                Some((name, path)) => {
                    let path = Some(path).filter(|path| !path.is_empty()).map(PathBuf::from);
                    outputs.push(Output { format: find(name)?, path });
                }
                None if file.is_none() => file = Some(PathBuf::from(text)),
                None => {
                    return Err(Usage::error(
                        format!("`-o {text}` is a second file for one format"),
                        "name the format of each: `-o json=a.json -o sarif=b.sarif`",
                    ));
                }
            }
        }
        if format.is_some() || file.is_some() || outputs.is_empty() {
            outputs
                .insert(0, Output { format: find(format.unwrap_or(DEFAULT_FORMAT))?, path: file });
        }
        Ok(Self(outputs))
    }

    /// Whether a person reads what is on stdout.
    pub(super) fn is_for_people(&self) -> bool {
        self.0.iter().any(|it| it.path.is_none() && it.format.name == DEFAULT_FORMAT)
    }

    /// Writes all of them.
    pub(super) fn write(
        &self,
        command: &str,
        files: &[LintedFile],
        printer: &Printer,
    ) -> anyhow::Result<()> {
        let rules: Vec<&'static Rule> = rules().collect();
        for Output { format, path } in &self.0 {
            let color = printer.color() && path.is_none();
            let text = (format.encode)(&Findings { files, rules: &rules, command, color });
            match path {
                Some(path) => {
                    std::fs::write(path, text)
                        .map_err(|source| Error::file("write", path, source))?;
                    printer.message(&format!("wrote {}", path.display()));
                }
                None => printer.data_if_any(text.trim_end())?,
            }
        }
        Ok(())
    }
}
