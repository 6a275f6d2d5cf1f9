//! Go's build information (Go's `debug/buildinfo`): the toolchain's version, the modules, the settings of the build.

use crate::container::{Format, Program};
use crate::signature::go_module;

const MAGIC: &[u8] = b"\xff Go buildinf:";
const HEADER_BYTES: usize = 32;
const ALIGN: usize = 16;
const VERSION_BYTES_MAX: u64 = 1000;
const MODULES_BYTES_MAX: u64 = 8 << 20;
const MODULES_MAX: usize = 50_000;
const SETTINGS_MAX: usize = 1000;
const NAME_BYTES_MAX: usize = 500;

/// The two texts that the linker leaves in a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// `go1.21.3`.
    pub toolchain: &'a [u8],
    /// Lines with the modules and settings; none in programs that were built without modules.
    pub modules: &'a [u8],
}

/// Finds the record in a program that Go built.
pub fn record<'a>(program: &Program<'a>) -> Option<Record<'a>> {
    let (data, at) = information(program)?;
    let header = data.get(at..at + HEADER_BYTES)?;
    let record = if header[15] & 2 != 0 {
        // Since Go 1.18 the texts follow.
        let mut rest = &data[at + HEADER_BYTES..];
        let toolchain = inline(&mut rest, VERSION_BYTES_MAX)?;
        Record { toolchain, modules: inline(&mut rest, MODULES_BYTES_MAX).unwrap_or_default() }
    } else {
        let pointers = Pointers { size: usize::from(header[14]), is_big: header[15] & 1 != 0 };
        let text = |at: usize, max: u64| {
            let string = pointers.read(header.get(at..)?)?;
            pointers.text(program, string, max)
        };
        let toolchain = text(16, VERSION_BYTES_MAX)?;
        let modules = text(16 + pointers.size, MODULES_BYTES_MAX).unwrap_or_default();
        Record { toolchain, modules }
    };
    let is_go = record.toolchain.starts_with(b"go") || record.toolchain.starts_with(b"devel");
    is_go.then_some(Record { modules: unmarked(record.modules), ..record })
}

// The data that has the header, and where: a section of its own, or the first part that may be written.
fn information<'a>(program: &Program<'a>) -> Option<(&'a [u8], usize)> {
    let aligned = |data: &'a [u8]| {
        let place = memchr::memmem::find_iter(data, MAGIC).find(|place| place % ALIGN == 0)?;
        Some((data, place))
    };
    let name = match program.format {
        Format::Elf => ".go.buildinfo",
        Format::MachO => "__go_buildinfo",
        Format::Pe => "",
    };
    if let Some(found) = program.section(name).and_then(aligned) {
        return Some(found);
    }
    let segment =
        program.segments.iter().find(|segment| segment.is_writable && !segment.data.is_empty())?;
    // The mark stands at the beginning of the data; only programs that Go built without sections are read further.
    aligned(segment.data)
}

struct Pointers {
    size: usize,
    is_big: bool,
}

impl Pointers {
    fn read(&self, bytes: &[u8]) -> Option<u64> {
        let bytes = bytes.get(..self.size)?;
        let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        match self.size {
            4 | 8 if self.is_big => Some(bytes.iter().fold(0, add)),
            4 | 8 => Some(bytes.iter().rev().fold(0, add)),
            _ => None,
        }
    }

    // Go's string in memory: an address and a length.
    fn text<'a>(&self, program: &Program<'a>, address: u64, max: u64) -> Option<&'a [u8]> {
        let string = program.memory(address, 2 * self.size as u64)?;
        let len = self.read(&string[self.size..])?;
        (len <= max).then(|| program.memory(self.read(string)?, len)).flatten()
    }
}

// A length in groups of seven bits, then so many bytes.
fn inline<'a>(bytes: &mut &'a [u8], max: u64) -> Option<&'a [u8]> {
    let mut len = 0_u64;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        len |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            let len = usize::try_from(len).ok().filter(|_| len <= max)?;
            let (text, rest) = bytes.split_at_checked(len)?;
            *bytes = rest;
            return Some(text);
        }
    }
    None
}

// The text is between two marks of 16 bytes, by which the linker finds it.
fn unmarked(modules: &[u8]) -> &[u8] {
    match modules.len().checked_sub(17) {
        Some(end) if modules.len() >= 33 && modules[end] == b'\n' => &modules[16..=end],
        _ => b"",
    }
}

/// What a program was built of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// Version of the toolchain, which is that of the standard library: `1.21.3`.
    pub go: Option<String>,
    /// The package of the program's `main`.
    pub path: Option<String>,
    /// The module of the program itself.
    pub main: Option<Module>,
    /// The modules that it was built from.
    pub modules: Vec<Module>,
    /// Settings of the build: `-ldflags`, `vcs.revision`, …
    pub settings: Vec<(String, String)>,
}

