//! Which Java packages an archive's classes are in, roughly.

use std::collections::BTreeMap;

// Parts of a package's name that count, and so many packages.
const PARTS_MAX: usize = 4;
const PACKAGES_MAX: usize = 500;
const SHOWN_MAX: usize = 60;

/// Numbers of classes by the first parts of their packages' names, as `org/apache/commons/io`.
#[derive(Clone, Debug, Default)]
pub(super) struct Classes {
    packages: BTreeMap<String, usize>,
}

impl Classes {
    /// Counts an entry of an archive, if it is a class.
    pub(super) fn add(&mut self, name: &[u8]) {
        if !name.ends_with(b".class") || name.starts_with(b"META-INF/") {
            return;
        }
        let Ok(name) = std::str::from_utf8(name) else { return };
        let name = ["BOOT-INF/classes/", "WEB-INF/classes/"]
            .into_iter()
            .find_map(|start| name.strip_prefix(start))
            .unwrap_or(name);
        let Some((package, _)) = name.rsplit_once('/') else { return };
        if package.len() > 500 {
            return;
        }
        let end = package.match_indices('/').nth(PARTS_MAX - 1).map_or(package.len(), |(at, _)| at);
        let start = &package[..end];
        if let Some(count) = self.packages.get_mut(start) {
            *count += 1;
        } else if self.packages.len() < PACKAGES_MAX {
            self.packages.insert(start.to_owned(), 1);
        }
    }

    /// As a text: a package a line, with most classes first.
    pub(super) fn text(&self) -> String {
        let mut packages: Vec<(&String, &usize)> = self.packages.iter().collect();
        packages.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
        let lines: Vec<String> = packages
            .iter()
            .take(SHOWN_MAX)
            .map(|(package, count)| format!("{count} {package}\n"))
            .collect();
        lines.concat()
    }

    /// Reads such a text.
    pub(super) fn parse(text: &str) -> Self {
        let line = |line: &str| {
            let (count, package) = line.split_once(' ')?;
            Some((package.to_owned(), count.parse().ok()?))
        };
        Self { packages: text.lines().filter_map(line).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packages.is_empty()
    }

    /// True if a good part of the classes is in this package or below it.
    pub(super) fn has(&self, package: &str) -> bool {
        let is_in = |name: &str| {
            name.strip_prefix(package)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || package.is_empty())
        };
        let within: usize = self.packages.iter().filter(|(it, _)| is_in(it)).map(|it| it.1).sum();
        within * 5 >= self.packages.values().sum::<usize>() && within > 0
    }

    /// True if most classes are below the first two parts of a group.
    pub(super) fn are_of(&self, group: &str) -> bool {
        let parts: Vec<&str> = group.split('.').take(2).collect();
        let start = parts.join("/");
        let is_in = |name: &str| {
            name.strip_prefix(&start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let within: usize = self.packages.iter().filter(|(it, _)| is_in(it)).map(|it| it.1).sum();
        within * 2 > self.packages.values().sum::<usize>()
    }
}
