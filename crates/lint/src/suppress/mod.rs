//! Findings that the file or the configuration silences, and suppressions that silence nothing.
//!
//! `# sealift: ignore=…` holds for the next instruction, or the one it stands in; `ignore-stage=` for the stage,
//! `ignore-file=` for the file. Comments for hadolint, checkov, trivy and `BuildKit` do what they do there, and every name
//! that a rule has may be used in each of them. `# check=skip=…` at the top holds for the file, above an instruction for it.

mod comment;
mod unused;

use std::cell::Cell;

use sealift_diagnostic::{Diagnostic, Level, Rule, Span};
use sealift_dockerfile::{Comment, Directive, Dockerfile, Instruction, Keyword, Parse};

use crate::{Config, rules};
use comment::{Silencer, Tool};

pub(crate) use unused::{INLINE_SUPPRESSION, SUPPRESSION_WITHOUT_EFFECT, UNUSED_SUPPRESSION};

/// How far a comment reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Instruction,
    Stage,
    File,
}

/// What a comment of another kind of file silences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// In the whole file, not only where the comment stands.
    pub is_for_file: bool,
    /// Rules, as the comment names them.
    pub names: Vec<String>,
}

/// What a comment silences today; comments that have an end and no effect any more silence nothing.
pub(crate) fn silenced_by(comment: &str, today: Option<&str>) -> Option<Silence> {
    let silencer = comment::read(comment).filter(|silencer| silencer.fault.is_none())?;
    let holds = |name: &comment::Name| !name.ends.as_ref().is_some_and(|end| end.is_over(today));
    let names = silencer.names.iter().filter(|name| holds(name)).map(|name| name.text.clone());
    Some(Silence { is_for_file: silencer.reach == Reach::File, names: names.collect() })
}

/// One rule that a comment or directive silences.
struct Suppression {
    /// The comment or directive.
    span: Span,
    /// The rule as it is named there.
    name: String,
    rules: Vec<&'static str>,
    /// Where it holds; everywhere if there is none.
    within: Option<Span>,
    /// Whether that is one instruction, as of most.
    is_narrow: bool,
    /// The day on which it ended.
    ended: Option<String>,
    is_used: Cell<bool>,
}

/// A comment that cannot do what it says.
struct Fault {
    span: Span,
    message: String,
}

pub(crate) struct Suppressions<'a> {
    config: &'a Config,
    list: Vec<Suppression>,
    /// Those of one instruction, by its place: a file may have as many as instructions.
    narrow: Vec<usize>,
    /// The others.
    wide: Vec<usize>,
    faults: Vec<Fault>,
    /// Comments for hadolint, whether they have an effect or not.
    inline: Vec<Span>,
    /// Whether findings of `BuildKit`'s rules are errors.
    checks_fail: bool,
}

impl<'a> Suppressions<'a> {
    pub(crate) fn read(parse: &Parse, config: &'a Config) -> Self {
        let mut all = Self {
            config,
            list: Vec::new(),
            narrow: Vec::new(),
            wide: Vec::new(),
            faults: Vec::new(),
            inline: Vec::new(),
            checks_fail: false,
        };
        let silencers: Vec<(&Comment, Silencer)> = parse
            .file
            .comments
            .iter()
            .filter_map(|it| Some((it, comment::read(&it.text)?)))
            .filter(|(_, it)| it.tool != Tool::Hadolint || !config.disregards_hadolint)
            .collect();
        for (index, (comment, silencer)) in silencers.iter().enumerate() {
            if silencer.tool == Tool::Hadolint {
                all.inline.push(comment.span);
            }
            if let Some(fault) = &silencer.fault {
                all.fault(comment.span, format!("this comment silences nothing: {fault}"));
                continue;
            }
            if let Some(within) = target(&parse.file, &silencers[index..]) {
                all.add(comment, silencer, within);
            } else {
                let follows = match silencer.reach {
                    Reach::Stage => "no `FROM` follows",
                    _ => "no instruction follows in the next line",
                };
                all.fault(comment.span, format!("this comment silences nothing: {follows}"));
            }
        }
        for directive in checks(parse) {
            all.directive(directive);
        }
        for comment in &parse.file.comments {
            let Some(value) = check_value(&comment.text) else { continue };
            if let Some(instruction) = described(&parse.file, comment) {
                let skip = value.split(';').find_map(|part| part.trim().strip_prefix("skip="));
                all.skip(comment.span, skip.unwrap_or(""), Some(instruction.span));
            }
        }
        (all.narrow, all.wide) = (0..all.list.len()).partition(|&index| all.list[index].is_narrow);
        all.narrow.sort_by_key(|&index| all.list[index].within.map_or(0, |it| it.start));
        all
    }

