//! Findings on texts, such as those of linting, in the formats that people and programs read.
//!
//! Entry points: [`FINDING_FORMATS`], [`find_finding_format`], [`FindingWriter`]. A plain list goes in: which file was read how is the
//! caller's business, and so is masking what must not be shown. Texts of files are foreign; each format escapes them.

mod annotations;
mod codequality;
mod document;
mod lines;
mod sarif;
mod writer;
mod xml;

use sealift_diagnostic::{Diagnostic, Level, LineIndex, Rule, closest};
use sealift_oci::Digest;

use writer::Encoding;
pub use writer::FindingWriter;

/// A file with what was found in it.
#[derive(Clone, Debug)]
pub struct LintedFile {
    /// Its path, as it is shown.
    pub path: String,
    /// Its text, secrets masked: every offset is what it is in the file.
    pub text: String,
    /// The findings, in the order of the file.
    pub diagnostics: Vec<Diagnostic>,
    /// What it is in, if it is no text that lies before the user; then it has no lines.
    pub subject: Option<Subject>,
}

/// An image, a container, or whatever else is judged and is no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What people call it.
    pub name: String,
    /// The layer of an image, lowest is 1.
    pub layer: Option<usize>,
}

impl LintedFile {
    /// Where a finding without lines is, in words: `app:1: /etc/shadow (layer 2)`.
    fn place(&self, subject: &Subject) -> String {
        let layer = subject.layer.map(|layer| format!("layer {layer}"));
        match (self.path.as_str(), layer) {
            ("", None) => subject.name.clone(),
            ("", Some(layer)) => format!("{}: {layer}", subject.name),
            (path, None) => format!("{}: {path}", subject.name),
            (path, Some(layer)) => format!("{}: {path} ({layer})", subject.name),
        }
    }

    /// What formats call the file that must have one.
    fn shown_path(&self) -> String {
        match &self.subject {
            Some(subject) => self.place(subject),
            None => self.path.clone(),
        }
    }
}

/// What a format needs.
#[derive(Clone, Copy, Debug)]
pub struct Findings<'a> {
    /// The files, those without findings too.
    pub files: &'a [LintedFile],
    /// The words of all rules that findings can name.
    pub rules: &'a [&'static Rule],
    /// The command that found it, such as `lint`.
    pub command: &'a str,
    /// Whether a terminal shows it in colours.
    pub color: bool,
}

/// A format of findings.
#[derive(Clone, Copy, Debug)]
pub struct FindingFormat {
    /// Name, as `-f` has it.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    encoding: Encoding,
}

const fn format(
    name: &'static str,
    aliases: &'static [&'static str],
    encoding: Encoding,
) -> FindingFormat {
    FindingFormat { name, aliases, encoding }
}

/// All formats.
pub const FINDING_FORMATS: &[FindingFormat] = &[
    format("text", &["terminal", "human"], lines::TEXT),
    format("tty", &["short", "gcc", "gnu"], lines::SHORT),
    format("json", &[], document::JSON),
    format("sarif", &[], Encoding::Whole(sarif::sarif)),
    format(
        "gitlab-codequality",
        &["codequality", "codeclimate", "gitlab_codeclimate"],
        codequality::CODEQUALITY,
    ),
    format("checkstyle", &[], xml::CHECKSTYLE),
    format("github", &["github-annotations", "actions"], annotations::GITHUB),
    format("junit", &["junit-xml"], Encoding::Whole(xml::junit)),
];

/// A word that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format of findings")]
pub struct UnknownFindingFormat(String);

impl UnknownFindingFormat {
    /// What to write instead.
    pub fn hint(&self) -> String {
        let names =
            FINDING_FORMATS.iter().flat_map(|format| [&[format.name], format.aliases].concat());
        let meant = closest(&self.0, names)
            .map(|name| format!("did you mean `{name}`? "))
            .unwrap_or_default();
        let known: Vec<&str> = FINDING_FORMATS.iter().map(|format| format.name).collect();
        format!("{meant}known formats: {}", known.join(", "))
    }
}

/// The format of a name or an alias.
pub fn find_finding_format(text: &str) -> Result<&'static FindingFormat, UnknownFindingFormat> {
    let name = text.trim().to_ascii_lowercase();
    FINDING_FORMATS
        .iter()
        .find(|format| format.name == name || format.aliases.contains(&name.as_str()))
        .ok_or_else(|| UnknownFindingFormat(text.chars().take(40).collect()))
}

impl Findings<'_> {
    /// The words of a finding's rule.
    fn rule(&self, finding: &Diagnostic) -> Option<&'static Rule> {
        let id = finding.rule.as_deref()?;
        self.rules.iter().copied().find(|rule| rule.id == id)
    }
}

/// Lines and columns of a file, counted from one, as editors count them: in UTF-16 code units.
struct Places<'a> {
    text: &'a str,
    index: LineIndex,
}

/// A stretch of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Region {
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

impl<'a> Places<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, index: LineIndex::new(text) }
    }

    fn region(&self, span: sealift_diagnostic::Span) -> Region {
        let (line, column) = self.place(span.start);
        let (end_line, end_column) = self.place(span.end.max(span.start));
        Region { line, column, end_line, end_column }
    }

    fn place(&self, offset: usize) -> (usize, usize) {
        let offset = self.text.floor_char_boundary(offset);
        let line = self.index.line(offset);
        let before = self.text.get(self.index.line_start(line)..offset).unwrap_or("");
        (line, before.encode_utf16().count() + 1)
    }

    /// The text of a line, without blanks around it.
    fn line_text(&self, line: usize) -> &'a str {
        let rest = self.text.get(self.index.line_start(line)..).unwrap_or("");
        rest.lines().next().unwrap_or("").trim()
    }
}

/// What stands for each finding of a file in later reports too: rule, file, the text of its line, and its turn among
/// those for which all that is the same. Not the line's number, so that a line above changes nothing.
fn fingerprints(file: &LintedFile, places: &Places<'_>) -> Vec<String> {
    let mut seen = std::collections::HashMap::new();
    let mut one = |finding: &Diagnostic| {
        let rule = finding.rule.as_deref().unwrap_or_default();
        let line = places.line_text(places.index.line(finding.span.start));
        let mut key = [rule, &file.path, line].join("\0");
        if let Some(subject) = &file.subject {
            // A place in an image has no line; what is said of it tells findings from each other.
            key.extend(["\0", &subject.name, "\0", &finding.message]);
        }
        let turn = seen.entry(key.clone()).or_insert(0_usize);
        *turn += 1;
        Digest::sha256(format!("{key}\0{turn}").as_bytes()).hex().to_owned()
    };
    file.diagnostics.iter().map(&mut one).collect()
}

/// What a finding says, with what to do.
fn whole_message(finding: &Diagnostic) -> String {
    match &finding.help {
        Some(help) => format!("{}: {help}", finding.message),
        None => finding.message.clone(),
    }
}

/// The words that most formats have for levels.
fn three_levels(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Info | Level::Style => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let mut seen = std::collections::BTreeSet::new();
        for format in FINDING_FORMATS {
            for name in [&[format.name], format.aliases].concat() {
                assert!(seen.insert(name), "{name}");
                assert_eq!(find_finding_format(&name.to_uppercase()).unwrap().name, format.name);
            }
        }
        let error = find_finding_format("sarfi").unwrap_err();
        assert!(error.hint().starts_with("did you mean `sarif`? known formats: text, tty, json, "));
    }
}
