//! Where base images come from, and whether anybody still repairs them.

use sealift_diagnostic::{Level, Rule};

use crate::{Check, base::Base, rule::Sink, view::View};

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

/// Name of an image, releases, and the day on which its makers stopped to repair it.
type Life = (&'static str, &'static [&'static str], &'static str);

#[rustfmt::skip]
const LIVES: &[Life] = &[
    ("debian", &["7", "wheezy"], "2018-05-31"), ("debian", &["8", "jessie"], "2020-06-30"),
    ("debian", &["9", "stretch"], "2022-06-30"), ("debian", &["10", "buster"], "2024-06-30"),
    ("debian", &["11", "bullseye"], "2026-08-31"), ("debian", &["12", "bookworm"], "2028-06-30"),
    ("ubuntu", &["12.04", "precise"], "2017-04-28"), ("ubuntu", &["14.04", "trusty"], "2019-04-25"),
    ("ubuntu", &["16.04", "xenial"], "2021-04-30"), ("ubuntu", &["18.04", "bionic"], "2023-05-31"),
    ("ubuntu", &["20.04", "focal"], "2025-05-31"), ("ubuntu", &["20.10", "groovy"], "2021-07-22"),
    ("ubuntu", &["21.04", "hirsute"], "2022-01-20"), ("ubuntu", &["21.10", "impish"], "2022-07-14"),
    ("ubuntu", &["22.10", "kinetic"], "2023-07-20"), ("ubuntu", &["23.04", "lunar"], "2024-01-25"),
    ("ubuntu", &["23.10", "mantic"], "2024-07-11"), ("ubuntu", &["24.10", "oracular"], "2025-07-10"),
    ("alpine", &["3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11"], "2021-11-01"),
    ("alpine", &["3.12"], "2022-05-01"), ("alpine", &["3.13"], "2022-11-01"), ("alpine", &["3.14"], "2023-05-01"),
    ("alpine", &["3.15"], "2023-11-01"), ("alpine", &["3.16"], "2024-05-23"), ("alpine", &["3.17"], "2024-11-22"),
    ("alpine", &["3.18"], "2025-05-09"), ("alpine", &["3.19"], "2025-11-01"), ("alpine", &["3.20"], "2026-04-01"),
    ("alpine", &["3.21"], "2026-11-01"), ("alpine", &["3.22"], "2027-05-01"),
    ("centos", &["5", "6"], "2020-11-30"), ("centos", &["7"], "2024-06-30"), ("centos", &["8"], "2021-12-31"),
    ("python", &["2", "2.7"], "2020-01-01"), ("python", &["3.4", "3.5"], "2020-09-30"),
    ("python", &["3.6"], "2021-12-23"), ("python", &["3.7"], "2023-06-27"), ("python", &["3.8"], "2024-10-07"),
    ("python", &["3.9"], "2025-10-31"), ("python", &["3.10"], "2026-10-31"), ("python", &["3.11"], "2027-10-31"),
    ("node", &["4", "6", "7", "8", "9"], "2019-12-31"), ("node", &["10", "11"], "2021-04-30"),
    ("node", &["12", "13"], "2022-04-30"), ("node", &["14", "15"], "2023-04-30"), ("node", &["16", "17"], "2023-09-11"),
    ("node", &["18", "19"], "2025-04-30"), ("node", &["20", "21"], "2026-04-30"), ("node", &["22"], "2027-04-30"),
    ("php", &["5", "5.6"], "2018-12-31"), ("php", &["7.0", "7.1", "7.2"], "2020-11-30"), ("php", &["7.3"], "2021-12-06"),
    ("php", &["7", "7.4"], "2022-11-28"), ("php", &["8.0"], "2023-11-26"), ("php", &["8.1"], "2025-12-31"),
    ("ruby", &["2.3", "2.4", "2.5"], "2021-04-05"), ("ruby", &["2.6"], "2022-04-12"), ("ruby", &["2", "2.7"], "2023-03-31"),
    ("ruby", &["3.0"], "2024-04-23"), ("ruby", &["3.1"], "2025-03-26"), ("ruby", &["3.2"], "2026-03-31"),
];

fn end_of_life(view: &View<'_>, sink: &mut Sink) {
    // Without a clock nobody knows what is over.
    let Some(today) = view.context.config.today.as_deref() else { return };
    for stage in &view.stages {
        let (Some(from), Some(base)) = (stage.stage.from, stage.base.as_ref()) else { continue };
        if let Some((name, release, day)) = ended(base, today) {
            let message = format!("{name} {release} is not kept up since {day}");
            sink.add(from.image.span, message);
        }
    }
}

/// The first part of an official image that is over: of itself, or of the distribution that its tag names.
fn ended<'b>(base: &'b Base, today: &str) -> Option<(&'static str, &'b str, &'static str)> {
    let reference = base.reference.as_ref()?;
    let image = reference.repository().strip_prefix("library/")?;
    let tag = base.tag()?;
    let mut parts = tag.split('-');
    let version = parts.next()?;
    let own = released(image, version).map(|life| (life.0, version, life.2));
    let below = tag.split('-').find_map(|part| {
        let (name, release) = match part.strip_prefix("alpine") {
            Some(release) => ("alpine", release),
            None if part.starts_with(|c: char| c.is_ascii_digit()) => return None,
            None => ("debian", part),
        };
        let life = released(name, release).or_else(|| released("ubuntu", part))?;
        Some((life.0, part, life.2))
    });
    // Days as they are written compare as text.
    own.into_iter().chain(below).find(|(.., day)| *day < today)
}

/// The entry of a release: `3.8` for `3.8.19`, but `3` is none of its releases.
fn released(name: &str, version: &str) -> Option<&'static Life> {
    LIVES.iter().filter(|(image, ..)| *image == name).find(|(_, releases, _)| {
        releases.iter().any(|release| {
            let rest = version.strip_prefix(release);
            // `debian:10.13`, `centos:7.9.2009`; but `python:2` may be any 2.
            rest.is_some_and(|rest| {
                rest.is_empty()
                    || rest.starts_with('.') && (release.contains('.') || is_whole(name))
            })
        })
    })
}

/// Whether the releases of an image have one number.
fn is_whole(name: &str) -> bool {
    matches!(name, "debian" | "centos" | "node")
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

    #[test]
    fn releases_end() {
        for (image, today, expected) in [
            ("debian:10.13-slim", "2026-01-01", Some("10.13")),
            ("debian:12", "2026-01-01", None),
            ("debian:12", "2029-01-01", Some("12")),
            ("python:3.13-slim-buster", "2026-01-01", Some("buster")),
            ("python:3.8.19", "2026-01-01", Some("3.8.19")),
            ("python:3", "2026-01-01", None),
            ("python:2", "2026-01-01", Some("2")),
            ("node:22-alpine3.16", "2026-01-01", Some("alpine3.16")),
            ("node:16.20.2", "2026-01-01", Some("16.20.2")),
            ("alpine:3.22", "2026-01-01", None),
            ("ubuntu:focal", "2026-01-01", Some("focal")),
            ("team/debian:8", "2026-01-01", None),
        ] {
            let base = Base::new(image);
            let found = ended(&base, today).map(|(_, release, _)| release);
            assert_eq!(found, expected, "{image}");
        }
    }
}
