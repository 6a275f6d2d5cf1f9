//! Tests of the resolver, on indices written as `name version; Field: value; …`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use expect_test::{Expect, expect};

use super::{Wanted, resolve};
use crate::PackageRequest;
use crate::index::{Index, IndexText};

const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn index_text(packages: &str) -> String {
    let mut text = String::new();
    for line in packages.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut parts = line.split(';').map(str::trim);
        let (name, version) = parts.next().unwrap().split_once(' ').unwrap();
        let _ = writeln!(
            text,
            "Package: {name}\nVersion: {version}\nArchitecture: amd64\nFilename: pool/{name}.deb\nSize: 1\nSHA256: {DIGEST}"
        );
        for field in parts.filter(|field| !field.is_empty()) {
            text.push_str(field);
            text.push('\n');
        }
        text.push('\n');
    }
    text
}

struct Options<'a> {
    exclude: &'a [&'a str],
    recommends: bool,
    essential: bool,
}

const PLAIN: Options<'static> = Options { exclude: &[], recommends: false, essential: false };

fn check_with(packages: &str, wanted: &[&str], options: &Options<'_>, expected: Expect) {
    let text = index_text(packages);
    let index =
        Index::parse(&[IndexText { text: &text, what: "test", suite: 0 }], "amd64").unwrap();
    let requests: Vec<PackageRequest> = wanted
        .iter()
        .map(|text| match text.split_once('=') {
            Some((name, version)) => {
                PackageRequest { name: name.to_owned(), version: Some(version.to_owned()) }
            }
            None => PackageRequest { name: (*text).to_owned(), version: None },
        })
        .collect();
    let exclude: BTreeSet<String> = options.exclude.iter().map(ToString::to_string).collect();
    let wanted = Wanted {
        packages: &requests,
        exclude: &exclude,
        recommends: options.recommends,
        essential: options.essential,
        architecture: "amd64",
    };
    let actual = match resolve(&index, &wanted) {
        Ok(resolution) => {
            let mut chosen: Vec<String> = resolution
                .candidates
                .iter()
                .map(|place| {
                    let candidate = &index.candidates[*place];
                    format!("{} {}", candidate.name, candidate.version)
                })
                .collect();
            chosen.extend(resolution.warnings);
            chosen.join(", ")
        }
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&actual);
}

fn check(packages: &str, wanted: &[&str], expected: Expect) {
    check_with(packages, wanted, &PLAIN, expected);
}

#[test]
fn closure_with_versions() {
    check(
        "a 1; Depends: b (>= 2), c
         b 1
         b 2; Pre-Depends: d
         c 1
         d 1
         e 1",
        &["a"],
        expect!["a 1, b 2, c 1, d 1"],
    );
}

#[test]
fn an_older_version_is_taken_if_only_it_fits() {
    check("a 1; Depends: b (<< 2)\nb 1\nb 2", &["a"], expect!["a 1, b 1"]);
}

#[test]
fn cycles_end() {
    check(
        "a 1; Depends: b\nb 1; Depends: c\nc 1; Pre-Depends: a, c",
        &["a"],
        expect!["a 1, b 1, c 1"],
    );
}

#[test]
fn alternatives() {
    let packages = "a 1; Depends: x | b | c\nb 1\nc 1";
    check(packages, &["a"], expect!["a 1, b 1"]);
    check(packages, &["a", "c"], expect!["a 1, c 1"]);
    check_with(packages, &["a"], &Options { exclude: &["b"], ..PLAIN }, expect!["a 1, c 1"]);
}

#[test]
fn an_alternative_that_conflicts_is_passed_over() {
    check(
        "a 1; Depends: b | c\nb 1; Conflicts: z\nc 1\nz 1",
        &["z", "a"],
        expect!["a 1, c 1, z 1"],
    );
}

#[test]
fn virtual_packages() {
    let packages = "a 1; Depends: mail\nexim 1; Provides: mail\npostfix 1; Provides: mail (= 3)
                    b 1; Depends: mail (>= 2)\nc 1; Depends: mail (>= 4)";
    check(packages, &["a"], expect!["a 1, exim 1"]);
    check(packages, &["a", "postfix"], expect!["a 1, postfix 1"]);
    check(packages, &["b"], expect!["b 1, postfix 1"]);
    check(
        packages,
        &["c"],
        expect![
            "cannot satisfy `mail (>= 4)`: no provider of `mail` fits: exim, postfix; needed by `c`, which the recipe asks for"
        ],
    );
    check(
        packages,
        &["mail"],
        expect![
            "cannot satisfy `mail`: it is virtual; name one of its providers: exim, postfix; the recipe asks for it"
        ],
    );
}

