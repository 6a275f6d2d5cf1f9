//! Whiteouts: how a layer deletes what a lower layer brought (image-spec, layer.md §Whiteouts).

use crate::RelativePath;

const PREFIX: &[u8] = b".wh.";
const META_PREFIX: &[u8] = b".wh..wh.";
const OPAQUE: &[u8] = b".wh..wh..opq";

/// What an entry whose name starts with `.wh.` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whiteout {
    /// This entry of the lower layers, with all below it, is gone.
    Entry(RelativePath),
    /// Everything that the lower layers have in this directory is gone.
    Opaque(RelativePath),
    /// Bookkeeping of AUFS (`.wh..wh.plnk` …), no part of the tree.
    Metadata,
    /// `.wh.`, `.wh..` or `.wh...`: it names no entry. Docker would delete the directory itself; refuse the layer.
    Malformed,
}

/// What an entry means as a whiteout; `None` if it is an ordinary entry.
pub fn whiteout(path: &RelativePath) -> Option<Whiteout> {
    // The bookkeeping directories have entries in them, so every part counts.
    if path.parts().any(|part| part.starts_with(META_PREFIX) && part != OPAQUE) {
        return Some(Whiteout::Metadata);
    }
    let name = path.file_name()?;
    let target = name.strip_prefix(PREFIX)?;
    let directory = path.parent()?;
    if name == OPAQUE {
        return Some(Whiteout::Opaque(directory));
    }
    if matches!(target, b"" | b"." | b"..") {
        return Some(Whiteout::Malformed);
    }
    Some(directory.join(target).map_or(Whiteout::Malformed, Whiteout::Entry))
}

/// The path of the entry that deletes this one; the root cannot be deleted.
pub fn whiteout_path(path: &RelativePath) -> Option<RelativePath> {
    let name = path.file_name()?;
    path.parent()?.join(&[PREFIX, name].concat()).ok()
}

/// The path of the entry that empties this directory of what lower layers have in it.
pub fn opaque_path(directory: &RelativePath) -> RelativePath {
    directory.join(OPAQUE).expect("the name has no `..` and no NUL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RelativePath {
        text.parse().unwrap()
    }

    #[test]
    fn every_form() {
        assert_eq!(whiteout(&path("a/b")), None);
        assert_eq!(whiteout(&path("")), None);
        assert_eq!(whiteout(&path("a/.wh.b")), Some(Whiteout::Entry(path("a/b"))));
        assert_eq!(whiteout(&path(".wh.b")), Some(Whiteout::Entry(path("b"))));
        assert_eq!(whiteout(&path("a/.wh..wh..opq")), Some(Whiteout::Opaque(path("a"))));
        assert_eq!(whiteout(&path(".wh..wh..opq")), Some(Whiteout::Opaque(path(""))));
        assert_eq!(whiteout(&path(".wh..wh.plnk/1.2")), Some(Whiteout::Metadata));
        for text in ["a/.wh.", "a/.wh..", "a/.wh..."] {
            assert_eq!(whiteout(&path(text)), Some(Whiteout::Malformed), "{text}");
        }
    }

    #[test]
    fn round_trip() {
        for text in ["a", "a/b", "a/.hidden"] {
            let marker = whiteout_path(&path(text)).unwrap();
            assert_eq!(whiteout(&marker), Some(Whiteout::Entry(path(text))));
        }
        assert_eq!(whiteout_path(&path("")), None);
        assert_eq!(opaque_path(&path("a")).to_string(), "a/.wh..wh..opq");
    }
}
