//! `verify-blob`: files and their sigstore bundles.

use std::path::Path;

use expect_test::expect;
use sealift_testkit::TestContext;

use crate::{assert_one_error, context};

const IDENTITY: &str = "https://ci.test/team/app/release.yml@refs/heads/main";
const ISSUER: &str = "https://issuer.test";

// A bundle of the fuzz targets' seeds, and the trusted root of the instance that made them.
fn with_bundle() -> TestContext {
    let context = context();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read(root.join(path)).unwrap();
    context.write("bundle.json", read("fuzz/seeds/sigstore_bundle/hashed1.json"));
    context.write("root.json", read("crates/corpus/fixtures/trusted_root.json"));
    context.write("content", "the content");
    context.write("other", "other content");
    context
}

fn arguments<'a>(artifact: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments =
        vec!["verify-blob", artifact, "--bundle", "bundle.json", "--trusted-root", "root.json"];
    arguments.extend(more);
    arguments
}

#[test]
fn identities() {
    let context = with_bundle();
    let right = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER];
    let outcome = context.expect(0, &arguments("content", &right));
    expect![[r"
        content: signed by https://ci.test/team/app/release.yml@refs/heads/main, vouched for by https://issuer.test, at 2026-06-01T12:00:00Z
    "]]
    .assert_eq(&outcome.stdout);
    let digest = "sha256:6e569e05cb6f8608572c79d63b365dc31617bf84d7393d2cb9d2f1ffe0edf95b";
    context.expect(0, &arguments(digest, &right));
    let digest = digest.replace("6e569e", "6e569f");
    let refused = context.run(&arguments(&digest, &right));
    assert_one_error(&refused, 4, &["it has the sha256"]);
    let refused = context.run(&arguments("other", &right));
    assert_one_error(&refused, 4, &["refused: `other`: the bundle is for other content"]);
    let pattern = [
        "--certificate-identity-regexp",
        "https://ci.test/.*",
        "--certificate-oidc-issuer-regexp",
        ".*",
        "--certificate-claim",
        "ref=refs/heads/main",
        "--explain",
    ];
    let explained = context.expect(0, &arguments("content", &pattern)).stdout;
    for step in ["├─ content: sha256", "├─ log: entry 1002", "└─ identity: `https://ci.test/"]
    {
        assert!(explained.contains(step), "{explained}");
    }
    let part =
        ["--certificate-identity-regexp", "https://ci.test/", "--certificate-oidc-issuer", ISSUER];
    let refused = context.run(&arguments("content", &part));
    assert_one_error(&refused, 4, &["all of `https://ci.test/` is asked for"]);
    let claim = [&right[..], &["--certificate-claim", "ref=refs/heads/evil"]].concat();
    let refused = context.run(&arguments("content", &claim));
    assert_one_error(&refused, 4, &["the claim `ref` is `refs/heads/main`"]);
    let json = [&right[..], &["--format", "json"]].concat();
    let document: serde_json::Value =
        serde_json::from_str(&context.expect(0, &arguments("content", &json)).stdout).unwrap();
    assert_eq!(document["identity"]["claims"]["repository"], "https://ci.test/team/app");
}

#[test]
fn mistakes() {
    let context = with_bundle();
    let identity = ["--certificate-identity", IDENTITY];
    let outcome = context.run(&arguments("content", &identity));
    assert_one_error(&outcome, 2, &["an identity means nothing without who vouches for it"]);
    let outcome = context.run(&arguments("content", &[]));
    assert_one_error(&outcome, 2, &["who must have signed is not said"]);
    let right = ["--certificate-identity", IDENTITY, "--certificate-oidc-issuer", ISSUER];
    let claim = [&right[..], &["--certificate-claim", "colour=red"]].concat();
    let outcome = context.run(&arguments("content", &claim));
    assert_one_error(&outcome, 2, &["certificates have no claim `colour`"]);
    let outcome = context.run(&arguments("absent", &right));
    assert_one_error(&outcome, 3, &["cannot read `absent`"]);
    context.write("root.json", "{}");
    let outcome = context.run(&arguments("content", &right));
    assert_one_error(&outcome, 2, &["`root.json`: not a usable trusted root"]);
}
