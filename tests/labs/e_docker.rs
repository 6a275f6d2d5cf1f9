//! E: what was shipped runs in a real Docker.

use crate::docker::Docker;
use crate::lab::{example, lab};

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
