//! D8 in a browser: the registry's pages, by keyboard alone and without scripts, in light and dark, wide and narrow.

use std::path::Path;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_testkit::TestContext;

use crate::lab::{empty_lab, project};
use crate::serving::{PASSWORD, Server, add_user, free_host, image};

const CHROMIUM: &str = "/usr/bin/chromium";

// A registry that examines, judges and proves, with an upstream that nobody asks.
fn start(context: &TestContext, host: &str) -> Server {
    add_user(context, "users");
    let configuration = format!(
        "version: 0.1\nstorage: {{filesystem: {{rootdirectory: registry}}, delete: {{enabled: true}}}}\n\
         http: {{addr: \"{host}\"}}\nauth: {{htpasswd: {{realm: Lab, path: users}}}}\n\
         sealift:\n  access:\n    rules: [\"anna=**:*\"]\n  robots: {{enabled: true}}\n\
         \x20 mirrors: [{{prefix: mirror/quay, url: \"https://quay.io\"}}]\n\
         \x20 retention: [{{repositories: \"team/**\", keep_last: 5}}]\n\
         \x20 gate: {{name: \"{host}\", advisories: osv, fail_on: high, keys: keys}}\n"
    );
    context.write("registry.yml", configuration);
    let advisory =
        project().join("examples/secure-app/advisories/EXAMPLE-PYPI-CVE-2018-1000656.json");
    context.write("osv/flask.json", std::fs::read(advisory).unwrap());
    Server::start(&mut context.command(&["registry", "serve", "registry.yml"]), host, None)
}

// Whoever signs has a key from the first signature on.
fn sign(context: &TestContext, name: &str) {
    context.write("passphrase", "correct horse");
    context.expect(0, &["sign", "--passphrase-file", "passphrase", name]);
    let key = std::fs::read(context.home().join(".config/sealift/keys/default.pub")).unwrap();
    context.write("keys/release.pub", key);
}

#[test]
fn d8_the_pages_work_in_a_browser_by_keyboard_and_for_who_hears_them() {
    let python =
        std::env::var_os("SEALIFT_BROWSER_PYTHON").filter(|_| Path::new(CHROMIUM).exists());
    let Some(python) = python else {
        eprintln!(
            "SKIPPED: no {CHROMIUM} or no $SEALIFT_BROWSER_PYTHON; `cargo xtask test` has both"
        );
        return;
    };
    let context = empty_lab();
    let host = free_host();
    let name = format!("{host}/team/old:1.0");
    image(&context, "holed", "0.12.2");
    context.expect(0, &["build", "--quiet", "-t", &name, "app"]);
    sign(&context, &name);
    let server = start(&context, &host);
    let login = STANDARD.encode(format!("anna:{PASSWORD}"));
    let login = format!(r#"{{"auths":{{"{host}":{{"auth":"{login}"}}}}}}"#);
    std::fs::create_dir_all(context.home().join(".docker")).unwrap();
    std::fs::write(context.home().join(".docker/config.json"), login).unwrap();
    context.expect(0, &["push", &name]);
    server.wait_for("team/old:1.0", "CVE-2018-1000656");
    let script = project().join("tests/interop/pages.py");
    let origin = format!("http://{host}");
    let mut command = Command::new(python);
    command.arg(script).args([&origin, "anna", PASSWORD, "team/old", "1.0"]);
    // Whoever wants to look at the pages names a folder for pictures.
    command.args(std::env::var_os("SEALIFT_PAGES"));
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stdout));
}
