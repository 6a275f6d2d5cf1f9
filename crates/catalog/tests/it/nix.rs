//! Images with Nix's store.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::fs;
use std::process::Command;

use expect_test::expect;

use crate::{File, inventory, show};

const GLIBC: &str = "nix/store/00000000000000000000000000000001-glibc-2.38-27";
const GLIBC_BIN: &str = "nix/store/00000000000000000000000000000002-glibc-2.38-27-bin";
const CURL: &str = "nix/store/00000000000000000000000000000003-curl-8.4.0-weird";
const WRAPPER: &str = "nix/store/00000000000000000000000000000004-hook";
const STRANGER: &str = "nix/store/00000000000000000000000000000006-stranger-3.0";

// The tables as Nix makes them (`libstore/schema.sql`).
const MAKE: &str = "
import sqlite3, sys
path, journal, page = sys.argv[1:4]
db = sqlite3.connect(path, isolation_level=None)
db.execute('pragma page_size = ' + page)
db.execute('pragma journal_mode = ' + journal)
db.execute('pragma wal_autocheckpoint = 0')
db.execute('create table ValidPaths (id integer primary key autoincrement not null, path text unique not null, hash text not null, registrationTime integer not null, deriver text, narSize integer, ultimate integer, sigs text, ca text)')
db.execute('create table Refs (referrer integer not null, reference integer not null, primary key (referrer, reference))')
def deriver(name):
    return '/nix/store/' + 'z' * 32 + '-' + name + '.drv'
rows = [
    ('glibc-2.38-27', deriver('glibc-2.38-27')),
    ('glibc-2.38-27-bin', deriver('glibc-2.38-27')),
    ('curl-8.4.0-weird', deriver('curl-8.4.0')),
    ('hook', None),
    ('removed-1.0', None),
]
for place, (name, drv) in enumerate(rows):
    db.execute('insert into ValidPaths (path, hash, registrationTime, deriver, narSize) values (?, ?, 1, ?, 300)',
        ('/nix/store/' + str(place + 1).rjust(32, '0') + '-' + name, 'sha256:' + str(place + 1) * 64, drv))
for n in range(400):
    db.execute('insert into ValidPaths (path, hash, registrationTime) values (?, ?, 1)',
        ('/nix/store/' + str(1000 + n).rjust(32, '0') + '-many-1.' + str(n), 'sha256:' + '0' * 64))
for pair in [(1, 1), (2, 1), (3, 4), (4, 1), (4, 5), (5, 1)]:
    db.execute('insert into Refs values (?, ?)', pair)
for suffix in ['', '-wal']:
    try:
        open(path + suffix + '.copy', 'wb').write(open(path + suffix, 'rb').read())
    except FileNotFoundError:
        open(path + suffix + '.copy', 'wb').close()
";

fn database(test: &str, journal: &str, page_bytes: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let name = format!("sealift-nix-{}-{test}-{journal}-{page_bytes}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("db.sqlite");
    let status =
        Command::new("python3").args(["-c", MAKE]).arg(&path).args([journal, page_bytes]).status();
    let Ok(status) = status else {
        eprintln!("SKIPPED: `python3` is not here, no database of Nix was read");
        return None;
    };
    assert!(status.success());
    let main = fs::read(folder.join("db.sqlite.copy")).unwrap();
    let log = fs::read(folder.join("db.sqlite-wal.copy")).unwrap();
    fs::remove_dir_all(&folder).unwrap();
    Some((main, log))
}

fn image(main: &[u8], log: &[u8]) -> String {
    let path = |folder: &str, file: &str| format!("{folder}/{file}");
    let many: Vec<String> =
        (0..400).map(|n| format!("nix/store/{:032}-many-1.{n}/x", 1000 + n)).collect();
    let (glibc, bin, curl) =
        (path(GLIBC, "lib/libc.so.6"), path(GLIBC_BIN, "bin/ldd"), path(CURL, "bin/curl"));
    let (hook, stranger) = (path(WRAPPER, "hook.sh"), path(STRANGER, "x"));
    let mut files: Vec<File<'_>> = vec![
        (&glibc, b"x"),
        (&bin, b"x"),
        (&curl, b"x"),
        (&hook, b"x"),
        (&stranger, b"x"),
        ("nix/var/nix/db/db.sqlite", main),
        ("nix/var/nix/db/db.sqlite-wal", log),
    ];
    files.extend(many.iter().map(|path| (path.as_str(), &b""[..])));
    let mut found = inventory(&[&files]);
    let all = found.packages.len();
    assert_eq!(found.packages.iter().filter(|package| package.name == "many").count(), 400);
    assert_eq!(all, 403);
    let last = found.packages.iter().position(|package| package.name == "many").unwrap();
    // Those behind have no relations, and their places move.
    let is_before =
        |relation: &sealift_model::Relation| relation.from.0 < last && relation.to.0 < last;
    assert!(found.relations.iter().all(is_before));
    found.packages.retain(|package| package.name != "many");
    show(&found)
}

