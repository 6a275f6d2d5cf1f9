//! Gradle's `gradle.lockfile` (docs.gradle.org, "Locking versions"): `group:artifact:version=configuration,…` a line.

use crate::listing::{Entry, Listing, decoded};

/// Reads `gradle.lockfile`. Names are `group:artifact`.
pub fn gradle_lock(bytes: &[u8]) -> Listing {
    let text = match decoded(bytes) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let mut listing = Listing::default();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') || line.starts_with("empty=") {
            continue;
        }
        let (coordinates, configurations) = line.split_once('=').unwrap_or((line, ""));
        let mut parts = coordinates.split(':');
        let parts = [parts.next(), parts.next(), parts.next(), parts.next()];
        let [Some(group), Some(artifact), Some(version), None] = parts else {
            listing.complain(format!("a line is no dependency: `{}`", start(line)));
            continue;
        };
        // What only tests and annotation processors use is not in the program.
        let is_used = configurations.is_empty()
            || configurations.split(',').any(|name| {
                !name.starts_with("test")
                    && !name.to_ascii_lowercase().ends_with("annotationprocessor")
            });
        if !is_used || group.is_empty() || artifact.is_empty() {
            continue;
        }
        if let Some(entry) = Entry::new(&format!("{group}:{artifact}"), Some(version)) {
            listing.add(entry);
        }
    }
    listing
}

fn start(line: &str) -> String {
    line.chars().take(60).collect()
}
