//! Every way in which an archive may lie, and what cannot be done.

use std::path::Path;

use expect_test::{Expect, expect};
use sealift_debian::{Error, Freshness};

use crate::bench::{app, bench, library, scrub};
use crate::mirror::{Entry, HEAD, Head, Mirror, Package, file, gzip, keys, package, tarball};

#[test]
fn offline_without_a_state() {
    let Some(_keys) = keys() else { return };
    let mut bench = bench(Mirror::new(&[app(), library()], &HEAD));
    bench.freshness = Freshness::Offline;
    bench.check_refused(expect![[r#"
        suite `stable` of `http://mirror.test/debian` is not in the cache and offline mode was asked for
        hint: run once without offline mode"#]]);
}

#[test]
fn release_files_that_are_refused() {
    let Some(_keys) = keys() else { return };
    let mut bench = bench(Mirror::new(&[app(), library()], &HEAD));
    let release = bench.mirror.files["dists/stable/InRelease"].clone();
    let altered =
        String::from_utf8(release.clone()).unwrap().replace("Origin: Test", "Origin: Evil");
    bench.mirror.files.insert("dists/stable/InRelease".to_owned(), altered.into_bytes());
    bench.check_refused(expect![[r#"
        signature of `http://mirror.test/debian/dists/stable/InRelease` is refused by keyring `KEYRING`: no signature is good: `HEX`: the signature does not match what it signs
        hint: the mirror or something on the way altered the file, or it is signed by a key that the keyring does not hold; update `debian-archive-keyring` or name the right `keyring` in the recipe"#]]);

    bench.mirror.files.insert("dists/stable/InRelease".to_owned(), release.clone());
    let stranger = bench.assemble_with(&keys().unwrap().other_keyring).unwrap_err();
    assert!(matches!(stranger, Error::Signature { .. }), "{stranger}");
    let missing = bench.assemble_with(Path::new("/nonexistent.gpg")).unwrap_err();
    assert!(matches!(missing, Error::ReadFile { .. }), "{missing}");

    bench.mirror.files.insert("dists/stable/InRelease".to_owned(), b"Suite: stable\n".to_vec());
    assert!(matches!(bench.assemble().unwrap_err(), Error::Signature { .. }));
    // Nothing of all that was kept.
    assert_eq!(std::fs::read_dir(bench.root.join("cache/debian/suites")).unwrap().count(), 0);

    bench.mirror.files.insert("dists/stable/InRelease".to_owned(), release);
    bench.now = "2026-07-11T00:00:00Z".parse().unwrap();
    bench.check_refused(expect![[r#"
        `http://mirror.test/debian/dists/stable/InRelease` is dated 2026-07-11T10:16:37Z, which is in the future
        hint: check the clock of this machine"#]]);
}

#[test]
fn another_suites_release_file() {
    let Some(_keys) = keys() else { return };
    let mut mirror = Mirror::new(&[app(), library()], &HEAD);
    let release = crate::mirror::sign(
        "Suite: oldstable\nCodename: old\nDate: Sat, 11 Jul 2026 10:16:37 UTC\nSHA256:\n",
    );
    mirror.files.insert("dists/stable/InRelease".to_owned(), release);
    bench(mirror).check_refused(expect!["`http://mirror.test/debian/dists/stable/InRelease` is the release file of `oldstable (old)`, not of suite `stable`"]);
}

#[test]
fn expired_state() {
    let Some(_keys) = keys() else { return };
    let head = Head { more: "Valid-Until: Sat, 18 Jul 2026 10:16:37 UTC\n", ..HEAD };
    let mut bench = bench(Mirror::new(&[app(), library()], &head));
    let fresh = bench.assemble().unwrap();
    bench.now = "2026-07-19T00:00:00Z".parse().unwrap();
    bench.check_refused(expect![[r#"
        `http://mirror.test/debian/dists/stable/InRelease` was valid until 2026-07-18T10:16:37Z and is not any more
        hint: the mirror is stale or the clock is wrong; use another mirror"#]]);
    // `Cached` asks again, too; only offline an expired state will do, and it says so.
    bench.freshness = Freshness::Cached;
    assert!(matches!(bench.assemble().unwrap_err(), Error::Expired { .. }));
    bench.freshness = Freshness::Offline;
    let stale = bench.assemble().unwrap();
    assert_eq!(stale.descriptor, fresh.descriptor);
    expect![[r#"
        there is no `/etc/os-release`; add the package `base-files`
        there is no `/etc/debian_version`; add the package `base-files`
        the cached state of suite `stable` was valid until 2026-07-18T10:16:37Z; refresh it"#]]
    .assert_eq(&stale.warnings.join("\n"));
}

#[test]
fn replayed_state() {
    let Some(_keys) = keys() else { return };
    let newer = Head { date: "Sun, 12 Jul 2026 10:16:37 UTC", ..HEAD };
    let mut bench = bench(Mirror::new(&[app(), library()], &newer));
    bench.now = "2026-07-13T00:00:00Z".parse().unwrap();
    bench.assemble().unwrap();
    bench.mirror = Mirror::new(&[app(), library()], &HEAD);
    bench.check_refused(expect![[r#"
        `http://mirror.test/debian/dists/stable/InRelease` is dated 2026-07-11T10:16:37Z, but a state of 2026-07-12T10:16:37Z was served before
        hint: the mirror lags behind or an attacker serves an old state; use another mirror"#]]);
}

#[test]
fn indices_that_are_refused() {
    let Some(_keys) = keys() else { return };
    let index_path = "dists/stable/main/binary-amd64/Packages.gz";
    let mut bench = bench(Mirror::new(&[app(), library()], &HEAD));
    let mut index = bench.mirror.files[index_path].clone();
    let last = index.len() - 1;
    index[last] ^= 1;
    bench.mirror.files.insert(index_path.to_owned(), index);
    bench.check_refused(expect![[r#"
        digest of `http://mirror.test/debian/dists/stable/main/binary-amd64/Packages.gz` is `sha256:HEX`, but the signed index names `sha256:HEX`
        hint: the mirror may be in the middle of an update; try again, then use another mirror"#]]);

    // A small file that becomes a big one.
    bench.mirror.publish("Package: a\n", &gzip(&vec![b'\n'; 50 << 20]), &HEAD);
    bench.check_refused(expect!["`http://mirror.test/debian/dists/stable/main/binary-amd64/Packages.gz` has more than 11 bytes"]);

    let no_index = Head { more: "Acquire-By-Hash: yes\n", ..HEAD };
    bench.mirror.publish("", b"not gzip", &no_index);
    bench.check_refused(expect!["`http://mirror.test/debian/dists/stable/main/binary-amd64/Packages.gz` has more than 0 bytes"]);
    // By digest first, then by name.
    expect![[r#"
        dists/stable/InRelease
        dists/stable/main/binary-amd64/by-hash/SHA256/HEX
        dists/stable/main/binary-amd64/Packages.gz"#]]
    .assert_eq(&scrub(&bench.mirror.requests().split_off(4).join("\n")));

    bench.mirror.publish("Package app\n", &gzip(b"Package app\n"), &HEAD);
    bench.check_refused(expect!["`http://mirror.test/debian/dists/stable/main/binary-amd64/Packages.gz` is malformed at line 1: there is no `:` after the field's name"]);
}

fn simple(entries: Vec<(&'static str, Entry)>) -> Package {
    Package { fields: "", ..package("app", entries) }
}

fn check(package: Package, deb: Vec<u8>, expected: Expect) {
    bench(Mirror::with_debs(&[(&package, deb)], &HEAD)).check_refused(expected);
}

#[test]
fn packages_that_are_refused() {
    let Some(_keys) = keys() else { return };
    let good = simple(vec![("usr/a", file("x"))]);
    let deb = good.deb();
    check(
        simple(vec![]),
        deb[..deb.len() - 40].to_vec(),
        expect!["package `app` cannot be unpacked: ar ends early at byte 496 in `data.tar.gz`"],
    );
    check(
        simple(vec![]),
        b"!<arch>\n".to_vec(),
        expect!["package `app` is refused: it is not in the deb format 2"],
    );
    check(
        simple(vec![]),
        b"MZ".to_vec(),
        expect![
            "package `app` cannot be unpacked: ar archive at byte 0: it does not start with `!<arch>`"
        ],
    );

    let other = Package { version: "2.0-1", ..package("app", vec![]) };
    check(
        simple(vec![]),
        other.deb(),
        expect!["package `app` is refused: its `Version` is `2.0-1`, but the index says `1.0-1`"],
    );
}

#[test]
fn entries_that_are_refused() {
    let Some(_keys) = keys() else { return };
    let good = simple(vec![("usr/a", file("x"))]);
    let mut climbing = tarball(&[("xx/etc/passwd", file("root::0:0::/:/bin/sh"))]);
    rename(&mut climbing, "../etc/passwd");
    check(
        simple(vec![]),
        good.deb_with(climbing),
        expect![
            "package `app` cannot be unpacked: tar header at byte 0 in `../etc/passwd`: `../etc/passwd` is not a path beneath the root: it has a `..`"
        ],
    );

    let device = tarball(&[("dev/null", Entry::Device)]);
    check(
        simple(vec![]),
        good.deb_with(device),
        expect!["package `app` is refused: `/dev/null` is a device or a pipe"],
    );

    let link = tarball(&[("usr/a", Entry::HardLink("etc/shadow"))]);
    check(
        simple(vec![]),
        good.deb_with(link),
        expect![
            "package `app` is refused: `/usr/a` is a hard link to `/etc/shadow`, which it does not have"
        ],
    );

    // Three gibibytes in a few hundred bytes.
    let mut sparse = tarball(&[("usr/a", file("x"))]);
    sparse[156] = b'S';
    sparse[257..265].copy_from_slice(b"ustar  \0");
    sparse[345..500].fill(0);
    sparse[386..397].copy_from_slice(b"00000000000");
    sparse[398..409].copy_from_slice(b"00000000001");
    sparse[483..494].copy_from_slice(b"30000000000");
    rename(&mut sparse, "usr/a");
    check(
        simple(vec![]),
        good.deb_with(sparse),
        expect!["package `app` is refused: `/usr/a` is a sparse file"],
    );

    let circle =
        tarball(&[("a", Entry::Symlink("b")), ("b", Entry::Symlink("a")), ("a/x", file("x"))]);
    check(
        simple(vec![]),
        good.deb_with(circle),
        expect![
            "package `app` is refused: `/a/x` cannot be placed: symbolic links lead in a circle"
        ],
    );
}

// Gives the first entry of an archive another name and mends the header's checksum.
fn rename(tarball: &mut [u8], name: &str) {
    tarball[..100].fill(0);
    tarball[..name.len()].copy_from_slice(name.as_bytes());
    tarball[148..156].fill(b' ');
    let sum: u32 = tarball[..512].iter().map(|byte| u32::from(*byte)).sum();
    tarball[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

#[test]
fn a_package_that_was_altered_on_the_way() {
    let Some(_keys) = keys() else { return };
    let mut bench = bench(Mirror::new(&[app(), library()], &HEAD));
    let deb = bench.mirror.files.get_mut("pool/app_1.0-1.deb").unwrap();
    deb[200] ^= 1;
    bench.check_refused(expect![[r#"
        digest of `http://mirror.test/debian/pool/app_1.0-1.deb` is `sha256:HEX`, but the signed index names `sha256:HEX`
        hint: the mirror may be in the middle of an update; try again, then use another mirror"#]]);
    bench.mirror.files.remove("pool/app_1.0-1.deb");
    bench.check_refused(expect![
        "cannot fetch `http://mirror.test/debian/pool/app_1.0-1.deb`: the server has no such file"
    ]);
    bench.mirror.files.insert("pool/app_1.0-1.deb".to_owned(), vec![0; 1 << 20]);
    bench.check_refused(expect!["cannot fetch `http://mirror.test/debian/pool/app_1.0-1.deb`: the answer has more than 754 bytes"]);
}

#[test]
fn stopped() {
    let Some(_keys) = keys() else { return };
    let mut bench = bench(Mirror::new(&[app(), library()], &HEAD));
    bench.cancel = true;
    bench.check_refused(expect!["interrupted"]);
    assert!(bench.mirror.requests().is_empty());
}

#[test]
fn unsatisfiable_dependency() {
    let Some(_keys) = keys() else { return };
    bench(Mirror::new(&[app()], &HEAD)).check_refused(expect![[r#"
        cannot satisfy `libapp (>= 1.0)`: no suite has `libapp`; needed by `app`, which the recipe asks for
        hint: add a `[[source]]` or a suite that has it, or list it in `exclude` if the image can do without"#]]);
}
