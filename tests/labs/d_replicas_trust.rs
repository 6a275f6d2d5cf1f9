//! D9, C1: trust data of several replicas: signed through any of them, given out by all at once, by what `sealift` and Docker's
//! own client do.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sealift_testkit::TestContext;
use serde_json::Value;

use crate::c_docker::make_image;
use crate::d_replicas::{Stores, stores};
use crate::d_signed::{docker, plain_pull};
use crate::docker::Docker;
use crate::lab::empty_lab;
use crate::serving::{Server, free_host, skopeo};

const ROLES: [&str; 4] = ["root", "targets", "snapshot", "timestamp"];

/// Two replicas, and the name by which their images are judged and signed.
struct Pair {
    context: TestContext,
    stores: Stores,
    name: String,
    has_tls: bool,
}

// Everything under `team` needs alice.
fn policy(name: &str, pin: Option<&str>) -> String {
    let pins = pin.map(|pin| format!("pins = [\"{pin}\"]\n")).unwrap_or_default();
    format!(
        "version = 1\n[[signer]]\nname = \"alice\"\nroles = [\"targets/alice\"]\n{pins}\
         [[rule]]\nmatch = \"{name}/team/*\"\nsigners = [\"alice\"]\nformats = [\"dct\"]\n"
    )
}

impl Pair {
    fn new(context: TestContext, stores: Stores, name: String, has_tls: bool) -> Self {
        context.write("trust.toml", policy(&name, None));
        Self { context, stores, name, has_tls }
    }

    fn command(&self, replica: &str, host: &str) -> Command {
        let work = self.context.work();
        let tls = if self.has_tls {
            ", tls: {certificate: certs/registry.crt, key: certs/registry.key}"
        } else {
            ""
        };
        let text = format!(
            "version: 0.1
storage:
  s3: {{bucket: images, region: us-east-1, regionendpoint: '{}', rootdirectory: /registry}}
http: {{addr: '{host}'{tls}}}
sealift:
  open: true
  shared: {{database: '{}', folder: {}}}
  gate: {{name: '{}', scan: false, fail_on: never, trust: trust.toml}}
",
            self.stores.s3.address(),
            self.stores.database,
            work.join(replica).display(),
            self.name,
        );
        let file = format!("{replica}.yml");
        self.context.write(&file, text);
        let mut command = self.context.command(&["registry", "serve", &file]);
        command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
        command
    }

    fn start(&self, replica: &str) -> Server {
        let host = free_host();
        let authority: Option<PathBuf> =
            self.has_tls.then(|| self.context.work().join("certs/ca.crt"));
        Server::start(&mut self.command(replica, &host), &host, authority)
    }

    fn repository(&self) -> String {
        format!("{}/team/app", self.name)
    }

    // What `sealift` does against one of them, which alone is asked for trust data.
    fn trust(&self, server: &Server, arguments: &[&str]) -> Command {
        let mut command = self.context.command(&[&["trust"], arguments].concat());
        command.env("DOCKER_CONTENT_TRUST_SERVER", format!("http://{}", server.host));
        command
    }

