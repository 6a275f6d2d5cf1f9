//! The keyring: a folder of key files, each for its owner's eyes only.
//!
//! A signer's key is `NAME.key` with the public part beside it in `NAME.pub`. Keys of roots and repositories say in the
//! headers of their file whose they are and what their public part is, so that the right one is found before anybody is
//! asked for a passphrase. All are sealed as cosign seals keys (scrypt and secretbox). Files of Docker are read too, and
//! files that stand for keys in tokens.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::pem::Block;
use sealift_crypto::{PublicKey, Secret, SigningKey};
use sealift_tuf::{Gun, Key, KeyFile, Role, write_public_key};

use crate::Error;
use crate::states::read_file;
use crate::token_key;

const NAME_CHARS_MAX: usize = 128;

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyUse {
    /// Roots, of any repository.
    Root,
    /// The role `targets` of one repository.
    Targets,
    /// The snapshot of one repository.
    Snapshot,
    /// Somebody's own: delegations, and signatures in other formats.
    Signer,
}

/// Whether a key is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// It is to be opened.
    Open,
    /// It is to be sealed.
    Create,
}

/// What a passphrase is wanted for.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    /// Open or create.
    pub purpose: Purpose,
    /// What the key is for.
    pub key_use: KeyUse,
    /// Name of the key, for people.
    pub name: &'a str,
    /// Whether the file is Docker's.
    pub is_docker: bool,
}

/// Where passphrases come from.
pub trait Passphrases {
    /// A passphrase, or none if there is no way to ask for it.
    fn passphrase(&self, need: &Need<'_>) -> Result<Option<Secret>, Error>;
}

/// A key of the keyring, not yet opened.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// Name: the file's, without its ending.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// What it is for.
    pub key_use: KeyUse,
    /// Its repository, if it has one.
    pub gun: Option<String>,
    /// Its public part, or why that is not known.
    pub public: Result<PublicKey, String>,
}

impl KeyUse {
    /// As it stands in the header of a file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Targets => "targets",
            Self::Snapshot => "snapshot",
            Self::Signer => "signer",
        }
    }

    fn of(role: Option<&str>) -> Self {
        match role {
            Some("root") => Self::Root,
            Some("targets") => Self::Targets,
            Some("snapshot") => Self::Snapshot,
            _ => Self::Signer,
        }
    }
}

impl KeyEntry {
    /// The id that Docker knows the key by.
    pub fn id(&self) -> Option<String> {
        self.public.as_ref().ok().map(|public| Key::bare(public).id().to_owned())
    }

    fn is(&self, identity: &str) -> bool {
        self.public.as_ref().is_ok_and(|public| public.fingerprint() == identity)
    }
}

/// The keyring.
#[derive(Clone, Debug)]
pub struct Keyring {
    folder: PathBuf,
    named: Vec<PathBuf>,
}

