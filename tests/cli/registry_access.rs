//! `registry user`, `registry robot`, `registry can-i` and `registry cert`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_testkit::TestContext;

use crate::{assert_one_error, context};

#[test]
fn users() {
    let context = context();
    context.write("password", "secret123\n");
    let add = |name: &'static str| {
        ["registry", "user", "add", "users", name, "--password-file", "password"]
    };
    assert!(context.expect(0, &add("alice")).stderr.contains("`alice` was added in `users`"));
    assert!(context.expect(0, &add("alice")).stderr.contains("has another password"));
    context.expect(0, &add("bob"));
    let file = context.work().join("users");
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    assert!(std::fs::read_to_string(&file).unwrap().starts_with("alice:$2y$10$"));
    let list = ["registry", "user", "list", "users"];
    assert_eq!(context.expect(0, &list).stdout, "alice\nbob\n");
    let remove = ["registry", "user", "remove", "users", "bob"];
    context.expect(0, &remove);
    assert_one_error(&context.run(&remove), 2, &["there is no user `bob`", "hint:"]);
    assert_eq!(context.expect(0, &list).stdout, "alice\n");
    // Nobody is there to be asked, and no password comes from the command line.
    let asked = ["registry", "user", "add", "users", "carol"];
    assert_one_error(&context.run(&asked), 2, &["nobody to ask", "--password-file"]);
    context.write("password", "short");
    assert_one_error(&context.run(&add("carol")), 2, &["at least 8 bytes"]);
    let none = ["registry", "user", "remove", "none", "bob"];
    assert_one_error(&context.run(&none), 2, &["there is no file `none`"]);
}

#[test]
fn robots() {
    let context = context();
    let add = |name: &'static str| {
        [
            "registry",
            "robot",
            "add",
            "--file",
            "robots.json",
            name,
            "--allow",
            "team/**:push",
            "--expires",
            "90d",
        ]
    };
    let made = context.expect(0, &add("ci"));
    let token = made.stdout.trim_end();
    assert!(token.starts_with("sealift_robot_") && token.len() == 62, "{token}");
    assert!(made.stderr.contains("shown once"));
    // What was printed is what our own scanner finds.
    context.write("leak/notes.txt", format!("docker login -p {token}\n"));
    let found = context.run(&["secrets", "./leak"]);
    assert!(found.stdout.contains("sealift-robot-token"), "{}", found.stdout);
    assert_one_error(&context.run(&add("ci")), 2, &["there is a robot `ci`", "hint:"]);
    assert_one_error(&context.run(&add("CI")), 2, &["small letters"]);
    let list = context.expect(0, &["registry", "robot", "list", "--file", "robots.json"]).stdout;
    assert!(list.starts_with("ci  20") && list.ends_with("  team/**:push\n"), "{list}");
    let json = ["registry", "robot", "list", "--file", "robots.json", "--format", "json"];
    let json = context.expect(0, &json).stdout;
    assert!(json.contains("\"expired\": false") && !json.contains(&token[24..]), "{json}");
    let endless = ["registry", "robot", "add", "--file", "robots.json", "x", "--allow", "a:pull"];
    assert_eq!(context.run(&endless).code, 2);
    let remove = ["registry", "robot", "remove", "--file", "robots.json", "ci"];
    context.expect(0, &remove);
    assert_one_error(&context.run(&remove), 2, &["there is no robot `ci`"]);
}

