//! CSAF 2.0 documents of the VEX profile: products, and what their vendor says of one flaw in each.
//!
//! This is the part that all vendors share. What a product is called and which ecosystem it belongs to differs from
//! vendor to vendor.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use sealift_model::{Advisory, Purl, Rating, RatingBasis, Statement};
use serde::Deserialize;

use crate::kind::{Found, is_cve};
use crate::{rating, redhat, suse};

// Real documents have a few tens of thousands.
const PRODUCTS_MAX: usize = 1_000_000;
// A package is part of a module, which is part of a product.
const PARTS_MAX: usize = 8;
const LINKS_MAX: usize = 200;
const TEXT_BYTES_MAX: usize = 64 << 10;

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow, rename = "document")]
    head: Head<'a>,
    #[serde(borrow, default)]
    product_tree: Tree<'a>,
    #[serde(borrow, default)]
    vulnerabilities: Vec<Flaw<'a>>,
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    category: Cow<'a, str>,
    #[serde(borrow, default)]
    publisher: Publisher<'a>,
    tracking: Tracking,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Publisher<'a> {
    #[serde(borrow)]
    namespace: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tracking {
    current_release_date: Option<String>,
    initial_release_date: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Tree<'a> {
    #[serde(borrow)]
    branches: Vec<Branch<'a>>,
    #[serde(borrow)]
    full_product_names: Vec<Product<'a>>,
    #[serde(borrow)]
    relationships: Vec<Relationship<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Branch<'a> {
    #[serde(borrow)]
    branches: Vec<Branch<'a>>,
    #[serde(borrow)]
    product: Option<Product<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Product<'a> {
    #[serde(borrow)]
    product_id: Cow<'a, str>,
    #[serde(borrow)]
    product_identification_helper: Helper<'a>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Helper<'a> {
    #[serde(borrow)]
    cpe: Option<Cow<'a, str>>,
    #[serde(borrow)]
    purl: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Relationship<'a> {
    #[serde(borrow)]
    full_product_name: Product<'a>,
    #[serde(borrow)]
    product_reference: Cow<'a, str>,
    #[serde(borrow)]
    relates_to_product_reference: Cow<'a, str>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Flaw<'a> {
    cve: Option<String>,
    cwe: Option<Weakness>,
    #[serde(borrow)]
    notes: Vec<Remark<'a>>,
    title: Option<String>,
    release_date: Option<String>,
    references: Vec<Link>,
    #[serde(borrow)]
    product_status: BTreeMap<Cow<'a, str>, Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    remediations: Vec<Remedy<'a>>,
    #[serde(borrow)]
    scores: Vec<Score<'a>>,
    #[serde(borrow)]
    threats: Vec<Remedy<'a>>,
}

#[derive(Deserialize)]
struct Weakness {
    id: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Remark<'a> {
    #[serde(borrow)]
    category: Cow<'a, str>,
    text: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Link {
    url: String,
}

// A remedy or a threat.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Remedy<'a> {
    #[serde(borrow)]
    category: Cow<'a, str>,
    #[serde(borrow)]
    details: Cow<'a, str>,
    url: Option<String>,
    #[serde(borrow)]
    product_ids: Vec<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Score<'a> {
    #[serde(borrow, rename = "cvss_v2")]
    v2: Option<Vector<'a>>,
    #[serde(borrow, rename = "cvss_v3")]
    v3: Option<Vector<'a>>,
    #[serde(borrow, rename = "cvss_v4")]
    v4: Option<Vector<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Vector<'a> {
    #[serde(borrow, rename = "vectorString")]
    text: Cow<'a, str>,
}

/// What a vendor says of one package in one product.
pub(crate) struct Said {
    /// The ids of what it is made of: package, perhaps module, and product.
    pub(crate) ids: Vec<String>,
    /// The product that the package is part of, by its CPE.
    pub(crate) cpe: Option<String>,
    /// The package.
    pub(crate) package: Option<Purl>,
    /// The module that the package is part of, if that is a product of its own.
    pub(crate) module: Option<Purl>,
    pub(crate) answer: Answer,
    /// The vendor's word on how bad it is here.
    pub(crate) word: Option<String>,
}

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Answer {
    /// Affected below the package's version.
    Fixed,
    /// This of all its versions.
    All(Statement),
}

#[derive(Clone, Copy)]
enum Vendor {
    RedHat,
    Suse,
}

impl Vendor {
    fn of(namespace: &str) -> Option<Self> {
        let address = namespace.strip_prefix("https://")?;
        match address.split('/').next()?.trim_start_matches("www.") {
            "redhat.com" => Some(Self::RedHat),
            "suse.com" => Some(Self::Suse),
            _ => None,
        }
    }
}

/// True for a document of CSAF. Only its first bytes are looked at, for it may be large.
pub(crate) fn is_document(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    let has = |text: &[u8]| head.windows(text.len()).any(|part| part == text);
    has(b"\"document\"") && (has(b"\"csaf_version\"") || has(b"\"csaf_vex\""))
}

/// True if the publisher is SUSE. What a document is about comes long after its publisher.
pub(crate) fn is_of_suse(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(64 << 10)]);
    let head = head.split("\"vulnerabilities\"").next().unwrap_or_default();
    let mut spaces = head.split("\"namespace\"").skip(1);
    spaces.any(|rest| {
        let text = rest.trim_start().trim_start_matches(':').trim_start().trim_start_matches('"');
        text.starts_with("https://www.suse.com")
    })
}

