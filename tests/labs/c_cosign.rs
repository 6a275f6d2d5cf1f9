//! C3: what cosign, skopeo and podman say of our signatures, and what we say of theirs.
//!
//! cosign 3 is wanted in `$SEALIFT_COSIGN`, cosign 2 in `$SEALIFT_COSIGN2` (`go install
//! github.com/sigstore/cosign/v3/cmd/cosign@v3.0.2`, `…/v2/cmd/cosign@v2.6.1`). Debian 12 builds its skopeo and podman
//! without sigstore; another skopeo is wanted in `$SEALIFT_SKOPEO`.

#![allow(clippy::print_stderr, reason = "what is skipped is said")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use sealift_testkit::{Access, Faults, Registry, TestContext};
use serde_json::{Value, json};

use crate::lab::{empty_lab, run};

struct Lab {
    context: TestContext,
    registry: Registry,
}

/// Debian's docker-registry on loopback: cosign uploads in a way that the registry of the tests does not know.
struct DockerRegistry {
    process: Child,
    host: String,
    _folder: tempfile::TempDir,
}

impl DockerRegistry {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        let root = folder.path().join("data");
        let text = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: \"{host}\"}}\n",
            root.display()
        );
        let config = folder.path().join("config.yml");
        fs::write(&config, text).unwrap();
        let process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry; tests/setup installs it");
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(&host).is_err() {
            assert!(Instant::now() < deadline, "docker-registry does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { process, host, _folder: folder }
    }

    fn manifest(&self, tag: &str) -> Vec<u8> {
        let url = format!("http://{}/v2/team/app/manifests/{tag}", self.host);
        let accept = "Accept: application/vnd.oci.image.manifest.v1+json";
        run("curl", &["-sf", "-H", accept, &url]).into_bytes()
    }
}

impl Drop for DockerRegistry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Lab {
    // A registry with an image that nobody has signed.
    fn new() -> Self {
        let registry = Registry::start(Access::Open, Faults::default());
        let mut context = empty_lab();
        context.set("SEALIFT_PLAIN_HTTP", &registry.host());
        context.set("COSIGN_PASSWORD", "correct horse");
        context.write("app/file", "hello\n");
        context.write("app/Dockerfile", "FROM scratch\nCOPY file /\nUSER 65532\n");
        let lab = Self { context, registry };
        lab.context.expect(0, &["build", "--quiet", "-t", &lab.image(), "app"]);
        lab.context.expect(0, &["push", "--quiet", &lab.image()]);
        lab
    }

    fn image(&self) -> String {
        format!("{}/team/app:1", self.registry.host())
    }

    fn digest(&self) -> String {
        let bytes = self.registry.manifest("team/app", "1").unwrap();
        sealift_oci::Digest::sha256(&bytes).to_string()
    }

    fn tag(&self, ending: &str) -> String {
        format!("{}.{ending}", self.digest().replace(':', "-"))
    }

    fn public(&self) -> String {
        let path = self.context.home().join(".config/sealift/keys/default.pub");
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        Command::new(program)
            .args(arguments)
            .current_dir(self.context.work())
            .env("HOME", self.context.home())
            .env("COSIGN_PASSWORD", "correct horse")
            .output()
            .unwrap_or_else(|error| panic!("cannot start {program}: {error}"))
    }
}

#[track_caller]
fn good(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn bad(output: &Output) -> String {
    assert!(!output.status.success(), "it was accepted");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn program(variable: &str, what: &str) -> Option<String> {
    let program = std::env::var(variable).ok();
    if program.is_none() {
        eprintln!("SKIPPED: no ${variable}, {what} is not tried");
    }
    program
}

// Nothing but keys: cosign 3 wants a file even where nobody looks at it.
fn write_empty_roots(lab: &Lab) {
    let root = json!({ "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1" });
    lab.context.write("root.json", root.to_string());
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "rekorTlogConfig": {},
        "tsaConfig": {},
    });
    lab.context.write("config.json", config.to_string());
}

