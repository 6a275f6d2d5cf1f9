//! The example's own advisories: they load without a note, an up-to-date application is clean, an old one is not.

use std::path::PathBuf;

use expect_test::expect;
use sealift_advisory::{Feed, Wanted};
use sealift_database::Database;
use sealift_model::{Inventory, Severity};
use sealift_scan::{Expression, Thresholds, gate, wanted};

use crate::inventory::{database_of, deb, debian, inventory, lines, python, report};

fn advisories(inventory: &Inventory) -> Database {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/secure-app/advisories");
    let feed = Feed::read(&path, Wanted::Only(&wanted(inventory))).unwrap();
    assert!(feed.notes.is_empty(), "{:#?}", feed.notes);
    assert!(feed.info.example_only);
    database_of(feed)
}

#[test]
fn an_up_to_date_application_is_clean() {
    let inventory = inventory(
        debian("12"),
        vec![
            python("Flask", "3.1.0"),
            python("Werkzeug", "3.1.3"),
            python("Jinja2", "3.1.6"),
            python("gunicorn", "23.0.0"),
            python("requests", "2.32.4"),
            python("urllib3", "2.5.0"),
            python("certifi", "2025.1.31"),
            python("idna", "3.10"),
            python("PyYAML", "6.0.2"),
            python("setuptools", "66.1.1"),
            python("pip", "23.0.1"),
            deb("libssl3", "openssl", "3.0.17-1~deb12u2"),
            deb("libc6", "glibc", "2.36-9+deb12u13"),
            deb("zlib1g", "zlib", "1:1.2.13.dfsg-1"),
            deb("perl-base", "perl", "5.36.0-7+deb12u3"),
            deb("libncursesw6", "ncurses", "6.4-4"),
            deb("libpython3.11-minimal", "python3.11", "3.11.2-6+deb12u6"),
        ],
    );
    let report = report(&inventory, &advisories(&inventory));
    expect![[r"
        libc6 2.36-9+deb12u13 CVE-2010-4756 NEGLIGIBLE affected
        libc6 2.36-9+deb12u13 CVE-2019-1010022 NEGLIGIBLE affected
        perl-base 5.36.0-7+deb12u3 CVE-2011-4116 NEGLIGIBLE affected
        pip 23.0.1 CVE-2023-5752 LOW 23.3
    "]]
    .assert_eq(&lines(&report));
    let thresholds =
        Thresholds { fail_on: Some(Expression::at_least(Severity::High)), ..Thresholds::default() };
    assert!(gate(&report, &thresholds).passed());
}

#[test]
fn an_old_application_is_not() {
    let inventory = inventory(
        debian("12"),
        vec![
            python("flask", "0.12.2"),
            python("requests", "2.19.1"),
            python("PyYAML", "3.13"),
            python("django", "1.11.0"),
            deb("libssl3", "openssl", "3.0.9-1"),
        ],
    );
    let report = report(&inventory, &advisories(&inventory));
    expect![[r"
        libssl3 3.0.9-1 CVE-2024-5535 CRITICAL 3.0.15-1~deb12u1
        libssl3 3.0.9-1 CVE-2023-5363 HIGH 3.0.11-1~deb12u2
        libssl3 3.0.9-1 CVE-2024-6119 HIGH 3.0.14-1~deb12u2
        libssl3 3.0.9-1 CVE-2024-0727 MEDIUM 3.0.13-1~deb12u1
        PyYAML 3.13 CVE-2017-18342 CRITICAL 5.1
        PyYAML 3.13 CVE-2020-14343 CRITICAL 5.4
        django 1.11.0 CVE-2019-14234 CRITICAL 1.11.23
        django 1.11.0 CVE-2019-19844 CRITICAL 1.11.27
        django 1.11.0 CVE-2020-7471 CRITICAL 1.11.28
        django 1.11.0 CVE-2017-12794 MEDIUM 1.11.5
        flask 0.12.2 CVE-2018-1000656 HIGH 0.12.3
        flask 0.12.2 CVE-2019-1010083 HIGH 1.0
        flask 0.12.2 CVE-2023-30861 HIGH 2.2.5
        requests 2.19.1 CVE-2018-18074 HIGH 2.20.0
        requests 2.19.1 CVE-2023-32681 MEDIUM 2.31.0
        requests 2.19.1 CVE-2024-35195 MEDIUM 2.32.0
        requests 2.19.1 CVE-2024-47081 MEDIUM 2.32.4
    "]]
    .assert_eq(&lines(&report));
    let thresholds = Thresholds {
        fail_on: Some(Expression::at_least(Severity::Critical)),
        ..Thresholds::default()
    };
    let result = gate(&report, &thresholds);
    expect!["6 findings at or above CRITICAL: CVE-2024-5535 in libssl3 3.0.9-1 (fixed in 3.0.15-1~deb12u1), CVE-2017-18342 in PyYAML 3.13 (fixed in 5.1), CVE-2020-14343 in PyYAML 3.13 (fixed in 5.4), CVE-2019-14234 in django 1.11.0 (fixed in 1.11.23), CVE-2019-19844 in django 1.11.0 (fixed in 1.11.27) and 1 more"].assert_eq(&result.failures[0].describe(&report));
    expect!["upgrade `django` from 1.11.0 to 1.11.28: that repairs 4 findings"]
        .assert_eq(&result.failures[0].hint(&report).unwrap());
}
