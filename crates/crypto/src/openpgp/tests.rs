//! Tests of the verifier with what `tests/fixtures/openpgp/make.sh` made with gpg.

use expect_test::{Expect, expect};

use super::packet::{TAG_PUBLIC_SUBKEY, TAG_SIGNATURE, split};
use super::*;

const PAYLOAD: &str =
    "Origin: Test\nSuite: stable\n- dash\n-----BEGIN PGP SIGNATURE-----\n\ttab\n\nlast\n";
// 1 June 2024: four months after the signatures.
const NOW: u64 = 1_717_200_000;
const SIGNED: u64 = 1_706_745_600;
const DAY: u64 = 86_400;

fn fixture(name: &str) -> Vec<u8> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/openpgp");
    std::fs::read(format!("{directory}/{name}.asc")).unwrap()
}

fn keyring(names: &[&str]) -> Keyring {
    let files: Vec<u8> = names.iter().flat_map(|name| fixture(&format!("key-{name}"))).collect();
    Keyring::parse(&files).unwrap()
}

fn outcome(message: &[u8], keyring: &Keyring, now: u64) -> String {
    match verify_cleartext(message, keyring, now) {
        Ok((payload, signer)) => format!(
            "{} by {} of {} {}",
            if payload == PAYLOAD.as_bytes() { "the text" } else { "another text" },
            signer.fingerprint,
            signer.primary_fingerprint,
            signer.user_id
        ),
        Err(error) => error.to_string(),
    }
}

fn check(message: &str, keys: &[&str], now: u64, expected: Expect) {
    expected.assert_eq(&outcome(&fixture(message), &keyring(keys), now));
}

#[test]
fn accepts_rsa_by_a_subkey() {
    check(
        "rsa",
        &["rsa"],
        NOW,
        expect![
            "the text by 231C4D70DE88877D9E8163A410022B09DB624C10 of 2C52515FEE920500B41E44A9915E0F3EEA8A8ADB Test Archive RSA <rsa@example.invalid>"
        ],
    );
    check(
        "rsa-sha384",
        &["ed25519", "rsa"],
        NOW,
        expect![
            "the text by 231C4D70DE88877D9E8163A410022B09DB624C10 of 2C52515FEE920500B41E44A9915E0F3EEA8A8ADB Test Archive RSA <rsa@example.invalid>"
        ],
    );
}

#[test]
fn accepts_ed25519_by_a_primary_key() {
    check(
        "ed25519",
        &["rsa", "ed25519"],
        NOW,
        expect![
            "the text by 59CD0F4B040ADC17A946F6E84FC39E76F10C595B of 59CD0F4B040ADC17A946F6E84FC39E76F10C595B Test Release Ed25519 <ed25519@example.invalid>"
        ],
    );
}

#[test]
fn one_good_signature_of_several_is_enough() {
    check(
        "both",
        &["ed25519"],
        NOW,
        expect![
            "the text by 59CD0F4B040ADC17A946F6E84FC39E76F10C595B of 59CD0F4B040ADC17A946F6E84FC39E76F10C595B Test Release Ed25519 <ed25519@example.invalid>"
        ],
    );
    check(
        "both",
        &["short"],
        NOW,
        expect![
            "no signature is good: `9623D84E4D1A4E05645173B3523B48DE1330C40D`: the key is not in the keyring; `231C4D70DE88877D9E8163A410022B09DB624C10`: the key is not in the keyring; `59CD0F4B040ADC17A946F6E84FC39E76F10C595B`: the key is not in the keyring"
        ],
    );
}

#[test]
fn text_without_last_line_end_and_without_lines() {
    let keyring = keyring(&["ed25519"]);
    let (payload, signer) = verify_cleartext(&fixture("unterminated"), &keyring, NOW).unwrap();
    assert_eq!(payload, b"no end of line\n");
    assert_eq!(signer.signed_at, SIGNED);
    let (payload, _) = verify_cleartext(&fixture("empty"), &keyring, NOW).unwrap();
    assert!(payload.iter().all(|byte| *byte == b'\n'), "{payload:?}");
}

