//! Lays the packages' files over each other, by dpkg's rules and into a merged `/usr`.

use sealift_archive::RelativePath;

use crate::Error;
use crate::control;
use crate::deb::Deb;
use crate::index::Candidate;
use crate::relation::{self, Relation};
use crate::tree::{Blocked, Kind, Node, Tree, literal};

/// Directories that are links into `/usr` (usrmerge; Debian 12 release notes §5.1.1).
const ALWAYS_MERGED: [&str; 3] = ["bin", "lib", "sbin"];
const SOMETIMES_MERGED: [&str; 4] = ["lib32", "lib64", "libo32", "libx32"];

/// A package with what is in it.
pub(crate) struct Unpacked<'a> {
    pub candidate: Candidate<'a>,
    pub deb: Deb,
}

/// The tree of all packages, `base-files` first, then by name.
pub(crate) fn lay(packages: &mut [Unpacked<'_>], architecture: &str) -> Result<Tree, Error> {
    let entries: Vec<_> =
        packages.iter_mut().map(|package| std::mem::take(&mut package.deb.entries)).collect();
    let packages = &*packages;
    let replaces = packages
        .iter()
        .map(|package| Replaces::parse(package, architecture))
        .collect::<Result<Vec<_>, _>>()?;
    let mut order: Vec<(usize, Vec<(RelativePath, Node)>)> =
        entries.into_iter().enumerate().collect();
    order.sort_by_key(|(place, _)| {
        let name = packages[*place].candidate.name;
        (name != "base-files", name)
    });
    let mut tree = skeleton();
    for (place, entries) in order {
        for (path, node) in entries {
            // From Debian 13 on, `base-files` brings the links itself.
            if is_merge_link(&path, &node) {
                continue;
            }
            let node = Node { owner: Some(place), ..node };
            place_entry(&mut tree, merge_usr(&path), node, packages, &replaces)?;
        }
    }
    for name in SOMETIMES_MERGED {
        let target = format!("usr/{name}");
        if tree.at(&target).is_some() {
            tree.insert(literal(name), Node::symlink(&target));
        }
    }
    Ok(tree)
}

// What must be there before the first package, so that files land behind the links.
fn skeleton() -> Tree {
    let mut tree = Tree::default();
    for directory in ["usr", "usr/bin", "usr/lib", "usr/sbin", "var", "run"] {
        tree.insert(literal(directory), Node::directory(0o755));
    }
    for name in ALWAYS_MERGED {
        tree.insert(literal(name), Node::symlink(&format!("usr/{name}")));
    }
    for directory in ["tmp", "var/tmp", "run/lock"] {
        tree.insert(literal(directory), Node::directory(0o1777));
    }
    tree.insert(literal("root"), Node::directory(0o700));
    tree.insert(literal("var/run"), Node::symlink("/run"));
    tree.insert(literal("var/lock"), Node::symlink("/run/lock"));
    tree
}

fn is_merged(name: &[u8]) -> bool {
    ALWAYS_MERGED.iter().chain(&SOMETIMES_MERGED).any(|merged| merged.as_bytes() == name)
}

fn is_merge_link(path: &RelativePath, node: &Node) -> bool {
    matches!(node.kind, Kind::Symlink(_)) && is_merged(path.as_bytes())
}

fn merge_usr(path: &RelativePath) -> RelativePath {
    match path.parts().next() {
        Some(first) if is_merged(first) => {
            literal("usr").join(path.as_bytes()).expect("a path below a path is a path")
        }
        _ => path.clone(),
    }
}

fn place_entry(
    tree: &mut Tree,
    path: RelativePath,
    node: Node,
    packages: &[Unpacked<'_>],
    replaces: &[Replaces<'_>],
) -> Result<(), Error> {
    let name = |owner: Option<usize>| match owner {
        Some(place) => packages[place].candidate.name.to_owned(),
        None => "(base)".to_owned(),
    };
    let blocked = |blocked: Blocked| Error::Package {
        package: name(node.owner),
        reason: format!("`/{path}` cannot be placed: {}", blocked.as_str()),
    };
    let path = tree.resolve_parent(&path).map_err(blocked)?;
    let Some(old) = tree.get(&path) else {
        tree.make_parents(&path).map_err(blocked)?;
        tree.insert(path, node);
        return Ok(());
    };
    let conflict = || Error::FileConflict {
        path: path.to_string(),
        first: name(old.owner),
        second: name(node.owner),
    };
    match (&old.kind, &node.kind) {
        // Who comes first decides on mode and owner; what the skeleton made is anybody's.
        (Kind::Directory, Kind::Directory) => {
            if old.owner.is_none() && path.as_bytes() != b"run/lock" {
                tree.insert(path, node);
            }
            Ok(())
        }
        // dpkg never replaces a directory by a link, nor a link to a directory by a directory.
        (Kind::Directory, Kind::Symlink(_)) => Ok(()),
        (Kind::Symlink(_), Kind::Directory) => {
            match tree.resolve(&path).map(|end| tree.get(&end)) {
                Ok(Some(Node { kind: Kind::Directory, .. })) => Ok(()),
                _ => Err(conflict()),
            }
        }
        (Kind::Directory, Kind::File(_)) | (Kind::File(_), Kind::Directory) => Err(conflict()),
        _ => {
            let (first, second) = (old.owner, node.owner);
            match (first, second) {
                (Some(first), Some(second)) if first != second => {
                    let candidate = |place: usize| &packages[place].candidate;
                    if replaces[second].covers(candidate(first)) {
                        tree.insert(path, node);
                    } else if !replaces[first].covers(candidate(second)) {
                        return Err(conflict());
                    }
                }
                _ => tree.insert(path, node),
            }
            Ok(())
        }
    }
}

// Which packages' files a package may overwrite (Debian policy §7.6.1).
struct Replaces<'a>(Vec<Relation<'a>>);

impl<'a> Replaces<'a> {
    fn parse(package: &'a Unpacked<'_>, architecture: &str) -> Result<Self, Error> {
        let paragraph = control::single(&package.deb.control, package.candidate.name)?;
        let field = paragraph.get("Replaces").unwrap_or_default();
        let groups = relation::parse(field, architecture).map_err(|reason| Error::Package {
            package: package.candidate.name.to_owned(),
            reason,
        })?;
        Ok(Self(groups.into_iter().flatten().collect()))
    }

    fn covers(&self, other: &Candidate<'_>) -> bool {
        self.0
            .iter()
            .any(|relation| relation.name == other.name && relation.admits_version(other.version))
    }
}
