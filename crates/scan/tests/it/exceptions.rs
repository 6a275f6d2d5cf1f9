//! What is answered for, what is left out, and what is stale.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use sealift_exception::Exceptions;
use sealift_model::{
    Advisory, Artifact, PackageKind, Rating, RatingBasis, Severity, SourcePackage, Statement,
};
use sealift_scan::{Options, scan};

use crate::inventory::{advisory, database, deb, debian, inventory, package, python};

fn rated(severity: Severity, advisory: Advisory) -> Advisory {
    let rating = Rating { source: "x".to_owned(), severity, basis: RatingBasis::Word };
    Advisory { ratings: vec![rating], ..advisory }
}

fn check(options: Options, expected: Expect) {
    let headers = SourcePackage { name: "linux".to_owned(), version: "6.1.0-1".to_owned() };
    let mut linux = package(PackageKind::Deb, "linux-libc-dev", Some("6.1.0-1"));
    linux.source = Some(headers);
    let packages =
        vec![deb("libssl3", "openssl", "3.0.0-1"), linux, python("a", "1.0"), python("b", "1.0")];
    let inventory = inventory(debian("12"), packages);
    let mut will_not = advisory("CVE-1-4", &[], "Debian:12", "openssl", "9");
    will_not.affected[0].ranges[0].pop();
    will_not.affected[0].statement = Statement::WillNotFix;
    let advisories = database(vec![
        rated(Severity::Low, advisory("CVE-1-1", &["GHSA-1"], "PyPI", "a", "2.0")),
        rated(Severity::High, advisory("CVE-1-2", &[], "PyPI", "b", "2.0")),
        rated(Severity::High, advisory("CVE-1-3", &[], "Debian:12", "linux", "7")),
        rated(Severity::High, will_not),
    ]);
    let report = scan(&inventory, &advisories, &options, Artifact::default(), 0).unwrap();
    let mut out = String::new();
    for finding in &report.findings {
        writeln!(out, "{} {}", finding.id, finding.package.name).unwrap();
    }
    for suppressed in &report.suppressed {
        let finding = &suppressed.finding;
        let (id, name) = (&finding.id, &finding.package.name);
        writeln!(out, "suppressed {id} {name}: {}", suppressed.by.place).unwrap();
    }
    for stale in &report.stale_ignores {
        writeln!(out, "stale {} {}", stale.place, stale.id).unwrap();
    }
    let hidden = &report.hidden;
    if hidden.total() > 0 {
        writeln!(
            out,
            "hidden {:?}, {} by status, {} not running",
            hidden.by_severity, hidden.by_status, hidden.not_running
        )
        .unwrap();
    }
    expected.assert_eq(&out);
}

fn ignores(text: &str) -> Exceptions {
    let mut exceptions = Exceptions::default();
    exceptions.read_ignores(".trivyignore", text).unwrap();
    exceptions
}

#[test]
fn headers_of_a_kernel_never_run() {
    check(
        Options::default(),
        expect![[r"
            CVE-1-4 libssl3
            CVE-1-1 a
            CVE-1-2 b
            hidden [], 0 by status, 1 not running
        "]],
    );
    check(
        Options { include_not_running: true, ..Options::default() },
        expect![[r"
        CVE-1-4 libssl3
        CVE-1-3 linux-libc-dev
        CVE-1-1 a
        CVE-1-2 b
    "]],
    );
}

#[test]
fn statuses_are_left_out() {
    let ignore_statuses = vec!["will_not_fix".to_owned(), "end_of_life".to_owned()];
    check(
        Options { ignore_statuses, ..Options::default() },
        expect![[r"
        CVE-1-1 a
        CVE-1-2 b
        hidden [], 1 by status, 1 not running
    "]],
    );
}

#[test]
fn ignored_findings_are_kept_apart() {
    let exceptions = ignores("GHSA-1\nCVE-1-9\nCVE-1-2 exp:2020-01-01\n");
    check(
        Options { exceptions, now_secs: 1_700_000_000, ..Options::default() },
        expect![[r"
        CVE-1-4 libssl3
        CVE-1-2 b
        suppressed CVE-1-1 a: .trivyignore:1
        stale .trivyignore:2 CVE-1-9
        stale .trivyignore:3 CVE-1-2
        hidden [], 0 by status, 1 not running
    "]],
    );
}

#[test]
fn an_entry_on_a_hidden_finding_is_not_stale() {
    let exceptions = ignores("CVE-1-1\n");
    check(
        Options { exceptions, severities: vec![Severity::High], ..Options::default() },
        expect![[r"
            CVE-1-4 libssl3
            CVE-1-2 b
            hidden [], 0 by status, 1 not running
        "]],
    );
}
