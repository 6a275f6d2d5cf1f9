//! What a policy makes of evidence.

use sealift_oci::Digest;

use super::*;
use crate::revocation::{Revocation, Revoked};
use crate::{Attestation, Unproved, Vouched};

const ANY: &str = "[[rule]]\nmatch = \"registry.corp/team/*\"\nsigners = [\"release\"]\n";

#[test]
fn any_all_and_some() {
    let policy = own(ANY);
    check(&policy, &evidence(&[signed("release")]), "admitted");
    check(&policy, &evidence(&[]), "unsigned: no signature; release must have signed");
    check(
        &policy,
        &evidence(&[signed("ci")]),
        "unsigned: signed by 0 of 1 that are wanted: release must have signed",
    );
    let three = "[[rule]]\nmatch = \"registry.corp/**\"\nsigners = [\"release\", \"ci\", \"qa\"]\n";
    let two = own(&format!("{three}require = \"2-of-3\"\n"));
    check(&two, &evidence(&[signed("release"), signed("qa")]), "admitted");
    check(
        &two,
        &evidence(&[signed("release")]),
        "not enough signers: signed by 1 of 2 that are wanted: 2 of release, ci and qa must have signed",
    );
    let all = own(&format!("{three}require = \"all\"\n"));
    check(&all, &evidence(&[signed("release"), signed("qa"), signed("ci")]), "admitted");
    check(
        &all,
        &evidence(&[signed("release"), signed("qa")]),
        "not enough signers: signed by 2 of 3 that are wanted: all of release, ci and qa must have signed",
    );
}

#[test]
fn one_key_in_two_formats_counts_once() {
    let policy = own(
        "[[rule]]\nmatch = \"registry.corp/**\"\nrequire = 2\nsigners = [\"release\", \"ci\", \"qa\"]\n",
    );
    // The role of the signer `release` is signed with the key of the signer `ci`.
    let mut role = signed("release");
    role.format = Format::Dct;
    role.identity =
        Identity::Role { role: "targets/release".to_owned(), keys: vec![fingerprint("ci")] };
    assert!(
        verdict(&policy, &evidence(&[role.clone(), signed("ci")]), &Ask::default())
            .starts_with("not enough signers: signed by 1 of 2")
    );
    // Where the signer has a key of its own too, both count, whichever comes first.
    check(&policy, &evidence(&[role.clone(), signed("ci"), signed("release")]), "admitted");
    check(&policy, &evidence(&[signed("release"), role, signed("ci")]), "admitted");
}

#[test]
fn formats_that_do_not_count() {
    let policy = own(&format!("{ANY}formats = [\"notation\"]\n"));
    check(
        &policy,
        &evidence(&[signed("release")]),
        "not enough signers: cosign signatures do not count here",
    );
}

#[test]
fn identities_without_keys() {
    let policy = own("[[rule]]\nmatch = \"**\"\nsigners = [\"ci\"]\n");
    let keyless = |subject: &str, issuer: &str| {
        let identity = Identity::Keyless { subject: subject.to_owned(), issuer: issuer.to_owned() };
        evidence(&[Signature { identity, ..signed("ci") }])
    };
    check(&policy, &keyless("https://ci.example/main", "https://issuer.example"), "admitted");
    for (subject, issuer) in [
        ("https://ci.example/main/x", "https://issuer.example"),
        ("https://ci.example/main", "https://issuer.example/"),
        ("http://ci.example/main", "https://issuer.example"),
    ] {
        let found = verdict(&policy, &keyless(subject, issuer), &Ask::default());
        assert!(found.starts_with("unsigned: signed by 0 of 1"), "{found}");
    }
}

