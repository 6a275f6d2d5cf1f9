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

#[test]
fn image_is_audited() {
    let context = empty_lab();
    context.write("root/etc/passwd", "root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n");
    context.write("root/etc/shadow", "root::1::::::\n");
    context.write("root/app/.env", "A=1\n");
    context.write("su", "program\n");
    context.write("open", "x\n");
    context.write(
        "Dockerfile",
        "FROM scratch\nCOPY root/ /\nCOPY --chmod=4755 su /bin/su\nCOPY --chmod=666 open /app/open\n\
         ENV API_KEY=sk_live_abcd1234\nEXPOSE 22\n",
    );
    context.expect(0, &["build", "--quiet", "-t", "app:latest", "."]);
    let found = context.expect(1, &["audit", "app:latest"]).stdout;
    for words in [
        "account `root` has no password",
        "`root`, `toor` have the user number 0",
        "`/app/.env` looks like credentials",
        "`/bin/su` has the setuid bit",
        "everybody can write the file `/app/open`",
        "the image names no user",
        "variable `API_KEY` holds a secret: Stripe secret key",
        "port 22 is that of SSH",
        "/etc/shadow (layer 1)",
    ] {
        assert!(found.contains(words), "{words}\n{found}");
    }
    assert!(!found.contains("sk_live_abcd1234"), "a secret is shown\n{found}");
    let report = context.expect(1, &["audit", "app:latest", "--compliance", "cis-docker-4"]).stdout;
    for (standing, control) in
        [("fail", "4.1 "), ("fail", "4.10"), ("manual", "4.2"), ("pass", "4.7")]
    {
        let is_so = |line: &str| line.starts_with(standing) && line.contains(control);
        assert!(report.lines().any(is_so), "{standing} {control}\n{report}");
    }
    context.expect(2, &["audit", "app:latest", "--compliance", "nothing"]);
    context.expect(0, &["audit", "app:latest", "--fail-on", "never", "--format", "json"]);
}

// Every file of a project is judged with the others, and a finding stands in the file that has the value.
#[test]
fn e5_compose_project_is_audited_as_a_whole() {
    let context = empty_lab();
    context.write(
        "site/compose.yaml",
        "include: [db/compose.yaml]\nservices:\n  web: {image: 'a:1'}\n",
    );
    context.write(
        "site/compose.override.yaml",
        "services:\n  web:\n    privileged: true\n    env_file: [web.env, gone.env]\n",
    );
    context.write("site/db/compose.yaml", "services:\n  db: {image: 'b:1', pid: host}\n");
    context.write("site/web.env", "# ours\nDB_PASSWORD=k7Qz9vTb2LmX4s\n");
    let arguments = ["lint", "--format", "github", "site/compose.yaml"];
    let found = context.expect(1, &arguments).stdout;
    for (file, line, rule) in [
        ("site/compose.override.yaml", 3, "SL6001"),
        ("site/compose.override.yaml", 4, "SL6032"),
        ("site/db/compose.yaml", 2, "SL6009"),
        ("site/web.env", 2, "SL1001"),
        ("site/compose.yaml", 3, "SL6013"),
    ] {
        let place = format!("file={file},line={line},");
        let is_it = |it: &str| it.contains(&place) && it.contains(rule);
        assert!(found.lines().any(is_it), "{rule} is not at {place}\n{found}");
    }
    assert!(!found.contains("k7Qz9vTb2LmX4s"), "a secret is shown");
    context.expect(1, &["lint", "--fix=suggested", "site/compose.yaml"]);
    let over = std::fs::read_to_string(context.work().join("site/compose.override.yaml")).unwrap();
    assert!(over.contains("privileged: false"), "{over}");
    // Named one by one they are one project too; the file that overrides says what the first one lacks.
    context.write("two/compose.yaml", "services:\n  web: {image: 'a:1'}\n");
    context.write("two/compose.prod.yaml", "services:\n  web: {mem_limit: 1g}\n");
    let both = ["two/compose.prod.yaml", "two/compose.yaml"];
    let alone = context.expect(0, &["lint", "--format", "json", both[1]]).stdout;
    let found = context.expect(0, &[&["lint", "--format", "json"], &both[..]].concat()).stdout;
    assert!(alone.contains("\"SL6013\"") && !found.contains("\"SL6013\""), "{found}");
}
