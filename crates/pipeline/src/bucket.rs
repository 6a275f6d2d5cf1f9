//! A mirror of the OSV bucket: `ecosystems.txt`, and for each ecosystem `modified_id.csv` and `all.zip`. Where only few
//! records have changed, these are fetched one by one into the folder `changed` beside the zip, and stand before those in
//! it. `records.csv` is the list of changes that the mirror has followed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::mirror::{fetch, forget_state, is_equal, make};
use crate::update::Updated;
use crate::{Error, Session};

const LIST_BYTES_MAX: u64 = 1 << 20;
const CHANGES_BYTES_MAX: u64 = 256 << 20;
const ZIP_BYTES_MAX: u64 = 8 << 30;
const RECORD_BYTES_MAX: u64 = 64 << 20;
const ECOSYSTEMS_MAX: usize = 500;
// With more changes than this the zip is quicker.
const CHANGES_MAX: usize = 500;
// With more records than this beside the zip a new one is worth it.
const SINGLE_MAX: usize = 5_000;

/// Brings a mirror up to date.
pub(crate) fn update(
    session: &Session<'_>,
    source: &str,
    mirror: &Path,
    updated: &mut Updated,
) -> Result<(), Error> {
    let names = ecosystems(session, source, mirror)?;
    for name in &names {
        session.check()?;
        let folder = mirror.join(name);
        make(&folder)?;
        let place = format!("{source}/{}", name.replace(' ', "%20"));
        let list = folder.join("modified_id.csv");
        fetch(session, &format!("{place}/modified_id.csv"), &list, CHANGES_BYTES_MAX)?;
        let followed = folder.join("records.csv");
        let has_zip = folder.join("all.zip").is_file();
        if has_zip && is_equal(&list, &followed) {
            updated.unchanged += 1;
            continue;
        }
        let changes = if has_zip { changes(&followed, &list) } else { None };
        let single = match changes {
            Some(ids) if fetch_records(session, &place, &folder, &ids)? => Some(ids.len()),
            _ => {
                fetch_zip(session, &place, &folder, &followed)?;
                None
            }
        };
        fs::copy(&list, &followed).map_err(|source| Error::file("write", &followed, source))?;
        updated.changed.push((name.clone(), single));
    }
    forget_others(mirror, &names)
}

fn ecosystems(session: &Session<'_>, source: &str, mirror: &Path) -> Result<Vec<String>, Error> {
    let path = mirror.join("ecosystems.txt");
    fetch(session, &format!("{source}/ecosystems.txt"), &path, LIST_BYTES_MAX)?;
    let text = read(&path)?;
    let names: Vec<String> =
        text.lines().map(str::trim).filter(|name| is_name(name)).map(str::to_owned).collect();
    if names.is_empty() || names.len() > ECOSYSTEMS_MAX {
        return Err(Error::usage(
            format!("`{source}/ecosystems.txt` names {} ecosystems", names.len()),
            "name a mirror of the OSV bucket with `--source URL`",
        ));
    }
    Ok(names)
}

// It becomes a folder here.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 100
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || " .-_".contains(c))
}

// The records that have changed between two lists; `None` if that cannot be told, if they are many, or if some are gone,
// which only a new zip shows.
fn changes(followed: &Path, list: &Path) -> Option<Vec<String>> {
    let (old, new) = (fs::read_to_string(followed).ok()?, fs::read_to_string(list).ok()?);
    let (old, new) = (dates(&old)?, dates(&new)?);
    if old.keys().any(|id| !new.contains_key(id)) {
        return None;
    }
    let changed = new.iter().filter(|(id, date)| old.get(*id) != Some(date));
    let mut ids: Vec<String> = changed.map(|(id, _)| (*id).to_owned()).take(CHANGES_MAX).collect();
    ids.sort_unstable();
    (ids.len() < CHANGES_MAX).then_some(ids)
}

