//! Loading of a policy's text: which syntax it is in.

use regorus::Engine;

use crate::place::Place;
use crate::{Error, growth, hoist};

/// A policy: its text and the name under which reasons refer to it.
///
/// The syntax is Rego v0, as OPA before 1.0 had it, or v1 if the file says `import rego.v1`. Two things are
/// forgiven, each only if the file does not parse otherwise: `in` without `import future.keywords.in`, and v1
/// syntax without its import.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// File name.
    pub file: String,
    /// Rego.
    pub text: String,
}

impl Source {
    /// A policy of a name and a text.
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        Self { file: file.into(), text: text.into() }
    }
}

// The interpreter's parser takes twice the time for each further level of `[` or `{`.
const NESTING_MAX: usize = 14;

/// Adds a policy to the engine.
pub(crate) fn load(engine: &mut Engine, source: &Source) -> Result<(), Error> {
    if let Some((line, column)) = too_deep(&source.text) {
        let message = format!("brackets are nested more than {NESTING_MAX} deep");
        return Err(Error::Parse { file: source.file.clone(), line, column, message });
    }
    let mut attempts = vec![(true, source.text.clone())];
    if let Some(text) = with_in_keyword(&source.text) {
        attempts.push((true, text));
    }
    attempts.push((false, source.text.clone()));

    let mut furthest: Option<Place> = None;
    for (is_v0, text) in attempts {
        engine.set_rego_v0(is_v0);
        match parse(engine, source, text) {
            Ok(()) => return Ok(()),
            // The attempt that came furthest knows best what is wrong; the first one of equals.
            Err(error) => {
                let place = Place::parse(&error.to_string());
                let is_further = furthest
                    .as_ref()
                    .is_none_or(|known| (place.line, place.column) > (known.line, known.column));
                if is_further {
                    furthest = Some(place);
                }
            }
        }
    }
    let place = furthest.unwrap_or_default();
    Err(Error::Parse {
        file: source.file.clone(),
        line: place.line,
        column: place.column,
        message: place.message,
    })
}

fn parse(
    engine: &mut Engine,
    source: &Source,
    text: String,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // An engine cannot forget a module, so that a copy looks at it first.
    let mut first = engine.clone();
    first.add_policy(source.file.clone(), text.clone())?;
    let hoisted = first
        .get_modules()
        .last()
        .and_then(|module| hoist::hoisted(module, &text, &growth::counted(module, &text)));
    engine.add_policy(source.file.clone(), hoisted.unwrap_or(text))?;
    Ok(())
}

// Where brackets are nested too deeply; those in texts and comments do not count.
fn too_deep(text: &str) -> Option<(usize, usize)> {
    let (mut line, mut column, mut depth) = (1, 0, 0_usize);
    let mut within = Within::Code;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        column += 1;
        if c == '\n' {
            (line, column) = (line + 1, 0);
            if within != Within::Raw {
                within = Within::Code;
            }
            continue;
        }
        within = match (within, c) {
            (Within::Code, '#') => Within::Comment,
            (Within::Code, '"') => Within::Text,
            (Within::Code, '`') => Within::Raw,
            (Within::Text, '"') | (Within::Raw, '`') => Within::Code,
            (same, _) => same,
        };
        match (within, c) {
            (Within::Text, '\\') => {
                column += 1;
                chars.next();
            }
            (Within::Code, '[' | '{') => depth += 1,
            (Within::Code, ']' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > NESTING_MAX {
            return Some((line, column));
        }
    }
    None
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    Code,
    Comment,
    Text,
    Raw,
}

// Imports `in` on the package line, so that line numbers stay. Only `in`: the other keywords (`if`, `contains`,
// `every`) may be names of rules in a v0 policy.
fn with_in_keyword(text: &str) -> Option<String> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let code = line.trim_start();
        if let Some(rest) = code.strip_prefix("package")
            && rest.starts_with([' ', '\t'])
        {
            let path = rest.trim_start();
            let end = start + line.len() - path.len() + path_len(path);
            return Some(format!("{} import future.keywords.in{}", &text[..end], &text[end..]));
        }
        if !(code.is_empty() || code.starts_with('#')) {
            return None;
        }
        start += line.len();
    }
    None
}

// Length of a package's path, which may have parts in brackets and quotes.
fn path_len(text: &str) -> usize {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' => return at,
            b' ' | b'\t' | b'#' | b';' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_import_goes_on_the_package_line() {
        let check = |text: &str, expected: &str| {
            assert_eq!(with_in_keyword(text).as_deref(), Some(expected));
        };
        check("package a.b\ndeny", "package a.b import future.keywords.in\ndeny");
        check("# x\n\npackage a # why\r\n", "# x\n\npackage a import future.keywords.in # why\r\n");
        check("package a[\"b c\"].d", "package a[\"b c\"].d import future.keywords.in");
        assert_eq!(with_in_keyword("deny { true }"), None);
        assert_eq!(with_in_keyword("packages"), None);
        assert_eq!(with_in_keyword(""), None);
    }

    #[test]
    fn syntaxes() {
        let load_one = |text: &str| load(&mut Engine::new(), &Source::new("p.rego", text));
        for text in [
            "package a\ndeny[msg] { msg := \"x\" }",
            "package a\ndeny[msg] { not 1 in [2]; msg := \"x\" }",
            "package a\nimport rego.v1\ndeny contains msg if { msg := \"x\" }",
            "package a\ndeny contains msg if { msg := \"x\" }",
            "package a\ncontains := 1\nevery := 2\ndeny[msg] { not 1 in [2]; msg := \"x\" }",
        ] {
            assert!(load_one(text).is_ok(), "{text}");
        }
        let error = load_one(
            "package a\ndeny[msg] { not 1 in [2]; msg := \"x\" }\n\nwarn[msg] { msg := }\n",
        );
        assert!(matches!(error, Err(Error::Parse { line: 4, .. })), "{error:?}");
    }
}
