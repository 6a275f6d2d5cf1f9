//! Root keys that are known from elsewhere, kept beside the state: one file for all repositories.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use sealift_crypto::strict_json;
use sealift_tuf::Gun;
use sealift_tuf::verify::Pin;

use crate::Error;
use crate::states::{read_file, write_file};

const HEX_CHARS: usize = 64;

/// The kept pins.
#[derive(Clone, Debug)]
pub struct Pins {
    folder: PathBuf,
}

/// Reads a pin: 64 hexadecimal digits, with or without `sha256:`.
pub fn parse_pin(text: &str) -> Result<Pin, Error> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text).to_ascii_lowercase();
    if hex.len() == HEX_CHARS && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Pin::Key(hex));
    }
    let shown: String = text.chars().filter(|character| !character.is_control()).take(80).collect();
    Err(Error::usage(
        format!("`{shown}` is not a pin"),
        "a pin is the id of a root key, 64 hexadecimal digits; `sealift trust pin REPO` prints it",
    ))
}

/// Reads a file of pins: of each repository the ids of its root keys. One that is no pin makes the whole file unusable: a
/// pin that silently does not count would let another root in.
pub fn parse_pins(bytes: &[u8]) -> Result<BTreeMap<String, BTreeSet<String>>, Error> {
    let unusable = |reason: String| Error::usage(reason, "bring the file back from a copy");
    let pins: BTreeMap<String, BTreeSet<String>> = strict_json::from_slice(bytes, "file of pins")
        .map_err(|error| unusable(error.to_string()))?;
    for (gun, ids) in &pins {
        Gun::parse(gun)?;
        for id in ids {
            parse_pin(id)?;
        }
    }
    Ok(pins)
}

impl Pins {
    /// Pins in a folder; the file is made when something is kept.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("pins.json")
    }

    fn read(&self) -> Result<BTreeMap<String, BTreeSet<String>>, Error> {
        let path = self.path();
        let Some(bytes) = read_file(&path)? else { return Ok(BTreeMap::new()) };
        parse_pins(&bytes).map_err(|error| Error::file("read", path, error))
    }

    /// The pins of a repository.
    pub fn of(&self, gun: &Gun) -> Result<Vec<Pin>, Error> {
        let pins = self.read()?;
        pins.get(gun.as_str()).into_iter().flatten().map(|pin| parse_pin(pin)).collect()
    }

    /// Keeps these pins of a repository instead of those of before.
    pub fn set(&self, gun: &Gun, pins: &[Pin]) -> Result<(), Error> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| Error::file("make", &self.folder, error))?;
        let _lock = lock(&self.folder.join("pins.lock"))?;
        let names = pins.iter().filter_map(|pin| match pin {
            Pin::Key(id) => Some(id.clone()),
            Pin::Authority(_) => None,
        });
        let mut all = self.read()?;
        all.insert(gun.to_string(), names.collect());
        let bytes = serde_json::to_vec_pretty(&all).expect("names and texts");
        write_file(&self.folder, &self.path(), &bytes)
    }
}

fn lock(path: &Path) -> Result<fs::File, Error> {
    let fail = |error: std::io::Error| Error::file("lock", path, error);
    let lock = fs::File::options().create(true).truncate(false).write(true).open(path);
    let lock = lock.map_err(fail)?;
    lock.lock().map_err(fail)?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_and_read() {
        let folder = tempfile::tempdir().unwrap();
        let pins = Pins::new(folder.path().join("state"));
        let gun = Gun::parse("h/app").unwrap();
        assert!(pins.of(&gun).unwrap().is_empty());
        let pin = parse_pin(&format!("sha256:{}", "AB".repeat(32))).unwrap();
        pins.set(&gun, std::slice::from_ref(&pin)).unwrap();
        assert_eq!(pins.of(&gun).unwrap(), [pin]);
        assert!(pins.of(&Gun::parse("h/other").unwrap()).unwrap().is_empty());
        for text in ["", "ab", "sha256:", &"xy".repeat(32)] {
            assert!(parse_pin(text).is_err(), "{text}");
        }
        for text in ["[]", "{\"h/app\": [\"ab\"]}", "{\"h/app\": []", "{\"../x\": []}"] {
            fs::write(pins.path(), text).unwrap();
            assert!(pins.of(&gun).is_err(), "{text}");
        }
    }
}
