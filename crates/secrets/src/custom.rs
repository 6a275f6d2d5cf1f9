//! Rules of the user: regular expressions behind keywords, and what they allow. They are compiled when a text first asks
//! for them, and a pattern that would take too much memory is refused.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};

use crate::allow::line;
use crate::value::entropy_tenths;

/// Memory of one compiled pattern.
const PATTERN_BYTES_MAX: usize = 8 << 20;
const NEST_MAX: u32 = 64;
const MATCHES_MAX: usize = 1000;

/// Rules of the user, and what they say of ours.
#[derive(Clone, Debug, Default)]
pub struct Rules(pub(crate) Option<Arc<Inner>>);

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) rules: Vec<Rule>,
    /// Of all rules.
    pub(crate) allowlists: Vec<Allowlist>,
    /// Whether our own rules are used too.
    pub(crate) uses_own: bool,
    /// Ids of rules that are off.
    pub(crate) disabled: Vec<String>,
    /// Ids of ours that have a pattern of the user's.
    pub(crate) replaced: Vec<String>,
    /// What of the file was not used.
    pub(crate) notes: Vec<String>,
    /// Tells these rules from others.
    pub(crate) digest: String,
    pub(crate) keywords: Keywords,
}

/// A pattern that is compiled when it is first needed.
#[derive(Debug)]
pub(crate) struct Pattern {
    source: String,
    compiled: OnceLock<Option<Regex>>,
}

/// A rule.
#[derive(Debug, Default)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) pattern: Option<Pattern>,
    pub(crate) path: Option<Pattern>,
    pub(crate) secret_group: usize,
    pub(crate) entropy_tenths: u32,
    pub(crate) keywords: Vec<String>,
    pub(crate) allowlists: Vec<Allowlist>,
}

/// What a rule does not report.
#[derive(Debug, Default)]
pub(crate) struct Allowlist {
    pub(crate) needs_all: bool,
    pub(crate) paths: Vec<Pattern>,
    pub(crate) target: Target,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) stop_words: Vec<String>,
    /// Only for these rules; none means all.
    pub(crate) rules: Vec<String>,
    /// It asks for commits, which no file has.
    pub(crate) asks_for_commits: bool,
}

/// What an allowlist's patterns look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Target {
    /// The secret.
    #[default]
    Secret,
    /// All that the rule's pattern matched.
    Match,
    /// The line.
    Line,
}

/// Which rules a text may concern.
#[derive(Debug, Default)]
pub(crate) struct Keywords {
    automaton: Option<AhoCorasick>,
    // By keyword, places of rules.
    rules: Vec<Vec<usize>>,
}

impl Pattern {
    /// Takes a pattern that can be read; it is compiled later.
    pub(crate) fn read(source: &str) -> Result<Self, String> {
        let source = &with_literal_braces(source);
        let parse = |unicode: bool| {
            let mut parser = regex_syntax::ParserBuilder::new();
            let parsed =
                parser.unicode(unicode).utf8(false).nest_limit(NEST_MAX).build().parse(source);
            parsed.map_err(|error| error.to_string().lines().last().unwrap_or_default().to_owned())
        };
        // Go's classes know ASCII only, but its patterns may have any letter.
        parse(false).or_else(|_| parse(true))?;
        Ok(Self { source: source.to_owned(), compiled: OnceLock::new() })
    }

    fn regex(&self) -> Option<&Regex> {
        let build = |unicode: bool| {
            RegexBuilder::new(&self.source)
                .unicode(unicode)
                .size_limit(PATTERN_BYTES_MAX)
                .dfa_size_limit(PATTERN_BYTES_MAX)
                .nest_limit(NEST_MAX)
                .build()
        };
        self.compiled.get_or_init(|| build(false).or_else(|_| build(true)).ok()).as_ref()
    }

    pub(crate) fn matches(&self, text: &[u8]) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text))
    }
}

