//! D5: a mirror. The second pull is served locally, and the upstream may be down.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use sealift_testkit::{Access, Faults, Registry, TestContext};

use crate::lab::empty_lab;

/// A server that goes when the test does.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

// Serves a configuration with these lines in it; returns the address too.
fn serve(context: &TestContext, lines: &str) -> (Server, String) {
    let folder = context.work().join("registry");
    let text = format!(
        "version: 0.1\nstorage:\n  filesystem: {{rootdirectory: {}}}\nhttp: {{addr: \"127.0.0.1:0\"}}\n{lines}",
        folder.display()
    );
    context.write("config.yml", text);
    let mut child = context
        .command(&["registry", "serve", "config.yml"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let server = Server(child);
    let mut said = String::new();
    let address = loop {
        let line = lines.next().unwrap_or_else(|| panic!("it ends: {said}")).unwrap();
        if let Some((_, rest)) = line.split_once("://localhost:") {
            let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
            break format!("127.0.0.1:{port}");
        }
        said = format!("{said}{line}\n");
    };
    // What else it says must not fill the pipe.
    std::thread::spawn(move || lines.for_each(drop));
    (server, address)
}

fn upstream(context: &TestContext) -> Registry {
    let upstream = Registry::start(Access::Open, Faults::default());
    context.write("app/file", "of an upstream");
    context.write("app/Dockerfile", "FROM scratch\nCOPY file /file\n");
    let name = format!("{}/team/app:1", upstream.host());
    context.expect(0, &["build", "--quiet", "-t", &name, "app"]);
    context.expect(0, &["push", "--quiet", &name]);
    upstream.clear_log();
    upstream
}

// Requests to the upstream for content.
fn contents(upstream: &Registry) -> Vec<String> {
    let log = upstream.log().into_iter();
    log.filter(|line| line.starts_with("GET") && line.contains("sha256:")).collect()
}

fn refuse(upstream: &Registry) {
    upstream.set_faults(Faults { refuse: Some((500, Vec::new())), ..Faults::default() });
}

#[test]
fn d5_the_second_pull_is_served_locally() {
    let context = empty_lab();
    let upstream = upstream(&context);
    let lines = format!("proxy: {{remoteurl: \"http://{}\"}}\n", upstream.host());
    let (_server, address) = serve(&context, &lines);
    assert_eq!(upstream.log(), [""; 0], "nothing is asked at the start");
    let name = format!("{address}/team/app:1");
    context.expect(0, &["pull", "--quiet", "--store", "first", &name]);
    let first = contents(&upstream);
    let mut once = first.clone();
    once.sort();
    once.dedup();
    assert_eq!(first.len(), once.len(), "{first:?}");
    context.expect(0, &["pull", "--quiet", "--store", "second", &name]);
    assert_eq!(contents(&upstream), first);
    refuse(&upstream);
    context.expect(0, &["pull", "--quiet", "--store", "third", &name]);
    // What is not here is not said to be missing.
    let error = context.expect(3, &["pull", "--store", "third", &format!("{address}/team/app:2")]);
    assert!(error.stderr.contains("there is no copy"), "{}", error.stderr);
    // All of it is the upstream's.
    upstream.set_faults(Faults::default());
    let own = format!("{address}/team/own:1");
    context.expect(0, &["build", "--quiet", "-t", &own, "app"]);
    let error = context.expect(3, &["push", &own]);
    assert!(error.stderr.contains("takes no pushes"), "{}", error.stderr);
}

#[test]
fn d5_a_mirror_beside_images_of_its_own() {
    let context = empty_lab();
    let upstream = upstream(&context);
    let lines = format!(
        "sealift:\n  open: true\n  mirrors:\n    - {{prefix: mirror/up, url: \"http://{}\", ttl: 0s, pause: 0s}}\n",
        upstream.host()
    );
    let (_server, address) = serve(&context, &lines);
    let (own, mirrored) =
        (format!("{address}/team/own:1"), format!("{address}/mirror/up/team/app:1"));
    context.expect(0, &["build", "--quiet", "-t", &own, "app"]);
    context.expect(0, &["push", "--quiet", &own]);
    assert_eq!(upstream.log(), [""; 0]);
    context.expect(0, &["pull", "--quiet", "--store", "first", &mirrored]);
    refuse(&upstream);
    for name in [&own, &mirrored] {
        context.expect(0, &["pull", "--quiet", "--store", "second", name]);
    }
}