/// Reads a document.
pub(crate) fn read(text: &str) -> Result<Found, String> {
    let document: Document<'_> = serde_json::from_str(text)
        .map_err(|error| format!("it is not a CSAF document: {error}"))?;
    let head = &document.head;
    // An advisory says of a flaw only what it repairs. Read beside the flaw's own document it would seem to be all.
    if head.category != "csaf_vex" {
        return Err("it is a CSAF document, but not of the VEX profile".to_owned());
    }
    let vendor = Vendor::of(&head.publisher.namespace)
        .ok_or("it is a CSAF document of a publisher that is not known")?;
    let mut found =
        Found { newest: head.tracking.current_release_date.clone(), ..Found::default() };
    let products = products(&document.product_tree, &mut found);
    for flaw in &document.vulnerabilities {
        let Some(cve) = flaw.cve.as_deref().filter(|cve| is_cve(cve)) else {
            found.note("a flaw has no CVE");
            continue;
        };
        let said = statements(flaw, &products, &mut found);
        let (source, prefix) = match vendor {
            Vendor::RedHat => (redhat::SOURCE, redhat::PREFIX),
            Vendor::Suse => (suse::SOURCE, suse::PREFIX),
        };
        let mut advisory = advisory(source, flaw);
        advisory.id = format!("{prefix}{cve}");
        advisory.upstream = vec![cve.to_owned()];
        advisory.published.clone_from(&head.tracking.initial_release_date);
        advisory.modified.clone_from(&head.tracking.current_release_date);
        advisory.affected = match vendor {
            Vendor::RedHat => redhat::affected(&said),
            Vendor::Suse => suse::affected(&said),
        };
        found.advisories.push(advisory);
    }
    Ok(found)
}

// What a product id stands for.
#[derive(Default)]
struct Part {
    ids: Vec<String>,
    cpe: Option<String>,
    package: Option<Purl>,
    module: Option<Purl>,
}

// Products by id: simple ones from the tree, and those that are a part of another from the relationships.
struct Products<'a> {
    simple: HashMap<&'a str, &'a Helper<'a>>,
    joint: HashMap<&'a str, (&'a str, &'a str)>,
}