#[test]
fn the_database() {
    for (journal, page_bytes) in [("delete", "512"), ("delete", "4096"), ("wal", "1024")] {
        let Some((main, log)) = database("whole", journal, page_bytes) else { return };
        assert_eq!(log.is_empty(), journal == "delete");
        expect![[r#"
            pkg:nix/curl@8.4.0
              nobody; licences []; layer Some(0); Installed
              Database /nix/var/nix/db/db.sqlite Some(0)
              files /nix/store/00000000000000000000000000000003-curl-8.4.0-weird/bin/curl
            pkg:nix/glibc@2.38-27
              nobody; licences []; layer Some(0); Installed
              Database /nix/var/nix/db/db.sqlite Some(0)
              files /nix/store/00000000000000000000000000000001-glibc-2.38-27/lib/libc.so.6 /nix/store/00000000000000000000000000000002-glibc-2.38-27-bin/bin/ldd
            pkg:nix/stranger@3.0
              nobody; licences []; layer Some(0); Installed
              FileName /nix/store/00000000000000000000000000000006-stranger-3.0 Some(0)
              files /nix/store/00000000000000000000000000000006-stranger-3.0/x
            curl needs glibc
            note /nix/var/nix/db/db.sqlite: 1 packages are not in the store
        "#]].assert_eq(&image(&main, &log));
    }
}

#[test]
fn a_database_cut_off_anywhere() {
    let Some((main, _)) = database("cut", "delete", "512") else { return };
    for end in (0..main.len()).step_by(1009) {
        let found = inventory(&[&[("nix/var/nix/db/db.sqlite", &main[..end])]]);
        assert!(found.packages.is_empty() && !found.notes.is_empty(), "cut off at {end}");
    }
}

#[test]
fn folders_without_a_database() {
    let drv = r#"Derive([("lib","/nix/store/00000000000000000000000000000007-odd-name-lib","","")],[],[],"x86_64-linux","sh",[],[("name","odd-name-5"),("version","5")])"#;
    let (glibc, bin) = (format!("{GLIBC}/lib/libc.so.6"), format!("{GLIBC_BIN}/bin/ldd"));
    let hook = format!("{WRAPPER}/hook.sh");
    let found = inventory(&[
        &[
            (&glibc, b"x"),
            ("nix/store/00000000000000000000000000000008-python3-3.11-env/bin/x", b"x"),
            ("nix/store/00000000000000000000000000000009-source-1.tar.gz", b"x"),
            ("nix/store/.links/a-1", b"x"),
            (&hook, b"x"),
        ],
        &[
            (&bin, b"x"),
            ("nix/store/00000000000000000000000000000007-odd-name-lib/x", b"x"),
            ("nix/store/0000000000000000000000000000000a-odd-name-5.drv", drv.as_bytes()),
            ("nix/store/0000000000000000000000000000000b-bad-1.drv", b"Derive("),
        ],
    ]);
    expect![[r#"
        pkg:nix/glibc@2.38-27
          nobody; licences []; layer Some(0); Installed
          FileName /nix/store/00000000000000000000000000000001-glibc-2.38-27 Some(0)
          FileName /nix/store/00000000000000000000000000000002-glibc-2.38-27-bin Some(1)
          files /nix/store/00000000000000000000000000000001-glibc-2.38-27/lib/libc.so.6 /nix/store/00000000000000000000000000000002-glibc-2.38-27-bin/bin/ldd
        pkg:nix/odd-name@5
          nobody; licences []; layer Some(1); Installed
          Manifest /nix/store/0000000000000000000000000000000a-odd-name-5.drv Some(1)
          FileName /nix/store/00000000000000000000000000000007-odd-name-lib Some(1)
          files /nix/store/00000000000000000000000000000007-odd-name-lib/x
        note /nix/store/0000000000000000000000000000000b-bad-1.drv: it is cut off
    "#]]
    .assert_eq(&show(&found));
}
