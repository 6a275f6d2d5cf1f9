//! Rust programs: what cargo-auditable leaves in them (its `PARSING.md`), and what panics tell of the crates in others.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::ZlibDecoder;

use crate::container::{Format, Program};

const JSON_BYTES_MAX: u64 = 8 << 20;
const CRATES_MAX: usize = 10_000;
const NAME_BYTES_MAX: usize = 64;
const PLACE_BYTES_MAX: usize = 200;

/// The list of crates as JSON, if cargo-auditable made the program; an error says why it cannot be read.
pub fn auditable(program: &Program<'_>) -> Option<Result<Vec<u8>, String>> {
    let names: &[&str] = match program.format {
        Format::Elf | Format::Pe => &[".dep-v0"],
        Format::MachO => &[".dep-v0", "__dep-v0", "rust-deps-v0"],
    };
    let compressed = names.iter().find_map(|name| program.section(name))?;
    let mut json = Vec::new();
    let read = ZlibDecoder::new(compressed).take(JSON_BYTES_MAX + 1).read_to_end(&mut json);
    Some(match read {
        Err(error) => Err(format!("its list of crates cannot be read: {error}")),
        Ok(_) if json.len() as u64 > JSON_BYTES_MAX => {
            Err("its list of crates is too large".to_owned())
        }
        Ok(_) => Ok(json),
    })
}

/// Name and version of each crate of a registry whose source files the program names, as panics do. Crates that cannot
/// panic are not among them.
pub fn crates_in_texts(program: &Program<'_>) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for data in texts(program) {
        for (separator, marker) in [(b'/', &b"/registry/"[..]), (b'\\', &b"\\registry\\"[..])] {
            for place in memchr::memmem::find_iter(data, marker) {
                let rest = &data[place + marker.len()..];
                let rest = &rest[..rest.len().min(PLACE_BYTES_MAX)];
                found.extend(crate_of(&data[..place], rest, separator));
                if found.len() >= CRATES_MAX {
                    return found;
                }
            }
        }
    }
    found
}

// Where compilers put constant texts; everything, if that is not to be seen.
fn texts<'a>(program: &Program<'a>) -> Vec<&'a [u8]> {
    let names: [&[u8]; 6] = [
        b".rodata",
        b".rdata",
        b"__const",
        b"__cstring",
        // Where position-independent programs have texts with addresses beside them.
        b".data.rel.ro",
        b".lrodata",
    ];
    let is_constant = |name: &[u8]| names.contains(&name);
    let found: Vec<&[u8]> =
        program.sections.iter().filter(|it| is_constant(it.name)).map(|it| it.data).collect();
    if !found.is_empty() {
        // Sections that lie over each other would be read again and again.
        let total: usize = found.iter().map(|data| data.len()).sum();
        if total <= program.bytes.len() {
            return found;
        }
    }
    vec![program.bytes]
}

// Cargo's own: `…/registry/src/index.crates.io-6f17d22bba15001f/serde-1.0.0/src/lib.rs`; Debian's:
// `/usr/share/cargo/registry/serde-1.0.0/src/lib.rs`.
fn crate_of(before: &[u8], rest: &[u8], separator: u8) -> Option<(String, String)> {
    let mut parts = rest.split(|byte| *byte == separator);
    let mut part = parts.next()?;
    if part == b"src" {
        let index = parts.next()?;
        let hash = index.iter().rposition(|byte| *byte == b'-').map(|at| &index[at + 1..])?;
        (hash.len() == 16 && hash.iter().all(u8::is_ascii_hexdigit)).then_some(())?;
        part = parts.next()?;
    } else if !before.ends_with(b"cargo") {
        return None;
    }
    // Behind the crate a file must follow.
    parts.next().filter(|next| !next.is_empty())?;
    let part = std::str::from_utf8(part).ok()?;
    let split = part.match_indices('-').map(|(at, _)| at).find(|at| is_version(&part[at + 1..]))?;
    let (name, version) = (&part[..split], &part[split + 1..]);
    let is_name = !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    is_name.then(|| (name.to_owned(), version.to_owned()))
}

// Semantic Versioning 2.0.0: three numbers, then what comes before a release, then the build.
fn is_version(text: &str) -> bool {
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, it)| (rest, Some(it)));
    let (core, early) = rest.split_once('-').map_or((rest, None), |(core, it)| (core, Some(it)));
    let mut numbers = core.split('.');
    let is_number = |it: Option<&str>| {
        it.is_some_and(|it| {
            !it.is_empty() && it.len() <= 12 && it.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let is_core = (0..3).all(|_| is_number(numbers.next())) && numbers.next().is_none();
    let is_word = |it: &str| {
        !it.is_empty()
            && it.len() <= 64
            && it.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-')
    };
    is_core && early.is_none_or(is_word) && build.is_none_or(is_word)
}

/// Version of the compiler, by what it leaves in the section of comments: `rustc version 1.75.0 (82e1608df 2023-12-21)`.
pub fn compiler(program: &Program<'_>) -> Option<String> {
    let comments = program.section(".comment")?;
    let comments = &comments[..comments.len().min(1 << 16)];
    let marker = b"rustc version ";
    let place = memchr::memmem::find(comments, marker)?;
    let rest = &comments[place + marker.len()..];
    let end = rest.iter().position(|byte| !byte.is_ascii_graphic())?;
    let version = std::str::from_utf8(&rest[..end]).ok()?;
    is_version(version).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_crates() {
        let check = |text: &str, expected: Option<(&str, &str)>| {
            let separator = if text.contains('\\') { b'\\' } else { b'/' };
            let (before, rest) = text.split_once("registry").unwrap_or_default();
            let before = before.trim_end_matches(['/', '\\']);
            let rest = rest.trim_start_matches(['/', '\\']);
            let found = crate_of(before.as_bytes(), rest.as_bytes(), separator);
            let expected = expected.map(|(name, version)| (name.to_owned(), version.to_owned()));
            assert_eq!(found, expected, "{text}");
        };
        let index = "/root/.cargo/registry/src/index.crates.io-6f17d22bba15001f";
        check(&format!("{index}/serde-1.0.0/src/lib.rs"), Some(("serde", "1.0.0")));
        check(&format!("{index}/md-5-0.10.5/src/lib.rs"), Some(("md-5", "0.10.5")));
        check(&format!("{index}/a_b-1.0.0-alpha.1/lib.rs"), Some(("a_b", "1.0.0-alpha.1")));
        check(&format!("{index}/z-0.1.0+zstd.1.5.2/x"), Some(("z", "0.1.0+zstd.1.5.2")));
        check("/usr/share/cargo/registry/serde-1.0.0/src/lib.rs", Some(("serde", "1.0.0")));
        let windows = format!(r"{}\serde-1.0.0\src\lib.rs", index.replace('/', r"\"));
        check(&windows, Some(("serde", "1.0.0")));
        for no in ["", "/", "/serde", "/serde-1.0.0", "/serde-1.0/x", "/-1.0.0/x", "/se%de-1.0.0/x"]
        {
            check(&format!("{index}{no}"), None);
        }
        check("https://example.org/registry/serde-1.0.0/x", None);
        check("/home/me/registry/src/mine/serde-1.0.0/x", None);
    }
}
