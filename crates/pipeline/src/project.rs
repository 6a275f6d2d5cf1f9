//! Which compose files make one project, and what may be read beside them.
//!
//! Follows `docker compose`: the main file with what overrides it, or the files that are named, in their order. Beside
//! them is read what lies in the same repository, without one in the folder above; never through a pipe or device.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_audit::{Beside, FileKind, Limits, merge_rank, project_files};
use sealift_lint::Config;

use crate::inputs::{Input, LintKind};

const FILE_BYTES_MAX: u64 = 16 << 20;

/// A file as a part of its project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The project's folder.
    pub folder: PathBuf,
    /// The compose files that are given, in the order in which they are merged.
    pub files: Vec<String>,
    /// The file itself, relative to the folder.
    pub path: String,
    /// What it is.
    pub kind: FileKind,
}

impl Membership {
    /// The project that a compose file alone stands for.
    pub(crate) fn of(path: &Path, kind: FileKind) -> Self {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let files = project_files(&name, &|name| folder.join(name).is_file());
        Self { folder, files, path: name, kind }
    }

    /// Does something with what is known beside the file.
    pub(crate) fn with<T>(
        &self,
        config: &Config,
        work: impl FnOnce(&sealift_audit::Context<'_>) -> T,
    ) -> T {
        let root = root(&self.folder);
        let read = |name: &str| read_beside(root.as_deref(), &self.folder.join(name));
        work(&sealift_audit::Context {
            config,
            path: &self.path,
            project: &self.files,
            read: &read,
            limits: Limits::default(),
        })
    }

    /// The other files of the project, each to be judged as a part of it.
    fn companions(&self, text: &str) -> Vec<Input> {
        let others =
            self.with(&Config::default(), |context| sealift_audit::companions(text, context));
        let others = others.into_iter().map(|(name, kind)| {
            let path = self.folder.join(&name);
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let context = folder.unwrap_or(Path::new(".")).to_owned();
            let project = Self { path: name, kind, ..self.clone() };
            Input { path, context, kind: LintKind::from(kind), project: Some(Arc::new(project)) }
        });
        others.collect()
    }
}

/// Gives compose files their projects. Those of one folder that are named one by one are one project.
pub(crate) fn join(inputs: &mut [Input], named: &[PathBuf]) {
    let given: Vec<PathBuf> = inputs
        .iter()
        .filter(|input| input.kind == LintKind::Compose && named.contains(&input.path))
        .map(|input| input.path.clone())
        .collect();
    for input in inputs.iter_mut().filter(|input| input.kind == LintKind::Compose) {
        let mut project = Membership::of(&input.path, FileKind::Compose);
        let beside = given.iter().filter(|path| path.parent() == input.path.parent());
        let names = beside.filter_map(|path| path.file_name());
        let mut names: Vec<String> = names.map(|it| it.to_string_lossy().into_owned()).collect();
        if names.len() > 1 && names.contains(&project.path) {
            names.sort_by_key(|name| merge_rank(name));
            project.files = names;
        }
        input.project = Some(Arc::new(project));
    }
}

/// The other files of the project of an input.
pub(crate) fn companions(input: &Input, text: &str) -> Vec<Input> {
    input.project.as_ref().map(|project| project.companions(text)).unwrap_or_default()
}

/// What may be read: the repository, or else the folder above.
fn root(folder: &Path) -> Option<PathBuf> {
    let folder = folder_of(folder).canonicalize().ok()?;
    let repository = folder.ancestors().find(|above| above.join(".git").exists());
    Some(repository.or(folder.parent()).unwrap_or(&folder).to_owned())
}

fn read_beside(root: Option<&Path>, path: &Path) -> Beside {
    let Ok(real) = path.canonicalize() else {
        // Where it would be decides, so that nothing is said of what lies outside.
        let is_inside = path.parent().and_then(|folder| folder_of(folder).canonicalize().ok());
        let is_outside = is_inside.is_some_and(|it| root.is_none_or(|root| !it.starts_with(root)));
        return if is_outside { Beside::Outside } else { Beside::Missing };
    };
    if root.is_none_or(|root| !real.starts_with(root)) {
        return Beside::Outside;
    }
    // Opening a pipe would wait for somebody to write.
    if !real.is_file() {
        return Beside::Unreadable;
    }
    let mut text = String::new();
    match File::open(&real).map(|file| file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)) {
        Ok(Ok(length)) if length as u64 <= FILE_BYTES_MAX => Beside::Text(text),
        _ => Beside::Unreadable,
    }
}

fn folder_of(folder: &Path) -> &Path {
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }
}
