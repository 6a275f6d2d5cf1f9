//! `requirements*.txt` (pip.pypa.io, "Requirements File Format"). Only `==` gives a version; what a file includes is read
//! where it is.

use super::lock::locked;
use super::markers::{Environment, required};
use crate::cataloger::{Cataloger, Context, Draft, Found, Pattern};
use crate::declared::{Entries, download_url, hash, is_of_package};

/// Files of requirements.
pub(crate) const REQUIREMENTS: Cataloger = Cataloger {
    name: "python-requirements",
    what: "Python packages that files of requirements name",
    evidence: &[Pattern::Around("requirements", ".txt"), Pattern::Ending("-requirements.txt")],
    companions: &[],
    read,
};

const BYTES_MAX: usize = 4 << 20;
const LINE_BYTES_MAX: usize = 64 << 10;
const PACKAGES_MAX: usize = 20_000;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    if is_of_package(&context.path()) {
        return found;
    }
    if bytes.len() > BYTES_MAX {
        found.notes.push(context.note("it is too large for a list of requirements"));
        return found;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        found.notes.push(context.note("it is not UTF-8"));
        return found;
    };
    let mut entries = Entries::new();
    for line in logical_lines(text.trim_start_matches('\u{feff}')) {
        let Some(line) = line else {
            found.notes.push(context.note("a line is too long"));
            continue;
        };
        if entries.len() >= PACKAGES_MAX {
            found.notes.push(context.note("it has too many requirements; the first are read"));
            break;
        }
        entries.extend(requirement(&line, context));
    }
    found.drafts = entries.into_drafts();
    found
}

// Lines without comments; a backslash at the end joins the next one. `None` for one that is too long.
fn logical_lines(text: &str) -> impl Iterator<Item = Option<String>> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut whole = String::new();
        let mut is_any = false;
        for line in lines.by_ref() {
            is_any = true;
            let is_comment = line.trim_start().starts_with('#');
            let content = if is_comment { "" } else { line.split(" #").next().unwrap_or(line) };
            let content = content.trim_end();
            let joined = content.strip_suffix('\\');
            if whole.len() <= LINE_BYTES_MAX {
                whole.push_str(joined.unwrap_or(content));
            }
            if joined.is_none() {
                break;
            }
        }
        is_any.then(|| (whole.len() <= LINE_BYTES_MAX).then_some(whole))
    })
}

fn requirement(line: &str, context: &Context<'_>) -> Option<Draft> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('-') {
        return None;
    }
    // Options of one requirement are behind it.
    let (specifier, options) = match line.find(" --") {
        Some(at) => (line[..at].trim(), &line[at..]),
        None => (line, ""),
    };
    if let Some(address) = download_url(specifier.split(" ;").next()?.split('#').next()?.trim()) {
        let (name, version) = wheel(&address)?;
        let mut draft = locked(name, Some(version), context)?;
        draft.package.download_url = Some(address);
        return Some(draft);
    }
    if !is_requirement(specifier) {
        return None;
    }
    let name = required(specifier, &Environment::default())?;
    let (constraint, url) = match specifier.split_once('@') {
        Some((_, rest)) => ("", rest.split(" ;").next().map(str::trim)),
        None => (specifier.split(';').next()?, None),
    };
    let mut draft = locked(&name, pinned(constraint), context)?;
    draft.package.download_url = url.and_then(download_url);
    let mut hashes = options.split("--hash=").skip(1).filter_map(|option| {
        let (name, hex) = option.split_whitespace().next()?.split_once(':')?;
        hash(name, hex)
    });
    // Of several files it is not known which one is meant.
    if let (Some(only), None) = (hashes.next(), hashes.next()) {
        draft.package.hashes = vec![only];
    }
    Some(draft)
}

// A name, perhaps extras, then constraints or an address. Paths and what version control has name nothing for sure.
fn is_requirement(specifier: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let rest = specifier.trim_start_matches(is_name);
    let name = &specifier[..specifier.len() - rest.len()];
    let rest = match rest.trim_start().strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or("?", |(_, rest)| rest),
        None => rest,
    };
    let rest = rest.trim_start();
    let starts = ["==", ">", "<", "!=", "~=", "(", ";", "@"];
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && (rest.is_empty() || starts.iter().any(|start| rest.starts_with(start)))
}

// The version behind `==` or `===`; `==1.*` is none.
fn pinned(constraint: &str) -> Option<&str> {
    let start = constraint.find("==")?;
    // `!=`, `~=` and the like end with one.
    let version = constraint[start..].trim_start_matches('=').split(',').next()?;
    let version = version.trim().trim_end_matches(')').trim();
    let is_version = version.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !version.contains(['*', ' ', '$', '{', '<', '>', '!', '=']);
    is_version.then_some(version)
}

// Name and version of `…/name-1.0-py3-none-any.whl` (PyPA, "Binary distribution format").
fn wheel(address: &str) -> Option<(&str, &str)> {
    let mut parts = address.rsplit('/').next()?.strip_suffix(".whl")?.split('-');
    let (name, version) = (parts.next()?, parts.next()?);
    parts.next().map(|_| (name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(pinned(text), expected, "{text}");
        check("a==1.0", Some("1.0"));
        check("a[x] == 1.0.post1 , != 2", Some("1.0.post1"));
        check("a (===1.0+local)", Some("1.0+local"));
        check("a==1.*", None);
        check("a>=1", None);
        check("a!=1,==2", Some("2"));
        check("a==${V}", None);
        check("a==", None);
    }

    #[test]
    fn lines() {
        let check = |text: &str, expected: &[&str]| {
            let found: Vec<String> = logical_lines(text).map(Option::unwrap).collect();
            assert_eq!(found, expected);
        };
        check("a==1 # x\n# b\\\nc \\\n  --hash=x:y\n\nd", &["a==1", "", "c   --hash=x:y", "", "d"]);
        check("a \\", &["a "]);
        assert_eq!(logical_lines(&"a \\\n".repeat(100_000)).collect::<Vec<_>>(), [None]);
    }
}
