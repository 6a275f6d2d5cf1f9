//! The clients that people have, unchanged: Docker's and Notary's. `tests/setup` installs those of Debian.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_access::{Parts, Passwords};
use sealift_crypto::SigningKey;
use tempfile::TempDir;

use crate::lab::{GUN, Lab, Setup};
use crate::token_server;

const DEBIAN: &str = "/usr/bin/docker";
const NOTARY: &str = "/usr/bin/notary";

// Debian's Docker, and the one on the path if it is another that knows `trust`.
fn dockers() -> Vec<PathBuf> {
    let mut found = vec![PathBuf::from(DEBIAN)];
    let other = Command::new("sh").args(["-c", "command -v docker"]).output().unwrap();
    let other = PathBuf::from(String::from_utf8(other.stdout).unwrap().trim());
    let knows_trust = |program: &Path| {
        Command::new(program)
            .args(["trust", "--help"])
            .output()
            .is_ok_and(|output| output.status.success())
    };
    if other != found[0] && knows_trust(&other) {
        found.push(other);
    }
    found
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so aloud")]
fn has_clients() -> bool {
    let missing: Vec<&str> =
        [DEBIAN, NOTARY].into_iter().filter(|program| !Path::new(program).exists()).collect();
    if !missing.is_empty() {
        eprintln!("SKIPPED: {missing:?} are not installed; tests/setup installs them");
    }
    missing.is_empty()
}

/// A home with a client in it.
struct Client {
    home: TempDir,
    server: String,
    credentials: Option<&'static str>,
}

impl Client {
    fn new(lab: &Lab, credentials: Option<&'static str>) -> Self {
        let home = tempfile::tempdir().unwrap();
        let host = format!("localhost:{}", lab.address.port());
        let trusted = home.path().join(".docker/tls").join(&host);
        fs::create_dir_all(&trusted).unwrap();
        fs::copy(lab.folder.path().join("server.crt"), trusted.join("ca.crt")).unwrap();
        if let Some(credentials) = credentials {
            // Docker has credentials of the registry, and shows them to the server of trust data.
            let auth = STANDARD.encode(credentials);
            let config = format!(r#"{{"auths": {{"localhost:5443": {{"auth": "{auth}"}}}}}}"#);
            fs::write(home.path().join(".docker/config.json"), config).unwrap();
        }
        Self { home, server: format!("https://{host}"), credentials }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.home.path()).env("HOME", self.home.path());
        command.env("DOCKER_CONFIG", self.home.path().join(".docker"));
        command.env("DOCKER_CONTENT_TRUST_SERVER", &self.server);
        for name in ["ROOT", "REPOSITORY"] {
            command.env(format!("DOCKER_CONTENT_TRUST_{name}_PASSPHRASE"), "passphrase");
        }
        for name in ["ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"] {
            command.env(format!("NOTARY_{name}_PASSPHRASE"), "passphrase");
        }
        if let Some(credentials) = self.credentials {
            command.env("NOTARY_AUTH", STANDARD.encode(credentials));
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    // What it prints, if it succeeds; what it complains of, if not. It is told `yes`.
    fn attempt(&self, program: &Path, arguments: &[&str]) -> Result<String, String> {
        let mut child = self.command(program).args(arguments).spawn().unwrap();
        // Not all of them ask.
        let _ = child.stdin.take().unwrap().write_all(b"yes\nyes\n");
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let complaint = String::from_utf8(output.stderr).unwrap();
        if output.status.success() { Ok(text) } else { Err(text + &complaint) }
    }

    #[track_caller]
    fn docker(&self, program: &Path, arguments: &[&str]) -> String {
        let all = [&["trust"], arguments].concat();
        self.attempt(program, &all).unwrap_or_else(|complaint| {
            panic!("{}: docker {all:?}\n{complaint}", program.display())
        })
    }

    fn attempt_notary(&self, arguments: &[&str]) -> Result<String, String> {
        let certificate =
            format!(".docker/tls/{}/ca.crt", self.server.trim_start_matches("https://"));
        let global = ["-s", &self.server, "-d", ".docker/trust", "--tlscacert", &certificate];
        self.attempt(Path::new(NOTARY), &[&global, arguments].concat())
    }

    #[track_caller]
    fn notary(&self, arguments: &[&str]) -> String {
        self.attempt_notary(arguments)
            .unwrap_or_else(|complaint| panic!("notary {arguments:?}\n{complaint}"))
    }

    // A target of some bytes, signed and published by Notary.
    fn add(&self, name: &str, roles: &[&str]) {
        fs::write(self.home.path().join("file"), name).unwrap();
        let roles: Vec<&str> = roles.iter().flat_map(|role| ["-r", role]).collect();
        self.notary(&[&["add", GUN, name, "file", "-p"], &roles[..]].concat());
    }
}

fn serve(parts: Parts) -> Lab {
    Lab::start(Setup { parts, has_tls: true, ..Setup::default() })
}

#[test]
fn docker_adds_signers_and_looks() {
    if !has_clients() {
        return;
    }
    for docker in dockers() {
        let lab = serve(Parts::open());
        let client = Client::new(&lab, None);
        for name in ["alice", "bob"] {
            client.docker(&docker, &["key", "generate", name]);
            let key = format!("{name}.pub");
            client.docker(&docker, &["signer", "add", "--key", &key, name, GUN]);
        }
        client.add("v1", &["targets/alice", "targets/releases"]);
        let table = client.docker(&docker, &["inspect", "--pretty", GUN]);
        let lines: Vec<&str> = table.lines().map(str::trim).collect();
        assert!(
            lines.iter().any(|line| line.starts_with("v1 ") && line.ends_with(" alice")),
            "{table}"
        );
        assert!(lines.iter().any(|line| line.starts_with("bob ")), "{table}");
        // Somebody who was never here sees the same.
        let stranger = Client::new(&lab, None);
        assert_eq!(stranger.docker(&docker, &["inspect", "--pretty", GUN]), table);
        // Docker 28 says that it removes a signer, ends well and does nothing.
        client.docker(Path::new(DEBIAN), &["signer", "remove", "--force", "bob", GUN]);
        assert!(!stranger.docker(&docker, &["inspect", "--pretty", GUN]).contains("bob"));
        client.docker(&docker, &["revoke", "--yes", &format!("{GUN}:v1")]);
        let after = stranger.docker(&docker, &["inspect", "--pretty", GUN]);
        assert!(after.contains("No signatures for localhost:5443/team/app"), "{after}");
        assert!(lab.log.of("failure").is_empty());
    }
}

#[test]
fn notary_does_all_it_can() {
    if !has_clients() {
        return;
    }
    let lab = serve(Parts::open());
    let client = Client::new(&lab, None);
    client.notary(&["init", GUN, "-p"]);
    client.add("v1", &[]);
    let list = |client: &Client| client.notary(&["list", GUN]);
    assert!(list(&client).contains("v1"));
    fs::write(client.home.path().join("file"), "v1").unwrap();
    client.notary(&["verify", GUN, "v1", "-i", "file"]);
    for (role, managed) in [
        ("timestamp", true),
        ("snapshot", true),
        ("targets", false),
        ("snapshot", false),
        ("snapshot", true),
        ("root", false),
    ] {
        let flag: &[&str] = if managed { &["--server-managed"] } else { &[] };
        client.notary(&[&["key", "rotate", GUN, role], flag].concat());
        let stranger = Client::new(&lab, None);
        assert!(list(&stranger).contains("v1"), "after the rotation of {role}");
        client.add(&format!("after-{role}-{managed}"), &[]);
    }
    client.docker(Path::new(DEBIAN), &["key", "generate", "bob"]);
    let certificate = client.home.path().join("bob.crt");
    let openssl = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args(["-keyout", "/dev/null", "-subj", "/CN=bob", "-out"])
        .arg(&certificate)
        .output()
        .unwrap();
    assert!(openssl.status.success());
    client.notary(&["delegation", "add", GUN, "targets/bob", "bob.crt", "--all-paths", "-p"]);
    assert!(client.notary(&["delegation", "list", GUN]).contains("targets/bob"));
    client.notary(&["witness", GUN, "targets", "-p"]);
    client.notary(&["delegation", "remove", GUN, "targets/bob", "--yes", "-p"]);
    assert!(!client.notary(&["delegation", "list", GUN]).contains("targets/bob"));
    client.notary(&["remove", GUN, "v1", "-p"]);
    assert!(!list(&client).contains("v1 "));
    client.notary(&["delete", GUN, "--remote"]);
    assert!(client.attempt_notary(&["list", GUN]).is_err());
    let changes = lab.log.of("change");
    for action in ["upload", "rotate_key", "delete"] {
        let action = format!("\"action\":\"{action}\"");
        assert!(changes.iter().any(|line| line.contains(&action)), "{action}");
    }
    assert!(lab.log.of("failure").is_empty());
}

// Two publishers with the same keys: who comes second is told so, and does it again.
#[test]
fn the_second_publisher_comes_again() {
    if !has_clients() {
        return;
    }
    let lab = serve(Parts::open());
    let first = Client::new(&lab, None);
    first.notary(&["init", GUN, "-p"]);
    let second = Client::new(&lab, None);
    let folders = [&first, &second].map(|client| client.home.path().join(".docker/trust"));
    let copied = Command::new("cp").arg("-a").args(&folders).status().unwrap();
    assert!(copied.success());
    std::thread::scope(|scope| {
        for (client, name) in [(&first, "one"), (&second, "two")] {
            scope.spawn(move || {
                fs::write(client.home.path().join("file"), name).unwrap();
                client.notary(&["add", GUN, name, "file"]);
                let published = (0..10).any(|_| client.attempt_notary(&["publish", GUN]).is_ok());
                assert!(published, "{name}");
            });
        }
    });
    let stranger = Client::new(&lab, None);
    let list = stranger.notary(&["list", GUN]);
    assert!(list.contains("one") && list.contains("two"), "{list}");
}

fn as_alice_and_as_nobody(parts: Parts) {
    let lab = serve(parts);
    for docker in dockers() {
        let alice = Client::new(&lab, Some("alice:secret123"));
        alice.docker(&docker, &["key", "generate", "alice"]);
        let name = format!("{GUN}-{}", usize::from(docker == Path::new(DEBIAN)));
        alice.docker(&docker, &["signer", "add", "--key", "alice.pub", "alice", &name]);
        assert!(alice.docker(&docker, &["inspect", &name]).contains("alice"));
        for stranger in [Some("alice:wrong"), None] {
            let stranger = Client::new(&lab, stranger);
            let refused = stranger.attempt(&docker, &["trust", "inspect", &name]);
            assert!(refused.as_ref().is_err_and(|text| !text.contains("alice")), "{refused:?}");
        }
    }
    let alice = Client::new(&lab, Some("alice:secret123"));
    alice.notary(&["init", GUN, "-p"]);
    alice.add("v1", &[]);
    // Notary never shows a password to read, so that Docker looks.
    assert!(alice.docker(Path::new(DEBIAN), &["inspect", GUN]).contains("v1"));
    let stranger = Client::new(&lab, Some("alice:wrong"));
    assert!(stranger.attempt_notary(&["delete", GUN, "--remote"]).is_err());
    assert!(alice.docker(Path::new(DEBIAN), &["inspect", GUN]).contains("v1"));
    let log = lab.log.of("request").concat();
    assert!(log.contains("\"user\":\"alice\"") && !log.contains("YWxpY2U"));
}

#[test]
fn with_passwords() {
    if !has_clients() {
        return;
    }
    let text = format!("alice:{}\n", bcrypt::hash("secret123", 4).unwrap());
    let passwords = Passwords::parse(text.as_bytes()).unwrap();
    as_alice_and_as_nobody(Parts {
        realm: "lab".to_owned(),
        passwords: Some(passwords),
        ..Parts::default()
    });
}

#[test]
fn with_tokens() {
    if !has_clients() {
        return;
    }
    let key = SigningKey::generate_p256();
    let copy = SigningKey::from_pkcs8_der(key.pkcs8().unwrap().expose()).unwrap();
    let realm = token_server::start(copy);
    as_alice_and_as_nobody(token_server::parts(&key, &realm));
}