#[test]
fn the_most_exact_rule_decides_alone() {
    let policy = own("[[rule]]\nmatch = \"registry.corp/**\"\nsigners = [\"ci\"]\n\
         [[rule]]\nmatch = \"registry.corp/team/*\"\nsigners = [\"release\"]\n\
         [[rule]]\nmatch = \"registry.corp/team/old\"\ndecision = \"reject\"\n");
    check(&policy, &evidence(&[signed("release")]), "admitted");
    assert!(verdict(&policy, &evidence(&[signed("ci")]), &Ask::default()).starts_with("unsigned"));
    let ask = |image: &'static str| Ask { image, ..Ask::default() };
    assert_eq!(verdict(&policy, &evidence(&[signed("ci")]), &ask("registry.corp/app")), "admitted");
    assert_eq!(
        verdict(&policy, &evidence(&[signed("release")]), &ask("registry.corp/team/old")),
        "no rule: rule 3 (`registry.corp/team/old`) rejects everything"
    );
    assert_eq!(
        verdict(&policy, &evidence(&[signed("release")]), &ask("debian:12")),
        "no rule: no rule of `trust.toml` matches `debian`, and without a rule everything is refused"
    );
    let rivals = own("[[rule]]\nmatch = \"registry.corp/*m/app\"\nsigners = [\"ci\"]\n\
         [[rule]]\nmatch = \"registry.corp/*a*/app\"\nsigners = [\"release\"]\n");
    let both = evidence(&[signed("release"), signed("ci")]);
    // Both begin alike; the second has no more text than the first.
    assert_eq!(
        verdict(&rivals, &both, &Ask::default()),
        "no rule: the trust policy `trust.toml` is ambiguous for `registry.corp/team/app:1.0`: \
         `registry.corp/*a*/app` and `registry.corp/*m/app` match it equally well"
    );
}

#[test]
fn a_certain_signer() {
    let policy = own("[[rule]]\nmatch = \"registry.corp/**\"\nsigners = [\"release\", \"ci\"]\n");
    let ask = |signer| Ask { signer: Some(signer), ..Ask::default() };
    let by_ci = evidence(&[signed("ci")]);
    assert_eq!(verdict(&policy, &by_ci, &ask("ci")), "admitted");
    assert_eq!(
        verdict(&policy, &by_ci, &ask("release")),
        "not enough signers: the signer `release` has not signed it, only ci"
    );
    assert_eq!(
        verdict(&policy, &by_ci, &ask("qa")),
        "not enough signers: the signer `qa` does not sign for `registry.corp/team/app`"
    );
    assert_eq!(
        verdict(&policy, &by_ci, &ask("nobody")),
        "not enough signers: `trust.toml` has no signer `nobody`"
    );
}

#[test]
fn names_and_tags() {
    let policy = own(&format!("{ANY}tag_binding = true\n"));
    let named = |name: &str| {
        evidence(&[Signature { bound: Bound::Name(name.to_owned()), ..signed("release") }])
    };
    check(&policy, &named("registry.corp/team/app:1.0"), "admitted");
    check(
        &policy,
        &named("registry.corp/team/app:0.9"),
        "re-pointed: no signature and no tag map says that `registry.corp/team/app:1.0` stands for \
         `sha256:IMAGE`; it was signed as `registry.corp/team/app:0.9`",
    );
    check(
        &policy,
        &named("registry.corp/other/app:1.0"),
        "re-pointed: it was signed as `registry.corp/other/app:1.0`, which is another repository",
    );
    let mirror = own(&format!("{ANY}name = \"any\"\n"));
    check(&mirror, &named("registry.corp/other/app:1.0"), "admitted");
    let dct = Signature {
        format: Format::Dct,
        identity: Identity::Role { role: "targets/release".to_owned(), keys: Vec::new() },
        ..signed("release")
    };
    check(&policy, &evidence(&[dct]), "admitted");
}

#[test]
fn the_newest_tag_map_decides() {
    let policy = own(&format!("{ANY}tag_binding = true\n"));
    let with = |maps: Vec<TagMap>| Evidence { tag_maps: maps, ..evidence(&[signed("release")]) };
    let new = Digest::sha256(b"new");
    check(&policy, &with(vec![map(1, "1.0", &image())]), "admitted");
    let line = verdict(
        &policy,
        &with(vec![map(1, "1.0", &image()), map(2, "1.0", &new)]),
        &Ask::default(),
    );
    assert_eq!(
        line,
        "re-pointed: `registry.corp/team/app:1.0` was signed for `sha256:NEW` (tag map number 2 of \
         2027-01-15T07:00:00Z by key RELEASE), but this is `sha256:IMAGE`"
    );
    let forked = with(vec![map(1, "1.0", &image()), map(1, "1.0", &new)]);
    assert!(
        verdict(&policy, &forked, &Ask::default()).starts_with("replayed: there are two tag maps")
    );
    let old = TagMap { expires_secs: NOW - 1, ..map(1, "1.0", &image()) };
    assert!(verdict(&policy, &with(vec![old]), &Ask::default()).starts_with("expired: tag map"));
    let future = TagMap { issued_secs: NOW + DAY, ..map(1, "1.0", &image()) };
    assert!(
        verdict(&policy, &with(vec![future]), &Ask::default()).starts_with("replayed: tag map")
    );
    let other_tag = with(vec![map(1, "2.0", &image())]);
    assert!(verdict(&policy, &other_tag, &Ask::default()).ends_with("does not have the tag `1.0`"));
    // Without the wish for a bound tag a contradiction is one all the same.
    let plain = own(ANY);
    check(&plain, &other_tag, "admitted");
    let moved = with(vec![map(1, "1.0", &new)]);
    assert!(verdict(&plain, &moved, &Ask::default()).starts_with("re-pointed"));
}

