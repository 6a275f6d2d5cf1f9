//! Gate expressions.

use expect_test::expect;
use sealift_model::{
    Cvss, CvssVersion, DataSource, Epss, Finding, FixState, FoundPackage, Kev, Origin, PackageId,
    PackageKind, Rating, RatingBasis, Report, Severity,
};
use sealift_scan::{Expression, sort_by_risk};

// A finding for each thing that an expression can tell apart; their ids are what they are.
fn findings() -> Vec<Finding> {
    let make = |id: &str, severity: Severity| Finding {
        id: id.to_owned(),
        aliases: Vec::new(),
        advisories: Vec::new(),
        package: FoundPackage {
            id: PackageId(0),
            kind: PackageKind::Npm,
            name: "x".to_owned(),
            version: "1".to_owned(),
            source_name: None,
            purl: "pkg:npm/x@1".to_owned(),
            path: None,
            layer: None,
        },
        fix: FixState::Affected,
        severity,
        severity_source: None,
        ratings: Vec::new(),
        kev: None,
        epss: None,
        title: String::new(),
        description: None,
        cwes: Vec::new(),
        primary_url: None,
        references: Vec::new(),
        published: None,
        modified: None,
        data_source: DataSource::default(),
        reasons: Vec::new(),
        origin: Origin::Unknown,
    };
    let kev = |is_used_by_ransomware| {
        Some(Kev { added: String::new(), due: None, is_used_by_ransomware })
    };
    let epss = Some(Epss { score_millionths: 250_000, percentile_millionths: 990_000 });
    let vector = RatingBasis::Cvss(Cvss {
        version: CvssVersion::V31,
        vector: String::new(),
        score_tenths: 75,
    });
    let rating = Rating { source: "x".to_owned(), severity: Severity::High, basis: vector };
    let deb = FoundPackage { kind: PackageKind::Deb, ..make("", Severity::Low).package };
    vec![
        make("critical", Severity::Critical),
        Finding { ratings: vec![rating], ..make("high", Severity::High) },
        make("low", Severity::Low),
        make("unrated", Severity::Unknown),
        Finding { kev: kev(false), ..make("kev", Severity::Low) },
        Finding { kev: kev(true), ..make("ransomware", Severity::Low) },
        Finding { epss, ..make("epss", Severity::Medium) },
        Finding { fix: FixState::Fixed("2".to_owned()), ..make("fixed", Severity::Low) },
        Finding { origin: Origin::Base, package: deb, ..make("base", Severity::Negligible) },
    ]
}

fn check(text: &str, expected: &str) {
    let expression = Expression::parse(text).unwrap();
    let met: Vec<String> =
        findings().into_iter().filter(|it| expression.is_met(it)).map(|it| it.id).collect();
    assert_eq!(met.join(" "), expected, "{text}");
}

#[test]
fn words() {
    check("critical", "critical unrated");
    check("HIGH", "critical high unrated");
    check("negligible", "critical high low unrated kev ransomware epss fixed base");
    check("kev", "kev ransomware");
    check("ransomware", "ransomware");
    check("fixable", "fixed");
    check("base", "base");
    check("own && !npm", "");
    check("os", "base");
    check("deb", "base");
    check("pypi || python", "");
}

#[test]
fn comparisons() {
    check("severity == high", "high");
    check("severity >= high", "critical high unrated");
    check("severity == critical", "critical unrated");
    check("severity == unknown", "unrated");
    check("severity < medium", "low kev ransomware fixed base");
    check("epss > 0.1", "epss");
    check("epss >= 25%", "epss");
    check("epss > 25%", "");
    check("cvss >= 7.5", "critical high unrated");
    check("cvss == 7.5", "high");
    check("cvss<4", "low kev ransomware fixed base");
    check("risk > 30", "kev ransomware");
    check("risk>=12", "kev ransomware epss");
}

#[test]
fn operators() {
    check("critical || kev || epss > 0.1", "critical unrated kev ransomware epss");
    check("low && !kev && fixable", "fixed");
    check("!(low||negligible)", "");
    check("fixable || kev && ransomware", "ransomware fixed");
    check("(fixable || kev) && ransomware", "ransomware");
    check("!!kev", "kev ransomware");
    check("severity != low", "critical high unrated epss base");
}

#[test]
fn errors_show_the_place() {
    let show = |text: &str| {
        let error = Expression::parse(text).unwrap_err();
        let hint: String = error.hint.chars().take(22).collect();
        format!("{error}\n{hint}\n")
    };
    let texts = [
        "critical || hihg",
        "critical or kev",
        "epss",
        "epss > lots",
        "(kev || critical",
        "kev &&",
        "severity >= bad",
        "",
        "ä",
        "kev)",
    ];
    expect![[r"
        `hihg` is not a severity or a word
          critical || hihg
                      ^^^^
        did you mean `high`?
        `or` is not `||` or `&&`
          critical or kev
                   ^^
        severities, kev, ranso
        `epss` must be compared, as in `epss > …`
          epss
              ^
        severities, kev, ranso
        `lots` is no number
          epss > lots
                 ^^^^
        severities, kev, ranso
        this is not closed
          (kev || critical
          ^
        severities, kev, ranso
        something is missing here
          kev &&
                ^
        severities, kev, ranso
        `bad` is no severity
          severity >= bad
                      ^^^
        severities, kev, ranso
        something is missing here
        severities, kev, ranso
        `ä` is not a severity or a word
          ä
          ^
        severities, kev, ranso
        `)` is not `||` or `&&`
          kev)
             ^
        severities, kev, ranso
    "]]
    .assert_eq(&texts.map(show).concat());
    for hostile in ["(".repeat(3999), "!".repeat(3999), "kev||".repeat(10_000), "9".repeat(3999)] {
        assert!(Expression::parse(&hostile).is_err());
    }
}

#[test]
fn the_most_urgent_comes_first() {
    let mut report = Report { findings: findings(), ..Report::default() };
    sort_by_risk(&mut report);
    let ids: Vec<&str> = report.findings.iter().map(|finding| finding.id.as_str()).collect();
    let expected =
        ["ransomware", "kev", "epss", "critical", "unrated", "high", "low", "fixed", "base"];
    assert_eq!(ids, expected);
}
