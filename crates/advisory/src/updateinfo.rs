//! Amazon's `updateinfo.xml`, a part of every repository: advisories with the packages that repair them.

use sealift_model::{Advisory, Ecosystem, Qualifier, QualifierKind, RatingBasis};

use crate::fixes::{self, Fix, time_of_day};
use crate::kind::{Found, is_cve};
use crate::xml::{self, Element};
use crate::{rating, wire};

const TEXT_BYTES_MAX: usize = 64 << 10;
const LINKS_MAX: usize = 200;

/// True for the file. Only its first bytes are looked at.
pub(crate) fn is_updates(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    let has = |name: &[u8]| head.windows(name.len()).any(|part| part == name);
    bytes.starts_with(b"<") && has(b"<updates") && has(b"<update ")
}

/// Reads it.
pub(crate) fn read(text: &str) -> Result<Found, String> {
    let mut found = Found::default();
    xml::each(text, &["update"], |element| match update(&element) {
        Some(advisory) => found.advisories.push(advisory),
        None => found.note("an update is not Amazon's, and is left out"),
    })?;
    found.newest = found.advisories.iter().filter_map(|it| it.modified.clone()).max();
    Ok(found)
}

fn update(element: &Element) -> Option<Advisory> {
    let id = element.text_of("id").filter(|id| id.starts_with("ALAS") && id.len() <= 200)?;
    let mut fixes = Vec::new();
    let collections = element.all("pkglist").flat_map(|it| it.all("collection"));
    for package in collections.flat_map(|it| it.all("package")) {
        fixes.push(fix(package)?);
    }
    let severity = element.text_of("severity").unwrap_or_default();
    let rating = rating::from_word("amazon", severity, RatingBasis::Distribution);
    let mut affected = fixes::affected(fixes, rating.as_ref());
    // What is not of the main repository has versions of its own.
    if let Some(topic) = topic(id) {
        let product = Qualifier { kind: QualifierKind::Product, value: topic.to_owned() };
        for it in &mut affected {
            it.qualifiers.push(product.clone());
        }
    }
    let references = || element.all("references").flat_map(|it| it.all("reference"));
    let cves = references().filter_map(|it| it.attribute("id")).filter(|id| is_cve(id));
    let links = references().filter_map(|it| it.attribute("href"));
    let date = |name: &str| time_of_day(element.child(name)?.attribute("date")?);
    let cut = |text: &str| text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned();
    Some(Advisory {
        id: id.to_owned(),
        upstream: cves.map(str::to_owned).collect(),
        summary: element.text_of("title").map(cut),
        details: element.text_of("description").map(cut),
        published: date("issued"),
        modified: date("updated").or_else(|| date("issued")),
        references: links
            .filter(|link| wire::is_link(link))
            .take(LINKS_MAX)
            .map(str::to_owned)
            .collect(),
        affected,
        ..Advisory::default()
    })
}

fn fix(package: &Element) -> Option<Fix> {
    let (version, release) = (package.attribute("version")?, package.attribute("release")?);
    let number = release.rsplit('.').find_map(|part| part.strip_prefix("amzn"))?;
    let epoch = package.attribute("epoch").unwrap_or("0");
    Some(Fix {
        ecosystem: Ecosystem { name: "Amazon Linux".to_owned(), release: Some(number.to_owned()) },
        name: package.attribute("name")?.to_owned(),
        module: None,
        version: format!("{epoch}:{version}-{release}"),
        architecture: package.attribute("arch").filter(|it| *it != "noarch").map(str::to_owned),
    })
}

// `DOCKER` of `ALAS2DOCKER-2021-001` and of `ALASDOCKER-2021-001`; none of `ALAS2-2018-939`, `ALAS2023-2023-126`.
fn topic(id: &str) -> Option<&str> {
    let series = id.strip_prefix("ALAS")?.split("-20").next()?;
    let topic = series.trim_start_matches(|c: char| c.is_ascii_digit());
    (!topic.is_empty() && !topic.starts_with('-')).then_some(topic)
}
