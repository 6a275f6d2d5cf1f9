//! Which files a linter is asked to read: paths, folders, patterns and standard input.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_audit::FileKind;

use crate::Error;
use crate::project::{self, Membership};

/// The path that stands for standard input.
pub const STDIN: &str = "-";

const DEPTH_MAX: usize = 32;
const DOCUMENT_BYTES_MAX: u64 = 16 << 20;
const ENTRIES_MAX: usize = 200_000;

/// What kind of file is linted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LintKind {
    /// A Dockerfile, by any name.
    Dockerfile,
    /// A compose file.
    Compose,
    /// A Kubernetes manifest.
    Kubernetes,
    /// A file of variables that a compose file names.
    Variables,
}

/// A file to lint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its path, or [`STDIN`].
    pub path: PathBuf,
    /// The build context that goes with it.
    pub context: PathBuf,
    /// What it is.
    pub kind: LintKind,
    /// The compose project that it belongs to.
    pub project: Option<Arc<Membership>>,
}

/// The files that some paths mean, none twice, in the order of the paths and then of their names.
///
/// A folder stands for the Dockerfiles, compose files and Kubernetes manifests in it and below, and a compose file for the
/// Dockerfiles that it builds and the other files of its project too; hidden folders and those of installed packages are passed over. A
/// path that does not exist may be a pattern: `*` and `?` within a name, `**` for any folders.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Input>, Error> {
    let mut found: Vec<Input> = Vec::new();
    let mut all = Vec::new();
    for path in paths {
        all.append(&mut one(path)?);
    }
    project::join(&mut all, paths);
    let mut known = HashSet::new();
    for input in all.into_iter().flat_map(with_others) {
        if known.insert(input.path.clone()) {
            found.push(input);
        }
    }
    Ok(found)
}

/// A file, and for a compose file the rest of its project and the Dockerfiles that it builds.
fn with_others(input: Input) -> Vec<Input> {
    if input.kind != LintKind::Compose {
        return vec![input];
    }
    // What cannot be read is said when it is linted.
    let text = read_document(&input.path).unwrap_or_default();
    let mut all = built_by(&input, &text);
    for other in project::companions(&input, &text) {
        if other.kind == LintKind::Compose {
            let text = read_document(&other.path).unwrap_or_default();
            all.append(&mut built_by(&other, &text));
        }
        all.push(other);
    }
    all.insert(0, input);
    all
}

/// The Dockerfiles that a compose file builds, with their contexts.
fn built_by(input: &Input, text: &str) -> Vec<Input> {
    let folder = input.path.parent().unwrap_or(Path::new(""));
    sealift_audit::builds(text, &sealift_audit::Limits::default())
        .into_iter()
        .map(|build| Input {
            path: folder.join(build.dockerfile),
            context: folder.join(build.context),
            kind: LintKind::Dockerfile,
            project: None,
        })
        .filter(|input| input.path.is_file())
        .collect()
}

/// The text of a file that may be a manifest.
fn read_document(path: &Path) -> Option<String> {
    std::fs::metadata(path).ok().filter(|it| it.is_file() && it.len() <= DOCUMENT_BYTES_MAX)?;
    std::fs::read_to_string(path).ok()
}

fn one(path: &Path) -> Result<Vec<Input>, Error> {
    if path == Path::new(STDIN) {
        let context = PathBuf::from(".");
        let kind = LintKind::Dockerfile;
        return Ok(vec![Input { path: path.to_owned(), context, kind, project: None }]);
    }
    if path.is_dir() {
        let found = walk(path, &mut |file| {
            kind_by_name(file).is_some()
                || has_ending(file, &["yaml", "yml"]) && kind_by_content(file).is_some()
        });
        if found.is_empty() {
            return Err(Error::usage(
                format!(
                    "the folder `{}` has no Dockerfile, compose file or manifest",
                    path.display()
                ),
                "name the file itself, as in `sealift lint build/release.docker`",
            ));
        }
        return Ok(found.into_iter().map(input).collect());
    }
    if path.exists() {
        return Ok(vec![input(path.to_owned())]);
    }
    let text = path.to_string_lossy();
    if !text.contains(['*', '?', '[']) {
        return Err(Error::usage(
            format!("there is no `{text}`"),
            "name a Dockerfile, or a folder that has one",
        ));
    }
    let (folder, pattern) = split(&text);
    let found = walk(&folder, &mut |file| {
        let relative = file.strip_prefix(&folder).unwrap_or(file);
        sealift_lint::matches_glob(&pattern, &relative.to_string_lossy())
    });
    if found.is_empty() {
        return Err(Error::usage(
            format!("no file fits `{text}`"),
            "`*` stands for any text in a name, `**` for any folders",
        ));
    }
    Ok(found.into_iter().map(input).collect())
}

