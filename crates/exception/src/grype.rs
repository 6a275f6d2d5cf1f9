//! The `ignore` rules of grype's settings, `.grype.yaml`
//! (<https://github.com/anchore/grype#specifying-matches-to-ignore>).

use sealift_model::PackageKind;

use crate::condition::Condition;
use crate::pattern::Pattern;
use crate::yaml::Node;
use crate::{Error, Exception, Exceptions};

const KEYS: [&str; 9] = [
    "vulnerability",
    "include-aliases",
    "reason",
    "namespace",
    "fix-state",
    "package",
    "vex-status",
    "vex-justification",
    "match-type",
];
const PACKAGE_KEYS: [&str; 6] =
    ["name", "version", "language", "type", "location", "upstream-name"];
const FIX_STATES: [&str; 4] = ["fixed", "not-fixed", "wont-fix", "unknown"];

/// Reads the rules. Other settings are grype's own.
pub(crate) fn read(file: &str, document: &Node, into: &mut Exceptions) -> Result<(), Error> {
    let Some(rules) = document.get("ignore") else { return Ok(()) };
    for rule in rules.items(file, "ignore")? {
        if let Some(entry) = entry(file, rule, into)? {
            into.add(entry)?;
        }
    }
    Ok(())
}

fn entry(file: &str, rule: &Node, into: &mut Exceptions) -> Result<Option<Exception>, Error> {
    let (mut id, mut name, mut reason, mut is_on_vex) = (None, None, None, false);
    let mut conditions = Vec::new();
    for (key, node) in rule.entries(file, "a rule")? {
        if key == "package" {
            name = package(file, node, &mut conditions)?;
            continue;
        }
        if !KEYS.contains(&key.as_str()) {
            return Err(node.unknown_key(file, key, &KEYS));
        }
        let Some(text) = node.text(file, key)?.filter(|text| !text.is_empty()) else { continue };
        match key.as_str() {
            "vulnerability" => {
                conditions.push(Condition::Id(text.to_owned()));
                id = Some(text);
            }
            // Ids always stand for all that the flaw goes by.
            "include-aliases" => {}
            "reason" => reason = Some(text.to_owned()),
            "namespace" => conditions.push(Condition::Namespace(text.to_owned())),
            "fix-state" => {
                let known = FIX_STATES.iter().find(|known| **known == text);
                let bad =
                    || node.error(file, key, format!("must be one of {}", FIX_STATES.join(", ")));
                conditions.push(Condition::FixState(known.ok_or_else(bad)?));
            }
            "match-type" => match text {
                "exact-direct-match" => conditions.push(Condition::Indirect(false)),
                "exact-indirect-match" => conditions.push(Condition::Indirect(true)),
                _ => {
                    return Err(node.error(
                        file,
                        key,
                        format!("there are no matches of type `{text}` here"),
                    ));
                }
            },
            "vex-status" => {
                is_on_vex = true;
                if !matches!(text, "not_affected" | "fixed") {
                    into.note(node.place(file), format!("VEX never suppresses what is `{text}`"));
                }
            }
            // It would narrow which statements count; counting all would suppress too much.
            _ => {
                return Err(node.error(
                    file,
                    key,
                    "a choice of VEX statements by justification is not made here",
                ));
            }
        }
    }
    if is_on_vex {
        return Ok(None);
    }
    let id = id.or(name).unwrap_or("a rule").to_owned();
    Ok(Some(Exception {
        place: rule.place(file),
        id,
        conditions,
        reason,
        owner: None,
        expiry: None,
    }))
}

