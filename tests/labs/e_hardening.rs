//! E5: the settings of a hardened run, asked of compose files and Kubernetes manifests.

use sealift_testkit::TestContext;

use crate::lab::empty_lab;

const BARE: &str = "\
# the site
services:
  web:
    image: example.com/web:1.2.3   # built elsewhere
    ports:
      - \"8080:8080\"
    environment:
      API_TOKEN: not-for-everybody
";

/// What a hardened run sets: read-only root, `/tmp` in memory, no capabilities, no new privileges, a user, memory, CPU.
const ASKED: [&str; 6] = ["SL6005", "SL6003", "SL6004", "SL1012", "SL6013", "SL6014"];

fn rules(context: &TestContext, file: &str, code: i32) -> String {
    let output = context.expect(code, &["lint", "--format", "json", file]);
    output.stdout
}

#[test]
fn e5_compose_file_is_audited_and_mended() {
    let context = empty_lab();
    context.write("compose.yaml", BARE);
    let found = rules(&context, "compose.yaml", 1);
    for rule in ASKED {
        assert!(found.contains(&format!("\"{rule}\"")), "{rule} is not asked for\n{found}");
    }
    assert!(!found.contains("not-for-everybody"), "a secret is shown");
    context.expect(0, &["lint", "--fix=suggested", "compose.yaml"]);
    let mended = std::fs::read_to_string(context.work().join("compose.yaml")).unwrap();
    assert!(mended.starts_with(
        "# the site\nservices:\n  web:\n    image: example.com/web:1.2.3   # built elsewhere\n"
    ));
    for line in [
        "read_only: true",
        "- /tmp",
        "- ALL",
        "- no-new-privileges:true",
        "user: \"10001:10001\"",
        "mem_limit: 256m",
        "cpus: 0.5",
        "- \"127.0.0.1:8080:8080\"",
        "API_TOKEN: \"${API_TOKEN:?}\"",
    ] {
        assert!(mended.contains(line), "{line}\n{mended}");
    }
    context.expect(0, &["lint", "--fail-on", "warning", "compose.yaml"]);
}

const DEPLOYMENT: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: site}
spec:
  template:
    spec:
      containers:
        - name: web
          image: example.com/web:1.2.3
";

#[test]
fn e5_manifest_is_audited_and_mended() {
    let context = empty_lab();
    context.write("deploy/web.yaml", DEPLOYMENT);
    let found = rules(&context, "deploy", 0);
    for rule in ASKED {
        assert!(found.contains(&format!("\"{rule}\"")), "{rule} is not asked for\n{found}");
    }
    context.expect(0, &["lint", "--fix=suggested", "deploy/web.yaml"]);
    let mended = std::fs::read_to_string(context.work().join("deploy/web.yaml")).unwrap();
    for line in [
        "runAsNonRoot: true",
        "readOnlyRootFilesystem: true",
        "allowPrivilegeEscalation: false",
        "- ALL",
        "memory: 256Mi",
        "cpu: 500m",
        "type: RuntimeDefault",
    ] {
        assert!(mended.contains(line), "{line}\n{mended}");
    }
    context.expect(0, &["lint", "--fail-on", "warning", "deploy/web.yaml"]);
}
