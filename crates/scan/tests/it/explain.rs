//! Why a flaw is reported here and not there.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use sealift_exception::Exceptions;
use sealift_model::{
    Artifact, PackageId, PackageKind, Qualifier, QualifierKind, Scope, Severity, Statement,
};
use sealift_scan::{Options, Verdict, explain, scan};

use crate::inventory::{advisory, database, deb, debian, inventory, package, python};

fn check(options: &Options, id: &str, name: Option<&str>, expected: Expect) {
    let mut owned = python("flask", "1.0");
    owned.owner = Some(PackageId(0));
    let mut declared = python("flask", "1.1");
    declared.scope = Scope::Declared;
    let mut arm = deb("libarm", "arm", "1");
    arm.architecture = Some("arm64".to_owned());
    let inventory = inventory(
        debian("12"),
        vec![
            deb("python3-flask", "flask", "1.0-1"),
            deb("cleared", "cleared", "1"),
            arm,
            owned,
            declared,
            python("flask", "1.2"),
            python("flask", "3.0"),
            package(PackageKind::Python, "flask", None),
            python("other", "1"),
        ],
    );
    let mut cleared = advisory("DEBIAN-2", &["CVE-1-1"], "Debian:12", "cleared", "9");
    cleared.affected[0].statement = Statement::NotAffected;
    let mut amd64 = advisory("DEBIAN-3", &["CVE-1-1"], "Debian:12", "arm", "9");
    let value = "amd64".to_owned();
    amd64.affected[0].qualifiers = vec![Qualifier { kind: QualifierKind::Architecture, value }];
    let advisories = database(vec![
        advisory("PYSEC-1", &["CVE-1-1"], "PyPI", "flask", "2.0"),
        advisory("DEBIAN-1", &["CVE-1-1"], "Debian:12", "flask", "0.9"),
        cleared,
        amd64,
        advisory("DEBIAN-4", &["CVE-1-1"], "Debian:12", "absent", "9"),
        advisory("DEBIAN-5", &["CVE-1-1"], "Debian:11", "flask", "9"),
        advisory("CVE-1-2", &[], "PyPI", "other", "2.0"),
    ]);
    let report = scan(&inventory, &advisories, options, Artifact::default(), 0).unwrap();
    let explained = explain(&inventory, &advisories, options, &report, (id, name)).unwrap();
    let mut out = String::new();
    for explanation in explained {
        writeln!(out, "{} by {}", explanation.id, explanation.advisories.join(" ")).unwrap();
        for package in explanation.packages {
            let version = package.version.as_deref().unwrap_or("?");
            let verdict = match package.verdict {
                Verdict::Suppressed(by) => format!("suppressed by {}", by.place),
                other => format!("{other:?}"),
            };
            writeln!(out, "{} {version}: {verdict}", package.name).unwrap();
            for told in package.rows {
                writeln!(out, "  {} {:?} {}", told.advisory, told.outcome, told.says).unwrap();
            }
        }
        for (ecosystem, name, says) in explanation.absent {
            writeln!(out, "absent {ecosystem} {name}: {says}").unwrap();
        }
    }
    expected.assert_eq(&out);
}

#[test]
fn each_package_has_its_reason() {
    check(
        &Options::default(),
        "PYSEC-1",
        None,
        expect![[r#"
        CVE-1-1 by DEBIAN-1 DEBIAN-2 DEBIAN-3 DEBIAN-4 DEBIAN-5 PYSEC-1
        python3-flask 1.0-1: NotAffected
          DEBIAN-1 OtherVersion affected: < 0.9
        cleared 1: NotAffected
          DEBIAN-2 Denied not affected: < 9
        libarm 1: NotAffected
          DEBIAN-3 OtherBuild affected: < 9
        flask 1.0: Owned("python3-flask")
          PYSEC-1 Affected affected: < 2.0
        flask 1.1: NotInstalled("a file merely names it")
          PYSEC-1 Affected affected: < 2.0
        flask 1.2: Finding { severity: Unknown, fixed: Some("2.0") }
          PYSEC-1 Affected affected: < 2.0
        flask 3.0: NotAffected
          PYSEC-1 OtherVersion affected: < 2.0
        flask ?: Unjudged("its version is not known")
        absent Debian:12 absent: affected: < 9
    "#]],
    );
}

#[test]
fn a_name_narrows() {
    check(
        &Options::default(),
        "CVE-1-1",
        Some("other"),
        expect![[r"
        CVE-1-1 by DEBIAN-1 DEBIAN-2 DEBIAN-3 DEBIAN-4 DEBIAN-5 PYSEC-1
        other 1: NotNamed
    "]],
    );
    check(
        &Options::default(),
        "CVE-1-1",
        Some("cleared"),
        expect![[r"
        CVE-1-1 by DEBIAN-1 DEBIAN-2 DEBIAN-3 DEBIAN-4 DEBIAN-5 PYSEC-1
        cleared 1: NotAffected
          DEBIAN-2 Denied not affected: < 9
    "]],
    );
    check(&Options::default(), "CVE-9-9", None, expect![[""]]);
}

#[test]
fn what_is_answered_for_or_left_out_says_so() {
    let mut exceptions = Exceptions::default();
    exceptions.read_ignores(".trivyignore", "CVE-1-2").unwrap();
    check(
        &Options { exceptions, ..Options::default() },
        "CVE-1-2",
        None,
        expect![[r"
        CVE-1-2 by CVE-1-2
        other 1: suppressed by .trivyignore:1
          CVE-1-2 Affected affected: < 2.0
    "]],
    );
    let severities = vec![Severity::High];
    check(
        &Options { severities, ..Options::default() },
        "CVE-1-2",
        None,
        expect![[r#"
        CVE-1-2 by CVE-1-2
        other 1: LeftOut("`--severity` does not list its severity")
          CVE-1-2 Affected affected: < 2.0
    "#]],
    );
}