/// The folder before the first part with a wildcard, and the rest.
fn split(pattern: &str) -> (PathBuf, String) {
    let wild = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    match pattern[..wild].rfind('/') {
        Some(0) => (PathBuf::from("/"), pattern[1..].to_owned()),
        Some(slash) => (PathBuf::from(&pattern[..slash]), pattern[slash + 1..].to_owned()),
        None => (PathBuf::from("."), pattern.to_owned()),
    }
}

// Not beyond links: they may lead in a circle, and out of the project.
fn walk(top: &Path, is_wanted: &mut dyn FnMut(&Path) -> bool) -> Vec<PathBuf> {
    const PASSED_OVER: [&str; 4] = ["node_modules", "vendor", "target", "__pycache__"];
    let mut found = Vec::new();
    let mut entries = 0;
    let mut folders = vec![(top.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let Ok(list) = std::fs::read_dir(&folder) else { continue };
        for entry in list.flatten() {
            entries += 1;
            if entries > ENTRIES_MAX {
                break;
            }
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = if top == Path::new(".") && depth == 0 {
                PathBuf::from(entry.file_name())
            } else {
                entry.path()
            };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    let is_hidden = name.starts_with('.') || PASSED_OVER.contains(&name.as_ref());
                    if !is_hidden && depth < DEPTH_MAX {
                        folders.push((path, depth + 1));
                    }
                }
                Ok(_) if is_wanted(&path) && path.is_file() => found.push(path),
                _ => {}
            }
        }
    }
    // What lies in the folder itself comes first.
    found.sort_by_key(|path| (path.components().count(), path.clone()));
    found
}