#[test]
fn windows_line_ends_and_trailing_whitespace_are_not_signed() {
    let text = String::from_utf8(fixture("rsa")).unwrap();
    let keyring = keyring(&["rsa"]);
    let good = outcome(text.as_bytes(), &keyring, NOW);
    assert!(good.starts_with("the text"), "{good}");
    assert_eq!(outcome(text.replace('\n', "\r\n").as_bytes(), &keyring, NOW), good);
    let spaced = text.replace("stable  \n", "stable \t \n").replace("last\n", "last \n");
    assert_eq!(outcome(spaced.as_bytes(), &keyring, NOW), good);
}

#[test]
fn refuses_a_key_that_is_not_in_the_keyring() {
    check(
        "stranger",
        &["rsa", "ed25519"],
        NOW,
        expect![
            "no signature is good: `9623D84E4D1A4E05645173B3523B48DE1330C40D`: the key is not in the keyring"
        ],
    );
    let error = verify_cleartext(&fixture("stranger"), &keyring(&["rsa"]), NOW).unwrap_err();
    expect!["add the archive's key to the keyring, if you trust it"]
        .assert_eq(&error.hint().unwrap());
}

#[test]
fn refuses_weak_hashes_and_short_keys() {
    check(
        "sha1-text",
        &["rsa"],
        NOW,
        expect![
            "no signature is good: `231C4D70DE88877D9E8163A410022B09DB624C10`: hash algorithm 2 is not SHA-256, SHA-384 or SHA-512"
        ],
    );
    check(
        "sha1-key",
        &["sha1"],
        NOW,
        expect![
            "no signature is good: `AECE3E0C2AF6125B2D5C869F8EB2A8C12B82D853`: the key has no valid self-signature with SHA-256 or better"
        ],
    );
    check(
        "short",
        &["short"],
        NOW,
        expect![
            "no signature is good: `FD9E62E26C3D710E8D874D6AF68D8A5195EE70AE`: signature algorithm 1 is not supported or not that of the key"
        ],
    );
}

#[test]
fn refuses_revoked_keys() {
    check(
        "revoked",
        &["revoked"],
        NOW,
        expect![
            "the text by E79A757B77A8C3027B1D8BF033D08478799909EA of E79A757B77A8C3027B1D8BF033D08478799909EA Revoked <revoked@example.invalid>"
        ],
    );
    check(
        "revoked",
        &["revoked-after"],
        NOW,
        expect![
            "no signature is good: `E79A757B77A8C3027B1D8BF033D08478799909EA`: the key is revoked"
        ],
    );
    check(
        "revoked-subkey",
        &["subkey"],
        NOW,
        expect![
            "the text by D503FBC10DE593511BB23D42A68722D66D8A976C of C07E942AE053F1AE9862C0CEC308FFD35B624525 Revoked Subkey <subkey@example.invalid>"
        ],
    );
    check(
        "revoked-subkey",
        &["subkey-after"],
        NOW,
        expect![
            "no signature is good: `D503FBC10DE593511BB23D42A68722D66D8A976C`: the key is revoked"
        ],
    );
}

#[test]
fn a_revocation_in_one_copy_of_a_key_counts() {
    for keys in [["revoked", "revoked-after"], ["revoked-after", "revoked"]] {
        assert!(outcome(&fixture("revoked"), &keyring(&keys), NOW).contains("revoked"));
        let joined = keyring(&keys[..1]).joined(&keyring(&keys[1..]));
        assert_eq!(joined.keys().len(), 1);
        assert!(outcome(&fixture("revoked"), &joined, NOW).contains("revoked"));
    }
    for keys in [["subkey", "subkey-after"], ["subkey-after", "subkey"]] {
        assert!(outcome(&fixture("revoked-subkey"), &keyring(&keys), NOW).contains("revoked"));
    }
}

