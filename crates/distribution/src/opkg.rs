//! Packages of OpenWrt, Yocto and the like, from opkg's status file and from the control files of its packages.
//!
//! The format is dpkg's, with fields of their own (OpenWrt, `include/package-pack.mk`).

use std::fmt::Write as _;

use sealift_deb822::{self as deb822, Paragraph};
use sealift_license::os as os_license;
use sealift_model::{License, Method, Package, PackageKind, SourcePackage};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::component::shorten;
use crate::os_purl::{self, Parts};
use crate::{dpkg_relations, supplier};

/// `lib/opkg/status` and `lib/opkg/info/*.control`, below `/usr`, `/var` or the root.
pub(crate) const STATUS: Cataloger = Cataloger {
    name: "opkg",
    what: "Packages of OpenWrt and Yocto, as opkg's database lists them",
    evidence: &[Pattern::Named("lib/opkg", "status"), Pattern::InAny("lib/opkg/info", ".control")],
    companions: &[Pattern::InAny("lib/opkg/info", ".list")],
    read,
};

const NAME_BYTES_MAX: usize = 300;
const FILES_MAX: usize = 500_000;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let (paragraphs, complaints) = deb822::parse(bytes, deb822::LIMITS);
    found.notes.extend(complaints.into_iter().map(|complaint| context.note(complaint)));
    for (number, paragraph) in paragraphs.iter().enumerate() {
        if !is_installed(paragraph) {
            continue;
        }
        match paragraph.some("Package") {
            Some(name) if name.len() <= NAME_BYTES_MAX && !name.contains('/') => {
                if paragraph.line("Version").is_none() {
                    found.notes.push(context.note(format!("package `{name}` has no version")));
                }
                found.drafts.push(draft(name, paragraph, context));
            }
            Some(_) => {
                let message = format!("package {} has a name that cannot be", number + 1);
                found.notes.push(context.note(message));
            }
            None => found.notes.push(context.note(format!("package {} has no name", number + 1))),
        }
    }
    found
}

// The third word, as dpkg's; a control file has no such field.
fn is_installed(paragraph: &Paragraph) -> bool {
    let state = paragraph.get("Status").and_then(|status| status.split_whitespace().nth(2));
    !matches!(state, Some("not-installed" | "config-files"))
}

fn draft(name: &str, paragraph: &Paragraph, context: &Context<'_>) -> Draft {
    let version = paragraph.line("Version").map(str::to_owned);
    let architecture = paragraph.line("Architecture").map(str::to_owned);
    let source = paragraph.line("SourceName").unwrap_or(name);
    let files = files(name, context);
    let fields = ["Pre-Depends", "Depends"];
    let needs = fields.iter().filter_map(|field| paragraph.get(field));
    let mut provides = vec![name.to_owned()];
    provides.extend(paragraph.get("Provides").map(dpkg_relations::provided).unwrap_or_default());
    let license =
        |declared: &str| License::declared(shorten(declared), os_license::expression(declared));
    Draft {
        built_from: Vec::new(),
        surroundings: architecture.clone().unwrap_or_default(),
        provides,
        requires: needs.flat_map(dpkg_relations::needs).collect(),
        package: Package {
            name: name.to_owned(),
            source: version
                .clone()
                .map(|version| SourcePackage { name: source.to_owned(), version }),
            purl: os_purl::purl(&Parts {
                kind: PackageKind::Opkg,
                name,
                version: version.as_deref(),
                architecture: architecture.as_deref(),
                distro: context.distro,
                namespace: None,
                upstream: Some(source).filter(|source| *source != name),
            }),
            cpes: paragraph
                .line("CPE-ID")
                .and_then(|cpe| formatted_cpe(cpe, version.as_deref()?))
                .into_iter()
                .collect(),
            version,
            architecture,
            licenses: paragraph.line("License").map(license).into_iter().collect(),
            supplier: paragraph.line("Maintainer").and_then(supplier::supplier),
            homepage: paragraph.line("Homepage").or(paragraph.line("URL")).map(shorten),
            summary: paragraph.line("Description").map(shorten),
            evidence: vec![context.evidence(Method::Database)],
            introduced_by: context.layer_of(&files).or_else(|| context.introduced()),
            files,
            ..Package::new(PackageKind::Opkg, "")
        },
    }
}

// `info/NAME.list` beside the status file or the control file; a line a file, perhaps with more behind a tab.
fn files(name: &str, context: &Context<'_>) -> Vec<String> {
    let path = String::from_utf8_lossy(context.path_bytes()).into_owned();
    let Some((root, _)) = path.rsplit_once("/opkg/") else { return Vec::new() };
    let Some(list) = context.companion(format!("{root}/opkg/info/{name}.list").as_bytes()) else {
        return Vec::new();
    };
    list.bytes
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b'\t').next())
        .filter(|line| line.starts_with(b"/"))
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .filter(|file| !file.ends_with('/'))
        .take(FILES_MAX)
        .collect()
}

// `cpe:/a:gnu:zlib` and the version before the packager's revision, as a formatted string (NISTIR 7695, 6.2).
fn formatted_cpe(cpe: &str, version: &str) -> Option<String> {
    let mut parts = cpe.trim().strip_prefix("cpe:/")?.split(':');
    let (part, vendor, product) = (parts.next()?, parts.next()?, parts.next()?);
    let is_word = |text: &str| {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        !text.is_empty() && text.len() <= NAME_BYTES_MAX && text.bytes().all(is_plain)
    };
    if !matches!(part, "a" | "o" | "h") || !is_word(vendor) || !is_word(product) {
        return None;
    }
    let upstream = match version.rsplit_once('-') {
        Some((upstream, revision))
            if revision.trim_start_matches('r').bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            upstream
        }
        _ => version,
    };
    let mut text = format!("cpe:2.3:{part}:{vendor}:{product}:");
    for byte in upstream.bytes().take(NAME_BYTES_MAX).map(|byte| byte.to_ascii_lowercase()) {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' => text.push(char::from(byte)),
            b'!'..=b'~' => write!(text, "\\{}", char::from(byte)).ok()?,
            _ => return None,
        }
    }
    text.push_str(":*:*:*:*:*:*:*");
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpes() {
        let check = |cpe, version, expected: Option<&str>| {
            assert_eq!(formatted_cpe(cpe, version).as_deref(), expected, "{cpe}");
        };
        check("cpe:/a:gnu:zlib", "1.3-r1", Some("cpe:2.3:a:gnu:zlib:1.3:*:*:*:*:*:*:*"));
        check("cpe:/a:gnu:zlib", "1.3~git-2", Some("cpe:2.3:a:gnu:zlib:1.3\\~git:*:*:*:*:*:*:*"));
        for bad in ["", "cpe:/a", "cpe:/a::b", "cpe:/x:a:b", "cpe:/a:b*:c", "cpe:2.3:a:b:c"] {
            check(bad, "1", None);
        }
    }
}
