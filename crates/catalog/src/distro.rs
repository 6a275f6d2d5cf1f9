//! The distribution, from os-release(5).

use sealift_archive::RelativePath;
use sealift_image::FileTree;
use sealift_model::{Distro, Note};

/// Where it may be; the first that is there counts.
pub(crate) const PATHS: [&str; 2] = ["etc/os-release", "usr/lib/os-release"];

const BYTES_MAX: usize = 64 << 10;

/// Reads the distribution of a tree.
pub(crate) fn read(tree: &FileTree) -> (Option<Distro>, Vec<Note>) {
    for path in PATHS {
        let bytes = RelativePath::parse(path.as_bytes()).ok().and_then(|path| tree.read(&path));
        let Some(bytes) = bytes else { continue };
        let distro = parse(bytes);
        if distro.id.is_empty() {
            let note = Note { subject: format!("/{path}"), message: "it has no ID".to_owned() };
            return (None, vec![note]);
        }
        return (Some(distro), Vec::new());
    }
    (None, Vec::new())
}

fn parse(bytes: &[u8]) -> Distro {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(BYTES_MAX)]);
    let mut distro = Distro::default();
    for line in text.lines() {
        let Some((key, value)) = line.trim().split_once('=') else { continue };
        let value = unquote(value);
        let some = || if value.is_empty() { None } else { Some(value.clone()) };
        match key {
            "ID" => distro.id = value.to_lowercase(),
            "VERSION_ID" => distro.version_id = some(),
            "VERSION_CODENAME" => distro.codename = some(),
            "PRETTY_NAME" => distro.pretty_name = some(),
            "ID_LIKE" => distro.id_like = value.split_whitespace().map(str::to_owned).collect(),
            _ => {}
        }
    }
    distro
}

// As a shell reads it: single quotes keep everything, double quotes and bare words know the backslash.
fn unquote(value: &str) -> String {
    let value = value.trim();
    if let Some(inner) = value.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return inner.to_owned();
    }
    let inner = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    let mut text = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_release() {
        let distro = parse(
            b"PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID='12'\n# x\nID=Debian\nID_LIKE=\"a b\"\nVERSION_CODENAME=a\\b\n=\nnonsense\n\xff\n",
        );
        assert_eq!(
            distro,
            Distro {
                id: "debian".to_owned(),
                version_id: Some("12".to_owned()),
                codename: Some("ab".to_owned()),
                pretty_name: Some("Debian GNU/Linux 12 (bookworm)".to_owned()),
                id_like: vec!["a".to_owned(), "b".to_owned()],
            }
        );
        assert_eq!(parse(b"ID=\"\nID='"), Distro { id: "'".to_owned(), ..Distro::default() });
    }
}
