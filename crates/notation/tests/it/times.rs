//! Expiry, validity of certificates, revocation, and levels of a policy.

use expect_test::expect;
use sealift_crypto::certificate::{Certificate, Extension};
use sealift_crypto::{RevocationList, RevocationReason, Revoked, SigningKey};
use sealift_notation::{
    Action, Check, EnvelopeFormat, Level, RevocationLists, Statement, StoreName, StoreType,
};

use crate::{Other, World, authority_store, leaf_extensions, refusal, time};

const JWS: EnvelopeFormat = EnvelopeFormat::Jws;

fn faults(world: &World, envelope: &[u8], other: &Other<'_>) -> String {
    let outcome = world.verify_with(JWS, envelope, other);
    let mut lines: Vec<String> = outcome
        .checks
        .iter()
        .filter_map(|result| {
            let fault = result.fault.as_ref()?;
            Some(format!("{} {}: {fault}", result.action.as_str(), result.check.as_str()))
        })
        .collect();
    lines.push(if outcome.is_accepted() { "accepted" } else { "refused" }.to_owned());
    lines.join("\n")
}

fn statement(level: Level) -> Statement {
    Statement { level, ..Statement::strict("team", vec![authority_store()]) }
}

#[test]
fn levels() {
    let world = World::new();
    let bytes =
        world.sign_as(JWS, |request| request.expiry = Some(time("2026-12-01T00:00:00Z"))).unwrap();
    let ask = |level, now: &'static str| {
        let statement = statement(level);
        faults(
            &world,
            &bytes,
            &Other { statement: Some(&statement), now: Some(now), ..Other::default() },
        )
    };
    assert_eq!(ask(Level::Strict, "2026-11-30T23:59:59Z"), "accepted");
    expect![[r"
        enforce expiry: the signature expired at 2026-12-01T00:00:00Z
        refused"]]
    .assert_eq(&ask(Level::Strict, "2026-12-01T00:00:00Z"));
    expect![[r"
        log expiry: the signature expired at 2026-12-01T00:00:00Z
        log authenticTimestamp: the certificate `CN=app,O=Ship,ST=BE,C=CH` is valid from 2026-01-01T00:00:00Z to 2027-01-01T00:00:00Z, and not at 2028-01-01T00:00:00Z, now
        accepted"]]
    .assert_eq(&ask(Level::Permissive, "2028-01-01T00:00:00Z"));
    // An attacker's signature, for who only audits.
    let attacker = World::new().sign(JWS);
    let audit = statement(Level::Audit);
    expect![[r"
        log authenticity: no certificate of the signature is in the trust stores of statement `team`
        accepted"]]
    .assert_eq(&faults(&world, &attacker, &Other { statement: Some(&audit), ..Other::default() }));
    let other = Other { statement: Some(&audit), ..Other::default() };
    assert!(faults(&world, b"{}", &other).starts_with("enforce integrity: "));
    // Skip looks at nothing and proves nothing.
    let skip = statement(Level::Skip);
    let outcome =
        world.verify_with(JWS, b"", &Other { statement: Some(&skip), ..Other::default() });
    assert!(outcome.is_accepted() && outcome.signed.is_none() && outcome.checks.is_empty());
}

#[test]
fn certificates_out_of_date() {
    let world = World::new();
    let bytes = world.sign(JWS);
    let at = |now| faults(&world, &bytes, &Other { now: Some(now), ..Other::default() });
    assert_eq!(at("2027-01-01T00:00:00Z"), "accepted");
    expect![[r"
        enforce authenticTimestamp: the certificate `CN=app,O=Ship,ST=BE,C=CH` is valid from 2026-01-01T00:00:00Z to 2027-01-01T00:00:00Z, and not at 2027-01-01T00:00:01Z, now
        refused"]]
    .assert_eq(&at("2027-01-01T00:00:01Z"));
    expect![[r"
        enforce authenticTimestamp: the certificate `CN=app,O=Ship,ST=BE,C=CH` is valid from 2026-01-01T00:00:00Z to 2027-01-01T00:00:00Z, and not at 2025-12-31T23:59:59Z, now
        refused"]]
    .assert_eq(&at("2025-12-31T23:59:59Z"));
}

#[test]
fn timestamps_that_are_missing() {
    let world = World::new();
    let bytes = world.sign(JWS);
    let store = StoreName::new(StoreType::Timestamp, "time").unwrap();
    let mut statement = Statement::strict("team", vec![authority_store(), store]);
    statement.verify_timestamp = sealift_notation::VerifyTimestamp::Always;
    let other = Other { statement: Some(&statement), ..Other::default() };
    expect![[r"
        enforce authenticTimestamp: the timestamp does not count: the signature has none
        refused"]]
    .assert_eq(&faults(&world, &bytes, &other));
    statement.verify_timestamp = sealift_notation::VerifyTimestamp::AfterCertExpiry;
    let other = Other { statement: Some(&statement), ..Other::default() };
    assert_eq!(faults(&world, &bytes, &other), "accepted");
    let late = Other { now: Some("2027-06-01T00:00:00Z"), ..other };
    expect![[r"
        enforce authenticTimestamp: the timestamp does not count: the signature has none
        refused"]]
    .assert_eq(&faults(&world, &bytes, &late));
    // Something that is no timestamp.
    let target = world.target();
    let request = sealift_notation::Request {
        format: JWS,
        scheme: sealift_notation::SigningScheme::X509,
        target: &target,
        chain: &world.chain,
        signing_time: time("2026-11-20T12:00:00Z"),
        expiry: None,
        agent: "x",
    };
    let bytes = sealift_notation::sign(&request, &world.key, |_| Ok(Some(vec![5, 0]))).unwrap();
    statement.verify_timestamp = sealift_notation::VerifyTimestamp::Always;
    let other = Other { statement: Some(&statement), ..Other::default() };
    expect![[r"
        enforce authenticTimestamp: the timestamp does not count: not a timestamp: its structure is not that of RFC 3161
        refused"]]
    .assert_eq(&faults(&world, &bytes, &other));
}

fn list(authority: &Certificate, key: &SigningKey, revoked: &[Revoked]) -> RevocationList {
    let (from, to) = (time("2026-11-10T00:00:00Z"), time("2026-12-10T00:00:00Z"));
    RevocationList::issue(authority, key, revoked, from, to).unwrap()
}

fn revoked(certificate: &Certificate) -> Revoked {
    Revoked {
        serial: certificate.serial().to_vec(),
        at: time("2026-11-15T00:00:00Z"),
        reason: RevocationReason::KeyCompromise,
        invalid_since: None,
    }
}

#[test]
fn revocation() {
    let world = World::new();
    let bytes = world.sign(JWS);
    let [leaf, middle, root] = world.chain.as_slice() else { panic!("three certificates") };
    let ask = |lists: Vec<RevocationList>| {
        let lists = RevocationLists::new(lists);
        faults(&world, &bytes, &Other { lists: Some(&lists), ..Other::default() })
    };
    let clean = || list(middle, &world.middle_key, &[]);
    assert_eq!(ask(vec![clean()]), "accepted");
    assert_eq!(ask(vec![list(middle, &world.middle_key, &[revoked(middle)])]), "accepted");
    let leaf_revoked = || list(middle, &world.middle_key, &[revoked(leaf)]);
    expect![[r"
        enforce revocation: the certificate `CN=app,O=Ship,ST=BE,C=CH` was revoked at 2026-11-15T00:00:00Z: the key was compromised
        refused"]]
    .assert_eq(&ask(vec![leaf_revoked()]));
    // Another list that does not have it does not help.
    assert!(ask(vec![clean(), leaf_revoked()]).contains("was revoked"));
    assert!(ask(vec![leaf_revoked(), clean()]).contains("was revoked"));
    let middle_revoked = list(root, &world.root_key, &[revoked(middle)]);
    expect![[r"
        enforce revocation: the certificate `CN=Middle,O=Ship,ST=BE,C=CH` was revoked at 2026-11-15T00:00:00Z: the key was compromised
        refused"]]
    .assert_eq(&ask(vec![middle_revoked]));
    // A list under the authority's name and by another key.
    let forged = list(middle, &SigningKey::generate_p256(), &[]);
    expect![[r"
        enforce revocation: whether the certificate `CN=app,O=Ship,ST=BE,C=CH` is revoked is not known: not a usable list of revoked certificates: its signature is not by its authority
        refused"]]
    .assert_eq(&ask(vec![forged]));
    // Who skips revocation is not asked, who logs it is told.
    let lists = RevocationLists::new(vec![leaf_revoked()]);
    let mut statement = statement(Level::Strict);
    for (action, expected) in [(Action::Skip, "accepted"), (Action::Log, "log revocation")] {
        statement.overrides.insert(Check::Revocation, action);
        let other = Other { statement: Some(&statement), lists: Some(&lists), ..Other::default() };
        assert!(faults(&world, &bytes, &other).starts_with(expected));
    }
}

// A CRL distribution point, or an OCSP address.
fn with_extension(id: &str, value: &[u8]) -> World {
    let mut extensions = leaf_extensions();
    extensions.push(Extension { id: id.to_owned(), is_critical: false, value: value.to_vec() });
    World::with_leaf(SigningKey::generate_p256(), &extensions)
}

#[test]
fn revocation_that_is_not_known() {
    let address = b"http://a.b/c";
    let point = [&[0x30, 0x14, 0x30, 0x12, 0xA0, 0x10, 0xA0, 0x0E, 0x86, 12][..], address].concat();
    let world = with_extension("2.5.29.31", &point);
    let bytes = world.sign(JWS);
    expect![[r"
        enforce revocation: whether the certificate `CN=app,O=Ship,ST=BE,C=CH` is revoked is not known: there is no list of its authority; it is at `http://a.b/c`
        refused"]]
    .assert_eq(&faults(&world, &bytes, &Other::default()));
    let lists = RevocationLists::new(vec![list(&world.chain[1], &world.middle_key, &[])]);
    let other = Other { lists: Some(&lists), ..Other::default() };
    assert_eq!(faults(&world, &bytes, &other), "accepted");
    let late = Other { now: Some("2026-12-11T00:00:00Z"), ..other };
    expect![[r"
        enforce revocation: whether the certificate `CN=app,O=Ship,ST=BE,C=CH` is revoked is not known: not a usable list of revoked certificates: it is out of date
        refused"]]
    .assert_eq(&faults(&world, &bytes, &late));
    let access =
        [&[0x30, 0x1A, 0x30, 0x18, 6, 8, 0x2B, 6, 1, 5, 5, 7, 0x30, 1, 0x86, 12][..], address]
            .concat();
    let world = with_extension("1.3.6.1.5.5.7.1.1", &access);
    expect![[r"
        enforce revocation: whether the certificate `CN=app,O=Ship,ST=BE,C=CH` is revoked is not known: its authority tells it by OCSP, which is not asked here
        refused"]]
    .assert_eq(&faults(&world, &world.sign(JWS), &Other::default()));
}

#[test]
fn what_was_signed_before_the_doubt_stays_good() {
    let world = World::new();
    let name = StoreName::new(StoreType::SigningAuthority, "team").unwrap();
    let statement = Statement::strict("team", vec![name.clone()]);
    let mut store = sealift_notation::TrustStore::default();
    store.insert(name, vec![world.chain[2].clone()]).unwrap();
    let bytes = world
        .sign_as(JWS, |request| {
            request.scheme = sealift_notation::SigningScheme::SigningAuthority;
        })
        .unwrap();
    let ask = |since: &str| {
        let entry = Revoked { invalid_since: Some(time(since)), ..revoked(&world.chain[0]) };
        let lists = RevocationLists::new(vec![list(&world.chain[1], &world.middle_key, &[entry])]);
        let other = Other {
            statement: Some(&statement),
            store: Some(&store),
            lists: Some(&lists),
            ..Other::default()
        };
        refusal(&world.verify_with(JWS, &bytes, &other))
    };
    assert_eq!(ask("2026-11-20T12:00:01Z"), "accepted");
    assert!(ask("2026-11-20T12:00:00Z").contains("was revoked"));
}
