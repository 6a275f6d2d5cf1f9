//! Ways to this crate's parsers for `sealift-corpus`. Not an interface: nothing else may use it.

use std::path::Path;

use crate::ignore::{Ignore, Inherited};

/// Whether an ignore file excludes a path, as the walk of a context finds it; `None` if it cannot be read.
pub fn is_ignored(text: &str, path: &str) -> Option<bool> {
    let ignore = Ignore::parse(text, Path::new(".dockerignore")).ok()?;
    let mut inherited = Inherited::default();
    let mut is_excluded = false;
    let ends = path.match_indices('/').map(|(place, _)| place).chain([path.len()]);
    for end in ends {
        (is_excluded, inherited) = ignore.check(&path[..end], &inherited);
        ignore.may_return_below(&path[..end]);
    }
    Some(is_excluded)
}
