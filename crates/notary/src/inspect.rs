//! What `docker trust inspect` shows of a repository, in its two forms, to the byte.

use std::fmt::Write as _;

use sealift_tuf::{Gun, Role, Trusted};
use serde::Serialize;
use serde_json::ser::PrettyFormatter;

const COLUMN_MIN: usize = 10;
const COLUMN_GAP: usize = 3;
const SHORT_ID: usize = 12;

/// What is shown of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Inspection {
    name: String,
    signed_tags: Vec<Line>,
    signers: Vec<Holder>,
    administrative_keys: Vec<Holder>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Line {
    signed_tag: String,
    digest: String,
    signers: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Holder {
    name: String,
    keys: Vec<KeyId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct KeyId {
    #[serde(rename = "ID")]
    id: String,
}

impl Inspection {
    /// All of a repository, or one tag of it. The name is as the user wrote it.
    pub fn of(trusted: &Trusted, name: &str, tag: Option<&str>) -> Self {
        let mut signed_tags: Vec<Line> = trusted
            .tags()
            .into_iter()
            .filter(|line| tag.is_none_or(|tag| line.tag == tag))
            .map(|line| Line {
                signed_tag: line.tag,
                digest: line.digest,
                signers: line.signers.iter().map(|name| printable(name)).collect(),
            })
            .collect();
        signed_tags.sort_by(|left, right| natural(&left.signed_tag, &right.signed_tag));
        let holder = |name: &str, ids: Vec<String>| Holder {
            name: printable(name),
            keys: ids.into_iter().map(|id| KeyId { id }).collect(),
        };
        let signers = trusted.signers().into_iter();
        let of_root = |role: &Role| trusted.root.authority(role).keys.into_keys().collect();
        Self {
            name: name.to_owned(),
            signed_tags,
            signers: signers.map(|(name, ids)| holder(&name, ids)).collect(),
            administrative_keys: vec![
                holder("Root", of_root(&Role::ROOT)),
                holder("Repository", of_root(&Role::TARGETS)),
            ],
        }
    }

    /// Whether a tag was found.
    pub fn has_tags(&self) -> bool {
        !self.signed_tags.is_empty()
    }

    /// The JSON of several repositories.
    pub fn json(all: &[Self]) -> String {
        let mut bytes = Vec::new();
        let formatter = PrettyFormatter::with_indent(b"    ");
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
        all.serialize(&mut serializer).expect("names and texts");
        String::from_utf8(bytes).expect("JSON is UTF-8")
    }

    /// The text for people.
    pub fn pretty(&self) -> String {
        let name = &self.name;
        let mut text = String::new();
        if self.signed_tags.is_empty() {
            let _ = write!(text, "\nNo signatures for {name}\n\n");
        } else {
            let _ = write!(text, "\nSignatures for {name}\n\n");
            let rows = self.signed_tags.iter().map(|line| {
                vec![line.signed_tag.clone(), line.digest.clone(), line.signers.join(", ")]
            });
            table(&mut text, &["SIGNED TAG", "DIGEST", "SIGNERS"], &rows.collect::<Vec<_>>());
        }
        if !self.signers.is_empty() {
            let _ = write!(text, "\nList of signers and their keys for {name}\n\n");
            let short = |key: &KeyId| key.id.chars().take(SHORT_ID).collect::<String>();
            let rows = self.signers.iter().map(|signer| {
                let keys: Vec<String> = signer.keys.iter().map(short).collect();
                vec![signer.name.clone(), keys.join(", ")]
            });
            table(&mut text, &["SIGNER", "KEYS"], &rows.collect::<Vec<_>>());
        }
        let _ = write!(text, "\nAdministrative keys for {name}\n\n");
        for (index, word) in [(1, "Repository"), (0, "Root")] {
            let keys = self.administrative_keys[index].keys.iter().map(|key| key.id.as_str());
            let _ = writeln!(text, "  {word} Key:\t{}", keys.collect::<Vec<_>>().join(", "));
        }
        text
    }
}

// As Go's tabwriter pads: the last column not at all.
fn table(text: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        let longest = cells.chain([head[column].len()]).max().unwrap_or(0);
        (longest + COLUMN_GAP).max(COLUMN_MIN)
    };
    let widths: Vec<usize> = (0..head.len() - 1).map(width).collect();
    let head: Vec<String> = head.iter().map(|word| (*word).to_owned()).collect();
    for row in std::iter::once(&head).chain(rows) {
        for (column, cell) in row.iter().enumerate() {
            match widths.get(column) {
                Some(width) => {
                    let _ = write!(text, "{cell:width$}");
                }
                None => text.push_str(cell),
            }
        }
        text.push('\n');
    }
}

// Numbers within names count as numbers: v2 comes before v10.
fn natural(left: &str, right: &str) -> std::cmp::Ordering {
    let (mut left, mut right) = (left.as_bytes(), right.as_bytes());
    loop {
        let (Some(first), Some(second)) = (left.first(), right.first()) else {
            return left.len().cmp(&right.len());
        };
        if first.is_ascii_digit() && second.is_ascii_digit() {
            let (one, rest_left) = number(left);
            let (two, rest_right) = number(right);
            let order = one.len().cmp(&two.len()).then(one.cmp(two));
            if order.is_ne() {
                return order;
            }
            (left, right) = (rest_left, rest_right);
            continue;
        }
        if first != second {
            return first.cmp(second);
        }
        (left, right) = (&left[1..], &right[1..]);
    }
}

// The digits at the beginning without leading zeros, and the rest.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    (&digits[zeros..], rest)
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|character| if character.is_control() { '\u{FFFD}' } else { character })
        .collect()
}

