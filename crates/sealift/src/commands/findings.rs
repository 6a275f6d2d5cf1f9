//! Where findings on files go, and in what formats.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use sealift_diagnostic::Rule;
use sealift_pipeline::Error;
use sealift_report::{FindingFormat, FindingWriter, Findings, LintedFile, find_finding_format};

use crate::failure::Usage;
use crate::printer::Printer;

const DEFAULT_FORMAT: &str = "text";
const TEXT_BYTES: usize = 64 << 10;

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
        let rules = rules().collect::<Vec<_>>();
        let mut writing = self.begin(command, &rules, printer);
        for file in files {
            writing.add(file)?;
        }
        writing.end()
    }

    /// Begins to write findings on files that come one by one.
    pub(super) fn begin<'a>(
        &'a self,
        command: &'a str,
        rules: &'a [&'static Rule],
        printer: &'a Printer,
    ) -> Writing<'a> {
        let begin = |output: &'a Output| {
            let color = printer.color() && output.path.is_none();
            let setting = Findings { files: &[], rules, command, color };
            let writer = FindingWriter::new(output.format, setting);
            let path = output.path.as_deref();
            let sink = Sink { path, file: None, printer, text: String::new(), is_empty: true };
            (writer, sink)
        };
        Writing(self.0.iter().map(begin).collect())
    }
}

/// Findings that are being written.
pub(super) struct Writing<'a>(Vec<(FindingWriter<'a>, Sink<'a>)>);

impl Writing<'_> {
    /// Writes a file's findings.
    pub(super) fn add(&mut self, file: &LintedFile) -> anyhow::Result<()> {
        for (writer, sink) in &mut self.0 {
            sink.text += &writer.add(file);
            if sink.text.len() > TEXT_BYTES {
                sink.write(false)?;
            }
        }
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn end(self) -> anyhow::Result<()> {
        for (writer, mut sink) in self.0 {
            sink.text += &writer.end();
            sink.write(true)?;
            if let Some(path) = sink.path {
                sink.printer.message(&format!("wrote {}", path.display()));
            }
        }
        Ok(())
    }
}

/// Where an output goes: some of its text waits, so that not every file is a write.
struct Sink<'a> {
    path: Option<&'a Path>,
    file: Option<File>,
    printer: &'a Printer,
    text: String,
    is_empty: bool,
}

impl Sink<'_> {
    fn write(&mut self, is_last: bool) -> anyhow::Result<()> {
        let Some(path) = self.path else {
            // One line break ends the last line, however many the format has there.
            let end = self.text.trim_end().len();
            let rest = self.text.split_off(end);
            self.is_empty &= self.text.is_empty();
            if is_last && !self.is_empty {
                self.text.push('\n');
            }
            self.printer.exactly(&self.text)?;
            self.text = rest;
            return Ok(());
        };
        let fail = |source| Error::file("write", path, source);
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(File::create(path).map_err(fail)?),
        };
        file.write_all(self.text.as_bytes()).map_err(fail)?;
        self.text.clear();
        Ok(())
    }
}
