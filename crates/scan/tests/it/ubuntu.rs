//! Ubuntu: the plain archive, and what is only for those who pay.

use expect_test::{Expect, expect};
use sealift_model::{
    Advisory, Affected, Distro, FixState, RangeEvent, Rating, RatingBasis, Severity,
};

use crate::inventory::{advisory, database, deb, inventory, lines, report};

fn ubuntu() -> Distro {
    Distro { id: "ubuntu".to_owned(), version_id: Some("22.04".to_owned()), ..Distro::default() }
}

// A record on one package, in a release; never repaired without a version.
fn record(cve: &str, ecosystem: &str, fixed: Option<&str>) -> Advisory {
    let plain = advisory(&format!("UBUNTU-{cve}"), &[], ecosystem, "netty", fixed.unwrap_or("1"));
    let events = vec![RangeEvent::Introduced("0".to_owned())];
    let open = |it: Affected| Affected { ranges: vec![events.clone()], ..it };
    let affected = plain.affected.into_iter();
    Advisory {
        upstream: vec![cve.to_owned()],
        affected: match fixed {
            Some(_) => affected.collect(),
            None => affected.map(open).collect(),
        },
        ..plain
    }
}

fn check(advisories: Vec<Advisory>, installed: &str, expected: Expect) {
    let inventory = inventory(ubuntu(), vec![deb("netty", "netty", installed)]);
    let report = report(&inventory, &database(advisories));
    let mut text = lines(&report);
    for finding in &report.findings {
        if let FixState::Subscription(version) = &finding.fix {
            text.push_str(&format_args!("subscription: {version}\n").to_string());
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn a_repair_that_costs_is_no_plain_one() {
    let paid = || vec![record("CVE-2022-1001", "Ubuntu:Pro:22.04:LTS", Some("1-1+esm1"))];
    check(
        paid(),
        "1-1",
        expect![[r"
        netty 1-1 CVE-2022-1001 UNKNOWN affected
        subscription: 1-1+esm1
    "]],
    );
    check(paid(), "1-1+esm1", expect![""]);
    let mut both = paid();
    both.push(Advisory {
        id: "USN-1-1".to_owned(),
        ..record("CVE-2022-1001", "Ubuntu:22.04:LTS", Some("1-2"))
    });
    check(
        both,
        "1-1",
        expect![[r"
        netty 1-1 CVE-2022-1001 UNKNOWN 1-2
    "]],
    );
    let mut open = paid();
    open.push(Advisory {
        id: "USN-1-1".to_owned(),
        ..record("CVE-2022-1001", "Ubuntu:22.04:LTS", None)
    });
    check(
        open,
        "1-1",
        expect![[r"
        netty 1-1 CVE-2022-1001 UNKNOWN affected
        subscription: 1-1+esm1
    "]],
    );
}

#[test]
fn a_build_for_those_who_pay_is_judged_as_such() {
    let said = || {
        vec![
            record("CVE-2022-1001", "Ubuntu:Pro:22.04:LTS", Some("1-1+esm1")),
            Advisory { id: "Z-1".to_owned(), ..record("CVE-2022-1001", "Ubuntu:22.04:LTS", None) },
        ]
    };
    check(said(), "1-1+esm1", expect![""]);
    check(
        said(),
        "1-2",
        expect![[r"
        netty 1-2 CVE-2022-1001 UNKNOWN affected
    "]],
    );
}

#[test]
fn certified_builds_are_apart() {
    let certified =
        || vec![record("CVE-2022-1001", "Ubuntu:Pro:FIPS-updates:22.04:LTS", Some("1-1+Fips2"))];
    check(certified(), "1-1", expect![""]);
    check(
        certified(),
        "1-1+Fips1",
        expect![[r"
        netty 1-1+Fips1 CVE-2022-1001 UNKNOWN affected
        subscription: 1-1+Fips2
    "]],
    );
    check(certified(), "1-1+Fips2", expect![""]);
}

#[test]
fn the_word_of_another_distribution_does_not_count() {
    let rated = |id: &str, ecosystem: &str, severity: Severity| Advisory {
        id: id.to_owned(),
        ratings: vec![Rating {
            source: ecosystem.to_lowercase(),
            severity,
            basis: RatingBasis::Distribution,
        }],
        ..record("CVE-2022-1001", ecosystem, Some("2"))
    };
    let said = vec![
        rated("A-1", "Debian:12", Severity::Critical),
        rated("UBUNTU-CVE-2022-1001", "Ubuntu:22.04:LTS", Severity::Low),
    ];
    check(
        said,
        "1",
        expect![[r"
        netty 1 CVE-2022-1001 LOW 2
    "]],
    );
}
