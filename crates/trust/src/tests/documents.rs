//! Tag maps and revocation lists.

use sealift_crypto::dsse;
use sealift_oci::Digest;

use super::*;
use crate::revocation::{self, Revocation, Revoked};
use crate::tag_map;

fn app(tag: &str) -> Reference {
    Reference::parse(&format!("registry.corp/team/app:{tag}")).unwrap()
}

#[test]
fn a_map_grows_and_comes_back() {
    let first = tag_map::next(None, &app("1"), &image(), NOW, DAY).unwrap();
    let new = Digest::sha256(b"new");
    let second = tag_map::next(Some(&first), &app("2"), &new, NOW + 1, DAY).unwrap();
    let third = tag_map::next(Some(&second), &app("1"), &new, NOW + 2, DAY).unwrap();
    assert_eq!((first.counter, second.counter, third.counter), (1, 2, 3));
    assert_eq!(third.tags["1"], tag_map::Entry { digest: new.clone(), counter: 2 });
    assert_eq!(third.tags["2"].counter, 1);
    let read = tag_map::decode(&tag_map::encode(&third), "").unwrap();
    assert_eq!(read, third);
    tag_map::check_next(&second, &third).unwrap();
    let back = TagMap { counter: 4, ..second.clone() };
    assert_eq!(
        tag_map::check_next(&third, &back).unwrap_err().to_string(),
        "the tag map entry of `registry.corp/team/app:1` is number 1, but number 2 was seen before"
    );
    let last = TagMap { counter: u64::MAX, ..third.clone() };
    assert!(tag_map::next(Some(&last), &app("1"), &image(), NOW, DAY).is_err());
    let other = Reference::parse("registry.corp/other:1").unwrap();
    assert!(tag_map::next(Some(&third), &other, &image(), NOW, DAY).is_err());
    assert!(tag_map::next(None, &app("1").at_digest(&image()), &image(), NOW, DAY).is_err());
}

#[test]
fn two_publishers_at_once() {
    let base = map(1, "0", &image());
    let new = Digest::sha256(b"new");
    let one = tag_map::next(Some(&base), &app("1"), &image(), NOW, DAY).unwrap();
    let other = tag_map::next(Some(&base), &app("2"), &new, NOW + 1, DAY).unwrap();
    let maps = [base, one.clone(), other.clone()];
    let of = |tag| tag_map::newest(&maps, "registry.corp/team/app", Some(tag)).unwrap();
    assert_eq!(of("1"), Some(&one));
    assert_eq!(of("2"), Some(&other));
    assert_eq!(of("0"), Some(&other));
    assert_eq!(tag_map::newest(&maps, "registry.corp/team/other", None).unwrap(), None);
    let merged = tag_map::merge(&maps, "registry.corp/team/app").unwrap();
    assert_eq!(merged.tags.keys().collect::<Vec<_>>(), ["0", "1", "2"]);
    let next = tag_map::next(Some(&merged), &app("1"), &new, NOW + 2, DAY).unwrap();
    assert_eq!((next.counter, next.tags["1"].counter), (3, 2));
    let rival = tag_map::next(Some(&merged), &app("1"), &Digest::sha256(b"x"), NOW + 3, DAY);
    let maps = [next, rival.unwrap()];
    assert!(tag_map::newest(&maps, "registry.corp/team/app", Some("1")).is_err());
}

