//! The security database of Alpine and of those that took its shape over, Wolfi and Chainguard
//! (`https://secdb.alpinelinux.org`): packages, and in each of their versions the flaws that it repaired.

use std::collections::BTreeMap;

use sealift_model::{Advisory, Affected, Ecosystem, RangeEvent, Statement};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::kind::{Found, is_cve};

// Real entries have a few hundred.
const FIXES_MAX: usize = 10_000;

// Who publishes what is not Alpine's, by the address of the packages.
const OTHERS: [(&str, &str, &str); 2] =
    [("packages.wolfi.dev", "Wolfi", "WOLFI"), ("packages.cgr.dev", "Chainguard", "CHAINGUARD")];

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(default)]
    urlprefix: String,
    #[serde(default)]
    distroversion: String,
    #[serde(borrow)]
    packages: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Entry {
    pkg: Package,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    #[serde(default)]
    secfixes: Option<BTreeMap<String, Option<Vec<Option<String>>>>>,
}

#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(borrow, rename = "apkurl")]
    _address: &'a RawValue,
    #[serde(borrow, rename = "packages")]
    _packages: &'a RawValue,
}

/// True for such a file.
pub(crate) fn is_secdb(bytes: &[u8]) -> bool {
    serde_json::from_slice::<Shape<'_>>(bytes).is_ok()
}

/// Reads a file: one repository of one release.
pub(crate) fn read(text: &str) -> Result<Found, String> {
    let document: Document<'_> = serde_json::from_str(text)
        .map_err(|error| format!("it is not a security database of apk packages: {error}"))?;
    let (ecosystem, series) = publisher(&document)?;
    let mut found = Found::default();
    let mut advisories: BTreeMap<String, Advisory> = BTreeMap::new();
    for raw in document.packages {
        let Ok(Entry { pkg }) = serde_json::from_str::<Entry>(raw.get()) else {
            found.note("a package is not understood");
            continue;
        };
        for (id, versions) in fixes(pkg.secfixes.unwrap_or_default(), &mut found) {
            let advisory = advisories.entry(id).or_insert_with_key(|id| {
                let (cves, others) = if is_cve(id) { (Some(id), None) } else { (None, Some(id)) };
                Advisory {
                    id: format!("{series}-{id}"),
                    upstream: cves.into_iter().cloned().collect(),
                    aliases: others.into_iter().cloned().collect(),
                    ..Advisory::default()
                }
            });
            advisory.affected.push(affected(&ecosystem, &pkg.name, versions));
        }
    }
    found.advisories = advisories.into_values().collect();
    Ok(found)
}

fn publisher(document: &Document<'_>) -> Result<(Ecosystem, &'static str), String> {
    let version = document.distroversion.trim();
    let is_number = |text: &str| {
        text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    if version == "edge" || version.strip_prefix('v').is_some_and(is_number) {
        let release = Some(version.to_owned());
        return Ok((Ecosystem { name: "Alpine".to_owned(), release }, "ALPINE"));
    }
    let known = OTHERS.into_iter().find(|(host, ..)| document.urlprefix.contains(host));
    let (_, name, series) = known.ok_or("it does not say whose packages it is about")?;
    Ok((Ecosystem { name: name.to_owned(), release: None }, series))
}

// The flaws of a package with the versions that repaired each. Some were repaired twice.
fn fixes(
    secfixes: BTreeMap<String, Option<Vec<Option<String>>>>,
    found: &mut Found,
) -> BTreeMap<String, Vec<String>> {
    let mut fixes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    for (version, texts) in secfixes {
        for text in texts.into_iter().flatten().flatten() {
            let ids = ids(&text);
            if ids.is_empty() && !text.trim().is_empty() {
                found.note("an entry names no flaw");
            }
            for id in ids {
                count += 1;
                if count > FIXES_MAX {
                    found.note("a package has too many entries, which were cut");
                    return fixes;
                }
                fixes.entry(id).or_default().push(version.clone());
            }
        }
    }
    fixes
}

// `CVE-2017-2616 (+ regression fix)`, `CVE-2018-7540 XSA-252`, `XSA-254`. Where there are CVEs the others are other
// names of the same.
fn ids(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || ",;()[]".contains(c));
    let words = words.map(without_tail);
    let mut ids: Vec<String> = words.filter(|word| is_id(word)).map(str::to_owned).collect();
    if ids.iter().any(|id| is_cve(id)) {
        ids.retain(|id| is_cve(id));
    }
    ids.sort();
    ids.dedup();
    ids
}

// Some CVEs have the parts of a repair or the names of files behind them: `CVE-2017-17434-1`, `CVE-2021-35940.patch`.
fn without_tail(word: &str) -> &str {
    let Some(rest) = word.strip_prefix("CVE-") else { return word };
    let number = rest.find('-').map_or(rest.len(), |at| at + 1);
    let tail = rest[number..].find(|c: char| !c.is_ascii_digit());
    tail.map_or(word, |tail| &word[.."CVE-".len() + number + tail])
}

