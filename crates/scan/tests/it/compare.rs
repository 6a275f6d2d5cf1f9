//! What has changed since an older image or report.

use sealift_model::{Package, Report};
use sealift_scan::{Earlier, compare, only_new};

use crate::inventory::{advisory, database, debian, inventory, python, report};

fn advisories() -> sealift_database::Database {
    database(vec![
        advisory("CVE-1", &["GHSA-1"], "PyPI", "flask", "2.0"),
        advisory("CVE-2", &[], "PyPI", "flask", "3.0"),
        advisory("CVE-3", &[], "PyPI", "django", "4.0"),
    ])
}

fn of(packages: Vec<Package>) -> (Report, Earlier) {
    let inventory = inventory(debian("12"), packages);
    let report = report(&inventory, &advisories());
    (report.clone(), Earlier::of_image(&inventory, report))
}

fn summary(report: &Report) -> String {
    let comparison = report.comparison.as_ref().unwrap();
    let id = |place: &usize| report.findings[*place].id.clone();
    let fixed: Vec<_> = comparison.fixed.iter().map(|finding| finding.id.clone()).collect();
    let left: Vec<_> = comparison.left.iter().map(id).collect();
    let new: Vec<_> =
        comparison.new.iter().map(|(place, why)| format!("{} {why:?}", id(place))).collect();
    format!("fixed {}; left {}; new {}", fixed.join(" "), left.join(" "), new.join(" "))
}

#[test]
fn an_upgrade_and_a_new_package() {
    let (_, old) = of(vec![python("flask", "1.0")]);
    let (mut new, _) = of(vec![python("flask", "2.1"), python("django", "3.0")]);
    compare(&mut new, &old);
    assert_eq!(summary(&new), "fixed CVE-1; left CVE-2; new CVE-3 Introduced");

    only_new(&mut new);
    assert_eq!(summary(&new), "fixed CVE-1; left ; new CVE-3 Introduced");
    assert_eq!((new.findings.len(), new.hidden.known, new.remedies.len()), (1, 1, 1));
    assert_eq!(new.remedies[0].name, "django");
}

#[test]
fn a_flaw_that_became_known() {
    let (mut new, mut old) = of(vec![python("flask", "1.0")]);
    old.findings.retain(|finding| finding.id == "CVE-1");
    compare(&mut new, &old);
    assert_eq!(summary(&new), "fixed ; left CVE-1; new CVE-2 Disclosed");

    // By another id, and from a report that does not list packages.
    old.packages = None;
    old.findings[0].id = "GHSA-1".to_owned();
    old.findings[0].aliases.clear();
    compare(&mut new, &old);
    assert_eq!(summary(&new), "fixed ; left CVE-1; new CVE-2 Disclosed");

    old.findings[0].package.version = "0.9".to_owned();
    compare(&mut new, &old);
    assert_eq!(summary(&new), "fixed ; left CVE-1; new CVE-2 Introduced");
    new.findings[1].published = Some("2030-01-01T00:00:00Z".to_owned());
    compare(&mut new, &old);
    assert_eq!(summary(&new), "fixed ; left CVE-1; new CVE-2 Disclosed");
}

#[test]
fn the_same_in_another_kind_of_package_is_another() {
    let (mut new, mut old) = of(vec![python("flask", "1.0")]);
    for finding in &mut old.findings {
        finding.package.kind = sealift_model::PackageKind::Npm;
    }
    compare(&mut new, &old);
    assert_eq!(summary(&new), "fixed CVE-1 CVE-2; left ; new CVE-1 Disclosed CVE-2 Disclosed");
}
