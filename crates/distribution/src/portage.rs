//! Gentoo's packages, from portage's database (Gentoo PMS; portage(5), `/var/db/pkg`): a directory
//! `CATEGORY/NAME-VERSION` a package, in it a file for each of its variables.

use std::collections::HashSet;

use sealift_model::{License, Method, Package, PackageKind, Purl, SourcePackage, Supplier};

use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::license;

const ROOT: &str = "var/db/pkg";

/// `/var/db/pkg/*/*/CONTENTS`.
pub(crate) const DATABASE: Cataloger = Cataloger {
    name: "portage",
    what: "Gentoo's packages, as portage's database lists them",
    evidence: &[Pattern::TwoBelow(ROOT, "CONTENTS")],
    companions: &[
        Pattern::TwoBelow(ROOT, "DESCRIPTION"),
        Pattern::TwoBelow(ROOT, "HOMEPAGE"),
        Pattern::TwoBelow(ROOT, "LICENSE"),
        Pattern::TwoBelow(ROOT, "PDEPEND"),
        Pattern::TwoBelow(ROOT, "RDEPEND"),
        Pattern::TwoBelow(ROOT, "SLOT"),
        Pattern::TwoBelow(ROOT, "USE"),
        Pattern::TwoBelow(ROOT, "repository"),
    ],
    read,
};

const TEXT_BYTES_MAX: usize = 1 << 20;
const WORD_BYTES_MAX: usize = 100;
const DEPTH_MAX: usize = 100;
const FILES_MAX: usize = 1_000_000;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let path = String::from_utf8_lossy(context.path_bytes()).into_owned();
    let mut parts = path.rsplit('/').skip(1);
    let (folder, category) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let (name, version) = name_and_version(folder);
    // While a package is merged, its directory's name begins so.
    if folder.starts_with("-MERGING-") {
        found.notes.push(context.note("a package that is half installed is left out"));
        return found;
    }
    if version.is_none() {
        found.notes.push(context.note(format!("package `{folder}` has no version")));
    }
    let name = format!("{category}/{name}");
    let variable = |variable: &str| {
        let folder = context.path_bytes().strip_suffix(b"CONTENTS").unwrap_or_default();
        let bytes = context.companion(&[folder, variable.as_bytes()].concat())?.bytes;
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(TEXT_BYTES_MAX)]);
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    let files = files(bytes, context, &mut found);
    let flags = variable("USE");
    let flags: Option<Flags<'_>> = flags.as_deref().map(|text| text.split_whitespace().collect());
    let licenses = variable("LICENSE").map(|declared| {
        License::declared(declared.clone(), license_expression(&declared, flags.as_ref()))
    });
    let needs = ["RDEPEND", "PDEPEND"].into_iter().filter_map(variable);
    let needs = needs.flat_map(|text| needs_of(&text, flags.as_ref())).collect();
    let version = version.map(str::to_owned);
    let mut purl =
        Purl::new(PackageKind::Portage.purl_type(), name.rsplit('/').next().unwrap_or_default());
    purl.namespace = Some(category.to_owned());
    purl.version.clone_from(&version);
    let word = |text: String| Some(text).filter(|text| text.len() <= WORD_BYTES_MAX);
    // `0` is the slot of what has one only; behind the slash is what depends on it is built for.
    let slot = variable("SLOT").and_then(word).filter(|slot| slot != "0");
    let repository = variable("repository").and_then(word);
    for (key, value) in [("slot", &slot), ("repository", &repository)] {
        if let Some(value) = value {
            purl.qualifiers.insert(key.to_owned(), value.clone());
        }
    }
    found.drafts.push(Draft {
        built_from: Vec::new(),
        surroundings: String::new(),
        provides: vec![name.clone()],
        requires: needs,
        package: Package {
            source: version.clone().map(|version| SourcePackage { name: name.clone(), version }),
            name,
            version,
            purl,
            licenses: licenses.into_iter().collect(),
            homepage: variable("HOMEPAGE")
                .and_then(|text| text.split_whitespace().next().map(str::to_owned)),
            summary: variable("DESCRIPTION"),
            supplier: repository.map(|repository| match repository.as_str() {
                "gentoo" => Supplier::Organization("Gentoo".to_owned()),
                _ => Supplier::Organization(repository),
            }),
            evidence: vec![context.evidence(Method::Database)],
            introduced_by: context.introduced(),
            files,
            ..Package::new(PackageKind::Portage, "")
        },
    });
    found
}