#[test]
fn c3_cosign_accepts_our_signatures_and_attestations() {
    let lab = Lab::new();
    let image = lab.image();
    write_empty_roots(&lab);
    lab.context.write("bom.json", r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1}"#);
    let sign = ["sign", "--quiet", "--format", "both", "--annotation", "team=release", "--push"];
    lab.context.expect(0, &[&sign[..], &[&image]].concat());
    let attest = ["attest", "--quiet", "--predicate", "bom.json", "--format", "both", "--push"];
    for kind in ["cyclonedx", "custom", "https://example.com/review/v1"] {
        lab.context.expect(0, &[&attest[..], &["--type", kind, &image]].concat());
    }
    let public = lab.public();
    let common = ["--key", &public, "--insecure-ignore-tlog=true", "--allow-http-registry", &image];
    let root = ["--trusted-root", "root.json"];
    for (variable, legacy) in
        [("SEALIFT_COSIGN", true), ("SEALIFT_COSIGN", false), ("SEALIFT_COSIGN2", true)]
    {
        let Some(cosign) = program(variable, "cosign") else { continue };
        let is_new = variable == "SEALIFT_COSIGN";
        let form = format!("--new-bundle-format={}", !legacy);
        let more: Vec<&str> = if is_new { [&root[..], &[&form]].concat() } else { Vec::new() };
        let run = |arguments: &[&str]| lab.run(&cosign, &[arguments, &more, &common].concat());
        let proved: Value = serde_json::from_str(&good(&run(&["verify"]))).unwrap();
        let critical = &proved[0]["critical"];
        assert_eq!(critical["identity"]["docker-reference"], image);
        assert_eq!(critical["image"]["docker-manifest-digest"], lab.digest());
        if legacy {
            good(&run(&["verify", "-a", "team=release"]));
            let refused = bad(&run(&["verify", "-a", "team=qa"]));
            assert!(refused.contains("annotation"), "{refused}");
        }
        for kind in ["cyclonedx", "custom", "https://example.com/review/v1"] {
            good(&run(&["verify-attestation", "--type", kind]));
        }
        bad(&run(&["verify-attestation", "--type", "spdx"]));
    }
}

#[test]
fn c3_we_accept_cosigns_signatures_and_attestations() {
    let Some(cosign) = program("SEALIFT_COSIGN2", "cosign 2") else { return };
    let mut lab = Lab::new();
    write_empty_roots(&lab);
    lab.context.write("bom.json", r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1}"#);
    good(&lab.run(&cosign, &["generate-key-pair", "--output-key-prefix", "theirs"]));
    let registry = DockerRegistry::start();
    lab.context.set("SEALIFT_PLAIN_HTTP", &format!("{},{}", registry.host, lab.registry.host()));
    let name = format!("{}/team/app:1", registry.host);
    lab.context.expect(0, &["push", "--quiet", &lab.image(), &name]);
    let image = format!("{}/team/app@{}", registry.host, lab.digest());
    let common = ["--key", "theirs.key", "--allow-http-registry", "-y", &image];
    let bom = ["attest", "--type", "cyclonedx", "--predicate", "bom.json"];
    let offline = ["--tlog-upload=false"];
    good(&lab.run(&cosign, &[&["sign"], &offline[..], &common].concat()));
    good(&lab.run(&cosign, &[&bom[..], &offline, &common].concat()));
    let theirs = registry.manifest(&lab.tag("sig"));
    if let Some(newer) = program("SEALIFT_COSIGN", "cosign 3") {
        let config = ["--signing-config", "config.json"];
        good(&lab.run(&newer, &[&["sign"], &config[..], &common].concat()));
        good(&lab.run(&newer, &[&bom[..], &config, &common].concat()));
    }
    let name = format!("registry:{name}");
    let verify = ["verify", "--key", "theirs.pub", "--require", "signature,sbom", &name];
    let text = lab.context.expect(0, &verify).stdout;
    assert!(text.contains("signature: for") && text.contains("CycloneDX SBOM"), "{text}");

    // Our signature by their key stands beside theirs, which is what it was, and cosign accepts both.
    let private = lab.context.work().join("theirs.key");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&private, mode).unwrap();
    let sign = ["sign", "--quiet", "--key", "theirs.key", "--format", "legacy", &name];
    lab.context.expect(0, &sign);
    let both = registry.manifest(&lab.tag("sig"));
    let layers = |bytes: &[u8]| {
        let manifest: Value = serde_json::from_slice(bytes).unwrap();
        manifest["layers"].as_array().unwrap().clone()
    };
    assert_eq!(layers(&both).len(), 2);
    assert_eq!(layers(&both)[0], layers(&theirs)[0]);
    let text = String::from_utf8(theirs).unwrap();
    let layer = text.split("\"layers\":[").nth(1).unwrap().split(']').next().unwrap();
    assert!(String::from_utf8(both).unwrap().contains(layer), "{layer}");
    let verify =
        ["verify", "--key", "theirs.pub", "--insecure-ignore-tlog=true", "--allow-http-registry"];
    let proved: Value =
        serde_json::from_str(&good(&lab.run(&cosign, &[&verify[..], &[&image]].concat()))).unwrap();
    assert_eq!(proved.as_array().unwrap().len(), 2);
}

