//! Rules of matching.

use expect_test::{Expect, expect};
use sealift_model::{
    Advisory, Affected, Artifact, Ecosystem, Inventory, Package, PackageId, PackageKind, Qualifier,
    QualifierKind, RangeEvent, Rating, RatingBasis, Scope, Severity, Statement,
};
use sealift_scan::{Options, scan, wanted};

use crate::inventory::{
    advisory, database, deb, debian, inventory, lines, package, python, report,
};

fn check(inventory: &Inventory, advisories: Vec<Advisory>, expected: Expect) {
    expected.assert_eq(&lines(&report(inventory, &database(advisories))));
}

fn events(list: &[RangeEvent]) -> Vec<Vec<RangeEvent>> {
    vec![list.to_vec()]
}

fn text(text: &str) -> String {
    text.to_owned()
}

#[test]
fn python_names_are_compared_in_normal_form() {
    check(
        &inventory(None, vec![python("Ruamel_YAML", "1.0")]),
        vec![advisory("CVE-1-1", &[], "PyPI", "ruamel-yaml", "1.1")],
        expect![[r"
            Ruamel_YAML 1.0 CVE-1-1 UNKNOWN 1.1
        "]],
    );
}

#[test]
fn only_what_is_there_is_judged() {
    let of_scope = |name: &str, scope| {
        let mut package = python(name, "1.0");
        package.scope = scope;
        package
    };
    let packages = vec![
        of_scope("installed", Scope::Installed),
        of_scope("embedded", Scope::Embedded),
        of_scope("named", Scope::Declared),
        of_scope("tested", Scope::TestData),
    ];
    let about = |name: &str| advisory(&format!("CVE-1-{name}"), &[], "PyPI", name, "1.1");
    let advisories = ["installed", "embedded", "named", "tested"].map(about).into();
    check(
        &inventory(None, packages),
        advisories,
        expect![[r"
            embedded 1.0 CVE-1-embedded UNKNOWN 1.1
            installed 1.0 CVE-1-installed UNKNOWN 1.1
            note lock files and manifests: 1 package that is named and not installed is not judged; `--declared` judges them
        "]],
    );
}

#[test]
fn debian_goes_by_source_package_and_release() {
    check(
        &inventory(
            debian("12"),
            vec![deb("libssl3", "openssl", "3.0.9-1"), deb("openssl", "openssl", "3.0.9-1")],
        ),
        vec![
            advisory("DEBIAN-CVE-1-1", &[], "Debian:12", "openssl", "3.0.9-1+deb12u1"),
            advisory("DEBIAN-CVE-1-2", &[], "Debian:11", "openssl", "99"),
            advisory("DEBIAN-CVE-1-3", &[], "Debian", "openssl", "3.0.10"),
            advisory("DEBIAN-CVE-1-4", &[], "Debian:12", "libssl3", "99"),
        ],
        expect![[r"
            libssl3 3.0.9-1 DEBIAN-CVE-1-1 UNKNOWN 3.0.9-1+deb12u1
            libssl3 3.0.9-1 DEBIAN-CVE-1-3 UNKNOWN 3.0.10
            openssl 3.0.9-1 DEBIAN-CVE-1-1 UNKNOWN 3.0.9-1+deb12u1
            openssl 3.0.9-1 DEBIAN-CVE-1-3 UNKNOWN 3.0.10
        "]],
    );
}

#[test]
fn a_distributions_advisory_is_one_finding_for_each_of_its_cves() {
    let upstream = |id: &str, upstream: &[&str], fixed: &str| Advisory {
        upstream: upstream.iter().map(|id| (*id).to_owned()).collect(),
        ..advisory(id, &[], "Debian:12", "curl", fixed)
    };
    check(
        &inventory(debian("12"), vec![deb("curl", "curl", "7.1-1")]),
        vec![
            upstream("DSA-1-1", &["CVE-1-1", "CVE-1-2"], "7.1-2"),
            upstream("DSA-2-1", &["CVE-1-2"], "7.1-3"),
            upstream("DEBIAN-CVE-1-1", &["CVE-1-1"], "7.1-2"),
            upstream("DSA-3-1", &[], "7.1-9"),
        ],
        // The later fix of CVE-1-2 counts.
        expect![[r"
            curl 7.1-1 CVE-1-1 UNKNOWN 7.1-2
            curl 7.1-1 CVE-1-2 UNKNOWN 7.1-3
            curl 7.1-1 DSA-3-1 UNKNOWN 7.1-9
        "]],
    );
}

#[test]
fn a_python_package_of_a_deb_is_judged_by_its_distribution() {
    let owned = Package { owner: Some(PackageId(0)), ..python("requests", "2.28.1") };
    let inventory =
        inventory(debian("12"), vec![deb("python3-requests", "requests", "2.28.1+dfsg-1"), owned]);
    check(
        &inventory,
        vec![
            advisory("GHSA-1", &["CVE-1-1"], "PyPI", "requests", "2.31.0"),
            advisory("DEBIAN-CVE-1-9", &[], "Debian:12", "other", "1"),
        ],
        expect![""],
    );
}

#[test]
fn advisories_of_one_flaw_are_one_finding() {
    let mut second = advisory("GHSA-1", &["CVE-1-1"], "PyPI", "flask", "1.2");
    second.ratings =
        vec![Rating { source: text("ghsa"), severity: Severity::High, basis: RatingBasis::Word }];
    let inventory = inventory(None, vec![python("flask", "1.0")]);
    let advisories = database(vec![
        advisory("PYSEC-1", &["GHSA-1"], "PyPI", "flask", "1.1"),
        second,
        advisory("PYSEC-2", &["GHSA-2"], "PyPI", "flask", "1.1"),
        advisory("PYSEC-3", &["CVE-1-3", "CVE-1-4"], "PyPI", "flask", "1.1"),
    ]);
    let report = report(&inventory, &advisories);
    expect![[r"
        flask 1.0 CVE-1-1 HIGH 1.2
        flask 1.0 CVE-1-3 UNKNOWN 1.1
        flask 1.0 CVE-1-4 UNKNOWN 1.1
        flask 1.0 GHSA-2 UNKNOWN 1.1
    "]]
    .assert_eq(&lines(&report));
    assert_eq!(report.findings[0].aliases, ["GHSA-1", "PYSEC-1"]);
    assert_eq!(report.findings[0].advisories, ["GHSA-1", "PYSEC-1"]);
    assert_eq!(report.remedies.len(), 1);
    assert_eq!((report.remedies[0].to.as_str(), report.remedies[0].repairs), ("1.2", 4));
    expect!["PYSEC-1 says that PyPI flask is affected in < 1.1; installed is 1.0 (PEP 440 order)"]
        .assert_eq(&report.findings[0].reasons[1].to_string());
}

#[test]
fn versions_by_name_count_beside_ranges() {
    let mut listed = advisory("CVE-1-1", &[], "PyPI", "flask", "0.9");
    listed.affected[0].versions = vec![text("1.0.0"), text("not a version")];
    listed.affected[0].ranges[0]
        .extend([RangeEvent::Introduced(text("1.5")), RangeEvent::Fixed(text("1.6"))]);
    check(
        &inventory(None, vec![python("flask", "1.0"), python("Flask", "1.1")]),
        vec![listed],
        expect![[r"
            flask 1.0 CVE-1-1 UNKNOWN 1.6
        "]],
    );
}

#[test]
fn the_fix_must_not_be_affected_itself() {
    let mut two_branches = advisory("CVE-1-1", &[], "PyPI", "flask", "1.5");
    two_branches.affected.push(Affected {
        ranges: events(&[RangeEvent::Introduced(text("1.5")), RangeEvent::Fixed(text("2.0"))]),
        ..two_branches.affected[0].clone()
    });
    let mut never_again = advisory("CVE-1-2", &[], "PyPI", "flask", "1.5");
    never_again.affected.push(Affected {
        ranges: events(&[RangeEvent::Introduced(text("1.5"))]),
        ..never_again.affected[0].clone()
    });
    let mut last = advisory("CVE-1-3", &[], "PyPI", "flask", "1");
    last.affected[0].ranges =
        events(&[RangeEvent::Introduced(text("0")), RangeEvent::LastAffected(text("1.0"))]);
    check(
        &inventory(None, vec![python("flask", "1.0")]),
        vec![two_branches, never_again, last],
        expect![[r"
            flask 1.0 CVE-1-1 UNKNOWN 2.0
            flask 1.0 CVE-1-2 UNKNOWN affected
            flask 1.0 CVE-1-3 UNKNOWN affected
        "]],
    );
}

#[test]
fn the_distributions_word_comes_first() {
    let cvss = |severity| Rating { source: text("nvd"), severity, basis: RatingBasis::Word };
    let mut unimportant = advisory("DEBIAN-CVE-1-1", &[], "Debian:12", "tar", "99");
    unimportant.upstream = vec![text("CVE-1-1")];
    unimportant.ratings = vec![cvss(Severity::Critical)];
    unimportant.affected[0].ratings = vec![Rating {
        source: text("debian"),
        severity: Severity::Negligible,
        basis: RatingBasis::Distribution,
    }];
    unimportant.affected[0].ranges = events(&[RangeEvent::Introduced(text("0"))]);
    unimportant.affected[0].statement = Statement::EndOfLife;
    // Another record on the same CVE adds its rating, whatever package it is about.
    let mut enriching = advisory("CVE-1-2", &[], "PyPI", "other", "1");
    enriching.ratings = vec![cvss(Severity::High)];
    enriching.summary = Some(text("what it is"));
    let mut bare = advisory("DEBIAN-CVE-1-2", &[], "Debian:12", "tar", "99");
    bare.upstream = vec![text("CVE-1-2")];
    let inventory = inventory(debian("12"), vec![deb("tar", "tar", "1")]);
    let report = report(&inventory, &database(vec![unimportant, enriching, bare]));
    expect![[r"
        tar 1 CVE-1-2 HIGH 99
        tar 1 CVE-1-1 NEGLIGIBLE end_of_life
    "]]
    .assert_eq(&lines(&report));
    assert_eq!(report.findings[0].title, "what it is");
    assert_eq!(report.findings[1].severity_source.as_deref(), Some("debian"));
}

#[test]
fn what_cannot_be_judged_is_said() {
    check(
        &inventory(
            debian("12"),
            vec![
                deb("tar", "tar", "<none>"),
                package(PackageKind::Deb, "sed", None),
                package(PackageKind::Python, "nameless", None),
                python("odd", "1.0-odd-version"),
            ],
        ),
        vec![
            advisory("CVE-1-1", &[], "Debian:12", "tar", "99"),
            advisory("CVE-1-2", &[], "PyPI", "odd", "99"),
        ],
        expect![[r"
            note odd: not judged: `1.0-odd-version` is not a PEP 440 version: what follows the release is no pre-, post- or development release
            note sed, nameless: not judged: its version is not known
            note tar: not judged: `<none>` is not a dpkg version: the upstream part does not start with a digit
        "]],
    );
}

#[test]
fn other_distributions_are_not_judged_by_debians_advisories() {
    let mut distro = debian("22.04");
    distro.id = "linuxmint".to_owned();
    let inventory = inventory(distro, vec![deb("tar", "tar", "1"), python("flask", "1.0")]);
    assert_eq!(wanted(&inventory), [Ecosystem::parse("PyPI")]);
    let advisories = vec![advisory("CVE-1-1", &[], "Debian:12", "tar", "99")];
    let report = report(&inventory, &database(advisories));
    expect![[r"
        note flask: not judged: there are no advisories for PyPI
        note tar: not judged: distribution `linuxmint` cannot be judged yet
    "]]
    .assert_eq(&lines(&report));
    assert!(report.scanned.iter().all(|entry| (entry.packages, entry.judged) == (1, 0)));
}

#[test]
fn an_unreadable_range_is_noted_and_hides_nothing_else() {
    let bad = advisory("CVE-1-1", &[], "Debian:12", "tar", "<unfixed>");
    let good = advisory("CVE-1-2", &[], "Debian:12", "tar", "99");
    check(
        &inventory(debian("12"), vec![deb("tar", "tar", "1")]),
        vec![bad, good],
        expect![[r"
            tar 1 CVE-1-2 UNKNOWN 99
            note CVE-1-1: a range for `tar` cannot be judged: `<unfixed>` is not a dpkg version: the upstream part does not start with a digit
        "]],
    );
}

#[test]
fn what_options_hide_is_counted() {
    let mut unfixed = advisory("CVE-1-1", &[], "PyPI", "flask", "1");
    unfixed.affected[0].ranges = events(&[RangeEvent::Introduced(text("0"))]);
    let high = Rating { source: text("x"), severity: Severity::High, basis: RatingBasis::Word };
    unfixed.ratings = vec![high.clone()];
    let mut fixed = advisory("CVE-1-2", &[], "PyPI", "flask", "2");
    fixed.ratings = vec![high];
    let unknown = advisory("CVE-1-3", &[], "PyPI", "flask", "2");
    let options = Options {
        severities: vec![Severity::High, Severity::Critical],
        ignore_unfixed: true,
        ..Options::default()
    };
    let report = scan(
        &inventory(None, vec![python("flask", "1.0")]),
        &database(vec![unfixed, fixed, unknown]),
        &options,
        Artifact::default(),
        0,
    )
    .unwrap();
    expect![[r"
        flask 1.0 CVE-1-2 HIGH 2
    "]]
    .assert_eq(&lines(&report));
    assert_eq!(report.hidden.by_severity, [(Severity::Unknown, 1)]);
    assert_eq!(report.hidden.unfixed, 1);
}

#[test]
fn an_all_clear_for_the_release_outweighs_a_warning() {
    let mut clear = advisory("DEBIAN-CVE-1-1", &["CVE-1-1"], "Debian:12", "tar", "99");
    clear.affected[0].statement = Statement::NotAffected;
    let mut general = advisory("X-2", &["CVE-1-2"], "Debian", "tar", "99");
    general.affected[0].statement = Statement::NotAffected;
    let mut past = advisory("DEBIAN-CVE-1-3", &["CVE-1-3"], "Debian:12", "tar", "0.5");
    past.affected[0].statement = Statement::NotAffected;
    check(
        &inventory(debian("12"), vec![deb("tar", "tar", "1")]),
        vec![
            clear,
            advisory("X-1", &["CVE-1-1"], "Debian:12", "tar", "99"),
            general,
            advisory("DEBIAN-CVE-1-2", &["CVE-1-2"], "Debian:12", "tar", "99"),
            past,
            advisory("X-3", &["CVE-1-3"], "Debian:12", "tar", "99"),
        ],
        expect![[r"
            tar 1 CVE-1-2 UNKNOWN 99
            tar 1 CVE-1-3 UNKNOWN 99
        "]],
    );
}

#[test]
fn conditions_on_a_build() {
    let of = |id: &str, kind, value: &str| {
        let fixed = if kind == QualifierKind::Module { "9:99" } else { "9:99-1.module_el8" };
        let mut advisory = advisory(id, &[], "AlmaLinux:8", "nodejs", fixed);
        advisory.affected[0].qualifiers = vec![Qualifier { kind, value: value.to_owned() }];
        advisory
    };
    let mut doubtful_clear = of("CVE-1-6", QualifierKind::Product, "cpe:/o:x");
    doubtful_clear.affected[0].statement = Statement::NotAffected;
    let mut node = package(PackageKind::Rpm, "nodejs", Some("1:18.1-1.module_el8"));
    node.purl.qualifiers.insert(text("rpmmod"), text("nodejs:18:8090:abc"));
    node.architecture = Some(text("x86_64"));
    let in_module = advisory("CVE-1-7", &[], "AlmaLinux:8", "nodejs", "1:18.2-1.module_el8");
    let distro = sealift_model::Distro { id: text("almalinux"), ..debian("8.9") };
    check(
        &inventory(distro, vec![node, package(PackageKind::Rpm, "nodejs", Some("1:18.1-1.el8"))]),
        vec![
            of("CVE-1-1", QualifierKind::Module, "nodejs:18"),
            of("CVE-1-2", QualifierKind::Module, "nodejs:20"),
            of("CVE-1-3", QualifierKind::Architecture, "x86_64"),
            of("CVE-1-4", QualifierKind::Architecture, "s390x"),
            of("CVE-1-5", QualifierKind::Product, "cpe:/o:x"),
            doubtful_clear,
            in_module,
            advisory("CVE-1-8", &[], "AlmaLinux:8", "nodejs", "9:99-1.el8"),
        ],
        expect![[r"
            nodejs 1:18.1-1.el8 CVE-1-8 UNKNOWN 9:99-1.el8
            nodejs 1:18.1-1.module_el8 CVE-1-1 UNKNOWN 9:99
            nodejs 1:18.1-1.module_el8 CVE-1-3 UNKNOWN 9:99-1.module_el8
            nodejs 1:18.1-1.module_el8 CVE-1-5 UNKNOWN 9:99-1.module_el8
            nodejs 1:18.1-1.module_el8 CVE-1-7 UNKNOWN 1:18.2-1.module_el8
            note CVE-1-5: it holds for some builds of `nodejs` only, and whether for this one is not known: product cpe:/o:x
            note CVE-1-6: it holds for some builds of `nodejs` only, and whether for this one is not known: product cpe:/o:x
        "]],
    );
}

#[test]
fn languages_without_an_order_are_said() {
    check(
        &inventory(None, vec![package(PackageKind::Julia, "x", Some("1"))]),
        Vec::new(),
        expect![[r"
            note x: not judged: `julia` packages cannot be judged yet
        "]],
    );
}

#[test]
fn how_to_get_an_upgrade() {
    let npm = package(PackageKind::Npm, "lodash", Some("4.0.0"));
    let evil = package(PackageKind::Npm, "a;reboot", Some("1.0.0"));
    let rebuilt = Package { version: Some(text("1.0-1+b1")), ..deb("libz1", "zlib", "1.0-1") };
    let packages = vec![
        deb("libcurl4", "curl", "7.1-1"),
        deb("curl", "curl", "7.1-1"),
        rebuilt,
        npm,
        evil,
        python("flask", "1.0"),
    ];
    let inventory = inventory(debian("12"), packages);
    let advisories = database(vec![
        advisory("DEBIAN-CVE-1-1", &[], "Debian:12", "curl", "7.1-2"),
        advisory("DEBIAN-CVE-1-2", &[], "Debian:12", "zlib", "1.0-2"),
        advisory("CVE-1-3", &[], "npm", "lodash", "4.17.21"),
        advisory("CVE-1-4", &[], "npm", "a;reboot", "2.0.0"),
        advisory("CVE-1-5", &[], "PyPI", "flask", "2.0"),
    ]);
    let report = report(&inventory, &advisories);
    let actions: Vec<String> = report
        .remedies
        .iter()
        .map(|remedy| format!("{}: {}\n", remedy.name, remedy.action.as_deref().unwrap_or("-")))
        .collect();
    expect![[r"
        curl: apt-get install --only-upgrade curl=7.1-2 libcurl4=7.1-2
        zlib: apt-get install --only-upgrade libz1
        flask: in the requirements: flask>=2.0
        a;reboot: -
        lodash: npm install lodash@4.17.21
    "]]
    .assert_eq(&actions.concat());
}

#[test]
fn a_rebuilt_package_has_what_it_was_rebuilt_from() {
    let of = |version: &str| deb("libxml2", "libxml2", version);
    let packages =
        ["1.2-3~deb12u6", "1.2-3~bpo12+1", "1.2-3~rc1", "1.2-2+deb12u1", "1.2-3"].map(of);
    check(
        &inventory(debian("12"), packages.to_vec()),
        vec![advisory("DEBIAN-CVE-1-1", &["CVE-1-1"], "Debian:12", "libxml2", "1.2-3")],
        expect![[r"
            libxml2 1.2-2+deb12u1 CVE-1-1 UNKNOWN 1.2-3
            libxml2 1.2-3~rc1 CVE-1-1 UNKNOWN 1.2-3
        "]],
    );
}
