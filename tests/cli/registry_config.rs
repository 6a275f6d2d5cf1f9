//! `registry config`: what is said of a configuration, and how it ends.

use crate::context;

const FILE: &str = "\
version: 0.1
storage: {filesystem: {rootdirectory: /nowhere/registry}}
http: {addr: :5000, tls: {certificate: server.crt, key: server.key}, secret: hunter2}
auth: {htpasswd: {realm: r, path: users}}
";

#[test]
fn findings_have_line_and_remedy() {
    let mut context = context();
    context.write("config.yml", FILE);
    let check = ["registry", "config", "check", "config.yml"];
    let outcome = context.expect(0, &check);
    for text in [
        "config.yml:4: warning: `auth.htpasswd.path`: `users` is not there\n    `sealift registry user add",
        "config.yml:3: note: `http.secret`: has no effect",
    ] {
        assert!(outcome.stdout.contains(text), "{text}\n{}", outcome.stdout);
    }
    context.expect(1, &[&check[..], &["--strict"]].concat());
    let outcome = context.expect(0, &[&check[..], &["--strict", "--no-files"]].concat());
    assert!(!outcome.stdout.contains("users"), "{}", outcome.stdout);
    context.write("users", "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n");
    let outcome = context.expect(1, &[&check[..], &["--format", "json"]].concat());
    let rows: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((&rows[0]["level"], &rows[0]["line"]), (&"error".into(), &4.into()));
    assert_eq!(rows[0]["key"], "auth.htpasswd.path");
    context.set("REGISTRY_HTTP_NET", "udp");
    let outcome = context.expect(1, &check);
    assert!(outcome.stdout.starts_with("REGISTRY_HTTP_NET (environment): error: `http.net`"));
    context.expect(3, &["registry", "config", "check", "nowhere.yml"]);
}

#[test]
fn what_is_in_force_is_shown_without_secrets() {
    let mut context = context();
    context.write("config.yml", FILE);
    context.set("REGISTRY_STORAGE_DELETE_ENABLED", "true");
    let shown = context.expect(0, &["registry", "config", "show", "config.yml"]).stdout;
    assert!(shown.contains("  delete:\n    enabled: true\n"), "{shown}");
    assert!(shown.contains("secret: \"…\"") && !shown.contains("hunter2"), "{shown}");
    context.write("config.yml", "version: 0.1\nhttp: {addr: 'localhost:1'}\n");
    let outcome = context.expect(2, &["registry", "config", "show", "config.yml"]);
    assert!(outcome.stderr.contains("storage"), "{}", outcome.stderr);
}
