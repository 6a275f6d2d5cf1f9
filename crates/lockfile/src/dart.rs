//! Dart's `pubspec.lock` and `pubspec.yaml` (dart.dev, "The pubspec file").

use crate::listing::{Entry, HashAlgorithm, Listing, decoded, line};
use crate::yaml_lines::lines;

/// Reads `pubspec.lock`. What comes with the SDK or from a folder beside it is no package.
pub fn pub_lock(bytes: &[u8]) -> Listing {
    let text = match decoded(bytes) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let mut listing = Listing::default();
    let mut is_packages = false;
    let mut open: Option<(Entry, bool)> = None;
    let mut close = |open: &mut Option<(Entry, bool)>| {
        if let Some((entry, true)) = open.take() {
            listing.add(entry);
        }
    };
    for line in lines(&text) {
        match (line.indent, line.key) {
            (0, key) => {
                close(&mut open);
                is_packages = key == Some("packages");
            }
            (2, Some(key)) if is_packages => {
                close(&mut open);
                open = Entry::new(key, None).map(|entry| (entry, false));
            }
            (4, Some("version")) => {
                if let Some((entry, _)) = &mut open {
                    entry.version = crate::listing::text(line.value);
                }
            }
            (4, Some("source")) => {
                if let Some((_, is_package)) = &mut open {
                    *is_package = matches!(line.value, "hosted" | "git");
                }
            }
            (6, Some("sha256")) => {
                if let Some((entry, _)) = &mut open {
                    entry.hash(HashAlgorithm::Sha256, line.value);
                }
            }
            _ => {}
        }
    }
    close(&mut open);
    listing
}

/// Reads `pubspec.yaml`: the package itself, and what it needs.
pub fn pub_manifest(bytes: &[u8]) -> Listing {
    let text = match decoded(bytes) {
        Ok(text) => text,
        Err(refused) => return refused,
    };
    let value = |key: &str| {
        let mut top = lines(&text).filter(|line| line.indent == 0);
        top.find(|line| line.key == Some(key)).map(|line| line.value)
    };
    let Some(mut entry) = value("name").and_then(|name| Entry::new(name, value("version"))) else {
        return Listing::refused("it has no name");
    };
    entry.homepage = value("homepage").or_else(|| value("repository")).and_then(self::line);
    entry.summary = value("description").and_then(self::line);
    let mut is_needs = false;
    for line in lines(&text) {
        match line.indent {
            0 => is_needs = line.key == Some("dependencies"),
            2 if is_needs => entry.need(line.key.unwrap_or_default()),
            _ => {}
        }
    }
    Listing { entries: vec![entry], complaints: Vec::new() }
}