#[test]
fn refuses_by_time() {
    check(
        "rsa",
        &["rsa"],
        1_830_340_800,
        expect![
            "no signature is good: `231C4D70DE88877D9E8163A410022B09DB624C10`: the key expired at 2028-01-01T12:00:00Z"
        ],
    );
    check(
        "rsa",
        &["rsa"],
        1_893_499_200,
        expect![
            "no signature is good: `231C4D70DE88877D9E8163A410022B09DB624C10`: the key expired at 2030-01-01T12:00:00Z"
        ],
    );
    check(
        "ed25519",
        &["ed25519"],
        1_893_499_200,
        expect![
            "no signature is good: `59CD0F4B040ADC17A946F6E84FC39E76F10C595B`: the key expired at 2030-01-01T12:00:00Z"
        ],
    );
    check(
        "ed25519",
        &["ed25519"],
        SIGNED - 1,
        expect![
            "no signature is good: `59CD0F4B040ADC17A946F6E84FC39E76F10C595B`: the signature was made in the future, at 2024-02-01T00:00:00Z"
        ],
    );
    check(
        "expires",
        &["ed25519"],
        SIGNED + DAY,
        expect![
            "the text by 59CD0F4B040ADC17A946F6E84FC39E76F10C595B of 59CD0F4B040ADC17A946F6E84FC39E76F10C595B Test Release Ed25519 <ed25519@example.invalid>"
        ],
    );
    check(
        "expires",
        &["ed25519"],
        NOW,
        expect![
            "no signature is good: `59CD0F4B040ADC17A946F6E84FC39E76F10C595B`: the signature expired at 2024-03-01T12:00:00Z"
        ],
    );
    let error = verify_cleartext(&fixture("rsa"), &keyring(&["rsa"]), 0).unwrap_err();
    expect!["check that the clock of this machine is right"].assert_eq(&error.hint().unwrap());
}

#[test]
fn a_primary_key_that_only_certifies_does_not_sign() {
    let keyring = keyring(&["rsa"]);
    let certificate = &keyring.certificates[0];
    let primary = certificate.may_sign(certificate::Role::Primary, NOW);
    assert_eq!(primary, Err(KeyFault::NotForSigning));
    assert!(certificate.may_sign(certificate::Role::Subkey(0), NOW).is_ok());
}

fn framed(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).unwrap();
    [&[0xC0 | tag, 0xFF][..], &length.to_be_bytes(), body].concat()
}

// A keyring file of the fixture's packets, each changed by `edit`; `None` drops it.
fn edited(name: &str, edit: impl Fn(u8, &[u8]) -> Option<Vec<u8>>) -> Keyring {
    let binary = decode_blocks(&fixture(name)).unwrap();
    let packets = split(&binary).unwrap();
    let bytes: Vec<u8> = packets
        .iter()
        .filter_map(|packet| Some(framed(packet.tag, &edit(packet.tag, packet.body)?)))
        .flatten()
        .collect();
    Keyring::parse(&bytes).unwrap()
}

// The body of a signature packet without its unhashed subpackets.
fn without_unhashed(body: &[u8]) -> Vec<u8> {
    let hashed = usize::from(u16::from_be_bytes([body[4], body[5]])) + 6;
    let unhashed = usize::from(u16::from_be_bytes([body[hashed], body[hashed + 1]]));
    [&body[..hashed], &[0, 0], &body[hashed + 2 + unhashed..]].concat()
}

#[test]
fn refuses_a_subkey_that_does_not_sign_back() {
    // The back signature stands in the unhashed part, so that the binding stays valid without it.
    let keyring = edited("key-rsa", |tag, body| {
        let is_binding = tag == TAG_SIGNATURE && body[1] == signature::KIND_SUBKEY_BINDING;
        Some(if is_binding { without_unhashed(body) } else { body.to_vec() })
    });
    expect!["no signature is good: `231C4D70DE88877D9E8163A410022B09DB624C10`: the subkey has no valid back signature"]
        .assert_eq(&outcome(&fixture("rsa"), &keyring, NOW));
}

#[test]
fn refuses_a_foreign_subkey_without_binding() {
    let unbound = edited("key-rsa", |tag, body| {
        let is_binding = tag == TAG_SIGNATURE && body[1] == signature::KIND_SUBKEY_BINDING;
        (!is_binding).then(|| body.to_vec())
    });
    expect!["no signature is good: `231C4D70DE88877D9E8163A410022B09DB624C10`: the subkey has no valid binding by its primary key with SHA-256 or better"]
        .assert_eq(&outcome(&fixture("rsa"), &unbound, NOW));
    // The subkey of one certificate moved below the primary key of another.
    let binary = decode_blocks(&fixture("key-rsa")).unwrap();
    let packets = split(&binary).unwrap();
    let subkey = packets.iter().position(|packet| packet.tag == TAG_PUBLIC_SUBKEY).unwrap();
    let mut bytes = decode_blocks(&fixture("key-ed25519")).unwrap();
    for packet in &packets[subkey..] {
        bytes.extend(framed(packet.tag, packet.body));
    }
    let keyring = Keyring::parse(&bytes).unwrap();
    assert!(outcome(&fixture("rsa"), &keyring, NOW).contains("no valid binding"));
}