// `2024-01-01T00:00:00Z,GHSA-…`
fn dates(list: &str) -> Option<HashMap<&str, &str>> {
    let lines = list.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let (date, id) = line.trim().split_once(',')?;
            is_id(id).then_some((id, date))
        })
        .collect()
}

// It becomes a file here.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 200
        && !id.starts_with('.')
        && id.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:".contains(c))
}

#[derive(Deserialize)]
struct Named {
    id: String,
}

// False if the zip must be fetched after all.
fn fetch_records(
    session: &Session<'_>,
    place: &str,
    folder: &Path,
    ids: &[String],
) -> Result<bool, Error> {
    let changed = folder.join("changed");
    make(&changed)?;
    let known = fs::read_dir(&changed).map_err(|source| Error::file("read", &changed, source))?;
    if known.count() + ids.len() > SINGLE_MAX {
        return Ok(false);
    }
    for id in ids {
        session.check()?;
        let path = changed.join(format!("{id}.json"));
        // Under a name that is not read, until it is known to be the record.
        let new = changed.join(format!("{id}.new"));
        forget_state(&new);
        let fetched = fetch(session, &format!("{place}/{id}.json"), &new, RECORD_BYTES_MAX);
        forget_state(&new);
        let is_it = match fetched {
            Ok(_) => serde_json::from_str::<Named>(&read(&new)?).is_ok_and(|it| it.id == *id),
            // It may have gone since the list was made.
            Err(Error::Client(sealift_client::Error::NotFound { .. })) => false,
            Err(error) => return Err(error),
        };
        if !is_it {
            fs::remove_file(&new).ok();
            return Ok(false);
        }
        fs::rename(&new, &path).map_err(|source| Error::file("write", &path, source))?;
    }
    Ok(true)
}

fn fetch_zip(
    session: &Session<'_>,
    place: &str,
    folder: &Path,
    followed: &Path,
) -> Result<(), Error> {
    // The list of changes is the newer one from now on: the zip must come before it is believed again.
    fs::remove_file(followed).ok();
    fetch(session, &format!("{place}/all.zip"), &folder.join("all.zip"), ZIP_BYTES_MAX)?;
    let changed = folder.join("changed");
    match fs::remove_dir_all(&changed) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::file("remove", &changed, error))
        }
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|source| Error::file("read", path, source))
}

// An ecosystem that is no longer listed has no advisories any more.
fn forget_others(mirror: &Path, names: &[String]) -> Result<(), Error> {
    let fail = |source| Error::file("read", mirror, source);
    let entries: Vec<PathBuf> = fs::read_dir(mirror)
        .map_err(fail)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()
        .map_err(fail)?;
    for path in entries.iter().filter(|path| path.is_dir()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !names.iter().any(|known| known == name) {
            fs::remove_dir_all(path).map_err(|source| Error::file("remove", path, source))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new"));
        let check = |old_text: &str, new_text: &str, expected: Option<&[&str]>| {
            fs::write(&old, old_text).unwrap();
            fs::write(&new, new_text).unwrap();
            let expected = expected.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect());
            assert_eq!(changes(&old, &new), expected, "{old_text} {new_text}");
        };
        check("1,A\n", "2,A\n1,B\n", Some(&["A", "B"]));
        check("1,A\n1,B\n", "1,A\r\n1,B", Some(&[]));
        check("1,A\n1,B\n", "1,A\n", None);
        check("1,A\n", "1,A\n2,../B\n", None);
        check("1,A\n", "web page", None);
        let many: Vec<String> = (0..CHANGES_MAX).map(|i| format!("1,X-{i}\n")).collect();
        check("", &many.concat(), None);
        fs::write(&new, many[1..].concat()).unwrap();
        assert_eq!(changes(&old, &new).map(|ids| ids.len()), Some(CHANGES_MAX - 1));
        assert_eq!(changes(&folder.path().join("none"), &new), None);
    }
}
