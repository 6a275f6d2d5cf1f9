//! Names of packages in the National Vulnerability Database: CPE 2.3 formatted strings (NISTIR 7695, section 6.2).
//!
//! Nothing in a package says which vendor the database files it under. What is well known is in a table; beside it, and
//! for all others, stand the vendors that the ecosystem's names make likely.

mod names;

use std::collections::HashMap;
use std::sync::LazyLock;

use sealift_model::{Package, PackageKind};

use crate::names::{GEMS, GO, MAVEN, NPM, PROGRAMS, PYTHON};

const CPES_MAX: usize = 5;
const VALUE_BYTES_MAX: usize = 200;

type Table = HashMap<&'static str, (&'static str, &'static str)>;

/// The names of a package, likeliest first.
pub fn cpes(package: &Package) -> Vec<String> {
    let Some(version) = version(package) else { return Vec::new() };
    let part = match pairs(package).first() {
        Some((_, product)) if product == "linux_kernel" => 'o',
        _ => 'a',
    };
    let mut cpes: Vec<String> = Vec::new();
    for (vendor, product) in pairs(package) {
        let (Some(vendor), Some(product)) = (quoted(&vendor), quoted(&product)) else { continue };
        let cpe = format!("cpe:2.3:{part}:{vendor}:{product}:{version}:*:*:*:*:*:*:*");
        if !cpes.contains(&cpe) {
            cpes.push(cpe);
        }
    }
    cpes.truncate(CPES_MAX);
    cpes
}

// Vendor and product, likeliest first.
fn pairs(package: &Package) -> Vec<(String, String)> {
    let name = package.name.to_lowercase();
    let mut pairs = Vec::new();
    let known = |table: &Table, name: &str, pairs: &mut Vec<(String, String)>| {
        pairs.extend(
            table.get(name).map(|(vendor, product)| ((*vendor).to_owned(), (*product).to_owned())),
        );
    };
    match package.kind {
        PackageKind::Python => {
            known(&TABLES.python, &name, &mut pairs);
            likely(&name, &[&format!("python-{name}"), "python"], &mut pairs);
        }
        PackageKind::Npm => {
            known(&TABLES.npm, &name, &mut pairs);
            match name.trim_start_matches('@').split_once('/') {
                Some((scope, bare)) => pairs.push((scope.to_owned(), bare.to_owned())),
                None => likely(&name, &[], &mut pairs),
            }
        }
        PackageKind::Gem => {
            known(&TABLES.gems, &name, &mut pairs);
            likely(&name, &["ruby-lang"], &mut pairs);
        }
        PackageKind::Maven => maven(package, &mut pairs),
        PackageKind::Go => {
            known(&TABLES.go, &package.name, &mut pairs);
            go(&name, &mut pairs);
        }
        PackageKind::Composer
        | PackageKind::GithubAction
        | PackageKind::Swift
        | PackageKind::Terraform => {
            if let Some((vendor, product)) = last_two(&name) {
                pairs.push((vendor.to_owned(), product.to_owned()));
            }
        }
        PackageKind::Kernel if name.starts_with("linux") => {
            pairs.push(("linux".to_owned(), "linux_kernel".to_owned()));
        }
        // Models and images are no products of the database.
        PackageKind::Model | PackageKind::Kernel => {}
        PackageKind::Wordpress => {
            known(&TABLES.programs, &name, &mut pairs);
            likely(&name, &[], &mut pairs);
        }
        _ => {
            let source = package.source.as_ref().map(|source| source.name.to_lowercase());
            let source = source.unwrap_or_else(|| name.clone());
            known(&TABLES.programs, &source, &mut pairs);
            known(&TABLES.programs, &name, &mut pairs);
            likely(&source, &[], &mut pairs);
            if name != source {
                likely(&name, &[], &mut pairs);
            }
        }
    }
    pairs
}

// The database files what has no company under its own name, or as a project.
fn likely(name: &str, vendors: &[&str], pairs: &mut Vec<(String, String)>) {
    pairs.push((name.to_owned(), name.to_owned()));
    pairs.push((format!("{name}_project"), name.to_owned()));
    pairs.extend(vendors.iter().map(|vendor| ((*vendor).to_owned(), name.to_owned())));
}

