//! Programs known by bytes that only they have: a table of file names and patterns with the version in them.
//!
//! Entry: [`candidates`] says which signatures a path can have, by its name alone; [`identify`] looks for them in the bytes. A
//! program is searched for those signatures only.

mod go_modules;
mod libraries;
mod runtimes;
mod servers;
mod tools;

use std::sync::OnceLock;

use regex::bytes::{Regex, RegexBuilder};

pub use go_modules::{GoModule, go_module};

/// Longest version.
const VERSION_BYTES_MAX: usize = 64;
/// A pattern may be found that often before the right one.
const MATCHES_MAX: usize = 100;
/// Only the beginning of larger programs is searched.
const SEARCHED_BYTES_MAX: usize = 512 << 20;

/// A program known by its bytes.
#[derive(Debug)]
pub struct Signature {
    /// Its name, as package URLs of type `generic` have it.
    pub name: &'static str,
    /// Names of its files; `*` stands for anything and `?` for one character.
    pub files: &'static [&'static str],
    /// Regular expressions on bytes, whose first group is the version; the first one that is found counts. Behind
    /// `name:` is one on the file's name.
    pub versions: &'static [&'static str],
    /// Vendor and product in the National Vulnerability Database, as `vendor:product`.
    pub cpe: &'static str,
    /// A text without which the file is another program.
    pub needs: &'static str,
    /// True if numbers in the file's name are those with which the version begins: `python3.11`.
    pub is_versioned_name: bool,
    /// True if the version is in the bytes as a text of its own too, for patterns that do not know where it ends.
    pub is_alone: bool,
    /// The package that tells the same, if this is but a part of it: a path from the file's folder.
    pub unless: &'static str,
}

const fn signature(
    name: &'static str,
    files: &'static [&'static str],
    versions: &'static [&'static str],
    cpe: &'static str,
) -> Signature {
    Signature {
        name,
        files,
        versions,
        cpe,
        needs: "",
        is_versioned_name: false,
        is_alone: false,
        unless: "",
    }
}

impl Signature {
    const fn needs(mut self, text: &'static str) -> Self {
        self.needs = text;
        self
    }

    const fn versioned_name(mut self) -> Self {
        self.is_versioned_name = true;
        self
    }

    const fn alone(mut self) -> Self {
        self.is_alone = true;
        self
    }

    const fn unless(mut self, path: &'static str) -> Self {
        self.unless = path;
        self
    }
}

const TABLES: [&[Signature]; 4] =
    [runtimes::SIGNATURES, servers::SIGNATURES, tools::SIGNATURES, libraries::SIGNATURES];

/// All signatures.
pub fn all() -> impl Iterator<Item = &'static Signature> {
    TABLES.into_iter().flatten()
}

/// The signatures that a file of this name may have, with their places in the list of all.
pub fn candidates(name: &[u8]) -> impl Iterator<Item = (usize, &'static Signature)> {
    let name = name.to_vec();
    all().enumerate().filter(move |(_, it)| it.files.iter().any(|glob| is_like(&name, glob)))
}

/// A program that was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Which signature: its place in the list of all.
    pub signature: usize,
    /// The version that its bytes tell.
    pub version: String,
}

/// Looks for the signatures that a file of this name may have.
pub fn identify(name: &[u8], bytes: &[u8]) -> Vec<Identity> {
    let bytes = &bytes[..bytes.len().min(SEARCHED_BYTES_MAX)];
    candidates(name)
        .filter_map(|(place, signature)| {
            let needed = signature.needs.as_bytes();
            if !needed.is_empty() && memchr::memmem::find(bytes, needed).is_none() {
                return None;
            }
            let version = version(place, signature, name, bytes)?;
            Some(Identity { signature: place, version })
        })
        .collect()
}

fn version(place: usize, signature: &Signature, name: &[u8], bytes: &[u8]) -> Option<String> {
    let expected = if signature.is_versioned_name { numbers(name) } else { None };
    let is_it = |version: &str| {
        version.len() <= VERSION_BYTES_MAX
            && expected.is_none_or(|expected| starts_with_numbers(version, expected))
    };
    patterns(place, signature).iter().find_map(|pattern| {
        let bytes = if pattern.is_of_name { name } else { bytes };
        let mut start = 0;
        for _ in 0..MATCHES_MAX {
            let version = pattern.regex.captures_at(bytes, start)?.get(1)?;
            // What ends this text may begin the next.
            start = version.end();
            let text = std::str::from_utf8(version.as_bytes()).ok();
            let text = if signature.is_alone { text.and_then(|it| alone(it, bytes)) } else { text };
            if let Some(text) = text.filter(|text| is_it(text)) {
                return Some(text.to_owned());
            }
        }
        None
    })
}

// So much of the text as is a text of its own; what comes behind a version may begin with a digit.
fn alone<'a>(mut text: &'a str, bytes: &[u8]) -> Option<&'a str> {
    while text.ends_with(|c: char| c.is_ascii_digit()) {
        let whole = [b"\0", text.as_bytes(), b"\0"].concat();
        if memchr::memmem::find(bytes, &whole).is_some() {
            return Some(text);
        }
        text = &text[..text.len() - 1];
    }
    None
}

struct Pattern {
    regex: Regex,
    is_of_name: bool,
}

// Compiled when a file of such a name is met first.
fn patterns(place: usize, signature: &Signature) -> &'static [Pattern] {
    static COMPILED: OnceLock<Vec<OnceLock<Vec<Pattern>>>> = OnceLock::new();
    let compiled = COMPILED.get_or_init(|| all().map(|_| OnceLock::new()).collect());
    compiled[place].get_or_init(|| {
        let compile = |pattern: &&str| {
            let of_name = pattern.strip_prefix("name:");
            let regex = RegexBuilder::new(of_name.unwrap_or(pattern))
                .unicode(false)
                .dot_matches_new_line(true)
                .build()
                .expect("a test compiles every pattern");
            Pattern { regex, is_of_name: of_name.is_some() }
        };
        signature.versions.iter().map(compile).collect()
    })
}

