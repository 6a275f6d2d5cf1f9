//! OVAL definitions (OVAL 5.11), as Oracle and Azure Linux publish them: which package in which versions.

use std::collections::HashMap;

use sealift_model::{Advisory, Affected, Ecosystem, RangeEvent, RatingBasis, Statement};

use crate::fixes::{self, Fix, plain_epoch, time_of_day};
use crate::kind::{Found, is_cve};
use crate::xml::{self, Element};
use crate::{rating, wire};

const TEXT_BYTES_MAX: usize = 64 << 10;
const LINKS_MAX: usize = 200;

/// True for definitions in OVAL. Only the first bytes are looked at.
pub(crate) fn is_definitions(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(4096)];
    let name = b"oval_definitions";
    bytes.starts_with(b"<") && head.windows(name.len()).any(|part| part == name)
}

// What the parts outside of the definitions say: a test's object and state, an object's package, a state's condition.
#[derive(Default)]
struct Parts {
    tests: HashMap<String, (String, String)>,
    objects: HashMap<String, String>,
    states: HashMap<String, (String, String)>,
}

/// Reads definitions.
pub(crate) fn read(text: &str) -> Result<Found, String> {
    let mut found = Found::default();
    let mut parts = Parts::default();
    let others = ["rpminfo_test", "rpminfo_object", "rpminfo_state", "timestamp"];
    xml::each(text, &others, |element| parts.take(&element, &mut found))?;
    let mut is_known = false;
    xml::each(text, &["definition"], |element| {
        let id = element.attribute("id").unwrap_or_default();
        let made = if id.starts_with("oval:com.oracle.elsa:") {
            oracle(&element, &mut found)
        } else if id.starts_with("oval:com.microsoft.") {
            azure(&element, &parts, &mut found)
        } else {
            return;
        };
        is_known = true;
        match made {
            Some(advisory) => found.advisories.push(advisory),
            None => found.note("a definition is not understood"),
        }
    })?;
    if !is_known {
        return Err("it has no OVAL definition of a publisher that is known".to_owned());
    }
    let dates = found.advisories.iter().filter_map(|it| it.modified.clone());
    found.newest = dates.max().or(found.newest.take());
    Ok(found)
}

impl Parts {
    fn take(&mut self, element: &Element, found: &mut Found) {
        if element.name == "timestamp" {
            found.newest = wire_time(element.text());
            return;
        }
        let Some(id) = element.attribute("id").map(str::to_owned) else { return };
        let reference =
            |child: &str, name: &str| element.child(child)?.attribute(name).map(str::to_owned);
        match element.name.as_str() {
            "rpminfo_test" => {
                let both = (reference("object", "object_ref"), reference("state", "state_ref"));
                if let (Some(object), Some(state)) = both {
                    self.tests.insert(id, (object, state));
                }
            }
            "rpminfo_object" => {
                let name = element.text_of("name").map(str::to_owned);
                self.objects.extend(name.map(|name| (id, name)));
            }
            _ => {
                let version = element.child("evr");
                self.states.extend(version.and_then(|version| {
                    let operation = version.attribute("operation")?;
                    Some((id, (operation.to_owned(), version.text().to_owned())))
                }));
            }
        }
    }

    // Package, comparison and version of a criterion.
    fn condition(&self, criterion: &Element) -> Option<(&str, &str, &str)> {
        let (object, state) = self.tests.get(criterion.attribute("test_ref")?)?;
        let (operation, version) = self.states.get(state)?;
        Some((self.objects.get(object)?, operation, version))
    }
}

fn wire_time(text: &str) -> Option<String> {
    let is_whole = text.len() > 19 && time_of_day(text).is_some();
    if is_whole { Some(text.to_owned()) } else { time_of_day(text) }
}

// What stands around a package's criterion.
#[derive(Clone, Default)]
struct Around {
    release: Option<String>,
    architecture: Option<String>,
    module: Option<String>,
}

fn oracle(definition: &Element, found: &mut Found) -> Option<Advisory> {
    let metadata = definition.child("metadata")?;
    let references = || metadata.all("reference");
    let id = references()
        .filter(|it| it.attribute("source").is_some_and(|it| it.eq_ignore_ascii_case("elsa")))
        .find_map(|it| it.attribute("ref_id"))?;
    let upstream = cves(metadata);
    let details = metadata.child("advisory");
    let severity = details.and_then(|it| it.text_of("severity")).unwrap_or_default();
    let rating = rating::from_word("oracle-oval", severity, RatingBasis::Distribution);
    let mut fixes = Vec::new();
    criteria(definition.child("criteria")?, &Around::default(), &mut fixes);
    if fixes.is_empty() {
        found.note("a definition names no package");
    }
    let issued = details.and_then(|it| it.child("issued")?.attribute("date"));
    let updated = details.and_then(|it| it.child("updated")?.attribute("date"));
    let mut advisory = Advisory {
        id: id.to_owned(),
        published: issued.and_then(time_of_day),
        modified: updated.or(issued).and_then(time_of_day),
        affected: fixes::affected(fixes, rating.as_ref()),
        ..about(metadata)
    };
    // With several flaws it is not said which of them has which score.
    if let [_] = upstream[..] {
        let vectors = details.into_iter().flat_map(|it| it.all("cve")).filter_map(|cve| {
            let text = cve.attribute("cvss3").or_else(|| cve.attribute("cvss2"))?;
            rating::from_score("oracle-oval", text.split_once('/')?.1)
        });
        advisory.ratings = vectors.collect();
    }
    advisory.upstream = upstream;
    Some(advisory)
}

