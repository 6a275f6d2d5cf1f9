//! A small Debian archive made in memory, signed by a key that gpg makes once per test run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, Weak};

use sealift_archive::{EntryKind, GzipWriter, Header, Mtime, RelativePath, tar};
use sealift_debian::{Fetch, FetchError};
use sealift_oci::Digest;

pub(crate) const URL: &str = "http://mirror.test/debian";

/// The key that signs, and one that nobody trusts.
pub(crate) struct Keys {
    folder: tempfile::TempDir,
    pub(crate) keyring: PathBuf,
    pub(crate) other_keyring: PathBuf,
}

/// The keys, shared by the tests that run at the same time; `None`, said aloud, where gpg is not installed.
pub(crate) fn keys() -> Option<Arc<Keys>> {
    static KEYS: Mutex<Weak<Keys>> = Mutex::new(Weak::new());
    let mut shared = KEYS.lock().unwrap();
    if let Some(keys) = shared.upgrade() {
        return Some(keys);
    }
    if Command::new("gpg").arg("--version").output().is_err() {
        eprintln!("SKIPPED: gpg is not installed, so no archive can be signed");
        return None;
    }
    let folder = tempfile::Builder::new().prefix("gpg").tempdir().unwrap();
    let home = folder.path();
    let export = |user: &str| {
        gpg(home, &["--quick-generate-key", user, "ed25519", "cert,sign", "never"], b"");
        let keyring = home.join(format!("{user}.gpg"));
        std::fs::write(&keyring, gpg(home, &["--export", user], b"")).unwrap();
        keyring
    };
    let (keyring, other_keyring) = (export("archive"), export("stranger"));
    let keys = Arc::new(Keys { folder, keyring, other_keyring });
    *shared = Arc::downgrade(&keys);
    Some(keys)
}

impl Drop for Keys {
    fn drop(&mut self) {
        let home = self.folder.path();
        let _ = Command::new("gpgconf").arg("--homedir").arg(home).args(["--kill", "all"]).status();
    }
}

