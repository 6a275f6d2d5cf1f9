//! Policies of other languages as `trust.toml`: what is written is read again and judges no laxer.

use expect_test::{Expect, expect};
use sealift_notation::StoreName;
use sealift_oci::Reference;

use super::*;

fn stores(name: &StoreName) -> Vec<String> {
    if name.name() == "empty" { Vec::new() } else { vec![format!("{name}.crt").replace(':', "/")] }
}

// The text and the notes; what needs no certificates is read again.
fn check(text: &str, expected: &Expect) {
    let policy = read("policy.json", text).unwrap();
    let imported = crate::import(&policy, &stores).unwrap();
    expected.assert_eq(&imported.text);
    for note in &imported.notes {
        assert!(imported.text.contains(&format!("# {note}.\n")), "{note}");
    }
    if !imported.text.contains("certificates") {
        let own = read("trust.toml", &imported.text).unwrap();
        for image in ["registry.corp/team/app:1.0", "registry.corp/prod/x:1", "other.corp/x:1"] {
            let name = Reference::parse(image).unwrap();
            if let Ok(Some(rule)) = own.rule(&name) {
                let before = policy.rule(&name).unwrap().unwrap();
                let names = |policy: &Policy, rule: &crate::Rule| -> Vec<String> {
                    rule.signers
                        .iter()
                        .flat_map(|number| &policy.signers[*number].keys)
                        .map(|known| known.key.fingerprint())
                        .collect()
                };
                let known = names(&policy, &before);
                assert!(names(&own, &rule).iter().all(|key| known.contains(key)), "{image}");
            }
        }
    }
}

#[test]
fn signers_with_their_repositories() {
    check(
        r#"{"version": "1.0", "trust": {"enabled": true, "signers": {
            "ci": {"keys": ["ci"], "repos": ["registry.corp/**", "registry.corp/*/web"]},
            "release": {"keys": ["release.pub"], "repos": ["registry.corp/prod/*"]}}}}"#,
        &expect![[r#"
            # Of `policy.json`. Read it before you trust it.
            # `registry.corp/*/web` covers some of what another pattern covers too: there only the signers of the more exact one may sign.
            # `registry.corp/prod/*` covers some of what another pattern covers too: there only the signers of the more exact one may sign.
            version = 1

            [[signer]]
            name = "ci"
            keys = ["ci.pub"]

            [[signer]]
            name = "release"
            keys = ["release.pub"]

            [[rule]]
            match = "registry.corp/**"
            signers = ["ci"]

            [[rule]]
            match = "registry.corp/*/web"
            signers = ["ci"]

            [[rule]]
            match = "registry.corp/prod/*"
            signers = ["ci", "release"]
        "#]],
    );
    let shared = r#"{"version": "1.0", "trust": {"enabled": true, "signers": {
        "ci": {"keys": ["ci", "qa"], "repos": ["a.b/*"]},
        "release": {"keys": ["qa"], "repos": ["a.b/*"]}}}}"#;
    let error = crate::import(&read("policy.json", shared).unwrap(), &stores).unwrap_err();
    assert!(error.to_string().contains("it has a key that `ci` has too"), "{error}");
}

