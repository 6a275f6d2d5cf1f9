//! E: the whole pipeline.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sealift_testkit::{Access, Faults, Registry, TestContext, shared_data};

use crate::foreign::unpack;
use crate::lab::{example, lab, run};

const NAME: &str = "registry.local:5000/secure-app:1.0.0";

/// The example, shipped.
fn shipped() -> (TestContext, String) {
    let context = lab();
    example(&context);
    let digest = context.expect(0, &["ship"]).stdout.trim().to_owned();
    (context, digest)
}

#[test]
fn e1_ship_builds_inspects_judges_and_signs() {
    let (context, first) = shipped();
    assert!(first.starts_with("registry.local:5000/secure-app@sha256:"), "{first}");

    // Again, without network: the same digest, everything cached.
    let mut command = context.command(&["ship", "--verbose"]);
    without_network(&mut command);
    let output = command.output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), first);
    for step in ["lint", "base", "build", "sbom", "scan", "policy", "sign", "push"] {
        assert!(
            errors.contains(&format!("✔ {step}")) || errors.contains(&format!("! {step}")),
            "{step}\n{errors}"
        );
    }
    assert!(errors.contains("EXAMPLE DATA"), "{errors}");

    // Foreign tools read the store.
    let layout = format!("oci:{}:{NAME}", context.store().display());
    let inspected: serde_json::Value =
        serde_json::from_str(&run("skopeo", &["inspect", &layout])).unwrap();
    assert!(first.ends_with(inspected["Digest"].as_str().unwrap()));
    let root = unpack(&context, NAME);
    assert!(root.join("srv/app/main.py").is_file());
    assert!(!root.join("run/sealift").exists(), "the CA bundle left a trace");
}

