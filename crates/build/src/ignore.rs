//! `.dockerignore`: which paths of the context do not take part (docs.docker.com, "Dockerignore files").
//!
//! The last pattern that matches a path or one of its parents decides.

use std::path::Path;

use crate::error::{Error, Result};
use crate::pattern::{Pattern, Stars};

const BYTES_MAX: usize = 4 << 20;

/// The patterns of an ignore file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    /// `!`: takes the path in again.
    is_exception: bool,
    text: String,
    pattern: Matcher,
}

#[derive(Clone, Debug)]
enum Matcher {
    Pattern(Pattern),
    /// `**…` without further wildcards is compared with the end of the path, as Docker does.
    Suffix(String),
}

/// Which rules matched a directory; its entries need them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inherited(Vec<bool>);

impl Ignore {
    /// Reads an ignore file; `path` names it in errors.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self> {
        let mut rules = Vec::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (index, line) in text.lines().enumerate() {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let rule = Rule::parse(line.trim()).map_err(|reason| Error::IgnoreFile {
                path: path.to_owned(),
                line: index + 1,
                pattern: line.trim().to_owned(),
                reason,
            })?;
            rules.extend(rule);
        }
        Ok(Self { rules })
    }

    /// Patterns of `COPY --exclude`.
    pub(crate) fn from_patterns(patterns: &[String]) -> Result<Self> {
        let rule = |pattern: &String| {
            Rule::parse(pattern.trim()).map_err(|reason| Error::Value {
                what: "--exclude",
                value: pattern.clone(),
                reason: reason.to_owned(),
            })
        };
        let rules: Result<Vec<Option<Rule>>> = patterns.iter().map(rule).collect();
        Ok(Self { rules: rules?.into_iter().flatten().collect() })
    }

    /// Reads the ignore file of a build: the Dockerfile's own one, or the context's.
    pub(crate) fn of_build(dockerfile: &Path, context: &Path) -> Result<Self> {
        let mut own = dockerfile.as_os_str().to_owned();
        own.push(".dockerignore");
        for path in [Path::new(&own), &context.join(".dockerignore")] {
            match std::fs::read(path) {
                Ok(bytes) if bytes.len() > BYTES_MAX => {
                    let error = std::io::Error::other("it is larger than 4 MiB");
                    return Err(Error::io("read", path)(error));
                }
                Ok(bytes) => return Self::parse(&String::from_utf8_lossy(&bytes), path),
                Err(error) if crate::tree::is_missing(&error) => {}
                Err(error) => return Err(Error::io("read", path)(error)),
            }
        }
        Ok(Self::default())
    }

    /// True if the path is excluded; also what its own entries inherit from it.
    pub(crate) fn check(&self, path: &str, parent: &Inherited) -> (bool, Inherited) {
        let mut is_excluded = false;
        let mut matched = Vec::with_capacity(self.rules.len());
        for (index, rule) in self.rules.iter().enumerate() {
            let is_match = parent.0.get(index).copied().unwrap_or(false) || rule.matches(path);
            if is_match {
                is_excluded = !rule.is_exception;
            }
            matched.push(is_match);
        }
        (is_excluded, Inherited(matched))
    }

    /// True if an excluded directory can hold paths that an exception takes in again.
    pub(crate) fn may_return_below(&self, directory: &str) -> bool {
        self.rules.iter().any(|rule| {
            rule.is_exception && (rule.has_wildcards() || is_below(&rule.text, directory))
        })
    }
}

impl Rule {
    // `None`: the pattern is empty or `.` and excludes nothing.
    fn parse(line: &str) -> Result<Option<Self>, &'static str> {
        let (is_exception, text) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        if text.is_empty() {
            return Err("a lone `!` excludes nothing");
        }
        let text = clean(text);
        let text = text.strip_prefix('/').unwrap_or(&text).to_owned();
        if text.is_empty() || text == "." {
            return Ok(None);
        }
        let suffix = text.strip_prefix("**").filter(|rest| !rest.contains(['*', '?', '[', '\\']));
        let pattern = match suffix {
            Some(suffix) => Matcher::Suffix(suffix.to_owned()),
            None => Matcher::Pattern(Pattern::parse(&text, Stars::Deep)?),
        };
        Ok(Some(Self { is_exception, text, pattern }))
    }

    fn matches(&self, path: &str) -> bool {
        match &self.pattern {
            Matcher::Pattern(pattern) => pattern.matches(path),
            Matcher::Suffix(suffix) => {
                path.ends_with(suffix.as_str()) || suffix.strip_prefix('/') == Some(path)
            }
        }
    }

    fn has_wildcards(&self) -> bool {
        self.text.contains(['*', '?', '[', '\\'])
    }
}

fn is_below(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'))
}

