//! How long releases are looked after.

use std::collections::BTreeMap;

use sealift_database::{Contents, Database, build};
use sealift_model::{Artifact, Distro, Ecosystem, Inventory, Life, ReleaseLife};
use sealift_scan::{Options, scan};

const DAY_SECS: i64 = 86_400;
// 2024-07-01
const NOW_SECS: i64 = 19_905 * DAY_SECS;

fn check(id: &str, version: &str, now_secs: i64, expected: &str) {
    let life = Life { ends: "2024-07-01".to_owned(), extended_ends: None };
    let lives = BTreeMap::from([(Ecosystem::parse("Debian:99"), life)]);
    let built = build(Contents { lives, ..Contents::default() });
    let database = Database::of_bytes(built.core, None).unwrap();
    let version_id = Some(version.to_owned());
    let distro = Distro { id: id.to_owned(), version_id, ..Distro::default() };
    let inventory = Inventory { distro: Some(distro), ..Inventory::default() };
    let report =
        scan(&inventory, &database, &Options::default(), Artifact::default(), now_secs).unwrap();
    let line = report.life.map_or_else(String::new, |life: ReleaseLife| {
        let extended = life.extended_ends.unwrap_or_default();
        format!("{} {} {extended} {}", life.release, life.ends, life.is_over)
    });
    assert_eq!(line, expected, "{id} {version}");
}

#[test]
fn releases() {
    check("debian", "10", NOW_SECS, "Debian 10 2024-06-30 2029-06-30 true");
    check("debian", "10", NOW_SECS - DAY_SECS, "Debian 10 2024-06-30 2029-06-30 false");
    check("ubuntu", "22.04", NOW_SECS, "Ubuntu 22.04 LTS 2027-06-01 2034-04-25 false");
    check("alpine", "3.16.2", NOW_SECS, "Alpine 3.16 2024-05-23  true");
    check("alpine", "edge", NOW_SECS, "");
    check("centos", "7", NOW_SECS, "CentOS 7 2024-06-30  true");
    check("rhel", "7.9", NOW_SECS, "Red Hat Enterprise Linux 7 2024-06-30 2028-06-30 true");
    check("opensuse-leap", "15.5", NOW_SECS, "openSUSE Leap 15.5 2024-12-31  false");
    check("wolfi", "1", NOW_SECS, "");
    check("unknown", "1", NOW_SECS, "");
}

#[test]
fn the_database_knows_more() {
    // The last day still counts.
    check("debian", "99", NOW_SECS + DAY_SECS - 1, "Debian 99 2024-07-01  false");
    check("debian", "99", NOW_SECS + DAY_SECS, "Debian 99 2024-07-01  true");
    check("debian", "99", i64::MAX, "Debian 99 2024-07-01  false");
}
