//! Installed gems, by the specification that RubyGems writes for each (guides.rubygems.org, specification reference).
//!
//! It is a Ruby program; RubyGems always writes it in the same form, one assignment a line, and that form is read.

pub(crate) mod lock;

use sealift_model::{Method, PackageKind};

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component, is_test_data, license, shorten};
use crate::supplier::supplier;

/// Gems that are installed.
pub(crate) const GEM: Cataloger = Cataloger {
    name: "ruby-gem",
    what: "Ruby gems that are installed",
    evidence: &[Pattern::Ending(".gemspec")],
    companions: &[],
    read,
};

const BYTES_MAX: usize = 4 << 20;
const TEXTS_MAX: usize = 1_000;
const FILES_MAX: usize = 50_000;

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let path = context.path();
    let Some(home) = home(&path) else { return found };
    if bytes.len() > BYTES_MAX {
        found.notes.push(context.note("it is too large for a specification"));
        return found;
    }
    let text = String::from_utf8_lossy(bytes);
    let specification = Specification::read(&text);
    let Some(name) = specification.first("name").filter(|it| it.len() <= NAME_BYTES_MAX) else {
        found.notes.push(context.note("it has no name"));
        return found;
    };
    let version = specification.first("version").filter(|it| it.len() <= NAME_BYTES_MAX);
    if version.is_none() {
        found.notes.push(context.note(format!("package `{name}` has no version")));
    }
    let evidence = context.evidence(Method::Database);
    let mut draft = component(PackageKind::Gem, name, version, evidence, context);
    let package = &mut draft.package;
    // Of a gem with compiled parts there is one for each platform (purl types, `gem`).
    if let Some(platform) = platform(&path, name, version.unwrap_or_default()) {
        package.purl.qualifiers.insert("platform".to_owned(), platform.to_owned());
        package.architecture = Some(platform.to_owned());
    }
    if is_test_data(&path) {
        package.scope = sealift_model::Scope::TestData;
    }
    let licenses = specification.all("licenses").chain(specification.all("license"));
    package.licenses = licenses.filter_map(license).collect();
    package.supplier = specification.first("authors").and_then(supplier);
    package.homepage = specification.first("homepage").map(shorten);
    package.summary = specification.first("summary").map(shorten);
    package.files = files(home, &path, context);
    home.clone_into(&mut draft.surroundings);
    draft.provides = vec![name.to_owned()];
    draft.requires = specification.needs.iter().map(|need| vec![(*need).to_owned()]).collect();
    found.drafts.push(draft);
    found
}

// Gems are looked up in the same `specifications`, the default ones of Ruby among them.
fn home(path: &str) -> Option<&str> {
    let directory = path.rsplit_once('/')?.0;
    let directory = directory.strip_suffix("/default").unwrap_or(directory);
    directory.ends_with("/specifications").then_some(directory)
}

// The specification, and the gem's own folder, which has its name.
fn files(home: &str, path: &str, context: &Context<'_>) -> Vec<String> {
    let mut files = vec![path.to_owned()];
    let gems = home.strip_suffix("/specifications").and_then(|it| it.strip_prefix('/'));
    let stem = path.rsplit('/').next().and_then(|file| file.strip_suffix(".gemspec"));
    if let (Some(gems), Some(stem)) = (gems, stem) {
        files.extend(context.files_below(&format!("{gems}/gems/{stem}"), FILES_MAX));
    }
    files
}

// `name-version-platform.gemspec`.
fn platform<'a>(path: &'a str, name: &str, version: &str) -> Option<&'a str> {
    let stem = path.rsplit('/').next()?.strip_suffix(".gemspec")?;
    let rest = stem.strip_prefix(name)?.strip_prefix('-')?.strip_prefix(version)?;
    rest.strip_prefix('-').filter(|platform| !platform.is_empty())
}

#[derive(Default)]
struct Specification<'a> {
    /// Attribute and text, an entry for each of several texts.
    texts: Vec<(&'a str, &'a str)>,
    needs: Vec<&'a str>,
}

impl<'a> Specification<'a> {
    fn read(text: &'a str) -> Self {
        let mut read = Self::default();
        for line in text.lines() {
            // `s.name = "x".freeze`; the variable may have any name.
            let Some((_, statement)) = line.trim_start().split_once('.') else { continue };
            if statement.starts_with("add_runtime_dependency")
                || statement.starts_with("add_dependency")
            {
                read.needs
                    .extend(literals(statement).next().filter(|_| read.needs.len() < TEXTS_MAX));
                continue;
            }
            let Some((attribute, value)) = statement.split_once('=') else { continue };
            let attribute = attribute.trim();
            if attribute.contains([' ', '(', '[']) {
                continue;
            }
            for text in literals(value).take(20) {
                if read.texts.len() < TEXTS_MAX {
                    read.texts.push((attribute, text));
                }
            }
        }
        read.needs.sort_unstable();
        read.needs.dedup();
        read
    }

    fn all(&self, attribute: &str) -> impl Iterator<Item = &'a str> {
        self.texts.iter().filter(move |(name, _)| *name == attribute).map(|(_, text)| *text)
    }

    fn first(&self, attribute: &str) -> Option<&'a str> {
        self.all(attribute).map(str::trim).find(|text| !text.is_empty())
    }
}

// `"x"`, `'x'` and `%q<x>`. Escapes are rare, and end a text that nobody needs exactly.
fn literals(mut code: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let at = code.find(['"', '\'', '%'])?;
        let (open, close) = match &code.as_bytes()[at..] {
            [b'%', b'q', b'<', ..] => (3, '>'),
            [b'"', ..] => (1, '"'),
            [b'\'', ..] => (1, '\''),
            _ => {
                code = "";
                return None;
            }
        };
        let rest = &code[at + open..];
        let end = rest.find(close)?;
        code = &rest[end + 1..];
        Some(&rest[..end])
    })
}
