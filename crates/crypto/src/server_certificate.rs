//! Certificates for servers that nobody gave one (RFC 5280): by their own key, or by an authority that clients are told
//! of. For tests and for closed networks.

use std::net::IpAddr;

use jiff::Timestamp;

use crate::certificate::{Draft, Extension, KeyUsage, Name};
use crate::{Certificate, Error, SigningKey, der};

const ALTERNATIVE_NAME: &str = "2.5.29.17";
const PURPOSE_SERVER: &str = "1.3.6.1.5.5.7.3.1";
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;

/// A certificate for a server with these names or addresses, and its new P-256 key. Whoever has the key cannot make
/// certificates for others with it.
pub fn self_signed_server(
    names: &[String],
    not_before: Timestamp,
    not_after: Timestamp,
) -> Result<(Certificate, SigningKey), Error> {
    let key = SigningKey::generate_p256();
    let (subject, extensions) = of_server(names)?;
    let public = key.public();
    let draft =
        Draft { subject: &subject, key: &public, not_before, not_after, extensions: &extensions };
    Ok((draft.self_sign(&key)?, key))
}

/// The same, by an authority.
pub fn issued_server(
    names: &[String],
    authority: (&Certificate, &SigningKey),
    not_before: Timestamp,
    not_after: Timestamp,
) -> Result<(Certificate, SigningKey), Error> {
    let key = SigningKey::generate_p256();
    let (subject, extensions) = of_server(names)?;
    let public = key.public();
    let draft =
        Draft { subject: &subject, key: &public, not_before, not_after, extensions: &extensions };
    Ok((draft.issue(authority.0, authority.1)?, key))
}

/// An authority for servers, with its new P-256 key; no authority may stand below it.
pub fn server_authority(
    name: &str,
    not_before: Timestamp,
    not_after: Timestamp,
) -> Result<(Certificate, SigningKey), Error> {
    let key = SigningKey::generate_p256();
    let subject = Name::new(&[("CN", name)])?;
    let extensions = [
        Extension::key_usage(&[KeyUsage::CertificateSigning, KeyUsage::ListSigning]),
        Extension::basic_constraints(true, Some(0)),
    ];
    let public = key.public();
    let draft =
        Draft { subject: &subject, key: &public, not_before, not_after, extensions: &extensions };
    Ok((draft.issue_self(&key)?, key))
}

fn of_server(names: &[String]) -> Result<(Name, [Extension; 4]), Error> {
    let is_sound = |name: &String| {
        (1..=253).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic())
    };
    if !(1..=64).contains(&names.len()) || !names.iter().all(is_sound) {
        return Err(Error::Certificate("a server needs 1 to 64 names of printable letters"));
    }
    let alternative = Extension {
        id: ALTERNATIVE_NAME.to_owned(),
        is_critical: false,
        value: alternative_names(names),
    };
    let extensions = [
        Extension::key_usage(&[KeyUsage::DigitalSignature]),
        Extension::extended_key_usage(false, &[PURPOSE_SERVER])?,
        Extension::basic_constraints(false, None),
        alternative,
    ];
    Ok((Name::new(&[("CN", &names[0])])?, extensions))
}

fn alternative_names(names: &[String]) -> Vec<u8> {
    let entry = |name: &String| match name.parse() {
        Ok(IpAddr::V4(address)) => der::write(IP_ADDRESS, &[&address.octets()]),
        Ok(IpAddr::V6(address)) => der::write(IP_ADDRESS, &[&address.octets()]),
        Err(_) => der::write(DNS_NAME, &[name.as_bytes()]),
    };
    let entries: Vec<Vec<u8>> = names.iter().map(entry).collect();
    let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
    der::write(der::SEQUENCE, &entries)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::chain::{Purpose, Question, validate};

    #[test]
    fn names_and_refusals() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let make = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            self_signed_server(&names, now, now + SignedDuration::from_hours(1))
        };
        let (certificate, key) = make(&["trust.example", "127.0.0.1", "::1"]).unwrap();
        assert_eq!(certificate.common_name(), Some("trust.example"));
        assert_eq!(certificate.public_key(), &key.public());
        assert!(!certificate.is_authority() && certificate.is_valid_at(now));
        let holds = |bytes: &[u8]| certificate.der().windows(bytes.len()).any(|part| part == bytes);
        assert!(holds(b"\x82\x0dtrust.example") && holds(&[0x87, 4, 127, 0, 0, 1]));
        let names = ["a.example".to_owned(), "192.0.2.1".to_owned()];
        let later = now + SignedDuration::from_hours(1);
        let (root, root_key) = server_authority("ours", now, later).unwrap();
        assert!(root.is_authority() && root.is_self_signed() && root.subject_key_id().is_some());
        let (leaf, _) = issued_server(&names, (&root, &root_key), now, later).unwrap();
        assert!(leaf.is_signed_by(&root) && !leaf.is_authority());
        assert_eq!(leaf.authority_key_id(), root.subject_key_id());
        let question = Question {
            leaf: &leaf,
            intermediates: &[],
            roots: &[root],
            purpose: Purpose::Any,
            at: now,
        };
        assert_eq!(validate(&question).unwrap().len(), 2);
        for names in [&[][..], &[""], &["a b"], &["é"]] {
            assert!(make(names).is_err());
        }
    }
}
