//! Findings that the configuration or a comment silences.
//!
//! A comment holds for the line it ends, or for the next one, and for all lines that are indented deeper below it:
//! above a service it holds for the service. What checkov's comments and `ignore-file` name is silent in the whole file.

use std::collections::BTreeMap;

use sealift_diagnostic::{Diagnostic, Level, Rule, Span};
use sealift_lint::{Config, silenced_by};

use crate::{all, rule};

/// That aliases stand for more than is looked at.
pub(crate) fn unread() -> Diagnostic {
    let message = "aliases stand for more values than are looked at; not everything was checked";
    Diagnostic::error(Span::at(0), message).with_rule(sealift_dockerfile::SYNTAX_RULE)
}

/// That a template has to be filled in first.
pub(crate) fn template() -> Diagnostic {
    let message = "this is a template of Helm, and is not audited before it is filled in";
    Diagnostic::new(Level::Info, Span::at(0), message)
        .with_rule(sealift_dockerfile::SYNTAX_RULE)
        .with_help("run `helm template CHART | sealift lint -`")
}

/// What is silent.
pub(crate) struct Silences<'c> {
    config: &'c Config,
    /// Rules by id, and where they are silent.
    places: BTreeMap<&'static str, Vec<Span>>,
}

impl<'c> Silences<'c> {
    pub(crate) fn read(text: &str, config: &'c Config) -> Self {
        let mut silences = Self { config, places: BTreeMap::new() };
        let lines = lines(text);
        for (number, line) in lines.iter().enumerate() {
            let Some(at) = line.text.find('#') else { continue };
            let Some(silence) = silenced_by(&line.text[at + 1..], config.today.as_deref()) else {
                continue;
            };
            let span = if silence.is_for_file {
                Span::new(0, text.len())
            } else {
                let is_alone = line.text[..at].trim().is_empty();
                let first = if is_alone { number + 1 } else { number };
                reach(&lines, first)
            };
            for name in &silence.names {
                for id in ids(name) {
                    silences.places.entry(id).or_default().push(span);
                }
            }
        }
        silences
    }

    /// Whether a finding is not to be shown.
    pub(crate) fn silence(&self, finding: &Diagnostic) -> bool {
        let Some(id) = finding.rule.as_deref() else { return false };
        // What cannot be read cannot be found in order by wishing.
        if id == sealift_dockerfile::SYNTAX_RULE {
            return false;
        }
        let is_off = rule(id)
            .is_some_and(|_| !all().filter(|it| it.id == id).all(|it| self.config.is_on(it)));
        let at = finding.span.start;
        let places = self.places.get(id).map_or(&[][..], Vec::as_slice);
        is_off || places.iter().any(|span| span.start <= at && at <= span.end)
    }

    /// Give a finding the level that the user chose for its rule.
    pub(crate) fn adjust(&self, finding: &mut Diagnostic) {
        choose_level(self.config, finding);
    }
}

/// Give a finding the level that the user chose for its rule.
pub(crate) fn choose_level(config: &Config, finding: &mut Diagnostic) {
    let Some(id) = finding.rule.clone() else { return };
    let called = |name: &str| ids(name).contains(&&*id);
    let chosen: Option<Level> =
        config.levels.iter().find(|(name, _)| called(name)).map(|(_, level)| *level);
    if let Some(level) = chosen {
        finding.level = level;
    }
}

/// The rules that have a name, here or in Dockerfiles.
fn ids(name: &str) -> Vec<&'static str> {
    let name = trivy_id(name);
    let shared = sealift_lint::rules().filter(|it| it.is_called(&name));
    let mut ids: Vec<&str> =
        all().filter(|it: &&Rule| it.is_called(&name)).chain(shared).map(|it| it.id).collect();
    ids.dedup();
    ids
}

/// Trivy's older ids, `AVD-KSV-0017` and `KSV017`, as it writes them now.
fn trivy_id(name: &str) -> String {
    let upper = name.trim().to_ascii_uppercase();
    let id = upper.strip_prefix("AVD-").unwrap_or(&upper);
    match id.strip_prefix("KSV").and_then(|digits| digits.parse::<u32>().ok()) {
        Some(number) => format!("KSV-{number:04}"),
        None => id.to_owned(),
    }
}

struct Line<'t> {
    text: &'t str,
    start: usize,
    /// Columns before its text; none if it is blank or a comment.
    indent: Option<usize>,
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n')
        .map(|line| {
            let begin = start;
            start += line.len();
            let shown = line.trim_start();
            let is_blank = shown.trim_end().is_empty() || shown.starts_with('#');
            let indent = (!is_blank).then_some(line.len() - shown.len());
            Line { text: line, start: begin, indent }
        })
        .collect()
}

/// From the first line at or after `first` that says something to the last one that is indented deeper.
fn reach(lines: &[Line<'_>], first: usize) -> Span {
    let found = lines.iter().enumerate().skip(first).find(|(_, line)| line.indent.is_some());
    let Some((first, line)) = found else { return Span::at(usize::MAX) };
    let indent = line.indent.unwrap_or(0);
    let below =
        lines[first + 1..].iter().take_while(|line| line.indent.is_none_or(|it| it > indent));
    let last = lines[first..=first].iter().chain(below).last().unwrap_or(line);
    Span::new(line.start, last.start + last.text.trim_end().len())
}
