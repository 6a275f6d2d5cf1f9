//! C1: Docker's own client against our server of trust data, with a real daemon and a real registry.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sealift_testkit::TestContext;

use crate::docker::Docker;
use crate::lab::{empty_lab, run, static_program};

const DEBIAN: &str = "/usr/bin/docker";

/// A program that ends with the test.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// `sealift trust serve`, and the address that it says it listens on.
fn serve(context: &TestContext, more: &[&str]) -> (Service, String) {
    let arguments =
        ["trust", "serve", "--listen", "127.0.0.1:0", "--data", "data", "--tls-self-signed"];
    let mut child =
        context.command(&[&arguments, more].concat()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let port = first.rsplit_once(':').map(|(_, port)| port.to_owned()).unwrap_or_default();
    assert!(!port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()), "{first}");
    // Nobody reads the log, but it must go somewhere.
    std::thread::spawn(move || lines.map_while(Result::ok).count());
    (Service(child), format!("localhost:{port}"))
}

// Debian's registry, without credentials, and its address.
fn registry(context: &TestContext) -> (Service, String) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let host = format!("localhost:{port}");
    context.write(
        "registry.yml",
        format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '127.0.0.1:{port}'}}\n",
            context.work().join("registry").display()
        ),
    );
    let child = Command::new("docker-registry")
        .args(["serve", "registry.yml"])
        .current_dir(context.work())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("docker-registry; tests/setup installs it");
    let service = Service(child);
    for _ in 0..200 {
        if TcpStream::connect(&host).is_ok() {
            return (service, host);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("docker-registry does not listen");
}

/// Somebody with a Docker client and a home.
struct Person<'a> {
    client: &'a Path,
    home: PathBuf,
    docker: &'a Docker,
    server: &'a str,
}

impl<'a> Person<'a> {
    fn new(
        context: &TestContext,
        name: &str,
        client: &'a Path,
        docker: &'a Docker,
        server: &'a str,
    ) -> Self {
        let home = context.work().join(name);
        let trusted = home.join(".docker/tls").join(server);
        fs::create_dir_all(&trusted).unwrap();
        fs::copy(context.work().join("data/server.crt"), trusted.join("ca.crt")).unwrap();
        Self { client, home, docker, server }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.home).env("HOME", &self.home).env("DOCKER_CONTENT_TRUST", "1");
        command.env("DOCKER_CONFIG", self.home.join(".docker"));
        command.env("DOCKER_HOST", &self.docker.socket);
        command.env("DOCKER_CONTENT_TRUST_SERVER", format!("https://{}", self.server));
        for name in ["ROOT", "REPOSITORY"] {
            command.env(format!("DOCKER_CONTENT_TRUST_{name}_PASSPHRASE"), "passphrase");
        }
        for name in ["ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"] {
            command.env(format!("NOTARY_{name}_PASSPHRASE"), "passphrase");
        }
        command.stdin(Stdio::null());
        command
    }

    // Whether it succeeds, and all that it says.
    fn attempt(&self, arguments: &[&str]) -> (bool, String) {
        finish(self.command(self.client).args(arguments))
    }

    #[track_caller]
    fn docker(&self, arguments: &[&str]) -> String {
        let (is_success, text) = self.attempt(arguments);
        assert!(is_success, "docker {arguments:?}\n{text}");
        text
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], reason: &str) {
        let (is_success, text) = self.attempt(arguments);
        assert!(!is_success && text.contains(reason), "docker {arguments:?}\n{text}");
    }

    #[track_caller]
    fn notary(&self, arguments: &[&str]) {
        let certificate = format!(".docker/tls/{}/ca.crt", self.server);
        let url = format!("https://{}", self.server);
        let global = ["-s", &url, "-d", ".docker/trust", "--tlscacert", &certificate];
        let (is_success, text) =
            finish(self.command(Path::new("notary")).args(global).args(arguments));
        assert!(is_success, "notary {arguments:?}\n{text}");
    }
}

