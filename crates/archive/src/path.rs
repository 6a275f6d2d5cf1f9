//! Paths beneath a root.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::{Error, Result};

/// A path beneath a root: parts joined by single slashes, none of them empty, `.` or `..`, no NUL.
/// The root itself is the empty path. A directory sorts right before everything in it.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct RelativePath(Vec<u8>);

impl RelativePath {
    /// The root.
    pub fn root() -> Self {
        Self(Vec::new())
    }

    /// Reads a path as archives have it; `./a//b/` and `/a/b` are `a/b`. A `..` is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let error =
            |reason| Error::Path { path: String::from_utf8_lossy(cut(bytes)).into_owned(), reason };
        if memchr::memchr(0, bytes).is_some() {
            return Err(error("it has a NUL byte"));
        }
        let mut path = Vec::with_capacity(bytes.len());
        for part in bytes.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => return Err(error("it has a `..`")),
                _ => {
                    if !path.is_empty() {
                        path.push(b'/');
                    }
                    path.extend_from_slice(part);
                }
            }
        }
        Ok(Self(path))
    }

    /// The bytes, without a slash at either end.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The same as a path of the system, to be used beneath an open directory only.
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// The path as text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// True for the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The directory it is in; the root has none.
    pub fn parent(&self) -> Option<Self> {
        if self.is_root() {
            return None;
        }
        let end = memchr::memrchr(b'/', &self.0).unwrap_or(0);
        Some(Self(self.0[..end].to_vec()))
    }

    /// The last part; the root has none.
    pub fn file_name(&self) -> Option<&[u8]> {
        if self.is_root() {
            return None;
        }
        let start = memchr::memrchr(b'/', &self.0).map_or(0, |slash| slash + 1);
        Some(&self.0[start..])
    }

    /// This path and more parts below it.
    pub fn join(&self, bytes: &[u8]) -> Result<Self> {
        let below = Self::parse(bytes)?;
        Ok(match (self.is_root(), below.is_root()) {
            (true, _) => below,
            (_, true) => self.clone(),
            _ => Self([&self.0, b"/".as_slice(), &below.0].concat()),
        })
    }

    /// The parts from the top down.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|part| !part.is_empty())
    }

    /// True if it is that directory or something below it.
    pub fn starts_with(&self, directory: &Self) -> bool {
        directory.is_root()
            || self
                .0
                .strip_prefix(directory.0.as_slice())
                .is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
    }
}

impl Ord for RelativePath {
    fn cmp(&self, other: &Self) -> Ordering {
        // The slash sorts below every other byte, so that a directory's content follows it without a gap.
        let rank = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
        let same = self.0.iter().zip(&other.0).take_while(|(left, right)| left == right).count();
        match (self.0.get(same), other.0.get(same)) {
            (Some(left), Some(right)) => rank(left).cmp(&rank(right)),
            _ => self.0.len().cmp(&other.0.len()),
        }
    }
}

impl PartialOrd for RelativePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::str::FromStr for RelativePath {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for RelativePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&String::from_utf8_lossy(&self.0), out)
    }
}

fn cut(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(300)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        let path = RelativePath::parse(text.as_bytes()).ok();
        assert_eq!(path.as_ref().map(ToString::to_string).as_deref(), expected, "{text:?}");
    }

    #[test]
    fn normalises() {
        check("", Some(""));
        check("/", Some(""));
        check("./", Some(""));
        check("./a//b/", Some("a/b"));
        check("/a/./b", Some("a/b"));
        check("...", Some("..."));
        check("..", None);
        check("a/../b", None);
        check("a/..", None);
        check("a\0b", None);
    }

    #[test]
    fn parts_and_parents() {
        let path: RelativePath = "a/b/c".parse().unwrap();
        assert_eq!(path.file_name(), Some(b"c".as_slice()));
        assert_eq!(path.parent().unwrap().to_string(), "a/b");
        assert_eq!(RelativePath::parse(b"a").unwrap().parent(), Some(RelativePath::root()));
        assert_eq!(RelativePath::root().parent(), None);
        assert_eq!(RelativePath::root().parts().count(), 0);
        assert!(path.starts_with(&"a".parse().unwrap()));
        assert!(!path.starts_with(&"a/b/cc".parse().unwrap()));
        assert!(!RelativePath::parse(b"ab").unwrap().starts_with(&"a".parse().unwrap()));
    }

    #[test]
    fn a_directory_is_followed_by_what_is_in_it() {
        let mut paths: Vec<RelativePath> = ["a-b", "a/c", "a", "", "a.txt", "a/b"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect();
        paths.sort();
        let sorted: Vec<String> = paths.iter().map(ToString::to_string).collect();
        assert_eq!(sorted, ["", "a", "a/b", "a/c", "a-b", "a.txt"]);
    }

    proptest::proptest! {
        #[test]
        fn parsing_is_idempotent(bytes: Vec<u8>) {
            if let Ok(path) = RelativePath::parse(&bytes) {
                assert_eq!(RelativePath::parse(path.as_bytes()).unwrap(), path);
                assert!(!path.as_bytes().starts_with(b"/") && !path.as_bytes().ends_with(b"/"));
            }
        }
    }
}
