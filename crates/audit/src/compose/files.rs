//! The files that make one project: those that are given, what they include, and files of variables.
//!
//! Follows the compose specification: `include` and `env_file` in their short and long forms. Every file is read once,
//! includes end at a depth and a number, and a file that is not read is a finding where it is named.

use std::collections::BTreeSet;

use sealift_diagnostic::{Diagnostic, Level, Rule, Span};

use super::variables::expand;
use crate::rules::Sink;
use crate::yaml::{Tree, View, read};
use crate::{Context, Format};

/// Files of one project, and how deep they may include each other.
const FILES_MAX: usize = 100;
const DEPTH_MAX: usize = 16;
/// Bytes of all files beside the one that is judged.
const BYTES_MAX: usize = 4 << 20;

/// What another file gave when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    /// Its text.
    Text(String),
    /// There is no such file.
    Missing,
    /// It lies outside of what may be read.
    Outside,
    /// It is there, and no text, or too long.
    Unreadable,
}

impl Beside {
    /// The text, if there is one.
    pub fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Missing | Self::Outside | Self::Unreadable => None,
        }
    }
}

/// A compose file of a project.
pub(super) struct File {
    pub(super) path: String,
    /// What its own paths are relative to.
    pub(super) folder: String,
    /// Nothing for the file that is judged.
    pub(super) text: Option<String>,
}

/// All files of a project, in the order in which they are merged.
pub(super) struct Project {
    pub(super) files: Vec<File>,
    /// Files of variables, and how they are written.
    pub(super) variables: Vec<(String, Format)>,
    /// What is wrong with names of files in the file that is judged.
    pub(super) problems: Vec<Diagnostic>,
    /// Whether all compose files could be read.
    pub(super) is_whole: bool,
}

pub(super) static MISSING_FILE: Rule = Rule {
    id: "SL6032",
    name: "missing-file",
    level: Level::Warning,
    aliases: &[],
    why: "compose does not start a project of which a file is missing or includes itself, and what the file would say is not judged",
    fix: "add the file, correct its path, or write `required: false` beside the `path` of an `env_file`",
    since: "0.2.0",
    bad: "services:\n  web:\n    image: nginx\n    env_file: web.env\n",
    good: "services:\n  web:\n    image: nginx\n    env_file: [{path: web.env, required: false}]\n",
    references: &["https://docs.docker.com/reference/compose-file/services/#env_file"],
};

pub(super) static UNREAD_FILE: Rule = Rule {
    id: "SL6033",
    name: "unread-file",
    level: Level::Info,
    aliases: &[],
    why: "what the file says belongs to the project and was not judged",
    fix: "keep the file in the project, or lint it where it is",
    since: "0.2.0",
    bad: "include: [\"oci://registry.example/app:1\"]\nservices:\n  web:\n    image: nginx\n",
    good: "services:\n  web:\n    image: nginx\n",
    references: &["https://docs.docker.com/reference/compose-file/include/"],
};

/// Find the files of the project that a text belongs to.
pub(super) fn assemble(tree: &Tree<'_>, context: &Context<'_>) -> Project {
    let mut search = Search {
        context,
        tree,
        project: Project {
            files: Vec::new(),
            variables: Vec::new(),
            problems: Vec::new(),
            is_whole: true,
        },
        known: BTreeSet::new(),
        bytes_left: BYTES_MAX,
        missing: Sink::new(&MISSING_FILE),
        unread: Sink::new(&UNREAD_FILE),
    };
    let mut names: Vec<&str> = context.project.iter().map(String::as_str).collect();
    // Who gives no project has one of a single file.
    if names.is_empty() {
        names.push(context.path);
    }
    for name in names {
        search.compose(&normal(name), "", None, &mut Vec::new());
    }
    if !search.known.contains(&normal(context.path)) {
        search.compose(&normal(context.path), parent(context.path), None, &mut Vec::new());
    }
    let mut project = search.project;
    project.problems.append(&mut search.missing.findings);
    project.problems.append(&mut search.unread.findings);
    project
}

/// A name of a file, and where it stands.
#[derive(Clone, Copy)]
struct Naming {
    span: Span,
    /// It stands in the file that is judged.
    is_here: bool,
}

struct Search<'a> {
    context: &'a Context<'a>,
    tree: &'a Tree<'a>,
    project: Project,
    known: BTreeSet<String>,
    bytes_left: usize,
    missing: Sink,
    unread: Sink,
}