fn package<'a>(
    file: &str,
    package: &'a Node,
    conditions: &mut Vec<Condition>,
) -> Result<Option<&'a str>, Error> {
    let mut name = None;
    for (key, node) in package.entries(file, "package")? {
        if !PACKAGE_KEYS.contains(&key.as_str()) {
            return Err(node.unknown_key(file, key, &PACKAGE_KEYS));
        }
        let Some(text) = node.text(file, key)?.filter(|text| !text.is_empty()) else { continue };
        let bad = |reason| node.error(file, key, reason);
        conditions.push(match key.as_str() {
            "name" => {
                name = Some(text);
                Condition::Name(Pattern::regex(text).map_err(bad)?)
            }
            "version" => Condition::Version(text.to_owned()),
            "language" => Condition::Kinds(kinds(text, language)),
            "type" => Condition::Kinds(kinds(text, kind_word)),
            "location" => Condition::Location(Pattern::glob(text).map_err(bad)?),
            _ => Condition::SourceName(Pattern::regex(text).map_err(bad)?),
        });
    }
    Ok(name)
}

fn kinds(text: &str, word: impl Fn(PackageKind) -> Option<&'static str>) -> Vec<PackageKind> {
    KINDS.into_iter().filter(|kind| word(*kind) == Some(text)).collect()
}

const KINDS: [PackageKind; 24] = [
    PackageKind::Deb,
    PackageKind::Apk,
    PackageKind::Rpm,
    PackageKind::Alpm,
    PackageKind::Portage,
    PackageKind::Python,
    PackageKind::Npm,
    PackageKind::Go,
    PackageKind::Cargo,
    PackageKind::Maven,
    PackageKind::Jenkins,
    PackageKind::Gem,
    PackageKind::Composer,
    PackageKind::Pecl,
    PackageKind::Nuget,
    PackageKind::Cran,
    PackageKind::Hex,
    PackageKind::Pub,
    PackageKind::Swift,
    PackageKind::CocoaPods,
    PackageKind::Conan,
    PackageKind::Hackage,
    PackageKind::LuaRocks,
    PackageKind::Bitnami,
];

/// The language of packages, in syft's word.
pub(crate) fn language(kind: PackageKind) -> Option<&'static str> {
    Some(match kind {
        PackageKind::Python => "python",
        PackageKind::Npm => "javascript",
        PackageKind::Go => "go",
        PackageKind::Cargo => "rust",
        PackageKind::Maven | PackageKind::Jenkins => "java",
        PackageKind::Gem => "ruby",
        PackageKind::Composer | PackageKind::Pecl => "php",
        PackageKind::Nuget => "dotnet",
        PackageKind::Cran => "R",
        PackageKind::Hex => "elixir",
        PackageKind::Pub => "dart",
        PackageKind::Swift | PackageKind::CocoaPods => "swift",
        PackageKind::Conan => "c++",
        PackageKind::Hackage => "haskell",
        PackageKind::LuaRocks => "lua",
        _ => return None,
    })
}

// The type of packages, in syft's word.
fn kind_word(kind: PackageKind) -> Option<&'static str> {
    Some(match kind {
        PackageKind::Deb => "deb",
        PackageKind::Apk => "apk",
        PackageKind::Rpm => "rpm",
        PackageKind::Alpm => "alpm",
        PackageKind::Portage => "portage",
        PackageKind::Python => "python",
        PackageKind::Npm => "npm",
        PackageKind::Go => "go-module",
        PackageKind::Cargo => "rust-crate",
        PackageKind::Maven => "java-archive",
        PackageKind::Jenkins => "jenkins-plugin",
        PackageKind::Gem => "gem",
        PackageKind::Composer => "php-composer",
        PackageKind::Pecl => "php-pecl",
        PackageKind::Nuget => "dotnet",
        PackageKind::Cran => "R-package",
        PackageKind::Hex => "hex",
        PackageKind::Pub => "dart-pub",
        PackageKind::Swift => "swift",
        PackageKind::CocoaPods => "pod",
        PackageKind::Conan => "conan",
        PackageKind::Hackage => "hackage",
        PackageKind::LuaRocks => "lua-rocks",
        PackageKind::Bitnami => "bitnami",
        _ => return None,
    })
}
