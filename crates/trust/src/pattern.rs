//! Patterns of repositories: `registry.example.com/team/*`. `*` stands for any characters but `/`, `**` for any.
//!
//! A name without a registry is Docker Hub's, as in references. Of two patterns that match, the one with the longer
//! text before its first `*` is more exact, then the one with more text, then the one without `**`.

use sealift_oci::Reference;

const BYTES_MAX: usize = 512;
const WILDCARDS_MAX: usize = 16;
// What stands for the wildcards of another pattern: no pattern and no name has them.
const ANY: &str = "\u{2}";
const PART: &str = "\u{1}";

/// A pattern of repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    written: String,
    whole: String,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    // With wildcards.
    Glob,
    // A scope of containers' policies: a host, a folder of repositories, a repository, a name with its tag, `*.host`, or
    // nothing for everything.
    Scope,
    // What is left when no scope matches.
    Rest,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_allowed = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b'.' | b'_' | b'-' | b':' | b'/' | b'*' | b'[' | b']')
        };
        if text.is_empty() || text.len() > BYTES_MAX || !text.bytes().all(is_allowed) {
            return Err(format!("`{}` is not a pattern of repositories", crate::text::clean(text)));
        }
        if text.matches('*').count() > WILDCARDS_MAX {
            return Err(format!("`{text}` has more than {WILDCARDS_MAX} wildcards"));
        }
        let whole = whole(text);
        let (_, path) = whole.split_once('/').unwrap_or(("", &whole));
        if path.contains(':') {
            return Err(format!(
                "`{text}` has a tag; rules are for repositories, and `tag_binding` binds tags"
            ));
        }
        Ok(Self { written: text.to_owned(), whole, kind: Kind::Glob })
    }

    /// A scope of containers' policies.
    pub(crate) fn scope(text: &str) -> Result<Self, String> {
        let host = text.split('/').next().unwrap_or_default();
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'*';
        let rest = text.strip_prefix("*.").unwrap_or(text);
        if text.len() > BYTES_MAX || !rest.bytes().all(is_allowed) {
            return Err(format!("`{}` is not a scope of images", crate::text::clean(text)));
        }
        if text.starts_with("*.") && host != text {
            return Err(format!("`{text}` is not a scope: `*.` stands before a host alone"));
        }
        Ok(Self { written: text.to_owned(), whole: text.to_owned(), kind: Kind::Scope })
    }

    /// What matches when nothing else does.
    pub(crate) fn rest() -> Self {
        Self { written: "default".to_owned(), whole: String::new(), kind: Kind::Rest }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether it covers the repository of an image.
    pub fn matches(&self, image: &Reference) -> bool {
        let name = format!("{}/{}", image.registry(), image.repository());
        match self.kind {
            Kind::Glob => glob(&self.whole, &name),
            Kind::Rest => true,
            Kind::Scope if self.whole.is_empty() => true,
            Kind::Scope => self.is_inside(image, &name),
        }
    }

    fn is_inside(&self, image: &Reference, name: &str) -> bool {
        if let Some(domain) = self.whole.strip_prefix('*') {
            let host = image.registry();
            return host.len() > domain.len() && host.ends_with(domain);
        }
        let rest = name.strip_prefix(&self.whole);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            || image.to_string() == self.whole
    }

    /// Whether it is for what no other one covers.
    pub(crate) fn is_rest(&self) -> bool {
        self.kind == Kind::Rest
    }

    /// Whether it means what is written, without a registry put in front.
    pub(crate) fn is_verbatim(&self) -> bool {
        self.written == self.whole
    }

    /// Whether it covers all that another one covers; only of what stands in `match`. Where that cannot be told, it says no.
    pub(crate) fn contains(&self, other: &Self) -> bool {
        // A wildcard of the other is covered by one of this that stands for at least as much.
        let probe = other.whole.replace("**", ANY).replace('*', PART);
        self.kind == Kind::Glob && other.kind == Kind::Glob && glob(&self.whole, &probe)
    }

    /// Whether some repository may be covered by both. Where that cannot be told, it says yes.
    pub(crate) fn may_overlap(&self, other: &Self) -> bool {
        let before = |pattern: &Self| {
            let end = pattern.whole.find('*').unwrap_or(pattern.whole.len());
            pattern.whole[..end].to_owned()
        };
        let (one, other) = (before(self), before(other));
        one.starts_with(&other) || other.starts_with(&one)
    }

    /// Greater is more exact.
    pub(crate) fn rank(&self) -> (bool, usize, usize, bool) {
        match self.kind {
            Kind::Glob => {}
            Kind::Rest => return (false, 0, 0, false),
            Kind::Scope if self.whole.is_empty() => return (false, 0, 0, true),
            Kind::Scope if self.whole.starts_with('*') => {
                return (false, 0, self.whole.len(), true);
            }
            Kind::Scope => return (false, self.whole.len(), self.whole.len(), true),
        }
        let before = self.whole.find('*').unwrap_or(self.whole.len());
        let stars = self.whole.matches('*').count();
        (stars == 0, before, self.whole.len() - stars, !self.whole.contains("**"))
    }

    /// True if both are the same pattern, however they are written.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.whole == other.whole
    }
}

