//! Findings written file by file: of thousands of files only those are kept that a format needs at its end.

use serde_json::Value;

use super::{FindingFormat, Findings, LintedFile};
use crate::text;

/// How a format is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Encoding {
    /// The files one after the other, with something before and behind.
    Each {
        /// What stands before all of them.
        head: &'static str,
        /// A file.
        file: fn(&LintedFile, &Findings<'_>) -> String,
        /// What stands behind all of them.
        tail: &'static str,
    },
    /// A list in JSON, with something before and behind.
    List {
        /// What stands before the list.
        head: &'static str,
        /// The list's items of a file.
        items: fn(&LintedFile) -> Vec<Value>,
        /// How far items are moved to the right.
        indent: &'static str,
        /// What stands behind the list.
        tail: &'static str,
    },
    /// Something in the beginning needs to be known of all files.
    Whole(fn(&Findings<'_>) -> String),
}

/// Writes findings in a format, file by file.
#[derive(Debug)]
pub struct FindingWriter<'a> {
    encoding: Encoding,
    setting: Findings<'a>,
    has_begun: bool,
    has_items: bool,
    kept: Vec<LintedFile>,
}

impl<'a> FindingWriter<'a> {
    /// A writer that has written nothing yet; of `setting` everything but its files counts.
    pub fn new(format: &FindingFormat, setting: Findings<'a>) -> Self {
        let setting = Findings { files: &[], ..setting };
        let encoding = format.encoding;
        Self { encoding, setting, has_begun: false, has_items: false, kept: Vec::new() }
    }

    /// Takes a file, and gives what can be written now.
    pub fn add(&mut self, file: &LintedFile) -> String {
        let mut out = self.begin();
        match self.encoding {
            Encoding::Each { file: each, .. } => out += &each(file, &self.setting),
            Encoding::List { items, indent, .. } => {
                for item in items(file) {
                    out.push_str(if self.has_items { ",\n" } else { "\n" });
                    self.has_items = true;
                    for (index, line) in text::document(&item).trim_end().lines().enumerate() {
                        out.push_str(if index == 0 { "" } else { "\n" });
                        out.extend([indent, line]);
                    }
                }
            }
            Encoding::Whole(_) => self.kept.push(file.clone()),
        }
        out
    }

    /// The rest.
    pub fn end(mut self) -> String {
        let mut out = self.begin();
        match self.encoding {
            Encoding::Each { tail, .. } => out.push_str(tail),
            Encoding::List { indent, tail, .. } => {
                if self.has_items {
                    out.extend(["\n", indent.get(2..).unwrap_or_default()]);
                }
                out.extend(["]", tail]);
            }
            Encoding::Whole(all) => {
                out.push_str(&all(&Findings { files: &self.kept, ..self.setting }));
            }
        }
        out
    }

    fn begin(&mut self) -> String {
        if std::mem::replace(&mut self.has_begun, true) {
            return String::new();
        }
        match self.encoding {
            Encoding::Each { head, .. } => head.to_owned(),
            Encoding::List { head, .. } => format!("{head}["),
            Encoding::Whole(_) => String::new(),
        }
    }
}

impl FindingFormat {
    /// All files at once.
    pub fn encode(&self, findings: &Findings<'_>) -> String {
        if let Encoding::Whole(all) = self.encoding {
            return all(findings);
        }
        let mut writer = FindingWriter::new(self, *findings);
        let mut out: String = findings.files.iter().map(|file| writer.add(file)).collect();
        out += &writer.end();
        out
    }
}