fn input(path: PathBuf) -> Input {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let context = folder.unwrap_or(Path::new(".")).to_owned();
    let by_content =
        || kind_by_content(&path).filter(|_| has_ending(&path, &["yaml", "yml", "json"]));
    let kind = kind_by_name(&path).or_else(by_content).unwrap_or(LintKind::Dockerfile);
    Input { path, context, kind, project: None }
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().unwrap_or_default();
    endings.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

fn kind_by_content(path: &Path) -> Option<LintKind> {
    let text = read_document(path)?;
    sealift_audit::kind("", &text).map(LintKind::from)
}

impl From<FileKind> for LintKind {
    fn from(kind: FileKind) -> Self {
        match kind {
            FileKind::Compose => Self::Compose,
            FileKind::Kubernetes => Self::Kubernetes,
            FileKind::Variables(_) => Self::Variables,
        }
    }
}

/// What a file is, as far as its name says.
pub fn kind_by_name(path: &Path) -> Option<LintKind> {
    // What editors and generators leave beside a Dockerfile.
    #[rustfmt::skip]
    const OTHERS: [&str; 24] = [
        "dockerignore", "md", "txt", "template", "tmpl", "tpl", "j2", "jinja", "jinja2", "in", "erb", "orig",
        "rej", "bak", "swp", "sh", "py", "go", "js", "ts", "rb", "json", "yaml", "yml",
    ];
    let name = path.file_name()?.to_str()?;
    let is_one = ["Dockerfile", "Containerfile"].iter().any(|word| {
        let Some(first) = name.get(..word.len()) else { return name.ends_with(word) };
        let ending = name.get(name.len().saturating_sub(word.len())..).unwrap_or("");
        let before = &name[..name.len() - ending.len()];
        name.eq_ignore_ascii_case(word)
            || first == *word
                && name[word.len()..]
                    .strip_prefix('.')
                    .is_some_and(|rest| !rest.is_empty() && !is_other(rest, &OTHERS))
            || ending.eq_ignore_ascii_case(word) && before.len() > 1 && before.ends_with('.')
    });
    if is_one {
        return Some(LintKind::Dockerfile);
    }
    sealift_audit::kind_by_name(name).map(LintKind::from)
}

fn is_other(rest: &str, others: &[&str]) -> bool {
    let ending = rest.rsplit('.').next().unwrap_or("");
    others.iter().any(|other| ending.eq_ignore_ascii_case(other)) || rest.ends_with('~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_dockerfiles() {
        for name in [
            "Dockerfile",
            "dockerfile",
            "Containerfile",
            "Dockerfile.dev",
            "Dockerfile.alpine3.22",
            "app.Dockerfile",
            "app.dockerfile",
            "a/b/x.Containerfile",
        ] {
            assert_eq!(kind_by_name(Path::new(name)), Some(LintKind::Dockerfile), "{name}");
        }
        for name in [
            "Dockerfile.dockerignore",
            "Dockerfile.j2",
            "Dockerfile.",
            "Dockerfiles",
            ".Dockerfile",
            "Dockerfile.bak",
            "Dockerfile.dev~",
            "mydockerfile",
            "values.yaml",
            "é",
            "",
        ] {
            assert_eq!(kind_by_name(Path::new(name)), None, "{name}");
        }
        assert_eq!(kind_by_name(Path::new("a/compose.yaml")), Some(LintKind::Compose));
    }

    #[test]
    fn manifests_and_what_compose_files_build() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        for (file, text) in [
            (
                "compose.yml",
                "services: {web: {build: {context: web, dockerfile: docker/release}}}\n",
            ),
            ("web/docker/release", "FROM scratch\n"),
            ("deploy/app.yaml", "apiVersion: v1\nkind: Pod\n"),
            ("deploy/values.yaml", "services: 3\n"),
        ] {
            let path = top.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = find(&[top.to_owned()]).unwrap();
        let found: Vec<(String, String, LintKind)> = found
            .iter()
            .map(|it| {
                let name = |path: &Path| path.strip_prefix(top).unwrap().display().to_string();
                (name(&it.path), name(&it.context), it.kind)
            })
            .collect();
        let expected = [
            ("compose.yml", "", LintKind::Compose),
            ("web/docker/release", "web", LintKind::Dockerfile),
            ("deploy/app.yaml", "deploy", LintKind::Kubernetes),
        ];
        assert_eq!(
            found,
            expected.map(|(path, context, kind)| (path.to_owned(), context.to_owned(), kind))
        );
    }

    #[test]
    fn folders_patterns_and_files() {
        let folder = tempfile::tempdir().unwrap();
        let top = folder.path();
        for file in [
            "Dockerfile",
            "a/Dockerfile.dev",
            "a/b/x.Dockerfile",
            ".git/Dockerfile",
            "a/other",
            "node_modules/p/Dockerfile",
            "a/Dockerfile.md",
        ] {
            let path = top.join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "FROM scratch\n").unwrap();
        }
        let names = |paths: &[&str]| -> Vec<String> {
            let paths: Vec<PathBuf> = paths.iter().map(|path| top.join(path)).collect();
            let found = find(&paths).unwrap();
            found
                .iter()
                .map(|it| it.path.strip_prefix(top).unwrap().display().to_string())
                .collect()
        };
        assert_eq!(names(&[""]), ["Dockerfile", "a/Dockerfile.dev", "a/b/x.Dockerfile"]);
        assert_eq!(
            names(&["a/other", "a", "a/other"]),
            ["a/other", "a/Dockerfile.dev", "a/b/x.Dockerfile"]
        );
        assert_eq!(names(&["**/*.Dockerfile"]), ["a/b/x.Dockerfile"]);
        assert_eq!(names(&["a/*"]), ["a/Dockerfile.dev", "a/Dockerfile.md", "a/other"]);
        for wrong in ["nothing", "a/c/*", "node_modules"] {
            assert!(wrong == "node_modules" || find(&[top.join(wrong)]).is_err(), "{wrong}");
        }
        std::fs::create_dir(top.join("empty")).unwrap();
        assert!(find(&[top.join("empty")]).is_err());
        let stdin = find(&[PathBuf::from("-")]).unwrap();
        assert_eq!(
            (stdin[0].path.as_path(), stdin[0].context.as_path()),
            (Path::new("-"), Path::new("."))
        );
    }
}
