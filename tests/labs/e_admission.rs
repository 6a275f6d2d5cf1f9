//! E7: Kubernetes' webhook, with the trust policy of `verify`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use sealift_crypto::{Secret, SigningKey};
use sealift_testkit::{Access, Faults, Registry, TestContext};
use serde_json::{Value, json};

use crate::lab::empty_lab;

/// A server that goes when the test does.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn key(context: &TestContext, name: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let key = SigningKey::generate_p256();
    let path = context.work().join(format!("{name}.key"));
    std::fs::write(&path, key.to_encrypted_pem(&Secret::new(Vec::new())).unwrap()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    context.write(&format!("{name}.pub"), key.public().to_pem());
}

// Builds, signs if there is a key, and pushes.
fn publish(context: &TestContext, name: &str, key: Option<&str>) {
    context.write("app/file", name);
    context.write("app/Dockerfile", "FROM scratch\nCOPY file /file\n");
    context.expect(0, &["build", "--quiet", "-t", name, "app"]);
    if let Some(key) = key {
        context.expect(0, &["sign", "--quiet", "--key", key, name]);
    }
    context.expect(0, &["push", "--quiet", name]);
}

fn serve(context: &TestContext, options: &[&str]) -> (Server, String) {
    let arguments = ["admit", "serve", "--listen", "127.0.0.1:0", "--tls-self-signed"];
    let mut child = context
        .command(&[&arguments[..], options].concat())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let server = Server(child);
    let first = lines.next().unwrap().unwrap();
    let address = first.split("https://").nth(1).unwrap().split('/').next().unwrap().to_owned();
    // What else it says must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    (server, address)
}

// What Kubernetes would send, sent by curl.
fn ask(context: &TestContext, address: &str, path: &str, image: &str) -> Value {
    let review = json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "operation": "CREATE",
            "namespace": "team",
            "userInfo": {"username": "alice"},
            "object": {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": "web", "namespace": "team"},
                "spec": {"containers": [{"name": "web", "image": image}]}
            },
            "oldObject": null,
            "dryRun": false
        }
    });
    context.write("review.json", review.to_string());
    let authority = find(&context.home(), "server.crt").expect("a certificate");
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--fail", "--cacert"])
        .arg(authority)
        .args(["--header", "Content-Type: application/json", "--data-binary", "@review.json"])
        .arg(format!("https://{address}/{path}?timeout=30s"))
        .current_dir(context.work())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["response"]["uid"], "705ab4f5-6393-11e8-b7cc-42010a800002");
    answer["response"].clone()
}

fn find(folder: &Path, name: &str) -> Option<std::path::PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() { find(&path, name) } else { path.ends_with(name).then_some(path) }
    })
}

#[test]
fn e7_signed_images_run_and_others_do_not() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no curl here");
        return;
    }
    let mut context = empty_lab();
    let registry = Registry::start(Access::Open, Faults::default());
    context.set("SEALIFT_PLAIN_HTTP", &registry.host());
    key(&context, "release");
    let name = |tag: &str| format!("{}/team/app:{tag}", registry.host());
    publish(&context, &name("signed"), Some("release.key"));
    publish(&context, &name("unsigned"), None);
    let host = registry.host();
    context.write(
        "trust.toml",
        format!(
            "version = 1\n[[signer]]\nname = \"release-team\"\nkeys = [\"release.pub\"]\n\
             [[rule]]\nmatch = \"{host}/team/*\"\nsigners = [\"release-team\"]\n"
        ),
    );
    let (_server, address) = serve(&context, &["--trust", "trust.toml"]);
    let allowed = ask(&context, &address, "validate", &name("signed"));
    assert_eq!(allowed["allowed"], true, "{allowed}");
    let denied = ask(&context, &address, "validate", &name("unsigned"));
    assert_eq!(denied["allowed"], false, "{denied}");
    assert_eq!(denied["status"]["code"], 403);
    let message = denied["status"]["message"].as_str().unwrap();
    assert!(message.contains("release-team") && message.contains("Pod team/web"), "{message}");
    // An image for which there is no rule.
    let other = ask(&context, &address, "validate", &format!("{host}/other/app:1"));
    assert_eq!(other["allowed"], false, "{other}");
    let patched = ask(&context, &address, "mutate", &name("signed"));
    assert_eq!(patched["allowed"], true);
    let patch = patched["patch"].as_str().unwrap();
    let patch = decode(patch);
    let patch: Value = serde_json::from_slice(&patch).unwrap();
    assert_eq!(patch[0]["path"], "/spec/containers/0/image");
    let value = patch[0]["value"].as_str().unwrap();
    assert!(value.starts_with(&format!("{}@sha256:", name("signed"))), "{value}");
    // The same image by the digest that it was given.
    let pinned = ask(&context, &address, "validate", value);
    assert_eq!(pinned["allowed"], true, "{pinned}");
}

fn decode(text: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut child = Command::new("base64")
        .arg("-d")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap().stdout
}

#[test]
fn e7_policies_see_the_namespace() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("SKIPPED: no curl here");
        return;
    }
    let mut context = empty_lab();
    let registry = Registry::start(Access::Open, Faults::default());
    context.set("SEALIFT_PLAIN_HTTP", &registry.host());
    let name = |tag: &str| format!("{}/team/app:{tag}", registry.host());
    publish(&context, &name("1"), None);
    let policy = |namespace: &str| {
        format!(
            "package admission\n\ndeny[msg] {{\n\tinput.namespace == \"{namespace}\"\n\tmsg := \"not here\"\n}}\n"
        )
    };
    context.write("policy.rego", policy("team"));
    let (_server, address) = serve(&context, &["--policy", "policy.rego"]);
    let denied = ask(&context, &address, "validate", &name("1"));
    assert!(denied["status"]["message"].as_str().unwrap().contains("not here"), "{denied}");
    // A policy that changes counts without a restart.
    context.write("policy.rego", policy("other team"));
    let start = std::time::Instant::now();
    while ask(&context, &address, "validate", &name("1"))["allowed"] != true {
        assert!(start.elapsed().as_secs() < 60, "the policy is still the old one");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
}

#[test]
fn e7_manifests_that_our_own_audit_finds_nothing_in() {
    let context = empty_lab();
    context.write("ca.crt", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    context.write("trust.toml", "version = 1\n");
    let image = format!("registry.example.com/sealift:1.0@sha256:{}", "0".repeat(64));
    let arguments = ["admit", "manifests", "--ca", "ca.crt", "--image", &image];
    let manifests =
        context.expect(0, &[&arguments[..], &["--trust", "trust.toml"]].concat()).stdout;
    context.write("webhook.yaml", &manifests);
    context.expect(0, &["lint", "--fail-on", "info", "webhook.yaml"]);
    let error = context.expect(2, &arguments).stderr;
    assert!(error.contains("nothing to judge by"), "{error}");
    let error = context.expect(2, &["admit", "serve", "--no-tls"]).stderr;
    assert!(error.contains("nothing to judge by"), "{error}");
}