#[test]
fn refuses_a_key_without_self_signature() {
    let keyring = edited("key-ed25519", |tag, body| (tag != TAG_SIGNATURE).then(|| body.to_vec()));
    assert!(outcome(&fixture("ed25519"), &keyring, NOW).contains("no valid self-signature"));
}

#[test]
fn an_unreadable_revocation_revokes() {
    let keyring = edited("key-revoked-after", |tag, body| {
        let is_revocation = tag == TAG_SIGNATURE && body[1] == signature::KIND_KEY_REVOCATION;
        Some(if is_revocation { body[..4].to_vec() } else { body.to_vec() })
    });
    assert!(outcome(&fixture("revoked"), &keyring, NOW).contains("revoked"));
}

// A signature packet that claims things; its numbers are empty, so that it never verifies.
fn claim(kind: u8, issuer: &[u8], subpackets: &[u8]) -> Vec<u8> {
    let created = [5, 2, 0x65, 0xBA, 0xDF, 0x00];
    let hashed = [&created[..], &[22, 33, 4], issuer, subpackets].concat();
    let length = u16::try_from(hashed.len()).unwrap().to_be_bytes();
    framed(TAG_SIGNATURE, &[&[4, kind, 22, 8], &length[..], &hashed, &[0, 0, 0, 0]].concat())
}

#[test]
fn only_the_key_itself_and_its_revokers_revoke() {
    let binary = decode_blocks(&fixture("key-ed25519")).unwrap();
    let end_of_primary = 2 + split(&binary).unwrap()[0].body.len();
    let own = Keyring::parse(&binary).unwrap().certificates[0].primary.fingerprint;
    let (revoker, stranger) = ([7; 20], [8; 20]);
    let names_revoker = [&[23, 12, 0x80, 22][..], &revoker].concat();
    let check = |claims: &[Vec<u8>], is_good: bool| {
        let file =
            [&binary[..end_of_primary], &claims.concat(), &binary[end_of_primary..]].concat();
        let text = outcome(&fixture("ed25519"), &Keyring::parse(&file).unwrap(), NOW);
        assert_eq!(text.starts_with("the text by"), is_good, "{text}");
        assert_eq!(text.contains("the key is revoked"), !is_good, "{text}");
    };
    let revocation = |issuer: &[u8]| claim(signature::KIND_KEY_REVOCATION, issuer, &[]);
    let designation = claim(signature::KIND_DIRECT, &own, &names_revoker);
    check(&[], true);
    check(&[revocation(&stranger)], true);
    check(&[revocation(&revoker)], true);
    check(&[designation.clone(), revocation(&stranger)], true);
    check(&[revocation(&revoker), designation.clone()], false);
    check(&[designation, revocation(&revoker)], false);
    // What takes power away needs no proof.
    check(&[revocation(&own)], false);
}

#[test]
fn nothing_may_stand_around_the_signed_text() {
    let keyring = keyring(&["rsa"]);
    let text = String::from_utf8(fixture("rsa")).unwrap();
    assert!(outcome(text.as_bytes(), &keyring, NOW).starts_with("the text"));
    for altered in [
        format!("Origin: Evil\n{text}"),
        format!("\n{text}"),
        format!("{text}\n"),
        format!("{text}Origin: Evil\n"),
        format!("{text}{text}"),
        text.replace("Hash: SHA256\n", "Hash: SHA256\nOrigin: Evil\n"),
        text.replace("Hash: SHA256\n", "Hash: SHA512\n"),
        text.replace("Hash: SHA256\n", "Hash: X\n"),
        text.replace("Hash: SHA256\n", ""),
        text.replace("Hash: SHA256\n\n", "Hash: SHA256\n \n"),
        text.replace("- - dash", "- dash"),
        text.replace("Suite: stable", "Suite: stable\rSuite: evil"),
        text.replace("last\n", "last\n\n"),
        text.replace("last\n", ""),
        text.replace("-----BEGIN PGP SIGNATURE-----\n\n", "-----BEGIN PGP SIGNATURE-----\n"),
        text.trim_end().trim_end_matches('-').to_owned(),
        text.replace('\n', "\r"),
    ] {
        let outcome = outcome(altered.as_bytes(), &keyring, NOW);
        assert!(!outcome.contains(" text by "), "{outcome}\n{altered}");
    }
}