    /// Whether a finding is silenced; a syntax error never is.
    pub(crate) fn silence(&self, finding: &Diagnostic) -> bool {
        let Some(id) = finding.rule.as_deref() else { return false };
        if id == sealift_dockerfile::SYNTAX_RULE {
            return false;
        }
        let at = finding.span.start;
        let mut is_silenced = false;
        for suppression in self.around(at).filter(|it| it.rules.contains(&id)) {
            let holds = suppression.within.is_none_or(|it| it.start <= at && at <= it.end);
            if holds {
                suppression.is_used.set(true);
                is_silenced |= suppression.ended.is_none();
            }
        }
        is_silenced
    }

    /// Those that can hold at a place, and perhaps some more.
    fn around(&self, at: usize) -> impl Iterator<Item = &Suppression> {
        let start = |index: usize| self.list[index].within.map_or(0, |it| it.start);
        let after = self.narrow.partition_point(|&index| start(index) <= at);
        let nearest = after.checked_sub(1).map_or(0, |last| start(self.narrow[last]));
        let first = self.narrow.partition_point(|&index| start(index) < nearest);
        self.wide.iter().chain(&self.narrow[first..after]).map(|&index| &self.list[index])
    }

    /// Give a finding the level that the file asks for: `# check=error=true`.
    pub(crate) fn adjust(&self, finding: &mut Diagnostic) {
        let rule = finding.rule.as_deref().filter(|_| self.checks_fail).and_then(crate::rule);
        if rule.is_some_and(is_buildkit_rule) {
            finding.level = Level::Error;
        }
    }

    fn fault(&mut self, span: Span, message: String) {
        self.faults.push(Fault { span, message });
    }

    fn add(&mut self, comment: &Comment, silencer: &Silencer, within: Option<Span>) {
        for name in &silencer.names {
            let rules = called(&name.text, silencer.tool);
            if rules.is_empty() {
                // What only another tool knows is its own business.
                if silencer.tool == Tool::Sealift {
                    let shown: String = name.text.chars().take(60).collect();
                    self.fault(comment.span, format!("there is no rule `{shown}`"));
                }
                continue;
            }
            let over = name.ends.as_ref().filter(|end| end.is_over(self.config.today.as_deref()));
            self.list.push(Suppression {
                span: comment.span,
                name: name.text.clone(),
                rules,
                within,
                is_narrow: silencer.reach == Reach::Instruction && within.is_some(),
                ended: over.map(|end| end.date.clone()),
                is_used: Cell::new(false),
            });
        }
    }

    /// `# check=skip=A,B;error=true`; `all` means the rules that `BuildKit` itself has.
    fn directive(&mut self, directive: &Directive) {
        for part in directive.value.split(';') {
            let Some((key, value)) = part.split_once('=') else {
                self.fault(directive.span, format!("`{}` is no setting of checks", part.trim()));
                continue;
            };
            let value = value.trim();
            match key.trim() {
                "skip" => self.skip(directive.span, value, None),
                "error" => self.checks_fail |= matches!(value, "true" | "1"),
                // These are asked for before the rules are run.
                "experimental" => {}
                other => {
                    self.fault(directive.span, format!("`{other}` is no setting of checks"));
                }
            }
        }
    }

    fn skip(&mut self, span: Span, value: &str, within: Option<Span>) {
        for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            let is_all = name.eq_ignore_ascii_case("all");
            let is_meant =
                |rule: &Rule| if is_all { is_buildkit_rule(rule) } else { rule.is_called(name) };
            let found: Vec<_> = rules().filter(|rule| is_meant(rule)).map(|rule| rule.id).collect();
            self.list.push(Suppression {
                span,
                name: name.to_owned(),
                rules: found,
                within,
                is_narrow: false,
                ended: None,
                // Who skips all does not mean that there is something to skip.
                is_used: Cell::new(is_all),
            });
        }
    }
}

/// Whether `# check=experimental=…` asks for a rule.
pub(crate) fn is_tried(parse: &Parse, rule: &Rule) -> bool {
    is_buildkit_rule(rule)
        && checks(parse).flat_map(|it| it.value.split(';')).any(|part| {
            part.trim().strip_prefix("experimental=").is_some_and(|list| {
                list.split(',').any(|name| name.trim() == "all" || rule.is_called(name))
            })
        })
}

fn checks(parse: &Parse) -> impl Iterator<Item = &Directive> {
    parse.file.directives.iter().filter(|it| it.name == "check")
}

/// What follows `check=` in a comment, up to a blank: words may follow.
fn check_value(comment: &str) -> Option<&str> {
    let (name, value) = comment.split_once('=')?;
    let is_check = name.trim().eq_ignore_ascii_case("check");
    is_check.then(|| value.split_whitespace().next().unwrap_or(""))
}