// Docker Hub's names get their registry in front, as `Reference` does it.
fn whole(text: &str) -> String {
    let text = text
        .strip_prefix("index.docker.io/")
        .map_or_else(|| text.to_owned(), |rest| format!("docker.io/{rest}"));
    let is_host = |first: &str| {
        first == "localhost"
            || first.contains(['.', ':', '*', '['])
            || first.bytes().any(|byte| byte.is_ascii_uppercase())
    };
    match text.split_once('/') {
        Some(("docker.io", path)) if !path.contains(['/', '*']) => {
            format!("docker.io/library/{path}")
        }
        Some((first, _)) if is_host(first) => text,
        Some(_) => format!("docker.io/{text}"),
        // `*` alone is everything.
        None if text == "*" || text == "**" => "**".to_owned(),
        None if text.contains('*') => format!("docker.io/{text}"),
        None => format!("docker.io/library/{text}"),
    }
}

/// Whether a text fits a pattern in which `*` stands for any characters but `/`, and `**` for any characters.
pub fn glob(pattern: &str, text: &str) -> bool {
    let pattern = pattern.as_bytes();
    let text = text.as_bytes();
    // Dynamic programming over positions of the pattern: linear memory, no backtracking.
    let mut reached = vec![false; pattern.len() + 1];
    reached[0] = true;
    close(pattern, &mut reached);
    for &byte in text {
        let mut next = vec![false; pattern.len() + 1];
        for (position, _) in reached.iter().enumerate().filter(|(_, is_reached)| **is_reached) {
            match pattern.get(position) {
                Some(b'*') if is_double(pattern, position) || !matches!(byte, b'/' | 2) => {
                    next[position] = true;
                }
                Some(&wanted) if wanted == byte && wanted != b'*' => next[position + 1] = true,
                _ => {}
            }
        }
        close(pattern, &mut next);
        reached = next;
    }
    reached[pattern.len()]
}

// A wildcard may also stand for nothing.
fn close(pattern: &[u8], reached: &mut [bool]) {
    for position in 0..pattern.len() {
        if reached[position] && pattern[position] == b'*' {
            reached[position + 1] = true;
        }
    }
}

fn is_double(pattern: &[u8], position: usize) -> bool {
    pattern.get(position + 1) == Some(&b'*') || position > 0 && pattern[position - 1] == b'*'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, image: &str, expected: bool) {
        let found = Pattern::parse(pattern).unwrap().matches(&Reference::parse(image).unwrap());
        assert_eq!(found, expected, "{pattern} {image}");
    }

    #[test]
    fn patterns() {
        check("registry.corp/team/*", "registry.corp/team/app:1", true);
        check("registry.corp/team/*", "registry.corp/team/db/app", false);
        check("registry.corp/team/**", "registry.corp/team/db/app", true);
        check("registry.corp/**", "registry.corp.evil.example/app", false);
        check("myregistry/*", "myregistry/app:1", true);
        check("myregistry/prod-*", "myregistry/prod-app", true);
        check("myregistry/prod-*", "myregistry/app", false);
        check("debian", "debian:12", true);
        check("docker.io/debian", "debian:12", true);
        check("debian", "docker.io/library/debian", true);
        check("debian", "other/debian", false);
        check("*", "a.example/b/c/d:1", true);
        check("**", "debian", true);
        check("*.corp/app", "registry.corp/app", true);
        check("localhost:5000/*", "localhost:5000/app", true);
        check("localhost:5000/app", "localhost:5001/app", false);
    }

    #[test]
    fn what_is_no_pattern() {
        let long = "a".repeat(600);
        let stars = "*a".repeat(17);
        for text in ["", "a b", "a/b:1", "localhost/a:latest", "a@b", "ü", &long, &stars] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ranks() {
        let rank = |text: &str| Pattern::parse(text).unwrap().rank();
        assert!(rank("a.b/team/app") > rank("a.b/team/*"));
        assert!(rank("a.b/team/*") > rank("a.b/team/**"));
        assert!(rank("a.b/team/*") > rank("a.b/*/app"));
        assert!(rank("a.b/prod-*") > rank("a.b/*"));
        assert!(rank("a.b/*") > rank("*"));
        assert_eq!(rank("a.b/*b*"), rank("a.b/*c*"));
    }

    #[test]
    fn one_in_another() {
        let contains = |one: &str, other: &str| {
            Pattern::parse(one).unwrap().contains(&Pattern::parse(other).unwrap())
        };
        for (one, other) in [
            ("a.b/*", "a.b/app"),
            ("a.b/*", "a.b/prod-*"),
            ("a.b/**", "a.b/*"),
            ("a.b/**", "a.b/team/**"),
            ("*", "a.b/**"),
            ("a.b/*", "a.b/*"),
        ] {
            assert!(contains(one, other), "{one} {other}");
            assert!(one == other || !contains(other, one), "{other} {one}");
        }
        for (one, other) in [("a.b/*", "a.b/**"), ("a.b/*/x", "a.b/**"), ("a.b/x*", "a.b/*x")] {
            assert!(!contains(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_hostile_pattern_costs_little() {
        assert!(!glob(&"*a".repeat(16), &"ab".repeat(127)));
    }
}