fn products<'a>(tree: &'a Tree<'a>, found: &mut Found) -> Products<'a> {
    let mut simple = HashMap::new();
    let mut waiting: Vec<&Branch<'_>> = tree.branches.iter().collect();
    let mut all: Vec<&Product<'_>> = tree.full_product_names.iter().collect();
    while let Some(branch) = waiting.pop() {
        all.extend(&branch.product);
        waiting.extend(&branch.branches);
    }
    if all.len() > PRODUCTS_MAX || tree.relationships.len() > PRODUCTS_MAX {
        found.note("it has too many products, and not all are looked at");
    }
    for product in all.into_iter().take(PRODUCTS_MAX) {
        simple.insert(&*product.product_id, &product.product_identification_helper);
    }
    let joint = tree.relationships.iter().take(PRODUCTS_MAX).map(|it| {
        let parts = (&*it.product_reference, &*it.relates_to_product_reference);
        (&*it.full_product_name.product_id, parts)
    });
    Products { simple, joint: joint.collect() }
}

impl Products<'_> {
    fn has(&self, id: &str) -> bool {
        self.simple.contains_key(id) || self.joint.contains_key(id)
    }

    fn part(&self, id: &str) -> Part {
        let mut part = Part::default();
        let mut waiting = vec![id];
        for _ in 0..PARTS_MAX {
            let Some(id) = waiting.pop() else { break };
            if let Some((inner, outer)) = self.joint.get(id) {
                waiting.extend([*outer, *inner]);
                continue;
            }
            let Some(helper) = self.simple.get(id) else { continue };
            part.ids.push(id.to_owned());
            if let Some(cpe) = &helper.cpe {
                part.cpe.get_or_insert_with(|| cpe.to_string());
            }
            match helper.purl.as_deref().and_then(Purl::parse) {
                Some(purl) if purl.kind == "rpmmod" => part.module = Some(purl),
                Some(purl) => part.package = part.package.or(Some(purl)),
                None => {}
            }
        }
        part
    }
}

fn statements(flaw: &Flaw<'_>, products: &Products<'_>, found: &mut Found) -> Vec<Said> {
    let mut unrepaired: HashMap<&str, Statement> = HashMap::new();
    for remedy in &flaw.remediations {
        if let Some(statement) = unrepaired_as(&remedy.category, &remedy.details) {
            unrepaired.extend(remedy.product_ids.iter().map(|id| (&**id, statement)));
        }
    }
    let mut words: HashMap<&str, &str> = HashMap::new();
    for threat in flaw.threats.iter().filter(|threat| threat.category == "impact") {
        words.extend(threat.product_ids.iter().map(|id| (&**id, &*threat.details)));
    }
    // What is said of no product is said of all.
    let impacts = flaw.threats.iter().filter(|it| it.category == "impact");
    let general = impacts.filter(|it| it.product_ids.is_empty()).map(|it| &*it.details).next();
    let mut said = Vec::new();
    for (status, ids) in &flaw.product_status {
        for id in ids {
            let answer = match &**status {
                "fixed" | "first_fixed" | "recommended" => Answer::Fixed,
                "known_affected" | "first_affected" | "last_affected" => {
                    Answer::All(unrepaired.get(&**id).copied().unwrap_or_default())
                }
                "known_not_affected" => Answer::All(Statement::NotAffected),
                "under_investigation" => Answer::All(Statement::UnderInvestigation),
                _ => {
                    found.note("a status is not known");
                    break;
                }
            };
            if !products.has(id) {
                found.note("a product is named that is not described");
                continue;
            }
            let Part { ids, cpe, package, module } = products.part(id);
            let word = words.get(&**id).copied().or(general).map(str::to_owned);
            said.push(Said { ids, cpe, package, module, answer, word });
        }
    }
    said
}

fn unrepaired_as(category: &str, details: &str) -> Option<Statement> {
    let details = details.trim().to_ascii_lowercase();
    match category {
        "no_fix_planned" if details.contains("out of support") => Some(Statement::EndOfLife),
        "no_fix_planned" => Some(Statement::WillNotFix),
        "none_available" if details.contains("deferred") => Some(Statement::Deferred),
        "none_available" if details.contains("will not fix") => Some(Statement::WillNotFix),
        _ => None,
    }
}

