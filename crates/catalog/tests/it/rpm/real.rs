//! Databases that rpm, SQLite and Berkeley DB wrote; what they say is the truth.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::inventory;

const SPEC: &str = "Name: sea-@
Version: 1.@
Release: 2
Epoch: @
Summary: Number @
License: GPLv2+ and MIT
Vendor: Sea
Requires: /usr/share/sea-2/b
BuildArch: noarch
Source: none
%description
%{lua: print(string.rep(\"long \", 3000))}
%install
mkdir -p %{buildroot}/usr/share/sea-@
touch \"%{buildroot}/usr/share/sea-@/with blanks\" %{buildroot}/usr/share/sea-@/b
%files
/usr/share/sea-@
";
const N_PACKAGES: usize = 12;
const QUERY: &str = "%{NAME} %|EPOCH?{%{EPOCH}:}|%{VERSION}-%{RELEASE} %{ARCH} [%{FILENAMES},]\\n";

pub(super) struct Folder(pub(super) PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(super) fn rpm(root: &Path, backend: &str) -> Command {
    let mut command = Command::new("rpm");
    command.arg("--root").arg(root).arg(format!("--define=_db_backend {backend}"));
    command.arg("--define=_dbpath /var/lib/rpm");
    command
}

// Builds packages; none if rpm is not here.
fn packages(folder: &Path) -> Option<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for number in 1..=N_PACKAGES {
        let spec = folder.join(format!("{number}.spec"));
        let text = SPEC.replace('@', &number.to_string()).replace("Source: none\n", "");
        fs::write(&spec, text).unwrap();
        let output = Command::new("rpmbuild")
            .arg("-bb")
            .arg(format!("--define=_topdir {}", folder.display()))
            .arg(&spec)
            .output()
            .ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        paths.push(folder.join(format!("RPMS/noarch/sea-{number}-1.{number}-2.noarch.rpm")));
    }
    Some(paths)
}

fn truth(root: &Path, backend: &str) -> Vec<String> {
    let output = rpm(root, backend).args(["-qa", "--qf", QUERY]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn ours(name: &str, database: &[u8], log: &[u8]) -> Vec<String> {
    let path = format!("var/lib/rpm/{name}");
    let log_path = format!("{path}-wal");
    let found = inventory(&[&[(&path, database), (&log_path, log)]]);
    assert_eq!(found.notes, []);
    assert_eq!(found.relations.len(), N_PACKAGES - 1);
    let mut lines = Vec::new();
    for package in &found.packages {
        let version = package.version.as_deref().unwrap();
        let architecture = package.architecture.as_deref().unwrap();
        // The query names the directories too, which are no files.
        let mut files = format!("/usr/share/{},", package.name);
        for file in &package.files {
            write!(files, "{file},").unwrap();
        }
        lines.push(format!("{} {version} {architecture} {files}", package.name));
        assert_eq!(package.licenses[0].spdx.as_deref(), Some("GPL-2.0-or-later AND MIT"));
    }
    lines.sort();
    lines
}

#[test]
fn rpm_says_the_same() {
    let folder = Folder(std::env::temp_dir().join(format!("sealift-rpm-{}", std::process::id())));
    let _ = fs::remove_dir_all(&folder.0);
    fs::create_dir_all(&folder.0).unwrap();
    let Some(packages) = packages(&folder.0) else {
        eprintln!("SKIPPED: `rpmbuild` is not here, no database of rpm's own was read");
        return;
    };
    for (backend, name) in [("sqlite", "rpmdb.sqlite"), ("ndb", "Packages.db")] {
        let root = folder.0.join(backend);
        fs::create_dir_all(&root).unwrap();
        let flags = ["-i", "--nodeps", "--justdb", "--nosignature"];
        let output = rpm(&root, backend).args(flags).args(&packages).output().unwrap();
        if String::from_utf8_lossy(&output.stderr).contains("invalid %_db_backend") {
            eprintln!("SKIPPED: this `rpm` writes no {backend}");
            continue;
        }
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let expected = truth(&root, backend);
        assert_eq!(expected.len(), N_PACKAGES);
        let database = fs::read(root.join("var/lib/rpm").join(name)).unwrap();
        let log = fs::read(root.join("var/lib/rpm").join(format!("{name}-wal")));
        assert_eq!(ours(name, &database, &log.unwrap_or_default()), expected, "{backend}");
        if backend == "sqlite" {
            in_a_log(&root.join("var/lib/rpm").join(name), &expected);
            in_berkeley_db(&root.join("var/lib/rpm").join(name), &folder.0, &expected);
        }
    }
}

const COPY_INTO_LOG: &str = "
import shutil, sqlite3, sys
old = sqlite3.connect(sys.argv[1])
new = sqlite3.connect(sys.argv[2])
new.execute('pragma page_size = 1024')
new.execute('pragma journal_mode = wal')
new.execute('pragma wal_autocheckpoint = 0')
new.execute('create table Packages (hnum integer primary key autoincrement, blob blob not null)')
for row in old.execute('select hnum, blob from Packages'):
    new.execute('insert into Packages values (?, ?)', row)
    new.commit()
new.execute('begin')
new.execute('delete from Packages')
shutil.copy(sys.argv[2], sys.argv[2] + '.copy')
shutil.copy(sys.argv[2] + '-wal', sys.argv[2] + '.log')
";

fn in_a_log(database: &Path, expected: &[String]) {
    let copy = database.with_extension("new");
    let status =
        Command::new("python3").args(["-c", COPY_INTO_LOG]).arg(database).arg(&copy).status();
    let Ok(status) = status else {
        eprintln!("SKIPPED: `python3` is not here, no write-ahead log was read");
        return;
    };
    assert!(status.success());
    let main = fs::read(copy.with_extension("new.copy")).unwrap();
    let log = fs::read(copy.with_extension("new.log")).unwrap();
    assert!(log.len() > main.len());
    assert_eq!(ours("rpmdb.sqlite", &main, &log), expected);
}

const DUMP: &str = "
import sqlite3, struct, sys
print('VERSION=3\\nformat=bytevalue\\ntype=hash\\ndb_pagesize=4096\\nHEADER=END')
print(' 00000000\\n 0c000000')
for number, blob in sqlite3.connect(sys.argv[1]).execute('select hnum, blob from Packages'):
    print(' ' + struct.pack('<I', number).hex() + '\\n ' + blob.hex())
print('DATA=END')
";

fn in_berkeley_db(database: &Path, folder: &Path, expected: &[String]) {
    let dump = Command::new("python3").args(["-c", DUMP]).arg(database).output();
    let path = folder.join("Packages");
    let load = Command::new("db_load").arg(&path).stdin(Stdio::piped()).spawn();
    let (Ok(dump), Ok(mut load)) = (dump, load) else {
        eprintln!("SKIPPED: `python3` or `db_load` is not here, no Berkeley DB was read");
        return;
    };
    load.stdin.take().unwrap().write_all(&dump.stdout).unwrap();
    assert!(load.wait().unwrap().success());
    assert_eq!(ours("Packages", &fs::read(path).unwrap(), &[]), expected);
}
