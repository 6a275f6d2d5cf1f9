//! Where the registry runs: the container image that Sealift builds of itself, and the chart for Kubernetes.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use sealift_testkit::TestContext;
use serde_json::Value;

use crate::docker::Docker;
use crate::lab::{empty_lab, project, run};
use crate::serving::{PASSWORD, free_host, skopeo};

const IMAGE: &str = "sealift:lab";

/// Builds the image of the program under test, whose symbols nobody needs in it.
fn built() -> TestContext {
    let context = empty_lab();
    context.write("tree/.dockerignore", "*\n!sealift\n");
    let program = context.work().join("tree/sealift");
    run("strip", &["-o", program.to_str().unwrap(), env!("CARGO_BIN_EXE_sealift")]);
    let folder = project().join("packaging/image");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    context.expect(0, &["base", "build", "--quiet", &path("base.toml")]);
    context.expect(0, &["build", "--quiet", "-t", IMAGE, "-f", &path("Dockerfile"), "tree"]);
    context
}

#[test]
fn the_container_image_is_clean() {
    let context = built();
    let outcome = context.expect(0, &["audit", "-f", "json", "--fail-on", "warning", IMAGE]);
    let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(report["findings"].as_array().map(Vec::len), Some(0), "{report:#}");
    let sbom = context.expect(0, &["sbom", "-o", "spdx-json", IMAGE]).stdout;
    assert!(sbom.contains("libc6") && sbom.contains("ca-certificates"), "{sbom}");
}

