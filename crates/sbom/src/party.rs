//! Suppliers, taken apart into name and mail address.

use sealift_model::{Package, Supplier};

use crate::{Subject, registry, text};

/// A person or an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Party {
    pub(crate) is_person: bool,
    pub(crate) name: String,
    pub(crate) mail: Option<String>,
    pub(crate) url: Option<String>,
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

    /// Who supplies a package, and else the registry that its package URL means: that is where it is supplied from
    /// (SPDX 2.3 §7.5). `None` if there is no such registry.
    pub(crate) fn of_package_or_registry(package: &Package, distro: Option<&str>) -> Option<Self> {
        Self::of_package(package, distro).or_else(|| {
            let registry = registry::of(package)?;
            Some(Self { url: Some(registry.page), ..Self::named(&registry.host) })
        })
    }

    /// Whom to ask about a package: its supplier, with an address (BSI TR-03183-2 §5.2.2: a mail address, else a web
    /// address of the creator or the project). Without a supplier, it goes by that web address.
    pub(crate) fn to_ask(package: &Package, distro: Option<&str>) -> Option<Self> {
        let party = Self::of_package_or_registry(package, distro);
        if party.as_ref().is_some_and(|party| party.mail.is_some() || party.url.is_some()) {
            return party;
        }
        let url = package
            .homepage
            .as_deref()
            .and_then(text::web_address)
            .or_else(|| registry::of(package).map(|registry| registry.page))
            .or_else(|| package.download_url.as_deref().and_then(text::web_address));
        match party {
            Some(party) => Some(Self { url, ..party }),
            None => url.map(|url| Self { url: Some(url.clone()), ..Self::named(&url) }),
        }
    }

    /// Who supplies the subject, if that is known.
    pub(crate) fn of_subject(subject: &Subject) -> Option<Self> {
        let mut party = subject.supplier.as_deref().and_then(Self::parse_either)?;
        if party.mail.is_none() && party.url.is_none() {
            // The package URL of the image says this repository too.
            let repository = subject.reference.as_ref().map(|reference| {
                format!("https://{}/{}", reference.registry(), reference.repository())
            });
            let homepage = subject.homepage.as_deref().and_then(text::web_address);
            party.url = homepage.or_else(|| repository.as_deref().and_then(text::web_address));
        }
        Some(party)
    }

    /// An organisation of this name.
    pub(crate) fn named(name: &str) -> Self {
        Self { is_person: false, name: name.to_owned(), mail: None, url: None }
    }

    /// Reads `Name <mail>` as an organisation, unless it begins with `Person:`.
    pub(crate) fn parse_either(text: &str) -> Option<Self> {
        if let Some(person) = text.trim().strip_prefix("Person:") {
            return Self::parse(person, true);
        }
        let name = text.trim();
        Self::parse(name.strip_prefix("Organization:").unwrap_or(name), false)
    }

    /// The organisation behind a distribution.
    pub(crate) fn of_distro(id: &str) -> Option<Self> {
        let mut party = Self::parse(&organization_of(id), false)?;
        party.url = registry::page_of_distro(id).map(str::to_owned);
        Some(party)
    }

    /// Reads `Name <mail>`, `Name <web address>`, `mail` or a name.
    pub(crate) fn parse(text: &str, is_person: bool) -> Option<Self> {
        let text = text::some(text)?;
        let (name, mail) = match text.split_once('<') {
            Some((name, rest)) => (name, rest.split('>').next()),
            None => (text.as_str(), None),
        };
        let url = mail.and_then(text::web_address);
        let mail = mail.map(str::trim).filter(|mail| is_mail(mail)).map(str::to_owned);
        let name = name.trim().trim_matches(['"', '\'', ',']).trim();
        let name = match name {
            "" => mail.clone().or_else(|| url.clone())?,
            name => name.to_owned(),
        };
        // A parenthesis would begin the mail address in SPDX.
        let name = name.replace('(', "[").replace(')', "]");
        Some(Self { is_person, name, mail, url })
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
        assert_eq!(spdx("A <https://a.org>").as_deref(), Some("Person: A"));
        assert_eq!(spdx("< >"), None);
        assert_eq!(spdx(""), None);
    }

    #[test]
    fn nobody_is_made_up() {
        let mut package = Package::new(sealift_model::PackageKind::Other, "x");
        assert_eq!(Party::of_package_or_registry(&package, None), None);
        assert_eq!(Party::to_ask(&package, None), None);
        package.homepage = Some("https://x.example/".to_owned());
        let asked = Party::to_ask(&package, None).map(|party| (party.name, party.url));
        let page = "https://x.example/".to_owned();
        assert_eq!(asked, Some((page.clone(), Some(page))));
        assert_eq!(Party::of_package_or_registry(&package, None), None);
    }
}
