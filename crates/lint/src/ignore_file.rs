//! `.dockerignore`: which files of the context a build does not see.

/// A parsed `.dockerignore`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreFile {
    patterns: Vec<Pattern>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    parts: Vec<String>,
    includes: bool,
}

/// Most patterns that are read; more are no help to anyone.
const PATTERNS_MAX: usize = 10_000;

impl IgnoreFile {
    /// Read the text of a `.dockerignore`.
    pub fn parse(text: &str) -> Self {
        let lines = text.trim_start_matches('\u{feff}').lines();
        let patterns = lines
            .filter(|line| !line.starts_with('#'))
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .take(PATTERNS_MAX)
            .map(|line| {
                let (includes, pattern) = match line.strip_prefix('!') {
                    Some(rest) => (true, rest.trim()),
                    None => (false, line),
                };
                let mut parts: Vec<String> = Vec::new();
                for part in pattern.split('/') {
                    match part {
                        "" | "." => {}
                        ".." => {
                            parts.pop();
                        }
                        _ => parts.push(part.to_owned()),
                    }
                }
                Pattern { parts, includes }
            })
            .collect();
        Self { patterns }
    }

    /// Whether some pattern takes back what another left out.
    pub(crate) fn has_exceptions(&self) -> bool {
        self.patterns.iter().any(|pattern| pattern.includes)
    }

    /// Whether nothing at all is left.
    pub(crate) fn excludes_all(&self) -> bool {
        let all = [&["*"][..], &["**"], &["**", "*"]];
        self.patterns.iter().any(|pattern| all.iter().any(|it| pattern.parts == *it))
    }

    /// Whether a relative path is left out: the last pattern that matches it, or a folder above it, decides.
    pub fn excludes(&self, path: &str) -> bool {
        let parts: Vec<&str> =
            path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        let mut excluded = false;
        for pattern in self.patterns.iter().filter(|pattern| !pattern.parts.is_empty()) {
            let matches =
                (1..=parts.len()).any(|length| matches_path(&pattern.parts, &parts[..length]));
            if matches {
                excluded = !pattern.includes;
            }
        }
        excluded
    }
}

/// Whether a relative path fits a pattern: `*`, `?` and `[a-z]` within a name, `**` for any number of folders.
pub fn matches_glob(pattern: &str, path: &str) -> bool {
    let parts: Vec<String> =
        pattern.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect();
    let names: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    matches_path(&parts, &names)
}

/// Parts of a pattern against parts of a path; `**` is any number of them.
fn matches_path(pattern: &[String], path: &[&str]) -> bool {
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for part in pattern {
        let mut next = vec![false; path.len() + 1];
        if part == "**" {
            let mut open = false;
            for (at, here) in reached.iter().enumerate() {
                open |= here;
                next[at] = open;
            }
        } else {
            for (at, name) in path.iter().enumerate() {
                next[at + 1] = reached[at] && matches_name(part, name);
            }
        }
        reached = next;
    }
    reached[path.len()]
}

/// `*`, `?`, `[a-z]` and `\` inside one name (Go's `filepath.Match`).
fn matches_name(pattern: &str, name: &str) -> bool {
    let letters: Vec<char> = name.chars().collect();
    let mut reached = vec![false; letters.len() + 1];
    reached[0] = true;
    let mut rest = pattern.chars();
    while let Some(token) = rest.next() {
        let mut next = vec![false; letters.len() + 1];
        if token == '*' {
            let mut open = false;
            for (at, here) in reached.iter().enumerate() {
                open |= here;
                next[at] = open;
            }
        } else {
            let class = if token == '[' { class(&mut rest) } else { None };
            let literal = if token == '\\' { rest.next().unwrap_or('\\') } else { token };
            for (at, letter) in letters.iter().enumerate() {
                let fits = match (&class, token) {
                    (Some(class), _) => class.contains(*letter),
                    (None, '?') => true,
                    (None, _) => *letter == literal,
                };
                next[at + 1] = reached[at] && fits;
            }
        }
        reached = next;
    }
    reached[letters.len()]
}

struct Class {
    ranges: Vec<(char, char)>,
    negated: bool,
}

impl Class {
    fn contains(&self, letter: char) -> bool {
        self.negated != self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter))
    }
}

/// What stands between `[` and `]`; consumed only when the bracket closes.
fn class(rest: &mut std::str::Chars<'_>) -> Option<Class> {
    let body = rest.as_str();
    let end = body.char_indices().skip(1).find(|(_, c)| *c == ']')?.0;
    let (negated, text) = match body[..end].strip_prefix(['^', '!']) {
        Some(text) => (true, text),
        None => (false, &body[..end]),
    };
    let letters: Vec<char> = text.chars().filter(|c| *c != '\\').collect();
    let mut ranges = Vec::new();
    let mut at = 0;
    while let Some(low) = letters.get(at) {
        if letters.get(at + 1) == Some(&'-')
            && let Some(high) = letters.get(at + 2)
        {
            ranges.push((*low, *high));
            at += 3;
        } else {
            ranges.push((*low, *low));
            at += 1;
        }
    }
    *rest = body[end + 1..].chars();
    Some(Class { ranges, negated })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let file = IgnoreFile::parse(
            "# note\n/.git\n**/*.pem\nsecret?\n!secret1\nnode_modules/\ndocs/**\n!docs/keep.md\n*.[ch]\n\n",
        );
        for (path, excluded) in [
            (".git/config", true),
            ("a/.git", false),
            ("x.pem", true),
            ("a/b/x.pem", true),
            ("secret2", true),
            ("secret1", false),
            ("node_modules/a/b.js", true),
            ("docs/a.md", true),
            ("docs/keep.md", false),
            ("main.c", true),
            ("main.rs", false),
            ("", false),
        ] {
            assert_eq!(file.excludes(path), excluded, "{path}");
        }
        assert!(IgnoreFile::parse("*").excludes("any/thing"));
        assert!(!IgnoreFile::parse("[x\n").excludes("x"));
    }
}