// A skopeo that was built with sigstore, or none.
fn skopeo(lab: &Lab) -> Option<String> {
    let skopeo = std::env::var("SEALIFT_SKOPEO").unwrap_or_else(|_| "skopeo".to_owned());
    lab.context.expect(0, &["sign", "--quiet", "--format", "legacy", "--push", &lab.image()]);
    let output = copy(lab, &skopeo);
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains("sigstore disabled") {
        eprintln!(
            "SKIPPED: this skopeo is built without sigstore; another is wanted in $SEALIFT_SKOPEO"
        );
        return None;
    }
    Some(skopeo)
}

fn copy(lab: &Lab, skopeo: &str) -> Output {
    let registries: PathBuf = lab.context.work().join("registries.d");
    fs::create_dir_all(&registries).unwrap();
    let text = "default-docker:\n  use-sigstore-attachments: true\n";
    fs::write(registries.join("default.yaml"), text).unwrap();
    let policy = json!({
        "default": [{ "type": "reject" }],
        "transports": { "docker": { lab.registry.host(): [
            { "type": "sigstoreSigned", "keyPath": lab.public() }
        ] } },
    });
    lab.context.write("policy.json", policy.to_string());
    let target = lab.context.work().join("copied");
    let _ = fs::remove_dir_all(&target);
    let from = format!("docker://{}", lab.image());
    let to = format!("dir:{}", target.display());
    let places = ["--policy", "policy.json", "--registries.d", "registries.d"];
    lab.run(skopeo, &[&places[..], &["copy", "--src-tls-verify=false", &from, &to]].concat())
}

#[test]
fn c3_skopeo_accepts_our_signature_and_refuses_altered_ones() {
    let lab = Lab::new();
    let image = lab.image();
    let Some(skopeo) = skopeo(&lab) else { return };
    good(&copy(&lab, &skopeo));

    let tag = lab.tag("sig");
    let original = lab.registry.manifest("team/app", &tag).unwrap();
    let mut manifest: Value = serde_json::from_slice(&original).unwrap();
    let signature = &mut manifest["layers"][0]["annotations"]["dev.cosignproject.cosign/signature"];
    let altered = signature.as_str().unwrap().replacen('M', "N", 1);
    *signature = altered.into();
    lab.registry.alter_manifest("team/app", &tag, |bytes| *bytes = manifest.to_string().into());
    bad(&copy(&lab, &skopeo));
    lab.registry.alter_manifest("team/app", &tag, |bytes| bytes.clone_from(&original));
    good(&copy(&lab, &skopeo));

    // Another image under the same name, with the signature of this one beside it.
    lab.context.write("app/file", "evil\n");
    lab.context.expect(0, &["build", "--quiet", "-t", &image, "app"]);
    lab.context.expect(0, &["push", "--quiet", &image]);
    bad(&copy(&lab, &skopeo));
}

