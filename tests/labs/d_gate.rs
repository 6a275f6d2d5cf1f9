//! D: the registry that refuses, and its pages.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sealift_testkit::TestContext;

use crate::lab::{empty_lab, project, run};

// Of `anna`, for whom it was made with `htpasswd -Bb`.
const PASSWORD: &str = "a long enough secret";

struct Server {
    child: Child,
    host: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start(context: &TestContext) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let host = format!("127.0.0.1:{port}");
        run(
            "htpasswd",
            &["-Bbc", &context.work().join("users").display().to_string(), "anna", PASSWORD],
        );
        context.write("d6.rego", include_str!("../../examples/secure-app/policy/registry.rego"));
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
        let child = context
            .command(&["registry", "serve", "registry.yml"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut server = Self { child, host };
        let begin = Instant::now();
        while server.curl(&["-o", "/dev/null", "-w", "%{http_code}"], "/readyz") != "200" {
            if server.child.try_wait().unwrap().is_some() || begin.elapsed().as_secs() > 60 {
                let mut text = String::new();
                let _ = server.child.kill();
                server.child.stderr.take().unwrap().read_to_string(&mut text).unwrap();
                panic!("the registry did not start: {text}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        // Nobody reads the log, and the server must not wait for a reader.
        let mut log = server.child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        server
    }

    fn curl(&self, options: &[&str], path: &str) -> String {
        let url = format!("http://{}{path}", self.host);
        let output = Command::new("curl").arg("-s").args(options).arg(url).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    fn skopeo(arguments: &[&str]) -> (bool, String) {
        let output = Command::new("skopeo").args(arguments).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    }

    fn inspect(&self, name: &str) -> (bool, String) {
        let credentials = format!("anna:{PASSWORD}");
        let name = format!("docker://{}/{name}", self.host);
        Self::skopeo(&["inspect", "--tls-verify=false", "--creds", &credentials, &name])
    }

    fn push(&self, context: &TestContext, folder: &str, name: &str) {
        let credentials = format!("anna:{PASSWORD}");
        let from = format!("docker-archive:{}.tar", context.work().join(folder).display());
        let to = format!("docker://{}/{name}", self.host);
        let options =
            ["--insecure-policy", "--dest-tls-verify=false", "--dest-creds", &credentials];
        let (is_done, text) =
            Self::skopeo(&[&["copy", "-q"], options.as_slice(), &[&from, &to]].concat());
        assert!(is_done, "{text}");
    }

    // Until it was examined.
    fn wait_for(&self, name: &str, wanted: &str) -> String {
        let begin = Instant::now();
        loop {
            let (is_given, text) = self.inspect(name);
            let said = if is_given { "given out" } else { &text };
            if said.contains(wanted) {
                return said.to_owned();
            }
            assert!(begin.elapsed().as_secs() < 120, "{name}: {said}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

fn image(context: &TestContext, folder: &str, version: &str) {
    let place = "app/root/usr/lib/python3/dist-packages/x.dist-info/METADATA";
    context.write(place, format!("Metadata-Version: 2.1\nName: flask\nVersion: {version}\n"));
    context.write("app/Dockerfile", "FROM scratch\nCOPY root/ /\nUSER 65532\n");
    context.expect(0, &["build", "--quiet", "-t", folder, "app"]);
    context.expect(0, &["save", folder, "-o", &format!("{folder}.tar")]);
}

#[test]
fn d6_the_registry_refuses_what_its_policy_refuses() {
    let context = empty_lab();
    let server = Server::start(&context);
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
}

#[test]
fn d8_the_pages_show_images_findings_and_the_verdict() {
    let context = empty_lab();
    let server = Server::start(&context);
    image(&context, "holed", "0.12.2");
    server.push(&context, "holed", "team/old:1.0");
    server.wait_for("team/old:1.0", "CVE-2018-1000656");
    let jar = context.work().join("cookies").display().to_string();
    // Who is not logged in is sent to the login, for whatever there is and is not.
    for path in ["/", "/r/team/old", "/r/no/such", "/-/admin"] {
        let status = server.curl(&["-o", "/dev/null", "-w", "%{http_code} %{redirect_url}"], path);
        assert_eq!(status, format!("303 http://{}/-/login", server.host), "{path}");
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