#[test]
fn containers() {
    check(
        r#"{"default": [{"type": "insecureAcceptAnything"}], "transports": {"docker": {
            "registry.corp": [{"type": "sigstoreSigned", "keyPath": "release.pub"}],
            "registry.corp/team": [
                {"type": "sigstoreSigned", "keyPath": "release.pub", "signedIdentity": {"type": "matchRepository"}},
                {"type": "sigstoreSigned", "keyPath": "ci.pub", "signedIdentity": {"type": "matchRepository"}}],
            "*.corp": [{"type": "reject"}],
            "registry.corp/exact": [{"type": "sigstoreSigned", "keyPath": "release.pub", "signedIdentity": {"type": "matchExact"}}],
            "registry.corp/one:1": [{"type": "sigstoreSigned", "keyPath": "release.pub"}],
            "pgp.corp": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "x"}]}}}"#,
        &expect![[r#"
            # Of `policy.json`. Read it before you trust it.
            # signatures count in all of cosign's forms, and not only in the one that podman reads.
            # default accepts anything, which no rule says: its images are refused unless another rule is for them.
            # `registry.corp/exact`: `signedIdentity` matchExact cannot be said, so it is rejected.
            # `registry.corp/one:1` is for one tag or digest, and rules are for repositories: the repository is rejected.
            version = 1

            [[signer]]
            name = "signer-1"
            keys = ["release.pub"]

            [[signer]]
            name = "signer-2"
            keys = ["ci.pub"]

            [[rule]]
            match = "*.corp/**"
            decision = "reject"

            [[rule]]
            match = "pgp.corp/**"
            decision = "reject"

            [[rule]]
            match = "registry.corp/**"
            signers = ["signer-1"]
            formats = ["cosign"]
            tag_binding = true

            [[rule]]
            # `registry.corp/exact`: `signedIdentity` matchExact cannot be said, so it is rejected.
            match = "registry.corp/exact"
            decision = "reject"

            [[rule]]
            # `registry.corp/exact`: `signedIdentity` matchExact cannot be said, so it is rejected.
            match = "registry.corp/exact/**"
            decision = "reject"

            [[rule]]
            match = "registry.corp/one"
            decision = "reject"

            [[rule]]
            match = "registry.corp/team"
            signers = ["signer-1", "signer-2"]
            require = "all"
            formats = ["cosign"]

            [[rule]]
            match = "registry.corp/team/**"
            signers = ["signer-1", "signer-2"]
            require = "all"
            formats = ["cosign"]
        "#]],
    );
}

#[test]
fn notation() {
    check(
        r#"{"version": "1.0", "trustPolicies": [
            {"name": "release", "registryScopes": ["registry.corp/app", "registry.corp/web"],
             "signatureVerification": {"level": "strict"}, "trustStores": ["ca:corp", "tsa:time"],
             "trustedIdentities": ["x509.subject: C=US, ST=WA, O=corp"]},
            {"name": "lax", "registryScopes": ["registry.corp/lax"],
             "signatureVerification": {"level": "permissive"}, "trustStores": ["ca:corp"],
             "trustedIdentities": ["*"]},
            {"name": "nothing", "registryScopes": ["registry.corp/nothing"],
             "signatureVerification": {"level": "strict"}, "trustStores": ["ca:empty"],
             "trustedIdentities": ["*"]},
            {"name": "skipped", "registryScopes": ["*"], "signatureVerification": {"level": "skip"}}]}"#,
        &expect![[r#"
            # Of `policy.json`. Read it before you trust it.
            # the statement `release` always wants a timestamp; a trust.toml wants one only of a certificate that is over.
            # the statement `lax` is laxer than `strict`, and a trust.toml is strict.
            # the statement `nothing` has no store of type `ca` with certificates in it, so its images are rejected.
            # the statement `skipped` skips verification, which no rule says: its images are refused.
            version = 1

            [[signer]]
            name = "release"
            certificates = ["ca/corp.crt"]
            timestamp_authorities = ["tsa/time.crt"]
            subjects = ["C=US, ST=WA, O=corp"]

            [[signer]]
            name = "lax"
            certificates = ["ca/corp.crt"]

            [[rule]]
            match = "registry.corp/app"
            signers = ["release"]
            formats = ["notation"]
            name = "any"

            [[rule]]
            match = "registry.corp/web"
            signers = ["release"]
            formats = ["notation"]
            name = "any"

            [[rule]]
            match = "registry.corp/lax"
            signers = ["lax"]
            formats = ["notation"]
            name = "any"

            [[rule]]
            match = "registry.corp/nothing"
            decision = "reject"
        "#]],
    );
}

#[test]
fn what_is_ours_already() {
    let policy = own("[[rule]]\nmatch = \"**\"\nsigners = [\"ci\"]\n");
    assert!(crate::import(&policy, &stores).is_err());
}