#[test]
fn how_old_a_proof_may_be() {
    let policy = own(&format!("{ANY}max_staleness = \"12h\"\n"));
    let old = evidence(&[signed("release")]);
    check(&policy, &old, "replayed: the newest proof is of 2027-01-14T08:00:00Z, older than 12h");
    let fresh = Evidence { tag_maps: vec![map(1, "1.0", &image())], ..old.clone() };
    check(&policy, &fresh, "admitted");
    let vouched = Some(Vouched { secs: NOW - 60, expires_secs: NOW + DAY });
    check(&policy, &evidence(&[Signature { vouched, ..signed("release") }]), "admitted");
    let timeless = evidence(&[Signature { signed_at: None, ..signed("release") }]);
    assert!(verdict(&policy, &timeless, &Ask::default()).starts_with("replayed: nothing says"));
}

#[test]
fn what_has_ended_or_not_begun() {
    let policy = own(ANY);
    let over = Signature { expires_secs: Some(NOW), ..signed("release") };
    check(
        &policy,
        &evidence(std::slice::from_ref(&over)),
        "expired: the cosign signature by key RELEASE ended on 2027-01-15T08:00:00Z",
    );
    check(&policy, &evidence(&[over, signed("release")]), "admitted");
    let ahead = SignedAt { secs: NOW + DAY, source: TimeSource::Signer };
    let early = Signature { signed_at: Some(ahead), ..signed("release") };
    assert!(verdict(&policy, &evidence(&[early]), &Ask::default()).starts_with("replayed"));
}

#[test]
fn what_is_revoked() {
    let policy = own(ANY);
    let list = |what: Revoked| RevocationList {
        counter: 1,
        issued_secs: NOW,
        entries: vec![Revocation { what, since_secs: NOW - 60, reason: "stolen".to_owned() }],
    };
    let ask = |revocations| Ask { revocations, ..Ask::default() };
    let by_key = [list(Revoked::Key(fingerprint("release")))];
    assert_eq!(
        verdict(&policy, &evidence(&[signed("release")]), &ask(&by_key)),
        "revoked: its key is revoked since 2027-01-15T07:59:00Z: stolen"
    );
    // The signer's own word on when it signed is worth nothing; an authority's is.
    let at = |secs| Some(SignedAt { secs, source: TimeSource::Authority });
    let before = Signature { signed_at: at(NOW - DAY), ..signed("release") };
    assert_eq!(verdict(&policy, &evidence(&[before]), &ask(&by_key)), "admitted");
    let after = Signature { signed_at: at(NOW - 59), ..signed("release") };
    assert!(verdict(&policy, &evidence(&[after]), &ask(&by_key)).starts_with("revoked"));
    let by_digest = [list(Revoked::Digest(image()))];
    assert!(
        verdict(&policy, &evidence(&[signed("release")]), &ask(&by_digest))
            .starts_with("revoked: `sha256:IMAGE` is revoked since")
    );
    let artifact = [list(Revoked::Digest(Digest::sha256(b"release")))];
    assert!(
        verdict(&policy, &evidence(&[signed("release")]), &ask(&artifact)).starts_with("revoked")
    );
}

#[test]
fn attestations_by_whom() {
    let policy = own(&format!("{ANY}attestations = [{{ type = \"sbom\", by = [\"ci\"] }}]\n"));
    let attested = |name: &str| Evidence {
        attestations: vec![Attestation {
            predicate_type: "https://cyclonedx.org/bom".to_owned(),
            format: Format::Cosign,
            identity: Identity::Key { fingerprint: fingerprint(name) },
            signed_at: None,
            artifact: "sha256:x".to_owned(),
        }],
        ..evidence(&[signed("release")])
    };
    check(&policy, &attested("ci"), "admitted");
    check(&policy, &attested("release"), "attestation missing: no attestation `sbom` by ci");
    check(
        &policy,
        &evidence(&[signed("release")]),
        "attestation missing: no attestation `sbom` by ci",
    );
}

