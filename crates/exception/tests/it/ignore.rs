//! Ignore files.

use expect_test::{Expect, expect};
use sealift_exception::Exceptions;

use crate::sample::show;

fn check(file: &str, text: &str, expected: Expect) {
    let mut exceptions = Exceptions::default();
    let actual = match exceptions.read_ignores(file, text) {
        Ok(()) => show(&exceptions),
        Err(error) => format!("{error}\nhint: {}\n", error.hint()),
    };
    expected.assert_eq(&actual);
}

#[test]
fn trivyignore() {
    check(
        ".trivyignore",
        "# Nobody loads YAML of strangers\nCVE-1-1\n\nADVISORY-CVE-1-2 exp:2024-06-02 # till the next release\n\
         # over\nCVE-1-3 exp:2024-06-01\nCVE-9-9 exp:2030-01-01\nGHSA-1 a remark\n",
        expect![[r"
            CVE-1-1 PyYAML Ignored by .trivyignore:2, Nobody loads YAML of strangers
            CVE-1-2 PyYAML Ignored by .trivyignore:4, till the next release, 2024-06-02
            CVE-1-1 flask Ignored by .trivyignore:2, Nobody loads YAML of strangers
            stale .trivyignore:6 CVE-1-3 over 2024-06-01
            stale .trivyignore:7 CVE-9-9 unused
        "]],
    );
    check(
        ".trivyignore",
        "\u{feff}\r\n  CVE-1-2  \r\n",
        expect![[r"
        CVE-1-2 PyYAML Ignored by .trivyignore:2
    "]],
    );
    check(
        "a/.trivyignore",
        "CVE-1-1\nCVE-1-2 exp:soon",
        expect![[r"
        a/.trivyignore:2: `exp`: `soon` is not a day like 2024-12-31
        hint: docs/exceptions.md shows each kind of file; an entry that is not understood could hide too much
    "]],
    );
    check(
        ".trivyignore",
        "CVE-1-2 because: of this\nCVE-1-1\t# a tab: 2024#1\n",
        expect![[r"
        CVE-1-1 PyYAML Ignored by .trivyignore:2, a tab: 2024#1
        CVE-1-2 PyYAML Ignored by .trivyignore:1, because: of this
        CVE-1-1 flask Ignored by .trivyignore:2, a tab: 2024#1
    "]],
    );
    check(
        ".trivyignore",
        "CVE-1-1 until:2024-01-01",
        expect![[r"
            .trivyignore:1: `until:` is not known here; known are exp:YYYY-MM-DD
            hint: docs/exceptions.md shows each kind of file; an entry that is not understood could hide too much
        "]],
    );
    check(
        ".trivyignore",
        "CVE-1-1 expires:2024-01-01",
        expect![[r"
        .trivyignore:1: `expires:` is not known here; known are exp:YYYY-MM-DD
        hint: docs/exceptions.md shows each kind of file; an entry that is not understood could hide too much
    "]],
    );
}

#[test]
fn trivyignore_yaml() {
    check(
        ".trivyignore.yaml",
        r#"
vulnerabilities:
  - id: CVE-1-1
    paths:
      - "usr/lib/*/PyYAML-*/METADATA"
    statement: "not
      called"
    expired_at: 2025-01-01
  - id: CVE-1-2
    purls: ["pkg:pypi/PyYAML"]
  - id: CVE-1-3
    paths: ["var/lib/**"]
  - id: CVE-1-3
    paths: ["team/app:1.0 (debian 12)"]
secrets:
  - id: aws
"#,
        expect![[r"
            CVE-1-1 PyYAML Ignored by .trivyignore.yaml:3, not called, 2025-01-01
            CVE-1-2 PyYAML Ignored by .trivyignore.yaml:9
            CVE-1-3 libssl3 Ignored by .trivyignore.yaml:13
            stale .trivyignore.yaml:11 CVE-1-3 unused
            note .trivyignore.yaml:15: `secrets` is for other scanners (1 in it)
        "]],
    );
    check("x.yaml", "", expect![""]);
    for (text, expected) in [
        (
            "vulnerabilities:\n - id: A\n   path: b\n",
            "x.yaml:3: `path` is not known here; known are id, paths, purls, statement, expired_at",
        ),
        ("vulnerabilities:\n - paths: [b]\n", "x.yaml:2: the entry has no `id`"),
        (
            "vulnerabilites: []\n",
            "x.yaml:1: `vulnerabilites` is not known here; known are vulnerabilities, misconfigurations, secrets, licenses",
        ),
        ("vulnerabilities:\n - id: A\n   purls: [b]\n", "x.yaml:3: `purls`: `b` is no package URL"),
        (
            "vulnerabilities:\n - id: A\n   paths: ['[']\n",
            "x.yaml:3: `paths`: `[` is not a pattern of paths",
        ),
        ("vulnerabilities:\n - id: A\n   paths: b\n", "x.yaml:3: `paths`: must be a list"),
        (
            "vulnerabilities:\n - id: A\n   expired_at: never\n",
            "x.yaml:3: `expired_at`: `never` is not a date",
        ),
        ("vulnerabilities:\n - id: A\n   id: B\n", "x.yaml:3: the key `id` is there twice"),
        (
            "vulnerabilities: &a\n - id: A\nsecrets: *a\n",
            "x.yaml:3: aliases (`*name`) are not read here; write the value itself",
        ),
    ] {
        let error = Exceptions::default().read_ignores("x.yaml", text).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn grype() {
    check(
        ".grype.yaml",
        r#"
fail-on-severity: high
ignore:
  - vulnerability: CVE-1-1
    reason: not called
    package:
      name: Py.*
      version: "1.0"
      type: python
  - vulnerability: CVE-1-2
    fix-state: wont-fix
  - package: {upstream-name: openssl, type: deb}
    match-type: exact-indirect-match
    namespace: debian:distro:debian:12
  - vulnerability: CVE-1-1
    package: {language: python, location: "/usr/**/flask*/*"}
    fix-state: wont-fix
    namespace: github:language:python
  - reason: says nothing
  - vex-status: under_investigation
"#,
        expect![[r"
            CVE-1-1 PyYAML Ignored by .grype.yaml:4, not called
            CVE-1-1 flask Ignored by .grype.yaml:15
            CVE-1-3 libssl3 Ignored by .grype.yaml:12
            stale .grype.yaml:10 CVE-1-2 unused
            stale .grype.yaml:19 a rule unused
            note .grype.yaml:20: VEX never suppresses what is `under_investigation`
        "]],
    );
    for (text, expected) in [
        (
            "ignore:\n - vulnerability: A\n   packages: {}\n",
            "x.yaml:3: `packages` is not known here; known are vulnerability, include-aliases, reason, namespace, fix-state, package, vex-status, vex-justification, match-type",
        ),
        (
            "ignore:\n - package: {nam: a}\n",
            "x.yaml:2: `nam` is not known here; known are name, version, language, type, location, upstream-name",
        ),
        ("ignore:\n - package: {name: '('}\n", "x.yaml:2: `name`: `(` is not a regular expression"),
        (
            "ignore:\n - fix-state: none\n",
            "x.yaml:2: `fix-state`: must be one of fixed, not-fixed, wont-fix, unknown",
        ),
        (
            "ignore:\n - match-type: cpe-match\n",
            "x.yaml:2: `match-type`: there are no matches of type `cpe-match` here",
        ),
        (
            "ignore:\n - vex-status: fixed\n   vex-justification: a\n",
            "x.yaml:3: `vex-justification`: a choice of VEX statements by justification is not made here",
        ),
        ("ignore: 5\n", "x.yaml:1: `ignore`: must be a list"),
    ] {
        let error = Exceptions::default().read_ignores("x.yaml", text).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn osv_scanner() {
    check(
        "osv-scanner.toml",
        r#"GoVersionOverride = "1.20"
[[IgnoredVulns]]
id = "GHSA-1"
ignoreUntil = 2024-06-02
reason = "not called"

[[IgnoredVulns]]
id = "CVE-1-2"
ignoreUntil = 2024-05-31T12:00:00Z

[[IgnoredVulns]]
id = "CVE-1-2"

[[PackageOverrides]]
name = "open.*"
nameIsRegex = true
ecosystem = "Debian:12"
vulnerability.ignore = true
effectiveUntil = 2024-12-31
reason = "elsewhere"

[[PackageOverrides]]
name = "flask"
version = "1.0"
ignore = true

[[PackageOverrides]]
name = "flask"
group = "dev"
ignore = true

[[PackageOverrides]]
name = "flask"
license.override = ["MIT"]
"#,
        expect![[r"
            CVE-1-1 PyYAML Ignored by osv-scanner.toml:2, not called, 2024-06-02
            CVE-1-1 flask Ignored by osv-scanner.toml:2, not called, 2024-06-02
            CVE-1-3 libssl3 Ignored by osv-scanner.toml:14, elsewhere, 2024-12-31
            stale osv-scanner.toml:7 CVE-1-2 over 2024-05-31
            stale osv-scanner.toml:22 package flask unused
            note osv-scanner.toml:11: there is an entry on CVE-1-2 before, and that one counts
            note osv-scanner.toml:27: it is not known to which group a package of an image belongs
        "]],
    );
    let error = Exceptions::default()
        .read_ignores("osv-scanner.toml", "[[IgnoredVulns]]\nid = \"A\"\nuntil = 2024-01-01\n")
        .unwrap_err();
    expect![
        "osv-scanner.toml:3: unknown field `until`, expected one of `id`, `ignoreUntil`, `reason`"
    ]
    .assert_eq(&error.to_string());
}

#[test]
fn own() {
    check(
        ".sealift-ignore.toml",
        r#"
[[ignore]]
id = "CVE-1-1"
package = "py*"
version = "1.0"
reason = "no"

[[ignore]]
id = "CVE-1-1"
package = "Py*"
version = "1.0"
path = "usr/lib/python3/**"
reason = "not called"
owner = "team@example.com"
expires = 2024-06-02

[[ignore]]
purl = "pkg:deb/debian/libssl3"
reason = "the proxy in front ends TLS"
expires = "2024-05-01"
"#,
        expect![[r"
            CVE-1-1 PyYAML Ignored by .sealift-ignore.toml:8, not called, team@example.com, 2024-06-02
            stale .sealift-ignore.toml:2 CVE-1-1 unused
            stale .sealift-ignore.toml:17 pkg:deb/debian/libssl3 over 2024-05-01
        "]],
    );
    check(
        "sealift.toml",
        "[scan]\nfail_on = \"high\"\n[[scan.ignore]]\nid = \"CVE-1-2\"\nreason = \"x\"\n",
        expect![[r"
            CVE-1-2 PyYAML Ignored by sealift.toml:3, x
        "]],
    );
    for (text, expected) in [
        ("[[ignore]]\nid = \"A\"\n", "x.toml:1: the entry has no `reason`"),
        ("[[ignore]]\nid = \"A\"\nreason = \" \"\n", "x.toml:1: the entry has no `reason`"),
        ("[[ignore]]\nversion = \"1\"\nreason = \"r\"\n", "x.toml:1: the entry has no `id`"),
        ("[[ignore]]\nid = \"\"\nreason = \"r\"\n", "x.toml:1: `id`: is empty"),
        (
            "[[ignore]]\nid = \"A\"\nreason = \"r\"\nexpire = 2024-01-01\n",
            "x.toml:4: unknown field `expire`, expected one of `id`, `package`, `version`, `purl`, `path`, `reason`, `owner`, `expires`",
        ),
        (
            "[[ignore]]\nid = \"A\"\nreason = \"r\"\nexpires = 07:00:00\n",
            "x.toml:1: `expires`: `07:00:00` is not a day like 2024-12-31",
        ),
        ("[[ignore]]\npurl = \"A\"\nreason = \"r\"\n", "x.toml:1: `purl`: `A` is no package URL"),
    ] {
        let error = Exceptions::default().read_ignores("x.toml", text).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}
