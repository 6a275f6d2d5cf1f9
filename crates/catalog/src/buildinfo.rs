//! What Red Hat's builds leave in an image on the repositories that its packages come from.

use std::collections::BTreeSet;

use sealift_image::FileTree;
use sealift_model::Note;
use serde::Deserialize;

use crate::cataloger::Pattern;

/// Where it is: of each image that this one is made of, or of the image as a whole.
pub(crate) const PATTERNS: [Pattern; 2] = [
    Pattern::In("root/buildinfo/content_manifests", ".json"),
    Pattern::Exact("usr/share/buildinfo/content-sets.json"),
];

// Real images have a few tens.
const NAMES_MAX: usize = 10_000;
const NAME_BYTES_MAX: usize = 200;

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    content_sets: Vec<String>,
}

/// The repositories, sorted, and what could not be read.
pub(crate) fn repositories(tree: &FileTree) -> (Vec<String>, Vec<Note>) {
    let mut names = BTreeSet::new();
    let mut notes = Vec::new();
    let is_manifest = |path: &[u8]| PATTERNS.iter().any(|pattern| pattern.matches(path));
    for (fact, bytes) in tree.bodies().filter(|(fact, _)| is_manifest(fact.path.as_bytes())) {
        match serde_json::from_slice::<Manifest>(bytes) {
            Ok(manifest) => {
                let plain = |name: &String| {
                    (1..=NAME_BYTES_MAX).contains(&name.len()) && !name.contains(char::is_control)
                };
                names.extend(manifest.content_sets.into_iter().filter(plain).take(NAMES_MAX));
            }
            Err(error) => notes.push(Note {
                subject: format!("/{}", fact.path),
                message: format!("its repositories are not understood: {error}"),
            }),
        }
    }
    (names.into_iter().collect(), notes)
}
