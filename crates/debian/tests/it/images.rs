//! From a small archive to an image.

use std::path::Path;

use expect_test::expect;
use sealift_debian::Freshness;

use crate::bench::{app, bench, library, scrub};
use crate::mirror::{Entry, HEAD, Mirror, Package, file, keys, package};

#[test]
fn an_image() {
    let Some(_keys) = keys() else { return };
    let mut bench = bench(Mirror::new(&[app(), library()], &HEAD));
    bench.recipe = "packages = ['app']\nuser = 'nonroot'\ncmd = ['app']\nenv = {LANG = 'C.UTF-8'}\nlabels = {a = 'b'}\nremove = ['/usr/local/games']".to_owned();
    let assembled = bench.assemble().unwrap();
    let interesting = ["app", "bin", "lib", "lib64", "run", "status.d", "nonroot", "games"];
    let listing = bench.listing(&assembled.descriptor, |path| {
        let is_named =
            |part: &[u8]| interesting.iter().any(|name| part.starts_with(name.as_bytes()));
        path.parts().any(is_named) && !path.as_bytes().starts_with(b"usr/local/")
    });
    expect![[r#"
        0777 0:0 1700000000 bin -> usr/bin
        0700 65532:65532 1700000000 home/nonroot Directory
        0777 0:0 1700000000 lib -> usr/lib
        0777 0:0 1700000000 lib64 -> usr/lib64
        0755 0:0 1700000000 run Directory
        0755 0:0 1700000000 run/app Directory
        1777 0:0 1700000000 run/lock Directory
        0755 0:0 1700000000 usr/bin Directory
        4755 0:0 1700000000 usr/bin/app 10 bytes
        4755 0:0 1700000000 usr/bin/app2 HardLink("usr/bin/app")
        0755 0:0 1700000000 usr/lib Directory
        0777 0:0 1700000000 usr/lib/libapp.so -> libapp.so.1
        0755 0:0 1700000000 usr/lib64 Directory
        0644 0:0 1700000000 usr/lib64/ld-app.so 6 bytes
        0755 0:0 1700000000 usr/share/doc/app Directory
        0644 0:0 1700000000 usr/share/doc/app/copyright 10 bytes
        0755 0:0 1700000000 var/lib Directory
        0755 0:0 1700000000 var/lib/dpkg Directory
        0755 0:0 1700000000 var/lib/dpkg/status.d Directory
        0644 0:0 1700000000 var/lib/dpkg/status.d/app 162 bytes
        0644 0:0 1700000000 var/lib/dpkg/status.d/app.md5sums 169 bytes
        0644 0:0 1700000000 var/lib/dpkg/status.d/libapp 140 bytes
        0644 0:0 1700000000 var/lib/dpkg/status.d/libapp.md5sums 111 bytes
        0777 0:0 1700000000 var/run -> /run
    "#]]
    .assert_eq(&listing);
    assert_eq!(assembled.packages.len(), 2);
    assert_eq!(assembled.suites[0].date, "2026-07-11T10:16:37Z");
    let config = bench.config(&assembled.descriptor);
    expect![[r#"{"created":"2026-07-11T10:16:37Z","architecture":"amd64","os":"linux","config":{"User":"nonroot","Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","LANG=C.UTF-8"],"Cmd":["app"],"Labels":{"a":"b"}},"rootfs":{"type":"layers","diff_ids":["sha256:HEX"]},"history":[{"created":"2026-07-11T10:16:37Z","created_by":"sealift base build # recipe sha256:HEX","comment":"http://mirror.test/debian stable 2026-07-11T10:16:37Z sha256:HEX"}]}"#]].assert_eq(&scrub(&String::from_utf8_lossy(config.bytes())));
}

#[test]
fn same_archive_same_bytes_and_no_network_the_second_time() {
    let Some(_keys) = keys() else { return };
    let mut first = bench(Mirror::new(&[app(), library()], &HEAD));
    let one = first.assemble().unwrap();
    expect![[r#"
        [
            "dists/stable/InRelease",
            "dists/stable/main/binary-amd64/Packages.gz",
            "pool/app_1.0-1.deb",
            "pool/libapp_1.0-1.deb",
        ]"#]]
    .assert_eq(&format!("{:#?}", first.mirror.requests()));
    let second = bench(Mirror::new(&[app(), library()], &HEAD));
    let two = second.assemble().unwrap();
    // The signatures differ, and with them the archive state's digest; the layer must not.
    assert_eq!(
        first.manifest(&one.descriptor).value().layers,
        second.manifest(&two.descriptor).value().layers
    );
    for freshness in [Freshness::Cached, Freshness::Offline] {
        first.freshness = freshness;
        let again = first.assemble().unwrap();
        assert!(again.is_cached);
        assert_eq!(again.descriptor, one.descriptor);
        assert!(first.mirror.requests().is_empty());
    }
    // Without the memory of it, from what was fetched.
    std::fs::remove_dir_all(first.root.join("cache/debian/images")).unwrap();
    let rebuilt = first.assemble().unwrap();
    assert!(!rebuilt.is_cached);
    assert_eq!(rebuilt.descriptor, one.descriptor);
    assert!(first.mirror.requests().is_empty());
    // And again if the layer is gone from the store.
    let layer = first.manifest(&one.descriptor).value().layers[0].digest.clone();
    std::fs::remove_file(first.store.blob_path(&layer)).unwrap();
    assert!(!first.assemble().unwrap().is_cached);
    assert!(first.store.has_blob(&layer));
}

#[test]
fn a_damaged_package_in_the_cache_is_fetched_again() {
    let Some(_keys) = keys() else { return };
    let bench = bench(Mirror::new(&[app(), library()], &HEAD));
    let one = bench.assemble().unwrap();
    bench.mirror.requests();
    for entry in std::fs::read_dir(bench.root.join("cache/debian/packages")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[100] ^= 1;
        std::fs::write(&path, bytes).unwrap();
    }
    std::fs::remove_dir_all(bench.root.join("cache/debian/images")).unwrap();
    assert_eq!(bench.assemble().unwrap().descriptor, one.descriptor);
    assert_eq!(bench.mirror.requests().len(), 3);
}

#[test]
fn two_packages_with_one_file() {
    let Some(_keys) = keys() else { return };
    let first = || Package {
        fields: "Depends: other\n",
        ..package("app", vec![("usr/x", file("from app"))])
    };
    let other =
        |fields| Package { fields, ..package("other", vec![("usr/x", file("from other!"))]) };
    bench(Mirror::new(&[first(), other("")], &HEAD)).check_refused(expect![[r#"
        `/usr/x` is in package `app` and in package `other`
        hint: list `other` in `exclude`"#]]);
    let size = |packages: &[Package]| {
        let bench = bench(Mirror::new(packages, &HEAD));
        let assembled = bench.assemble().unwrap();
        bench.listing(&assembled.descriptor, |path| path.as_bytes() == b"usr/x")
    };
    let taken_over = size(&[first(), other("Replaces: app (<< 2)\n")]);
    expect![[r#"
        0644 0:0 1700000000 usr/x 11 bytes
    "#]]
    .assert_eq(&taken_over);
    let first = Package { fields: "Depends: other\nReplaces: other\n", ..first() };
    let kept = size(&[first, other("")]);
    expect![[r#"
        0644 0:0 1700000000 usr/x 8 bytes
    "#]]
    .assert_eq(&kept);
}

#[test]
fn links_never_lead_out_of_the_image() {
    let Some(_keys) = keys() else { return };
    let trap = package(
        "app",
        vec![("usr/trap", Entry::Symlink("../../../../../../tmp")), ("usr/trap/caught", file("x"))],
    );
    let bench = bench(Mirror::new(&[trap], &HEAD));
    let assembled = bench.assemble().unwrap();
    let listing = bench.listing(&assembled.descriptor, |path| {
        path.as_str().is_some_and(|path| path.contains("trap") || path.contains("caught"))
    });
    expect![[r#"
        0644 0:0 1700000000 tmp/caught 1 bytes
        0777 0:0 1700000000 usr/trap -> ../../../../../../tmp
    "#]]
    .assert_eq(&listing);
    assert!(!Path::new("/tmp/caught").exists());
}

#[test]
fn what_the_recipe_lays_over() {
    let Some(_keys) = keys() else { return };
    let mut bench = bench(Mirror::new(&[app(), library()], &HEAD));
    std::fs::write(bench.root.join("motd"), "hello").unwrap();
    let recipe = |file: &str| {
        format!(
            "packages = ['app']\nstrip_setuid = true\nremove = ['/usr/bin/*2', '/no/such']\n
             links = {{'/usr/local/bin/app' = '/bin/app', '/opt/nowhere' = '/nowhere'}}\n
             [[files]]\npath = '/etc/motd'\n{file}\nmode = '0600'\nuid = 7\n
             [[directories]]\npath = '/srv/data'\nmode = '0770'\ngid = 9\n
             [[users]]\nname = 'app'\nuid = 1000\nhome = '/home/app'\n"
        )
    };
    bench.recipe = recipe("source = 'motd'");
    let assembled = bench.assemble().unwrap();
    let listing = bench.listing(&assembled.descriptor, |path| {
        path.as_str().is_some_and(|path| {
            ["app", "motd", "data", "nowhere"].iter().any(|end| path.ends_with(end))
        })
    });
    expect![[r#"
        0600 7:0 1700000000 etc/motd 5 bytes
        0700 1000:1000 1700000000 home/app Directory
        0777 0:0 1700000000 opt/nowhere -> /nowhere
        0755 0:0 1700000000 run/app Directory
        0770 0:9 1700000000 srv/data Directory
        0755 0:0 1700000000 usr/bin/app 10 bytes
        0777 0:0 1700000000 usr/local/bin/app -> /bin/app
        0755 0:0 1700000000 usr/share/doc/app Directory
        0644 0:0 1700000000 var/lib/dpkg/status.d/app 162 bytes
        0644 0:0 1700000000 var/lib/dpkg/status.d/libapp 140 bytes
    "#]]
    .assert_eq(&listing);
    expect![[r#"
        `/no/such` in `remove` names no file
        link `/opt/nowhere` points to `/nowhere`, which is not in the image
        there is no `/etc/os-release`; add the package `base-files`
        there is no `/etc/debian_version`; add the package `base-files`"#]]
    .assert_eq(&assembled.warnings.join("\n"));
    // Another content is another image, although the recipe is the same.
    std::fs::write(bench.root.join("motd"), "other").unwrap();
    assert_ne!(bench.assemble().unwrap().descriptor, assembled.descriptor);
    std::fs::remove_file(bench.root.join("motd")).unwrap();
    bench.check_refused(expect!["cannot read `ROOT/motd`: No such file or directory (os error 2)"]);

    bench.recipe = recipe("content = 'x'").replace("/etc/motd", "/usr");
    bench.check_refused(expect!["cannot lay `/usr` into the image: there is a directory"]);
}

#[test]
fn dpkgs_own_database() {
    let Some(_keys) = keys() else { return };
    let library = Package {
        entries: vec![("etc/app.conf", file("abc")), ("usr/lib/x", file("x"))],
        ..library()
    };
    let mut bench = bench(Mirror::new(&[app(), library], &HEAD));
    bench.recipe = "packages = ['app']\ndatabase = 'dpkg'".to_owned();
    let assembled = bench.assemble().unwrap();
    let listing =
        bench.listing(&assembled.descriptor, |path| path.as_bytes().starts_with(b"var/lib/dpkg/"));
    expect![[r#"
        0755 0:0 1700000000 var/lib/dpkg/alternatives Directory
        0644 0:0 1700000000 var/lib/dpkg/available 0 bytes
        0644 0:0 1700000000 var/lib/dpkg/diversions 0 bytes
        0755 0:0 1700000000 var/lib/dpkg/info Directory
        0644 0:0 1700000000 var/lib/dpkg/info/app.conffiles 0 bytes
        0644 0:0 1700000000 var/lib/dpkg/info/app.list 101 bytes
        0644 0:0 1700000000 var/lib/dpkg/info/app.md5sums 169 bytes
        0644 0:0 1700000000 var/lib/dpkg/info/format 2 bytes
        0644 0:0 1700000000 var/lib/dpkg/info/libapp.conffiles 14 bytes
        0644 0:0 1700000000 var/lib/dpkg/info/libapp.list 28 bytes
        0644 0:0 1700000000 var/lib/dpkg/info/libapp.md5sums 91 bytes
        0755 0:0 1700000000 var/lib/dpkg/parts Directory
        0644 0:0 1700000000 var/lib/dpkg/statoverride 0 bytes
        0644 0:0 1700000000 var/lib/dpkg/status 363 bytes
        0755 0:0 1700000000 var/lib/dpkg/triggers Directory
        0644 0:0 1700000000 var/lib/dpkg/triggers/Unincorp 0 bytes
        0755 0:0 1700000000 var/lib/dpkg/updates Directory
    "#]]
    .assert_eq(&listing);
    let status = bench.read(&assembled.descriptor, "var/lib/dpkg/status");
    expect![[r#"
        Package: app
        Status: install ok installed
        Version: 1.0-1
        Architecture: amd64
        Maintainer: Nobody <nobody@mirror.test>
        Depends: libapp (>= 1.0)
        Description: a test

        Package: libapp
        Status: install ok installed
        Version: 1.0-1
        Architecture: amd64
        Maintainer: Nobody <nobody@mirror.test>
        Description: a test
        Conffiles:
         /etc/app.conf 900150983cd24fb0d6963f7d28e17f72

    "#]]
    .assert_eq(&status);
}