// The keys are older than every date in the tests.
fn gpg(home: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("gpg")
        .arg("--homedir")
        .arg(home)
        .args(["--batch", "--yes", "--passphrase", "", "--pinentry-mode", "loopback"])
        .args(["--faked-system-time", "20260101T000000!"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

pub(crate) fn sign(text: &str) -> Vec<u8> {
    let keys = keys().unwrap();
    let arguments = ["--local-user", "archive", "--digest-algo", "SHA256", "--clearsign"];
    gpg(keys.folder.path(), &arguments, text.as_bytes())
}

/// A package to be.
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    /// Further lines of its control file.
    pub(crate) fields: &'static str,
    pub(crate) entries: Vec<(&'static str, Entry)>,
}

pub(crate) enum Entry {
    Directory(u32),
    File(u32, Vec<u8>),
    Symlink(&'static str),
    HardLink(&'static str),
    Device,
}

pub(crate) fn package(name: &'static str, entries: Vec<(&'static str, Entry)>) -> Package {
    Package { name, version: "1.0-1", fields: "", entries }
}

pub(crate) fn file(text: &str) -> Entry {
    Entry::File(0o644, text.as_bytes().to_vec())
}

impl Package {
    pub(crate) fn control(&self) -> String {
        format!(
            "Package: {}\nVersion: {}\nArchitecture: amd64\nMaintainer: Nobody <nobody@mirror.test>\n{}Description: a test\n",
            self.name, self.version, self.fields
        )
    }

    pub(crate) fn deb(&self) -> Vec<u8> {
        let data = tarball(&self.entries);
        self.deb_with(data)
    }

    pub(crate) fn deb_with(&self, data: Vec<u8>) -> Vec<u8> {
        let mut md5sums = String::new();
        for (path, _) in self.entries.iter().filter(|(_, entry)| matches!(entry, Entry::File(..))) {
            let _ = writeln!(md5sums, "d41d8cd98f00b204e9800998ecf8427e  {path}");
        }
        let mut conffiles = String::new();
        for (path, _) in self.entries.iter().filter(|(path, _)| path.starts_with("etc/")) {
            let _ = writeln!(conffiles, "/{path}");
        }
        let control = tarball(&[
            ("control", file(&self.control())),
            ("md5sums", file(&md5sums)),
            ("conffiles", file(&conffiles)),
        ]);
        let mut bytes = b"!<arch>\n".to_vec();
        for (name, content) in [
            ("debian-binary", b"2.0\n".to_vec()),
            ("control.tar.gz", gzip(&control)),
            ("data.tar.gz", gzip(&data)),
        ] {
            let size = content.len();
            bytes.extend(
                format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{size:<10}`\n", 0, 0, 0, 100_644)
                    .into_bytes(),
            );
            bytes.extend(content);
            if size % 2 == 1 {
                bytes.push(b'\n');
            }
        }
        bytes
    }
}

pub(crate) fn tarball(entries: &[(&str, Entry)]) -> Vec<u8> {
    let mut writer = tar::Writer::new(Vec::new());
    for (path, entry) in entries {
        let path = RelativePath::parse(path.as_bytes()).unwrap();
        let (kind, mode, content) = match entry {
            Entry::Directory(mode) => (EntryKind::Directory, *mode, &b""[..]),
            Entry::File(mode, content) => (EntryKind::File, *mode, content.as_slice()),
            Entry::Symlink(target) => {
                (EntryKind::Symlink(target.as_bytes().to_vec()), 0o777, &b""[..])
            }
            Entry::HardLink(target) => (
                EntryKind::HardLink(RelativePath::parse(target.as_bytes()).unwrap()),
                0o644,
                &b""[..],
            ),
            Entry::Device => (EntryKind::CharDevice { major: 1, minor: 3 }, 0o666, &b""[..]),
        };
        let header = Header {
            mode,
            size: content.len() as u64,
            mtime: Mtime { secs: 1_700_000_000, nanos: 0 },
            ..Header::new(path, kind)
        };
        writer.append(&header, &mut &*content).unwrap();
    }
    writer.finish().unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = GzipWriter::new(Vec::new(), 6);
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

/// An archive of one suite, `stable`.
pub(crate) struct Mirror {
    /// Path below the URL to content.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) requests: Mutex<Vec<String>>,
}

/// The head of a release file; `date` and `more` end with a newline.
pub(crate) struct Head {
    pub(crate) date: &'static str,
    pub(crate) more: &'static str,
}

pub(crate) const HEAD: Head = Head { date: "Sat, 11 Jul 2026 10:16:37 UTC", more: "" };

impl Mirror {
    pub(crate) fn new(packages: &[Package], head: &Head) -> Self {
        let debs: Vec<(&Package, Vec<u8>)> =
            packages.iter().map(|package| (package, package.deb())).collect();
        Self::with_debs(&debs, head)
    }

    pub(crate) fn with_debs(debs: &[(&Package, Vec<u8>)], head: &Head) -> Self {
        let mut files = BTreeMap::new();
        let mut index = String::new();
        for (package, deb) in debs {
            let path = format!("pool/{}_{}.deb", package.name, package.version);
            index.push_str(&package.control());
            let _ = writeln!(
                index,
                "Filename: {path}\nSize: {}\nSHA256: {}\n",
                deb.len(),
                Digest::sha256(deb).hex()
            );
            files.insert(path, deb.clone());
        }
        let mut mirror = Self { files, requests: Mutex::new(Vec::new()) };
        mirror.publish(&index, &gzip(index.as_bytes()), head);
        mirror
    }

    /// Signs a release file that names these indices.
    pub(crate) fn publish(&mut self, plain: &str, packed: &[u8], head: &Head) {
        let line = |bytes: &[u8], name: &str| {
            format!(" {} {} main/binary-amd64/{name}\n", Digest::sha256(bytes).hex(), bytes.len())
        };
        let release = format!(
            "Origin: Test\nSuite: stable\nCodename: test\nDate: {}\n{}Architectures: amd64\nComponents: main\nSHA256:\n{}{}",
            head.date,
            head.more,
            line(plain.as_bytes(), "Packages"),
            line(packed, "Packages.gz"),
        );
        self.files.insert("dists/stable/InRelease".to_owned(), sign(&release));
        self.files.insert("dists/stable/main/binary-amd64/Packages.gz".to_owned(), packed.to_vec());
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.requests.lock().unwrap())
    }
}

impl Fetch for Mirror {
    fn get(&self, url: &str, limit: u64) -> Result<Vec<u8>, FetchError> {
        let path = url.strip_prefix(URL).unwrap().trim_start_matches('/');
        self.requests.lock().unwrap().push(path.to_owned());
        let bytes = self.files.get(path).ok_or(FetchError::NotFound)?;
        if bytes.len() as u64 > limit {
            return Err(FetchError::TooLarge { limit });
        }
        Ok(bytes.clone())
    }
}
