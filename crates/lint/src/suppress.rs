//! Findings that the file or the configuration silences.
//!
//! `# sealift: ignore=…`, `# hadolint ignore=…` and `#trivy:ignore:…` hold for the next instruction, or the one they
//! stand in; `# sealift: ignore-file=…`, `# hadolint global ignore=…`, `#checkov:skip=…` and `# check=skip=…` hold for
//! the file. Every name that a rule has may be used in each of them.

use sealift_diagnostic::{Diagnostic, Rule, Span};
use sealift_dockerfile::{Comment, Instruction, Parse};

use crate::{Config, rules};

pub(crate) struct Suppressions {
    /// Ids of rules that are off.
    everywhere: Vec<&'static str>,
    /// Ids of rules that are off within a span.
    within: Vec<(Span, &'static str)>,
}

/// How far a comment reaches.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Instruction,
    File,
}

impl Suppressions {
    pub(crate) fn read(parse: &Parse, config: &Config) -> Self {
        let everywhere = rules().filter(|rule| config.ignores(rule)).map(|rule| rule.id).collect();
        let mut suppressions = Self { everywhere, within: Vec::new() };
        for comment in &parse.file.comments {
            let Some((reach, names)) = names(&comment.text) else { continue };
            let rules = names.flat_map(called);
            match reach {
                Reach::File => suppressions.everywhere.extend(rules),
                Reach::Instruction => {
                    let Some(span) = target(comment, &parse.file.instructions) else { continue };
                    suppressions.within.extend(rules.map(|id| (span, id)));
                }
            }
        }
        for directive in parse.file.directives.iter().filter(|directive| directive.name == "check")
        {
            suppressions.everywhere.extend(skipped_checks(&directive.value));
        }
        suppressions
    }

    /// Whether a finding is silenced; a syntax error never is.
    pub(crate) fn silence(&self, finding: &Diagnostic) -> bool {
        let Some(id) = finding.rule.as_deref() else { return false };
        if id == sealift_dockerfile::SYNTAX_RULE {
            return false;
        }
        let at = finding.span.start;
        self.everywhere.contains(&id)
            || self
                .within
                .iter()
                .any(|(span, rule)| *rule == id && span.start <= at && at <= span.end)
    }
}

/// The rules that a name stands for: one id may be an alias of several.
fn called(name: &str) -> impl Iterator<Item = &'static str> {
    rules().filter(move |rule| rule.is_called(name)).map(|rule| rule.id)
}

/// The names in a comment, up to a reason that may follow.
fn names(comment: &str) -> Option<(Reach, impl Iterator<Item = &str>)> {
    const FORMS: [(&str, Reach); 6] = [
        ("sealift:ignore-file=", Reach::File),
        ("sealift:ignore=", Reach::Instruction),
        ("hadolintglobalignore=", Reach::File),
        ("hadolintignore=", Reach::Instruction),
        ("checkov:skip=", Reach::File),
        ("trivy:ignore:", Reach::Instruction),
    ];
    FORMS.iter().find_map(|(form, reach)| {
        let rest = after(comment, form)?;
        let list = rest.split_once(" #").map_or(rest, |(list, _)| list);
        let list = if form.starts_with("checkov") { list.split(':').next()? } else { list };
        // `a, b` is one list; words after a blank without a comma are a reason.
        let names = list
            .split(',')
            .map(|name| name.split_whitespace().next().unwrap_or(""))
            .filter(|name| !name.is_empty());
        Some((*reach, names))
    })
}

/// What follows `form` in `text`, where blanks in `text` do not count until then.
fn after<'a>(text: &'a str, form: &str) -> Option<&'a str> {
    let mut wanted = form.chars();
    let mut next = wanted.next();
    for (at, letter) in text.char_indices() {
        let Some(expected) = next else { return Some(&text[at..]) };
        if letter.is_whitespace() {
            continue;
        }
        if !letter.eq_ignore_ascii_case(&expected) {
            return None;
        }
        next = wanted.next();
    }
    None
}

/// The instruction that a comment stands in or before.
fn target(comment: &Comment, instructions: &[Instruction]) -> Option<Span> {
    let next =
        instructions.partition_point(|instruction| instruction.span.end <= comment.span.start);
    instructions.get(next).map(|instruction| instruction.span)
}

/// `# check=skip=A,B;error=true`; `all` means the rules that `BuildKit` itself has.
fn skipped_checks(value: &str) -> Vec<&'static str> {
    let skip = value.split(';').find_map(|part| part.trim().strip_prefix("skip="));
    let names = skip.unwrap_or("").split(',').map(str::trim);
    names
        .flat_map(|name| {
            let all = name.eq_ignore_ascii_case("all");
            rules()
                .filter(move |rule| if all { is_buildkit_rule(rule) } else { rule.is_called(name) })
                .map(|rule| rule.id)
        })
        .collect()
}

/// `BuildKit`'s rules have names in camel case and no digits.
fn is_buildkit_rule(rule: &Rule) -> bool {
    rule.aliases.iter().any(|alias| alias.bytes().all(|byte| byte.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule;

    fn check(comment: &str, file: bool, expected: &[&str]) {
        let (reach, found) = names(comment).unwrap();
        assert_eq!(
            (reach == Reach::File, found.collect::<Vec<_>>()),
            (file, expected.to_vec()),
            "{comment}"
        );
    }

    #[test]
    fn forms_of_comments() {
        check("sealift: ignore=SL1001", false, &["SL1001"]);
        check("Sealift:ignore = SL1001, DL3007 because", false, &["SL1001", "DL3007"]);
        check("sealift: ignore-file=mutable-tag", true, &["mutable-tag"]);
        check("hadolint ignore=DL3007,SC1010", false, &["DL3007", "SC1010"]);
        check("hadolint global ignore=DL3007", true, &["DL3007"]);
        check("checkov:skip=CKV_DOCKER_3: no user here", true, &["CKV_DOCKER_3"]);
        check("trivy:ignore:DS-0002 some reason", false, &["DS-0002"]);
        assert!(names("just words about sealift").is_none());
        assert!(rule("dl3007").is_some() && rule("DL9999").is_none());
    }
}
