//! The recipe: which archives, which packages, and what to lay over them. TOML.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use sealift_archive::RelativePath;
use sealift_oci::Digest;
use serde::{Deserialize, Deserializer};

use crate::Error;

/// Where Debian's own package puts the archive keys.
pub const KEYRING_DEFAULT: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Recipes above this size are refused.
const RECIPE_BYTES_MAX: usize = 1 << 20;

/// A recipe with the digest of its text.
#[derive(Clone, Debug)]
pub struct Recipe {
    digest: Digest,
    body: Body,
}

/// What a recipe says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Name of the image, `python:3.11-slim`; for people, not part of the image.
    #[serde(default)]
    pub name: Option<String>,
    /// The archives.
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
    /// Packages to install: `name` or `name=version`.
    pub packages: Vec<PackageRequest>,
    /// Packages that are never installed, even if others depend on them.
    #[serde(default)]
    pub exclude: BTreeSet<String>,
    /// Install what packages recommend, too.
    #[serde(default)]
    pub recommends: bool,
    /// Install all packages that are marked essential.
    #[serde(default)]
    pub essential: bool,
    /// Keep manuals and documentation; copyright files are always kept.
    #[serde(default)]
    pub documentation: bool,
    /// Keep translations.
    #[serde(default)]
    pub locales: bool,
    /// Take the set-user-id and set-group-id bits off all files.
    #[serde(default)]
    pub strip_setuid: bool,
    /// In which form to record the packages; by default as the selection asks for.
    #[serde(default)]
    pub database: Option<Database>,
    /// Globs of paths that are removed at the end.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Symbolic links: path and target.
    #[serde(default)]
    pub links: BTreeMap<ImagePath, String>,
    /// Files of the recipe's own.
    #[serde(default)]
    pub files: Vec<File>,
    /// Directories of the recipe's own.
    #[serde(default)]
    pub directories: Vec<Directory>,
    /// Users beside Debian's own and `nonroot`.
    #[serde(default)]
    pub users: Vec<User>,
    /// Environment of containers.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Program of containers.
    #[serde(default)]
    pub entrypoint: Option<Vec<String>>,
    /// Arguments of the program, or the program.
    #[serde(default)]
    pub cmd: Option<Vec<String>>,
    /// Working directory of containers.
    #[serde(default)]
    pub workdir: Option<String>,
    /// User of containers.
    #[serde(default)]
    pub user: Option<String>,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// An archive and the suites to take from it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The archive, `http://deb.debian.org/debian`.
    pub url: String,
    /// Suites, `bookworm`.
    pub suites: Vec<String>,
    /// Components.
    #[serde(default = "main_component")]
    pub components: Vec<String>,
    /// File with the keys that may sign the suites; relative to the recipe.
    #[serde(default = "default_keyring")]
    pub keyring: String,
}

/// A package that the recipe asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageRequest {
    /// Name.
    pub name: String,
    /// Exact version.
    pub version: Option<String>,
}

/// In which form the image records its packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Database {
    /// One file a package below `var/lib/dpkg/status.d`, as minimal images have it.
    #[serde(rename = "status.d")]
    StatusDirectory,
    /// dpkg's own database, so that `apt-get install` works in the image.
    #[serde(rename = "dpkg")]
    Dpkg,
}

/// A path in the image.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImagePath(pub RelativePath);

/// A file of the recipe's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Path in the image.
    pub path: ImagePath,
    /// The text, or else
    #[serde(default)]
    pub content: Option<String>,
    /// the file to copy; relative to the recipe.
    #[serde(default)]
    pub source: Option<String>,
    /// Mode, `"0644"`.
    #[serde(default = "file_mode")]
    pub mode: Mode,
    /// Owner.
    #[serde(default)]
    pub uid: u32,
    /// Group.
    #[serde(default)]
    pub gid: u32,
}

/// A directory of the recipe's own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directory {
    /// Path in the image.
    pub path: ImagePath,
    /// Mode, `"0755"`.
    #[serde(default = "directory_mode")]
    pub mode: Mode,
    /// Owner.
    #[serde(default)]
    pub uid: u32,
    /// Group.
    #[serde(default)]
    pub gid: u32,
}

