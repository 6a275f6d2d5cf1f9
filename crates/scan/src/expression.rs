//! Gate expressions: which findings fail a scan, `critical || kev || epss > 10%`.
//!
//! ```text
//! or    = and { "||" and }
//! and   = not { "&&" not }
//! not   = "!" not | "(" or ")" | severity compare level | quantity compare number | word
//! ```
//!
//! What is not known of a finding counts as the worst, so that a gate is never open for want of knowledge: a severity that
//! nobody gave, the origin of a package of an image whose base is unknown. Only an EPSS that nobody computed is 0.

use std::fmt;
use std::ops::Range;

use sealift_diagnostic::closest;
use sealift_model::{Finding, Origin, PackageKind, RatingBasis, Severity};

use crate::risk::risk;

const CHARS_MAX: usize = 4000;
const DEPTH_MAX: usize = 50;

/// Which findings fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expression {
    text: String,
    node: Node,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Any(Vec<Node>),
    All(Vec<Node>),
    Not(Box<Node>),
    /// At or above it; nothing is below `Unknown`.
    AtLeast(Severity),
    Severity(Comparison, Severity),
    Quantity(Quantity, Comparison, Millionths),
    Word(Word),
    Kind(PackageKind),
}

// A number without the pitfalls of equality.
type Millionths = u64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantity {
    Epss,
    Cvss,
    Risk,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Kev,
    Ransomware,
    Fixable,
    Own,
    Base,
    System,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    Equal,
    NotEqual,
    AtLeast,
    More,
}

const QUANTITIES: [(&str, Quantity); 3] =
    [("epss", Quantity::Epss), ("cvss", Quantity::Cvss), ("risk", Quantity::Risk)];
const WORDS: [(&str, Word); 6] = [
    ("kev", Word::Kev),
    ("ransomware", Word::Ransomware),
    ("fixable", Word::Fixable),
    ("own", Word::Own),
    ("base", Word::Base),
    ("os", Word::System),
];
const COMPARISONS: [(&str, Comparison); 6] = [
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<", Comparison::Less),
    (">", Comparison::More),
];
const SEVERITIES: [&str; 6] = ["critical", "high", "medium", "low", "negligible", "unknown"];

/// Why a text is no expression. Its own text shows where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ExpressionError {
    text: String,
    span: Range<usize>,
    /// What is wrong there.
    pub message: String,
    /// What may have been meant.
    pub hint: String,
}

impl fmt::Display for ExpressionError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)?;
        // A long or broken line would not show the place.
        if self.text.trim().is_empty()
            || self.text.chars().count() > 200
            || self.text.chars().any(char::is_control)
        {
            return Ok(());
        }
        let before = self.text[..self.span.start].chars().count();
        let marked = self.text[self.span.clone()].chars().count().max(1);
        write!(out, "\n  {}\n  {}{}", self.text, " ".repeat(before), "^".repeat(marked))
    }
}

impl Expression {
    /// The expression that a severity alone is: what has it or a worse one.
    pub fn at_least(severity: Severity) -> Self {
        Self { text: severity.as_str().to_lowercase(), node: Node::AtLeast(severity) }
    }

