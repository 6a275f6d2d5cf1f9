//! A publisher's own feed, and a copy of it in another form.

use sealift_model::{Advisory, Affected, Ecosystem, RangeEvent, Statement};

use crate::inventory::{advisory, database, deb, debian, inventory, lines, report};

fn own(statement: Statement, fixed: Option<&str>) -> Advisory {
    let mut events = vec![RangeEvent::Introduced("0".to_owned())];
    events.extend(fixed.map(|version| RangeEvent::Fixed(version.to_owned())));
    let affected = Affected {
        ecosystem: Ecosystem::parse("Debian:12"),
        name: "curl".to_owned(),
        ranges: vec![events],
        statement,
        ..Affected::default()
    };
    Advisory {
        id: "DEBIAN-CVE-2023-0001".to_owned(),
        upstream: vec!["CVE-2023-0001".to_owned()],
        affected: vec![affected],
        is_original: true,
        ..Advisory::default()
    }
}

fn check(own: Advisory, installed: &str, expected: &str) {
    let copy = |ecosystem: &str| Advisory {
        upstream: vec!["CVE-2023-0001".to_owned()],
        ..advisory("DEBIAN-CVE-2023-0001", &[], ecosystem, "curl", "9")
    };
    let bulletin = Advisory {
        upstream: vec!["CVE-2023-0001".to_owned()],
        ..advisory("DSA-1-1", &[], "Debian:12", "curl", "5")
    };
    let database = database(vec![copy("Debian:12"), copy("Debian:11"), own, bulletin]);
    let inventory = inventory(debian("12"), vec![deb("curl", "curl", installed)]);
    assert_eq!(lines(&report(&inventory, &database)), expected, "{installed}");
}

#[test]
fn the_publishers_own_is_right() {
    check(own(Statement::Affected, Some("5")), "4", "curl 4 CVE-2023-0001 UNKNOWN 5\n");
    check(own(Statement::Affected, Some("5")), "6", "");
    check(own(Statement::NotAffected, None), "4", "");
    check(own(Statement::WillNotFix, None), "6", "curl 6 CVE-2023-0001 UNKNOWN will_not_fix\n");
    check(own(Statement::EndOfLife, None), "6", "curl 6 CVE-2023-0001 UNKNOWN end_of_life\n");
}

#[test]
fn what_only_the_copy_knows_is_kept() {
    let copy = Advisory {
        summary: Some("it overflows".to_owned()),
        references: vec!["https://example.com/a".to_owned()],
        ..advisory("DEBIAN-CVE-2023-0001", &["ALIAS-1"], "Debian:12", "curl", "9")
    };
    let inventory = inventory(debian("12"), vec![deb("curl", "curl", "4")]);
    let database = database(vec![copy, own(Statement::Affected, Some("5"))]);
    assert_eq!(database.records(), 1);
    let report = report(&inventory, &database);
    let [finding] = &report.findings[..] else { panic!("one finding") };
    assert_eq!(finding.title, "it overflows");
    assert_eq!(finding.references, ["https://example.com/a"]);
    assert_eq!(finding.fix.version(), Some("5"));
}
