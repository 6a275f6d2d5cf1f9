//! Suppliers, taken apart into name and mail address.

use sealift_model::{Package, Supplier};

use crate::text;

/// A person or an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) is_person: bool,
    pub(crate) name: String,
    pub(crate) mail: Option<String>,
}

impl Party {
    /// Who supplies a package. A package of a distribution is supplied by the distribution if it names nobody.
    pub(crate) fn of_package(package: &Package, distro: Option<&str>) -> Option<Self> {
        let named = match &package.supplier {
            Some(Supplier::Person(name)) => Self::parse(name, true),
            Some(Supplier::Organization(name)) => Self::parse(name, false),
            None => None,
        };
        named.or_else(|| match package.kind {
            kind if kind.is_os() => Self::parse(&organization_of(distro?), false),
            _ => None,
        })
    }

    /// The organisation behind a distribution.
    pub(crate) fn of_distro(id: &str) -> Option<Self> {
        Self::parse(&organization_of(id), false)
    }

    /// Reads `Name <mail>`, `mail` or a name.
    pub(crate) fn parse(text: &str, is_person: bool) -> Option<Self> {
        let text = text::some(text)?;
        let (name, mail) = match text.split_once('<') {
            Some((name, rest)) => (name, rest.split('>').next()),
            None => (text.as_str(), None),
        };
        let mail = mail.map(str::trim).filter(|mail| is_mail(mail)).map(str::to_owned);
        let name = name.trim().trim_matches(['"', '\'', ',']).trim();
        let name = if name.is_empty() { mail.clone()? } else { name.to_owned() };
        // A parenthesis would begin the mail address in SPDX.
        let name = name.replace('(', "[").replace(')', "]");
        Some(Self { is_person, name, mail })
    }

    /// As SPDX writes it (SPDX 2.3 §7.5): `Person: Name (mail)`.
    pub(crate) fn spdx(&self) -> String {
        let kind = if self.is_person { "Person" } else { "Organization" };
        match &self.mail {
            Some(mail) => format!("{kind}: {} ({mail})", self.name),
            None => format!("{kind}: {}", self.name),
        }
    }
}

fn organization_of(distro: &str) -> String {
    match distro {
        "debian" => "Debian".to_owned(),
        "ubuntu" => "Ubuntu".to_owned(),
        other => other.to_owned(),
    }
}

fn is_mail(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
    !local.is_empty()
        && local.bytes().all(is_plain)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && domain.split('.').all(|label| {
            !label.is_empty()
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties() {
        let spdx = |text| Party::parse(text, true).map(|party| party.spdx());
        assert_eq!(spdx("A B <a@b.org>").as_deref(), Some("Person: A B (a@b.org)"));
        assert_eq!(spdx("A (B) <not a mail>").as_deref(), Some("Person: A [B]"));
        assert_eq!(spdx("<a@b.org>").as_deref(), Some("Person: a@b.org (a@b.org)"));
        assert_eq!(spdx("A\nB").as_deref(), Some("Person: A B"));
        assert_eq!(spdx("< >"), None);
        assert_eq!(spdx(""), None);
    }
}