#[test]
fn e1_a_shut_gate_stops_everything() {
    let Some(advisories) = shared_data("advisories/osv") else { return };
    let context = lab();
    example(&context);
    context.write("requirements.txt", "flask==0.12.2\nrequests==2.19.1\ndjango==1.11.0\n");
    // PyYAML 3.13 no longer builds on this Python, so its metadata is laid down.
    let dockerfile = String::from_utf8(context.read("Dockerfile")).unwrap().replace(
        "\nFROM python:3.11-slim\nLABEL",
        "RUN mkdir -p /opt/venv/lib/python3.11/site-packages/PyYAML-3.13.dist-info && \
         printf 'Metadata-Version: 2.1\\nName: PyYAML\\nVersion: 3.13\\n' \
         > /opt/venv/lib/python3.11/site-packages/PyYAML-3.13.dist-info/METADATA\n\nFROM python:3.11-slim\nLABEL",
    );
    assert!(dockerfile.contains("PyYAML"));
    context.write("Dockerfile", dockerfile);
    let registry = Registry::start(Access::Open, Faults::default());
    let destination = format!("{}/secure-app:1.0.0", registry.host());
    let advisories = advisories.to_str().unwrap();
    let arguments =
        ["ship", "--advisories", advisories, "--push", &destination, "--report", "report.json"];
    let outcome = context.expect(1, &arguments);
    let report = String::from_utf8(context.read("report.json")).unwrap();
    for id in ["CVE-2018-1000656", "CVE-2018-18074", "CVE-2017-18342"] {
        assert!(report.contains(id), "{id} is not in the report");
        assert!(outcome.stderr.contains(id), "{id} is not in the table");
    }
    let parsed: serde_json::Value = serde_json::from_str(&report).unwrap();
    let findings = parsed["Results"].as_array().unwrap().iter();
    let findings =
        findings.flat_map(|result| result["Vulnerabilities"].as_array().into_iter().flatten());
    let of_django = findings
        .filter(|finding| {
            finding["PkgName"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("django"))
        })
        .count();
    assert!(of_django >= 16, "{of_django} django entries");
    assert!(outcome.stderr.contains("the scan gate is shut"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("hint:"), "{}", outcome.stderr);
    assert!(registry.log().is_empty(), "something was pushed: {:?}", registry.log());
    let images = context.expect(0, &["images"]).stdout;
    assert!(!images.contains("secure-app"), "a refused image has a name: {images}");
}

#[test]
fn e1_ship_pushes_and_the_consumer_verifies_from_the_registry() {
    let (producer, _) = shipped();
    let registry = Registry::start(Access::Basic("alice", "secret"), Faults::default());
    // alice:secret
    let login = format!(r#"{{"auths":{{"{}":{{"auth":"YWxpY2U6c2VjcmV0"}}}}}}"#, registry.host());
    let destination = format!("{}/team/secure-app:1.0.0", registry.host());
    producer.expect(3, &["ship", "--push", &destination]);
    fs::create_dir(producer.home().join(".docker")).unwrap();
    fs::write(producer.home().join(".docker/config.json"), &login).unwrap();
    producer.expect(0, &["ship", "--push", &destination]);

    let consumer = TestContext::new(env!("CARGO_BIN_EXE_sealift"));
    fs::create_dir(consumer.home().join(".docker")).unwrap();
    fs::write(consumer.home().join(".docker/config.json"), &login).unwrap();
    let key = producer.home().join(".config/sealift/keys/default.pub");
    let key = key.to_str().unwrap();
    let proved = consumer.expect(0, &["verify", "--key", key, &destination]).stdout;
    for line in
        ["signature: for", "SPDX SBOM", "vulnerability report", "provenance", "policy: passed"]
    {
        assert!(proved.contains(line), "{line}\n{proved}");
    }
    // A key of somebody else proves nothing.
    let stranger = TestContext::new(env!("CARGO_BIN_EXE_sealift"));
    stranger.expect(2, &["verify", &format!("oci-dir:{}:{NAME}", producer.store().display())]);
}

#[test]
fn e2_every_altered_byte_is_refused_by_name() {
    let (context, _) = shipped();
    let whole = context.expect(0, &["verify", NAME]).stdout;
    assert!(whole.contains("policy: passed by 2 policies at hand, judged again"), "{whole}");
    let store = context.store();
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(store.join("index.json")).unwrap()).unwrap();
    let entries = index["manifests"].as_array().unwrap();
    let blob = |digest: &str| store.join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
    let read = |digest: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(blob(digest)).unwrap()).unwrap()
    };
    let image = entries.iter().find(|entry| {
        entry["annotations"]["org.opencontainers.image.ref.name"].as_str() == Some(NAME)
    });
    let image = image.unwrap()["digest"].as_str().unwrap();
    let manifest = read(image);
    let artifact = |kind: &str| {
        let found = entries.iter().find(|entry| {
            entry["annotations"]["dev.sigstore.bundle.predicateType"].as_str() == Some(kind)
        });
        found.unwrap()["digest"].as_str().unwrap().to_owned()
    };
    let signature = artifact("https://sigstore.dev/cosign/sign/v1");
    let attestation = artifact("https://spdx.dev/Document");
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    let bundle_of =
        |artifact: &str| read(artifact)["layers"][0]["digest"].as_str().unwrap().to_owned();
    for (what, digest, expected) in [
        ("layer", layer.to_owned(), "layer 1"),
        ("manifest", image.to_owned(), image),
        ("config", manifest["config"]["digest"].as_str().unwrap().to_owned(), "sha256"),
        ("signature", bundle_of(&signature), "signature"),
        ("signature's manifest", signature.clone(), "signature"),
        ("attestation", bundle_of(&attestation), "https://spdx.dev/Document"),
        ("attestation's manifest", attestation.clone(), "https://spdx.dev/Document"),
    ] {
        let path = blob(&digest);
        let original = fs::read(&path).unwrap();
        for place in [original.len() / 2, original.len() - 2] {
            let mut altered = original.clone();
            altered[place] ^= 1;
            replace(&path, &altered);
            let outcome = context.run(&["verify", NAME]);
            assert_eq!(outcome.code, 4, "{what}: {}", outcome.stderr);
            let line = outcome.stderr.lines().next().unwrap();
            assert!(line.contains(expected), "{what}: {line}");
        }
        replace(&path, &original);
    }
    context.expect(0, &["verify", NAME]);
}

// Blobs may be links to those of other tests.
fn replace(path: &Path, bytes: &[u8]) {
    fs::remove_file(path).unwrap();
    fs::write(path, bytes).unwrap();
}

#[test]
fn e2_a_policy_that_refuses_and_a_missing_attestation() {
    let (context, _) = shipped();
    context.write(
        "strict.rego",
        "package strict\ndeny[msg] { input.image.tag == \"1.0.0\"; msg := \"not this one\" }\n",
    );
    let refused = context.expect(4, &["verify", "--policy", "strict.rego", NAME]).stderr;
    assert!(refused.contains("not this one"), "{refused}");
    context.write("scratch/Dockerfile", "FROM scratch\nLABEL a=b\n");
    context.expect(0, &["build", "-t", "unsigned:1", "scratch"]);
    let refused = context.expect(4, &["verify", "unsigned:1"]).stderr;
    assert!(refused.contains("no signature"), "{refused}");
}