#[test]
fn what_is_no_map() {
    let good = String::from_utf8(tag_map::encode(&map(2, "1", &image()))).unwrap();
    tag_map::decode(good.as_bytes(), "").unwrap();
    for (from, to) in [
        ("\"version\":1", "\"version\":2"),
        ("\"version\":1", "\"version\":1,\"version\":1"),
        ("\"version\":1", "\"version\":1,\"more\":1"),
        ("registry.corp/team/app", "registry.corp/team/app:1"),
        ("registry.corp/team/app", "team/app"),
        ("registry.corp/team/app", "../app"),
        ("\"counter\":2", "\"counter\":0"),
        ("\"counter\":2", "\"counter\":-1"),
        ("\"counter\":2", "\"counter\":2.0"),
        ("sha256:", "sha1:"),
        ("\"issued\":\"2027", "\"issued\":\"2028"),
        ("\"issued\":\"2027", "\"issued\":\"once"),
    ] {
        let altered = good.replacen(from, to, 1);
        assert_ne!(altered, good, "{from}");
        assert!(tag_map::decode(altered.as_bytes(), "").is_err(), "{to}");
    }
    assert!(tag_map::decode(format!("{good}x").as_bytes(), "").is_err());
}

fn list(counter: u64) -> RevocationList {
    let entry = |what| Revocation { what, since_secs: NOW, reason: "stolen".to_owned() };
    RevocationList {
        counter,
        issued_secs: NOW,
        entries: vec![entry(Revoked::Digest(image())), entry(Revoked::Key(fingerprint("ci")))],
    }
}

#[test]
fn a_list_is_signed_and_read() {
    let signed = revocation::sign(&list(3), key("security")).unwrap();
    let keys = [key("release").public(), key("security").public()];
    let read = revocation::verify(&signed, &keys).unwrap();
    assert_eq!(read, list(3));
    assert!(read.digest(&image()).is_some());
    assert!(read.key(&fingerprint("ci")).is_some());
    assert!(read.key(&fingerprint("qa")).is_none());
    assert_eq!(
        revocation::verify(&signed, &keys[..1]).unwrap_err().to_string(),
        "the revocation list cannot be used: no key that may sign it has signed it"
    );
    let mut more = read.clone();
    assert!(!more.add(list(1).entries[0].clone()));
    let revoked = revocation::read_revoked(&fingerprint("qa")).unwrap();
    assert!(more.add(Revocation { what: revoked, since_secs: NOW, reason: String::new() }));
}

#[test]
fn an_older_list_is_refused() {
    list(3).check_newer(&list(3).mark(), "list").unwrap();
    list(4).check_newer(&list(3).mark(), "list").unwrap();
    assert_eq!(
        list(2).check_newer(&list(3).mark(), "revoked.json").unwrap_err().to_string(),
        "the revocation list of `revoked.json` is number 2, but number 3 was seen before"
    );
    let mut other = list(3);
    other.entries.pop();
    assert!(matches!(other.check_newer(&list(3).mark(), "list"), Err(Error::Forked { .. })));
}

#[test]
fn what_is_no_list() {
    let keys = [key("security").public()];
    let sign = |kind: &str, payload: &str| {
        dsse::sign(key("security"), kind, payload.as_bytes().to_vec()).unwrap().to_json()
    };
    let refused =
        |kind: &str, payload: &str| revocation::verify(&sign(kind, payload), &keys).is_err();
    let good = r#"{"version":1,"counter":1,"issued":"2027-01-01T00:00:00Z","revoked":[]}"#;
    assert!(!refused(revocation::PAYLOAD_TYPE, good));
    assert!(refused("application/vnd.in-toto+json", good));
    for payload in [
        "{}",
        &good.replace("\"version\":1", "\"version\":2"),
        &good.replace("[]", r#"[{"since":"2027-01-01T00:00:00Z","reason":""}]"#),
        &good.replace("[]", r#"[{"key":"AB","since":"2027-01-01T00:00:00Z","reason":""}]"#),
        &good.replace("[]", r#"[{"digest":"x","since":"2027-01-01T00:00:00Z","reason":""}]"#),
        &good.replace("[]", r#"[{"key":"x","digest":"y","since":"","reason":""}]"#),
        &good.replace("\"counter\":1", "\"counter\":1,\"more\":1"),
    ] {
        assert!(refused(revocation::PAYLOAD_TYPE, payload), "{payload}");
    }
    let mut altered = sign(revocation::PAYLOAD_TYPE, good);
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    assert!(revocation::verify(&altered, &keys).is_err());
}
