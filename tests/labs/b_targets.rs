//! B7: scanning an image wherever it is, and what runs.

use std::process::{Child, Command, Stdio};

use sealift_testkit::{Access, Faults, Registry, TestContext};

use crate::b_scans::{LIST, vulnerable_app};
use crate::docker::Docker;
use crate::foreign::{jq, layout};
use crate::lab::{run, static_program};

// `app:latest` with a program that does nothing for a minute.
fn sleeping_app() -> TestContext {
    let context = vulnerable_app();
    context.write("root/bin/busybox", static_program());
    context.write(
        "Dockerfile",
        "FROM scratch\nCOPY --chmod=755 root/ /\nCMD [\"/bin/busybox\", \"sleep\", \"60\"]\n",
    );
    context.expect(0, &["build", "--quiet", "-t", "app:latest", "."]);
    context
}

fn findings(context: &TestContext, target: &str) -> Vec<String> {
    context.expect(0, &["scan", target, "-f", "json", "-o", "report.json"]);
    sorted(&jq(context, LIST, "report.json"))
}

fn sorted(list: &str) -> Vec<String> {
    let mut lines: Vec<String> = list.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[test]
fn b7_an_image_wherever_it_is() {
    let context = vulnerable_app();
    let expected = findings(&context, "app:latest");
    assert!(expected.len() > 10, "{expected:?}");
    let source = format!("oci:{}", layout(&context, "app:latest"));
    let work = context.work();
    let copy = |target: &str| {
        let target = target.replace("WORK", work.to_str().unwrap());
        run("skopeo", &["copy", "--quiet", "--insecure-policy", &source, &target]);
    };
    copy("oci:WORK/layout:app");
    copy("oci-archive:WORK/layout.tar:app");
    copy("docker-archive:WORK/docker.tar:app:latest");
    run(
        "umoci",
        &[
            "unpack",
            "--image",
            &layout(&context, "app:latest"),
            work.join("bundle").to_str().unwrap(),
        ],
    );
    let registry = Registry::start(Access::Open, Faults::default());
    let name = format!("{}/team/app:1", registry.host());
    context.expect(0, &["push", "app:latest", &name]);
    let registry_name = format!("registry:{name}");
    for target in [
        "oci-dir:layout:app",
        "oci-archive:layout.tar",
        "docker-archive:docker.tar",
        "./docker.tar",
        "dir:bundle/rootfs",
        "./bundle/rootfs",
        &registry_name,
    ] {
        assert_eq!(findings(&context, target), expected, "{target}");
    }
}

#[test]
fn b7_what_runs() {
    let mut context = sleeping_app();
    let expected = findings(&context, "app:latest");
    context.expect(0, &["save", "app:latest", "-o", "app.tar"]);
    let Some(docker) = Docker::start(context.work().join("docker")) else { return };
    context.set("DOCKER_HOST", &docker.socket);
    context.set("CONTAINERD_ADDRESS", "/nowhere");
    docker.run(&["load", "--input", context.work().join("app.tar").to_str().unwrap()]);
    docker.run(&["run", "--detach", "--network", "none", "--name", "web", "app:latest"]);
    assert_eq!(findings(&context, "docker:app:latest"), expected);
    // A name that has gone elsewhere since does not matter.
    docker.run(&["tag", "app:latest", "app:other"]);
    docker.run(&["rmi", "app:latest"]);
    let outside = Outside::start(&context);

    let scan = ["scan", "--running", "-o", "json=running.json"];
    let outcome = context.expect(0, &scan);
    assert_eq!(sorted(&jq(&context, LIST, "running.web.json")), expected, "{}", outcome.stderr);
    let name = jq(&context, ".ArtifactName", "running.web.json");
    assert!(name.starts_with("docker: web ("), "{name}");
    let process = format!("running.process-{}.json", outside.program.id());
    assert_eq!(sorted(&jq(&context, LIST, &process)), expected, "{}", outcome.stderr);
    // The container's own process is not scanned again.
    let reports = std::fs::read_dir(context.work()).unwrap().flatten();
    let of_app = reports.filter(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        name.starts_with("running.") && !jq(&context, LIST, &name).is_empty()
    });
    assert_eq!(of_app.count(), 2, "{}", outcome.stderr);
    context.expect(1, &[&scan[..], &["--severity", "CRITICAL", "--exit-code", "1"]].concat());
    context.expect(2, &["scan", "--running", "app:latest"]);
    context.expect(2, &["scan"]);
    drop(outside);
    docker.run(&["rm", "--force", "web"]);
}

// A program with a root of its own that no daemon knows.
struct Outside {
    program: Child,
}

impl Outside {
    fn start(context: &TestContext) -> Self {
        let root = context.work().join("outside");
        run(
            "umoci",
            &["unpack", "--image", &layout(context, "app:latest"), root.to_str().unwrap()],
        );
        let program = Command::new("chroot")
            .arg(root.join("rootfs"))
            .args(["/bin/busybox", "sleep", "60"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let root = format!("/proc/{}/root", program.id());
        while std::fs::read_link(&root).unwrap() == std::path::Path::new("/") {
            std::thread::yield_now();
        }
        Self { program }
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}
