//! Relations between packages (Debian policy §7.1): `a (>= 1) | b, c:any`.

use std::cmp::Ordering;
use std::fmt;

use sealift_version::{Scheme, compare};

/// One relation to a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Relation<'a> {
    pub name: &'a str,
    pub constraint: Option<Constraint<'a>>,
}

/// Which versions are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Constraint<'a> {
    pub operator: Operator,
    pub version: &'a str,
}

/// How versions are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Earlier,
    EarlierEqual,
    Equal,
    LaterEqual,
    Later,
}

/// Alternatives, first preferred.
pub(crate) type Group<'a> = Vec<Relation<'a>>;

/// Reads a list of groups; the error is the relation that cannot be read.
pub(crate) fn parse<'a>(text: &'a str, architecture: &str) -> Result<Vec<Group<'a>>, String> {
    let mut groups = Vec::new();
    for group_text in text.split(',').map(str::trim).filter(|group| !group.is_empty()) {
        let mut group = Group::new();
        for alternative in group_text.split('|') {
            let alternative = alternative.trim();
            let relation = parse_one(alternative, architecture)
                .ok_or_else(|| format!("`{alternative}` is not a relation"))?;
            group.extend(relation);
        }
        if !group.is_empty() {
            groups.push(group);
        }
    }
    Ok(groups)
}

// `None`: not a relation. `Some(None)`: a relation that does not hold on this architecture.
#[expect(clippy::option_option, reason = "the two kinds of nothing differ")]
fn parse_one<'a>(text: &'a str, architecture: &str) -> Option<Option<Relation<'a>>> {
    // Build profiles stand in source packages only.
    if text.contains('<') && !text.contains('(') {
        return None;
    }
    let name_end = text.find([' ', '\t', '(', '[', '\n']).unwrap_or(text.len());
    let (name, mut rest) = text.split_at(name_end);
    let name = match name.split_once(':') {
        Some((name, qualifier))
            if matches!(qualifier, "any" | "native") || qualifier == architecture =>
        {
            name
        }
        Some(_) => return Some(None),
        None => name,
    };
    if name.is_empty() {
        return None;
    }
    rest = rest.trim_start();
    let mut constraint = None;
    if let Some(inner) = rest.strip_prefix('(') {
        let (inside, after) = inner.split_once(')')?;
        constraint = Some(parse_constraint(inside.trim())?);
        rest = after.trim_start();
    }
    if let Some(inner) = rest.strip_prefix('[') {
        let (inside, after) = inner.split_once(']')?;
        if !architecture_fits(inside, architecture) {
            return Some(None);
        }
        rest = after.trim_start();
    }
    rest.is_empty().then_some(Some(Relation { name, constraint }))
}

fn parse_constraint(text: &str) -> Option<Constraint<'_>> {
    let split = text.find(|letter| !matches!(letter, '<' | '=' | '>'))?;
    let (operator, version) = text.split_at(split);
    let operator = match operator {
        "<<" => Operator::Earlier,
        // The old forms `<` and `>` mean `<=` and `>=`.
        "<=" | "<" => Operator::EarlierEqual,
        "=" => Operator::Equal,
        ">=" | ">" => Operator::LaterEqual,
        ">>" => Operator::Later,
        _ => return None,
    };
    let version = version.trim();
    (!version.is_empty() && !version.contains(char::is_whitespace))
        .then_some(Constraint { operator, version })
}

fn architecture_fits(list: &str, architecture: &str) -> bool {
    let mut words = list.split_whitespace().peekable();
    if words.peek().is_some_and(|word| word.starts_with('!')) {
        return words.all(|word| word.strip_prefix('!') != Some(architecture));
    }
    words.any(|word| matches!(word, "any" | "linux-any") || word == architecture)
}

