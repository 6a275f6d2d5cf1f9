//! What a caller knows of base images.

use expect_test::{Expect, expect};
use sealift_diagnostic::{Diagnostic, Tier, render_short};
use sealift_dockerfile::{Limits, parse};
use sealift_lint::{Config, Context, Package, PackageIndex, bases, fix, lint};

/// An archive of three packages, and an image with one program.
#[derive(Debug)]
pub(crate) struct Small;

impl PackageIndex for Small {
    fn package(&self, image: &str, name: &str) -> Option<Package> {
        if image != "debian:13" {
            return None;
        }
        Some(match name {
            "curl" => Package::Real { version: "8.14.1-2".to_owned() },
            "libpq5" => Package::Real { version: "17.6-0+deb13u1".to_owned() },
            "netcat" => Package::Virtual {
                providers: vec!["netcat-openbsd".to_owned(), "netcat-traditional".to_owned()],
            },
            "netcat-openbsd" => Package::Real { version: "1.229-1".to_owned() },
            "awk" => Package::Virtual { providers: vec!["mawk".to_owned()] },
            "libpq4" => Package::Missing { similar: Some("libpq5".to_owned()) },
            _ => Package::Missing { similar: None },
        })
    }

    fn program(&self, image: &str, name: &str) -> Option<bool> {
        (image == "debian:13").then_some(name == "bash")
    }
}

const RULES: [&str; 4] = ["SL2003", "SL2020", "SL3009", "SL3010"];

fn found(source: &str) -> Vec<Diagnostic> {
    let config = Config::default();
    let context = Context { packages: Some(&Small), ..Context::new(&config) };
    let mut found = lint(&parse(source, &Limits::default()), &context);
    found.retain(|it| it.rule.as_deref().is_some_and(|rule| RULES.contains(&rule)));
    found
}

fn check(source: &str, expected: Expect) {
    let config = Config::default();
    let context =
        Context { dockerignore: Some(""), packages: Some(&Small), ..Context::new(&config) };
    let mended = fix(source, &context, &Limits::default(), Tier::Suggested).text;
    let lines = mended.lines().filter(|line| line.contains("install"));
    let lines: Vec<&str> = lines.collect();
    expected.assert_eq(&format!(
        "{}{}\n",
        render_short(&found(source), "", source),
        lines.join("\n")
    ));
}

#[test]
fn names_and_versions_come_from_the_archive() {
    check(
        "FROM debian:13\nRUN apt-get update && apt-get install -y curl libpq4 netcat awk nosuch1 $X\n",
        expect![[r#"
            2:42 info SL2003 no version is given for `curl`, `libpq4`, `netcat`, `awk`, `nosuch1`
            2:47 error SL2020 `debian:13` has no package `libpq4`
            2:54 error SL3010 package `netcat` cannot be installed
            2:65 error SL2020 `debian:13` has no package `nosuch1`
            RUN apt-get update && apt-get install -y --no-install-recommends curl libpq5 awk nosuch1 $X && rm -rf /var/lib/apt/lists/*
        "#]],
    );
    check(
        "FROM debian:13\nRUN apt-get update \\\n    && apt-get install -y \\\n    # the library\n    libpq4 \\\n    curl\n",
        expect![[r#"
            5:5 error SL2020 `debian:13` has no package `libpq4`
            5:5 info SL2003 no version is given for `libpq4`, `curl`
                && apt-get install -y --no-install-recommends \
        "#]],
    );
    check(
        "FROM debian:13\nRUN apt-get install -y curl libpq5\nRUN apt-get install -t testing curl\n",
        expect![[r#"
            2:24 info SL2003 no version is given for `curl`, `libpq5`
            3:32 info SL2003 no version is given for `curl`
            RUN apt-get install -y --no-install-recommends curl=8.14.1-2 libpq5=17.6-0+deb13u1 \
                && apt-get install -y --no-install-recommends -t testing curl
        "#]],
    );
}

#[test]
fn other_archives_and_releases_are_not_judged() {
    check(
        "FROM debian:12\nRUN apt-get install -y nosuch1\n",
        expect![[r#"
            2:24 info SL2003 no version is given for `nosuch1`
            RUN apt-get install -y --no-install-recommends nosuch1
        "#]],
    );
    check(
        "FROM debian:13\nRUN echo deb http://x y z > /etc/apt/sources.list.d/a.list\nRUN apt-get install -y nosuch1 curl\n",
        expect![[r#"
            3:24 info SL2003 no version is given for `nosuch1`, `curl`
                && apt-get install -y --no-install-recommends nosuch1 curl
        "#]],
    );
}

#[test]
fn programs_come_from_the_image() {
    check(
        "FROM debian:13\nCMD [\"serve\"]\n",
        expect![[r#"
            2:6 error SL3009 neither `debian:13` nor a step has the program `serve`

        "#]],
    );
    for good in [
        "FROM debian:13\nCMD [\"bash\"]\n",
        "FROM debian:13\nCOPY x /usr/local/bin/\nCMD [\"serve\"]\n",
        "FROM debian:13\nRUN make\nCMD [\"serve\"]\n",
        "FROM other:1\nCMD [\"serve\"]\n",
    ] {
        assert_eq!(render_short(&found(good), "", good), "");
    }
}

#[test]
fn bases_are_told_once() {
    let text = "ARG V=13\nFROM debian:$V AS a\nFROM a\nFROM debian:13\nFROM x:$UNKNOWN\n";
    assert_eq!(bases(&parse(text, &Limits::default())), ["debian:13"]);
}