    #[track_caller]
    fn expect(&self, server: &Server, arguments: &[&str]) -> String {
        let output = self.trust(server, arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    // The client keeps marks, and refuses a replica that gives out what is older than what another one gave.
    #[track_caller]
    fn tags(&self, server: &Server) -> Vec<String> {
        let json = self.expect(server, &["inspect", &self.repository()]);
        let found: Value = serde_json::from_str(&json).unwrap();
        let tags = found[0]["SignedTags"].as_array().unwrap().iter();
        tags.map(|line| line["SignedTag"].as_str().unwrap().to_owned()).collect()
    }

    fn document(&self, server: &Server, role: &str) -> String {
        server.curl(&["-f"], &format!("/v2/{}/_trust/tuf/{role}.json", self.repository()))
    }

    // All that a replica has of the repository, which is all that the other one has.
    #[track_caller]
    fn agreed(&self, servers: [&Server; 2]) -> u64 {
        for role in ROLES.iter().chain(&["targets/alice", "targets/releases"]) {
            let [one, two] = servers.map(|server| self.document(server, role));
            assert!(!one.is_empty(), "there is no {role}");
            assert_eq!(one, two, "{role}");
        }
        let timestamp: Value =
            serde_json::from_str(&self.document(servers[0], "timestamp")).unwrap();
        timestamp["signed"]["version"].as_u64().unwrap()
    }

    fn pin_root(&self, server: &Server) {
        let root: Value = serde_json::from_str(&self.document(server, "root")).unwrap();
        let pin = root["signed"]["roles"]["root"]["keyids"][0].as_str().unwrap();
        self.context.write("trust.toml", policy(&self.name, Some(pin)));
    }

    fn sign(&self, server: &Server, tag: &str) {
        self.expect(server, &["sign", &format!("{}:{tag}", self.repository())]);
    }
}

fn pull(server: &Server, tag: &str) -> (bool, String) {
    skopeo(&["inspect", "--tls-verify=false", &format!("docker://{}/team/app:{tag}", server.host)])
}

#[track_caller]
fn given(server: &Server, tag: &str) {
    let (is_given, text) = pull(server, tag);
    assert!(is_given, "{tag}: {text}");
}

#[track_caller]
fn refused(server: &Server, tag: &str) {
    let (is_given, text) = pull(server, tag);
    let start = "denied: the trust gate refuses it: ";
    assert!(!is_given && text.contains(start), "{tag}: {text}");
}

// New pins are looked for every second.
#[track_caller]
fn soon(what: impl Fn() -> (bool, String)) {
    let begin = Instant::now();
    loop {
        let (is_done, text) = what();
        if is_done {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{text}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn pair() -> Option<Pair> {
    let stores = stores()?;
    let mut context = empty_lab();
    let name = free_host();
    context.set("SEALIFT_KEY_PASSPHRASE", "of keys");
    context.set("SEALIFT_ROOT_PASSPHRASE", "of roots");
    Some(Pair::new(context, stores, name, false))
}

// Images in the store by the name that is signed, and in the registry through one of the replicas.
fn push_images(pair: &Pair, server: &Server, tags: &[&str]) {
    for tag in tags {
        let name = format!("{}:{tag}", pair.repository());
        pair.context.write("app/file", tag);
        pair.context.write("app/Dockerfile", "FROM scratch\nCOPY file /file\n");
        pair.context.expect(0, &["build", "--quiet", "-t", &name, "app"]);
        let to = format!("{}/team/app:{tag}", server.host);
        let mut command = pair.context.command(&["push", "--quiet", &name, &to]);
        let output = command.env("SEALIFT_PLAIN_HTTP", &server.host).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn d9_any_replica_serves_what_was_signed_through_another() {
    let Some(pair) = pair() else { return };
    let (one, two) = (pair.start("one"), pair.start("two"));
    push_images(&pair, &one, &["1", "2", "3", "4", "5"]);
    pair.expect(&one, &["key", "generate", "alice"]);
    pair.expect(&one, &["signer", "add", "--key", "alice.pub", "alice", &pair.repository()]);
    pair.sign(&two, "1");
    let first = pair.agreed([&one, &two]);
    assert_eq!((pair.tags(&one), pair.tags(&two)), (vec!["1".to_owned()], vec!["1".to_owned()]));
    pair.pin_root(&two);
    soon(|| pull(&one, "1"));
    soon(|| pull(&two, "1"));
    // What one refused a moment ago it gives out as soon as it was signed through the other, and the other way round.
    refused(&one, "2");
    pair.sign(&two, "2");
    given(&one, "2");
    given(&two, "1");
    pair.expect(&one, &["revoke", "--yes", &format!("{}:1", pair.repository())]);
    refused(&two, "1");
    assert_eq!(pair.tags(&two), ["2"]);
    assert!(pair.agreed([&one, &two]) >= first + 2);
    // Two who publish at once through both: whoever is second does it again.
    let signing = [(&one, "3"), (&two, "4")].map(|(server, tag)| {
        let name = format!("{}:{tag}", pair.repository());
        let mut command = pair.trust(server, &["sign", &name]);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    });
    for child in signing {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(pair.tags(&one), ["2", "3", "4"]);
    pair.agreed([&one, &two]);
    // One is killed; the other has the keys to go on, and what comes back has all of it.
    two.kill();
    pair.sign(&one, "5");
    given(&one, "5");
    let two = pair.start("two");
    pair.agreed([&one, &two]);
    given(&two, "5");
    assert_eq!(pair.tags(&two), ["2", "3", "4", "5"]);
    operating(&pair);
}

// The audit log of all replicas, and a replica whose key is another one.
fn operating(pair: &Pair) {
    let ask = |arguments: &[&str]| {
        let mut command = pair.context.command(arguments);
        command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let log = ask(&["registry", "log", "--limit", "1000", "--registry-config", "one.yml"]);
    assert!(log.matches("trust.changed  -  team/app").count() >= 6, "{log}");
    let verified = ask(&["registry", "log", "--verify", "--registry-config", "one.yml"]);
    assert!(verified.contains("lines follow each other"), "{verified}");
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let mut command = pair.command("three", &free_host());
    let output = command.env("SEALIFT_TRUST_SEALING_KEY", key).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains(
        "error: the sealing key of the trust data does not open what is in the database"
    ));
    assert_eq!(told.matches("error:").count(), 1, "{told}");
    assert!(told.contains("hint: give all replicas the same"), "{told}");
}

/// One address for both replicas, as a load balancer has it.
struct Front {
    host: String,
    target: Arc<Mutex<String>>,
}

impl Front {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let target = Arc::new(Mutex::new(String::new()));
        let of_thread = Arc::clone(&target);
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let target = of_thread.lock().unwrap().clone();
                // A replica that is gone: the client sees its connection end.
                let Ok(server) = TcpStream::connect(target) else { continue };
                join(&client, &server);
                join(&server, &client);
            }
        });
        Self { host, target }
    }

    fn leads_to(&self, server: &Server) {
        self.target.lock().unwrap().clone_from(&server.host);
    }
}

fn join(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
    std::thread::spawn(move || {
        // Either side may end it.
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
}

#[test]
fn d9_docker_signs_through_one_replica_and_reads_from_another() {
    let context = empty_lab();
    let Some(daemon) = Docker::start(context.work().join("docker")) else { return };
    let Some(stores) = stores() else { return };
    let front = Front::new();
    context.expect(0, &["registry", "cert", "--host", &front.host, "certs"]);
    let trusted = context.work().join("person/.docker/tls").join(&front.host);
    fs::create_dir_all(&trusted).unwrap();
    fs::copy(context.work().join("certs/ca.crt"), trusted.join("ca.crt")).unwrap();
    let pair = Pair::new(context, stores, front.host.clone(), true);
    let (one, two) = (pair.start("one"), pair.start("two"));
    let repository = pair.repository();
    let person = |arguments: &[&str]| {
        let (is_done, text) = docker(&pair.context, &daemon, arguments);
        assert!(is_done, "docker {arguments:?}\n{text}");
        text
    };
    let name = |tag: &str| format!("{repository}:{tag}");
    for tag in ["1", "2", "3"] {
        make_image(&pair.context, &daemon, &name(tag), tag);
    }
    front.leads_to(&one);
    person(&["trust", "key", "generate", "alice"]);
    person(&["trust", "signer", "add", "--key", "alice.pub", "alice", &repository]);
    person(&["push", &name("1")]);
    let first = pair.agreed([&one, &two]);
    // The same client, which remembers what it saw, at the other replica: it sees the signature and adds another one.
    front.leads_to(&two);
    assert!(person(&["trust", "inspect", "--pretty", &repository]).contains("alice"));
    person(&["push", &name("2")]);
    assert!(pair.agreed([&one, &two]) > first);
    pair.pin_root(&one);
    daemon.run(&["rmi", &name("1"), &name("2")]);
    front.leads_to(&one);
    soon(|| plain_pull(&daemon, &name("2")));
    person(&["pull", &name("1")]);
    daemon.run(&["rmi", &name("1"), &name("2")]);
    front.leads_to(&two);
    soon(|| plain_pull(&daemon, &name("1")));
    // Revoked through one, and gone for the other at once.
    person(&["trust", "revoke", "--yes", &name("1")]);
    front.leads_to(&one);
    let (is_given, text) = plain_pull(&daemon, &name("1"));
    assert!(!is_given && text.contains("denied: the trust gate refuses it: "), "{text}");
    let (is_done, text) = docker(&pair.context, &daemon, &["pull", &name("1")]);
    assert!(!is_done && text.contains("No valid trust data for 1"), "{text}");
    // One is killed: Docker goes on with the other.
    two.kill();
    person(&["push", &name("3")]);
    let table = person(&["trust", "inspect", "--pretty", &repository]);
    let signed: Vec<&str> =
        table.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert!(signed.contains(&"2") && signed.contains(&"3") && !signed.contains(&"1"), "{table}");
}