// In Go's patterns a brace that begins no count is a letter.
fn with_literal_braces(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    let mut in_class = false;
    while let Some(letter) = rest.chars().next() {
        let (mut taken, behind) = rest.split_at(letter.len_utf8());
        rest = behind;
        match letter {
            '\\' => {
                let escaped = rest.chars().next().map_or(0, char::len_utf8);
                let braced = rest.starts_with(['p', 'P', 'x']) && rest[escaped..].starts_with('{');
                let len =
                    if braced { rest.find('}').map_or(escaped, |end| end + 1) } else { escaped };
                out.push(letter);
                (taken, rest) = rest.split_at(len);
            }
            '[' if !in_class => in_class = true,
            ']' => in_class = false,
            '{' if !in_class && !begins_count(rest) => out.push('\\'),
            _ => {}
        }
        out.push_str(taken);
    }
    out
}

fn begins_count(rest: &str) -> bool {
    let Some((inside, _)) = rest.split_once('}') else { return false };
    let (least, most) = inside.split_once(',').unwrap_or((inside, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !least.is_empty() && is_number(least) && is_number(most)
}

impl Keywords {
    pub(crate) fn of(rules: &[Rule]) -> Self {
        let mut words: Vec<&str> = Vec::new();
        let mut places: Vec<Vec<usize>> = Vec::new();
        for (place, rule) in rules.iter().enumerate() {
            for word in &rule.keywords {
                let known = words.iter().position(|known| known.eq_ignore_ascii_case(word));
                let at = known.unwrap_or(words.len());
                if known.is_none() {
                    words.push(word);
                    places.push(Vec::new());
                }
                places[at].push(place);
            }
        }
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&words).ok();
        Self { automaton: automaton.filter(|_| !words.is_empty()), rules: places }
    }

    // Rules without keywords are asked for every text.
    fn rules_for(&self, rules: &[Rule], text: &[u8]) -> Vec<bool> {
        let mut wanted: Vec<bool> = rules.iter().map(|rule| rule.keywords.is_empty()).collect();
        let Some(automaton) = &self.automaton else { return wanted };
        let mut seen = vec![false; self.rules.len()];
        let mut left = seen.len();
        for hit in automaton.find_overlapping_iter(text) {
            let word = hit.pattern().as_usize();
            if !std::mem::replace(&mut seen[word], true) {
                self.rules[word].iter().for_each(|place| wanted[*place] = true);
                left -= 1;
            }
            if left == 0 {
                break;
            }
        }
        wanted
    }
}

impl Rule {
    pub(crate) fn title(&self) -> String {
        if self.description.is_empty() { self.id.clone() } else { self.description.clone() }
    }

    fn search(&self, path: &str, text: &[u8], report: &mut dyn FnMut(&Self, Range<usize>)) {
        if self.path.as_ref().is_some_and(|pattern| !pattern.matches(path.as_bytes())) {
            return;
        }
        let Some(pattern) = &self.pattern else {
            if self.path.is_some() {
                report(self, 0..text.len().min(64));
            }
            return;
        };
        let Some(regex) = pattern.regex() else { return };
        for found in regex.captures_iter(text).take(MATCHES_MAX) {
            let whole = found.get(0).map_or(0..0, |whole| whole.range());
            let group = match self.secret_group {
                0 => found.iter().skip(1).flatten().find(|group| !group.is_empty()),
                group => found.get(group),
            };
            let range = group.map_or(whole.clone(), |group| group.range());
            let secret = &text[range.clone()];
            if range.is_empty()
                || self.entropy_tenths > 0 && entropy_tenths(secret) <= self.entropy_tenths
            {
                continue;
            }
            let place = Place { path, text, secret: range.clone(), whole };
            if !self.allowlists.iter().any(|list| list.allows(&self.id, &place)) {
                report(self, range);
            }
        }
    }
}

struct Place<'a> {
    path: &'a str,
    text: &'a [u8],
    secret: Range<usize>,
    whole: Range<usize>,
}

