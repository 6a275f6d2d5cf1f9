//! D: the registry of distribution's configuration, its users, its limits, and what it keeps.

use std::process::Command;

use sealift_testkit::TestContext;
use serde_json::Value;

use crate::lab::empty_lab;
use crate::serving::{PASSWORD, Server, add_user, free_host, image};

// As docs/labs.md has it, byte for byte.
const CONFIGURATION: &str = "version: 0.1
log: {level: info, formatter: json}
storage:
  filesystem: {rootdirectory: /var/lib/registry}
  delete: {enabled: true}
http:
  addr: :5000
  tls: {certificate: /certs/registry.crt, key: /certs/registry.key}
auth:
  htpasswd: {realm: Registry Realm, path: /auth/htpasswd}
middleware:
  registry:
    - name: vulnerabilityscanning
      options: {enabled: true}
    - name: ratelimiting
      options: {requests: 100, window: 1m}
";

// The file stays as it is; where it lies on this machine is told by variables, as distribution has it.
fn serve(context: &TestContext, host: &str, more: &[(&str, &str)]) -> Command {
    context.write("config.yml", CONFIGURATION);
    let path = |name: &str| context.work().join(name).display().to_string();
    let mut command = context.command(&["registry", "serve", "config.yml"]);
    command
        .env("REGISTRY_HTTP_ADDR", host)
        .env("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY", path("data"))
        .env("REGISTRY_HTTP_TLS_CERTIFICATE", path("certs/registry.crt"))
        .env("REGISTRY_HTTP_TLS_KEY", path("certs/registry.key"))
        .env("REGISTRY_AUTH_HTPASSWD_PATH", path("htpasswd"))
        .envs(more.iter().copied());
    command
}

// Certificates and users by the tool itself.
fn prepare(context: &TestContext) -> String {
    let host = free_host();
    context.expect(0, &["registry", "cert", "--host", &host, "certs"]);
    add_user(context, "htpasswd");
    host
}

fn start(context: &TestContext, more: &[(&str, &str)]) -> Server {
    let host = prepare(context);
    let authority = context.work().join("certs/ca.crt");
    Server::start(&mut serve(context, &host, more), &host, Some(authority))
}

const STATUS: [&str; 4] = ["-o", "/dev/null", "-w", "%{http_code}"];

#[test]
fn d1_distributions_configuration_starts_a_registry() {
    let context = empty_lab();
    let server = start(&context, &[]);
    assert_eq!(server.curl(&STATUS, "/v2/"), "401");
    let credentials = format!("anna:{PASSWORD}");
    assert_eq!(server.curl(&[&STATUS[..], &["-u", &credentials]].concat(), "/v2/"), "200");
    assert_eq!(server.curl(&[&STATUS[..], &["-u", "anna:wrong"]].concat(), "/v2/"), "401");
    image(&context, "app", "3.1.3");
    server.push(&context, "app", "team/app:1.0");
    assert!(server.inspect("team/app:1.0").0);
    // `delete: {enabled: true}`
    let path = "/v2/team/app/manifests/1.0";
    let delete = [&STATUS[..], &["-X", "DELETE", "-u", &credentials]].concat();
    assert_eq!(server.curl(&delete, path), "202");
    assert!(!server.inspect("team/app:1.0").0);
}

#[test]
fn d2_certificates_and_users_are_made_by_the_tool() {
    let context = empty_lab();
    // The server speaks TLS with the certificate, and the user gets in: curl checks both.
    let server = start(&context, &[]);
    let credentials = format!("anna:{PASSWORD}");
    assert_eq!(server.curl(&[&STATUS[..], &["-u", &credentials]].concat(), "/v2/"), "200");
    let listed = context.expect(0, &["registry", "user", "list", "htpasswd"]).stdout;
    assert_eq!(listed.trim(), "anna");
    let text = String::from_utf8(context.read("htpasswd")).unwrap();
    assert!(text.starts_with("anna:$2"), "{text}");
}

#[test]
fn d4_pushes_are_scanned_and_clients_are_counted() {
    let context = empty_lab();
    let server = start(&context, &[]);
    image(&context, "app", "3.1.3");
    server.push(&context, "app", "team/app:1.0");
    let credentials = format!("anna:{PASSWORD}");
    let as_anna = ["-u", &credentials];
    let head = [&as_anna[..], &["-I"]].concat();
    let headers = server.curl(&head, "/v2/team/app/manifests/1.0");
    let digest = headers
        .lines()
        .find_map(|line| {
            line.to_lowercase().strip_prefix("docker-content-digest: ").map(str::to_owned)
        })
        .unwrap_or_else(|| panic!("{headers}"));
    let path = format!("/v2/team/app/referrers/{}", digest.trim());
    let begin = std::time::Instant::now();
    while !server.curl(&as_anna, &path).contains("application/spdx+json") {
        assert!(begin.elapsed().as_secs() < 60, "the push was not scanned");
        std::thread::sleep(std::time::Duration::from_secs(2));
    }
    // 100 requests a minute: some of so many at once are told to wait, and for how long.
    let refused = (0..130).find_map(|_| {
        let answer = server.curl(&[&as_anna[..], &["-i"]].concat(), "/v2/");
        answer.starts_with("HTTP/1.1 429").then_some(answer)
    });
    let refused = refused.expect("nobody was told to wait").to_lowercase();
    assert!(refused.contains("retry-after: "), "{refused}");
    assert!(refused.contains("toomanyrequests"), "{refused}");
}

#[test]
fn d7_what_is_kept_collected_and_never_changed() {
    let context = empty_lab();
    let host = free_host();
    add_user(&context, "users");
    context.write(
        "registry.yml",
        format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: registry}}, delete: {{enabled: true}}}}\n\
             http: {{addr: \"{host}\"}}\nauth: {{htpasswd: {{realm: Lab, path: users}}}}\n\
             sealift:\n  immutable: [{{repositories: \"team/**\", tags: \"v*\"}}]\n"
        ),
    );
    let server =
        Server::start(&mut context.command(&["registry", "serve", "registry.yml"]), &host, None);
    image(&context, "one", "1.0");
    image(&context, "two", "2.0");
    server.push(&context, "one", "team/app:v1");
    server.push(&context, "one", "team/app:dev");
    server.push(&context, "two", "team/app:dev");
    // A tag that never changes.
    let (is_done, text) = server.try_push(&context, "two", "team/app:v1");
    assert!(!is_done, "an immutable tag was changed");
    assert!(text.contains("v1"), "{text}");
    // While it serves: what the tag was, how much there is, what would go.
    let json = |arguments: &[&str]| -> Value {
        let options = ["--registry-config", "registry.yml", "--format", "json"];
        let words = [&["registry"], arguments, options.as_slice()].concat();
        serde_json::from_str(&context.expect(0, &words).stdout).unwrap()
    };
    let history = json(&["history", "team/app:dev"]).to_string();
    assert!(history.matches("sha256:").count() >= 2, "{history}");
    let before = json(&["statistics"]);
    json(&["gc", "--dry-run"]);
    json(&["gc"]);
    assert_eq!(json(&["statistics"])["tags"], before["tags"]);
    assert!(server.inspect("team/app:v1").0 && server.inspect("team/app:dev").0);
}
