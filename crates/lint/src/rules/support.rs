//! Where base images come from, and whether anybody still repairs them.

use sealift_diagnostic::{Level, Rule};

use crate::{
    Check,
    lives::{Ended, ended},
    rule::Sink,
    view::View,
};

pub(super) const UNTRUSTED_REGISTRY: Check = Check {
    rule: Rule {
        id: "SL1022",
        name: "untrusted-registry",
        level: Level::Error,
        aliases: &["DL3026", "CIS-4.2"],
        why: "nobody here has said that images of this registry may be built upon",
        fix: "use an image of a registry that `[lint] registries` lists, or add this one to it",
        since: "0.2.0",
        bad: "FROM registry.example.com/team/base:1\n",
        good: "FROM debian:12\n",
        references: &["CIS Docker Benchmark 4.2"],
    },
    run: untrusted_registry,
};

fn untrusted_registry(view: &View<'_>, sink: &mut Sink) {
    let trusted = &view.context.config.registries;
    if trusted.is_empty() {
        return;
    }
    for stage in &view.stages {
        let (Some(from), Some(base)) = (stage.stage.from, stage.base.as_ref()) else { continue };
        let Some(reference) = base.reference.as_ref().filter(|_| !base.is_scratch()) else {
            continue;
        };
        let registry = reference.registry();
        if !trusted.iter().any(|pattern| covers(pattern, registry, reference.repository())) {
            sink.add(from.image.span, format!("registry `{registry}` is not trusted"));
        }
    }
}

/// `*` is any text; a pattern with a slash covers repositories below it.
fn covers(pattern: &str, registry: &str, repository: &str) -> bool {
    let registry = if registry == "index.docker.io" { "docker.io" } else { registry };
    let (host, path) = pattern.split_once('/').unwrap_or((pattern, ""));
    let path = path.trim_end_matches(['*', '/']);
    let below = path.is_empty()
        || repository
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    below && fits(host, registry)
}

fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or("");
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut last = None;
    for part in parts {
        last = Some(part);
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    match last {
        None => rest.is_empty(),
        Some(part) => {
            part.is_empty() || text.len() >= first.len() + part.len() && text.ends_with(part)
        }
    }
}

pub(super) const END_OF_LIFE: Check = Check {
    rule: Rule {
        id: "SL1025",
        name: "end-of-life",
        level: Level::Warning,
        aliases: &[],
        why: "its flaws become known and are not repaired any more",
        fix: "move to a release that is kept up",
        since: "0.2.0",
        bad: "FROM debian:buster-slim\n",
        good: "FROM debian:trixie-slim\n",
        references: &["https://endoflife.date/", "CWE-1104"],
    },
    run: end_of_life,
};

fn end_of_life(view: &View<'_>, sink: &mut Sink) {
    // Without a clock nobody knows what is over.
    let Some(today) = view.context.config.today.as_deref() else { return };
    for stage in &view.stages {
        let (Some(from), Some(base)) = (stage.stage.from, stage.base.as_ref()) else { continue };
        if let Some(Ended { name, release, day }) = ended(base, today) {
            let message = format!("{name} {release} is not kept up since {day}");
            sink.add(from.image.span, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_cover_registries() {
        for (pattern, registry, repository, expected) in [
            ("docker.io", "docker.io", "library/debian", true),
            ("docker.io", "ghcr.io", "a/b", false),
            ("*", "ghcr.io", "a/b", true),
            ("*.example.com", "a.example.com", "b", true),
            ("*.example.com", "example.com", "b", false),
            ("ghcr.io/team", "ghcr.io", "team/app", true),
            ("ghcr.io/team/*", "ghcr.io", "teams/app", false),
            ("a*a", "a", "b", false),
        ] {
            assert_eq!(covers(pattern, registry, repository), expected, "{pattern} {registry}");
        }
    }
}
