//! Which upstream a name belongs to, and what it is called there.

use std::collections::HashMap;

use sealift_oci::RepositoryName;

use crate::{Error, UpstreamSettings};

/// Docker Hub's registry, which answers at another name than its images carry.
pub(crate) const HUB: &str = "registry-1.docker.io";

/// Where a repository of ours comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Which upstream, by its place in the settings.
    pub(crate) upstream: usize,
    /// What it is called there.
    pub(crate) theirs: String,
    /// What it is called here.
    pub(crate) ours: RepositoryName,
    pub(crate) accepts_pushes: bool,
}

impl Route {
    /// What the repository is called here. It is not always the name that was asked for: `?ns=` is in it, and
    /// `library/` for Docker Hub.
    pub fn repository(&self) -> &RepositoryName {
        &self.ours
    }

    /// Whether the repository may be pushed to.
    pub fn accepts_pushes(&self) -> bool {
        self.accepts_pushes
    }
}

/// The names of all upstreams.
pub(crate) struct Routes {
    // Longest prefix first.
    prefixes: Vec<(String, usize)>,
    namespaces: HashMap<String, usize>,
    targets: Vec<Target>,
}

struct Target {
    prefix: String,
    path: String,
    is_hub: bool,
    keeps_prefix: bool,
    accepts_pushes: bool,
}

impl Routes {
    /// The routes of these upstreams; `hosts` has host and path of each.
    pub(crate) fn new(
        settings: &[UpstreamSettings],
        hosts: &[(String, String)],
    ) -> Result<Self, Error> {
        let mut prefixes: Vec<(String, usize)> = Vec::new();
        let mut namespaces = HashMap::new();
        let mut targets = Vec::new();
        for (place, (upstream, (host, path))) in settings.iter().zip(hosts).enumerate() {
            let prefix = upstream.prefix.trim_matches('/').to_owned();
            if !prefix.is_empty() && RepositoryName::parse(&prefix).is_err() {
                return Err(Error::Upstream {
                    url: upstream.url.clone(),
                    reason: format!("no name can begin with `{prefix}`"),
                });
            }
            if prefixes.iter().any(|(known, _)| *known == prefix) {
                return Err(Error::Twice { name: prefix });
            }
            for name in &upstream.namespaces {
                if namespaces.insert(name.clone(), place).is_some() {
                    return Err(Error::Twice { name: name.clone() });
                }
            }
            prefixes.push((prefix.clone(), place));
            targets.push(Target {
                prefix,
                path: path.clone(),
                is_hub: host == HUB,
                keeps_prefix: upstream.keep_prefix,
                accepts_pushes: upstream.accept_pushes,
            });
        }
        // What nobody said otherwise: a host means the upstream that has its name.
        for (place, (target, (host, path))) in targets.iter().zip(hosts).enumerate() {
            if !target.prefix.is_empty() {
                namespaces.entry(target.prefix.clone()).or_insert(place);
            }
            if path.is_empty() {
                namespaces.entry(host.clone()).or_insert(place);
            }
            if target.is_hub {
                namespaces.entry("docker.io".to_owned()).or_insert(place);
            }
        }
        prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Ok(Self { prefixes, namespaces, targets })
    }

    /// The route of a name. `namespace` is the registry that the client thinks it speaks to (`?ns=`).
    pub(crate) fn find(&self, name: &RepositoryName, namespace: Option<&str>) -> Option<Route> {
        let name = name.as_str();
        if let Some(&place) = namespace.and_then(|namespace| self.namespaces.get(namespace)) {
            return self.route(place, name);
        }
        self.prefixes.iter().find_map(|(prefix, place)| {
            let rest = below(name, prefix)?;
            self.route(*place, rest)
        })
    }

    // `rest` is the name without the prefix.
    fn route(&self, place: usize, rest: &str) -> Option<Route> {
        let target = &self.targets[place];
        let is_official = target.is_hub && target.path.is_empty() && !rest.contains('/');
        let rest = if is_official { format!("library/{rest}") } else { rest.to_owned() };
        let ours = join(&target.prefix, &rest);
        let at_theirs = if target.keeps_prefix { &ours } else { &rest };
        let theirs = join(&target.path, at_theirs);
        // Both are sent in paths of URLs.
        RepositoryName::parse(&theirs).ok()?;
        Some(Route {
            upstream: place,
            ours: RepositoryName::parse(&ours).ok()?,
            theirs,
            accepts_pushes: target.accepts_pushes,
        })
    }
}

fn below<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    if prefix.is_empty() {
        return Some(name);
    }
    name.strip_prefix(prefix)?.strip_prefix('/')
}

fn join(first: &str, second: &str) -> String {
    if first.is_empty() { second.to_owned() } else { format!("{first}/{second}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(upstreams: &[(&str, &str, &str)]) -> Routes {
        let settings: Vec<UpstreamSettings> = upstreams
            .iter()
            .map(|(prefix, ..)| UpstreamSettings {
                prefix: (*prefix).to_owned(),
                ..UpstreamSettings::default()
            })
            .collect();
        let hosts: Vec<(String, String)> = upstreams
            .iter()
            .map(|(_, host, path)| ((*host).to_owned(), (*path).to_owned()))
            .collect();
        Routes::new(&settings, &hosts).unwrap()
    }

    fn check(
        routes: &Routes,
        name: &str,
        namespace: Option<&str>,
        expected: Option<(usize, &str, &str)>,
    ) {
        let route = routes.find(&RepositoryName::parse(name).unwrap(), namespace);
        let found = route
            .as_ref()
            .map(|route| (route.upstream, route.theirs.as_str(), route.ours.as_str()));
        assert_eq!(found, expected, "{name} {namespace:?}");
    }

    #[test]
    fn names() {
        let known = routes(&[
            ("docker.io", HUB, ""),
            ("mirror/quay", "quay.io", ""),
            ("mirror/quay/deep", "other.io", "base/path"),
        ]);
        check(
            &known,
            "docker.io/alpine",
            None,
            Some((0, "library/alpine", "docker.io/library/alpine")),
        );
        check(&known, "docker.io/a/b", None, Some((0, "a/b", "docker.io/a/b")));
        check(&known, "mirror/quay/a/b", None, Some((1, "a/b", "mirror/quay/a/b")));
        check(&known, "mirror/quay/deep/a", None, Some((2, "base/path/a", "mirror/quay/deep/a")));
        check(&known, "mirror/quayside/a", None, None);
        check(&known, "mirror/quay", None, None);
        check(&known, "team/app", None, None);
        check(
            &known,
            "library/alpine",
            Some("docker.io"),
            Some((0, "library/alpine", "docker.io/library/alpine")),
        );
        check(&known, "a/b", Some("quay.io"), Some((1, "a/b", "mirror/quay/a/b")));
        check(&known, "a/b", Some("unknown.io"), None);
        check(&known, "a/b", Some("other.io"), None);
    }

    #[test]
    fn one_upstream_for_all() {
        let all = routes(&[("", HUB, ""), ("own", "own.io", "")]);
        check(&all, "library/alpine", None, Some((0, "library/alpine", "library/alpine")));
        check(&all, "own/x", None, Some((1, "x", "own/x")));
        check(&all, "own/x", Some("docker.io"), Some((0, "own/x", "own/x")));
    }

    #[test]
    fn names_that_mean_two_upstreams() {
        let settings = [UpstreamSettings::default(), UpstreamSettings::default()];
        let hosts = [("a.io".to_owned(), String::new()), ("b.io".to_owned(), String::new())];
        assert!(matches!(Routes::new(&settings, &hosts), Err(Error::Twice { .. })));
    }
}