// Go's `filepath.Clean`: no empty or `.` parts, and `..` takes back the part before it.
fn clean(text: &str) -> String {
    let is_absolute = text.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_absolute => {}
            other => parts.push(other),
        }
    }
    format!("{}{}", if is_absolute { "/" } else { "" }, parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_excluded(patterns: &str, path: &str) -> bool {
        let ignore = Ignore::parse(patterns, Path::new(".dockerignore")).unwrap();
        let mut inherited = Inherited::default();
        let mut is_excluded = false;
        let mut at = String::new();
        for part in path.split('/') {
            at = if at.is_empty() { part.to_owned() } else { format!("{at}/{part}") };
            (is_excluded, inherited) = ignore.check(&at, &inherited);
        }
        is_excluded
    }

    // The table of moby/patternmatcher's tests, as far as it has paths of Linux.
    const TABLE: &[(&str, &str, bool)] = &[
        ("**", "file", true),
        ("**", "file/", true),
        ("**/", "file", true),
        ("**", "/", true),
        ("**", "dir/file", true),
        ("**/", "dir/file", true),
        ("**/**", "dir/file", true),
        ("dir/**", "dir/file", true),
        ("dir/**", "dir/dir2/file", true),
        ("**/dir", "dir", true),
        ("**/dir", "dir/file", true),
        ("**/dir2/*", "dir/dir2/file", true),
        ("**/dir2/*", "dir/dir2/dir2/file", true),
        ("**/dir2/**", "dir/dir2/dir2/file", true),
        ("**file", "file", true),
        ("**file", "dir/file", true),
        ("**file", "dir/dir/file", true),
        ("**/file", "dir/file", true),
        ("**/file*", "dir/dir/file", true),
        ("**/file*", "dir/dir/file.txt", true),
        ("**/file*txt", "dir/dir/file.txt", true),
        ("**/file*.txt", "dir/dir/file.txt", true),
        ("**/file*.txt*", "dir/dir/file.txt", true),
        ("**/**/*.txt", "dir/dir/file.txt", true),
        ("**/**/*.txt2", "dir/dir/file.txt", false),
        ("**/*.txt", "file.txt", true),
        ("**/**/*.txt", "file.txt", true),
        ("a**/*.txt", "a/file.txt", true),
        ("a**/*.txt", "a/dir/file.txt", true),
        ("a**/*.txt", "a/dir/dir/file.txt", true),
        ("a/*.txt", "a/dir/file.txt", false),
        ("a/*.txt", "a/file.txt", true),
        ("a/*.txt**", "a/file.txt", true),
        ("a[b-d]e", "ae", false),
        ("a[b-d]e", "ace", true),
        ("a[b-d]e", "aae", false),
        ("a[^b-d]e", "aze", true),
        (".*", ".foo", true),
        (".*", "foo", false),
        ("abc.def", "abcdef", false),
        ("abc.def", "abc.def", true),
        ("abc.def", "abcZdef", false),
        ("abc?def", "abcZdef", true),
        ("abc?def", "abcdef", false),
        ("a\\*b", "a*b", true),
        ("**/foo/bar", "foo/bar", true),
        ("**/foo/bar", "dir/foo/bar", true),
        ("abc/**", "abc", false),
        ("abc/**", "abc/def", true),
        ("**/.foo", "bar/.foo", true),
        ("a(b)c/def", "a(b)c/def", true),
        ("docs\n!docs/README.md", "docs/README.md", false),
        ("docs/\n!docs/README.md", "docs/a.txt", true),
        ("*\n!app\n!app/*.py", "app/x.py", false),
        ("*.md\n!README*.md\nREADME-secret.md", "README-secret.md", true),
        ("*.md\n!README*.md", "README.md", false),
        ("/foo", "foo/bar", true),
        ("/foo", "x/foo", false),
        ("./foo/../bar", "bar", true),
        ("# comment\n\n foo ", "foo", true),
        ("#foo", "#foo", false),
        ("!foo", "foo", false),
        ("foo\n! foo", "foo", false),
        (".", "foo", false),
        ("node_modules", "a/node_modules", false),
        ("**/node_modules", "a/node_modules/x", true),
    ];

    #[test]
    fn as_docker_does() {
        for (patterns, path, expected) in TABLE {
            let path = path.trim_end_matches('/');
            assert_eq!(is_excluded(patterns, path), *expected, "{patterns:?} on {path:?}");
        }
    }

    #[test]
    fn says_which_line_is_wrong() {
        let error = Ignore::parse("ok\n\n[a", Path::new(".dockerignore")).unwrap_err();
        assert_eq!(error.to_string(), "`.dockerignore` line 3: `[a`: a `[` has no `]`");
        assert!(Ignore::parse("!", Path::new("x")).is_err());
    }

    #[test]
    fn knows_which_excluded_folders_to_walk() {
        let ignore = Ignore::parse("docs\nnode_modules\n!docs/README.md", Path::new("x")).unwrap();
        assert!(ignore.may_return_below("docs"));
        assert!(!ignore.may_return_below("node_modules"));
    }
}