// `org.apache.logging.log4j:log4j-core`: the organisation's domain, the last word of the group, the artifact.
fn maven(package: &Package, pairs: &mut Vec<(String, String)>) {
    let name = package.name.as_str();
    let artifact = name.rsplit([':', '/']).next().unwrap_or(name);
    if let Some((vendor, product)) = TABLES.maven.get(artifact) {
        pairs.push(((*vendor).to_owned(), (*product).to_owned()));
    }
    let artifact = artifact.to_lowercase();
    let group = package.purl.namespace.as_deref().unwrap_or_default().to_lowercase();
    let words: Vec<&str> = group.split('.').filter(|word| !word.is_empty()).collect();
    let vendor = match words.as_slice() {
        ["com" | "org" | "net" | "io" | "dev" | "de" | "fr" | "cn" | "me", "github", user, ..] => {
            *user
        }
        ["com" | "org" | "net" | "io" | "dev" | "edu" | "de" | "fr" | "cn" | "me", vendor, ..] => {
            *vendor
        }
        [vendor, ..] => *vendor,
        [] => artifact.as_str(),
    };
    pairs.push((vendor.to_owned(), artifact.clone()));
    if let Some(last) = words.last().filter(|last| words.len() > 2 && **last != vendor) {
        pairs.push((vendor.to_owned(), (*last).to_owned()));
    }
    pairs.push((artifact.clone(), artifact));
}

// `github.com/hashicorp/consul/v2`: whose repository, and its name.
fn go(name: &str, pairs: &mut Vec<(String, String)>) {
    let mut parts = name.split('/').filter(|part| !is_major(part));
    let Some(host) = parts.next() else { return };
    let rest: Vec<&str> = parts.take(2).collect();
    match (host, rest.as_slice()) {
        ("github.com" | "gitlab.com" | "bitbucket.org", [owner, repository]) => {
            pairs.push(((*owner).to_owned(), (*repository).to_owned()));
            pairs.push((format!("{repository}_project"), (*repository).to_owned()));
        }
        ("golang.org", ["x", module]) => pairs.push(("golang".to_owned(), (*module).to_owned())),
        (_, [.., last]) => {
            let vendor = host.rsplit('.').nth(1).unwrap_or(host);
            pairs.push((vendor.to_owned(), (*last).to_owned()));
        }
        (host, []) => {
            let vendor = host.split('.').next().unwrap_or(host);
            pairs.push((vendor.to_owned(), vendor.to_owned()));
        }
    }
}

fn is_major(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn last_two(name: &str) -> Option<(&str, &str)> {
    let (rest, product) = name.rsplit_once('/')?;
    Some((rest.rsplit('/').next().unwrap_or(rest), product))
}

// The version of the makers, without what a distribution added; `*` if none is known.
fn version(package: &Package) -> Option<String> {
    let Some(version) = package.version.as_deref() else { return Some("*".to_owned()) };
    let version = match package.kind {
        PackageKind::Deb | PackageKind::Opkg => {
            let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
            without_epoch(upstream).split(['+', '~']).next().unwrap_or_default()
        }
        PackageKind::Rpm | PackageKind::Alpm => {
            let upstream = version.rsplit_once('-').map_or(version, |(upstream, _)| upstream);
            without_epoch(upstream)
        }
        PackageKind::Apk | PackageKind::Portage => {
            version.rsplit_once("-r").map_or(version, |(upstream, _)| upstream)
        }
        PackageKind::Go => version.strip_prefix('v').unwrap_or(version),
        _ => version,
    };
    quoted(version)
}

fn without_epoch(version: &str) -> &str {
    match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => version,
    }
}

// A value as the formatted string has it: letters, digits and `_.-` as they are, other signs behind a backslash. What
// is not ASCII cannot be said in one.
fn quoted(value: &str) -> Option<String> {
    if value.is_empty() || value == "-" || value.len() > VALUE_BYTES_MAX {
        return None;
    }
    let mut quoted = String::new();
    for letter in value.chars() {
        match letter.to_ascii_lowercase() {
            letter if letter.is_ascii_alphanumeric() || "_.-".contains(letter) => {
                quoted.push(letter);
            }
            ' ' => quoted.push('_'),
            letter if letter.is_ascii_graphic() => quoted.extend(['\\', letter]),
            _ => return None,
        }
    }
    Some(quoted)
}