impl Allowlist {
    fn allows(&self, rule: &str, place: &Place<'_>) -> bool {
        if !self.rules.is_empty() && !self.rules.iter().any(|id| id == rule) {
            return false;
        }
        let target = match self.target {
            Target::Secret => &place.text[place.secret.clone()],
            Target::Match => &place.text[place.whole.clone()],
            Target::Line => &place.text[line(place.text, place.whole.start)],
        };
        let secret = place.text[place.secret.clone()].to_ascii_lowercase();
        let mut told = Vec::new();
        if !self.paths.is_empty() {
            told.push(self.paths.iter().any(|pattern| pattern.matches(place.path.as_bytes())));
        }
        if !self.patterns.is_empty() {
            told.push(self.patterns.iter().any(|pattern| pattern.matches(target)));
        }
        if !self.stop_words.is_empty() {
            let has = |word: &String| {
                memchr::memmem::find(&secret, word.to_ascii_lowercase().as_bytes()).is_some()
            };
            told.push(self.stop_words.iter().any(has));
        }
        // A commit that must be one of some is none of a file's.
        if self.asks_for_commits {
            told.push(false);
        }
        if self.needs_all {
            !told.is_empty() && told.iter().all(|told| *told)
        } else {
            told.contains(&true)
        }
    }
}

impl Rules {
    /// Whether a rule of ours has one of the user's in its place.
    pub(crate) fn replaces(&self, id: &str) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.replaced.iter().any(|other| other == id))
    }

    /// Whether our own rules are used.
    pub(crate) fn uses_own(&self) -> bool {
        self.0.as_ref().is_none_or(|inner| inner.uses_own)
    }

    /// What of the user's file was not used.
    pub fn notes(&self) -> &[String] {
        self.0.as_ref().map_or(&[], |inner| &inner.notes)
    }

    /// Tells these rules from others, for caches.
    pub fn digest(&self) -> &str {
        self.0.as_ref().map_or("", |inner| &inner.digest)
    }

    /// Whether nothing of a file of this path would be reported.
    pub(crate) fn passes_over(&self, path: &str) -> bool {
        self.0.as_ref().is_some_and(|inner| {
            inner.allowlists.iter().any(|list| {
                !list.needs_all
                    && list.rules.is_empty()
                    && list.paths.iter().any(|pattern| pattern.matches(path.as_bytes()))
            })
        })
    }

    /// The user's rules on a text; what could not be used is told.
    pub(crate) fn search(
        &self,
        path: &str,
        text: &[u8],
        report: &mut dyn FnMut(&Rule, Range<usize>),
    ) -> Vec<String> {
        let Some(inner) = &self.0 else { return Vec::new() };
        let mut notes = Vec::new();
        let wanted = inner.keywords.rules_for(&inner.rules, text);
        for (rule, _) in inner.rules.iter().zip(wanted).filter(|(_, wanted)| *wanted) {
            if rule.pattern.as_ref().is_some_and(|pattern| pattern.regex().is_none()) {
                let id = &rule.id;
                notes.push(format!(
                    "the pattern of rule `{id}` takes too much memory and was not used"
                ));
            }
            rule.search(path, text, report);
        }
        notes
    }

    /// Whether a secret of a rule, ours or theirs, is not to be reported.
    pub(crate) fn allows(&self, id: &str, path: &str, text: &[u8], secret: Range<usize>) -> bool {
        let Some(inner) = &self.0 else { return false };
        let place = Place { path, text, whole: secret.clone(), secret };
        let own = inner.rules.iter().filter(|rule| rule.id == id && rule.pattern.is_none());
        inner.disabled.iter().any(|disabled| disabled == id)
            || inner
                .allowlists
                .iter()
                .chain(own.flat_map(|rule| &rule.allowlists))
                .any(|list| list.allows(id, &place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_that_are_letters() {
        let check =
            |source: &str, expected: &str| assert_eq!(with_literal_braces(source), expected);
        check("a{2}b{2,}c{2,3}", "a{2}b{2,}c{2,3}");
        check("{{x}}", r"\{\{x}}");
        check(r"\{[{]\p{Greek}\x{41}", r"\{[{]\p{Greek}\x{41}");
        check("a{", r"a\{");
        check(r"é\", r"é\");
    }
}
