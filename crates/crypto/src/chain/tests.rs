//! Paths that are found, and each reason for which one is refused.

use super::*;
use crate::SigningKey;
use crate::certificate::{Draft, Extension, Name};

const NOW: &str = "2026-06-01T00:00:00Z";

struct Party {
    key: SigningKey,
    certificate: Certificate,
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn make(name: &str, extensions: &[Extension], issuer: Option<&Party>) -> Party {
    make_until(name, extensions, issuer, "2027-01-01T00:00:00Z")
}

fn make_until(name: &str, extensions: &[Extension], issuer: Option<&Party>, until: &str) -> Party {
    let key = SigningKey::generate_p256();
    let draft = Draft {
        subject: &Name::new(&[("CN", name)]).unwrap(),
        key: &key.public(),
        not_before: time("2026-01-01T00:00:00Z"),
        not_after: time(until),
        extensions,
    };
    let certificate = match issuer {
        Some(issuer) => draft.issue(&issuer.certificate, &issuer.key),
        None => draft.self_sign(&key),
    };
    Party { certificate: certificate.unwrap(), key }
}

fn authority() -> Vec<Extension> {
    vec![
        Extension::basic_constraints(true, None),
        Extension::key_usage(&[KeyUsage::CertificateSigning]),
    ]
}

fn purpose(purpose: &str) -> Extension {
    Extension::extended_key_usage(false, &[purpose]).unwrap()
}

fn signer() -> Vec<Extension> {
    vec![Extension::key_usage(&[KeyUsage::DigitalSignature]), purpose(PURPOSE_CODE_SIGNING)]
}

fn ask(leaf: &Party, intermediates: &[&Party], roots: &[&Party]) -> Result<usize, String> {
    ask_for(Purpose::CodeSigning, leaf, intermediates, roots)
}

fn ask_for(
    purpose: Purpose,
    leaf: &Party,
    intermediates: &[&Party],
    roots: &[&Party],
) -> Result<usize, String> {
    let certificates = |parties: &[&Party]| -> Vec<Certificate> {
        parties.iter().map(|party| party.certificate.clone()).collect()
    };
    let (intermediates, roots) = (certificates(intermediates), certificates(roots));
    let question = Question {
        leaf: &leaf.certificate,
        intermediates: &intermediates,
        roots: &roots,
        purpose,
        at: time(NOW),
    };
    match validate(&question) {
        Ok(path) => Ok(path.len()),
        Err(refusal) => Err(refusal.to_string()),
    }
}

fn refused(expected: &str, found: Result<usize, String>) {
    assert_eq!(found, Err(expected.to_owned()));
}

#[test]
fn paths() {
    let root = make("root", &authority(), None);
    let middle = make("middle", &authority(), Some(&root));
    let leaf = make("leaf", &signer(), Some(&middle));
    assert_eq!(ask(&leaf, &[&middle], &[&root]), Ok(3));
    // An authority may be trusted without being its own issuer; a leaf may be trusted itself.
    assert_eq!(ask(&leaf, &[], &[&middle]), Ok(2));
    assert_eq!(ask(&leaf, &[], &[&leaf]), Ok(1));
    assert_eq!(ask_for(Purpose::Any, &middle, &[], &[&root]), Ok(2));
    // Another with the same name does not mislead.
    let namesake = make("middle", &authority(), None);
    assert_eq!(ask(&leaf, &[&namesake, &middle, &namesake], &[&namesake, &root]), Ok(3));
    refused(
        "the certificate `CN=middle` was issued by `CN=root`, which is neither trusted nor given",
        ask(&leaf, &[&middle], &[]),
    );
    refused(
        "the certificate `CN=leaf` names `CN=middle` as its issuer, whose key did not sign it",
        ask(&leaf, &[&namesake], &[&root]),
    );
}

#[test]
fn what_an_authority_must_be() {
    let root = make("root", &authority(), None);
    for (extensions, expected) in [
        (signer(), "signed another, but is not an authority"),
        (vec![], "signed another, but is not an authority"),
        (
            vec![Extension::basic_constraints(false, None)],
            "signed another, but is not an authority",
        ),
        (
            vec![
                Extension::basic_constraints(true, None),
                Extension::key_usage(&[KeyUsage::DigitalSignature]),
            ],
            "signed another, but its key may not sign certificates",
        ),
        (
            vec![Extension::basic_constraints(true, None), purpose(PURPOSE_TIME_STAMPING)],
            "is not for signing code",
        ),
        (
            vec![
                Extension::basic_constraints(true, None),
                Extension { id: "1.2.3".to_owned(), is_critical: true, value: vec![5, 0] },
            ],
            "has a critical extension `1.2.3` that is not understood",
        ),
        (
            vec![
                Extension::basic_constraints(true, None),
                Extension { id: "2.5.29.30".to_owned(), is_critical: true, value: vec![0x30, 0] },
            ],
            "constrains names, which is not understood",
        ),
    ] {
        let middle = make("middle", &extensions, Some(&root));
        let leaf = make("leaf", &signer(), Some(&middle));
        refused(
            &format!("the certificate `CN=middle` {expected}"),
            ask(&leaf, &[&middle], &[&root]),
        );
        // The same holds for who is trusted.
        refused(&format!("the certificate `CN=middle` {expected}"), ask(&leaf, &[], &[&middle]));
    }
}

#[test]
fn lengths() {
    let limited = [Extension::basic_constraints(true, Some(0))];
    let root = make("root", &limited, None);
    let middle = make("middle", &authority(), Some(&root));
    let leaf = make("leaf", &signer(), Some(&middle));
    assert_eq!(ask(&make("leaf", &signer(), Some(&root)), &[], &[&root]), Ok(2));
    refused(
        "the certificate `CN=root` allows 0 authorities below it, and there are 1",
        ask(&leaf, &[&middle], &[&root]),
    );
    let mut parties = vec![make("0", &authority(), None)];
    for index in 1..9 {
        parties.push(make(&index.to_string(), &authority(), parties.last()));
    }
    let last = |n: usize| make("leaf", &signer(), Some(&parties[n]));
    let given: Vec<&Party> = parties.iter().collect();
    assert_eq!(ask(&last(6), &given, &given[..1]), Ok(8));
    assert!(ask(&last(7), &given, &given[..1]).unwrap_err().contains("too long or too tangled"));
}

#[test]
fn what_a_leaf_must_be() {
    let root = make("root", &authority(), None);
    let stamp = Extension::extended_key_usage(true, &[PURPOSE_TIME_STAMPING]).unwrap();
    for (asked, extensions, expected) in [
        (Purpose::CodeSigning, vec![], "is not for signing code"),
        (Purpose::CodeSigning, vec![stamp.clone()], "is not for signing code"),
        // "Any" is no permission for a leaf.
        (Purpose::CodeSigning, vec![purpose(PURPOSE_ANY)], "is not for signing code"),
        (
            Purpose::CodeSigning,
            vec![
                Extension::key_usage(&[KeyUsage::CertificateSigning]),
                purpose(PURPOSE_CODE_SIGNING),
            ],
            "has a key that may not make signatures",
        ),
        (Purpose::TimeStamping, vec![], "is not for time stamping"),
        (
            Purpose::TimeStamping,
            vec![purpose(PURPOSE_TIME_STAMPING)],
            "is for time stamping, but not critically for that alone",
        ),
        (
            Purpose::TimeStamping,
            vec![
                Extension::extended_key_usage(true, &[PURPOSE_TIME_STAMPING, PURPOSE_CODE_SIGNING])
                    .unwrap(),
            ],
            "is for time stamping, but not critically for that alone",
        ),
    ] {
        let leaf = make("leaf", &extensions, Some(&root));
        let found = ask_for(asked, &leaf, &[], &[&root]);
        refused(&format!("the certificate `CN=leaf` {expected}"), found);
    }
    let leaf = make("leaf", &[stamp], Some(&root));
    assert_eq!(ask_for(Purpose::TimeStamping, &leaf, &[], &[&root]), Ok(2));
}

#[test]
fn times() {
    let root = make_until("root", &authority(), None, "2026-03-01T00:00:00Z");
    let leaf = make("leaf", &signer(), Some(&root));
    refused(
        "the certificate `CN=root` is valid from 2026-01-01T00:00:00Z to 2026-03-01T00:00:00Z, \
         and not at 2026-06-01T00:00:00Z",
        ask(&leaf, &[], &[&root]),
    );
}

#[test]
fn a_tangle_ends() {
    // Forty authorities with one name, none of which is trusted: no path, and no long search.
    let root = make("a", &authority(), None);
    let parties: Vec<Party> = (0..40).map(|_| make("a", &authority(), Some(&root))).collect();
    let leaf = make("leaf", &signer(), Some(&parties[39]));
    let given: Vec<&Party> = parties.iter().collect();
    let other = make("a", &authority(), None);
    assert!(ask(&leaf, &given, &[&other]).is_err());
}
