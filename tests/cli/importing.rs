//! `trust policy import`: policies of other programs as a trust.toml that judges the same.

use sealift_crypto::SigningKey;

use crate::{assert_one_error, context};

#[test]
fn a_policy_of_signers_becomes_a_trust_toml() {
    let context = context();
    for name in ["ci", "release"] {
        context.write(&format!("{name}.pub"), SigningKey::generate_p256().public().to_pem());
    }
    context.write(
        "trust-policy.json",
        r#"{"version": "1.0", "trust": {"enabled": true, "signers": {
            "ci-system": {"keys": ["ci"], "repos": ["myregistry.example/*"]},
            "release-team": {"keys": ["release"], "repos": ["myregistry.example/prod-*"]}}}}"#,
    );
    let printed = context.expect(0, &["trust", "policy", "import", "trust-policy.json"]).stdout;
    context.write("trust.toml", &printed);
    let images = ["myregistry.example/prod-app:1", "myregistry.example/app:1"];
    for policy in ["trust-policy.json", "trust.toml"] {
        let check = ["trust", "policy", "check", policy, images[0], images[1]];
        let told = context.expect(0, &check).stdout;
        let signers = |image: &str| {
            let line = told.lines().find(|line| line.starts_with(image)).unwrap().to_owned();
            ["ci-system", "release-team"]
                .map(|name| line.rsplit('(').next().unwrap_or_default().contains(name))
        };
        assert_eq!(signers(images[0]), [true, true], "{policy}: {told}");
        assert_eq!(signers(images[1]), [true, false], "{policy}: {told}");
    }
    let again = context.run(&["trust", "policy", "import", "trust.toml"]);
    assert_one_error(&again, 2, &["it is a trust.toml already"]);
}

#[test]
fn a_policy_of_containers_is_imported_with_notes() {
    let context = context();
    context.write("release.pub", SigningKey::generate_p256().public().to_pem());
    context.write(
        "policy.json",
        r#"{"default": [{"type": "insecureAcceptAnything"}], "transports": {"docker": {
            "registry.example": [{"type": "sigstoreSigned", "keyPath": "release.pub"}]}}}"#,
    );
    let imported = context.expect(0, &["trust", "policy", "import", "policy.json"]);
    assert!(imported.stderr.contains("accepts anything"), "{}", imported.stderr);
    context.write("trust.toml", &imported.stdout);
    let image = "registry.example/app:1";
    context.expect(0, &["trust", "policy", "check", "trust.toml", image]);
    context.expect(1, &["trust", "policy", "check", "trust.toml", "elsewhere.example/app:1"]);
}