/// A module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its path: of the module that was built, whatever the others call it.
    pub path: String,
    /// Its version.
    pub version: Option<String>,
    /// The module in whose place it was built.
    pub replaces: Option<String>,
}

/// Reads a record's texts.
pub fn build(toolchain: &str, modules: &str) -> Build {
    // `go1.21.3 X:boringcrypto`, `devel go1.22-abc date`.
    let go = toolchain.split(' ').find_map(|word| word.strip_prefix("go"));
    let mut build = Build { go: go.map(str::to_owned), ..Build::default() };
    let mut is_replaceable = false;
    for line in modules.lines() {
        let columns: Vec<&str> = line.split('\t').take(5).collect();
        let [keyword, rest @ ..] = &columns[..] else { continue };
        let was_replaceable = std::mem::take(&mut is_replaceable);
        match *keyword {
            "path" if build.path.is_none() => build.path = rest.first().map(|it| (*it).to_owned()),
            "mod" if build.main.is_none() => build.main = module(rest),
            "dep" if build.modules.len() < MODULES_MAX => {
                let module = module(rest);
                is_replaceable = module.is_some();
                build.modules.extend(module);
            }
            "=>" if was_replaceable => {
                let replaced = build.modules.pop();
                let by = replaced.and_then(|replaced| replacement(replaced, module(rest)));
                build.modules.extend(by);
            }
            "build" if build.settings.len() < SETTINGS_MAX => {
                let setting = rest.first().and_then(|text| text.split_once('='));
                let setting = setting.map(|(key, value)| (key.to_owned(), unquoted(value)));
                build.settings.extend(setting);
            }
            _ => {}
        }
    }
    if build.main.is_none() {
        // Built without modules, as some distributions and projects do.
        let known = build.path.as_deref().and_then(go_module);
        build.main = known.map(|known| Module {
            path: known.path.to_owned(),
            version: None,
            replaces: None,
        });
    }
    build
}

fn module(columns: &[&str]) -> Option<Module> {
    let path = columns.first().filter(|it| !it.is_empty() && it.len() <= NAME_BYTES_MAX)?;
    let text =
        |place: usize| columns.get(place).filter(|it| !it.is_empty() && it.len() <= NAME_BYTES_MAX);
    Some(Module {
        path: (*path).to_owned(),
        version: text(1).filter(|text| **text != "(devel)").map(|it| (*it).to_owned()),
        replaces: None,
    })
}

// What was built in place of another. A path of the file system is the same module, changed, so that its version is not
// known.
fn replacement(replaced: Module, by: Option<Module>) -> Option<Module> {
    let by = by?;
    let is_local = by.path.starts_with(['.', '/']);
    Some(if is_local {
        Module { version: by.version, ..replaced }
    } else {
        Module { replaces: Some(replaced.path), ..by }
    })
}

// A text as Go quotes one (strconv.Quote); others stay as they are.
fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) else {
        return text.trim_matches('`').to_owned();
    };
    let mut plain = String::new();
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                other => plain.extend(other),
            },
            other => plain.push(other),
        }
    }
    plain
}

// Where projects keep the version that they give the linker, beside their own packages.
const SHARED_PACKAGES: [&str; 3] = [
    "github.com/prometheus/common/version",
    "k8s.io/component-base/version",
    "k8s.io/client-go/pkg/version",
];
const VARIABLES: [&str; 8] = [
    "version",
    "gitversion",
    "buildversion",
    "appversion",
    "releaseversion",
    "currentversion",
    "fullversion",
    "gittag",
];

impl Build {
    /// The version of the program itself: what its module says, else what the linker was told.
    pub fn version(&self) -> Option<String> {
        let main = self.main.as_ref()?;
        main.version.clone().or_else(|| self.linked_version())
    }

    /// The version that `-ldflags` gave a variable of the program which is named so. Two that differ say nothing.
    fn linked_version(&self) -> Option<String> {
        let flags = &self.settings.iter().find(|(key, _)| key == "-ldflags")?.1;
        let words = words(flags);
        let mut found: Vec<(&str, String)> = Vec::new();
        let mut is_next = false;
        for word in &words {
            let assignment = if std::mem::replace(&mut is_next, word == "-X" || word == "--X") {
                Some(word.as_str())
            } else {
                word.strip_prefix("-X=").or_else(|| word.strip_prefix("--X="))
            };
            let Some((variable, value)) = assignment.and_then(|it| it.split_once('=')) else {
                continue;
            };
            let Some((package, name)) = variable.rsplit_once('.') else { continue };
            if VARIABLES.contains(&name.to_ascii_lowercase().as_str()) && self.has(package) {
                found.extend(semantic(value).map(|version| (package, version)));
            }
        }
        if let Some((_, version)) = found.iter().find(|(package, _)| *package == "main") {
            return Some(version.clone());
        }
        let (_, first) = found.first()?;
        found.iter().all(|(_, other)| other == first).then(|| first.clone())
    }