#[test]
fn e1_bad_input_gives_one_clear_error() {
    let context = lab();
    for (dockerfile, code, expected) in [
        ("FORM python:3.11-slim\n", 3, "FORM"),
        ("FROM python:3.11-slim\nCOPY nothing.txt /\n", 3, "nothing.txt"),
        ("FROM python:3.11-slim\nRUN echo before; exit 7\n", 3, "exit 7"),
        ("FROM nowhere.invalid/base:1\n", 3, "nowhere.invalid/base:1"),
    ] {
        context.write("bad/Dockerfile", dockerfile);
        let outcome = context.run(&["build", "-t", "bad:1", "bad"]);
        assert_eq!(outcome.code, code, "{dockerfile}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(expected), "{dockerfile}: {}", outcome.stderr);
        assert_eq!(errors(&outcome.stderr), 1, "{}", outcome.stderr);
        assert!(outcome.stdout.is_empty());
    }
    assert!(leftovers(&context.store()).is_empty(), "{:?}", leftovers(&context.store()));
}

#[test]
fn e1_interrupted_in_the_middle_of_run() {
    let context = lab();
    context.write(
        "slow/Dockerfile",
        "FROM python:3.11-slim\nRUN echo marker-of-this-lab; sleep 4321\n",
    );
    let mut child = context
        .command(&["build", "--verbose", "-t", "slow:1", "slow"])
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    // The step's own output says that it runs.
    let mut errors = std::io::BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("| marker-of-this-lab") {
        line.clear();
        assert!(
            std::io::BufRead::read_line(&mut errors, &mut line).unwrap() > 0,
            "the step never ran"
        );
    }
    let started = Instant::now();
    run("kill", &["-INT", &child.id().to_string()]);
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(!is_running("sleep\u{0}4321"), "the step's process is still there");
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!mounts.contains(context.store().to_str().unwrap()), "a mount is left");
    assert!(leftovers(&context.store()).is_empty(), "{:?}", leftovers(&context.store()));
    context.write("quick/Dockerfile", "FROM python:3.11-slim\nRUN true\n");
    context.expect(0, &["build", "-t", "quick:1", "quick"]);
}

#[test]
fn e1_a_full_disk_is_one_clear_error() {
    if !rustix_is_root() {
        eprintln!("SKIPPED: a small disk can only be mounted by root");
        return;
    }
    let context = lab();
    let disk = context.work().join("disk");
    fs::create_dir(&disk).unwrap();
    run("mount", &["-t", "tmpfs", "-o", "size=8m", "tmpfs", disk.to_str().unwrap()]);
    let guard = Unmount(disk.clone());
    context.write("big/Dockerfile", "FROM scratch\nCOPY big /\n");
    context.write("big/big", vec![1; 12 << 20]);
    let store = disk.join("store");
    let outcome = context.run(&["--store", store.to_str().unwrap(), "build", "-t", "big:1", "big"]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(outcome.stderr.to_lowercase().contains("no space left"), "{}", outcome.stderr);
    assert_eq!(errors(&outcome.stderr), 1, "{}", outcome.stderr);
    assert!(leftovers(&store).is_empty(), "{:?}", leftovers(&store));
    // The store still works for what fits.
    context.write("big/big", "small");
    context.expect(0, &["--store", store.to_str().unwrap(), "build", "-t", "big:1", "big"]);
    drop(guard);
}

fn errors(text: &str) -> usize {
    text.lines().filter(|line| line.starts_with("error:")).count()
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        run("umount", &[self.0.to_str().unwrap()]);
    }
}

fn rustix_is_root() -> bool {
    run("id", &["-u"]).trim() == "0"
}

fn leftovers(store: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(store.join("temporary")).unwrap();
    entries.flatten().map(|entry| entry.path()).collect()
}

fn is_running(command_line: &str) -> bool {
    fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        fs::read_to_string(entry.path().join("cmdline"))
            .is_ok_and(|text| text.contains(command_line))
    })
}

fn without_network(command: &mut Command) {
    // Any lookup or connection through these fails at once.
    for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env(name, "http://127.0.0.1:1");
    }
}

