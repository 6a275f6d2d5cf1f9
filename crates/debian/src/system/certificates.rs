//! `update-ca-certificates` without running it: the bundle, and the links that Debian's OpenSSL looks through.

use sealift_archive::RelativePath;

use crate::system::add;
use crate::tree::{Node, Tree, literal};

const SHIPPED: &str = "usr/share/ca-certificates";
const LOCAL: &str = "usr/local/share/ca-certificates";
const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";

/// Writes the bundle of all certificates that `ca-certificates` and the recipe bring.
pub(crate) fn add_certificates(tree: &mut Tree) {
    let shipped = certificates(tree, SHIPPED);
    let local = certificates(tree, LOCAL);
    if shipped.is_empty() && local.is_empty() {
        return;
    }
    let mut bundle = Vec::new();
    for path in shipped.iter().chain(&local) {
        let Some(name) = path.file_name() else { continue };
        let Some(bytes) = path.as_str().and_then(|path| tree.read(path)) else { continue };
        bundle.extend_from_slice(&bytes);
        if !bytes.ends_with(b"\n") {
            bundle.push(b'\n');
        }
        let name = String::from_utf8_lossy(name);
        let stem = name.strip_suffix(".crt").unwrap_or(&name);
        if let Ok(link) = RelativePath::parse(format!("etc/ssl/certs/{stem}.pem").as_bytes()) {
            add(tree, &link.to_string(), Node::symlink(&format!("/{path}")));
        }
    }
    add(tree, BUNDLE, Node::file(bundle, 0o644));
    let mut configuration = String::new();
    for name in shipped.iter().filter_map(|path| path.as_str()?.strip_prefix(SHIPPED)) {
        configuration.push_str(name.trim_start_matches('/'));
        configuration.push('\n');
    }
    add(tree, "etc/ca-certificates.conf", Node::file(configuration, 0o644));
    // Debian's OpenSSL looks here; its default folder `certs` would need links by hash.
    add(tree, "usr/lib/ssl/cert.pem", Node::symlink(&format!("/{BUNDLE}")));
    add(tree, "usr/lib/ssl/certs", Node::symlink("/etc/ssl/certs"));
}

fn certificates(tree: &Tree, folder: &str) -> Vec<RelativePath> {
    let folder = literal(folder);
    tree.below(&folder)
        .map(|(path, _)| path)
        .filter(|path| path.as_bytes().ends_with(b".crt"))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundle_is_sorted_and_ends_each_certificate() {
        let mut tree = Tree::default();
        for (path, text) in [
            ("usr/share/ca-certificates/mozilla/B.crt", "b\n"),
            ("usr/share/ca-certificates/mozilla/A.crt", "a"),
            ("usr/local/share/ca-certificates/Corp.crt", "corp\n"),
            ("usr/share/ca-certificates/mozilla/readme.txt", "no"),
        ] {
            tree.insert(literal(path), Node::file(text, 0o644));
        }
        add_certificates(&mut tree);
        assert_eq!(tree.read(BUNDLE).unwrap(), b"a\nb\ncorp\n");
        assert_eq!(tree.read("usr/lib/ssl/cert.pem").unwrap(), b"a\nb\ncorp\n");
        assert_eq!(tree.read("etc/ssl/certs/A.pem").unwrap(), b"a");
        assert_eq!(
            tree.read("etc/ca-certificates.conf").unwrap(),
            b"mozilla/A.crt\nmozilla/B.crt\n"
        );
    }

    #[test]
    fn no_certificates_no_bundle() {
        let mut tree = Tree::default();
        add_certificates(&mut tree);
        assert!(tree.at(BUNDLE).is_none());
    }
}
