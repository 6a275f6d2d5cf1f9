//! What is built can be read, and what was damaged cannot.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use proptest::prelude::*;
use sealift_database::{
    Contents, Damaged, Database, Error, FlawId, Place, RecordId, Source, build, scheme,
};
use sealift_model::{
    Advisory, Affected, Cvss, CvssVersion, Ecosystem, Epss, Kev, Life, Note, Qualifier,
    QualifierKind, RangeEvent, Rating, RatingBasis, Severity, Statement,
};
use sealift_version::{Event, Range, Version};

fn text(text: &str) -> String {
    text.to_owned()
}

fn range(events: &[(&str, &str)]) -> Vec<RangeEvent> {
    let event = |(kind, at): &(&str, &str)| match *kind {
        "introduced" => RangeEvent::Introduced(text(at)),
        "fixed" => RangeEvent::Fixed(text(at)),
        "last" => RangeEvent::LastAffected(text(at)),
        _ => RangeEvent::Limit(text(at)),
    };
    events.iter().map(event).collect()
}

fn contents() -> Contents {
    let cvss = Cvss { version: CvssVersion::V31, vector: text("CVSS:3.1/AV:N"), score_tenths: 98 };
    let affected = |ecosystem: &str, name: &str| Affected {
        ecosystem: Ecosystem::parse(ecosystem),
        name: text(name),
        ..Affected::default()
    };
    let flask = Affected {
        ranges: vec![range(&[
            ("introduced", "0"),
            ("fixed", "2.2.5"),
            ("introduced", "2.3.0"),
            ("last", "2.3.1"),
        ])],
        versions: vec![text("1.0"), text("9.9"), text("no version")],
        ratings: vec![Rating {
            source: text("pypa"),
            severity: Severity::Low,
            basis: RatingBasis::Distribution,
        }],
        qualifiers: vec![Qualifier { kind: QualifierKind::Module, value: text("m:1") }],
        ..affected("PyPI", "flask")
    };
    let glibc = Affected {
        ranges: vec![range(&[("introduced", "0")]), range(&[("fixed", "<none>")])],
        statement: Statement::WillNotFix,
        ..affected("Debian:12", "glibc")
    };
    let unknown = affected("Nowhere", "x");
    let advisories = vec![
        Advisory {
            id: text("PYSEC-1"),
            aliases: vec![text("CVE-2023-1")],
            summary: Some(text("a summary")),
            references: vec![text("https://x")],
            ratings: vec![Rating {
                source: text("nvd"),
                severity: Severity::Critical,
                basis: RatingBasis::Cvss(cvss),
            }],
            affected: vec![flask],
            ..Advisory::default()
        },
        Advisory {
            id: text("DSA-1"),
            upstream: vec![text("CVE-2023-1"), text("CVE-2023-2")],
            affected: vec![glibc, unknown],
            ..Advisory::default()
        },
    ];
    let kev = Kev { added: text("2023-01-01"), due: None, is_used_by_ransomware: true };
    let epss = Epss { score_millionths: 0, percentile_millionths: 7 };
    Contents {
        advisories,
        kev: HashMap::from([(text("CVE-2023-1"), kev)]),
        epss: HashMap::from([(text("CVE-2023-2"), epss)]),
        lives: BTreeMap::from([(
            Ecosystem::parse("Debian:12"),
            Life { ends: text("2028-06-30"), extended_ends: Some(text("2033-06-30")) },
        )]),
        repositories: BTreeMap::from([
            (text("crb"), Vec::new()),
            (text("rhel-9-baseos"), vec![text("enterprise_linux:9::baseos")]),
        ]),
        sources: vec![Source { id: text("osv"), records: 2, ..Source::default() }],
        notes: vec![Note { subject: text("a.json"), message: text("it is odd") }],
        made_secs: 1_700_000_000,
    }
}

// Everything in it, as text.
fn everything(database: &Database) -> Result<String, Damaged> {
    let mut out = format!("{:?} {:?}", database.sources()?, database.notes()?);
    let names = [("PyPI", "flask"), ("PyPI", "none"), ("Debian:12", "glibc"), ("Debian", "glibc")];
    for (ecosystem, name) in names {
        let rows = database.rows(&Ecosystem::parse(ecosystem), name)?;
        writeln!(out, "{ecosystem} {name} {rows:#?}").unwrap();
    }
    for ecosystem in ["Debian:12", "Debian:11"] {
        let life = database.life(&Ecosystem::parse(ecosystem))?;
        writeln!(out, "{ecosystem} {life:?}").unwrap();
    }
    let asked = ["rhel-9-baseos", "lost", "crb"].map(str::to_owned);
    writeln!(out, "{:?}", database.products(&asked)?).unwrap();
    for place in 0..u32::try_from(database.flaws()).unwrap() {
        writeln!(out, "{:?}", database.flaw(FlawId(place))?).unwrap();
    }
    for place in 0..u32::try_from(database.records()).unwrap() {
        let id = RecordId(place);
        writeln!(out, "{:?} {:?}", database.record(id)?, database.text(id)?).unwrap();
    }
    for id in ["CVE-2023-1", "PYSEC-1", "DSA-1", "CVE-0"] {
        writeln!(out, "{id} {:?}", database.find(id)?).unwrap();
    }
    Ok(out)
}

