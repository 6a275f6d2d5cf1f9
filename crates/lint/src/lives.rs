//! Whether a base image is still kept up, as far as its name says: of itself, and of the distribution that its tag names.
//!
//! Distributions are those of [`sealift_model::RELEASES`]. Languages: Python, devguide.python.org/versions; Node.js,
//! nodejs.org/en/about/previous-releases; PHP, php.net/supported-versions.php and eol.php; Ruby,
//! ruby-lang.org/en/downloads/branches.

use sealift_model::{RELEASES, Release};

use crate::base::Base;

/// What is over, and since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended<'b> {
    /// The distribution or language.
    pub(crate) name: &'static str,
    /// Its release, as the tag has it.
    pub(crate) release: &'b str,
    /// The last day.
    pub(crate) day: &'static str,
}

/// Images that are a distribution: registry, repository, the distribution's name.
const DISTRIBUTIONS: [(&str, &str, &str); 19] = [
    ("docker.io", "library/debian", "Debian"),
    ("docker.io", "library/ubuntu", "Ubuntu"),
    ("docker.io", "library/alpine", "Alpine"),
    ("docker.io", "library/buildpack-deps", ""),
    ("docker.io", "library/centos", "CentOS"),
    ("quay.io", "centos/centos", "CentOS"),
    ("docker.io", "library/almalinux", "AlmaLinux"),
    ("docker.io", "library/rockylinux", "Rocky Linux"),
    ("docker.io", "rockylinux/rockylinux", "Rocky Linux"),
    ("docker.io", "library/oraclelinux", "Oracle Linux"),
    ("docker.io", "library/amazonlinux", "Amazon Linux"),
    ("public.ecr.aws", "amazonlinux/amazonlinux", "Amazon Linux"),
    ("docker.io", "opensuse/leap", "openSUSE"),
    ("registry.opensuse.org", "opensuse/leap", "openSUSE"),
    ("mcr.microsoft.com", "cbl-mariner/base/core", "Mariner"),
    ("public.ecr.aws", "docker/library/debian", "Debian"),
    ("public.ecr.aws", "docker/library/ubuntu", "Ubuntu"),
    ("public.ecr.aws", "ubuntu/ubuntu", "Ubuntu"),
    ("public.ecr.aws", "docker/library/alpine", "Alpine"),
];

/// Name of an official image, releases, and the last day on which its makers repaired them.
type Life = (&'static str, &'static [&'static str], &'static str);

#[rustfmt::skip]
const LANGUAGES: &[Life] = &[
    ("python", &["2", "2.7"], "2020-01-01"), ("python", &["3.3"], "2017-09-29"), ("python", &["3.4"], "2019-03-18"),
    ("python", &["3.5"], "2020-09-30"), ("python", &["3.6"], "2021-12-23"), ("python", &["3.7"], "2023-06-27"),
    ("python", &["3.8"], "2024-10-14"), ("python", &["3.9"], "2025-10-31"), ("python", &["3.10"], "2026-10-31"),
    ("python", &["3.11"], "2027-10-31"), ("python", &["3.12"], "2028-10-31"), ("python", &["3.13"], "2029-10-31"),
    ("node", &["4"], "2018-04-30"), ("node", &["5"], "2016-06-30"), ("node", &["6"], "2019-04-30"),
    ("node", &["7"], "2017-06-30"), ("node", &["8"], "2019-12-31"), ("node", &["9"], "2018-06-30"),
    ("node", &["10"], "2021-04-30"), ("node", &["11"], "2019-06-30"), ("node", &["12"], "2022-04-30"),
    ("node", &["13"], "2020-06-01"), ("node", &["14"], "2023-04-30"), ("node", &["15"], "2021-06-01"),
    ("node", &["16"], "2023-09-11"), ("node", &["17"], "2022-06-01"), ("node", &["18"], "2025-04-30"),
    ("node", &["19"], "2023-06-01"), ("node", &["20"], "2026-04-30"), ("node", &["21"], "2024-06-01"),
    ("node", &["22"], "2027-04-30"), ("node", &["23"], "2025-06-01"), ("node", &["24"], "2028-04-30"),
    ("php", &["5.3"], "2014-08-14"), ("php", &["5.4"], "2015-09-14"), ("php", &["5.5"], "2016-07-21"),
    ("php", &["5", "5.6"], "2018-12-31"), ("php", &["7.0"], "2019-01-10"), ("php", &["7.1"], "2019-12-01"),
    ("php", &["7.2"], "2020-11-30"), ("php", &["7.3"], "2021-12-06"), ("php", &["7", "7.4"], "2022-11-28"),
    ("php", &["8.0"], "2023-11-26"), ("php", &["8.1"], "2025-12-31"), ("php", &["8.2"], "2026-12-31"),
    ("php", &["8.3"], "2027-12-31"), ("php", &["8.4"], "2028-12-31"),
    ("ruby", &["2.0"], "2016-02-24"), ("ruby", &["2.1"], "2017-03-31"), ("ruby", &["2.2"], "2018-03-31"),
    ("ruby", &["2.3"], "2019-03-31"), ("ruby", &["2.4"], "2020-03-31"), ("ruby", &["2.5"], "2021-03-31"),
    ("ruby", &["2.6"], "2022-04-12"), ("ruby", &["2", "2.7"], "2023-03-31"), ("ruby", &["3.0"], "2024-04-23"),
    ("ruby", &["3.1"], "2025-03-31"), ("ruby", &["3.2"], "2026-03-31"), ("ruby", &["3.3"], "2027-03-31"),
];

/// The first part of an image that is over on a day: the image itself, or the distribution that its tag names.
pub(crate) fn ended<'b>(base: &'b Base, today: &str) -> Option<Ended<'b>> {
    let reference = base.reference.as_ref()?;
    let (registry, repository) = (reference.registry(), reference.repository());
    let tag = base.tag()?;
    let known = |(host, path, _): &&(&str, &str, &str)| (*host, *path) == (registry, repository);
    let distribution = DISTRIBUTIONS.iter().find(known).map(|(.., name)| *name);
    let official = repository.strip_prefix("library/").filter(|_| registry == "docker.io");
    if distribution.is_none() && official.is_none() {
        return None;
    }
    let number = tag.split('-').next()?;
    let own = match distribution {
        Some(name) => numbered(name, number),
        None => language(official?, number),
    };
    let below = tag.split('-').find_map(named);
    // Days as they are written compare as text.
    own.into_iter().chain(below).find(|it| it.day < today)
}