impl Constraint<'_> {
    /// True if a version fits. A version that cannot be read fits nothing.
    pub(crate) fn admits(&self, version: &str) -> bool {
        let Ok(order) = compare(Scheme::Dpkg, version, self.version) else {
            return false;
        };
        match self.operator {
            Operator::Earlier => order == Ordering::Less,
            Operator::EarlierEqual => order != Ordering::Greater,
            Operator::Equal => order == Ordering::Equal,
            Operator::LaterEqual => order != Ordering::Less,
            Operator::Later => order == Ordering::Greater,
        }
    }
}

impl Relation<'_> {
    /// True if a package of the relation's name with this version fits.
    pub(crate) fn admits_version(&self, version: &str) -> bool {
        self.constraint.is_none_or(|constraint| constraint.admits(version))
    }

    /// True if a package that provides the relation's name, perhaps in a version, fits (Debian policy §7.5).
    pub(crate) fn admits_provided(&self, version: Option<&str>) -> bool {
        match (self.constraint, version) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(constraint), Some(version)) => constraint.admits(version),
        }
    }
}

impl fmt::Display for Relation<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name)?;
        match &self.constraint {
            Some(constraint) => write!(out, " ({constraint})"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Constraint<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.operator {
            Operator::Earlier => "<<",
            Operator::EarlierEqual => "<=",
            Operator::Equal => "=",
            Operator::LaterEqual => ">=",
            Operator::Later => ">>",
        };
        write!(out, "{operator} {}", self.version)
    }
}

/// A group as packages state it.
pub(crate) fn group_text(group: &[Relation<'_>]) -> String {
    let alternatives: Vec<String> = group.iter().map(ToString::to_string).collect();
    alternatives.join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(text: &str, expected: Expect) {
        let actual = match parse(text, "amd64") {
            Ok(groups) => {
                let groups: Vec<String> = groups.iter().map(|group| group_text(group)).collect();
                groups.join("; ")
            }
            Err(error) => error,
        };
        expected.assert_eq(&actual);
    }

    #[test]
    fn what_packages_write() {
        check(
            "libc6 (>= 2.34), python3:any, debconf (>= 0.5) | debconf-2.0,\n libgcc-s1(>=3.0)",
            expect!["libc6 (>= 2.34); python3; debconf (>= 0.5) | debconf-2.0; libgcc-s1 (>= 3.0)"],
        );
        check(
            "a (<< 1), b (> 2), c (= 1:2~rc1-3+b1)",
            expect!["a (<< 1); b (>= 2); c (= 1:2~rc1-3+b1)"],
        );
        check("a [amd64], b [!amd64], c [arm64], d:arm64, e [linux-any]", expect!["a; e"]);
        check("", expect![""]);
    }

    #[test]
    fn refuses_what_is_none() {
        check("a (>= )", expect!["`a (>= )` is not a relation"]);
        check("a (>= 1", expect!["`a (>= 1` is not a relation"]);
        check("a (~ 1)", expect!["`a (~ 1)` is not a relation"]);
        check("a | , b", expect!["`` is not a relation"]);
        check("(>= 1)", expect!["`(>= 1)` is not a relation"]);
        check("a b", expect!["`a b` is not a relation"]);
    }

    #[test]
    fn versions() {
        let admits = |text: &'static str, version: &str| {
            parse(text, "amd64").unwrap()[0][0].admits_version(version)
        };
        assert!(admits("a (>= 1.0)", "1.0-1"));
        assert!(!admits("a (>= 1.0)", "1.0~rc1"));
        assert!(!admits("a (<< 2)", "1:0"));
        assert!(admits("a (= 1.0)", "1.0"));
        assert!(!admits("a (= 1.0)", "not a version!"));
    }

    #[test]
    fn versioned_relations_want_versioned_provides() {
        let groups = parse("mail (>= 2), mail", "amd64").unwrap();
        assert!(!groups[0][0].admits_provided(None));
        assert!(groups[0][0].admits_provided(Some("2.1")));
        assert!(!groups[0][0].admits_provided(Some("1.9")));
        assert!(groups[1][0].admits_provided(None));
    }
}