fn advisory(source: &str, flaw: &Flaw<'_>) -> Advisory {
    let note = |category: &str| {
        let text = flaw.notes.iter().find(|note| note.category == category)?.text.trim();
        let text = &text[..text.floor_char_boundary(TEXT_BYTES_MAX)];
        (!text.is_empty()).then(|| text.to_owned())
    };
    let mut ratings: Vec<Rating> = Vec::new();
    for score in &flaw.scores {
        for vector in [&score.v4, &score.v3, &score.v2].into_iter().flatten() {
            // One score stands for thousands of products, and there is rarely a second one.
            ratings.extend(
                rating::from_score(source, &vector.text).filter(|rating| !ratings.contains(rating)),
            );
        }
    }
    let words: Vec<&str> = flaw.threats.iter().map(|threat| &*threat.details).collect();
    let word = words.iter().filter_map(|word| rating::from_word(source, word, RatingBasis::Word));
    ratings.extend(word.max_by_key(|rating| rating.severity));
    let errata = flaw.remediations.iter().filter_map(|remedy| remedy.url.as_ref());
    let links = flaw.references.iter().map(|link| &link.url).chain(errata);
    let mut references: Vec<String> = Vec::new();
    for link in links.filter(|link| crate::wire::is_link(link)) {
        if references.len() < LINKS_MAX && !references.contains(link) {
            references.push(link.clone());
        }
    }
    Advisory {
        summary: flaw.title.clone().or_else(|| note("summary")),
        details: note("description"),
        published: flaw.release_date.clone(),
        ratings,
        cwes: flaw.cwe.iter().map(|cwe| cwe.id.clone()).collect(),
        references,
        ..Advisory::default()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    const DOCUMENT: &str = include_str!("../../../fuzz/seeds/feed/redhat-vex.json");
    const SUSE: &str = include_str!("../../../fuzz/seeds/feed/suse-vex.json");

    fn check(text: &str, expected: Expect) {
        let found = match read(text) {
            Ok(found) => found,
            Err(message) => return expected.assert_eq(&message),
        };
        let mut lines = Vec::new();
        for advisory in &found.advisories {
            lines.push(format!("{} {:?}", advisory.id, advisory.upstream));
            let ratings = advisory.ratings.iter().map(|it| it.severity.to_string());
            lines.push(format!("{:?} {:?}", ratings.collect::<Vec<_>>(), advisory.cwes));
            for it in &advisory.affected {
                let fixed: Vec<String> = it
                    .ranges
                    .iter()
                    .filter_map(|range| range.get(1))
                    .map(|it| format!("{it:?}"))
                    .collect();
                let conditions: Vec<&str> =
                    it.qualifiers.iter().map(|it| it.value.as_str()).collect();
                let severity =
                    it.ratings.first().map_or(String::new(), |it| it.severity.to_string());
                lines.push(format!(
                    "  {} {} {:?} {fixed:?} {conditions:?} {severity}",
                    it.ecosystem, it.name, it.statement
                ));
            }
        }
        lines.extend(found.notes.iter().map(|note| format!("note: {note}")));
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn products_and_statuses() {
        assert!(is_document(DOCUMENT.as_bytes()));
        check(
            DOCUMENT,
            expect![[r#"
            REDHAT-CVE-2023-0001 ["CVE-2023-0001"]
            ["CRITICAL", "HIGH"] ["CWE-119"]
              Red Hat:7 curl EndOfLife [] ["enterprise_linux:7"] 
              Red Hat:8 curl UnderInvestigation [] ["enterprise_linux:8"] 
              Red Hat:8 curl.src Deferred [] ["enterprise_linux:8"] HIGH
              Red Hat:8 jbcs-curl Affected ["Fixed(\"1:8.4.0-2.el8jbcs\")"] ["jboss_core_services:1"] 
              Red Hat:8 libcurl NotAffected [] ["web:1", "enterprise_linux:8"] 
              Red Hat:8 nodejs Affected ["Fixed(\"1:18.1-1.module+el8.9.0+1+a\")"] ["nodejs:18", "enterprise_linux:8"] 
              Red Hat:9 curl Affected ["Fixed(\"7.76.1-14.el9_0.9\")"] ["rhel_eus:9.0::baseos"] HIGH
              Red Hat:9 curl Affected ["Fixed(\"7.76.1-26.el9_3.2\")"] ["enterprise_linux:9::appstream", "enterprise_linux:9::baseos"] HIGH
            note: a status is not known"#]],
        );
        let found = read(DOCUMENT).unwrap();
        assert_eq!(found.newest.as_deref(), Some("2024-05-01T00:00:00+00:00"));
        assert_eq!(
            found.advisories[0].references,
            [
                "https://access.redhat.com/security/cve/CVE-2023-0001",
                "https://access.redhat.com/errata/RHSA-2023:0001"
            ]
        );
    }

    #[test]
    fn products_by_name() {
        assert!(is_of_suse(SUSE.as_bytes()) && !is_of_suse(DOCUMENT.as_bytes()));
        check(
            SUSE,
            expect![[r#"
            SUSE-CVE-2023-0001 ["CVE-2023-0001"]
            ["HIGH", "HIGH"] ["CWE-20"]
              SUSE:15.5 libopenssl1_1-32bit Affected ["Fixed(\"1.1.1l-150500.17.1\")"] ["Linux Enterprise Server 15 SP5"] HIGH
              SUSE:15.5 libopenssl3 Affected [] ["Linux Enterprise Server for SAP Applications 15 SP5"] HIGH
              SUSE:15.5 libopenssl3 Affected ["Fixed(\"3.0.8-150500.5.42.1\")"] ["Linux Enterprise Module for Basesystem 15 SP5"] HIGH
              SUSE:15.5 openssl NotAffected [] ["Linux Enterprise Server 15 SP5"] 
              openSUSE:Tumbleweed libopenssl3 Affected ["Fixed(\"3.1.4-13.1\")"] [] HIGH"#]],
        );
    }

    #[test]
    fn what_is_not_understood() {
        let head = r#"{"document": {"category": "csaf_vex", "csaf_version": "2.0", "publisher": {"namespace": "https://www.redhat.com"}, "tracking": {}}"#;
        check(
            "{",
            expect!["it is not a CSAF document: EOF while parsing an object at line 1 column 1"],
        );
        check(
            &DOCUMENT.replace("www.redhat.com", "example.org"),
            expect!["it is a CSAF document of a publisher that is not known"],
        );
        check(&format!("{head}}}"), expect![""]);
        check(
            &DOCUMENT.replace("csaf_vex", "csaf_security_advisory"),
            expect!["it is a CSAF document, but not of the VEX profile"],
        );
        check(
            &format!(r#"{head}, "vulnerabilities": [{{"cve": "x"}}]}}"#),
            expect!["note: a flaw has no CVE"],
        );
        // Products that are a part of themselves, and of nothing.
        let circle = r#""product_tree": {"relationships": [
            {"full_product_name": {"product_id": "a"}, "product_reference": "a", "relates_to_product_reference": "a"},
            {"full_product_name": {"product_id": "b"}, "product_reference": "c", "relates_to_product_reference": "d"}]},
            "vulnerabilities": [{"cve": "CVE-2023-0001", "product_status": {"fixed": ["a", "b", "c"]}}]}"#;
        check(
            &format!("{head}, {circle}"),
            expect![[r#"
                REDHAT-CVE-2023-0001 ["CVE-2023-0001"]
                [] []
                note: a product is named that is not described"#]],
        );
        let deep = "{\"branches\": [".repeat(10_000);
        assert!(read(&format!("{head}, \"product_tree\": {deep}")).is_err());
        for end in (0..DOCUMENT.trim_end().len()).step_by(7) {
            assert!(read(&DOCUMENT[..end]).is_err(), "{end}");
        }
    }
}
