//! Lists that are made, read and changed.

use super::*;
use crate::certificate::Draft;
use crate::der::SEQUENCE;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn authority(key: &SigningKey, usages: &[KeyUsage]) -> Certificate {
    let subject = Name::new(&[("C", "CH"), ("O", "Ship"), ("CN", "Root")]).unwrap();
    let extensions = [Extension::basic_constraints(true, None), Extension::key_usage(usages)];
    Draft {
        subject: &subject,
        key: &key.public(),
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time("2036-01-01T00:00:00Z"),
        extensions: &extensions,
    }
    .self_sign(key)
    .unwrap()
}

fn revoked(serial: &[u8], reason: RevocationReason) -> Revoked {
    Revoked {
        serial: serial.to_vec(),
        at: time("2026-11-01T00:00:00Z"),
        reason,
        invalid_since: None,
    }
}

const USAGES: [KeyUsage; 2] = [KeyUsage::CertificateSigning, KeyUsage::ListSigning];

fn issue(authority: &Certificate, key: &SigningKey, revoked: &[Revoked]) -> RevocationList {
    let (from, to) = (time("2026-11-10T00:00:00Z"), time("2026-12-10T00:00:00Z"));
    RevocationList::issue(authority, key, revoked, from, to).unwrap()
}

#[test]
fn round_trip() {
    for key in [SigningKey::generate_p256(), SigningKey::generate_p521()] {
        let root = authority(&key, &USAGES);
        let since = Revoked {
            invalid_since: Some(time("2026-10-01T00:00:00Z")),
            ..revoked(&[0x80, 1], RevocationReason::KeyCompromise)
        };
        let hold = revoked(&[7], RevocationReason::Hold);
        let list = issue(&root, &key, &[since.clone(), hold.clone()]);
        list.verify(&root, time("2026-11-21T00:00:00Z")).unwrap();
        assert_eq!(list.find(&[0, 0x80, 1]), Some(since));
        assert_eq!(list.find(&[7]), Some(hold));
        assert_eq!(list.find(&[8]), None);
        assert!(list.covers(&root));
        let read = RevocationList::from_bytes(list.der()).unwrap();
        assert_eq!(read.times(), list.times());
        let text = crate::pem::encode(list.der(), "X509 CRL");
        assert_eq!(RevocationList::from_bytes(text.as_bytes()).unwrap().der(), list.der());
        assert!(issue(&root, &key, &[]).find(&[7]).is_none());
    }
}

#[test]
fn lists_that_do_not_count() {
    let key = SigningKey::generate_p256();
    let root = authority(&key, &USAGES);
    let list = issue(&root, &key, &[]);
    let check = |list: &RevocationList, root: &Certificate, at: &str, reason: &str| {
        let error = list.verify(root, time(at)).unwrap_err().to_string();
        assert_eq!(error, format!("not a usable list of revoked certificates: {reason}"));
    };
    check(&list, &root, "2026-11-09T23:59:59Z", "it is from the future");
    check(&list, &root, "2026-12-10T00:00:01Z", "it is out of date");
    let other = SigningKey::generate_p256();
    let twin = authority(&other, &USAGES);
    check(&list, &twin, "2026-11-21T00:00:00Z", "its signature is not by its authority");
    let weak = authority(&key, &[KeyUsage::CertificateSigning]);
    check(&list, &weak, "2026-11-21T00:00:00Z", "the key of its authority may not sign lists");
    let name = Name::new(&[("CN", "Other")]).unwrap();
    let (not_before, not_after) = root.validity();
    let public = key.public();
    let stranger = Draft { subject: &name, key: &public, not_before, not_after, extensions: &[] }
        .self_sign(&key)
        .unwrap();
    check(&list, &stranger, "2026-11-21T00:00:00Z", "it is the list of another authority");
}

// A list whose own extensions are these, unsigned.
fn with_extension(id: &str, is_critical: bool, value: Vec<u8>) -> Result<RevocationList, Error> {
    let key = SigningKey::generate_p256();
    let root = authority(&key, &USAGES);
    let list = issue(&root, &key, &[]);
    let mut signed = Cursor::new(&list.der[list.signed.clone()]);
    let content = der::element(&mut signed, SEQUENCE).unwrap();
    let mut fields = Cursor::new(content);
    while der::next_tag(&fields) != Some(EXTENSIONS) {
        let tag = der::next_tag(&fields).unwrap();
        der::element(&mut fields, tag).unwrap();
    }
    let before = &content[..content.len() - fields.rest().len()];
    let extension = Extension { id: id.to_owned(), is_critical, value }.to_der().unwrap();
    let extensions = der::write(EXTENSIONS, &[&der::write(SEQUENCE, &[&extension])]);
    let signed = der::write(SEQUENCE, &[before, &extensions]);
    let algorithm = der::write(SEQUENCE, &[&list.algorithm]);
    let signature = der::write(der::BIT_STRING, &[&[0], &list.signature]);
    RevocationList::from_der(&der::write(SEQUENCE, &[&signed, &algorithm, &signature]))
}

#[test]
fn kinds_of_lists_that_are_refused() {
    let refused = |id, is_critical, value: &[u8]| {
        let error = with_extension(id, is_critical, value.to_vec()).unwrap_err().to_string();
        error.trim_start_matches("not a usable list of revoked certificates: ").to_owned()
    };
    assert_eq!(refused(DELTA, true, &[2, 1, 5]), "it has only what changed since another");
    let indirect = "it is indirect, or has some reasons or attribute certificates only";
    for value in [&[0x30, 3, 0x84, 1, 0xFF][..], &[0x30, 3, 0x85, 1, 0xFF], &[0x30, 3, 0x83, 1, 6]]
    {
        assert_eq!(refused(ISSUING_POINT, true, value), indirect);
    }
    let both = [0x30, 6, 0x81, 1, 0xFF, 0x82, 1, 0xFF];
    assert_eq!(refused(ISSUING_POINT, true, &both), "its structure is not that of RFC 5280");
    assert_eq!(refused("1.2.3.4", true, &[5, 0]), "it has a critical extension that is unknown");
    with_extension("1.2.3.4", false, vec![5, 0]).unwrap();
    let leaves = with_extension(ISSUING_POINT, true, vec![0x30, 3, 0x81, 1, 0xFF]).unwrap();
    let authorities = with_extension(ISSUING_POINT, true, vec![0x30, 3, 0x82, 1, 0xFF]).unwrap();
    let root = authority(&SigningKey::generate_p256(), &USAGES);
    assert!(!leaves.covers(&root) && authorities.covers(&root));
}

#[test]
fn cut_and_changed_bytes_never_pass() {
    let key = SigningKey::generate_p256();
    let root = authority(&key, &USAGES);
    let list = issue(&root, &key, &[revoked(&[7], RevocationReason::Superseded)]);
    let now = time("2026-11-21T00:00:00Z");
    for index in 0..list.der.len() {
        assert!(RevocationList::from_der(&list.der[..index]).is_err());
        for bit in 0..8 {
            let mut changed = list.der.clone();
            changed[index] ^= 1 << bit;
            if let Ok(changed) = RevocationList::from_der(&changed) {
                assert!(changed.verify(&root, now).is_err(), "byte {index}");
            }
        }
    }
    assert!(RevocationList::from_der(&[&list.der[..], &[0]].concat()).is_err());
    assert!(RevocationList::from_der(&vec![0; LIST_BYTES_MAX + 1]).is_err());
}