fn finish(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

// An image with one file that says which it is.
pub(crate) fn make_image(context: &TestContext, docker: &Docker, name: &str, content: &str) {
    let root = context.work().join("root");
    fs::create_dir_all(&root).unwrap();
    fs::write(root.join("busybox"), static_program()).unwrap();
    fs::write(root.join("content"), content).unwrap();
    let tar = context.work().join("root.tar");
    let tar = tar.to_str().unwrap();
    run("tar", &["-C", root.to_str().unwrap(), "-cf", tar, "."]);
    docker.run(&["import", tar, name]);
}

// The client on the path, if it is another than Debian's and knows `trust`.
fn clients() -> Vec<PathBuf> {
    let other = PathBuf::from(run("sh", &["-c", "command -v docker"]).trim());
    let knows_trust = Command::new(&other).args(["trust", "--help"]).output().unwrap();
    let mut clients = vec![PathBuf::from(DEBIAN)];
    if other != clients[0] && knows_trust.status.success() {
        clients.push(other);
    }
    clients
}

#[test]
fn c1_docker_signs_and_verifies() {
    let context = empty_lab();
    let Some(docker) = Docker::start(context.work().join("docker")) else { return };
    let (mut service, server) = serve(&context, &[]);
    let (_registry, host) = registry(&context);
    for client in &clients() {
        let team = if client == Path::new(DEBIAN) { "debian" } else { "other" };
        let repository = format!("{host}/{team}/app");
        let person =
            |name: &str| Person::new(&context, &format!("{team}-{name}"), client, &docker, &server);
        publish_and_pull(&context, &repository, &person("alice"), &person("bob"));
        keys_and_delegations(&repository, &person("alice"), &person("carol"));
    }
    // The folder is one process's; and that one ends well when it is told to.
    let arguments = ["trust", "serve", "--listen", "127.0.0.1:0", "--data", "data", "--no-tls"];
    let second = context.expect(3, &arguments);
    assert!(second.stderr.contains("in use by another process"), "{}", second.stderr);
    run("kill", &["-TERM", &service.0.id().to_string()]);
    assert_eq!(service.0.wait().unwrap().code(), Some(0));
}

fn publish_and_pull(context: &TestContext, repository: &str, alice: &Person<'_>, bob: &Person<'_>) {
    let name = |tag: &str| format!("{repository}:{tag}");
    let (v1, v2, unsigned) = (name("v1"), name("v2"), name("unsigned"));
    for (name, content) in [(&v1, "one"), (&v2, "two"), (&unsigned, "three")] {
        make_image(context, alice.docker, name, content);
    }
    alice.docker(&["trust", "key", "generate", "alice"]);
    alice.docker(&["trust", "signer", "add", "--key", "alice.pub", "alice", repository]);
    let pushed = alice.docker(&["push", &v1]);
    assert!(pushed.contains("Successfully signed"), "{pushed}");
    alice.docker(&["trust", "sign", &v2]);
    alice.docker.run(&["push", &unsigned]);
    let table = alice.docker(&["trust", "inspect", "--pretty", repository]);
    let is_signed = |tag: &str| {
        table.lines().any(|line| line.starts_with(tag) && line.trim_end().ends_with("alice"))
    };
    assert!(is_signed("v1 ") && is_signed("v2 "), "{table}");
    assert_eq!(bob.docker(&["trust", "inspect", "--pretty", repository]), table);

    alice.docker.run(&["rmi", &v1, &v2, &unsigned]);
    let pulled = bob.docker(&["pull", &v1]);
    assert!(pulled.contains("@sha256:"), "{pulled}");
    bob.refused(&["pull", &unsigned], "No valid trust data for unsigned");
    // The tag is pointed to something else; who trusts signatures gets what was signed.
    let signed = bob.docker(&["image", "inspect", "--format", "{{.Id}}", &v1]);
    make_image(context, alice.docker, &v1, "other");
    alice.docker.run(&["push", &v1]);
    alice.docker.run(&["rmi", &v1]);
    bob.docker(&["pull", &v1]);
    assert_eq!(bob.docker(&["image", "inspect", "--format", "{{.Id}}", &v1]), signed);
    alice.docker(&["trust", "revoke", "--yes", &v2]);
    bob.refused(&["pull", &v2], "No valid trust data for v2");
}

fn keys_and_delegations(repository: &str, alice: &Person<'_>, carol: &Person<'_>) {
    let v1 = format!("{repository}:v1");
    for role in ["timestamp", "snapshot"] {
        alice.notary(&["key", "rotate", repository, role, "--server-managed"]);
    }
    alice.notary(&["key", "rotate", repository, "targets"]);
    alice.docker(&["trust", "key", "generate", "dave"]);
    alice.docker(&["trust", "signer", "add", "--key", "dave.pub", "dave", repository]);
    let table = carol.docker(&["trust", "inspect", "--pretty", repository]);
    assert!(table.contains("dave"), "{table}");
    alice.notary(&["witness", repository, "targets/releases", "-p"]);
    alice.notary(&["delegation", "remove", repository, "targets/dave", "--yes", "-p"]);
    let table = carol.docker(&["trust", "inspect", "--pretty", repository]);
    assert!(!table.contains("dave"), "{table}");
    assert!(carol.docker(&["pull", &v1]).contains("@sha256:"));
}