/// The instruction right below a comment, or below comments that follow it without a gap.
fn described<'a>(file: &'a Dockerfile, comment: &Comment) -> Option<&'a Instruction> {
    let after = file.instructions.partition_point(|it| it.span.end <= comment.span.start);
    let instruction = file.instructions.get(after)?;
    let lines = instruction.line_number.checked_sub(comment.line + 1)?;
    let start = file.comments.partition_point(|it| it.line <= comment.line);
    let between = &file.comments[start..];
    let count = between.iter().take_while(|it| it.line < instruction.line_number).count();
    (count == lines).then_some(instruction)
}

/// Where the first of some comments holds: `Some(None)` is everywhere, `None` nowhere.
#[expect(clippy::option_option, reason = "nowhere is not everywhere")]
fn target(file: &Dockerfile, rest: &[(&Comment, Silencer)]) -> Option<Option<Span>> {
    let (comment, silencer) = rest.first()?;
    let instructions = &file.instructions;
    let after = instructions.partition_point(|it| it.span.end <= comment.span.start);
    let next = instructions.get(after);
    match (silencer.reach, silencer.tool) {
        (Reach::File, _) => Some(None),
        (Reach::Instruction, Tool::Sealift) => Some(Some(next?.span)),
        (Reach::Instruction, Tool::Trivy) => {
            // Comments for trivy in successive lines hold for what follows the last of them.
            let stacked = rest.windows(2).take_while(|pair| {
                pair[1].1.tool == Tool::Trivy && pair[0].0.line + 1 == pair[1].0.line
            });
            let line = comment.line + stacked.count() + 1;
            Some(Some(next.filter(|it| it.line_number == line)?.span))
        }
        (Reach::Instruction, _) => {
            Some(Some(next.filter(|it| it.line_number == comment.line + 1)?.span))
        }
        (Reach::Stage, tool) => {
            let is_from = |it: &&Instruction| it.keyword == Some(Keyword::From);
            let from = match tool {
                Tool::Sealift => next.filter(is_from)?,
                _ => next.filter(|it| is_from(it) && it.line_number == comment.line + 1)?,
            };
            let end = instructions[after + 1..].iter().find(is_from);
            let end = end.map_or(usize::MAX, |it| it.span.start.saturating_sub(1));
            // hadolint's comment does not hold for the `FROM` itself.
            let start = if tool == Tool::Sealift { from.span.start } else { from.span.end };
            Some(Some(Span::new(start, end)))
        }
    }
}

/// The rules that a name stands for: one id may be an alias of several.
fn called(name: &str, tool: Tool) -> Vec<&'static str> {
    let wanted = if tool == Tool::Trivy { trivy_id(name) } else { name.to_owned() };
    let is_pattern = tool == Tool::Trivy && wanted.contains('*');
    // Of what only we have trivy's wildcard knows nothing.
    let fits = |alias: &&str| alias.starts_with("DS-") && matches(&wanted, alias);
    rules()
        .filter(
            |rule| {
                if is_pattern { rule.aliases.iter().any(&fits) } else { rule.is_called(&wanted) }
            },
        )
        .map(|rule| rule.id)
        .collect()
}

/// Trivy's ids had other forms before: `AVD-DS-0002`, `DS002`.
fn trivy_id(name: &str) -> String {
    let name = name.to_ascii_uppercase();
    let name = name.strip_prefix("AVD-").unwrap_or(&name);
    match name.strip_prefix("DS").filter(|digits| digits.len() == 3) {
        Some(digits) if digits.bytes().all(|it| it.is_ascii_digit()) => format!("DS-0{digits}"),
        _ => name.to_owned(),
    }
}

/// Whether a text in capitals fits a pattern in which `*` is any text.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or("")) else { return false };
    let mut last = None;
    for part in parts {
        if let Some(part) = last.replace(part) {
            let Some(at) = rest.find(part) else { return false };
            rest = &rest[at + part.len()..];
        }
    }
    last.map_or(rest.is_empty(), |last| rest.ends_with(last))
}

/// `BuildKit`'s rules have names in camel case and no digits.
fn is_buildkit_rule(rule: &Rule) -> bool {
    rule.aliases.iter().any(|alias| alias.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_trivy() {
        for name in ["DS-0002", "ds-0002", "AVD-DS-0002", "DS002", "avd-ds-0002"] {
            assert_eq!(called(name, Tool::Trivy), called("DS-0002", Tool::Hadolint), "{name}");
        }
        assert!(called("*", Tool::Trivy).len() > 10);
        assert!(called("DS-*2", Tool::Trivy).contains(&"SL1012"));
        assert!(called("CKV*", Tool::Trivy).is_empty() && called("DL*", Tool::Checkov).is_empty());
        assert!(matches("A*B*C", "AxBBxC") && !matches("A*B", "AxC") && !matches("AB", "ABC"));
    }
}
