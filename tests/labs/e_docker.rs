//! E: what was shipped runs in a real Docker.

use sealift_testkit::TestContext;
use serde_json::Value;

use crate::docker::Docker;
use crate::lab::{empty_lab, example, lab};

const NAME: &str = "registry.local:5000/secure-app:1.0.0";

#[test]
fn e1_docker_loads_and_runs_the_image() {
    let context = lab();
    example(&context);
    context.expect(0, &["ship"]);
    context.expect(0, &["save", NAME, "-o", "app.tar"]);
    let Some(docker) = Docker::start(context.work().join("docker")) else { return };
    let loaded = docker.run(&["load", "--input", context.work().join("app.tar").to_str().unwrap()]);
    assert!(loaded.contains(NAME), "{loaded}");
    let container = docker.run(&["run", "--detach", "--network", "none", NAME]);
    let container = container.trim();
    let ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/health').read().decode())";
    let answer = docker.until(|docker| docker.attempt(&["exec", container, "python", "-c", ask]));
    assert!(answer.contains("ok"), "{answer}");
    assert_eq!(docker.run(&["exec", container, "id", "-u"]).trim(), "65532");
    docker.until(|docker| {
        let state = docker.run(&["inspect", "--format", "{{.State.Health.Status}}", container]);
        (state.trim() == "healthy").then_some(state)
    });
    docker.run(&["rm", "--force", container]);
}

/// A run that section 5 of the CIS Docker Benchmark objects to, and what it objects to: control and rule.
const OPEN: &[&str] = &[
    "--pid",
    "host",
    "--ipc",
    "host",
    "--uts",
    "host",
    "--network",
    "host",
    "--cap-add",
    "SYS_ADMIN",
    "--security-opt",
    "seccomp=unconfined",
    "--volume",
    "/etc:/host-etc",
    "--ulimit",
    "core=-1",
    "--restart",
    "always",
    "--env",
    "DB_PASSWORD=k7Qz9vTb2LmX4s",
];
const OBJECTIONS: &[(&str, &str)] = &[
    ("5.4", "SL6002"),
    ("5.4", "SL6003"),
    ("5.6", "SL6007"),
    ("5.10", "SL6008"),
    ("5.11", "SL6013"),
    ("5.12", "SL6014"),
    ("5.13", "SL6005"),
    ("5.15", "SL6021"),
    ("5.16", "SL6009"),
    ("5.17", "SL6010"),
    ("5.19", "SL6023"),
    ("5.21", "SL6011"),
    ("5.22", "SL6016"),
    ("5.26", "SL6004"),
    ("5.27", "SL4008"),
    ("5.29", "SL6015"),
];
/// Devices of the host that no container should have, the likeliest first.
const DEVICES: &[&str] = &["/dev/port", "/dev/mem", "/dev/vda", "/dev/sda", "/dev/nvme0n1"];
/// The same with nothing to object to but what `--network none` cannot have.
const SHUT: &[&str] = &[
    "--network",
    "none",
    "--read-only",
    "--user",
    "10001:10001",
    "--cap-drop",
    "ALL",
    "--security-opt",
    "no-new-privileges",
    "--memory",
    "64m",
    "--cpus",
    "0.5",
    "--pids-limit",
    "50",
    "--health-cmd",
    "true",
    "--restart",
    "on-failure:5",
];

fn found<'a>(report: &'a Value, container: &str) -> Vec<&'a str> {
    let findings = report["findings"].as_array().unwrap().iter();
    let is_of = |it: &&Value| it["subject"].as_str().unwrap().contains(container);
    findings.filter(is_of).map(|it| it["rule"].as_str().unwrap()).collect()
}

// E5, D6: what is said of containers is what the engine was told to run, control by control.
#[test]
fn e5_running_containers_are_audited() {
    let mut context = empty_lab();
    let Some(docker) = Docker::start(context.work().join("docker")) else { return };
    small_image(&context, &docker);
    let start = |name: &str, options: &[&str]| {
        let all =
            [&["run", "--detach", "--name", name][..], options, &["small:1", "/pause"]].concat();
        docker.run(&all);
    };
    let device = DEVICES.iter().find(|device| std::path::Path::new(device).exists());
    let device = device.map(|device| format!("--device={device}:/dev/x:r"));
    start("open", &[OPEN, &device.iter().map(String::as_str).collect::<Vec<_>>()].concat());
    let privileged =
        ["run", "--detach", "--name", "privileged", "--privileged", "small:1", "/pause"];
    let is_privileged = docker.attempt(&privileged).is_some();
    if device.is_none() {
        eprintln!("SKIPPED: control 5.18, this machine has no device that matters");
    }
    if !is_privileged {
        eprintln!("SKIPPED: control 5.5, this machine cannot start a privileged container");
    }
    start("shut", SHUT);
    context.set("DOCKER_HOST", &docker.socket);
    let outcome = context.expect(1, &["audit", "--containers", "-f", "json"]);
    assert!(!outcome.stdout.contains("k7Qz9vTb2LmX4s"), "a secret is shown");
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    let open = found(&report, "open");
    for (control, rule) in OBJECTIONS {
        assert!(open.contains(rule), "{control}: {rule} is not among {open:?}");
    }
    if device.is_some() {
        assert!(open.contains(&"SL6022"), "5.18: {open:?}");
    }
    if is_privileged {
        assert!(found(&report, "privileged").contains(&"SL6001"), "5.5");
    }
    assert!(open.contains(&"SL1001"), "a secret in the environment: {open:?}");
    assert_eq!(found(&report, "shut"), [""; 0]);
    let benchmark = ["audit", "--containers", "--compliance", "cis-docker-5", "-f", "json"];
    let report: Value = serde_json::from_str(&context.expect(1, &benchmark).stdout).unwrap();
    let controls = report["compliance"]["controls"].as_array().unwrap();
    let privileged = is_privileged.then_some(&("5.5", "SL6001"));
    let device = device.is_some().then_some(&("5.18", "SL6022"));
    for (control, _) in OBJECTIONS.iter().chain(privileged).chain(device) {
        let known = controls.iter().find(|it| it["id"] == *control);
        assert_eq!(known.map(|it| &it["standing"]), Some(&"fail".into()), "{control}");
    }
    docker.run(&["rm", "--force", "open", "privileged"]);
    context.expect(0, &["audit", "--containers"]);
    let report: Value = serde_json::from_str(&context.expect(0, &benchmark).stdout).unwrap();
    let controls = report["compliance"]["controls"].as_array().unwrap();
    assert!(controls.iter().all(|it| it["standing"] != "fail"), "{controls:?}");
    docker.run(&["rm", "--force", "shut"]);
}

// An image of one program that waits.
fn small_image(context: &TestContext, docker: &Docker) {
    context.write("small/pause.c", "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n");
    let source = context.work().join("small/pause.c");
    let program = context.work().join("small/pause");
    let (source, program) = (source.to_str().unwrap(), program.to_str().unwrap());
    crate::lab::run("cc", &["-static", "-o", program, source]);
    context.write("small/Dockerfile", "FROM scratch\nCOPY pause /\nENTRYPOINT [\"/pause\"]\n");
    context.expect(0, &["build", "-t", "small:1", "small"]);
    context.expect(0, &["save", "small:1", "-o", "small.tar"]);
    docker.run(&["load", "--input", context.work().join("small.tar").to_str().unwrap()]);
}