// PMS §3.1.2, §3.2: a name has no end that looks like a version.
fn name_and_version(text: &str) -> (&str, Option<&str>) {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let revision = text
        .rsplit_once("-r")
        .filter(|(_, number)| is_digits(number))
        .map_or(text.len(), |(rest, _)| rest.len());
    match text[..revision].rsplit_once('-') {
        Some((name, version)) if version.starts_with(|first: char| first.is_ascii_digit()) => {
            (name, Some(&text[name.len() + 1..]))
        }
        _ => (text, None),
    }
}

// `obj PATH MD5 TIME`, `sym PATH -> TARGET TIME`, `dir PATH`; blanks may be in the path.
fn files(bytes: &[u8], context: &Context<'_>, found: &mut Found) -> Vec<String> {
    let mut files = Vec::new();
    let mut n_others = 0_usize;
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line = String::from_utf8_lossy(line);
        let path = match line.split_once(' ') {
            Some(("obj", rest)) => rest.rsplitn(3, ' ').nth(2),
            Some(("sym", rest)) => rest.split_once(" -> ").map(|(path, _)| path),
            Some(("dir" | "fif" | "dev", _)) => continue,
            _ => None,
        };
        match path.filter(|path| path.starts_with('/') && files.len() < FILES_MAX) {
            Some(path) => files.push(path.to_owned()),
            None => n_others += 1,
        }
    }
    if n_others > 0 {
        found.notes.push(context.note(format!("{n_others} lines could not be read as files")));
    }
    files
}

// What a group of a dependency or licence means (PMS §8.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    All,
    Any,
    // Behind `flag?`: whether it counts is not known.
    Condition,
}

// What the package was built with.
type Flags<'a> = HashSet<&'a str>;

// `flag?` or `!flag?`: portage writes down what held when the package was built, other tools what was in the ebuild.
fn condition(word: &str, flags: Option<&Flags<'_>>) -> Option<Group> {
    let flag = word.strip_suffix('?')?;
    let (flag, is_meant) = match flag.strip_prefix('!') {
        Some(flag) => (flag, false),
        None => (flag, true),
    };
    let holds = flags.is_some_and(|flags| flags.contains(flag) == is_meant);
    Some(if holds { Group::All } else { Group::Condition })
}

// Packages that are needed; alternatives together.
fn needs_of(text: &str, flags: Option<&Flags<'_>>) -> Vec<Vec<String>> {
    let mut needs = Vec::new();
    let mut open: Vec<Group> = Vec::new();
    let mut alternatives: Vec<String> = Vec::new();
    let mut next = Group::All;
    for word in text.split_whitespace() {
        match word {
            "||" => next = Group::Any,
            "(" => {
                if open.len() >= DEPTH_MAX {
                    return needs;
                }
                open.push(std::mem::replace(&mut next, Group::All));
            }
            ")" => {
                open.pop();
                if !open.contains(&Group::Any) && !alternatives.is_empty() {
                    needs.push(std::mem::take(&mut alternatives));
                }
            }
            _ if word.ends_with('?') => next = condition(word, flags).unwrap_or(Group::Condition),
            _ if open.contains(&Group::Condition) || word.starts_with('!') => {}
            _ => match atom(word) {
                Some(name) if open.contains(&Group::Any) => alternatives.push(name),
                Some(name) => needs.push(vec![name]),
                None => {}
            },
        }
    }
    needs
}

// `>=sys-libs/glibc-2.38-r1:2.2=[x]`.
fn atom(word: &str) -> Option<String> {
    let bare = word.trim_start_matches(['<', '>', '=', '~']);
    let bare = bare.split([':', '[']).next()?;
    let bare = if bare.len() < word.len() && word.starts_with(['<', '>', '=', '~']) {
        name_and_version(bare.trim_end_matches('*')).0
    } else {
        bare
    };
    bare.contains('/').then(|| bare.to_owned())
}