struct Tables {
    programs: Table,
    python: Table,
    npm: Table,
    gems: Table,
    maven: Table,
    go: Table,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let table = |pairs: &[(&'static str, &'static str, &'static str)]| -> Table {
        pairs.iter().map(|(name, vendor, product)| (*name, (*vendor, *product))).collect()
    };
    Tables {
        programs: table(PROGRAMS),
        python: table(PYTHON),
        npm: table(NPM),
        gems: table(GEMS),
        maven: table(MAVEN),
        go: table(GO),
    }
});

#[cfg(test)]
mod tests {
    use sealift_model::SourcePackage;

    use super::*;

    fn package(kind: PackageKind, name: &str, version: &str) -> Package {
        Package { version: Some(version.to_owned()), ..Package::new(kind, name) }
    }

    // The likeliest, as `vendor:product:version`.
    fn check(package: &Package, expected: &str) {
        let cpes = cpes(package);
        assert!(cpes.len() <= CPES_MAX);
        let first = cpes.first().map_or("", String::as_str);
        let (start, end) = ("cpe:2.3:a:", ":*:*:*:*:*:*:*");
        let short = first.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
        assert_eq!(short.unwrap_or(first), expected);
    }

    #[test]
    fn names() {
        let mut glibc = package(PackageKind::Deb, "libc6", "2.36-9+deb12u3");
        let version = "2.36-9+deb12u3".to_owned();
        glibc.source = Some(SourcePackage { name: "glibc".to_owned(), version });
        check(&glibc, "gnu:glibc:2.36");
        check(&package(PackageKind::Deb, "odd", "1:2.3+dfsg-1"), "odd:odd:2.3");
        check(&package(PackageKind::Apk, "openssl", "3.1.4-r1"), "openssl:openssl:3.1.4");
        check(&package(PackageKind::Rpm, "curl", "7.76.1-29.el9"), "haxx:curl:7.76.1");
        check(&package(PackageKind::Python, "Django", "4.2"), "djangoproject:django:4.2");
        check(&package(PackageKind::Npm, "express", "4.18.2"), "expressjs:express:4.18.2");
        check(&package(PackageKind::Npm, "@babel/core", "7.0.0"), "babel:core:7.0.0");
        check(&package(PackageKind::Go, "stdlib", "1.22.1"), "golang:go:1.22.1");
        check(&package(PackageKind::Go, "github.com/a/b/v2", "v2.0.1"), "a:b:2.0.1");
        check(&package(PackageKind::Binary, "redis", "7.2"), "redis:redis:7.2");
        let mut log4j =
            package(PackageKind::Maven, "org.apache.logging.log4j:log4j-core", "2.14.1");
        log4j.purl.namespace = Some("org.apache.logging.log4j".to_owned());
        check(&log4j, "apache:log4j:2.14.1");
        let mut other = package(PackageKind::Maven, "com.acme.tools:thing", "1");
        other.purl.namespace = Some("com.acme.tools".to_owned());
        check(&other, "acme:thing:1");
        check(&Package::new(PackageKind::Npm, "x"), "x:x:*");
        check(&package(PackageKind::Python, "é", "1"), "");
        check(&package(PackageKind::Npm, "", "1"), "_project::1".trim_start_matches("_project::1"));
    }

    #[test]
    fn signs_are_quoted() {
        assert_eq!(quoted("C++ x").as_deref(), Some("c\\+\\+_x"));
        assert_eq!(quoted("a:b*?").as_deref(), Some("a\\:b\\*\\?"));
        assert_eq!(quoted("a\n"), None);
        assert_eq!(quoted(""), None);
    }

    #[test]
    fn the_kernel_is_an_operating_system() {
        let kernel = package(PackageKind::Kernel, "linux", "6.1.0");
        assert_eq!(cpes(&kernel), ["cpe:2.3:o:linux:linux_kernel:6.1.0:*:*:*:*:*:*:*"]);
    }

    #[test]
    fn tables_are_well_formed() {
        for table in [PROGRAMS, PYTHON, NPM, GEMS, MAVEN, GO] {
            assert!(table.is_sorted_by_key(|(name, _, _)| *name));
            for (name, vendor, product) in table {
                assert!(quoted(vendor).is_some() && quoted(product).is_some(), "{name}");
            }
        }
    }
}
