//! E: what was shipped runs in a real Docker.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::lab::{example, lab, run};

const NAME: &str = "registry.local:5000/secure-app:1.0.0";

#[test]
fn e1_docker_loads_and_runs_the_image() {
    if run("id", &["-u"]).trim() != "0" {
        eprintln!("SKIPPED: only root can start a Docker daemon");
        return;
    }
    let context = lab();
    example(&context);
    context.expect(0, &["ship"]);
    context.expect(0, &["save", NAME, "-o", "app.tar"]);
    let docker = Docker::start(context.work().join("docker"));
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

/// A Docker daemon of its own, with its data below a folder.
struct Docker {
    daemon: Child,
    socket: String,
}

impl Docker {
    fn start(folder: PathBuf) -> Self {
        fs::create_dir(&folder).unwrap();
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let socket = format!("unix://{}", path("docker.sock"));
        let mut daemon = Command::new("dockerd");
        daemon
            .args(["--host", &socket, "--data-root", &path("data"), "--exec-root", &path("exec")])
            .args(["--pidfile", &path("pid"), "--bridge", "none", "--iptables=false"])
            .args(["--storage-driver", "vfs"])
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("log")).unwrap());
        let daemon = daemon.spawn().expect("dockerd; tests/setup installs it");
        let docker = Self { daemon, socket };
        docker.until(|docker| docker.attempt(&["version"]));
        docker
    }

    fn attempt(&self, arguments: &[&str]) -> Option<String> {
        // Debian's own client, which fits its daemon.
        let output =
            Command::new("/usr/bin/docker").args(["--host", &self.socket]).args(arguments).output();
        let output = output.expect("docker; tests/setup installs it");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[track_caller]
    fn run(&self, arguments: &[&str]) -> String {
        let mut all = vec!["--host", self.socket.as_str()];
        all.extend(arguments);
        run("/usr/bin/docker", &all)
    }

    #[track_caller]
    fn until<T>(&self, mut attempt: impl FnMut(&Self) -> Option<T>) -> T {
        let deadline = Instant::now() + Duration::from_mins(1);
        loop {
            if let Some(found) = attempt(self) {
                return found;
            }
            assert!(Instant::now() < deadline, "it did not come to pass within a minute");
        }
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        // SIGTERM, so that it takes its containers with it.
        run("kill", &[&self.daemon.id().to_string()]);
        let _ = self.daemon.wait();
    }
}
