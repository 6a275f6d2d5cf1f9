//! Docker's folder of trust, `~/.docker/trust`, there and back: private keys, documents, staged changes.
//!
//! The folder is a map from paths to bytes here, so that reading and judging are apart; [`read_folder`] and
//! [`write_folder`] are the only functions that touch files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use crate::changelist::{read_change, write_change};
use crate::{Change, Envelope, Error, Gun, KeyFile, Limits, Role, State};

const FILES_MAX: usize = 10_000;
const FILE_BYTES_MAX: u64 = 5 << 20;
const DEPTH_MAX: usize = 16;

/// What a folder of trust has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Home {
    /// Private keys: name without `.key`, and the file.
    pub keys: BTreeMap<String, String>,
    /// Repositories.
    pub repositories: BTreeMap<Gun, HomeRepository>,
}

/// What it has of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HomeRepository {
    /// Documents as they were verified last.
    pub documents: BTreeMap<Role, Vec<u8>>,
    /// Changes that wait, in their order.
    pub changes: Vec<Change>,
}

impl Home {
    /// Reads a folder. What cannot be read is told, and the rest is taken.
    pub fn from_files(files: &BTreeMap<String, Vec<u8>>) -> (Self, Vec<String>) {
        let mut home = Self::default();
        let mut notes = Vec::new();
        for (path, bytes) in files {
            if let Err(error) = home.take(path, bytes) {
                notes.push(format!("`{}`: {error}", crate::error::printable(path)));
            }
        }
        (home, notes)
    }

    fn take(&mut self, path: &str, bytes: &[u8]) -> Result<(), Error> {
        // Older versions had folders below `private`.
        if let Some(name) = path.strip_prefix("private/").and_then(|path| path.strip_suffix(".key"))
        {
            let name = name.rsplit('/').next().unwrap_or(name);
            let text =
                std::str::from_utf8(bytes).map_err(|_| Error::Key("it is not text".to_owned()))?;
            KeyFile::parse(text)?;
            self.keys.insert(name.to_owned(), text.to_owned());
            return Ok(());
        }
        let unknown = || Error::Key("it is neither a key nor a document".to_owned());
        let path = path.strip_prefix("tuf/").ok_or_else(unknown)?;
        if let Some((gun, name)) = path.split_once("/metadata/") {
            let role = Role::parse(name.strip_suffix(".json").ok_or_else(unknown)?)?;
            Envelope::parse(bytes, &role, &Limits::default())?;
            self.repository(gun)?.documents.insert(role, bytes.to_vec());
        } else if let Some((gun, name)) = path.split_once("/changelist/") {
            // The names begin with the time, and the files come in their order.
            name.strip_suffix(".change").ok_or_else(unknown)?;
            let change = read_change(bytes)?;
            self.repository(gun)?.changes.push(change);
        } else {
            return Err(unknown());
        }
        Ok(())
    }

    fn repository(&mut self, gun: &str) -> Result<&mut HomeRepository, Error> {
        Ok(self.repositories.entry(Gun::parse(gun)?).or_default())
    }

    /// The folder that has all this.
    pub fn to_files(&self) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        let mut files = BTreeMap::new();
        for (name, text) in &self.keys {
            let is_name = !name.is_empty()
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if !is_name {
                return Err(Error::Key(format!(
                    "`{}` is not the name of a key",
                    crate::error::printable(name)
                )));
            }
            files.insert(format!("private/{name}.key"), text.clone().into_bytes());
        }
        for (gun, repository) in &self.repositories {
            for (role, bytes) in &repository.documents {
                files.insert(format!("tuf/{gun}/metadata/{role}.json"), bytes.clone());
            }
            for (number, change) in repository.changes.iter().enumerate() {
                let name = format!("tuf/{gun}/changelist/{number:020}_staged.change");
                files.insert(name, write_change(change)?);
            }
        }
        Ok(files)
    }
}