/// `3.8` for `3.8.19`, but `3` is none of its releases.
fn language<'b>(image: &str, version: &'b str) -> Option<Ended<'b>> {
    // One number is a whole release of Node.js; `python:2` may be any 2.
    let is_whole = image == "node";
    let fits = |release: &&'static str| starts(version, release, is_whole || release.contains('.'));
    let mut known = LANGUAGES.iter().filter(|(name, ..)| *name == image);
    let (name, _, day) = known.find(|(_, releases, _)| releases.iter().any(fits))?;
    Some(Ended { name, release: version, day })
}

fn starts(version: &str, release: &str, with_more: bool) -> bool {
    version
        .strip_prefix(release)
        .is_some_and(|rest| rest.is_empty() || with_more && rest.starts_with('.'))
}

/// A distribution's release by its number: `10`, `10.13`, `22.04`.
fn numbered<'b>(distribution: &str, version: &'b str) -> Option<Ended<'b>> {
    let mut known = RELEASES.iter().filter(|it| it.distribution == distribution);
    let found = known.find(|it| starts(version, number(it), true))?;
    Some(over(found, version))
}

/// A distribution's release by what stands for it in a tag: `buster`, `focal`, `alpine3.16`.
fn named(part: &str) -> Option<Ended<'_>> {
    let found = match part.strip_prefix("alpine") {
        Some(version) => {
            let mut known = RELEASES.iter().filter(|it| it.distribution == "Alpine");
            known.find(|it| starts(version, number(it), true))
        }
        None => RELEASES.iter().find(|it| !part.is_empty() && it.codename == part),
    }?;
    Some(over(found, part))
}

/// The number of a release as tags have it: `3.16` of `v3.16`, `22.04` of `22.04:LTS`, `15.5` of `Leap 15.5`.
fn number(release: &Release) -> &'static str {
    let text = release.release;
    let text = text.strip_prefix('v').or_else(|| text.strip_prefix("Leap ")).unwrap_or(text);
    text.strip_suffix(":LTS").unwrap_or(text)
}

fn over<'b>(release: &Release, text: &'b str) -> Ended<'b> {
    Ended { name: release.distribution, release: text, day: release.ends }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_end() {
        for (image, today, expected) in [
            ("debian:10.13-slim", "2026-01-01", Some("10.13")),
            ("debian:12", "2026-01-01", None),
            ("debian:12", "2029-01-01", Some("12")),
            ("debian:1", "2026-01-01", None),
            ("python:3.13-slim-buster", "2026-01-01", Some("buster")),
            ("python:3.8.19", "2026-01-01", Some("3.8.19")),
            ("python:3", "2026-01-01", None),
            ("python:2", "2026-01-01", Some("2")),
            ("python:3.80", "2026-01-01", None),
            ("node:22-alpine3.16", "2026-01-01", Some("alpine3.16")),
            ("node:16.20.2", "2026-01-01", Some("16.20.2")),
            ("alpine:3.22", "2026-01-01", None),
            ("alpine:3.2", "2026-01-01", Some("3.2")),
            ("alpine:3", "2026-01-01", None),
            ("ubuntu:focal", "2026-01-01", Some("focal")),
            ("ubuntu:20.04", "2026-01-01", Some("20.04")),
            ("ubuntu:20.04", "2025-05-29", None),
            ("ubuntu:24.04", "2026-01-01", None),
            ("centos:7.9.2009", "2026-01-01", Some("7.9.2009")),
            ("rockylinux:9", "2026-01-01", None),
            ("amazonlinux:2.0.20230307.0", "2026-07-01", Some("2.0.20230307.0")),
            ("amazonlinux:2023", "2026-07-01", None),
            ("opensuse/leap:15.5", "2026-01-01", Some("15.5")),
            ("buildpack-deps:stretch-scm", "2026-01-01", Some("stretch")),
            ("team/debian:8", "2026-01-01", None),
            ("registry.example.com/library/debian:8", "2026-01-01", None),
            ("public.ecr.aws/docker/library/debian:8", "2026-01-01", Some("8")),
        ] {
            let base = Base::new(image);
            let found = ended(&base, today).map(|it| it.release);
            assert_eq!(found, expected, "{image}");
        }
    }

    #[test]
    fn distributions_have_releases() {
        for (.., name) in DISTRIBUTIONS.iter().filter(|(.., name)| !name.is_empty()) {
            assert!(RELEASES.iter().any(|it| it.distribution == *name), "{name}");
        }
    }
}
