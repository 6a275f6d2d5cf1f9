//! Which layer brought a package, while layers add it, upgrade it, write its record again, remove it and add it again.

use crate::programs::elf;
use crate::rpm::build::{header, ndb, numbers, text, texts};
use crate::{File, inventory};

/// A file that owns its content.
type Owned = (String, Vec<u8>);

fn file(path: &str, content: impl AsRef<[u8]>) -> Owned {
    (path.to_owned(), content.as_ref().to_vec())
}

/// Version and introducing layer of the package `app` with so many of the layers.
fn app(layers: &[Vec<Owned>]) -> Option<(String, usize)> {
    let borrowed: Vec<Vec<File<'_>>> = layers
        .iter()
        .map(|files| files.iter().map(|(path, content)| (path.as_str(), &content[..])).collect())
        .collect();
    let slices: Vec<&[File<'_>]> = borrowed.iter().map(Vec::as_slice).collect();
    let found = inventory(&slices);
    let mut named = found.packages.iter().filter(|package| package.purl.name == "app");
    let package = named.next()?;
    assert!(named.next().is_none(), "there are two of it");
    let layer = package.introduced_by.as_ref().expect("a package comes from a layer");
    assert_eq!(layer.diff_id, found.layers[layer.index].diff_id);
    // Without rpm's release.
    let version = package.version.as_deref().unwrap_or_default();
    Some((version.trim_end_matches("-1").to_owned(), layer.index))
}

/// Layer by layer: a base, version 1, version 2, the record written again, removed, version 2 again.
#[track_caller]
fn check(name: &str, layers: &[Vec<Owned>; 6]) {
    let expected = [None, Some(("1", 1)), Some(("2", 2)), Some(("2", 2)), None, Some(("2", 5))];
    for (count, expected) in (1..).zip(expected) {
        let found = app(&layers[..count]);
        let found = found.as_ref().map(|(version, layer)| (version.as_str(), *layer));
        assert_eq!(found, expected, "{name} with {count} layers");
    }
}

/// A database of all packages in one file, which every installation writes anew: by the versions of `app` and `other`.
fn in_one_file(
    name: &str,
    path: &str,
    write: impl Fn(&[(&str, &str)]) -> Vec<u8>,
    files: impl Fn(&str, &str) -> Vec<Owned>,
) {
    let layer = |packages: &[(&str, &str)], changed: &str| {
        let mut layer = vec![file(path, write(packages))];
        let own = packages.iter().filter(|(name, _)| *name == changed);
        layer.extend(own.flat_map(|(name, version)| files(name, version)));
        layer
    };
    let mut removed = layer(&[("base", "1"), ("other", "1")], "");
    for (path, _) in files("app", "2") {
        let (folder, name) = path.rsplit_once('/').unwrap();
        removed.push(file(&format!("{folder}/.wh.{name}"), ""));
    }
    let layers = [
        layer(&[("base", "1")], "base"),
        layer(&[("base", "1"), ("app", "1")], "app"),
        layer(&[("base", "1"), ("app", "2")], "app"),
        layer(&[("base", "1"), ("app", "2"), ("other", "1")], "other"),
        removed,
        layer(&[("base", "1"), ("other", "1"), ("app", "2")], "app"),
    ];
    check(name, &layers);
}

#[test]
fn databases_in_one_file() {
    let binary = |name: &str, version: &str| file(&format!("usr/bin/{name}"), version);
    let dpkg = |packages: &[(&str, &str)]| -> Vec<u8> {
        let paragraph = |(name, version): &(&str, &str)| {
            format!(
                "Package: {name}\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\n\n"
            )
        };
        packages.iter().map(paragraph).collect::<String>().into_bytes()
    };
    in_one_file("dpkg", "var/lib/dpkg/status", dpkg, |name, version| {
        let list = format!("/.\n/usr\n/usr/bin\n/usr/bin/{name}\n");
        vec![binary(name, version), file(&format!("var/lib/dpkg/info/{name}.list"), list)]
    });
    let apk = |packages: &[(&str, &str)]| -> Vec<u8> {
        let entry = |(name, version): &(&str, &str)| {
            format!("P:{name}\nV:{version}\nF:usr/bin\nR:{name}\n\n")
        };
        packages.iter().map(entry).collect::<String>().into_bytes()
    };
    in_one_file("apk", "lib/apk/db/installed", apk, |name, version| vec![binary(name, version)]);
    let rpm = |packages: &[(&str, &str)]| -> Vec<u8> {
        let blob = |(name, version): &(&str, &str)| {
            header(&[
                text(1000, name),
                text(1001, version),
                text(1002, "1"),
                text(1022, "x86_64"),
                numbers(1116, &[0]),
                texts(1117, &[name]),
                texts(1118, &["/usr/bin/"]),
            ])
        };
        ndb(&packages.iter().map(blob).collect::<Vec<_>>())
    };
    in_one_file("rpm", "var/lib/rpm/Packages.db", rpm, |name, version| vec![binary(name, version)]);
    let opkg = |packages: &[(&str, &str)]| -> Vec<u8> {
        let paragraph = |(name, version): &(&str, &str)| {
            format!(
                "Package: {name}\nVersion: {version}\nStatus: install user installed\nArchitecture: all\n\n"
            )
        };
        packages.iter().map(paragraph).collect::<String>().into_bytes()
    };
    in_one_file("opkg", "usr/lib/opkg/status", opkg, |name, version| {
        let list = format!("/usr/bin/{name}\n");
        vec![binary(name, version), file(&format!("usr/lib/opkg/info/{name}.list"), list)]
    });
}

/// A record of its own for each package: at a path that may have the version, with content that has it.
fn in_files_of_their_own(name: &str, record: impl Fn(&str) -> Owned) {
    let whiteout = |(path, _): Owned| {
        let (folder, name) = path.rsplit_once('/').unwrap();
        file(&format!("{folder}/.wh.{name}"), "")
    };
    let mut upgrade = vec![record("2")];
    if record("1").0 != record("2").0 {
        upgrade.push(whiteout(record("1")));
    }
    let layers = [
        vec![file("etc/hostname", "x")],
        vec![record("1")],
        upgrade,
        // As `RUN chown -R` does it: another entry with the same bytes.
        vec![record("2"), file("etc/hostname", "y")],
        vec![whiteout(record("2"))],
        vec![record("2")],
    ];
    check(name, &layers);
}

#[test]
fn a_record_for_each_package() {
    let in_site = |path: &str| format!("usr/lib/python3.12/site-packages/{path}");
    in_files_of_their_own("python", |version| {
        let path = in_site(&format!("app-{version}.dist-info/METADATA"));
        file(&path, format!("Metadata-Version: 2.1\nName: app\nVersion: {version}\n"))
    });
    in_files_of_their_own("egg", |version| {
        let path = in_site("app.egg-info/PKG-INFO");
        file(&path, format!("Metadata-Version: 1.0\nName: app\nVersion: {version}\n"))
    });
    in_files_of_their_own("npm", |version| {
        let content = format!(r#"{{"name":"app","version":"{version}"}}"#);
        file("srv/node_modules/app/package.json", content)
    });
    in_files_of_their_own("gem", |version| {
        let path = format!("usr/lib/ruby/gems/3.1.0/specifications/app-{version}.gemspec");
        file(
            &path,
            format!(
                "# stub: app {version} ruby lib\n\nGem::Specification.new do |s|\n  s.name = \"app\".freeze\n  s.version = \"{version}\"\nend\n"
            ),
        )
    });
    in_files_of_their_own("pacman", |version| {
        let path = format!("var/lib/pacman/local/app-{version}/desc");
        file(&path, format!("%NAME%\napp\n\n%VERSION%\n{version}\n\n"))
    });
    in_files_of_their_own("portage", |version| {
        let path = format!("var/db/pkg/cat/app-{version}/CONTENTS");
        file(&path, format!("obj /usr/bin/app 0123456789abcdef0123456789abcdef {version}\n"))
    });
    in_files_of_their_own("dpkg-status-directory", |version| {
        let content = format!("Package: app\nVersion: {version}\nArchitecture: amd64\n\n");
        file("var/lib/dpkg/status.d/app", content)
    });
}

#[test]
fn programs() {
    in_files_of_their_own("go", |version| {
        let modules = format!(
            "path\texample.org/main\nmod\texample.org/main\t(devel)\t\ndep\texample.org/app\t{version}\th1:x=\n"
        );
        let modules = [&[1; 16][..], modules.as_bytes(), &[2; 16]].concat();
        let mut content = b"\xff Go buildinf:\x08\x02".to_vec();
        content.resize(32, 0);
        content.push(8);
        content.extend(b"go1.21.3");
        content.push(u8::try_from(modules.len() & 0x7f).unwrap() | 0x80);
        content.push(u8::try_from(modules.len() >> 7).unwrap());
        content.extend(modules);
        file("usr/bin/main", elf(&[(".go.buildinfo", &content)]))
    });
}

#[test]
fn bytes_that_changed_between_are_new() {
    let package = |version: &str| {
        file(
            "srv/node_modules/app/package.json",
            format!(r#"{{"name":"app","version":"{version}"}}"#),
        )
    };
    let layers = [vec![package("1")], vec![package("2")], vec![package("1")]];
    assert_eq!(app(&layers), Some(("1".to_owned(), 2)));
    let layers = [vec![package("1")], vec![package("1")], vec![package("1")]];
    assert_eq!(app(&layers), Some(("1".to_owned(), 0)));
}
