//! Relation fields of Debian packages (deb-control(5), Debian Policy §7.1).

const RELATIONS_MAX: usize = 10_000;

/// The names of a `Depends` field: for each need its alternatives.
pub(crate) fn needs(field: &str) -> Vec<Vec<String>> {
    field
        .split(',')
        .take(RELATIONS_MAX)
        .map(|need| need.split('|').take(RELATIONS_MAX).filter_map(name).collect())
        .filter(|alternatives: &Vec<String>| !alternatives.is_empty())
        .collect()
}

/// The names of a `Provides` field.
pub(crate) fn provided(field: &str) -> Vec<String> {
    field.split(',').take(RELATIONS_MAX).filter_map(name).collect()
}

/// The sources of a `Built-Using` or `Static-Built-Using` field, name and version, and how many say no version.
pub(crate) fn built_from(field: &str) -> (Vec<(String, String)>, usize) {
    let mut sources = Vec::new();
    let mut n_others = 0;
    for relation in field.split(',').take(RELATIONS_MAX).filter(|part| !part.trim().is_empty()) {
        let version = relation.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
        let version = version.and_then(|(inner, _)| inner.trim().strip_prefix('='));
        match (name(relation), version.map(str::trim).filter(|version| !version.is_empty())) {
            (Some(name), Some(version)) => sources.push((name, version.to_owned())),
            _ => n_others += 1,
        }
    }
    (sources, n_others)
}

// `name:any (>= 1) [amd64] <!nocheck>`.
fn name(relation: &str) -> Option<String> {
    let name = relation.trim().split(['(', '[', '<', ' ', '\t', '\n', ':']).next()?.trim();
    if name.is_empty() { None } else { Some(name.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields() {
        assert_eq!(
            needs("libc6 (>= 2.34), python3:any | python3.11 [amd64],\n x <!nocheck>, , |"),
            [vec!["libc6"], vec!["python3", "python3.11"], vec!["x"]]
        );
        assert_eq!(provided("awk, mail-transport-agent (= 1)"), ["awk", "mail-transport-agent"]);
        assert!(needs("").is_empty());
        let (sources, n_others) = built_from("go (= 1.19-1), rust-a (=2:1~),x, y (>= 1), , z (=");
        let expected = [("go", "1.19-1"), ("rust-a", "2:1~")];
        assert_eq!(sources, expected.map(|(name, version)| (name.to_owned(), version.to_owned())));
        assert_eq!(n_others, 3);
    }
}