impl Keyring {
    /// A folder of keys; it is made when the first one comes.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), named: Vec::new() }
    }

    /// The same, and these key files besides.
    #[must_use]
    pub fn with_files(mut self, files: &[PathBuf]) -> Self {
        self.named.extend(files.iter().cloned());
        self
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// All keys, in the order of their names; those that were named come first.
    pub fn list(&self) -> Result<Vec<KeyEntry>, Error> {
        let mut entries = Vec::new();
        for path in &self.named {
            entries.push(read_entry(path)?);
        }
        let folder = match fs::read_dir(&self.folder) {
            Ok(folder) => folder,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(entries),
            Err(error) => return Err(Error::file("read", &self.folder, error)),
        };
        let mut paths: Vec<PathBuf> = folder
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "key"))
            .collect();
        paths.sort();
        for path in paths {
            entries.push(read_entry(&path)?);
        }
        Ok(entries)
    }

    /// The entry of a key, by its fingerprint.
    pub fn find(&self, identity: &str) -> Result<Option<KeyEntry>, Error> {
        Ok(self.list()?.into_iter().find(|entry| entry.is(identity)))
    }

    /// The keys for a role of a repository; root keys belong to all repositories.
    pub fn keys_for(&self, key_use: KeyUse, gun: &Gun) -> Result<Vec<KeyEntry>, Error> {
        let fits = |entry: &KeyEntry| {
            let is_ours = key_use == KeyUse::Root || entry.gun.as_deref() == Some(gun.as_str());
            entry.key_use == key_use && is_ours && entry.public.is_ok()
        };
        Ok(self.list()?.into_iter().filter(fits).collect())
    }

    /// Opens a key. Its file may be nobody else's to read.
    pub fn open(
        &self,
        entry: &KeyEntry,
        passphrases: &dyn Passphrases,
    ) -> Result<SigningKey, Error> {
        let fail = |reason: String, hint: String| {
            Err(Error::Key { name: entry.name.clone(), reason, hint })
        };
        if let Some(uri) = token_key::uri_of(&entry.path) {
            return token_key::open_uri(uri, passphrases);
        }
        let path = entry.path.display();
        let mode = fs::metadata(&entry.path)
            .map_err(|error| Error::file("read", &entry.path, error))?
            .permissions()
            .mode();
        if mode & 0o077 != 0 {
            let reason = format!("others can read `{path}` (mode {:o})", mode & 0o777);
            return fail(
                reason,
                format!("run `chmod 600 {path}`, and rotate it if others may have read it"),
            );
        }
        let text = read_text(&entry.path)?;
        if sealift_token::KeyFile::is(&text) {
            return token_key::open_file(&entry.name, &text, passphrases);
        }
        let is_docker = is_docker(&text);
        let mut opened = open_text(&text, None);
        if matches!(opened, Err(Fault::Sealed)) {
            let need = Need {
                purpose: Purpose::Open,
                key_use: entry.key_use,
                name: &entry.name,
                is_docker,
            };
            if let Some(passphrase) = passphrases.passphrase(&need)? {
                opened = open_text(&text, Some(&passphrase));
            }
        }
        let key = match opened {
            Ok(key) => key,
            Err(Fault::Sealed) => {
                let reason = "its passphrase is another one, or was not given".to_owned();
                return fail(reason, passphrase_hint(entry.key_use, is_docker));
            }
            Err(Fault::Other(reason)) => return fail(reason, format!("look at `{path}`")),
        };
        if entry.public.as_ref().is_ok_and(|public| *public != key.public()) {
            let reason = format!("`{path}` names another public key than it has");
            return fail(reason, "bring both back from a copy".to_owned());
        }
        Ok(key)
    }

    /// Seals a new key of a root or a repository.
    pub fn add_role_key(
        &self,
        key: &SigningKey,
        key_use: KeyUse,
        gun: Option<&Gun>,
        passphrases: &dyn Passphrases,
    ) -> Result<KeyEntry, Error> {
        let id = Key::bare(&key.public()).id()[..12].to_owned();
        let name = format!("{}-{id}", key_use.as_str());
        let mut headers = vec![("role".to_owned(), key_use.as_str().to_owned())];
        headers.extend(gun.map(|gun| ("gun".to_owned(), gun.to_string())));
        headers.push(("public".to_owned(), STANDARD.encode(key.public().spki_der())));
        let passphrase = new_passphrase(key_use, &name, passphrases)?;
        let text = key
            .to_encrypted_pem(&passphrase)
            .and_then(|text| Block::parse(&text))
            .and_then(|block| Block { headers, ..block }.to_text())
            .map_err(|error| unusable(&name, &error))?;
        let path = self.path(&name);
        self.write_new(&path, 0o600, &text)?;
        read_entry(&path)
    }

    /// Seals a signer's key under a name, with its public part beside it.
    pub fn add_signer(
        &self,
        name: &str,
        key: &SigningKey,
        passphrases: &dyn Passphrases,
    ) -> Result<KeyEntry, Error> {
        self.check_free(name)?;
        let passphrase = new_passphrase(KeyUse::Signer, name, passphrases)?;
        let text = key.to_encrypted_pem(&passphrase).map_err(|error| unusable(name, &error))?;
        self.write_pair(name, &text, &key.public())
    }

    /// Writes a signer's file and its public part beside it.
    pub(crate) fn write_pair(
        &self,
        name: &str,
        text: &str,
        public: &PublicKey,
    ) -> Result<KeyEntry, Error> {
        self.check_free(name)?;
        let path = self.path(name);
        self.write_new(&path, 0o600, text)?;
        if let Err(error) = self.write_new(&path.with_extension("pub"), 0o644, &public.to_pem()) {
            // Half a pair would be in the way of the next try.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        read_entry(&path)
    }

    fn check_free(&self, name: &str) -> Result<(), Error> {
        check_name(name)?;
        let path = self.path(name);
        if path.exists() || path.with_extension("pub").exists() {
            return Err(Error::usage(
                format!("the keyring has a key `{name}` already: `{}`", path.display()),
                "choose another name, or move that key away",
            ));
        }
        Ok(())
    }

    /// Takes a private key of any kind of file over. A file that says whose key it is is believed.
    pub fn load(
        &self,
        path: &Path,
        name: Option<&str>,
        passphrases: &dyn Passphrases,
    ) -> Result<KeyEntry, Error> {
        if let Some(uri) = token_key::uri_of(path) {
            let name = name.ok_or_else(|| {
                Error::usage("a key in a token needs a name here", "give one with `--name`")
            })?;
            self.check_free(name)?;
            return self.add_token(name, uri, passphrases);
        }
        let text = read_text(path)?;
        let file = Block::parse(&text).ok();
        let header =
            |name: &str| file.as_ref().and_then(|block| block.header(name)).map(str::to_owned);
        let (role, gun) = (header("role"), header("gun"));
        let key_use = if name.is_some() { KeyUse::Signer } else { KeyUse::of(role.as_deref()) };
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
        let name = name.map(str::to_owned).or(role).or(stem).unwrap_or_default();
        if key_use == KeyUse::Signer {
            check_name(&name)?;
        }
        let need = Need { purpose: Purpose::Open, key_use, name: &name, is_docker: false };
        let key = open_file_text(&text, &need, passphrases)?;
        match (key_use, gun) {
            (KeyUse::Signer, _) => self.add_signer(&name, &key, passphrases),
            (KeyUse::Root, _) => self.add_role_key(&key, key_use, None, passphrases),
            (_, Some(gun)) => {
                self.add_role_key(&key, key_use, Some(&Gun::parse(&gun)?), passphrases)
            }
            (_, None) => Err(Error::usage(
                format!("`{}` does not say of which repository it is", path.display()),
                "give it a name with `--name`, as a signer's key",
            )),
        }
    }

    /// The public part of a key as Docker's `trust signer add` wants it.
    pub fn docker_public(entry: &KeyEntry) -> Result<String, Error> {
        let public = entry.public.as_ref().map_err(|reason| Error::Key {
            name: entry.name.clone(),
            reason: reason.clone(),
            hint: "put the public part beside it, ending in `.pub`".to_owned(),
        })?;
        Ok(write_public_key(public, &entry.name)?)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.key"))
    }

    // Never over a file that is there: a lost key cannot be had again.
    fn write_new(&self, path: &Path, mode: u32, text: &str) -> Result<(), Error> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| Error::file("make", &self.folder, error))?;
        fs::File::options()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(path)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .map_err(|error| Error::file("write", path, error))
    }
}

