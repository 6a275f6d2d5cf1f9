//! D, C: the registry that gives out what is signed: signatures of cosign, of the Notary Project and of Docker Content Trust,
//! good, missing, by somebody else, moved to another image, revoked.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sealift_crypto::{Certificate, Secret, SigningKey};
use sealift_notation::{DistinguishedName, Validity, issue_signer, new_root};
use sealift_testkit::TestContext;
use serde_json::Value;

use crate::c_docker::make_image;
use crate::docker::Docker;
use crate::lab::empty_lab;
use crate::serving::{Server, free_host, skopeo};

/// A registry without users that judges by `trust.toml`, and its name.
struct Lab {
    context: TestContext,
    server: Server,
}

// Everything under `app` needs the release team, in one format each.
fn policy(host: &str, pin: Option<&str>) -> String {
    let pins = pin.map(|pin| format!("pins = [\"{pin}\"]\n")).unwrap_or_default();
    let rule = |path: &str, signer: &str, format: &str| {
        format!(
            "[[rule]]\nmatch = \"{host}/{path}/*\"\nsigners = [\"{signer}\"]\nformats = [\"{format}\"]\n"
        )
    };
    format!(
        "version = 1\n\
         [[signer]]\nname = \"release-team\"\nkeys = [\"release.pub\"]\n\
         certificates = [\"root.crt\"]\nsubjects = [\"C=US, ST=WA, O=Example\"]\n\
         [[signer]]\nname = \"security\"\nkeys = [\"security.pub\"]\n\
         [[signer]]\nname = \"alice\"\nroles = [\"targets/alice\"]\n{pins}\
         [[revocation]]\nfile = \"revoked.json\"\nsigners = [\"security\"]\n{}{}{}",
        rule("cosign", "release-team", "cosign"),
        rule("notation", "release-team", "notation"),
        rule("dct", "alice", "dct"),
    )
}

fn start() -> Lab {
    let mut context = empty_lab();
    let host = free_host();
    context.set("SEALIFT_PLAIN_HTTP", &host);
    context.set("DOCKER_CONTENT_TRUST_SERVER", &format!("http://{host}"));
    context.set("SEALIFT_KEY_PASSPHRASE", "of keys");
    context.set("SEALIFT_ROOT_PASSPHRASE", "of roots");
    for name in ["release", "ci", "security"] {
        make_key(&context, name);
    }
    for name in ["release", "ci"] {
        certify(&context, name);
    }
    revoke(&context, "sha256:0000000000000000000000000000000000000000000000000000000000000000");
    context.write("trust.toml", policy(&host, None));
    context.write(
        "registry.yml",
        format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: registry}}}}\n\
             http: {{addr: \"{host}\"}}\n\
             sealift:\n  open: true\n  gate: {{name: \"{host}\", scan: false, fail_on: never, trust: trust.toml}}\n"
        ),
    );
    let server =
        Server::start(&mut context.command(&["registry", "serve", "registry.yml"]), &host, None);
    Lab { context, server }
}

