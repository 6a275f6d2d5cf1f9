//! Clients that are known by a certificate. The listener has verified that an authority which the administrator named
//! issued it for clients, and that they have its key.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use sealift_crypto::Certificate;
use sealift_crypto::certificate::AlternativeName;
use serde::Deserialize;

use super::{Denial, Kind, Principal};

const NAME_BYTES_MAX: usize = 256;

/// Settings of clients' certificates.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CertificateSettings {
    /// Authorities whose certificates are taken, PEM. `None`: no certificate is asked for.
    pub authorities: Option<PathBuf>,
    /// Whether who has no certificate is not even heard.
    pub required: bool,
    /// What of a certificate is the name, after `certificate:`; the first that it has.
    pub name: Vec<NamePart>,
}

impl Default for CertificateSettings {
    fn default() -> Self {
        let name = vec![NamePart::CommonName, NamePart::Uri, NamePart::Email, NamePart::Dns];
        Self { authorities: None, required: false, name }
    }
}

/// Where the name of a certificate's owner stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum NamePart {
    /// The common name of the subject.
    #[serde(rename = "cn")]
    CommonName,
    /// The first host among the further names.
    #[serde(rename = "dns")]
    Dns,
    /// The first address of the web among them, as SPIFFE has it.
    #[serde(rename = "uri")]
    Uri,
    /// The first address of mail among them.
    #[serde(rename = "email")]
    Email,
}

impl NamePart {
    fn as_str(self) -> &'static str {
        match self {
            Self::CommonName => "cn",
            Self::Dns => "dns",
            Self::Uri => "uri",
            Self::Email => "email",
        }
    }
}

/// Who the owner of a certificate is. What rules can ask for besides the name is in the claims `cn`, `dns`, `uri` and
/// `email`.
pub(crate) fn principal(
    settings: &CertificateSettings,
    der: &[u8],
    now: Timestamp,
) -> Result<Principal, Denial> {
    let unreadable = Denial::Wrong("the certificate cannot be read");
    let certificate = Certificate::from_der(der).map_err(|_| unreadable)?;
    if !certificate.is_valid_at(now) {
        return Err(Denial::Wrong("the certificate is not valid now"));
    }
    let mut claims = BTreeMap::new();
    if let Some(name) = certificate.common_name() {
        claims.insert("cn".to_owned(), name.to_owned());
    }
    for name in certificate.alternative_names() {
        let (part, text) = match name {
            AlternativeName::Dns(text) => (NamePart::Dns, text),
            AlternativeName::Uri(text) => (NamePart::Uri, text),
            AlternativeName::Email(text) => (NamePart::Email, text),
            AlternativeName::Other { .. } | AlternativeName::Unread => continue,
        };
        claims.entry(part.as_str().to_owned()).or_insert_with(|| text.clone());
    }
    let is_sound = |text: &String| {
        (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.contains(char::is_control)
    };
    if !claims.values().all(is_sound) {
        return Err(Denial::Wrong(
            "a name in the certificate is too long or has control characters",
        ));
    }
    let name = settings.name.iter().find_map(|part| claims.get(part.as_str()));
    let name = name.ok_or(Denial::Wrong("the certificate has no name"))?;
    Ok(Principal {
        name: Some(format!("certificate:{name}")),
        kind: Kind::Certificate,
        claims,
        ..Principal::ANONYMOUS
    })
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use sealift_crypto::SigningKey;
    use sealift_crypto::certificate::{Draft, Extension, Name};

    use super::*;

    fn certificate(subject: &[(&str, &str)], names: &[AlternativeName]) -> Certificate {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let key = SigningKey::generate_p256();
        let draft = Draft {
            subject: &Name::new(subject).unwrap(),
            key: &key.public(),
            not_before: now,
            not_after: now + SignedDuration::from_hours(1),
            extensions: &[Extension::alternative_names(names).unwrap()],
        };
        draft.self_sign(&key).unwrap()
    }

    #[test]
    fn names() {
        let now = Timestamp::from_second(1_800_000_001).unwrap();
        let names = [
            AlternativeName::Uri("spiffe://acme/ci".to_owned()),
            AlternativeName::Dns("ci.example".to_owned()),
            AlternativeName::Dns("other.example".to_owned()),
        ];
        let ask = |settings: &CertificateSettings, certificate: &Certificate, now| {
            principal(settings, certificate.der(), now)
        };
        let settings = CertificateSettings::default();
        let full = certificate(&[("CN", "ci")], &names);
        let found = ask(&settings, &full, now).unwrap();
        assert_eq!(
            (found.name.as_deref(), found.kind),
            (Some("certificate:ci"), Kind::Certificate)
        );
        assert_eq!(found.claims["dns"], "ci.example");
        let by_uri = CertificateSettings { name: vec![NamePart::Uri], ..settings.clone() };
        let found = ask(&by_uri, &full, now).unwrap();
        assert_eq!(found.name.as_deref(), Some("certificate:spiffe://acme/ci"));
        assert!(ask(&by_uri, &certificate(&[("CN", "ci")], &names[1..]), now).is_err());
        let late = now + SignedDuration::from_hours(1);
        assert_eq!(
            ask(&settings, &full, late),
            Err(Denial::Wrong("the certificate is not valid now"))
        );
        assert!(ask(&settings, &certificate(&[("CN", "a\nb")], &names), now).is_err());
        assert!(principal(&settings, b"x", now).is_err());
    }
}