// `GPL-2+ || ( MIT BSD ) ssl? ( openssl )`: all of them, or one of a group, or those whose condition held.
fn license_expression(text: &str, flags: Option<&Flags<'_>>) -> Option<String> {
    let mut open: Vec<(Group, Vec<String>)> = vec![(Group::All, Vec::new())];
    let mut next = Group::All;
    for word in text.split_whitespace() {
        let is_left_out = open.iter().any(|(group, _)| *group == Group::Condition);
        match word {
            "||" => next = Group::Any,
            "(" if open.len() < DEPTH_MAX => {
                open.push((std::mem::replace(&mut next, Group::All), Vec::new()));
            }
            ")" => {
                let group = open.pop()?;
                if group.0 != Group::Condition {
                    let group = joined(group);
                    open.last_mut()?.1.extend(group);
                }
            }
            _ if word.ends_with('?') => {
                // Without the flags nobody knows.
                flags?;
                next = condition(word, flags)?;
            }
            _ if is_left_out => {}
            _ => open.last_mut()?.1.push(license_id(word)?),
        }
    }
    let whole = open.pop().filter(|_| open.is_empty())?;
    let expression = match &whole.1[..] {
        // One group needs no parentheses.
        [one] => {
            one.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(one).to_owned()
        }
        all => all.join(" AND "),
    };
    license::python_expression(&expression).filter(|read| *read == expression)
}

fn joined((group, parts): (Group, Vec<String>)) -> Option<String> {
    let operator = if group == Group::Any { " OR " } else { " AND " };
    match &parts[..] {
        [] => None,
        [one] => Some(one.clone()),
        _ => Some(format!("({})", parts.join(operator))),
    }
}

// Gentoo's names, where they are not SPDX's or mean something else there.
fn license_id(name: &str) -> Option<String> {
    let known = match name {
        "BSD" => "BSD-3-Clause",
        "BSD-1" => "BSD-1-Clause",
        "Boost-1.0" => "BSL-1.0",
        "BZIP2" => "bzip2-1.0.6",
        "CPL-1.0" => "CPL-1.0",
        "openssl" => "OpenSSL",
        "PYTHON" | "PSF-2" => "PSF-2.0",
        "Unlicense" | "unlicense" => "Unlicense",
        "vim" => "Vim",
        "ZLIB" => "Zlib",
        other => return license::id(other),
    };
    Some(known.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(name_and_version("bash-5.2_p26-r6"), ("bash", Some("5.2_p26-r6")));
        assert_eq!(name_and_version("gtk+-2.0"), ("gtk+", Some("2.0")));
        assert_eq!(name_and_version("a-r1"), ("a-r1", None));
        assert_eq!(name_and_version("font-a-b"), ("font-a-b", None));
        assert_eq!(name_and_version(""), ("", None));
    }

    #[test]
    fn licenses() {
        let check = |text, expected: Option<&str>| {
            assert_eq!(license_expression(text, None).as_deref(), expected, "{text}");
        };
        check("GPL-3+", Some("GPL-3.0-or-later"));
        check("GPL-2+ || ( MIT BSD )", Some("GPL-2.0-or-later AND (MIT OR BSD-3-Clause)"));
        check("|| ( MIT ( ISC ZLIB ) )", Some("MIT OR (ISC AND Zlib)"));
        for unknown in ["", "public-domain", "( MIT", "MIT )", ")", "ssl? ( openssl )", "||"] {
            check(unknown, None);
        }
        check(&"( ".repeat(10_000), None);
        let flags = HashSet::from(["ssl"]);
        let check = |text, expected: Option<&str>| {
            assert_eq!(license_expression(text, Some(&flags)).as_deref(), expected, "{text}");
        };
        check("MIT ssl? ( openssl )", Some("MIT AND OpenSSL"));
        check("MIT !ssl? ( all-rights-reserved )", Some("MIT"));
        check("MIT x? ( || ( a b ) ) !x? ( ISC )", Some("MIT AND ISC"));
        check("x? ( MIT )", None);
        check("? ) ( ", None);
    }

    #[test]
    fn relations() {
        assert_eq!(
            needs_of(
                ">=sys-libs/glibc-2.38-r1:2.2= !app-a/old virtual/x || ( a/b =c/d-1* ) ssl? ( e/f ) g/h[i]",
                None,
            ),
            [vec!["sys-libs/glibc"], vec!["virtual/x"], vec!["a/b", "c/d"], vec!["g/h"]]
        );
        assert!(needs_of(&"( ".repeat(10_000), None).is_empty());
        let flags = HashSet::from(["ssl"]);
        assert_eq!(needs_of("ssl? ( a/b ) !ssl? ( c/d )", Some(&flags)), [vec!["a/b"]]);
        assert!(needs_of(") ) x || (", None).is_empty());
    }
}