#[test]
fn c3_signatures_go_where_the_image_is() {
    let lab = Lab::new();
    let image = lab.image();
    let none = lab.registry.manifest("team/app", &lab.tag("sig"));
    assert!(none.is_none());
    // In the store only.
    lab.context.expect(0, &["sign", "--quiet", "--format", "legacy", &image]);
    assert!(lab.registry.manifest("team/app", &lab.tag("sig")).is_none());
    lab.context.expect(0, &["verify", "--require", "signature", &image]);
    // With the image.
    lab.context.expect(0, &["push", "--quiet", &image]);
    let pushed = lab.registry.manifest("team/app", &lab.tag("sig")).unwrap();
    lab.context.expect(0, &["push", "--quiet", &image]);
    assert_eq!(lab.registry.manifest("team/app", &lab.tag("sig")), Some(pushed));
    // And back.
    let other = TestContext::new(env!("CARGO_BIN_EXE_sealift"));
    let mut other = other;
    other.set("SEALIFT_PLAIN_HTTP", &lab.registry.host());
    let public = lab.public();
    let verify = ["verify", "--key", &public, "--require", "signature", &image];
    other.expect(0, &verify);
    // In a layout, under a name of its own.
    lab.context.expect(0, &["save", "--quiet", &image, "-o", "image.tar"]);
    let layout = lab.context.work().join("layout");
    fs::create_dir(&layout).unwrap();
    let unpack = ["-xf", "image.tar", "-C", layout.to_str().unwrap()];
    good(&lab.run("tar", &unpack));
    let target = format!("oci-dir:{}", layout.display());
    let signed = ["--name", "elsewhere.example/app:2", "--format", "both", &target];
    lab.context.expect(0, &[&["sign", "--quiet"], &signed[..]].concat());
    let text = lab.context.expect(0, &["verify", "--require", "signature", &target]).stdout;
    assert_eq!(text.matches("signature: for elsewhere.example/app:2").count(), 2, "{text}");
    assert_eq!(text.matches(&format!("signature: for {image}")).count(), 1, "{text}");
    assert!(!layout.join("temporary").exists() && !layout.join("lock").exists());
}

#[test]
fn c5_altered_signatures_are_named() {
    let lab = Lab::new();
    let image = lab.image();
    lab.context.expect(0, &["sign", "--quiet", "--format", "legacy", "--push", &image]);
    let public = lab.public();
    let refused = || {
        let mut other = empty_lab();
        other.set("SEALIFT_PLAIN_HTTP", &lab.registry.host());
        let verify = ["verify", "--key", &public, "--require", "signature", &image];
        other.expect(4, &verify).stderr
    };
    let tag = lab.tag("sig");
    let original = lab.registry.manifest("team/app", &tag).unwrap();
    let altered = |change: &dyn Fn(&mut Value)| {
        let mut manifest: Value = serde_json::from_slice(&original).unwrap();
        change(&mut manifest["layers"][0]);
        lab.registry.alter_manifest("team/app", &tag, |bytes| *bytes = manifest.to_string().into());
        refused()
    };
    let text = altered(&|layer| layer["mediaType"] = "text/plain".into());
    assert!(text.contains("no signature by a known key"), "{text}");
    let text = altered(&|layer| {
        layer["annotations"]["dev.cosignproject.cosign/signature"] = "AAAA".into();
    });
    assert!(text.contains("no signature by a known key; one by another key or kind"), "{text}");
    lab.registry.alter_manifest("team/app", &tag, |bytes| bytes.truncate(20));
    let mut other = empty_lab();
    other.set("SEALIFT_PLAIN_HTTP", &lab.registry.host());
    let outcome = other.run(&["verify", "--key", &public, "--require", "signature", &image]);
    assert_ne!(outcome.code, 0, "{}", outcome.stdout);
}