#[test]
fn who_may() {
    let context = context();
    let root = context.work().join("data");
    std::fs::create_dir(&root).unwrap();
    let root = root.display();
    context.write(
        "config.yml",
        format!(
            "version: 0.1\n\
             storage: {{filesystem: {{rootdirectory: {root}}}}}\n\
             http: {{addr: 127.0.0.1:5000}}\n\
             auth: {{htpasswd: {{realm: lab, path: {root}/users}}}}\n\
             sealift:\n  access:\n    groups: {{developers: [alice]}}\n    rules:\n\
             \x20     - \"group:developers=team/**:push\"\n\
             \x20     - {{name: no releases, deny: [push], users: ['*'], repositories: ['**'], tags: ['v*']}}\n"
        ),
    );
    let robot = [
        "registry",
        "robot",
        "add",
        "--file",
        "data/robots.json",
        "ci",
        "--allow",
        "app:push",
        "--no-expiry",
    ];
    context.expect(0, &robot);
    let ask = |code, who: &str, action: &str, place: &str| {
        let line = ["registry", "can-i", who, action, place, "--config", "config.yml"];
        context.expect(code, &line).stdout
    };
    assert_eq!(
        ask(0, "alice", "push", "team/app:latest"),
        "yes: the rule `group:developers=team/**:push`\n"
    );
    assert_eq!(ask(1, "alice", "push", "team/app:v1"), "no: the rule `no releases`\n");
    assert_eq!(ask(1, "bob", "pull", "team/app"), "no: no rule allows it\n");
    assert_eq!(ask(0, "robot:ci", "pull", "app"), "yes: the rule `robot:ci=app:push`\n");
    assert_eq!(ask(1, "robot:ci", "push", "app:v1"), "no: the rule `no releases`\n");
    assert_eq!(ask(1, "anonymous", "pull", "team/app"), "no: no rule allows it\n");
    let unknown = ["registry", "can-i", "robot:x", "pull", "a", "--config", "config.yml"];
    assert_one_error(&context.run(&unknown), 2, &["`robot:x` cannot come in: no such robot"]);
    let rule = [
        "registry",
        "can-i",
        "workload:x",
        "pull",
        "acme/app",
        "--claim",
        "repository=acme/app",
        "--rule",
        "claim:repository:acme/*=acme/**:pull",
        "--format",
        "json",
    ];
    assert!(context.expect(0, &rule).stdout.contains("\"allowed\": true"));
    let server = ["registry", "can-i", "root", "admin", "server", "--of-all", "--rule", "root=*:*"];
    assert_eq!(context.expect(0, &server).stdout, "yes: the rule `root=*:*`\n");
    let wrong = ["registry", "can-i", "a", "read", "b", "--rule", "a=b:pull"];
    assert_one_error(&context.run(&wrong), 2, &["`read` is no action"]);
    let wrong = ["registry", "can-i", "a", "pull", "b", "--rule", "a=b"];
    assert_one_error(&context.run(&wrong), 2, &["the rule `a=b` cannot be read"]);
}

#[test]
fn certificates() {
    let context = context();
    let cert =
        ["registry", "cert", "certs", "--host", "registry.local:5000", "--host", "127.0.0.1"];
    let made = context.expect(0, &cert);
    assert_eq!(made.stdout, "certs/ca.crt\ncerts/registry.crt\ncerts/registry.key\n");
    let path = "/etc/docker/certs.d/registry.local:5000/ca.crt";
    assert!(made.stderr.contains(path), "{}", made.stderr);
    assert!(made.stderr.contains("by a new authority"));
    assert!(context.expect(0, &cert).stderr.contains("by the authority that was there"));
    let key = context.work().join("certs/registry.key");
    assert_eq!(std::fs::metadata(key).unwrap().mode() & 0o777, 0o600);
}

/// A server that ends with the test.
pub(crate) struct Served {
    child: Child,
    pub(crate) port: String,
}

impl Served {
    pub(crate) fn start(context: &TestContext, more: &[&str]) -> Self {
        let arguments =
            ["registry", "serve", "--listen", "127.0.0.1:0", "--no-tls", "--data", "data"];
        let mut command = context.command(&[&arguments, more].concat());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.find_map(|line| line.ok().filter(|line| line.contains("serving ")));
        let first = first.expect("a line that says where it listens");
        let (_, rest) = first.split_once("://localhost:").unwrap();
        let port = rest.chars().take_while(char::is_ascii_digit).collect();
        // Nobody reads the log, but it must go somewhere.
        std::thread::spawn(move || lines.map_while(Result::ok).count());
        Self { child, port }
    }