impl Search<'_> {
    fn missing(&mut self, naming: Option<Naming>, message: String, level: Level) {
        if let Some(naming) = naming.filter(|naming| naming.is_here) {
            self.missing.add(naming.span, message).level = level;
        }
    }

    fn unread(&mut self, naming: Option<Naming>, message: String) {
        if let Some(naming) = naming.filter(|naming| naming.is_here) {
            self.unread.add(naming.span, message);
        }
    }

    /// Take a compose file after all that it includes.
    fn compose(
        &mut self,
        path: &str,
        folder: &str,
        naming: Option<Naming>,
        trail: &mut Vec<String>,
    ) {
        if trail.iter().any(|above| above == path) {
            self.missing(naming, format!("`{}` includes itself", shown(path)), Level::Error);
            return;
        }
        if self.known.contains(path) {
            return;
        }
        if trail.len() >= DEPTH_MAX || self.known.len() >= FILES_MAX {
            self.project.is_whole = false;
            let message = format!(
                "`{}` is not read: includes end after {FILES_MAX} files and {DEPTH_MAX} in a row",
                shown(path)
            );
            self.unread(naming, message);
            return;
        }
        self.known.insert(path.to_owned());
        trail.push(path.to_owned());
        if path == normal(self.context.path) {
            self.follow(self.tree, true, folder, trail);
            let (path, folder) = (path.to_owned(), folder.to_owned());
            self.project.files.push(File { path, folder, text: None });
        } else if let Some(text) = self.read(path, naming, Level::Error) {
            self.follow(&read(&text, &self.context.limits), false, folder, trail);
            let (path, folder) = (path.to_owned(), folder.to_owned());
            self.project.files.push(File { path, folder, text: Some(text) });
        } else {
            self.project.is_whole = false;
        }
        trail.pop();
    }

    fn read(&mut self, path: &str, naming: Option<Naming>, level: Level) -> Option<String> {
        let name = shown(path);
        match (self.context.read)(path) {
            Beside::Text(text) if text.len() <= self.bytes_left => {
                self.bytes_left -= text.len();
                return Some(text);
            }
            Beside::Text(_) => {
                let message = format!(
                    "`{name}` is not read: with it the files of the project have more than {} MiB",
                    BYTES_MAX >> 20
                );
                self.unread(naming, message);
            }
            Beside::Missing => self.missing(naming, format!("there is no file `{name}`"), level),
            Beside::Outside => {
                self.unread(
                    naming,
                    format!("`{name}` lies outside of the project and is not read"),
                );
            }
            Beside::Unreadable => {
                self.unread(naming, format!("`{name}` is no text file that can be read"));
            }
        }
        None
    }

    /// Follow what a file names.
    fn follow(&mut self, tree: &Tree<'_>, is_here: bool, folder: &str, trail: &mut Vec<String>) {
        for document in tree.documents() {
            for item in document.get("include").into_iter().flat_map(View::items) {
                self.include(item, is_here, folder, trail);
            }
            let services = document.get("services").map(View::entries).unwrap_or_default();
            for service in services {
                if let Some(named) = service.value.get("env_file") {
                    self.variables(named, is_here, folder);
                }
            }
        }
    }

    fn include(&mut self, item: View<'_>, is_here: bool, folder: &str, trail: &mut Vec<String>) {
        let paths = item.get("path").map_or(vec![item], one_or_many);
        let mut below = item.word("project_directory").map(|it| join(folder, &expand(it)));
        for path in paths {
            let Some(name) = path.text() else { continue };
            let naming = Naming { span: path.place(), is_here };
            let Some(path) = self.place(name, folder, naming) else {
                self.project.is_whole = false;
                continue;
            };
            let below = below.get_or_insert_with(|| parent(&path).to_owned()).clone();
            self.compose(&path, &below, Some(naming), trail);
        }
        if let Some(named) = item.get("env_file") {
            self.variables(named, is_here, folder);
        }
    }

    /// Take files of variables: one, many, or with `path`, `required` and `format`.
    fn variables(&mut self, named: View<'_>, is_here: bool, folder: &str) {
        for item in one_or_many(named) {
            let Some(name) = item.text().or_else(|| item.word("path")) else { continue };
            let place = item.get("path").unwrap_or(item).place();
            let naming = Naming { span: place, is_here };
            let Some(path) = self.place(name, folder, naming) else { continue };
            let is_raw = item.word("format") == Some("raw");
            let format = if is_raw { Format::Raw } else { Format::Compose };
            if self.project.variables.iter().any(|(known, _)| *known == path) {
                continue;
            }
            if self.project.variables.len() >= FILES_MAX {
                let message = format!(
                    "`{}` is not read: a project has {FILES_MAX} files of variables at most",
                    shown(&path)
                );
                self.unread(Some(naming), message);
                continue;
            }
            let is_required = item.get("required").and_then(View::truth) != Some(false);
            let naming_missing = Naming { is_here: is_here && is_required, ..naming };
            let is_missing = (self.context.read)(&path) == Beside::Missing;
            let naming = if is_missing { naming_missing } else { naming };
            if self.read(&path, Some(naming), Level::Warning).is_some() {
                self.project.variables.push((path, format));
            }
        }
    }

    /// Where a file lies, if its name says it.
    fn place(&mut self, name: &str, folder: &str, naming: Naming) -> Option<String> {
        let name = expand(name);
        let is_remote = name.contains("://") || name.starts_with("git@");
        if is_remote {
            self.unread(Some(naming), format!("`{}` lies elsewhere and is not read", shown(&name)));
            return None;
        }
        if name.contains('$') {
            let message = format!("`{}` depends on a variable and is not read", shown(&name));
            self.unread(Some(naming), message);
            return None;
        }
        Some(join(folder, &name))
    }
}

fn one_or_many(view: View<'_>) -> Vec<View<'_>> {
    if view.is_list() { view.items().collect() } else { vec![view] }
}

/// A path, or another word of a file, as messages show it.
pub(super) fn shown(path: &str) -> String {
    path.chars().take(120).collect()
}

/// The folder of a file; nothing for the project's own.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path below a folder, without detours.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() || name.starts_with('/') {
        return normal(name);
    }
    normal(&format!("{folder}/{name}"))
}

/// A path without `.` and with `..` only in front.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let start = if path.starts_with('/') { "/" } else { "" };
    format!("{start}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_form() {
        for (folder, name, expected) in [
            ("", "./a.env", "a.env"),
            ("sub", "../a.env", "a.env"),
            ("sub", "../../a.env", "../a.env"),
            ("..", "../a", "../../a"),
            ("sub", "/etc/./x", "/etc/x"),
            ("", "", ""),
        ] {
            assert_eq!(join(folder, name), expected, "{folder} {name}");
        }
        assert_eq!(parent("a/b/c.yaml"), "a/b");
        assert_eq!(parent("c.yaml"), "");
    }
}