fn new_passphrase(
    key_use: KeyUse,
    name: &str,
    passphrases: &dyn Passphrases,
) -> Result<Secret, Error> {
    let need = Need { purpose: Purpose::Create, key_use, name, is_docker: false };
    Ok(passphrases.passphrase(&need)?.unwrap_or_else(|| Secret::new(Vec::new())))
}

/// Opens a text that is a key file of any kind.
pub(crate) fn open_file_text(
    text: &str,
    need: &Need<'_>,
    passphrases: &dyn Passphrases,
) -> Result<SigningKey, Error> {
    let mut opened = open_text(text, None);
    if matches!(opened, Err(Fault::Sealed)) {
        let need = Need { is_docker: is_docker(text), ..*need };
        if let Some(passphrase) = passphrases.passphrase(&need)? {
            opened = open_text(text, Some(&passphrase));
        }
    }
    opened.map_err(|fault| match fault {
        Fault::Sealed => Error::Key {
            name: need.name.to_owned(),
            reason: "its passphrase is another one, or was not given".to_owned(),
            hint: passphrase_hint(need.key_use, is_docker(text)),
        },
        Fault::Other(reason) => Error::Key {
            name: need.name.to_owned(),
            reason,
            hint: "give a private key in PEM: cosign's, Docker's, PKCS#8, SEC 1 or PKCS#1"
                .to_owned(),
        },
    })
}

