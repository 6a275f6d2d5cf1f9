//! What the recipe lays over the packages' files: files, directories and links of its own, and what it removes.

use std::io::Read;
use std::path::Path;

use sealift_oci::Digest;

use crate::recipe::{Body, ImagePath};
use crate::tree::{Blocked, Kind, Node, Tree};
use crate::{Error, glob};

const FILE_BYTES_MAX: u64 = 64 << 20;

/// The contents of the recipe's files, in its order.
pub(crate) struct Contents(Vec<Vec<u8>>);

impl Contents {
    /// Reads the files that the recipe names; `folder` is the recipe's.
    pub(crate) fn read(body: &Body, folder: &Path) -> Result<Self, Error> {
        let mut contents = Vec::new();
        for file in &body.files {
            contents.push(match (&file.content, &file.source) {
                (Some(content), _) => content.clone().into_bytes(),
                (None, Some(source)) => read_file(&folder.join(source))?,
                (None, None) => Vec::new(),
            });
        }
        Ok(Self(contents))
    }

    /// One digest each.
    pub(crate) fn digests(&self) -> impl Iterator<Item = Digest> {
        self.0.iter().map(|content| Digest::sha256(content))
    }
}

fn read_file(path: &Path) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
        .map_err(|source| Error::ReadFile { path: path.to_owned(), source })?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Error::TooLarge { what: path.display().to_string(), limit: FILE_BYTES_MAX });
    }
    Ok(bytes)
}

/// Lays the recipe's directories, files and links.
pub(crate) fn lay_over(tree: &mut Tree, body: &Body, contents: &Contents) -> Result<(), Error> {
    for directory in &body.directories {
        let node = Node::directory(directory.mode.0).owned_by(directory.uid, directory.gid);
        put(tree, &directory.path, node)?;
    }
    for (file, content) in body.files.iter().zip(&contents.0) {
        let node = Node::file(content.as_slice(), file.mode.0).owned_by(file.uid, file.gid);
        put(tree, &file.path, node)?;
    }
    for (path, target) in &body.links {
        put(tree, path, Node::symlink(target))?;
    }
    Ok(())
}

/// Removes what the globs name, and takes set-user-id bits off if asked for. Returns warnings.
pub(crate) fn remove(tree: &mut Tree, body: &Body) -> Vec<String> {
    let mut counts = vec![0_usize; body.remove.len()];
    tree.retain(|path| {
        let hit = body
            .remove
            .iter()
            .position(|pattern| glob::matches(pattern.as_bytes(), path.as_bytes()));
        if let Some(place) = hit {
            counts[place] += 1;
        }
        hit.is_none()
    });
    if body.strip_setuid {
        for node in tree.nodes_mut() {
            if matches!(node.kind, Kind::File(_)) {
                node.mode &= 0o1777;
            }
        }
    }
    let unused = body.remove.iter().zip(counts).filter(|(_, count)| *count == 0);
    unused.map(|(pattern, _)| format!("`{pattern}` in `remove` names no file")).collect()
}

/// The recipe's links that lead nowhere.
pub(crate) fn dangling(tree: &Tree, body: &Body) -> Vec<String> {
    body.links
        .iter()
        .filter(|(path, _)| {
            let end = tree.resolve(&path.0);
            !end.is_ok_and(|end| end.is_root() || tree.get(&end).is_some())
        })
        .map(|(path, target)| {
            format!("link `{path}` points to `{target}`, which is not in the image")
        })
        .collect()
}

fn put(tree: &mut Tree, path: &ImagePath, node: Node) -> Result<(), Error> {
    let error = |reason: &str| Error::Overlay { path: path.to_string(), reason: reason.to_owned() };
    let blocked = |blocked: Blocked| error(blocked.as_str());
    let place = tree.resolve_parent(&path.0).map_err(blocked)?;
    match (tree.get(&place).map(|old| &old.kind), &node.kind) {
        (Some(Kind::Directory), Kind::File(_) | Kind::Symlink(_)) => {
            return Err(error("there is a directory"));
        }
        (Some(Kind::File(_) | Kind::Symlink(_)), Kind::Directory) => {
            return Err(error("there is a file or a link"));
        }
        _ => {}
    }
    tree.make_parents(&place).map_err(blocked)?;
    tree.insert(place, node);
    Ok(())
}
