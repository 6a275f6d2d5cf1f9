//! Reading and issuing certificates.

use jiff::Timestamp;

use super::*;

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn made(key: &SigningKey) -> Certificate {
    Certificate::self_signed(
        key,
        "localhost:5443/team/app",
        time("2026-11-21T00:00:00Z"),
        time("2036-11-18T00:00:00Z"),
    )
    .unwrap()
}

#[test]
fn self_signed_round_trip() {
    for key in [
        SigningKey::generate_p256(),
        SigningKey::generate_p384(),
        SigningKey::generate_p521(),
        SigningKey::generate_ed25519(),
        SigningKey::generate_rsa(),
    ] {
        let certificate = made(&key);
        let chain = Certificate::chain_from_pem(&certificate.to_pem()).unwrap();
        assert_eq!(chain, std::slice::from_ref(&certificate));
        assert_eq!(certificate.common_name(), Some("localhost:5443/team/app"));
        assert_eq!(*certificate.public_key(), key.public());
        assert!(!certificate.is_authority());
        assert!(certificate.is_valid_at(time("2026-11-21T00:00:00Z")));
        assert!(!certificate.is_valid_at(time("2026-11-20T23:59:59Z")));
        assert!(!certificate.is_valid_at(time("2036-11-18T00:00:01Z")));
        key.public().verify(certificate.signed_part(), &certificate.signature).unwrap();
        // It is not an authority, not even its own.
        assert!(!certificate.is_signed_by(&certificate));
        assert!(certificate.is_self_signed());
    }
}

#[test]
fn reads_what_it_wrote() {
    let key = SigningKey::generate_p256();
    let names = [
        AlternativeName::Email("a@example.com".to_owned()),
        AlternativeName::Uri("https://example.com/a".to_owned()),
        AlternativeName::Dns("example.com".to_owned()),
    ];
    let other = Extension {
        id: "1.3.6.1.4.1.57264.1.8".to_owned(),
        is_critical: false,
        value: vec![0x0C, 1, b'x'],
    };
    let extensions = [
        Extension::basic_constraints(true, Some(2)),
        Extension::key_usage(&[KeyUsage::CertificateSigning, KeyUsage::ListSigning]),
        Extension::extended_key_usage(true, &[PURPOSE_CODE_SIGNING, PURPOSE_ANY]).unwrap(),
        Extension::alternative_names(&names).unwrap(),
        other.clone(),
    ];
    let certificate = Draft {
        subject: &Name::new(&[("O", "Ship"), ("CN", "Root")]).unwrap(),
        key: &key.public(),
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2027-01-01T00:00:00Z"),
        extensions: &extensions,
    }
    .self_sign(&key)
    .unwrap();
    assert!(certificate.is_authority() && certificate.is_signed_by(&certificate));
    assert_eq!(certificate.path_length_max(), Some(2));
    assert!(certificate.allows(KeyUsage::CertificateSigning));
    assert!(certificate.allows(KeyUsage::ListSigning));
    assert!(!certificate.allows(KeyUsage::DigitalSignature));
    assert_eq!(certificate.extended_key_usages().unwrap(), [PURPOSE_CODE_SIGNING, PURPOSE_ANY]);
    assert_eq!(certificate.alternative_names(), names);
    assert_eq!(certificate.extension(&other.id), Some(&other));
    assert_eq!(certificate.extensions(), extensions);
    assert_eq!(certificate.subject().to_string(), "CN=Root,O=Ship");
    assert_eq!(certificate.unknown_critical_extension(), None);
}

#[test]
fn the_signed_part_without_an_extension() {
    let key = SigningKey::generate_p256();
    let extra = |n_bytes: usize| Extension {
        id: "1.2.3.4".to_owned(),
        is_critical: true,
        value: vec![7; n_bytes],
    };
    let constraints = Extension::basic_constraints(false, None);
    let make = |extensions: &[Extension]| {
        Draft {
            subject: &Name::new(&[]).unwrap(),
            key: &key.public(),
            not_before: time("2026-01-01T00:00:00Z"),
            not_after: time("2027-01-01T00:00:00Z"),
            extensions,
        }
        .self_sign(&key)
        .unwrap()
    };
    for n_bytes in [1, 100, 300] {
        let with = make(&[constraints.clone(), extra(n_bytes)]);
        assert_eq!(with.unknown_critical_extension(), Some("1.2.3.4"));
        let stripped = with.signed_part_without("1.2.3.4").unwrap();
        let without = make(std::slice::from_ref(&constraints));
        // They differ by their serial numbers alone.
        let differs = stripped.iter().zip(without.signed_part()).filter(|(a, b)| a != b).count();
        assert!(stripped.len() == without.signed_part().len() && differs <= 16, "{n_bytes}");
        assert_eq!(with.signed_part_without("1.2.3.5").unwrap(), with.signed_part());
    }
}

#[test]
fn the_same_extension_twice_is_refused() {
    let key = SigningKey::generate_p256();
    let constraints =
        [Extension::basic_constraints(false, None), Extension::basic_constraints(true, None)];
    let draft = Draft {
        subject: &Name::new(&[("CN", "a")]).unwrap(),
        key: &key.public(),
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2027-01-01T00:00:00Z"),
        extensions: &constraints,
    };
    assert!(draft.self_sign(&key).is_err());
}

#[test]
fn cut_and_changed_bytes_never_panic() {
    let der = made(&SigningKey::generate_p256()).der;
    for index in 0..der.len() {
        assert!(Certificate::from_der(&der[..index]).is_err());
        for bit in 0..8 {
            let mut changed = der.clone();
            changed[index] ^= 1 << bit;
            let Ok(read) = Certificate::from_der(&changed) else { continue };
            let _ = (read.subject().to_string(), read.signed_part_without("2.5.29.19"));
            assert!(!read.is_self_signed(), "byte {index}");
        }
    }
    assert!(Certificate::from_der(&[&der[..], &[0]].concat()).is_err());
}