// Capital letters and a number, mostly with a hyphen between: `XSA-254`, `VSV00011`.
fn is_id(word: &str) -> bool {
    let series = word.bytes().take_while(u8::is_ascii_uppercase).count();
    let number = &word.as_bytes()[series..];
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
    if series < 2 || word.len() > 100 || !number.iter().all(is_plain) {
        return false;
    }
    match &word[..series] {
        "CVE" => is_cve(word),
        "GHSA" => number.len() == 15,
        _ => number.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2,
    }
}

fn affected(ecosystem: &Ecosystem, name: &str, versions: Vec<String>) -> Affected {
    let introduced = || RangeEvent::Introduced("0".to_owned());
    // A repair in version 0 says that no version ever had the flaw, unless another version repaired it.
    let ranges: Vec<Vec<RangeEvent>> = versions
        .into_iter()
        .filter(|version| version != "0" && !version.is_empty())
        .map(|version| vec![introduced(), RangeEvent::Fixed(version)])
        .collect();
    let is_never = ranges.is_empty();
    Affected {
        ecosystem: ecosystem.clone(),
        name: name.to_owned(),
        ranges: if is_never { vec![vec![introduced()]] } else { ranges },
        statement: if is_never { Statement::NotAffected } else { Statement::Affected },
        ..Affected::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALPINE: &str = r#"{"apkurl": "{{urlprefix}}/{{distroversion}}", "archs": ["x86_64"], "reponame": "main",
        "urlprefix": "https://dl-cdn.alpinelinux.org/alpine", "distroversion": "v3.19", "packages": [
        {"pkg": {"name": "xen", "secfixes": {
            "0": ["CVE-2020-29567 XSA-356"],
            "4.10.0-r2": ["XSA-248"],
            "4.11.0-r0": ["CVE-2018-3620 CVE-2018-3646 XSA-273", "CVE-2017-2616 (+ regression fix)"],
            "4.9.0-r1": ["CVE-2018-3620"]}}},
        {"pkg": {"name": "none", "secfixes": null}}, 7]}"#;

    fn said(found: &Found) -> Vec<String> {
        let one = |advisory: &Advisory| {
            let affected = &advisory.affected[0];
            let ends = affected.ranges.iter().filter_map(|events| match events.last() {
                Some(RangeEvent::Fixed(version)) => Some(version.as_str()),
                _ => None,
            });
            let ends = ends.collect::<Vec<_>>().join(" ");
            format!("{} {} {:?} {ends}", advisory.id, affected.ecosystem, affected.statement)
        };
        found.advisories.iter().map(one).collect()
    }

    #[test]
    fn alpine() {
        assert!(is_secdb(ALPINE.as_bytes()));
        let found = read(ALPINE).unwrap();
        let expected = [
            "ALPINE-CVE-2017-2616 Alpine:v3.19 Affected 4.11.0-r0",
            "ALPINE-CVE-2018-3620 Alpine:v3.19 Affected 4.11.0-r0 4.9.0-r1",
            "ALPINE-CVE-2018-3646 Alpine:v3.19 Affected 4.11.0-r0",
            "ALPINE-CVE-2020-29567 Alpine:v3.19 NotAffected ",
            "ALPINE-XSA-248 Alpine:v3.19 Affected 4.10.0-r2",
        ];
        assert_eq!(said(&found), expected);
        assert_eq!(found.notes, ["a package is not understood"]);
    }

    #[test]
    fn wolfi_and_others() {
        let of = |prefix: &str, version: &str| {
            let text = format!(
                "{{\"apkurl\": \"\", \"urlprefix\": \"{prefix}\", \"distroversion\": \"{version}\", \"packages\": \
                 [{{\"pkg\": {{\"name\": \"a\", \"secfixes\": {{\"1-r0\": [\"CVE-2023-0001\", \"GHSA-aaaa-bbbb-cccc\"]}}}}}}]}}"
            );
            read(&text).map(|found| said(&found))
        };
        let expected = [
            "WOLFI-CVE-2023-0001 Wolfi Affected 1-r0",
            "WOLFI-GHSA-aaaa-bbbb-cccc Wolfi Affected 1-r0",
        ];
        assert_eq!(of("https://packages.wolfi.dev", "").unwrap(), expected);
        let chainguard = of("https://packages.cgr.dev/chainguard", "").unwrap();
        assert!(chainguard[0].starts_with("CHAINGUARD-CVE-2023-0001 Chainguard "));
        assert!(of("https://example.com", "").is_err());
        assert!(of("https://example.com", "v3/../..").is_err());
    }

    #[test]
    fn broken() {
        for end in 0..ALPINE.len() {
            assert!(read(&ALPINE[..end]).is_err(), "{end}");
        }
        assert!(ids(&"CVE-".repeat(10_000)).is_empty());
        assert_eq!(
            ids("see CVE-x and cve-2020-0001, ALPINE-13661 VSV00011"),
            ["ALPINE-13661", "VSV00011"]
        );
        let many: Vec<String> = (10..2 * FIXES_MAX).map(|i| format!("\"XSA-{i}\"")).collect();
        let text = format!(
            "{{\"apkurl\":\"\",\"distroversion\":\"edge\",\"packages\":[{{\"pkg\":{{\"name\":\"a\",\"secfixes\":{{\"1\":[{}]}}}}}}]}}",
            many.join(",")
        );
        let found = read(&text).unwrap();
        assert_eq!((found.advisories.len(), found.notes.len()), (FIXES_MAX, 1));
    }
}