#[test]
fn of_providers_the_one_that_systems_need_most_comes_first() {
    let packages =
        "a 1; Depends: awk\ngawk 1; Provides: awk\nmawk 1; Provides: awk; Priority: required";
    check(packages, &["a"], expect!["a 1, mawk 1"]);
    check_with(packages, &["a"], &Options { exclude: &["awk"], ..PLAIN }, expect!["a 1"]);
    check_with(packages, &["a"], &Options { exclude: &["mawk"], ..PLAIN }, expect!["a 1, gawk 1"]);
}

#[test]
fn unsatisfiable_names_the_chain() {
    check(
        "a 1; Depends: b\nb 1; Depends: c (>= 2) | d\nc 1",
        &["a"],
        expect![
            "cannot satisfy `c (>= 2) | d`: the suites have `c` in 1; no suite has `d`; needed by `b`, needed by `a`, which the recipe asks for"
        ],
    );
    check("a 1", &["b"], expect!["cannot satisfy `b`: no suite has `b`; the recipe asks for it"]);
    check(
        "a 1\na 2",
        &["a=3"],
        expect!["cannot satisfy `a=3`: the suites have `a` in 2, 1; the recipe asks for it"],
    );
    check("a 1\na 2", &["a=1"], expect!["a 1"]);
    check(
        "a 1; Depends: b (= 1)\nb 1\nb 2",
        &["b", "a"],
        expect![
            "cannot satisfy `b (= 1)`: `b` is chosen in version 2; needed by `a`, which the recipe asks for"
        ],
    );
}

#[test]
fn conflicts_and_breaks() {
    check(
        "a 1; Depends: b\nb 1; Conflicts: c\nc 1",
        &["a", "c"],
        expect![
            "`b` does not go together with `c` (`c`); needed by `a`, which the recipe asks for"
        ],
    );
    check(
        "a 1; Breaks: b (<< 2)\nb 1",
        &["a", "b"],
        expect!["`a` does not go together with `b` (`b (<< 2)`); the recipe asks for it"],
    );
    check("a 1; Breaks: b (<< 2)\nb 2", &["a", "b"], expect!["a 1, b 2"]);
    // A package may conflict with what it provides itself.
    check("a 1; Provides: mail; Conflicts: mail", &["a"], expect!["a 1"]);
    check(
        "a 1; Provides: mail; Conflicts: mail\nb 1; Provides: mail",
        &["a", "b"],
        expect!["`a` does not go together with `b` (`mail`); the recipe asks for it"],
    );
}

#[test]
fn excluded_dependencies_are_left_out() {
    check_with(
        "a 1; Depends: b, c\nb 1; Depends: d\nc 1\nd 1",
        &["a"],
        &Options { exclude: &["b"], ..PLAIN },
        expect!["a 1, c 1"],
    );
}

#[test]
fn recommendations_and_essential() {
    let packages = "a 1; Recommends: b, x\nb 1; Depends: c\nc 1\ne 1; Essential: yes";
    check(packages, &["a"], expect!["a 1"]);
    check_with(
        packages,
        &["a"],
        &Options { recommends: true, ..PLAIN },
        expect!["a 1, b 1, c 1, `x`, recommended by `a`, is left out"],
    );
    check_with(packages, &["a"], &Options { essential: true, ..PLAIN }, expect!["a 1, e 1"]);
}

#[test]
fn long_chains_do_not_exhaust_the_stack() {
    let mut packages = String::new();
    for number in 0..20_000 {
        let _ = writeln!(packages, "p{number} 1; Depends: p{}", number + 1);
    }
    packages.push_str("p20000 1\n");
    let text = index_text(&packages);
    let index =
        Index::parse(&[IndexText { text: &text, what: "test", suite: 0 }], "amd64").unwrap();
    let requests = [PackageRequest { name: "p0".to_owned(), version: None }];
    let wanted = Wanted {
        packages: &requests,
        exclude: &BTreeSet::new(),
        recommends: false,
        essential: false,
        architecture: "amd64",
    };
    assert_eq!(resolve(&index, &wanted).unwrap().candidates.len(), 20_001);
}