impl HomeRepository {
    /// The state from which our verifier goes on: what Docker believed last, with marks for all that it never had.
    pub fn state(&self, gun: &Gun) -> Result<State, Error> {
        State::from_documents(gun, &self.documents)
    }
}

/// Reads the files of a folder, with limits; links are not followed.
pub fn read_folder(root: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![(root.to_path_buf(), String::new(), 0)];
    while let Some((folder, prefix, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| io::Error::other("a file name is not UTF-8"))?;
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < DEPTH_MAX {
                folders.push((entry.path(), format!("{path}/"), depth + 1));
            } else if kind.is_file() {
                if entry.metadata()?.len() > FILE_BYTES_MAX || files.len() == FILES_MAX {
                    return Err(io::Error::other(format!(
                        "`{path}` is too large, or one of too many"
                    )));
                }
                files.insert(path, fs::read(entry.path())?);
            } else {
                return Err(io::Error::other(format!("`{path}` is a link, or lies too deep")));
            }
        }
    }
    Ok(files)
}

/// Writes files into a folder, for the owner's eyes only. What is there already is not overwritten but for documents.
pub fn write_folder(root: &Path, files: &BTreeMap<String, Vec<u8>>) -> io::Result<()> {
    for (path, bytes) in files {
        let target = root.join(path);
        if let Some(parent) = target.parent() {
            make_private_folder(parent)?;
        }
        if path.starts_with("private/") && target.exists() {
            if fs::read(&target)? == *bytes {
                continue;
            }
            return Err(io::Error::new(
                io::ErrorKind::AlreadyExists,
                format!("`{path}` is there already"),
            ));
        }
        let new = target.with_extension("new");
        let _ = fs::remove_file(&new);
        let mut file = private_file(&new)?;
        file.write_all(bytes)?;
        file.sync_data()?;
        fs::rename(&new, &target)?;
    }
    Ok(())
}

fn make_private_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::File::options().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sealift_crypto::{Secret, SigningKey};

    #[test]
    fn there_and_back() {
        let key = SigningKey::generate_p256();
        let passphrase = Secret::from("p".to_owned());
        let gun = Gun::parse("localhost:5443/team/app").unwrap();
        let name = KeyFile::name(&key);
        let mut home = Home::default();
        let text = KeyFile::seal(&key, "alice", None, &passphrase).unwrap();
        home.keys.insert(name.trim_end_matches(".key").to_owned(), text);
        let targets = crate::Targets::new(jiff::Timestamp::UNIX_EPOCH);
        let document = crate::seal(&Role::TARGETS, &targets.to_map(), &[]).unwrap();
        let changes = vec![
            Change::Witness { role: Role::RELEASES },
            Change::RevokeTagIn { role: Role::TARGETS, tag: "v1".to_owned() },
        ];
        let documents = BTreeMap::from([(Role::TARGETS, document)]);
        home.repositories.insert(gun.clone(), HomeRepository { documents, changes });
        let directory = tempfile::tempdir().unwrap();
        let files = home.to_files().unwrap();
        write_folder(directory.path(), &files).unwrap();
        write_folder(directory.path(), &files).unwrap();
        let mut read = read_folder(directory.path()).unwrap();
        assert_eq!(read, files);
        let (again, notes) = Home::from_files(&read);
        assert_eq!((&again, notes), (&home, Vec::new()));
        let state = again.repositories[&gun].state(&gun).unwrap();
        assert_eq!(state.version(&Role::TARGETS), Some(1));
        // A key is never overwritten, and what is not understood is told.
        read.insert(format!("private/{name}"), b"x".to_vec());
        assert!(write_folder(directory.path(), &read).is_err());
        read.insert("tuf/a/metadata/../x.json".to_owned(), Vec::new());
        read.insert("other".to_owned(), Vec::new());
        assert_eq!(Home::from_files(&read).1.len(), 3);
    }
}
