//! What kind of file a text is.

use crate::yaml::{Limits, read};
use crate::{compose, kubernetes};

/// A kind of file that this crate has rules for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// A compose file.
    Compose,
    /// A Kubernetes manifest, in YAML or JSON, or what Helm made of its templates.
    Kubernetes,
    /// A file of variables that a compose file names.
    Variables(Format),
}

/// How the values of a file of variables are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// With quotes, comments and variables.
    Compose,
    /// As they stand.
    Raw,
}

/// Names of a project's file where none is given, the best first; and of what is merged over it.
const MAIN_FILES: [&str; 4] =
    ["compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"];
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// The files that make the project of a compose file, as compose itself finds them: the main file and what overrides it.
/// Any other file is a project of its own.
pub fn project_files(name: &str, exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let first = |names: [&'static str; 4]| names.into_iter().find(|name| exists(name));
    let (main, over) = if MAIN_FILES.contains(&name) {
        (Some(name), first(OVERRIDES))
    } else if OVERRIDES.contains(&name) {
        (first(MAIN_FILES), Some(name))
    } else {
        (Some(name), None)
    };
    main.into_iter().chain(over).map(str::to_owned).collect()
}

/// The order in which files of one project are merged: the main file and its override first, then as they are given.
pub fn merge_rank(name: &str) -> usize {
    let is_in = |names: [&str; 4]| names.contains(&name);
    if is_in(MAIN_FILES) {
        0
    } else if is_in(OVERRIDES) {
        1
    } else {
        2
    }
}

/// The kind that a file's name promises.
pub fn kind_by_name(name: &str) -> Option<FileKind> {
    let name = name.to_ascii_lowercase();
    let stem = name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml"))?;
    let is_compose =
        ["compose", "docker-compose", "podman-compose", "container-compose"].iter().any(|known| {
            let rest = stem.strip_prefix(known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
        });
    is_compose.then_some(FileKind::Compose)
}

/// Whether a text is one of Helm's templates, which is no YAML before Helm has filled it in.
pub(crate) fn is_template(text: &str) -> bool {
    ["{{-", "{{ .", "{{.", "{{ include ", "{{ $", "{{ template ", "{{/*"]
        .iter()
        .any(|action| text.contains(action))
}

/// The kind of a file, by its name if that says it, else by its content.
pub fn kind(name: &str, text: &str) -> Option<FileKind> {
    if let Some(kind) = kind_by_name(name) {
        return Some(kind);
    }
    // Reading costs more than looking for the words without which it is neither.
    let may_be = text.contains("services") || text.contains("apiVersion");
    if !may_be {
        return None;
    }
    if is_template(text) {
        let has = |key: &str| text.lines().any(|line| line.starts_with(key));
        return (has("apiVersion:") && has("kind:")).then_some(FileKind::Kubernetes);
    }
    let tree = read(text, &Limits::default());
    let mut documents = tree.documents();
    documents.find_map(|document| {
        if kubernetes::is_manifest(document) {
            Some(FileKind::Kubernetes)
        } else if compose::is_compose(document) {
            Some(FileKind::Compose)
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, text: &str, expected: Option<FileKind>) {
        assert_eq!(kind(name, text), expected, "{name} {text}");
    }

    #[test]
    fn a_main_file_has_its_override() {
        let all = |name: &str, there: &[&str]| project_files(name, &|it| there.contains(&it));
        let there = ["docker-compose.yml", "compose.override.yaml", "compose.prod.yaml"];
        for name in ["docker-compose.yml", "compose.override.yaml"] {
            assert_eq!(all(name, &there), ["docker-compose.yml", "compose.override.yaml"]);
        }
        assert_eq!(all("compose.prod.yaml", &there), ["compose.prod.yaml"]);
        assert_eq!(all("compose.yaml", &[]), ["compose.yaml"]);
    }

    #[test]
    fn kinds_by_name_and_content() {
        check("compose.yaml", "", Some(FileKind::Compose));
        check("docker-compose.override.yml", "x: [", Some(FileKind::Compose));
        check("composer.json", "{}", None);
        check("stack.yml", "services: {web: {image: nginx}}", Some(FileKind::Compose));
        check("pod.yaml", "# c\n---\napiVersion: v1\nkind: Pod\n", Some(FileKind::Kubernetes));
        check(
            "pod.json",
            "{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}",
            Some(FileKind::Kubernetes),
        );
        let template = "{{- if .Values.on }}\napiVersion: v1\nkind: Pod\n{{- end }}\n";
        check("pod.yaml", template, Some(FileKind::Kubernetes));
        check("kompose.yaml", "services: none", None);
        check(".gitlab-ci.yml", "test: {services: [docker]}", None);
    }
}