fn make_key(context: &TestContext, name: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let key = SigningKey::generate_p256();
    let path = context.work().join(format!("{name}.key"));
    fs::write(&path, key.to_encrypted_pem(&Secret::new(Vec::new())).unwrap()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    context.write(&format!("{name}.pub"), key.public().to_pem());
}

// A certificate for a key, by an authority of its own; the policy knows that of the release team.
fn certify(context: &TestContext, name: &str) {
    let text = String::from_utf8(context.read(&format!("{name}.key"))).unwrap();
    let key = SigningKey::from_encrypted_pem(&text, &Secret::new(Vec::new())).unwrap();
    let subject = DistinguishedName::parse("C=US,ST=WA,O=Example,CN=someone").unwrap();
    let validity = Validity {
        from: "2024-01-01T00:00:00Z".parse().unwrap(),
        to: "2044-01-01T00:00:00Z".parse().unwrap(),
    };
    let root = new_root(&key, &subject, validity).unwrap();
    let chain = issue_signer(&root, &key, &subject, validity).unwrap();
    if name == "release" {
        context.write("root.crt", root.to_pem());
    }
    let chain: String = chain.iter().map(Certificate::to_pem).collect();
    context.write(&format!("{name}.crt"), chain);
}

fn revoke(context: &TestContext, what: &str) {
    let begin = ["trust", "revocation", "add", "--quiet", "revoked.json", what];
    context.expect(0, &[&begin[..], &["--key", "security.key", "--reason", "stolen"]].concat());
}

impl Lab {
    fn name(&self, place: &str) -> String {
        format!("{}/{place}", self.server.host)
    }

    fn push(&self, place: &str) {
        let name = self.name(place);
        self.context.write("app/file", place);
        self.context.write("app/Dockerfile", "FROM scratch\nCOPY file /file\n");
        self.context.expect(0, &["build", "--quiet", "-t", &name, "app"]);
        self.context.expect(0, &["push", "--quiet", &name]);
    }

    // The signature is pushed to where the image is.
    fn sign(&self, place: &str, options: &[&str]) {
        let name = self.name(place);
        self.context.expect(0, &[&["sign", "--quiet", "--push"], options, &[&name]].concat());
    }

    fn pull(&self, place: &str) -> (bool, String) {
        skopeo(&["inspect", "--tls-verify=false", &format!("docker://{}", self.name(place))])
    }

    #[track_caller]
    fn given(&self, place: &str) {
        let (is_given, text) = self.pull(place);
        assert!(is_given, "{place}: {text}");
    }

    #[track_caller]
    fn refused(&self, place: &str, reason: &str) {
        let (is_given, text) = self.pull(place);
        assert!(
            !is_given && text.contains("denied: the trust gate refuses it: "),
            "{place}: {text}"
        );
        assert!(text.contains(reason), "{place}: {text}");
    }

    #[track_caller]
    fn soon_given(&self, place: &str) {
        let begin = Instant::now();
        while !self.pull(place).0 {
            let (_, text) = self.pull(place);
            assert!(begin.elapsed() < Duration::from_secs(30), "{place}: {text}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    // Files are looked at once a second.
    #[track_caller]
    fn soon_refused(&self, place: &str, reason: &str) {
        let begin = Instant::now();
        while self.pull(place).0 {
            assert!(begin.elapsed() < Duration::from_secs(30), "{place} is still given out");
            std::thread::sleep(Duration::from_millis(200));
        }
        self.refused(place, reason);
    }

    fn copy(&self, from: &str, to: &str) {
        let (from, to) = (self.name(from), self.name(to));
        let (is_done, text) = skopeo(&[
            "copy",
            "-q",
            "--insecure-policy",
            "--src-tls-verify=false",
            "--dest-tls-verify=false",
            &format!("docker://{from}"),
            &format!("docker://{to}"),
        ]);
        assert!(is_done, "{text}");
    }

    fn digest(&self, place: &str) -> String {
        let (repository, tag) = place.split_once(':').unwrap();
        let kind = "Accept: application/vnd.oci.image.manifest.v1+json";
        let path = format!("/v2/{repository}/manifests/{tag}");
        let head = self.server.curl(&["-I", "-H", kind], &path);
        let line =
            head.lines().find(|line| line.to_lowercase().starts_with("docker-content-digest"));
        line.unwrap_or_else(|| panic!("{head}")).split_once(": ").unwrap().1.trim().to_owned()
    }

    // An image that is refused tells nobody its digest; the store that it was pushed from knows.
    fn stored_digest(&self, place: &str) -> String {
        let index: Value =
            serde_json::from_slice(&fs::read(self.context.store().join("index.json")).unwrap())
                .unwrap();
        let name = self.name(place);
        let manifests = index["manifests"].as_array().unwrap();
        let entry = manifests.iter().find(|entry| {
            entry["annotations"]["org.opencontainers.image.ref.name"] == name.as_str()
        });
        entry.unwrap()["digest"].as_str().unwrap().to_owned()
    }
}

#[test]
fn d6_signatures_of_cosign_and_notation_decide() {
    let lab = start();
    for (team, good, other) in [
        ("cosign", &["--key", "release.key", "--format", "both"][..], &["--key", "ci.key"][..]),
        (
            "notation",
            &["--as", "notation", "--key", "release.key", "--cert-chain", "release.crt"],
            &["--as", "notation", "--key", "ci.key", "--cert-chain", "ci.crt"],
        ),
    ] {
        let place = |tag: &str| format!("{team}/app:{tag}");
        for tag in ["good", "none", "other"] {
            lab.push(&place(tag));
        }
        lab.refused(&place("good"), "unsigned: no signature");
        lab.sign(&place("good"), good);
        lab.sign(&place("other"), other);
        // A push makes the refusal void at once.
        lab.given(&place("good"));
        lab.refused(&place("none"), "have it signed by whom the trust policy asks for");
        lab.refused(&place("other"), "unsigned: ");
        // Docker and others ask for the digest that the tag's answer named.
        let digest = lab.digest(&place("good"));
        lab.given(&format!("{team}/app@{digest}"));
    }
    // Cosign's signature of one image, beside another one.
    let tag = |digest: String| digest.replace(':', "-") + ".sig";
    let from = tag(lab.digest("cosign/app:good"));
    let to = tag(lab.stored_digest("cosign/app:none"));
    lab.copy(&format!("cosign/app:{from}"), &format!("cosign/app:{to}"));
    lab.refused("cosign/app:none", "tampered");
    // A key that is trusted no more.
    revoke(&lab.context, "release.pub");
    lab.soon_refused("cosign/app:good", "revoked: ");
    lab.soon_refused("notation/app:good", "revoked: ");
}

#[test]
fn d6_docker_content_trust_decides() {
    let lab = start();
    let repository = lab.name("dct/app");
    lab.push("dct/app:1");
    lab.push("dct/app:2");
    lab.refused("dct/app:1", "unsigned: no signature");
    lab.context.expect(0, &["trust", "key", "generate", "alice"]);
    lab.context.expect(0, &["trust", "signer", "add", "--key", "alice.pub", "alice", &repository]);
    let sign = |place: &str| lab.context.expect(0, &["trust", "sign", &lab.name(place)]);
    sign("dct/app:1");
    // Whoever was never told which root is right believes none.
    lab.refused("dct/app:1", "no root key is pinned for it");
    let root = lab.server.curl(&[], &format!("/v2/{repository}/_trust/tuf/root.json"));
    let root: Value = serde_json::from_str(&root).unwrap();
    let pin = root["signed"]["roles"]["root"]["keyids"][0].as_str().unwrap();
    lab.context.write("trust.toml", policy(&lab.server.host, Some(pin)));
    lab.soon_given("dct/app:1");
    let digest = lab.digest("dct/app:1");
    lab.given(&format!("dct/app@{digest}"));
    lab.refused("dct/app:2", "unsigned: ");
    // A publication counts at the next pull, whatever was remembered.
    sign("dct/app:2");
    lab.given("dct/app:2");
    lab.context.expect(0, &["trust", "revoke", "--yes", &lab.name("dct/app:2")]);
    lab.refused("dct/app:2", "unsigned: ");
    // The signed tag is pointed to another image.
    lab.context.expect(0, &["push", "--quiet", &lab.name("dct/app:2"), &lab.name("dct/app:1")]);
    lab.refused("dct/app:1", "re-pointed: ");
    let log = lab.context.expect(0, &["registry", "log", "--data", "registry"]).stdout;
    assert!(log.contains("trust.changed  -  dct/app"), "{log}");
    let refused = ["registry", "log", "--denied", "--data", "registry", "--format", "json"];
    let refused: Value = serde_json::from_str(&lab.context.expect(0, &refused).stdout).unwrap();
    let refused = refused.as_array().unwrap();
    assert!(refused.iter().any(|event| event["tag"] == "1" && event["repository"] == "dct/app"));
    assert!(refused.iter().all(|event| event["event"] == "request.denied"));
    // Each is there once: by the image, not by the address of the request too.
    assert!(refused.iter().all(|event| event["repository"] == "dct/app"), "{refused:#?}");
    let verified = lab.context.expect(0, &["registry", "log", "--verify", "--data", "registry"]);
    assert!(verified.stdout.contains("lines follow each other"), "{}", verified.stdout);
    let figures = lab.server.curl(&[], "/metrics");
    assert!(figures.contains("sealift_gate_refusals_total{gate=\"trust\"} "), "{figures}");
}

// A client of Docker's with Content Trust, which asks the registry itself for trust data: no server is named.
pub(crate) fn docker(context: &TestContext, daemon: &Docker, arguments: &[&str]) -> (bool, String) {
    let home = context.work().join("person");
    let mut command = Command::new("/usr/bin/docker");
    command.args(arguments).current_dir(&home).env("HOME", &home).stdin(Stdio::null());
    command.env("DOCKER_CONFIG", home.join(".docker")).env("DOCKER_HOST", &daemon.socket);
    command.env("DOCKER_CONTENT_TRUST", "1").env_remove("DOCKER_CONTENT_TRUST_SERVER");
    for name in ["ROOT", "REPOSITORY"] {
        command.env(format!("DOCKER_CONTENT_TRUST_{name}_PASSPHRASE"), "passphrase");
    }
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

// What the daemon says that does not ask for signatures.
pub(crate) fn plain_pull(daemon: &Docker, name: &str) -> (bool, String) {
    let output =
        Command::new("/usr/bin/docker").args(["--host", &daemon.socket, "pull", name]).output();
    let output = output.unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

#[test]
fn c1_what_docker_trust_signs_on_the_same_origin_is_given_out() {
    let context = empty_lab();
    let Some(daemon) = Docker::start(context.work().join("docker")) else { return };
    let host = free_host();
    context.expect(0, &["registry", "cert", "--host", &host, "certs"]);
    let trusted = context.work().join("person/.docker/tls").join(&host);
    fs::create_dir_all(&trusted).unwrap();
    fs::copy(context.work().join("certs/ca.crt"), trusted.join("ca.crt")).unwrap();
    let policy = |pins: &str| {
        format!(
            "version = 1\n[[signer]]\nname = \"alice\"\nroles = [\"targets/alice\"]\n{pins}\n\
             [[rule]]\nmatch = \"{host}/team/*\"\nsigners = [\"alice\"]\nformats = [\"dct\"]\n"
        )
    };
    context.write("trust.toml", policy(""));
    context.write(
        "registry.yml",
        format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: registry}}}}\n\
             http: {{addr: \"{host}\", tls: {{certificate: certs/registry.crt, key: certs/registry.key}}}}\n\
             sealift:\n  open: true\n  gate: {{name: \"{host}\", scan: false, fail_on: never, trust: trust.toml}}\n"
        ),
    );
    let authority = context.work().join("certs/ca.crt");
    let mut command = context.command(&["registry", "serve", "registry.yml"]);
    let server = Server::start(&mut command, &host, Some(authority));
    let repository = format!("{host}/team/app");
    let (signed, unsigned) = (format!("{repository}:signed"), format!("{repository}:unsigned"));
    make_image(&context, &daemon, &signed, "one");
    make_image(&context, &daemon, &unsigned, "two");
    let person = |arguments: &[&str]| {
        let (is_done, text) = docker(&context, &daemon, arguments);
        assert!(is_done, "docker {arguments:?}\n{text}");
    };
    person(&["trust", "key", "generate", "alice"]);
    person(&["trust", "signer", "add", "--key", "alice.pub", "alice", &repository]);
    person(&["push", &signed]);
    daemon.run(&["push", &unsigned]);
    let root = server.curl(&[], &format!("/v2/{repository}/_trust/tuf/root.json"));
    let root: Value = serde_json::from_str(&root).unwrap();
    let pin = root["signed"]["roles"]["root"]["keyids"][0].as_str().unwrap();
    context.write("trust.toml", policy(&format!("pins = [\"{pin}\"]")));
    daemon.run(&["rmi", &signed, &unsigned]);
    let begin = Instant::now();
    // By tag and then by digest, as the daemon does it.
    loop {
        let (is_given, text) = plain_pull(&daemon, &signed);
        if is_given {
            break;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{text}");
        std::thread::sleep(Duration::from_millis(200));
    }
    let denied = |name: &str| {
        let (is_given, text) = plain_pull(&daemon, name);
        let start = "Error response from daemon: ";
        assert!(!is_given && text.contains(start), "{text}");
        assert!(
            text.contains("denied: the trust gate refuses it: ") && text.contains("alice"),
            "{text}"
        );
    };
    denied(&unsigned);
    person(&["trust", "revoke", "--yes", &signed]);
    denied(&signed);
}
