//! D: the registry that refuses, and its pages.

use sealift_testkit::TestContext;

use crate::lab::{empty_lab, project};
use crate::serving::{PASSWORD, Server, add_user, free_host, image};

fn start(context: &TestContext) -> Server {
    let host = free_host();
    add_user(context, "users");
    let configuration = format!(
        "version: 0.1\nstorage: {{filesystem: {{rootdirectory: registry}}, delete: {{enabled: true}}}}\n\
         http: {{addr: \"{host}\"}}\nauth: {{htpasswd: {{realm: Lab, path: users}}}}\n\
         sealift:\n  access:\n    rules: [\"anna=**:*\"]\n  robots: {{enabled: true}}\n\
         \x20 gate:\n    name: \"{host}\"\n    advisories: osv\n    fail_on: high\n    policies: [production.rego]\n\
         \x20   data: {{environment: production}}\n"
    );
    context.write("registry.yml", configuration);
    let advisory =
        project().join("examples/secure-app/advisories/EXAMPLE-PYPI-CVE-2018-1000656.json");
    context.write("osv/flask.json", std::fs::read(advisory).unwrap());
    // The two rules of the lab's policy that need no signature.
    context.write(
        "production.rego",
        "package docker.registry\n\
         deny[msg] { input.image.tag == \"latest\"; input.environment == \"production\"; msg := \"Latest tag not allowed in production\" }\n\
         deny[msg] { input.image.scan_status != \"passed\"; msg := \"Image must pass vulnerability scan\" }\n",
    );
    Server::start(&mut context.command(&["registry", "serve", "registry.yml"]), &host, None)
}

#[test]
fn d6_the_registry_refuses_what_its_policy_refuses() {
    let context = empty_lab();
    let server = start(&context);
    image(&context, "fine", "3.1.3");
    image(&context, "holed", "0.12.2");
    server.push(&context, "fine", "team/app:1.0");
    server.push(&context, "fine", "team/app:latest");
    server.push(&context, "holed", "team/old:1.0");
    server.wait_for("team/app:1.0", "given out");
    let text = server.wait_for("team/old:1.0", "CVE-2018-1000656");
    assert!(text.contains("denied: the scan gate refuses it"), "{text}");
    // It is the second reason; clients print the first.
    assert!(text.contains("(and 1 more)"), "{text}");
    let (is_given, text) = server.inspect("team/app:latest");
    assert!(!is_given && text.contains("Latest tag not allowed in production"), "{text}");
    // Another policy counts without a new start; one that cannot be read does not.
    context.write("production.rego", "package docker.registry\ndeny[msg] {");
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(!server.inspect("team/app:latest").0);
    context.write(
        "production.rego",
        "package docker.registry\ndeny[msg] { input.os == \"plan9\"; msg := \"no\" }\n",
    );
    server.wait_for("team/app:latest", "given out");
}

#[test]
fn d8_the_pages_show_images_findings_and_the_verdict() {
    let context = empty_lab();
    let server = start(&context);
    image(&context, "holed", "0.12.2");
    server.push(&context, "holed", "team/old:1.0");
    server.wait_for("team/old:1.0", "CVE-2018-1000656");
    let jar = context.work().join("cookies").display().to_string();
    // Who is not logged in is sent to the login, for whatever there is and is not.
    for path in ["/", "/r/team/old", "/r/no/such", "/-/admin"] {
        let status = server.curl(&["-o", "/dev/null", "-w", "%{http_code} %{redirect_url}"], path);
        assert_eq!(status, format!("303 http://{}/-/login?next={}", server.host, path), "{path}");
    }
    let form = server.curl(&[], "/-/login");
    let token = form.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = format!("token={token}&user=anna&password={}", PASSWORD.replace(' ', "+"));
    let wrong = format!("token={token}&user=anna&password=wrong");
    let status = ["-o", "/dev/null", "-w", "%{http_code}"];
    let send = |options: &[&str]| server.curl(options, "/-/login");
    assert_eq!(send(&[status.as_slice(), &["--data", &wrong]].concat()), "401");
    let foreign = ["--data", &fields, "-H", "Origin: https://elsewhere.example"];
    assert_eq!(send(&[status.as_slice(), &foreign].concat()), "403");
    assert_eq!(send(&[status.as_slice(), &["--data", &fields, "-c", &jar]].concat()), "303");
    let page = |path: &str| server.curl(&["-b", &jar], path);
    assert!(page("/").contains("team/old"));
    assert!(page("/r/team/old").contains("1 high"), "{}", page("/r/team/old"));
    let image = page("/r/team/old/-/1.0");
    assert!(image.contains("refused") && image.contains("Image must pass vulnerability scan"));
    assert!(page("/r/team/old/-/1.0?view=packages").contains("flask"));
    let findings = page("/r/team/old/-/1.0?view=findings&severity=high");
    assert!(findings.contains("CVE-2018-1000656"), "{findings}");
    assert!(!page("/r/team/old/-/1.0?view=findings&severity=low").contains("CVE-2018-1000656"));
    assert!(page("/r/team/old/-/1.0?view=referrers").contains("application/spdx+json"));
    assert!(page("/-/storage").contains("Images examined"));
    // A form without the session's token changes nothing.
    let collected = server.curl(&["-b", &jar, "--data", "dry="], "/-/admin/collect");
    assert!(collected.contains("another session"), "{collected}");
    assert!(page("/-/admin").contains("anna"));
    let admin = page("/-/admin");
    let token = admin.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = format!("token={token}&name=ci&repositories=team/**&actions=pull&days=30");
    let made = server.curl(&["-b", &jar, "--data", &fields], "/-/admin/robots");
    assert!(made.contains("sealift_robot_"), "{made}");
    let headers = server.curl(&["-D", "-", "-o", "/dev/null", "-b", &jar], "/");
    assert!(headers.contains("default-src 'none'"), "{headers}");
}
