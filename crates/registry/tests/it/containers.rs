//! The clients that people have for images, unchanged: Docker's daemon with Debian's client and another, Podman, Buildah
//! and Skopeo. `tests/setup` installs those of Debian.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use sealift_access::{Parts, Passwords};
use sealift_crypto::SigningKey;
use sealift_registry::{Hooks, Options};
use tempfile::TempDir;

use crate::lab::{Lab, Setup};
use crate::token_server;

const DEBIAN: &str = "/usr/bin/docker";
const POLICY: &str = r#"{"default":[{"type":"insecureAcceptAnything"}]}"#;

#[expect(clippy::print_stderr, reason = "a skipped test must say so aloud")]
fn is_there(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap();
    if !found.status.success() {
        eprintln!("SKIPPED: {program} is not installed; tests/setup installs it");
    }
    found.status.success()
}

fn passwords() -> Parts {
    let hash = bcrypt::hash("secret123", 4).unwrap();
    let passwords = Some(Passwords::parse(format!("alice:{hash}\n").as_bytes()).unwrap());
    Parts { realm: "lab".to_owned(), passwords, ..Parts::default() }
}

fn tokens() -> Parts {
    let key = SigningKey::generate_p256();
    let copy = SigningKey::from_pkcs8_der(key.pkcs8().unwrap().expose()).unwrap();
    let realm = token_server::start(copy);
    token_server::parts(&key, &realm)
}

fn registry(parts: Parts) -> Lab {
    let setup = Setup { parts, has_tls: true, ..Setup::default() };
    Lab::registry(setup, Hooks::default(), Options::default())
}

/// A home with what clients want to know, and programs that run in it.
struct Desk {
    home: TempDir,
    host: String,
    daemon: Option<Child>,
}