#[test]
fn one_wrong_artifact_is_a_refusal() {
    let policy = own(ANY);
    let wrong = Evidence {
        refusals: vec!["signature (sha256:x): altered\u{1b}[2J".to_owned()],
        ..evidence(&[signed("release")])
    };
    check(&policy, &wrong, "tampered: signature (sha256:x): altered\u{FFFD}[2J");
}

#[test]
fn a_rule_that_only_warns() {
    let policy = own(&format!("{ANY}on_missing = \"warn\"\n"));
    check(&policy, &evidence(&[]), "warned");
    let refusal = |why: Option<&str>| {
        let why = why.map(str::to_owned);
        let foreign = Unproved { format: None, is_signature: true, text: "x".to_owned(), why };
        let other = Evidence { unproved: vec![foreign], ..Evidence::default() };
        verdict(&policy, &other, &Ask::default())
    };
    assert_eq!(
        refusal(None),
        "unsigned: signed by 0 of 1 that are wanted: release must have signed; \
         one signature by another key proves nothing"
    );
    assert_eq!(
        refusal(Some("the issuer is `x\u{1b}`")),
        "unsigned: signed by 0 of 1 that are wanted: release must have signed; \
         one signature proves nothing: the issuer is `x\u{FFFD}`"
    );
}

#[test]
fn the_proof_as_a_tree() {
    let policy = own(&format!("{ANY}tag_binding = true\n"));
    let bound = Bound::Name("registry.corp/team/app:1.0".to_owned());
    let judgement =
        judge(&policy, &evidence(&[Signature { bound, ..signed("release") }]), &Ask::default());
    let text = judgement.proof.to_text().replace(image().hex(), "IMAGE");
    let text = text.replace(&fingerprint("release")[..16], "RELEASE");
    let text = text.replace(Digest::sha256(b"release").hex(), "ARTIFACT");
    expect_test::expect![[r"
        ✓ registry.corp/team/app:1.0@sha256:IMAGE: admitted
        ├─ ✓ rule 1 (`registry.corp/team/*`) of `trust.toml`: release, the tag too
        ├─ ✓ 1 of the 1 signers that are wanted (release)
        │  └─ ✓ release
        │     └─ ✓ cosign signature by key RELEASE (`release.pub`) for registry.corp/team/app:1.0, 2027-01-14T08:00:00Z says the signer, sha256:ARTIFACT
        └─ ✓ the tag `1.0` stands in the cosign signature by key RELEASE
    "]]
    .assert_eq(&text);
    assert_eq!(judgement.proof.to_json()["steps"][1]["steps"][0]["kind"], "signer");
    assert_eq!(judgement.signers, ["release"]);
}

#[test]
fn a_pinned_number_of_the_tag_map() {
    let pinned = own(&format!(
        "{ANY}[[tag_map]]\nrepository = \"registry.corp/team/app\"\nat_least = 3\n\
         [[tag_map]]\nrepository = \"registry.corp/team/other\"\nat_least = 9\n"
    ));
    let with = |maps: Vec<TagMap>| Evidence { tag_maps: maps, ..evidence(&[signed("release")]) };
    check(&pinned, &with(vec![map(3, "1.0", &image())]), "admitted");
    check(&pinned, &with(vec![map(2, "1.0", &image()), map(4, "1.0", &image())]), "admitted");
    for (maps, expected) in [
        (Vec::new(), "replayed: there is no tag map of `registry.corp/team/app`"),
        (
            vec![map(2, "1.0", &image())],
            "replayed: the tag map of `registry.corp/team/app` is number 2 of",
        ),
    ] {
        let found = verdict(&pinned, &with(maps), &Ask::default());
        assert!(found.starts_with(expected), "{found}");
    }
    for (repository, least) in [
        ("registry.corp/team/app", "0"),
        ("registry.corp/team/app", "-1"),
        ("registry.corp/team/app", "\"3\""),
        ("registry.corp/team/app:1", "3"),
        ("../app", "3"),
    ] {
        let text = format!(
            "version = 1\n[[signer]]\nname = \"release\"\nkeys = [\"release.pub\"]\n{ANY}[[tag_map]]\nrepository = \"{repository}\"\nat_least = {least}\n"
        );
        assert!(read("trust.toml", &text).is_err(), "{text}");
    }
}