enum Fault {
    Sealed,
    Other(String),
}

// Without a passphrase: with the empty one, by which keys are sealed that have none.
fn open_text(text: &str, passphrase: Option<&Secret>) -> Result<SigningKey, Fault> {
    let empty = Secret::new(Vec::new());
    let secret = passphrase.unwrap_or(&empty);
    if is_docker(text) {
        let file = KeyFile::parse(text).map_err(|error| Fault::Other(error.to_string()))?;
        return match file.open(Some(secret)) {
            Ok(key) => Ok(key),
            Err(_) if file.is_encrypted() => Err(Fault::Sealed),
            Err(error) => Err(Fault::Other(error.to_string())),
        };
    }
    let bare = Block::parse(text)
        .and_then(|block| Block { headers: Vec::new(), ..block }.to_text())
        .map_err(|error| Fault::Other(error.to_string()))?;
    SigningKey::from_key_file(&bare, Some(secret)).map_err(|error| match error {
        sealift_crypto::Error::Passphrase | sealift_crypto::Error::Encrypted => Fault::Sealed,
        error => Fault::Other(error.to_string()),
    })
}

fn is_docker(text: &str) -> bool {
    KeyFile::parse(text).is_ok()
}

fn read_entry(path: &Path) -> Result<KeyEntry, Error> {
    if let Some(uri) = token_key::uri_of(path) {
        return token_key::entry_of_uri(uri);
    }
    let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let text = read_text(path)?;
    if let Some(public) = token_key::public_of(&text) {
        let (path, key_use) = (path.to_owned(), KeyUse::Signer);
        return Ok(KeyEntry { name, path, key_use, gun: None, public });
    }
    let block = Block::parse(&text);
    let header =
        |name: &str| block.as_ref().ok().and_then(|block| block.header(name)).map(str::to_owned);
    let public = match header("public") {
        Some(text) => STANDARD
            .decode(text)
            .map_err(|_| "its header `public` is not base64".to_owned())
            .and_then(|der| PublicKey::from_spki_der(&der).map_err(|error| error.to_string())),
        None => public_beside(path, block.as_ref().ok()),
    };
    let (key_use, gun) = (KeyUse::of(header("role").as_deref()), header("gun"));
    Ok(KeyEntry { name, path: path.to_owned(), key_use, gun, public })
}

fn public_beside(path: &Path, block: Option<&Block>) -> Result<PublicKey, String> {
    // A key that is not sealed shows its public part itself.
    if let Some(block) = block.filter(|block| block.label == "PRIVATE KEY")
        && let Ok(key) = SigningKey::from_pkcs8_der(block.content.expose())
    {
        return Ok(key.public());
    }
    let public = path.with_extension("pub");
    let text = read_text(&public)
        .map_err(|_| format!("its public part is not there: `{}`", public.display()))?;
    PublicKey::from_pem(&text)
        .or_else(|error| match sealift_tuf::read_public_key(&text) {
            Ok((key, _)) => key.public_key().cloned().map_err(|_| error),
            Err(_) => Err(error),
        })
        .map_err(|error| format!("`{}`: {error}", public.display()))
}

pub(crate) fn read_text(path: &Path) -> Result<String, Error> {
    let bytes = read_file(path)?.ok_or_else(|| Error::file("read", path, "it is not there"))?;
    String::from_utf8(bytes).map_err(|_| Error::file("read", path, "it is not text"))
}

/// Checks the name of a signer: it becomes a role and the name of a file.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    if name.len() <= NAME_CHARS_MAX && Role::of_signer(name).is_ok() {
        return Ok(());
    }
    let shown: String = name.chars().filter(|character| !character.is_control()).take(80).collect();
    Err(Error::usage(
        format!("`{shown}` is not the name of a signer"),
        "use lower-case letters, digits, `-` and `_`, and another name than `releases`",
    ))
}