impl Desk {
    fn new(lab: &Lab) -> Self {
        let home = tempfile::tempdir().unwrap();
        let host = format!("localhost:{}", lab.address.port());
        let certificate = lab.folder.path().join("server.crt");
        for place in [format!("certs/{host}"), format!(".docker/tls/{host}")] {
            let folder = home.path().join(place);
            fs::create_dir_all(&folder).unwrap();
            fs::copy(&certificate, folder.join("ca.crt")).unwrap();
        }
        fs::write(home.path().join("policy.json"), POLICY).unwrap();
        let storage = format!(
            "[storage]\ndriver = \"vfs\"\nrunroot = \"{0}/run\"\ngraphroot = \"{0}/graph\"\n",
            home.path().display()
        );
        fs::write(home.path().join("storage.conf"), storage).unwrap();
        fs::write(home.path().join("containers.conf"), "[engine]\n").unwrap();
        Self { home, host, daemon: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn attempt(&self, program: &str, arguments: &[&str], input: &str) -> Output {
        let home = self.home.path();
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(home)
            .env("HOME", home)
            .env("DOCKER_CONFIG", self.path(".docker"))
            .env("DOCKER_HOST", format!("unix://{}/docker.sock", home.display()))
            .env("DOCKER_CONTENT_TRUST_ROOT_PASSPHRASE", "passphrase")
            .env("DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE", "passphrase")
            .env_remove("DOCKER_CONTENT_TRUST_SERVER")
            .env("REGISTRY_AUTH_FILE", self.path("auth.json"))
            .env("CONTAINERS_STORAGE_CONF", self.path("storage.conf"))
            .env("CONTAINERS_CONF", self.path("containers.conf"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    #[track_caller]
    fn run(&self, program: &str, arguments: &[&str]) -> String {
        let output = self.attempt(program, arguments, "");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}\n{text}{complaint}");
        text
    }

    // What it complains of.
    #[track_caller]
    fn refused(&self, program: &str, arguments: &[&str], input: &str) -> String {
        let output = self.attempt(program, arguments, input);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!output.status.success(), "{program} {arguments:?}\n{text}");
        text + &String::from_utf8_lossy(&output.stderr)
    }

    /// A daemon of Docker; it takes the certificate of `localhost` without asking.
    #[expect(clippy::print_stderr, reason = "a skipped test must say so aloud")]
    fn start_docker(&mut self) -> bool {
        if !is_there("dockerd") || !is_there(DEBIAN) {
            return false;
        }
        if fs::read_dir("/root").is_err() {
            eprintln!("SKIPPED: only root can start a Docker daemon");
            return false;
        }
        let path = |name: &str| self.path(name).to_str().unwrap().to_owned();
        let socket = format!("unix://{}", path("docker.sock"));
        let daemon = Command::new("dockerd")
            .args(["--host", &socket, "--data-root", &path("data"), "--exec-root", &path("exec")])
            .args(["--pidfile", &path("pid"), "--bridge", "none", "--iptables=false"])
            .args(["--storage-driver", "vfs"])
            .stdout(Stdio::null())
            .stderr(fs::File::create(path("docker.log")).unwrap())
            .spawn()
            .unwrap();
        self.daemon = Some(daemon);
        let deadline = Instant::now() + Duration::from_mins(1);
        while !self.attempt(DEBIAN, &["version"], "").status.success() {
            assert!(Instant::now() < deadline, "Docker's daemon does not come up");
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }

    /// An image of one file, in Docker.
    fn import(&self, docker: &str, name: &str, content: &str) {
        fs::create_dir_all(self.path("root")).unwrap();
        fs::write(self.path("root/file"), content).unwrap();
        self.run("tar", &["-C", "root", "-cf", "root.tar", "file"]);
        self.run(docker, &["import", "root.tar", name]);
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        // SIGTERM, so that it takes its mounts with it.
        let _ = Command::new("kill").arg(daemon.id().to_string()).status();
        let _ = daemon.wait();
    }
}

// Debian's client and the other one on the path.
fn dockers() -> Vec<&'static str> {
    let other = "/usr/local/bin/docker";
    [DEBIAN, other].into_iter().filter(|program| Path::new(program).exists()).collect()
}

fn docker_works(parts: Parts) {
    let lab = registry(parts);
    let mut desk = Desk::new(&lab);
    if !desk.start_docker() {
        return;
    }
    let host = desk.host.clone();
    for (number, docker) in dockers().into_iter().enumerate() {
        let image = format!("{host}/team/app{number}:1");
        desk.import(docker, &image, &format!("content {number}"));
        let refused = desk.refused(docker, &["push", &image], "");
        assert!(
            refused.contains("no basic auth")
                || refused.contains("authoriz")
                || refused.contains("denied"),
            "{refused}"
        );
        let login = ["login", "--username", "alice", "--password-stdin", &host];
        desk.refused(docker, &login, "wrong");
        let output = desk.attempt(docker, &login, "secret123");
        assert!(output.status.success(), "{output:?}");
        let pushed = desk.run(docker, &["push", &image]);
        assert!(pushed.contains("digest: sha256:"), "{pushed}");
        // A layer that is there is mounted.
        let other = format!("{host}/team/copy{number}:1");
        desk.run(docker, &["tag", &image, &other]);
        let copied = desk.run(docker, &["push", &other]);
        assert!(copied.contains("Mounted from") || copied.contains("already exists"), "{copied}");
        desk.run(docker, &["rmi", &image, &other]);
        desk.run(docker, &["pull", &image]);
        desk.run(docker, &["save", "-o", "saved.tar", &image]);
        let unknown = desk.refused(docker, &["pull", &format!("{host}/team/none:1")], "");
        assert!(unknown.contains("manifest unknown"), "{unknown}");
        desk.run(docker, &["rmi", &image]);
        desk.run(docker, &["logout", &host]);
    }
}

#[test]
fn d3_docker_with_passwords() {
    docker_works(passwords());
}

#[test]
fn d3_docker_with_tokens() {
    docker_works(tokens());
}

#[test]
fn docker_trust_needs_no_setting() {
    let lab = registry(passwords());
    let mut desk = Desk::new(&lab);
    if !desk.start_docker() {
        return;
    }
    let image = format!("{}/team/signed:1", desk.host);
    for docker in dockers() {
        let has_trust = desk.attempt(docker, &["trust", "--help"], "").status.success();
        if !has_trust {
            continue;
        }
        desk.import(docker, &image, docker);
        let login = ["login", "--username", "alice", "--password-stdin", &desk.host];
        assert!(desk.attempt(docker, &login, "secret123").status.success());
        desk.run(docker, &["trust", "sign", &image]);
        let shown = desk.run(docker, &["trust", "inspect", "--pretty", &image]);
        assert!(shown.contains("SIGNED TAG") && shown.contains("alice"), "{shown}");
    }
}

fn copies(desk: &Desk, source: &str, target: &str, more: &[&str]) {
    let certificates = desk.path(&format!("certs/{}", desk.host));
    let certificates = certificates.to_str().unwrap();
    let mut arguments = vec!["--policy", "policy.json", "copy"];
    for (place, flag) in [(source, "--src-cert-dir"), (target, "--dest-cert-dir")] {
        if place.starts_with("docker://") {
            arguments.extend([flag, certificates]);
        }
    }
    arguments.extend(more);
    arguments.extend([source, target]);
    desk.run("skopeo", &arguments);
}

// An OCI layout with one image of one layer.
fn layout(desk: &Desk, content: &str) -> String {
    use sealift_oci::Digest;
    use serde_json::json;
    let place = desk.path("layout/blobs/sha256");
    fs::create_dir_all(&place).unwrap();
    let keep = |bytes: &[u8]| {
        let digest = Digest::sha256(bytes);
        fs::write(place.join(digest.hex()), bytes).unwrap();
        json!({ "digest": digest.to_string(), "size": bytes.len() })
    };
    fs::write(desk.path("file"), content).unwrap();
    desk.run("tar", &["-cf", "layer.tar", "file"]);
    let layer = fs::read(desk.path("layer.tar")).unwrap();
    let with = |mut descriptor: serde_json::Value, kind: &str| {
        descriptor["mediaType"] = json!(kind);
        descriptor
    };
    let diff = Digest::sha256(&layer).to_string();
    let layer = with(keep(&layer), "application/vnd.oci.image.layer.v1.tar");
    let config = json!({
        "architecture": "amd64", "os": "linux",
        "rootfs": { "type": "layers", "diff_ids": [diff] }, "config": {},
    });
    let config =
        with(keep(config.to_string().as_bytes()), "application/vnd.oci.image.config.v1+json");
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer] });
    let mut manifest = with(keep(manifest.to_string().as_bytes()), kind);
    manifest["annotations"] = json!({ "org.opencontainers.image.ref.name": "1" });
    let index = json!({ "schemaVersion": 2, "manifests": [manifest] });
    fs::write(desk.path("layout/index.json"), index.to_string()).unwrap();
    fs::write(desk.path("layout/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    "oci:layout:1".to_owned()
}

fn skopeo_works(parts: Parts) {
    if !is_there("skopeo") {
        return;
    }
    let lab = registry(parts);
    let desk = Desk::new(&lab);
    let host = desk.host.clone();
    let certificates = format!("certs/{host}");
    let named = |name: &str| format!("docker://{host}/{name}");
    let login = ["login", "--cert-dir", &certificates, "-u", "alice", "--password-stdin", &host];
    desk.refused("skopeo", &login, "wrong");
    assert!(desk.attempt("skopeo", &login, "secret123").status.success());
    let source = layout(&desk, "skopeo");
    copies(&desk, &source, &named("team/app:oci"), &[]);
    copies(&desk, &source, &named("team/app:docker"), &["--format", "v2s2"]);
    copies(&desk, &named("team/app:oci"), &named("team/copy:1"), &[]);
    copies(&desk, &named("team/app:docker"), "oci:back:1", &[]);
    let list = desk.run("skopeo", &["list-tags", "--cert-dir", &certificates, &named("team/app")]);
    assert!(list.contains("\"docker\"") && list.contains("\"oci\""), "{list}");
    let shown =
        desk.run("skopeo", &["inspect", "--cert-dir", &certificates, &named("team/app:oci")]);
    assert!(shown.contains("\"Digest\": \"sha256:"), "{shown}");
    desk.run("skopeo", &["delete", "--cert-dir", &certificates, &named("team/app:oci")]);
    let gone = desk.refused(
        "skopeo",
        &["inspect", "--cert-dir", &certificates, &named("team/app:oci")],
        "",
    );
    assert!(gone.contains("manifest unknown"), "{gone}");
}

#[test]
fn d3_skopeo_with_passwords() {
    skopeo_works(passwords());
}

#[test]
fn d3_skopeo_with_tokens() {
    skopeo_works(tokens());
}

#[test]
fn d3_podman_and_buildah() {
    for program in ["podman", "buildah"] {
        if !is_there(program) || !is_there("skopeo") {
            continue;
        }
        let lab = registry(passwords());
        let desk = Desk::new(&lab);
        let host = desk.host.clone();
        let certificates = format!("certs/{host}");
        let login =
            ["login", "--cert-dir", &certificates, "-u", "alice", "--password-stdin", &host];
        let output = desk.attempt(program, &login, "secret123");
        assert!(output.status.success(), "{output:?}");
        copies(&desk, &layout(&desk, program), &format!("docker://{host}/team/base:1"), &[]);
        let base = format!("{host}/team/base:1");
        desk.run(
            program,
            &["pull", "--signature-policy", "policy.json", "--cert-dir", &certificates, &base],
        );
        let image = format!("{host}/team/{program}:1");
        desk.run(program, &["tag", &base, &image]);
        let push = ["push", "--signature-policy", "policy.json", "--cert-dir", &certificates];
        desk.run(program, &[&push[..], &[image.as_str()]].concat());
        let list = format!("{host}/team/{program}:list");
        desk.run(program, &["manifest", "create", &list, &format!("containers-storage:{image}")]);
        let all = format!("docker://{list}");
        let push = ["manifest", "push", "--all", "--cert-dir", &certificates];
        desk.run(program, &[&push[..], &[list.as_str(), all.as_str()]].concat());
        let raw = ["inspect", "--raw", "--cert-dir", &certificates, &all];
        assert!(desk.run("skopeo", &raw).contains("\"manifests\""));
        if program == "podman" {
            let search = ["search", "--tls-verify=false", &format!("{host}/")];
            let found = desk.run("podman", &search);
            assert!(found.contains("team/podman"), "{found}");
        }
    }
}
