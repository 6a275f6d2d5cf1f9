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
    }
}