/// A user with a group of the same name and number.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// Name.
    pub name: String,
    /// Number.
    pub uid: u32,
    /// Number of the group, by default the user's.
    #[serde(default)]
    pub gid: Option<u32>,
    /// Home; it is made if it lies in the image.
    #[serde(default = "no_home")]
    pub home: String,
    /// Shell.
    #[serde(default = "no_login")]
    pub shell: String,
}

/// Permission bits, written as an octal text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(pub u32);

impl Recipe {
    /// Reads a recipe.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if text.len() > RECIPE_BYTES_MAX {
            return Err(Error::TooLarge {
                what: "recipe".to_owned(),
                limit: RECIPE_BYTES_MAX as u64,
            });
        }
        let body: Body = toml::from_str(text)
            .map_err(|error| Error::Recipe { message: error.to_string().trim_end().to_owned() })?;
        check(&body).map_err(|message| Error::Recipe { message })?;
        Ok(Self { digest: Digest::sha256(text.as_bytes()), body })
    }

    /// The digest of the recipe's text.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }

    /// What it says.
    pub fn body(&self) -> &Body {
        &self.body
    }
}

// What the types cannot say.
fn check(body: &Body) -> Result<(), String> {
    if body.sources.is_empty() {
        return Err("there is no `[[source]]`".to_owned());
    }
    if body.packages.is_empty() && !body.essential {
        return Err("`packages` is empty".to_owned());
    }
    for source in &body.sources {
        check_source(source)?;
    }
    if let Some(name) = body.exclude.iter().find(|name| !is_package_name(name)) {
        return Err(format!("`{name}` in `exclude` is not a package name"));
    }
    if let Some(request) = body.packages.iter().find(|request| body.exclude.contains(&request.name))
    {
        return Err(format!("`{}` is both in `packages` and in `exclude`", request.name));
    }
    for file in &body.files {
        if file.content.is_some() == file.source.is_some() {
            return Err(format!("file `{}` needs either `content` or `source`", file.path));
        }
    }
    for user in &body.users {
        check_user(user)?;
    }
    if let Some(name) = body.env.keys().find(|name| name.is_empty() || name.contains('=')) {
        return Err(format!("`{name}` is not a name for an environment variable"));
    }
    match &body.workdir {
        Some(workdir) if !workdir.starts_with('/') => {
            Err(format!("`workdir` `{workdir}` is not an absolute path"))
        }
        _ => Ok(()),
    }
}

fn check_source(source: &Source) -> Result<(), String> {
    let url = &source.url;
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(format!("`{url}` is not an http or https address"));
    }
    if source.suites.is_empty() || source.components.is_empty() {
        return Err(format!("source `{url}` needs at least one suite and one component"));
    }
    let names = source.suites.iter().chain(&source.components);
    match names.into_iter().find(|name| !is_suite_name(name)) {
        Some(name) => Err(format!("`{name}` of source `{url}` is not a suite or component")),
        None => Ok(()),
    }
}

fn check_user(user: &User) -> Result<(), String> {
    let name_fits = !user.name.is_empty()
        && user.name.len() <= 32
        && user.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
        && !user.name.starts_with(['-', '.']);
    if !name_fits {
        return Err(format!("`{}` is not a user name", user.name));
    }
    match [&user.home, &user.shell]
        .into_iter()
        .find(|path| !path.starts_with('/') || path.contains([':', '\n']) || path.contains("/../"))
    {
        Some(path) => Err(format!("`{path}` of user `{}` is not an absolute path", user.name)),
        None => Ok(()),
    }
}

// Debian policy §5.6.1.
fn is_package_name(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit())
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte)
        })
}

fn is_suite_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._/~".contains(&byte))
        && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

impl<'de> Deserialize<'de> for PackageRequest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (name, version) = match text.split_once('=') {
            Some((name, version)) => (name.trim(), Some(version.trim().to_owned())),
            None => (text.as_str(), None),
        };
        if !is_package_name(name) || version.as_deref() == Some("") {
            return Err(serde::de::Error::custom(format!(
                "`{text}` is neither a package name nor `name=version`"
            )));
        }
        Ok(Self { name: name.to_owned(), version })
    }
}

