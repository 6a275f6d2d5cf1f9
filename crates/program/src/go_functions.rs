//! The functions that are in a Go program, from the table that its runtime needs (Go's `debug/gosym`, the format since 1.16).
//! Stripping leaves that table alone. What nothing calls the linker leaves out.

use std::collections::BTreeMap;

use crate::bytes::Endian;
use crate::container::Program;

const SECTIONS: [&str; 3] = [".gopclntab", ".data.rel.ro.gopclntab", "__gopclntab"];
const MAGIC_1_16: u32 = 0xffff_fffa;
const MAGIC_1_18: u32 = 0xffff_fff0;
const MAGIC_1_20: u32 = 0xffff_fff1;
const NAMES_MAX: usize = 2_000_000;
const NAME_BYTES_MAX: usize = 1000;

/// Functions by the path of their package, as Go's advisories write them: `Get`, `Client.Do`. `None` if the program does
/// not tell.
pub fn functions(program: &Program<'_>) -> Option<BTreeMap<String, Vec<String>>> {
    let table = SECTIONS.iter().find_map(|name| program.section(name))?;
    let names = names(table, program.endian)?;
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in names.split(|byte| *byte == 0).take(NAMES_MAX) {
        if let Some((path, function)) = split(name) {
            let functions = found.entry(path).or_default();
            // What is within a function shows that it is there, even if it was merged into its caller.
            let outer = outer(&function);
            if outer.len() < function.len() {
                functions.push(outer.to_owned());
            }
            functions.push(function);
        }
    }
    for functions in found.values_mut() {
        functions.sort_unstable();
        functions.dedup();
    }
    (!found.is_empty()).then_some(found)
}

// The part of the table that has the names.
fn names(table: &[u8], endian: Endian) -> Option<&[u8]> {
    let word_at = |at: usize, size: usize| {
        let bytes = table.get(at..at.checked_add(size)?)?;
        let join = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
        Some(match endian {
            Endian::Big => bytes.iter().fold(0, join),
            Endian::Little => bytes.iter().rev().fold(0, join),
        })
    };
    let magic = u32::try_from(word_at(0, 4)?).ok()?;
    let pointer = usize::from(*table.get(7)?);
    if !matches!(pointer, 4 | 8) {
        return None;
    }
    // Behind the header stand the numbers of functions and files and, since 1.18, where the instructions begin.
    let skipped = match magic {
        MAGIC_1_16 => 2,
        MAGIC_1_18 | MAGIC_1_20 => 3,
        _ => return None,
    };
    let offset = |number: usize| usize::try_from(word_at(8 + number * pointer, pointer)?).ok();
    let (start, end) = (offset(skipped)?, offset(skipped + 1)?);
    table.get(start..end)
}

// `crypto/tls.(*Conn).Handshake` is the function `Conn.Handshake` of `crypto/tls`.
fn split(name: &[u8]) -> Option<(String, String)> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return None;
    }
    let name = without_types(std::str::from_utf8(name).ok()?);
    // What the compiler makes of types, and what the linker adds.
    if name.starts_with("type:") || name.starts_with("type..") || name.starts_with("go:") {
        return None;
    }
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = start + name[start..].find('.')?;
    let (path, function) = (&name[..dot], &name[dot + 1..]);
    let function = function.replace(['(', ')', '*'], "");
    let function = function.strip_suffix("-fm").unwrap_or(&function);
    (!path.is_empty() && !function.is_empty()).then(|| (unescaped(path), function.to_owned()))
}

// Without the types that a generic function was made for, which have paths of their own.
fn without_types(name: &str) -> String {
    let mut depth = 0_usize;
    let mut plain = String::new();
    for character in name.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ if depth == 0 => plain.push(character),
            _ => {}
        }
    }
    plain
}

// A path's dots in its last part, and what is no plain character, are written as `%2e`.
fn unescaped(path: &str) -> String {
    let mut plain = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        let byte = after.get(..2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
        let (character, length) = match byte.filter(u8::is_ascii) {
            Some(byte) => (char::from(byte), 2),
            None => ('%', 0),
        };
        plain.push(character);
        rest = &after[length..];
    }
    plain.push_str(rest);
    plain
}

// The function around another: `Get` of `Get.func1`.
fn outer(function: &str) -> &str {
    let inner = [".func", ".deferwrap", ".gowrap"].iter().filter_map(|mark| function.find(mark));
    inner.min().map_or(function, |at| &function[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split() {
        for (name, expected) in [
            ("crypto/tls.(*Conn).Handshake", Some(("crypto/tls", "Conn.Handshake"))),
            ("net/http.Get", Some(("net/http", "Get"))),
            ("main.main", Some(("main", "main"))),
            ("gopkg.in/yaml%2ev2.Unmarshal", Some(("gopkg.in/yaml.v2", "Unmarshal"))),
            ("slices.SortFunc[go.shape.[]github.com/x/y.T]", Some(("slices", "SortFunc"))),
            ("a.b/c.(*List[go.shape.int]).Push", Some(("a.b/c", "List.Push"))),
            ("net/http.(*Client).Do-fm", Some(("net/http", "Client.Do"))),
            ("type:.eq.crypto/tls.Config", None),
            ("go:buildid", None),
            ("memmove", None),
            ("", None),
            ("a%2", None),
            ("%zz/a%.b", Some(("%zz/a%", "b"))),
        ] {
            let expected = expected.map(|(path, name)| (path.to_owned(), name.to_owned()));
            assert_eq!(split(name.as_bytes()), expected, "{name}");
        }
        assert_eq!(outer("Client.Do.func1.2"), "Client.Do");
        assert_eq!(outer("Do"), "Do");
    }

    #[test]
    fn tables_that_are_cut_off_tell_nothing() {
        let mut table = vec![0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8];
        for number in [1_u64, 1, 0, 64, 80, 80, 80] {
            table.extend_from_slice(&number.to_le_bytes());
        }
        table.extend_from_slice(b"net/http.Get\0\0\0\0");
        assert_eq!(names(&table, Endian::Little), Some(&b"net/http.Get\0\0\0\0"[..]));
        for end in 0..table.len() {
            assert_eq!(names(&table[..end], Endian::Little), None);
        }
        table[40] = 0xff;
        assert_eq!(names(&table, Endian::Little), None);
    }
}