// `3.11` of `libpython3.11.so.1.0`: the first numbers with a dot between them.
fn numbers(name: &[u8]) -> Option<&str> {
    let name = std::str::from_utf8(name).ok()?;
    let start = name.find(|c: char| c.is_ascii_digit())?;
    let end = name[start..].find(|c: char| !c.is_ascii_digit() && c != '.');
    let numbers = &name[start..end.map_or(name.len(), |end| start + end)];
    let numbers = numbers.trim_end_matches('.');
    numbers.contains('.').then_some(numbers)
}

fn starts_with_numbers(version: &str, numbers: &str) -> bool {
    version
        .strip_prefix(numbers)
        .is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

// A name as a pattern of `*` and `?` says it. Where a `*` did not fit, the last one takes more.
fn is_like(name: &[u8], glob: &str) -> bool {
    let glob = glob.as_bytes();
    let (mut at, mut in_glob) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while at < name.len() {
        match glob.get(in_glob) {
            Some(b'*') => {
                last = Some((in_glob + 1, at));
                in_glob += 1;
            }
            Some(wanted) if *wanted == b'?' || *wanted == name[at] => {
                at += 1;
                in_glob += 1;
            }
            _ => {
                let Some((behind, start)) = last else { return false };
                last = Some((behind, start + 1));
                (in_glob, at) = (behind, start + 1);
            }
        }
    }
    glob[in_glob..].iter().all(|byte| *byte == b'*')
}

/// The name of a product of a version in the National Vulnerability Database (NISTIR 7695, 6.2), by `vendor:product`.
pub fn cpe(product: &str, version: &str) -> Option<String> {
    let (vendor, product) = product.split_once(':')?;
    let escaped = |text: &str| {
        let mut escaped = String::new();
        for c in text.chars() {
            if !c.is_ascii_alphanumeric() && !"._-".contains(c) {
                escaped.push('\\');
            }
            escaped.push(c.to_ascii_lowercase());
        }
        escaped
    };
    let (vendor, product, version) = (escaped(vendor), escaped(product), escaped(version));
    Some(format!("cpe:2.3:a:{vendor}:{product}:{version}:*:*:*:*:*:*:*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_has_a_version() {
        for (place, signature) in all().enumerate() {
            let patterns = patterns(place, signature);
            assert!(!patterns.is_empty() && !signature.files.is_empty(), "{}", signature.name);
            for pattern in patterns {
                assert_eq!(pattern.regex.captures_len(), 2, "{}", signature.name);
            }
            assert!(signature.cpe.is_empty() || signature.cpe.contains(':'), "{}", signature.name);
        }
    }

    #[test]
    fn names() {
        let check = |name: &str, glob: &str, expected: bool| {
            assert_eq!(is_like(name.as_bytes(), glob), expected, "{name} {glob}");
        };
        check("python3.11", "python3*", true);
        check("python3", "python3*", true);
        check("xpython3", "python3*", false);
        check("libc.so.6", "libc.so.?", true);
        check("libc.so.", "libc.so.?", false);
        check("a-x-b-y", "*-b*", true);
        check("", "*", true);
        check("", "?", false);
        check("aaaaaaaaaaab", "*a*a*a*b", true);
        check("aaaaaaaaaaaa", "*a*a*a*b", false);
        assert_eq!(numbers(b"libpython3.11.so.1.0"), Some("3.11"));
        assert_eq!(numbers(b"python3"), None);
        assert!(starts_with_numbers("3.1.2", "3.1") && !starts_with_numbers("3.11.2", "3.1"));
    }

    #[test]
    fn names_in_the_database() {
        let text = "cpe:2.3:a:erlang:erlang\\/otp:25.2\\+x:*:*:*:*:*:*:*";
        assert_eq!(cpe("erlang:erlang/otp", "25.2+x").as_deref(), Some(text));
    }

    #[test]
    fn versions() {
        let check = |name: &str, bytes: &[u8], expected: &[(&str, &str)]| {
            let found = identify(name.as_bytes(), bytes);
            let names: Vec<&str> = all().map(|it| it.name).collect();
            let found: Vec<(&str, &str)> =
                found.iter().map(|it| (names[it.signature], it.version.as_str())).collect();
            assert_eq!(found, expected, "{name}");
        };
        check("python3.11", b"PYTHONPATH\x003.9.1\x003.11.2\x00", &[("python", "3.11.2")]);
        check("python3.11", b"PYTHONPATH\x003.1.1\x00", &[]);
        check("nginx", b"\x00nginx version: nginx/1.22.1\n\x00", &[("nginx", "1.22.1")]);
        check("nginx", b"\x00nginx version: openresty/1.25.3.1\n", &[("openresty", "1.25.3.1")]);
        check("redis-server", b"redis_version\x006.2.9\x00", &[]);
        let redis = b"redis_version\x006.2.14\x006.2.14912196-d8565-1701469167040305114\x00";
        check("redis-server", redis, &[("redis", "6.2.14")]);
        check("libHSghc-9.0.2-ghc9.0.2.so", b"", &[("ghc", "9.0.2")]);
        check("busybox", b"BusyBox v1.35.0 (Debian", &[("busybox", "1.35.0")]);
        check(
            "libc.so.6",
            b"GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n",
            &[("glibc", "2.36")],
        );
        check("readme", b"BusyBox v1.35.0 (Debian", &[]);
    }
}