#[test]
fn it_comes_back() {
    let built = build(contents());
    assert_eq!(built, build(contents()));
    let database = Database::of_bytes(built.core.clone(), Some(built.texts.clone())).unwrap();
    database.check().unwrap();
    assert_eq!(database.made_secs(), 1_700_000_000);
    expect_test::expect_file!["whole.txt"].assert_eq(&everything(&database).unwrap());

    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Database::open(folder.path()), Err(Error::Io { .. })));
    Database::install(folder.path(), &built).unwrap();
    let mapped = Database::open(folder.path()).unwrap();
    assert_eq!(everything(&mapped), everything(&database));
    // Another takes its place; who has the old one open keeps it.
    let other = build(Contents { made_secs: 1, ..contents() });
    Database::install(folder.path(), &other).unwrap();
    assert_eq!(Database::open(folder.path()).unwrap().made_secs(), 1);
    assert_eq!(everything(&mapped), everything(&database));

    let texts = Some(other.texts);
    assert_eq!(Database::of_bytes(built.core, texts).err(), Some(Damaged::OtherTexts));
}

#[test]
fn damage_is_never_an_answer() {
    let built = build(contents());
    let read = |core: Vec<u8>, texts: Vec<u8>| {
        Database::of_bytes(core, Some(texts)).and_then(|database| everything(&database))
    };
    for at in 0..built.core.len() {
        let mut core = built.core.clone();
        core[at] ^= 0x41;
        assert!(read(core, built.texts.clone()).is_err(), "core, byte {at}");
    }
    for at in 0..built.texts.len() {
        let mut texts = built.texts.clone();
        texts[at] ^= 0x41;
        assert!(read(built.core.clone(), texts).is_err(), "texts, byte {at}");
    }
}

const VERSIONS: [&str; 9] = ["0", "0.1", "1", "1.0", "1.5", "2~rc", "2", "2.1", "10"];

fn events() -> impl Strategy<Value = Vec<(usize, usize)>> {
    prop::collection::vec((0..4_usize, 0..VERSIONS.len()), 1..6)
}

proptest! {
    // Ranks say what versions say.
    #[test]
    fn places_are_versions(ranges in prop::collection::vec(events(), 1..4), listed in prop::collection::vec(0..VERSIONS.len(), 0..3)) {
        let kinds = ["introduced", "fixed", "last", "limit"];
        let named = |events: &Vec<(usize, usize)>| -> Vec<(&str, &str)> {
            events.iter().map(|(kind, at)| (kinds[*kind], VERSIONS[*at])).collect()
        };
        let ecosystem = Ecosystem::parse("Debian:12");
        let affected = Affected {
            ecosystem: ecosystem.clone(),
            name: text("x"),
            ranges: ranges.iter().map(|events| range(&named(events))).collect(),
            versions: listed.iter().map(|at| text(VERSIONS[*at])).collect(),
            ..Affected::default()
        };
        let advisory = Advisory { id: text("A"), affected: vec![affected], ..Advisory::default() };
        let built = build(Contents { advisories: vec![advisory], ..Contents::default() });
        let database = Database::of_bytes(built.core, None).unwrap();
        let rows = database.rows(&ecosystem, "x").unwrap().unwrap();
        let order = scheme("Debian").unwrap();
        let ranges: Vec<Range> = ranges
            .iter()
            .map(|events| {
                let events: Vec<Event<'_>> = named(events)
                    .into_iter()
                    .map(|(kind, at)| match kind {
                        "introduced" => Event::Introduced(at),
                        "fixed" => Event::Fixed(at),
                        "last" => Event::LastAffected(at),
                        _ => Event::Limit(at),
                    })
                    .collect();
                Range::new(order, &events).unwrap()
            })
            .collect();
        for version in VERSIONS.iter().chain(&["1.4", "3", "0~"]) {
            let version = Version::parse(order, version).unwrap();
            let expected = ranges.iter().any(|range| range.contains(&version))
                || listed.iter().any(|at| Version::parse(order, VERSIONS[*at]).unwrap() == version);
            let place = rows.place(&version).unwrap();
            let row = &rows.rows[0];
            let found = row.intervals.iter().any(|it| it.contains(place))
                || row.listed.iter().any(|rank| Place::of_rank(*rank) == place);
            prop_assert_eq!(found, expected, "{}", version);
        }
    }
}