    /// Status and body of an answer.
    pub(crate) fn get(&self, path: &str, credentials: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{}", self.port)).unwrap();
        let host = "Host: localhost\r\nConnection: close";
        write!(stream, "GET {path} HTTP/1.1\r\n{host}\r\nAuthorization: {credentials}\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    /// Waits until it answers so.
    fn wait(&self, path: &str, credentials: &str, status: u16) {
        let deadline = Instant::now() + Duration::from_mins(1);
        while self.get(path, credentials).0 != status {
            assert!(Instant::now() < deadline, "{path} never answers {status}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

#[test]
fn users_and_robots_change_while_it_serves() {
    let context = context();
    context.write("password", "secret123");
    context.write("other", "secret456");
    let add = |name: &'static str, file: &'static str| {
        context.expect(0, &["registry", "user", "add", "users", name, "--password-file", file]);
    };
    add("alice", "password");
    let served = Served::start(&context, &["--htpasswd", "users"]);
    let (alice, bob) = (basic("alice", "secret123"), basic("bob", "secret456"));
    assert_eq!((served.get("/v2/", &alice).0, served.get("/v2/", &bob).0), (200, 401));
    add("bob", "other");
    served.wait("/v2/", &bob, 200);
    // What cannot be read changes nothing.
    context.write("users", "broken");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(served.get("/v2/", &alice).0, 200);
    context.write("users", "");
    served.wait("/v2/", &alice, 401);
    let robot = [
        "registry",
        "robot",
        "add",
        "--file",
        "data/robots.json",
        "ci",
        "--allow",
        "team/**:pull",
        "--expires",
        "1d",
    ];
    let token = context.expect(0, &robot).stdout;
    let robot = basic("ci", token.trim_end());
    served.wait("/v2/team/app/tags/list", &robot, 404);
    assert_eq!(served.get("/v2/other/tags/list", &robot).0, 403);
    context.expect(0, &["registry", "robot", "remove", "--file", "data/robots.json", "ci"]);
    served.wait("/v2/team/app/tags/list", &robot, 401);
}

#[test]
fn a_token_server_of_its_own() {
    let context = context();
    context.write("password", "secret123");
    let add = ["registry", "user", "add", "users", "alice", "--password-file", "password"];
    context.expect(0, &add);
    context.write(
        "config.yml",
        format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {0}/data}}}}\n\
             http: {{addr: 127.0.0.1:0}}\nauth: {{htpasswd: {{realm: lab, path: {0}/users}}}}\n\
             sealift:\n  tokens: {{enabled: true, realm: 'http://localhost/token'}}\n\
             \x20 access: {{rules: ['alice=team/**:push']}}\n",
            context.work().display()
        ),
    );
    let served = Served::start(&context, &["config.yml"]);
    let alice = basic("alice", "secret123");
    let (status, body) = served.get("/token?scope=repository:team/app:pull,push", &alice);
    assert_eq!(status, 200, "{body}");
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let bearer = format!("Bearer {}", body["token"].as_str().unwrap());
    assert_eq!(served.get("/v2/team/app/tags/list", &bearer).0, 404);
    assert_eq!(served.get("/v2/other/tags/list", &bearer).0, 401);
    let key = context.work().join("data/token.key");
    assert_eq!(std::fs::metadata(key).unwrap().mode() & 0o777, 0o600);
    assert_eq!(served.get("/.well-known/jwks.json", &alice).0, 200);
}

#[test]
fn robots_of_the_registry_and_its_log() {
    let context = context();
    let none = ["registry", "robot", "list", "--data", "data"];
    assert_one_error(&context.run(&none), 2, &["there is no registry in `data`"]);
    context.write("password", "secret123");
    let user = ["registry", "user", "add", "users", "alice", "--password-file", "password"];
    context.expect(0, &user);
    let served = Served::start(&context, &["--htpasswd", "users"]);
    let place = ["--data", "data"];
    let robot = |more: &[&'static str]| [&["registry", "robot"], more, &place].concat();
    let add = ["add", "ci", "--allow", "team/**:pull", "--expires", "1d"];
    let token = context.expect(0, &robot(&add)).stdout;
    // It is known at once, and to every server of this storage.
    let ci = basic("ci", token.trim_end());
    assert_eq!(served.get("/v2/team/app/tags/list", &ci).0, 404);
    assert_eq!(served.get("/v2/other/tags/list", &ci).0, 403);
    assert_one_error(&context.run(&robot(&add)), 2, &["there is a robot `ci`", "hint:"]);
    let wrong = ["add", "x", "--allow", "team", "--no-expiry"];
    assert_one_error(&context.run(&robot(&wrong)), 2, &["the permission `team`"]);
    // One of the file beside is known too.
    let file = ["registry", "robot", "add", "--file", "data/robots.json", "old"];
    context.expect(0, &[&file[..], &["--allow", "team/**:push", "--no-expiry"]].concat());
    let list = context.expect(0, &robot(&["list"])).stdout;
    assert!(list.starts_with("ci  20") && list.contains("\nold  never  team/**:push\n"), "{list}");
    context.write(
        "config.yml",
        "version: 0.1\nstorage: {filesystem: {rootdirectory: data}}\nhttp: {addr: 127.0.0.1:5000}\n\
         auth: {htpasswd: {realm: lab, path: users}}\n",
    );
    let ask = |code, action: &str| {
        let ask = ["registry", "can-i", "robot:ci", action, "team/app", "--config", "config.yml"];
        context.expect(code, &ask);
    };
    ask(0, "pull");
    ask(1, "push");
    context.expect(0, &robot(&["revoke", "old"]));
    context.expect(0, &robot(&["revoke", "ci"]));
    assert_eq!(served.get("/v2/team/app/tags/list", &ci).0, 401);
    assert_one_error(&context.run(&robot(&["remove", "ci"])), 2, &["there is no robot `ci`"]);

    log_of(&context);
    drop(served);
    changed_log(&context);
}

// What was refused above, and all the rest, in the log of a running server.
fn log_of(context: &TestContext) {
    let log = |more: &[&'static str]| [&["registry", "log"], more, &["--data", "data"]].concat();
    let deadline = Instant::now() + Duration::from_mins(1);
    loop {
        let text = context.expect(0, &log(&["--denied"])).stdout;
        let is_there =
            |line: &str| line.contains("request.denied  robot:ci") && line.contains("other");
        if text.lines().any(is_there) {
            break;
        }
        assert!(Instant::now() < deadline, "{text}");
        std::thread::sleep(Duration::from_millis(50));
    }
    let later = context.expect(0, &log(&["--since", "2999-01-01"])).stdout;
    assert_eq!(later, "");
    let json = context.expect(0, &log(&["--since", "1h", "--format", "json"])).stdout;
    let events: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(!events.as_array().unwrap().is_empty());
}

// Without a server, and with another line than the one that was there.
fn changed_log(context: &TestContext) {
    let verify = ["registry", "log", "--verify", "--data", "data"];
    let whole = context.expect(0, &verify);
    let mark = whole.stderr.split("the last line is ").nth(1).unwrap();
    let mark = mark.split(';').next().unwrap().to_owned();
    let known = ["registry", "log", "--verify", "--known", &mark, "--data", "data"];
    context.expect(0, &known);
    let number = mark.split('@').next().unwrap();
    let other = format!("{number}@sha256:{}", "0".repeat(64));
    let other = ["registry", "log", "--verify", "--known", &other, "--data", "data"];
    assert_one_error(&context.run(&other), 4, &["its hash is not the one that was kept"]);
    let short = ["registry", "log", "--verify", "--known", "99999", "--data", "data"];
    assert_eq!(context.run(&short).code, 2);
}