/// The delegations of a repository as `notary delegation list` shows them.
pub fn delegations(trusted: &Trusted, gun: &Gun) -> String {
    let mut rows = Vec::new();
    for targets in trusted.roles.values().filter_map(|role| role.content.as_ref().ok()) {
        for delegation in &targets.delegations {
            let path = |path: &String| {
                if path.is_empty() { "\"\" <all paths>".to_owned() } else { printable(path) }
            };
            let paths: Vec<String> = delegation.paths.iter().map(path).collect();
            rows.push(vec![
                delegation.name.clone(),
                paths.join(","),
                delegation.key_ids.join(", "),
                delegation.threshold.to_string(),
            ]);
        }
    }
    if rows.is_empty() {
        return format!("No delegations in {gun}\n");
    }
    rows.sort();
    let mut text = String::new();
    table(&mut text, &["ROLE", "PATHS", "KEY IDS", "THRESHOLD"], &rows);
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn inspection() -> Inspection {
        let id = |byte: &str| KeyId { id: byte.repeat(32) };
        let line = |tag: &str| Line {
            signed_tag: tag.to_owned(),
            digest: "33".repeat(32),
            signers: vec!["alice".to_owned(), "bob".to_owned()],
        };
        let holder = |name: &str, byte| Holder { name: name.to_owned(), keys: vec![id(byte)] };
        Inspection {
            name: "localhost:5443/team/app".to_owned(),
            signed_tags: vec![line("v1"), line("v2")],
            signers: vec![holder("alice", "51")],
            administrative_keys: vec![holder("Root", "b3"), holder("Repository", "2d")],
        }
    }

    #[test]
    fn as_docker_prints_it() {
        expect![[r"

            Signatures for localhost:5443/team/app

            SIGNED TAG   DIGEST                                                             SIGNERS
            v1           3333333333333333333333333333333333333333333333333333333333333333   alice, bob
            v2           3333333333333333333333333333333333333333333333333333333333333333   alice, bob

            List of signers and their keys for localhost:5443/team/app

            SIGNER    KEYS
            alice     515151515151

            Administrative keys for localhost:5443/team/app

              Repository Key:	2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d2d
              Root Key:	b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3b3
        "]]
        .assert_eq(&inspection().pretty());
        let json = Inspection::json(&[inspection()]);
        let head = "[\n    {\n        \"Name\": \"localhost:5443/team/app\",\n        \"SignedTags\": [\n            {\n                \"SignedTag\": \"v1\",";
        assert!(json.starts_with(head), "{json}");
        let key = "                \"Keys\": [\n                    {\n                        \"ID\": \"5151";
        assert!(json.contains(key), "{json}");
        let empty = Inspection { signed_tags: Vec::new(), signers: Vec::new(), ..inspection() };
        let text = empty.pretty();
        assert!(
            text.starts_with("\nNo signatures for localhost:5443/team/app\n\n\nAdministrative")
        );
        assert!(Inspection::json(&[empty]).contains("\"SignedTags\": [],"));
        assert_eq!(Inspection::json(&[]), "[]");
    }

    #[test]
    fn numbers_count_as_numbers() {
        let mut tags = ["v10", "v2", "latest", "v2.1", "1.10", "1.9", "v02"];
        tags.sort_by(|left, right| natural(left, right));
        assert_eq!(tags, ["1.9", "1.10", "latest", "v2", "v02", "v2.1", "v10"]);
    }
}