    /// Reads a text.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        if text.chars().count() > CHARS_MAX {
            return Err(parser.error(0..0, format!("is longer than {CHARS_MAX} characters")));
        }
        let node = parser.any()?;
        match parser.peek() {
            None => Ok(Self { text: text.trim().to_owned(), node }),
            Some((token, span)) => {
                Err(parser.error(span, format!("`{token}` is not `||` or `&&`")))
            }
        }
    }

    /// The severity, if it is nothing but one.
    pub fn severity(&self) -> Option<Severity> {
        if let Node::AtLeast(severity) = self.node { Some(severity) } else { None }
    }

    /// Whether a finding fails by it.
    pub fn is_met(&self, finding: &Finding) -> bool {
        self.node.is_met(finding)
    }

    /// Whether it asks how likely a flaw is exploited, or whether it is.
    pub fn asks_for_exploits(&self) -> (bool, bool) {
        let (mut kev, mut epss) = (false, false);
        self.node.each(&mut |node| match node {
            Node::Word(Word::Kev | Word::Ransomware) => kev = true,
            Node::Quantity(Quantity::Epss, ..) => epss = true,
            Node::Quantity(Quantity::Risk, ..) => (kev, epss) = (true, true),
            _ => {}
        });
        (kev, epss)
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl Node {
    fn is_met(&self, finding: &Finding) -> bool {
        match self {
            Self::Any(nodes) => nodes.iter().any(|node| node.is_met(finding)),
            Self::All(nodes) => nodes.iter().all(|node| node.is_met(finding)),
            Self::Not(node) => !node.is_met(finding),
            Self::AtLeast(least) => {
                finding.severity >= *least || finding.severity == Severity::Unknown
            }
            Self::Severity(comparison, wanted) => {
                let is_unknown = finding.severity == Severity::Unknown;
                let own = match wanted {
                    Severity::Unknown => finding.severity,
                    _ if is_unknown => Severity::Critical,
                    _ => finding.severity,
                };
                comparison.holds(own.cmp(wanted))
            }
            Self::Quantity(quantity, comparison, wanted) => {
                comparison.holds(quantity.of(finding).cmp(wanted))
            }
            Self::Word(word) => word.holds(finding),
            Self::Kind(kind) => finding.package.kind == *kind,
        }
    }

    fn each(&self, see: &mut dyn FnMut(&Self)) {
        see(self);
        match self {
            Self::Any(nodes) | Self::All(nodes) => nodes.iter().for_each(|node| node.each(see)),
            Self::Not(node) => node.each(see),
            _ => {}
        }
    }
}

impl Comparison {
    fn holds(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::AtLeast => order.is_ge(),
            Self::More => order.is_gt(),
        }
    }
}

impl Word {
    fn holds(self, finding: &Finding) -> bool {
        match self {
            Self::Kev => finding.kev.is_some(),
            Self::Ransomware => finding.kev.as_ref().is_some_and(|kev| kev.is_used_by_ransomware),
            Self::Fixable => finding.fix.version().is_some(),
            Self::Own => finding.origin != Origin::Base,
            Self::Base => finding.origin == Origin::Base,
            Self::System => finding.package.kind.is_os(),
        }
    }
}

impl Quantity {
    fn of(self, finding: &Finding) -> Millionths {
        match self {
            Self::Epss => finding.epss.map_or(0, |epss| u64::from(epss.score_millionths)),
            Self::Cvss => score_tenths(finding) * 100_000,
            Self::Risk => risk(finding).millionths,
        }
    }
}

// The highest base score; without a vector, the highest of the level.
fn score_tenths(finding: &Finding) -> u64 {
    let scores = finding.ratings.iter().filter_map(|rating| match &rating.basis {
        RatingBasis::Cvss(cvss) => Some(u64::from(cvss.score_tenths)),
        _ => None,
    });
    scores.max().unwrap_or(match finding.severity {
        Severity::Unknown | Severity::Critical => 100,
        Severity::High => 89,
        Severity::Medium => 69,
        Severity::Low => 39,
        Severity::Negligible => 0,
    })
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

type Token<'a> = (&'a str, Range<usize>);

impl<'a> Parser<'a> {
    fn any(&mut self) -> Result<Node, ExpressionError> {
        let mut nodes = vec![self.all()?];
        while self.take("||") {
            nodes.push(self.all()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::Any(nodes) })
    }

    fn all(&mut self) -> Result<Node, ExpressionError> {
        let mut nodes = vec![self.not()?];
        while self.take("&&") {
            nodes.push(self.not()?);
        }
        Ok(if nodes.len() == 1 { nodes.remove(0) } else { Node::All(nodes) })
    }

    fn not(&mut self) -> Result<Node, ExpressionError> {
        self.depth += 1;
        let Some((token, span)) = self.next() else {
            let end = self.text.len();
            return Err(self.error(end..end, "something is missing here".to_owned()));
        };
        if self.depth > DEPTH_MAX {
            return Err(self.error(span, "is nested too deeply".to_owned()));
        }
        let node = match token {
            "!" => Node::Not(Box::new(self.not()?)),
            "(" => {
                let node = self.any()?;
                if !self.take(")") {
                    return Err(self.error(span, "this is not closed".to_owned()));
                }
                node
            }
            word => self.word(word, span)?,
        };
        self.depth -= 1;
        Ok(node)
    }

