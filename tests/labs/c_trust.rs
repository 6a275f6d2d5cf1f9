//! C: trust. Docker Content Trust without Docker, against Debian's notary-server.

use std::fs;

use sealift_testkit::{NotaryServer, TestContext};
use serde_json::Value;

use crate::lab::empty_lab;

const REPOSITORY: &str = "localhost:5443/team/app";

// A context that knows the server as docker would: by its variable, and the authority in its folder.
fn lab_with(notary: &NotaryServer) -> TestContext {
    let mut context = empty_lab();
    let tls = context.home().join(".docker/tls").join(notary.host());
    fs::create_dir_all(&tls).unwrap();
    fs::copy(notary.authority(), tls.join("ca.crt")).unwrap();
    context.set("DOCKER_CONTENT_TRUST_SERVER", &notary.url());
    context.set("SEALIFT_KEY_PASSPHRASE", "of keys");
    context.set("SEALIFT_ROOT_PASSPHRASE", "of roots");
    context
}

// An image of that name in the store; returns its digest.
fn image(context: &TestContext, name: &str, content: &str) -> String {
    context.write("app/file", content);
    context.write("app/Dockerfile", "FROM scratch\nCOPY file /\n");
    context.expect(0, &["build", "--quiet", "-t", name, "app"]);
    let list = context.expect(0, &["inspect", "--format", "json", name]).stdout;
    let text = list.split("sha256:").nth(1).unwrap();
    text[..64].to_owned()
}

fn inspect(context: &TestContext, image: &str) -> Value {
    let json = context.expect(0, &["trust", "inspect", image]).stdout;
    serde_json::from_str::<Value>(&json).unwrap()[0].take()
}

fn tags(context: &TestContext) -> Vec<String> {
    let found = inspect(context, REPOSITORY);
    let tag = |line: &Value| {
        let signers: Vec<&str> =
            line["Signers"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        format!("{} {}", line["SignedTag"].as_str().unwrap(), signers.join("+"))
    };
    found["SignedTags"].as_array().unwrap().iter().map(tag).collect()
}

#[test]
fn c2_trust_without_docker() {
    let Some(notary) = NotaryServer::start() else { return };
    let context = lab_with(&notary);
    let tag = format!("{REPOSITORY}:v1");
    image(&context, &tag, "one");
    context.expect(0, &["trust", "key", "generate", "ci"]);
    let public = String::from_utf8(context.read("ci.pub")).unwrap();
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\nrole: ci\n\n"), "{public}");
    // Nothing is signed before somebody may.
    let outcome = context.expect(4, &["trust", "sign", &tag]);
    assert!(
        outcome.stderr.contains("has no trust data of `localhost:5443/team/app`"),
        "{}",
        outcome.stderr
    );
    context.expect(0, &["trust", "signer", "add", "--key", "ci.pub", "ci", REPOSITORY]);
    let signed = context.expect(0, &["trust", "sign", &tag]);
    assert!(signed.stdout.starts_with(&format!("{REPOSITORY}@sha256:")), "{}", signed.stdout);
    assert!(
        signed.stderr.trim_end().lines().last().unwrap().starts_with("next: "),
        "{}",
        signed.stderr
    );
    assert_eq!(tags(&context), ["v1 ci"]);
    let found = inspect(&context, REPOSITORY);
    let digest = found["SignedTags"][0]["Digest"].as_str().unwrap();
    assert_eq!(signed.stdout.trim_end(), format!("{REPOSITORY}@sha256:{digest}"));
    let pretty = context.expect(0, &["trust", "inspect", "--pretty", &tag]).stdout;
    assert!(pretty.contains(&format!("v1           {digest}   ci\n")), "{pretty}");
    for role in ["timestamp", "snapshot", "targets", "root"] {
        context.expect(0, &["trust", "rotate", role, REPOSITORY]);
    }
    context.expect(0, &["trust", "rotate", "snapshot", "--server-managed", REPOSITORY]);
    let second = format!("{REPOSITORY}:v2");
    image(&context, &second, "two");
    // Beside another format, and again.
    let signed = context.expect(0, &["sign", "--as", "dct,cosign", &second]);
    assert_eq!(signed.stdout.lines().count(), 1, "{}", signed.stdout);
    assert_eq!(tags(&context), ["v1 ci", "v2 ci"]);
    context.expect(0, &["sign", "--as", "dct", &second]);
    context.expect(0, &["trust", "revoke", &tag]);
    assert_eq!(tags(&context), ["v2 ci"]);
    let gone = context.expect(4, &["trust", "inspect", &tag]);
    assert!(gone.stderr.contains("no trust data for `v1`"), "{}", gone.stderr);
    a_second_machine(&notary, &context);
    delegations(&context);
    docker_s_folder(&context);
}

// Somebody else: nothing without a pin, everything with it, and without the server only if that is said.
fn a_second_machine(notary: &NotaryServer, first: &TestContext) {
    let pin = first.expect(0, &["trust", "pin", REPOSITORY]).stdout.trim_end().to_owned();
    let mut reader = lab_with(notary);
    let refused = reader.expect(4, &["trust", "inspect", REPOSITORY]);
    assert!(refused.stderr.contains("no root key is pinned"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--tofu"), "{}", refused.stderr);
    reader.expect(4, &["trust", "inspect", "--pin", &"00".repeat(32), REPOSITORY]);
    reader.expect(0, &["trust", "pin", REPOSITORY, &pin]);
    assert_eq!(tags(&reader), ["v2 ci"]);
    reader.set("DOCKER_CONTENT_TRUST_SERVER", "https://localhost:1");
    reader.expect(3, &["trust", "inspect", REPOSITORY]);
    reader.expect(0, &["trust", "inspect", "--offline", REPOSITORY]);
}

fn delegations(context: &TestContext) {
    context.expect(0, &["trust", "key", "generate", "--kind", "ed25519", "night"]);
    let role = "targets/night";
    context.expect(
        0,
        &["trust", "delegate", "add", "--key", "night.pub", "--path", "nightly-", REPOSITORY, role],
    );
    let list = context.expect(0, &["trust", "delegate", "list", REPOSITORY]).stdout;
    assert!(list.contains("targets/night      nightly-"), "{list}");
    context.expect(0, &["trust", "delegate", "remove", REPOSITORY, role]);
    let witnessed = context
        .expect(0, &["trust", "witness", "--format", "json", REPOSITORY, "targets/releases"]);
    let json: Value = serde_json::from_str(&witnessed.stdout).unwrap();
    assert_eq!(json["signedRoles"], serde_json::json!(["targets/releases"]));
    context.expect(2, &["trust", "signer", "remove", "nobody", REPOSITORY]);
}

// Out to docker's folder, and in again at a place where nothing is known.
fn docker_s_folder(context: &TestContext) {
    let folder = context.work().join("dct");
    let export = ["trust", "export", "dct", REPOSITORY];
    context.expect(2, &export);
    let docker = |command: &mut std::process::Command| {
        let output = command
            .env("DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE", "docker's root")
            .env("DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE", "docker's repository")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    docker(&mut context.command(&export));
    let n_keys = fs::read_dir(folder.join("private")).unwrap().count();
    let other = empty_lab();
    let from = folder.display().to_string();
    let told = docker(&mut other.command(&["trust", "import", &from]));
    assert!(told.contains(&format!("{n_keys} keys")) && told.contains("1 repositories"), "{told}");
    let list = other.expect(0, &["trust", "key", "list", "--format", "json"]).stdout;
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list.as_array().unwrap().len(), n_keys);
}