// The depth of an element is limited, and so this recursion is too.
fn criteria(element: &Element, around: &Around, fixes: &mut Vec<Fix>) {
    let mut around = around.clone();
    let is_all = element.attribute("operator") == Some("AND");
    for criterion in element.all("criterion").filter(|_| is_all) {
        let comment = criterion.attribute("comment").unwrap_or_default().trim();
        if let Some(release) = comment.strip_suffix(" is installed") {
            around.release = release.strip_prefix("Oracle Linux ").map(str::to_owned);
        } else if let Some(architecture) = comment.strip_prefix("Oracle Linux arch is ") {
            around.architecture = Some(architecture.to_owned());
        } else if let Some(module) =
            comment.strip_prefix("Module ").and_then(|it| it.strip_suffix(" is enabled"))
        {
            around.module = Some(module.to_owned());
        }
    }
    for criterion in element.all("criterion") {
        let comment = criterion.attribute("comment").unwrap_or_default().trim();
        let Some((name, version)) = comment.split_once(" is earlier than ") else { continue };
        let Some(release) = &around.release else { continue };
        fixes.push(Fix {
            ecosystem: Ecosystem {
                name: "Oracle Linux".to_owned(),
                release: Some(release.clone()),
            },
            name: name.to_owned(),
            module: around.module.clone(),
            version: version.to_owned(),
            architecture: around.architecture.clone(),
        });
    }
    element.all("criteria").for_each(|inner| criteria(inner, &around, fixes));
}

fn azure(definition: &Element, parts: &Parts, found: &mut Found) -> Option<Advisory> {
    let metadata = definition.child("metadata")?;
    let number = definition.attribute("id")?.rsplit(':').next()?;
    let mut events = Vec::new();
    let mut package = None;
    for criterion in definition.child("criteria")?.all("criterion") {
        let (name, operation, version) = parts.condition(criterion)?;
        let (ecosystem, version) = (azure_release(version)?, plain_epoch(version.to_owned()));
        events.push(match operation {
            "less than" => RangeEvent::Fixed(version),
            "less than or equal" => RangeEvent::LastAffected(version),
            "greater than" | "greater than or equal" => RangeEvent::Introduced(version),
            _ => return None,
        });
        if package.as_ref().is_some_and(|(_, known)| known != name) {
            return None;
        }
        package = Some((ecosystem, name.to_owned()));
    }
    let (ecosystem, name) = package?;
    if !events.iter().any(|it| matches!(it, RangeEvent::Introduced(_))) {
        events.push(RangeEvent::Introduced("0".to_owned()));
    }
    let is_out = metadata.text_of("patchable") == Some("Not Applicable");
    let severity = metadata.text_of("severity").unwrap_or_default();
    let rating = rating::from_word("azure", severity, RatingBasis::Word);
    let upstream = cves(metadata);
    if upstream.is_empty() {
        found.note("a definition names no flaw");
    }
    let time = metadata.text_of("advisory_date").and_then(wire_time);
    let affected = Affected {
        ecosystem,
        name,
        ranges: vec![events],
        statement: if is_out { Statement::NotAffected } else { Statement::Affected },
        ratings: rating.into_iter().filter(|_| !is_out).collect(),
        ..Affected::default()
    };
    Some(Advisory {
        // As OSV has it, so that both are one record.
        id: format!("AZL-{number}"),
        upstream,
        published: time.clone(),
        modified: time,
        affected: vec![affected],
        ..about(metadata)
    })
}

// `3.4.0-1.azl3` is of Azure Linux 3, `1.20.7-1.cm2` of its forerunner.
fn azure_release(version: &str) -> Option<Ecosystem> {
    let (name, release) = version.rsplit('.').find_map(|part| {
        let azure = part.strip_prefix("azl").map(|number| ("Azure Linux", number.to_owned()));
        azure.or_else(|| Some(("Mariner", format!("{}.0", part.strip_prefix("cm")?))))
    })?;
    Some(Ecosystem { name: name.to_owned(), release: Some(release) })
}

fn cves(metadata: &Element) -> Vec<String> {
    let ids = metadata.all("reference").filter_map(|it| it.attribute("ref_id"));
    ids.filter(|id| is_cve(id)).map(str::to_owned).collect()
}

// Texts and links.
fn about(metadata: &Element) -> Advisory {
    let cut = |text: &str| text[..text.floor_char_boundary(TEXT_BYTES_MAX)].to_owned();
    let links = metadata.all("reference").filter_map(|it| it.attribute("ref_url"));
    Advisory {
        summary: metadata.text_of("title").map(cut),
        details: metadata.text_of("description").map(cut),
        references: links
            .filter(|link| wire::is_link(link))
            .take(LINKS_MAX)
            .map(str::to_owned)
            .collect(),
        ..Advisory::default()
    }
}
