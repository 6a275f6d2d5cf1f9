//! Persons and organisations, told apart by their names.

use sealift_model::Supplier;

const CHARS_MAX: usize = 300;

// Words and ends of mail addresses that no person's name has.
const WORDS: [&str; 27] = [
    "team",
    "teams",
    "maintainers",
    "maintainer",
    "developers",
    "group",
    "project",
    "foundation",
    "inc",
    "inc.",
    "ltd",
    "ltd.",
    "gmbh",
    "llc",
    "corporation",
    "corp",
    "corp.",
    "company",
    "community",
    "authors",
    "contributors",
    "authority",
    "packagers",
    "debian",
    "ubuntu",
    "committee",
    "organization",
];
const MAIL_HOSTS: [&str; 5] = [
    "lists.debian.org",
    "lists.alioth.debian.org",
    "alioth-lists.debian.net",
    "packages.debian.org",
    "tracker.debian.org",
];

/// A supplier by name; `None` if the text has no name.
pub fn supplier(text: &str) -> Option<Supplier> {
    let text: String =
        text.trim().chars().take(CHARS_MAX).map(|c| if c.is_control() { ' ' } else { c }).collect();
    let unknown = ["", "unknown", "none", "n/a", "tbd", "<>"];
    if unknown.iter().any(|word| text.trim().eq_ignore_ascii_case(word)) {
        return None;
    }
    let (name, mail) = text.split_once('<').unwrap_or((text.as_str(), ""));
    let name = name.trim().trim_matches('"').trim();
    let is_organization = name
        .split([' ', '-', ','])
        .any(|word| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
        || MAIL_HOSTS.iter().any(|host| mail.trim_end_matches('>').ends_with(host));
    let text = if mail.is_empty() { name.to_owned() } else { format!("{name} <{mail}") };
    let text = text.trim().to_owned();
    Some(if is_organization { Supplier::Organization(text) } else { Supplier::Person(text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suppliers() {
        let is_organization = |text| match supplier(text) {
            Some(Supplier::Organization(_)) => Some(true),
            Some(Supplier::Person(_)) => Some(false),
            None => None,
        };
        for organization in [
            "GNU Libc Maintainers <debian-glibc@lists.debian.org>",
            "Debian Python Team <team+python@tracker.debian.org>",
            "Someone <pkg-x-devel@alioth-lists.debian.net>",
            "Python Packaging Authority <distutils-sig@python.org>",
            "Django Software Foundation",
            "ACME, Inc.",
        ] {
            assert_eq!(is_organization(organization), Some(true), "{organization}");
        }
        for person in ["Armin Ronacher", "Matthias Klose <doko@debian.org>", "Teamy Projectson"] {
            assert_eq!(is_organization(person), Some(false), "{person}");
        }
        assert_eq!(supplier("\"A B"), Some(Supplier::Person("A B".to_owned())));
        assert_eq!(supplier("\"A B\" <a@b>"), Some(Supplier::Person("A B <a@b>".to_owned())));
        assert_eq!(supplier("<a@b>"), Some(Supplier::Person("<a@b>".to_owned())));
        for nobody in ["", " ", "UNKNOWN", "None"] {
            assert_eq!(is_organization(nobody), None, "{nobody}");
        }
    }
}