impl<'de> Deserialize<'de> for ImagePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match RelativePath::parse(text.as_bytes()) {
            Ok(path) if text.starts_with('/') && !path.as_bytes().is_empty() => Ok(Self(path)),
            _ => Err(serde::de::Error::custom(format!(
                "`{text}` is not an absolute path without `..`"
            ))),
        }
    }
}

impl fmt::Display for PackageRequest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)?;
        match &self.version {
            Some(version) => write!(out, "={version}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for ImagePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "/{}", self.0)
    }
}

impl fmt::Debug for ImagePath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match u32::from_str_radix(&text, 8) {
            Ok(mode) if mode <= 0o7777 => Ok(Self(mode)),
            _ => Err(serde::de::Error::custom(format!("`{text}` is not an octal mode"))),
        }
    }
}

fn main_component() -> Vec<String> {
    vec!["main".to_owned()]
}

fn default_keyring() -> String {
    KEYRING_DEFAULT.to_owned()
}

fn file_mode() -> Mode {
    Mode(0o644)
}

fn directory_mode() -> Mode {
    Mode(0o755)
}

fn no_home() -> String {
    "/nonexistent".to_owned()
}

fn no_login() -> String {
    "/usr/sbin/nologin".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(text: &str, expected: Expect) {
        let actual = match Recipe::parse(text) {
            Ok(recipe) => format!("{:?}", recipe.body().packages),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&actual);
    }

    const SOURCE: &str =
        "[[source]]\nurl = \"http://deb.debian.org/debian\"\nsuites = [\"bookworm\"]\n";

    fn with_source(text: &str) -> String {
        format!("{text}\n{SOURCE}")
    }

    #[test]
    fn names_and_versions() {
        check(
            &with_source("packages = ['libc6', 'python3=3.11.2-1+b1']"),
            expect![[
                r#"[PackageRequest { name: "libc6", version: None }, PackageRequest { name: "python3", version: Some("3.11.2-1+b1") }]"#
            ]],
        );
    }

    #[test]
    fn defaults() {
        let recipe = Recipe::parse(&with_source("packages = ['libc6']")).unwrap();
        assert_eq!(recipe.body().sources[0].components, ["main"]);
        assert_eq!(recipe.body().sources[0].keyring, KEYRING_DEFAULT);
    }

    #[test]
    fn refuses_what_no_archive_can_mean() {
        check(
            "packages = ['libc6']",
            expect![[r"
            recipe is not valid: TOML parse error at line 1, column 1
              |
            1 | packages = ['libc6']
              | ^
            missing field `source`"]],
        );
        check(&with_source("packages = []"), expect!["recipe is not valid: `packages` is empty"]);
        check(
            &with_source("packages = ['libc6']\nexclude = ['libc6']"),
            expect!["recipe is not valid: `libc6` is both in `packages` and in `exclude`"],
        );
        check(
            "packages = ['libc6']\n[[source]]\nurl = 'file:///srv'\nsuites = ['x']",
            expect!["recipe is not valid: `file:///srv` is not an http or https address"],
        );
        check(
            "packages = ['libc6']\n[[source]]\nurl = 'http://d'\nsuites = ['../x']",
            expect!["recipe is not valid: `../x` of source `http://d` is not a suite or component"],
        );
    }

    #[test]
    fn refuses_paths_and_modes_that_are_none() {
        for text in [
            "packages = ['a1']\n[links]\n'/a/../../etc' = 'x'",
            "packages = ['a1']\n[links]\n'relative' = 'x'",
            "packages = ['a1']\n[[files]]\npath = '/a'\ncontent = 'x'\nmode = '9'",
            "packages = ['a1']\n[[files]]\npath = '/a'",
            "packages = ['a1']\n[[users]]\nname = 'a:b'\nuid = 5",
            "packages = ['a1']\n[[users]]\nname = 'a'\nuid = 5\nhome = \"/x\\n/y\"",
            "packages = ['a1']\nunknown = 1",
        ] {
            assert!(Recipe::parse(&with_source(text)).is_err(), "{text}");
        }
    }
}