#[test]
fn no_altered_byte_of_a_message_verifies() {
    for (message, key) in [("rsa", "rsa"), ("ed25519", "ed25519")] {
        let text = fixture(message);
        let keyring = keyring(&[key]);
        for index in 0..text.len() {
            for bit in 0..8 {
                let mut altered = text.clone();
                altered[index] ^= 1 << bit;
                if let Ok((payload, _)) = verify_cleartext(&altered, &keyring, NOW) {
                    // Only the kind of unsigned trailing whitespace can change.
                    let spots = [b"stable  \n".as_slice(), b"\ttab\t\n"];
                    assert!(
                        payload == PAYLOAD.as_bytes()
                            && spots.iter().any(|spot| {
                                let at = text.windows(spot.len()).position(|part| part == *spot);
                                at.is_some_and(|at| (at..at + spot.len()).contains(&index))
                            }),
                        "byte {index} bit {bit}"
                    );
                }
            }
        }
        for length in 0..text.len() - 1 {
            assert!(verify_cleartext(&text[..length], &keyring, NOW).is_err(), "{length}");
        }
    }
}

#[test]
fn no_altered_byte_of_a_keyring_changes_the_text() {
    let binary = decode_blocks(&fixture("key-rsa")).unwrap();
    let message = fixture("rsa");
    for index in 0..binary.len() {
        let mut altered = binary.clone();
        altered[index] ^= 1 << (index % 8);
        if let Ok(keyring) = Keyring::parse(&altered)
            && let Ok((payload, signer)) = verify_cleartext(&message, &keyring, NOW)
        {
            assert_eq!(payload, PAYLOAD.as_bytes());
            assert_eq!(signer.fingerprint, "231C4D70DE88877D9E8163A410022B09DB624C10");
        }
    }
    for length in 0..binary.len() {
        let _ = Keyring::parse(&binary[..length]);
    }
}

#[test]
fn refuses_what_is_not_a_keyring() {
    for (bytes, expected) in [
        (&b""[..], expect!["not an OpenPGP keyring"]),
        (b"hello\n", expect!["not an OpenPGP keyring"]),
        (b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n", expect!["the keyring holds a private key"]),
        (
            b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n",
            expect!["not OpenPGP armour in line 1: the block has no end"],
        ),
        (b"\x99\x00", expect!["not an OpenPGP packet at byte 0: no definite length of the packet"]),
        (b"\x95\x00\x01\x04", expect!["the keyring holds a private key"]),
        (b"\xB4\x01A", expect!["the keyring has no key of version 4"]),
    ] {
        expected.assert_eq(&Keyring::parse(bytes).err().unwrap().to_string());
    }
    let mut damaged = fixture("key-rsa");
    let middle = damaged.len() / 2;
    damaged[middle] = if damaged[middle] == b'A' { b'B' } else { b'A' };
    assert!(Keyring::parse(&damaged).err().unwrap().to_string().contains("checksum"));
}

#[test]
fn control_characters_of_users_are_not_shown() {
    assert_eq!(printable(b"a\x1b[31m\nb\xFF"), "a\u{FFFD}[31m\u{FFFD}b\u{FFFD}");
}

proptest::proptest! {
    #[test]
    fn never_panics(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), tag in 0u8..64) {
        let _ = Keyring::parse(&bytes);
        let key = split(&decode_blocks(&fixture("key-ed25519")).unwrap()).unwrap()[0].body.to_vec();
        let file = [framed(6, &key), framed(tag, &bytes)].concat();
        if let Ok(keyring) = Keyring::parse(&file) {
            assert!(!outcome(&fixture("ed25519"), &keyring, NOW).contains(" text by "));
        }
        let _ = Signature::parse(&bytes);
        let _ = verify_cleartext(&[b"-----BEGIN PGP SIGNED MESSAGE-----\n", &bytes[..]].concat(), &keyring(&["rsa"]), NOW);
    }
}