    fn has(&self, package: &str) -> bool {
        let main = self.main.as_ref().map_or("", |main| main.path.as_str());
        let is_within =
            package.strip_prefix(main).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        package == "main" || is_within || SHARED_PACKAGES.contains(&package)
    }

    /// Names of variables in which programs keep their version, likeliest first.
    pub fn version_variables(&self) -> Vec<String> {
        let main = self.main.as_ref().map_or("", |main| main.path.as_str());
        let packages = ["main".to_owned()].into_iter().chain(
            ["version", "internal/version", "pkg/version", "cmd"]
                .iter()
                .map(|package| format!("{main}/{package}")),
        );
        packages
            .flat_map(|package| {
                ["version", "Version", "appVersion", "buildVersion", "gitVersion"]
                    .map(|name| format!("{package}.{name}"))
            })
            .collect()
    }
}

/// The version of a program that says `(devel)`, from the variable that holds it. Only programs with symbols have that.
pub fn variable_version(program: &Program<'_>, build: &Build) -> Option<String> {
    let pointers = Pointers {
        size: if program.is_wide { 8 } else { 4 },
        is_big: program.endian == crate::bytes::Endian::Big,
    };
    build.version_variables().iter().find_map(|name| {
        let (address, _) = program.symbol(name)?;
        let text = pointers.text(program, address, 100)?;
        semantic(std::str::from_utf8(text).ok()?)
    })
}

// A version as Go's modules have them.
fn semantic(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = text.strip_prefix('v').unwrap_or(text);
    let is_version = bare.len() <= 100
        && bare.starts_with(|c: char| c.is_ascii_digit())
        && bare.contains('.')
        && bare.chars().all(|c| c.is_ascii_alphanumeric() || ".-+_~".contains(c));
    is_version.then(|| format!("v{bare}"))
}

// The words of a command line; quotes count at the beginning of a word only, as Go splits its flags.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (word, after) = match first {
            '\'' | '"' => match rest[1..].split_once(first) {
                Some(parts) => parts,
                None => break,
            },
            _ => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(flags: &str, expected: Option<&str>) {
        let text = format!(
            "path\texample.org/app/cmd\nmod\texample.org/app\t(devel)\t\nbuild\t-ldflags={flags}\n"
        );
        let build = build("go1.21.3", &text);
        assert_eq!(build.version().as_deref(), expected, "{flags}");
    }

    #[test]
    fn versions_that_the_linker_was_told() {
        check(r#""-s -w -X main.version=1.2.3 -X main.commit=abc""#, Some("v1.2.3"));
        check(r#""-X 'main.Version=v1.2.3-rc1'""#, Some("v1.2.3-rc1"));
        check(r#""-X=example.org/app/version.GitVersion=v2.0.0""#, Some("v2.0.0"));
        check(r#""-X \"example.org/app.Version=2.0\"""#, Some("v2.0"));
        check("-X=main.version=1.0.0", Some("v1.0.0"));
        check(r#""-X k8s.io/component-base/version.gitVersion=v1.30.1""#, Some("v1.30.1"));
        // Of another module, no version, another variable, two that differ.
        check(r#""-X example.org/application.Version=1.0.0""#, None);
        check(r#""-X main.version=unknown""#, None);
        check(r#""-X main.commit=1.0.0""#, None);
        let two = r#""-X example.org/app/a.Version=1.0.0 -X example.org/app/b.Version=2.0.0"#;
        check(&format!("{two}\""), None);
        check(&format!("{two} -X main.Version=3.0.0\""), Some("v3.0.0"));
        for broken in ["", "\"", "\"'", "\"-X\"", "\"-X main.version\"", "\"-X =\"", "\"\\"] {
            check(broken, None);
        }
    }

    #[test]
    fn modules_that_replace_others() {
        let text = "mod\ta\tv1.0.0\th1:x=\ndep\tb\tv1.0.0\th1:y=\n=>\tc\tv2.0.0\th1:z=\ndep\td\tv1.0.0\n=>\t../d\t(devel)\t\n=>\te\tv1.0.0\n";
        let build = build("devel go1.22-abc now", text);
        assert_eq!(build.go.as_deref(), Some("1.22-abc"));
        let modules: Vec<_> = build
            .modules
            .iter()
            .map(|it| (it.path.as_str(), it.version.as_deref(), it.replaces.as_deref()))
            .collect();
        assert_eq!(modules, [("c", Some("v2.0.0"), Some("b")), ("d", None, None)]);
    }
}
