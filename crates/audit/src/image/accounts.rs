//! `passwd`, `shadow` and `group`.

use std::collections::BTreeMap;

use sealift_archive::RelativePath;
use sealift_image::FileTree;

use super::table::{EMPTY_PASSWORD, SAME_ID};
use super::{Findings, Place};

pub(super) fn run(tree: &FileTree, findings: &mut Findings) {
    for (path, is_group) in [("etc/passwd", false), ("etc/shadow", false), ("etc/group", true)] {
        let Some((text, layer)) = read(tree, path) else { continue };
        let place = || Place::File { path: format!("/{path}"), layer };
        for name in open_accounts(&text).filter(|_| !is_group) {
            findings.add(&EMPTY_PASSWORD, place(), format!("account `{name}` has no password"));
        }
        if path == "etc/shadow" {
            continue;
        }
        for (number, names) in same_ids(&text) {
            let what = if is_group { "group" } else { "user" };
            let names = names.join("`, `");
            let message = format!("`{names}` have the {what} number {number}");
            let finding = findings.add(&SAME_ID, place(), message);
            if number == "0" {
                finding.level = sealift_diagnostic::Level::Error;
            }
        }
    }
}

fn read(tree: &FileTree, path: &str) -> Option<(String, usize)> {
    let path = RelativePath::parse(path.as_bytes()).ok()?;
    let layer = tree.get(&path)?.layer;
    Some((String::from_utf8_lossy(tree.read(&path)?).into_owned(), layer))
}

/// Accounts whose password is empty, which is not the same as locked.
fn open_accounts(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let (name, password) = (fields.next()?, fields.next()?);
        let is_account = !name.is_empty() && !name.starts_with(['#', '+', '-']);
        (is_account && password.is_empty()).then(|| name.chars().take(60).collect())
    })
}

/// Numbers that several names have.
fn same_ids(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split(':').collect();
        let (Some(name), Some(id)) = (fields.first(), fields.get(2)) else { continue };
        let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
        if !name.is_empty() && is_number && id.len() < 12 {
            let name: String = name.chars().take(60).collect();
            let names = ids.entry((*id).to_owned()).or_default();
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    ids.retain(|_, names| names.len() > 1);
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts() {
        let shadow = "root::1:\ndaemon:*:1:\nuser:!:1\n:x\n# c::\nbroken";
        assert_eq!(open_accounts(shadow).collect::<Vec<_>>(), ["root"]);
        let passwd = "root:x:0:0\ntoor:x:0:0\nbin:x:1:1\nbin:x:1:1\nodd:x:y:1\n";
        let same = same_ids(passwd);
        assert_eq!(same.len(), 1);
        assert_eq!(same["0"], ["root", "toor"]);
    }
}
