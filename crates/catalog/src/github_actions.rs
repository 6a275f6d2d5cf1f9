//! Actions and workflows of GitHub that workflows and actions use (GitHub documentation, "Workflow syntax",
//! `jobs.<job_id>.steps[*].uses`).

use std::collections::BTreeSet;

use sealift_model::{Method, PackageKind, Purl, Scope};

use crate::cataloger::{Cataloger, Context, Found, Pattern};
use crate::component::{NAME_BYTES_MAX, component, is_test_data};
use crate::yaml_lines;

/// `.github/workflows/*.yml`, and the file that describes an action.
pub(crate) const USES: Cataloger = Cataloger {
    name: "github-actions",
    what: "Actions and workflows of GitHub that workflows use",
    evidence: &[
        Pattern::InAny(".github/workflows", ".yml"),
        Pattern::InAny(".github/workflows", ".yaml"),
        Pattern::Named("", "action.yml"),
        Pattern::Named("", "action.yaml"),
    ],
    companions: &[],
    read,
};

const BYTES_MAX: usize = 4 << 20;
const ACTIONS_MAX: usize = 5_000;
// Folders of packages: how those were tested elsewhere says nothing of the image.
const FOLDERS_OF_PACKAGES: [&str; 8] = [
    "node_modules",
    "vendor",
    "site-packages",
    "dist-packages",
    "gems",
    "pkg",
    "registry",
    "bower_components",
];

fn read(bytes: &[u8], context: &Context<'_>) -> Found {
    let mut found = Found::default();
    let path = context.path();
    if path.split('/').any(|part| FOLDERS_OF_PACKAGES.contains(&part)) {
        return found;
    }
    if bytes.len() > BYTES_MAX {
        found.notes.push(context.note("it is too large for a workflow"));
        return found;
    }
    let text = String::from_utf8_lossy(bytes);
    let mut used = BTreeSet::new();
    let mut section = "";
    for line in yaml_lines::lines(&text) {
        match line.key {
            Some(key) if line.indent == 0 && !line.is_item => section = key,
            // Steps of a workflow are below `jobs`, those of an action below `runs`.
            Some("uses") if matches!(section, "jobs" | "runs") => used.extend(action(line.value)),
            _ => {}
        }
    }
    if used.len() > ACTIONS_MAX {
        found.notes.push(context.note("it uses more actions than the limit"));
    }
    for (name, version) in used.into_iter().take(ACTIONS_MAX) {
        let evidence = context.evidence(Method::Manifest);
        let mut draft =
            component(PackageKind::GithubAction, name, Some(version), evidence, context);
        draft.package.purl = purl(name, version);
        draft.package.scope = if is_test_data(&path) { Scope::TestData } else { Scope::Declared };
        found.drafts.push(draft);
    }
    found
}

// `owner/repository/path@reference`; not what is in the same repository (`./path`), an image (`docker://`), or made
// up when it runs (`${{ }}`).
fn action(text: &str) -> Option<(&str, &str)> {
    let (name, reference) = text.split_once('@')?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let parts: Vec<&str> = name.split('/').collect();
    let is_action = parts.len() >= 2
        && name.len() <= NAME_BYTES_MAX
        && name.bytes().all(is_plain)
        && parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
    let is_reference = !reference.is_empty()
        && reference.len() <= NAME_BYTES_MAX
        && reference.bytes().all(|byte| is_plain(byte) || b"+#@".contains(&byte));
    (is_action && is_reference).then_some((name, reference))
}

// Owner and repository in lower case (purl types, `github`), and the path in the repository.
fn purl(name: &str, version: &str) -> Purl {
    let mut parts = name.splitn(3, '/');
    let owner = parts.next().unwrap_or_default().to_ascii_lowercase();
    let repository = parts.next().unwrap_or_default().to_ascii_lowercase();
    let mut purl = Purl::new(PackageKind::GithubAction.purl_type(), &repository);
    purl.namespace = Some(owner);
    purl.version = Some(version.to_owned());
    purl.subpath = parts.next().map(str::to_owned);
    purl
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions() {
        assert_eq!(action("actions/checkout@v4"), Some(("actions/checkout", "v4")));
        assert_eq!(
            action("a/b/.github/workflows/c.yml@main"),
            Some(("a/b/.github/workflows/c.yml", "main"))
        );
        for none in [
            "",
            "@",
            "a@b",
            "./a@b",
            "../a/b@c",
            "docker://a/b@sha256",
            "a/b",
            "a/b@",
            "a//b@c",
            "${{ matrix.a }}/b@v1",
            "a/b@${{ x }}",
        ] {
            assert_eq!(action(none), None, "{none}");
        }
        assert_eq!(purl("A/B/c/d", "v1").to_string(), "pkg:github/a/b@v1#c/d");
    }
}