fn unusable(name: &str, error: &sealift_crypto::Error) -> Error {
    let hint = "choose another key".to_owned();
    Error::Key { name: name.to_owned(), reason: error.to_string(), hint }
}

fn passphrase_hint(key_use: KeyUse, is_docker: bool) -> String {
    match (is_docker, key_use) {
        (true, KeyUse::Root) => "set DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE",
        (true, _) => "set DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE",
        (false, KeyUse::Root) => {
            "give `--root-passphrase-file FILE` or set SEALIFT_ROOT_PASSPHRASE"
        }
        (false, _) => {
            "give `--passphrase-file FILE` or `--passphrase-fd N`, or set SEALIFT_KEY_PASSPHRASE"
        }
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Word(&'static str);

    impl Passphrases for Word {
        fn passphrase(&self, _: &Need<'_>) -> Result<Option<Secret>, Error> {
            Ok(Some(Secret::from(self.0.to_owned())))
        }
    }

    #[test]
    fn keys_are_found_without_a_passphrase_and_opened_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::new(folder.path().join("keys"));
        assert!(keyring.list().unwrap().is_empty());
        let gun = Gun::parse("h/app").unwrap();
        let [root, targets, alice] = [(); 3].map(|()| SigningKey::generate_p256());
        let word = Word("open sesame");
        keyring.add_role_key(&root, KeyUse::Root, None, &word).unwrap();
        keyring.add_role_key(&targets, KeyUse::Targets, Some(&gun), &word).unwrap();
        keyring.add_signer("alice", &alice, &word).unwrap();
        let uses: Vec<KeyUse> = keyring.list().unwrap().iter().map(|key| key.key_use).collect();
        assert_eq!(uses, [KeyUse::Signer, KeyUse::Root, KeyUse::Targets]);
        let found = keyring.keys_for(KeyUse::Targets, &gun).unwrap();
        assert_eq!(found.len(), 1);
        assert!(keyring.keys_for(KeyUse::Targets, &Gun::parse("h/b").unwrap()).unwrap().is_empty());
        assert_eq!(keyring.open(&found[0], &word).unwrap().public(), targets.public());
        let error = keyring.open(&found[0], &Word("wrong")).err().unwrap();
        assert!(error.hint().unwrap().contains("--passphrase-file"), "{error}");
        let alices = keyring.find(&alice.public().fingerprint()).unwrap().unwrap();
        assert_eq!(alices.name, "alice");
        assert!(Keyring::docker_public(&alices).unwrap().contains("role: alice"));
        assert!(keyring.add_signer("alice", &root, &word).is_err(), "a key is never overwritten");
        for name in ["releases", "../x", "A", ""] {
            assert!(keyring.add_signer(name, &root, &word).is_err(), "{name}");
        }
        fs::set_permissions(&found[0].path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = keyring.open(&found[0], &word).err().unwrap().to_string();
        assert!(error.contains("others can read"), "{error}");
    }

    #[test]
    fn a_file_that_names_another_key() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::new(folder.path());
        let [one, two] = [(); 2].map(|()| SigningKey::generate_p256());
        let entry = keyring.add_role_key(&one, KeyUse::Root, None, &Word("")).unwrap();
        let text = fs::read_to_string(&entry.path).unwrap();
        let encode = |key: &SigningKey| STANDARD.encode(key.public().spki_der());
        fs::write(&entry.path, text.replace(&encode(&one), &encode(&two))).unwrap();
        let entry = keyring.list().unwrap().remove(0);
        let error = keyring.open(&entry, &Word("")).err().unwrap().to_string();
        assert!(error.contains("names another public key"), "{error}");
    }

    #[test]
    fn files_of_others() {
        let folder = tempfile::tempdir().unwrap();
        let key = SigningKey::generate_p256();
        let path = folder.path().join("x.key");
        let secret = Secret::from("docker".to_owned());
        fs::write(&path, KeyFile::seal(&key, "alice", None, &secret).unwrap()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let keyring = Keyring::new(folder.path().join("none")).with_files(&[path]);
        let entry = keyring.list().unwrap().remove(0);
        assert!(entry.public.is_err());
        assert_eq!(keyring.open(&entry, &Word("docker")).unwrap().public(), key.public());
    }
}
