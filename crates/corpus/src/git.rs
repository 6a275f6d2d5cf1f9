//! Objects of Git repositories.

use sealift_git::{Limits, Repository, commit, history, loose, tree};

/// The length of an index in two bytes, the index, the pack; and the same bytes as a loose object, a commit and a folder.
pub fn git(bytes: &[u8]) {
    let limits = Limits { object_bytes: 1 << 20, unpacked_bytes: 16 << 20, ..Limits::default() };
    if let Ok(object) = loose(bytes, &limits) {
        assert!(object.bytes.len() <= limits.object_bytes, "an object is larger than the limit");
    }
    if let Some(commit) = commit(bytes) {
        assert!(!commit.author.contains('\n'), "an author of several lines");
    }
    assert!(tree(bytes, 20).count() <= bytes.len() / 22, "more entries than bytes");
    let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return };
    let length = usize::from(u16::from_be_bytes(*length)).min(rest.len());
    let (index, pack) = rest.split_at(length);
    let Ok(repository) = Repository::of_pack(index.to_vec(), pack.to_vec(), &limits) else {
        return;
    };
    let (mut told, mut last) = (0_usize, None);
    let notes = history(&repository, &|_| true, &mut |version| {
        assert!(version.bytes.len() <= limits.object_bytes, "a version is larger than the limit");
        assert!(version.commit.is_some() || version.path.is_empty(), "a path is that of a commit");
        assert_ne!(last.replace(version.id), Some(version.id), "a version was told twice");
        told += 1;
    });
    assert!(told <= index.len() / 24, "more versions than objects");
    assert!(notes.len() <= 64, "more notes than anybody reads");
}