#[test]
fn e1_ship_as_an_ordinary_user() {
    if !rustix_is_root() {
        eprintln!("SKIPPED: this runs as an ordinary user already, so that the other labs show it");
        return;
    }
    let context = lab();
    example(&context);
    let folder = context.work().parent().unwrap().to_owned();
    run("chown", &["-R", "sealift-lab:", folder.to_str().unwrap()]);
    let as_user = |arguments: &[&str]| {
        let ours = context.command(arguments);
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=sealift-lab", "--regid=sealift-lab", "--init-groups"])
            .arg(ours.get_program());
        command.args(ours.get_args()).current_dir(context.work()).env_clear();
        command.envs(ours.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{errors}");
        (String::from_utf8(output.stdout).unwrap(), errors)
    };
    let (first, _) = as_user(&["ship"]);
    let (second, said) = as_user(&["ship"]);
    assert_eq!(first, second);
    assert!(said.contains("6 steps, 6 cached"), "{said}");
    let (proved, _) = as_user(&["verify", NAME]);
    assert!(proved.contains("judged again"), "{proved}");
    // Owners are those of the image, not of the user who built it.
    let layout = format!("{}:{NAME}", context.store().display());
    let bundle = context.work().join("bundle");
    run("umoci", &["unpack", "--image", &layout, bundle.to_str().unwrap()]);
    let owner =
        run("stat", &["-c", "%u:%g", bundle.join("rootfs/srv/app/main.py").to_str().unwrap()]);
    assert_eq!(owner.trim(), "65532:65532");
    let owner = run("stat", &["-c", "%u:%g", bundle.join("rootfs/opt/venv/bin").to_str().unwrap()]);
    assert_eq!(owner.trim(), "0:0");
}

#[test]
fn e1_ship_pushes_to_a_real_registry_over_tls() {
    let context = lab();
    example(&context);
    let server = RealRegistry::start(&context.work().join("registry"));
    let destination = format!("localhost:{}/team/secure-app:1.0.0", server.port);
    fs::create_dir(context.home().join(".docker")).unwrap();
    // alice:secret
    let login =
        format!(r#"{{"auths":{{"localhost:{}":{{"auth":"YWxpY2U6c2VjcmV0"}}}}}}"#, server.port);
    fs::write(context.home().join(".docker/config.json"), login).unwrap();
    let refused = context.expect(3, &["ship", "--push", &destination]).stderr;
    assert!(refused.contains("certificate"), "{refused}");
    let authority = server.certificate.to_str().unwrap();
    context.expect(0, &["--registry-ca", authority, "ship", "--push", &destination]);
    let folder = server.certificate.parent().unwrap().to_str().unwrap();
    let image = format!("docker://{destination}");
    let inspect = ["inspect", "--creds", "alice:secret", "--cert-dir", folder, &image];
    let inspected: serde_json::Value = serde_json::from_str(&run("skopeo", &inspect)).unwrap();
    // This registry has no list of referrers, so the tag schema holds them.
    let digest = inspected["Digest"].as_str().unwrap().replace(':', "-");
    let tags = inspected["RepoTags"].as_array().unwrap();
    assert!(tags.iter().any(|tag| tag.as_str() == Some(&digest)), "{tags:?}");
    let mut consumer = TestContext::new(env!("CARGO_BIN_EXE_sealift"));
    consumer.set("SEALIFT_REGISTRY_CA", authority);
    consumer.set("DOCKER_CONFIG", context.home().join(".docker").to_str().unwrap());
    consumer.expect(0, &["pull", &destination]);
    let key = context.home().join(".config/sealift/keys/default.pub");
    let proved =
        consumer.expect(0, &["verify", "--key", key.to_str().unwrap(), &destination]).stdout;
    assert!(proved.contains("provenance"), "{proved}");
}

/// Debian's docker-registry with TLS and htpasswd.
struct RealRegistry {
    process: std::process::Child,
    port: u16,
    certificate: PathBuf,
}

impl RealRegistry {
    fn start(folder: &Path) -> Self {
        fs::create_dir(folder).unwrap();
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let (certificate, key) = (path("ca.crt"), path("key.pem"));
        // What openssl makes by itself says that it is an authority; that is what most people have.
        let subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
        let mut request =
            vec!["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
        request.extend(["-days", "2", "-out", &certificate, "-keyout", &key]);
        request.extend(subject);
        run("openssl", &request);
        let users = run("htpasswd", &["-Bbn", "alice", "secret"]);
        fs::write(folder.join("htpasswd"), users).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\n\
             http: {{addr: 'localhost:{port}', tls: {{certificate: {certificate}, key: {key}}}}}\n\
             auth: {{htpasswd: {{realm: lab, path: {}}}}}\n",
            path("data"),
            path("htpasswd")
        );
        fs::write(folder.join("config.yml"), config).unwrap();
        let process = Command::new("docker-registry")
            .args(["serve", &path("config.yml")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("docker-registry; tests/setup installs it");
        let deadline = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "docker-registry does not listen");
            std::thread::yield_now();
        }
        Self { process, port, certificate: PathBuf::from(certificate) }
    }
}

impl Drop for RealRegistry {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
