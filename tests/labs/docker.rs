//! A real Docker, for the labs.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::lab::run;

/// A Docker daemon of its own, with its data below a folder.
pub(crate) struct Docker {
    daemon: Child,
    /// Its address, `unix://…`.
    pub(crate) socket: String,
}

impl Docker {
    /// Starts one, if this is root; if not a word is said aloud.
    #[expect(clippy::print_stderr, reason = "a skipped test must say so aloud")]
    pub(crate) fn start(folder: PathBuf) -> Option<Self> {
        if run("id", &["-u"]).trim() != "0" {
            eprintln!("SKIPPED: only root can start a Docker daemon");
            return None;
        }
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
        Some(docker)
    }

    /// What a command prints, if it succeeds.
    pub(crate) fn attempt(&self, arguments: &[&str]) -> Option<String> {
        // Debian's own client, which fits its daemon.
        let output =
            Command::new("/usr/bin/docker").args(["--host", &self.socket]).args(arguments).output();
        let output = output.expect("docker; tests/setup installs it");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// What a command prints.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let mut all = vec!["--host", self.socket.as_str()];
        all.extend(arguments);
        run("/usr/bin/docker", &all)
    }

    /// Tries until something comes to pass.
    #[track_caller]
    pub(crate) fn until<T>(&self, mut attempt: impl FnMut(&Self) -> Option<T>) -> T {
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