    fn word(&mut self, word: &str, span: Range<usize>) -> Result<Node, ExpressionError> {
        let lower = word.to_lowercase();
        if lower == "severity" {
            let comparison = self.comparison(&lower)?;
            let Some((level, place)) = self.next() else { return self.needs("a severity") };
            let unknown = || format!("`{level}` is no severity");
            let level = level.parse().map_err(|_| self.error(place, unknown()))?;
            return Ok(Node::Severity(comparison, level));
        }
        if let Some((_, quantity)) = QUANTITIES.iter().find(|(name, _)| *name == lower) {
            let comparison = self.comparison(&lower)?;
            let Some((number, place)) = self.next() else { return self.needs("a number") };
            let is_none = || format!("`{number}` is no number");
            let number = millionths(number).ok_or_else(|| self.error(place, is_none()))?;
            return Ok(Node::Quantity(*quantity, comparison, number));
        }
        if let Some((_, word)) = WORDS.iter().find(|(name, _)| *name == lower) {
            return Ok(Node::Word(*word));
        }
        if let Ok(severity) = lower.parse() {
            return Ok(Node::AtLeast(severity));
        }
        match kind(&lower) {
            Some(kind) => Ok(Node::Kind(kind)),
            None => Err(self.unknown(word, span)),
        }
    }

    fn comparison(&mut self, word: &str) -> Result<Comparison, ExpressionError> {
        let found = self.peek().and_then(|(token, _)| {
            COMPARISONS.iter().find(|(text, _)| *text == token).map(|(_, comparison)| *comparison)
        });
        let at = self.at;
        let missing = || format!("`{word}` must be compared, as in `{word} > …`");
        let comparison = found.ok_or_else(|| self.error(at..at, missing()))?;
        self.next();
        Ok(comparison)
    }

    fn needs<T>(&self, what: &str) -> Result<T, ExpressionError> {
        let end = self.text.len();
        Err(self.error(end..end, format!("{what} is missing here")))
    }

    fn take(&mut self, wanted: &str) -> bool {
        let is_it = self.peek().is_some_and(|(token, _)| token == wanted);
        if is_it {
            self.next();
        }
        is_it
    }

    fn peek(&self) -> Option<Token<'a>> {
        let rest = &self.text[self.at..];
        let start = self.at + rest.len() - rest.trim_start().len();
        let rest = &self.text[start..];
        let first = rest.chars().next()?;
        let operators = ["||", "&&", "<=", ">=", "==", "!=", "<", ">", "!", "(", ")"];
        let operator = operators.iter().find(|operator| rest.starts_with(**operator));
        let is_part = |it: char| it.is_alphanumeric() || "._-%".contains(it);
        let word = rest.find(|it| !is_part(it)).unwrap_or(rest.len()).max(first.len_utf8());
        let length = operator.map_or(word, |operator| operator.len());
        Some((&rest[..length], start..start + length))
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.peek()?;
        self.at = token.1.end;
        Some(token)
    }

    fn unknown(&self, word: &str, span: Range<usize>) -> ExpressionError {
        let names = SEVERITIES.iter().chain(&["severity"]).copied();
        let names = names.chain(QUANTITIES.map(|it| it.0)).chain(WORDS.map(|it| it.0));
        let error = self.error(span, format!("`{word}` is not a severity or a word"));
        match closest(&word.to_lowercase(), names) {
            Some(near) => ExpressionError { hint: format!("did you mean `{near}`?"), ..error },
            None => error,
        }
    }

    fn error(&self, span: Range<usize>, message: String) -> ExpressionError {
        let hint = "severities, kev, ransomware, fixable, own, base, os, kinds of packages as `npm`, and comparisons as \
                    `epss > 0.1`, `cvss >= 9`, `risk > 50`, joined with || && ! ( )";
        ExpressionError { text: self.text.to_owned(), span, message, hint: hint.to_owned() }
    }
}

// `0.1`, `9`, `10%`.
fn millionths(text: &str) -> Option<Millionths> {
    let (text, unit) = match text.strip_suffix('%') {
        Some(text) => (text, 10_000),
        None => (text, 1_000_000),
    };
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(part) || whole.len() > 6 || part.len() > 6 {
        return None;
    }
    let scale = 10_u64.pow(u32::try_from(part.len()).ok()?);
    let part = if part.is_empty() { 0 } else { part.parse::<u64>().ok()? };
    Some(whole.parse::<u64>().ok()? * unit + part * unit / scale)
}

fn kind(word: &str) -> Option<PackageKind> {
    let word = match word {
        "python" => "pypi",
        "go" => "golang",
        "java" => "maven",
        "rust" => "cargo",
        "ruby" => "gem",
        "php" => "composer",
        "dotnet" => "nuget",
        other => other,
    };
    Some(PackageKind::from_purl_type(word)).filter(|kind| *kind != PackageKind::Other)
}