#[test]
fn the_container_image_serves_a_registry_with_nothing_to_write_to_but_its_volume() {
    let context = built();
    context.expect(0, &["save", IMAGE, "-o", "image.tar"]);
    let Some(docker) = Docker::start(context.work().join("docker")) else { return };
    docker.run(&["load", "--input", context.work().join("image.tar").to_str().unwrap()]);
    docker.run(&["volume", "create", "data"]);
    let shut = ["run", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
    let shut = [&shut[..], &["--network", "host", "--volume", "data:/data"]].concat();
    // The password comes by standard input; the volume keeps the file.
    let add = ["registry", "user", "add", "--password-fd", "0", "/data/users", "anna"];
    let mut adding = Command::new("/usr/bin/docker");
    adding.args(["--host", &docker.socket]).args(&shut).args(["--rm", "--interactive", IMAGE]);
    let mut adding = adding.args(add).stdin(std::process::Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(&mut adding.stdin.take().unwrap(), PASSWORD.as_bytes()).unwrap();
    assert!(adding.wait().unwrap().success());
    let host = free_host();
    let serve = ["registry", "serve", "--no-tls", "--data", "/data/registry"];
    let all = [&shut[..], &["--detach", IMAGE], &serve, &["--listen", &host]];
    let container = docker.run(&[all.concat().as_slice(), &["--htpasswd", "/data/users"]].concat());
    let begin = Instant::now();
    let url = format!("http://{host}/readyz");
    while Command::new("curl").args(["-sf", "-o", "/dev/null", &url]).status().unwrap().code()
        != Some(0)
    {
        let log = || docker.run(&["logs", container.trim()]);
        assert!(begin.elapsed() < Duration::from_mins(1), "it does not answer: {}", log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let archive = format!("docker-archive:{}", context.work().join("image.tar").display());
    let name = format!("docker://{host}/sealift:1");
    let credentials = format!("anna:{PASSWORD}");
    let copy = ["--insecure-policy", "copy", "-q", "--dest-tls-verify=false", "--dest-creds"];
    let (is_pushed, text) = skopeo(&[&copy[..], &[&credentials, &archive, &name]].concat());
    assert!(is_pushed, "{text}");
    let (is_known, text) =
        skopeo(&["inspect", "--tls-verify=false", "--creds", &credentials, &name]);
    assert!(is_known, "{text}");
    let user = docker.run(&["inspect", "--format", "{{.Config.User}}", container.trim()]);
    assert_eq!(user.trim(), "65532:65532");
    // Nothing in it that could be run but the program.
    let rootfs = context.work().join("rootfs.tar");
    let rootfs = rootfs.to_str().unwrap();
    docker.run(&["export", "--output", rootfs, container.trim()]);
    let listed = run("tar", &["--list", "--file", rootfs]);
    let programs = listed.lines().filter(|path| path.contains("bin/") && !path.ends_with('/'));
    assert_eq!(programs.collect::<Vec<_>>(), ["usr/bin/sealift"]);
    docker.run(&["rm", "--force", container.trim()]);
}

/// Helm, where a Go was there to build it.
#[expect(clippy::print_stderr, reason = "a skipped test must say so aloud")]
fn helm() -> Option<PathBuf> {
    let helm = std::env::var_os("SEALIFT_HELM").map(PathBuf::from).filter(|path| path.exists());
    if helm.is_none() {
        eprintln!("SKIPPED: SEALIFT_HELM names no helm; tests/setup builds one where Go is");
    }
    helm
}

const PLAIN: &[&str] = &["--set", "htpasswdSecret=users"];
const WHOLE: &[&str] = &[
    "--set=htpasswdSecret=users,tlsSecret=tls,ingress.enabled=true,ingress.tlsSecret=outer",
    "--set=ingress.className=nginx,persistence.storageClass=fast,image.digest=sha256:\
      0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
];
const REPLICAS: &[&str] = &[
    "--set=replicas=3,persistence.enabled=false,networkPolicy.enabled=false,tlsSecret=tls",
    "--set=config.storage.filesystem=null,config.storage.s3.bucket=images,config.storage.s3.region=eu",
];

#[test]
fn helm_takes_the_chart_and_our_rules_find_nothing_in_it() {
    let Some(helm) = helm() else { return };
    let helm = helm.to_str().unwrap();
    let chart = project().join("packaging/helm/sealift-registry");
    let chart = chart.to_str().unwrap();
    let context = empty_lab();
    for values in [PLAIN, WHOLE, REPLICAS] {
        let linted = run(helm, &[&["lint", "--strict", chart], values].concat());
        assert!(linted.contains("0 chart(s) failed"), "{linted}");
        let made =
            run(helm, &[&["template", "hub", chart, "--namespace", "ships"], values].concat());
        context.write("made.yaml", &made);
        let outcome = context.run(&["lint", "-f", "json", "--fail-on", "never", "made.yaml"]);
        let report: Value = serde_json::from_str(&outcome.stdout).unwrap();
        let found = report["findings"].as_array().unwrap().iter();
        let grave = found.filter(|it| it["level"] != "info").collect::<Vec<_>>();
        assert!(grave.is_empty(), "{values:?}: {grave:#?}");
    }
}

#[test]
fn the_charts_configuration_is_one_that_the_registry_takes() {
    let Some(helm) = helm() else { return };
    let chart = project().join("packaging/helm/sealift-registry");
    let context = empty_lab();
    for values in [PLAIN, WHOLE] {
        let arguments =
            ["template", "hub", chart.to_str().unwrap(), "-s", "templates/configmap.yaml"];
        let made = run(helm.to_str().unwrap(), &[&arguments, values].concat());
        let (_, text) = made.split_once("registry.yml: |\n").unwrap();
        let text = text.replace("\n    ", "\n");
        let text = text.strip_prefix("    ").unwrap();
        // What is in secrets lies elsewhere here.
        let place = context.work();
        context.write("etc/auth/htpasswd", "");
        let text = text.replace("/etc/sealift/", &format!("{}/etc/", place.display()));
        let text = text.replace("/data/registry", &format!("{}/data", place.display()));
        context.expect(0, &["registry", "cert", "--host", "localhost", "etc/tls"]);
        for ending in ["crt", "key"] {
            let file = |name: &str| context.work().join(format!("etc/tls/{name}.{ending}"));
            std::fs::rename(file("registry"), file("tls")).unwrap();
        }
        context.write("registry.yml", &text);
        context.expect(0, &["registry", "config", "check", "registry.yml"]);
    }
}
