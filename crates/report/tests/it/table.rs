//! The table.

use expect_test::expect;
use sealift_model::{PackageKind, ReleaseLife, Report, Severity};
use sealift_report::{TableOptions, json, table};

use crate::sample;

const PLAIN: TableOptions = TableOptions { width: 100, color: false };

#[test]
fn the_whole_table() {
    expect![[r"
        app:1
        advisories: advisories, 42 records, made 3 days ago, newest of 2020-09-01, 12 days old, scanned 2020-09-13T12:26:40Z
        Debian 12 is no longer supported since 2020-06-10 (extended support until 2028-06-30); the findings may be incomplete
        EXAMPLE DATA ONLY: these advisories are a sample to try things out; this report says nothing on how safe the image is
        3 findings: 1 CRITICAL, 1 NEGLIGIBLE, 1 UNKNOWN (hidden: 2 LOW, 1 without a fix)

        app:1 (debian 12): 90 packages, 1 NOT JUDGED, 2 findings
         Package   Installed   Severity     Vulnerability   Fixed in   Title
        ─────────────────────────────────────────────────────────────────────────────────
         openssl   1.0         NEGLIGIBLE   CVE-2020-2      1.1        A flaw in openssl
         zlib1g    1.0         UNKNOWN      CVE-2020-3      affected   A flaw in zlib1g

        Python: 7 packages, 1 finding
         Package   Installed   Severity   Vulnerability   Fixed in   Title
        ────────────────────────────────────────────────────────────────────────────────────────────────────
         flask     1.0         CRITICAL   CVE-2020-1      1.1        [exploited by ransomware, EPSS 94 %] A
                                                                     flaw in flask

        answered for: 3 findings
          CVE-2020-4 HIGH in perl 1.0: ignored by .trivyignore:3: nothing runs it (platform, until 2021-01-01)
          CVE-2020-5 MEDIUM in jinja2 1.0: not affected according to app.openvex.json: vulnerable_code_not_present
          CVE-2020-6 LOW in click 1.0: fixed according to app.openvex.json

        entries of ignore files without effect:
          .trivyignore:7: CVE-2019-7 expired on 2020-09-01
          .trivyignore:8: CVE-2019-8 ignores nothing

        best remedy: upgrade flask from 1.0 to 1.1: repairs 1 finding, worst CRITICAL
                     in the requirements: flask>=1.1

        notes:
          x: not judged: y

        3 findings: 1 CRITICAL, 1 NEGLIGIBLE, 1 UNKNOWN (hidden: 2 LOW, 1 without a fix)
    "]]
    .assert_eq(&table(&sample::report(), PLAIN));
}

#[test]
fn a_release_that_is_over() {
    let life = |is_over| ReleaseLife {
        release: "Debian 10".to_owned(),
        ends: "2024-06-30".to_owned(),
        extended_ends: Some("2029-06-30".to_owned()),
        is_over,
    };
    let text = |is_over| {
        let report = Report { life: Some(life(is_over)), ..sample::report() };
        (table(&report, PLAIN), json(&report))
    };
    let (table, document) = text(true);
    let line = "Debian 10 is no longer supported since 2024-06-30 (extended support until 2029-06-30); \
                the findings may be incomplete\n";
    assert!(table.contains(line), "{table}");
    assert!(document.contains("\"EOSL\": true"), "{document}");
    let (table, document) = text(false);
    assert!(!table.contains("supported") && !document.contains("EOSL"));
}

#[test]
fn colour_adds_nothing_but_colour() {
    let painted = table(&sample::report(), TableOptions { color: true, ..PLAIN });
    assert!(painted.contains('\u{1b}'));
    let mut plain = String::new();
    let mut characters = painted.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            characters.find(|character| *character == 'm');
        } else {
            plain.push(character);
        }
    }
    assert_eq!(plain, table(&sample::report(), PLAIN));
}

#[test]
fn nothing_steers_the_terminal() {
    let mut finding = sample::finding("CVE-1", PackageKind::Deb, "a\u{1b}[2Jb", Severity::High);
    finding.title = "first\nsecond\u{202e}".to_owned();
    let mut report = sample::report();
    report.findings = vec![finding];
    report.artifact.name = "x\u{7}".to_owned();
    let text = table(&report, PLAIN);
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']));
}

#[test]
fn no_packages() {
    let text = table(&Report::default(), PLAIN);
    assert!(text.contains("no packages were found"), "{text}");
    assert!(text.contains("0 findings"), "{text}");
}

#[test]
fn narrow_terminals_keep_ids_whole() {
    let mut report = sample::report();
    for finding in &mut report.findings {
        finding.title = "A very long title that goes on and on ".repeat(4);
        finding.package.name = "some-very-long-package-name-with-many-words-in-it".to_owned();
    }
    let text = table(&report, TableOptions { width: 20, color: false });
    for finding in &report.findings {
        assert!(text.contains(&finding.id), "{text}");
    }
}
