//! Which files a linter is asked to read: paths, folders, patterns and standard input.

use std::path::{Path, PathBuf};

use crate::Error;

/// The path that stands for standard input.
pub const STDIN: &str = "-";

const DEPTH_MAX: usize = 32;
const ENTRIES_MAX: usize = 200_000;

/// What kind of file is linted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LintKind {
    /// A Dockerfile, by any name.
    Dockerfile,
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
}

/// The files that some paths mean, none twice, in the order of the paths and then of their names.
///
/// A folder stands for the Dockerfiles in it and below; hidden folders and those of installed packages are passed over. A
/// path that does not exist may be a pattern: `*` and `?` within a name, `**` for any folders.
pub fn find(paths: &[PathBuf]) -> Result<Vec<Input>, Error> {
    let mut found: Vec<Input> = Vec::new();
    for path in paths {
        for input in one(path)? {
            if !found.iter().any(|known| known.path == input.path) {
                found.push(input);
            }
        }
    }
    Ok(found)
}

fn one(path: &Path) -> Result<Vec<Input>, Error> {
    if path == Path::new(STDIN) {
        let context = PathBuf::from(".");
        return Ok(vec![Input { path: path.to_owned(), context, kind: LintKind::Dockerfile }]);
    }
    if path.is_dir() {
        let found = walk(path, &mut |file| kind_by_name(file).is_some());
        if found.is_empty() {
            return Err(Error::usage(
                format!("the folder `{}` has no Dockerfile", path.display()),
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
    let kind = kind_by_name(&path).unwrap_or(LintKind::Dockerfile);
    Input { path, context, kind }
}

/// What a file is, as far as its name says.
pub fn kind_by_name(path: &Path) -> Option<LintKind> {
    // What editors and generators leave beside a Dockerfile.
    const OTHERS: [&str; 24] = [
        "dockerignore",
        "md",
        "txt",
        "template",
        "tmpl",
        "tpl",
        "j2",
        "jinja",
        "jinja2",
        "in",
        "erb",
        "orig",
        "rej",
        "bak",
        "swp",
        "sh",
        "py",
        "go",
        "js",
        "ts",
        "rb",
        "json",
        "yaml",
        "yml",
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
    is_one.then_some(LintKind::Dockerfile)
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
            "compose.yaml",
            "é",
            "",
        ] {
            assert_eq!(kind_by_name(Path::new(name)), None, "{name}");
        }
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
