//! Packages of SUSE: by their own names and by those of their sources, of products that a server has.

use expect_test::{Expect, expect};
use sealift_model::{
    Advisory, Distro, Package, PackageKind, Qualifier, QualifierKind, SourcePackage, Statement,
};

use crate::inventory::{advisory, database, inventory, lines, package, report};

fn of(id: &str, name: &str, product: &str, fixed: &str) -> Advisory {
    let mut advisory = advisory(id, &[], "SUSE:15.5", name, fixed);
    let product = Qualifier { kind: QualifierKind::Product, value: product.to_owned() };
    advisory.affected[0].qualifiers = vec![product];
    advisory
}

fn libcurl(version: &str) -> Package {
    let source = SourcePackage { name: "curl".to_owned(), version: "8.0-150400.5.1".to_owned() };
    Package { source: Some(source), ..package(PackageKind::Rpm, "libcurl4", Some(version)) }
}

fn check(package: Package, advisories: Vec<Advisory>, expected: Expect) {
    let distro =
        Distro { id: "sles".to_owned(), version_id: Some("15.5".to_owned()), ..Distro::default() };
    expected.assert_eq(&lines(&report(&inventory(distro, vec![package]), &database(advisories))));
}

#[test]
fn names_and_products() {
    let base = "Linux Enterprise Module for Basesystem 15 SP5";
    let advisories = || {
        let mut clear = of("CVE-1-7", "libcurl4", "Linux Enterprise Server 15 SP5", "9");
        clear.affected[0].statement = Statement::NotAffected;
        vec![
            of("CVE-1-1", "libcurl4", base, "8.0-150400.5.2"),
            of("CVE-1-2", "curl", "Linux Enterprise Server 15 SP5-LTSS", "8.0-150400.5.3"),
            of("CVE-1-3", "libcurl4", base, "8.0-150400.5.1"),
            of("CVE-1-4", "libcurl4", "Linux Enterprise Server for SAP Applications 15 SP5", "9"),
            of("CVE-1-5", "libcurl4", "Linux Enterprise Module for Certifications 15 SP5", "9"),
            of("CVE-1-6", "curl-other", base, "9"),
            of("CVE-1-7", "curl", base, "9"),
            clear,
        ]
    };
    check(
        libcurl("8.0-150400.5.1"),
        advisories(),
        expect![[r"
        libcurl4 8.0-150400.5.1 CVE-1-1 UNKNOWN 8.0-150400.5.2
        libcurl4 8.0-150400.5.1 CVE-1-2 UNKNOWN 8.0-150400.5.3
    "]],
    );
    check(
        libcurl("1:8.0-150400.5.1"),
        advisories(),
        expect![[r"
        libcurl4 1:8.0-150400.5.1 CVE-1-1 UNKNOWN 8.0-150400.5.2
        libcurl4 1:8.0-150400.5.1 CVE-1-2 UNKNOWN 8.0-150400.5.3
    "]],
    );
    check(
        libcurl("7.0-1"),
        advisories(),
        expect![[r"
        note libcurl4: not judged: its version is not that of its source package, whose epoch is not known
    "]],
    );
}
