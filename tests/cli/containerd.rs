//! Images of a real containerd, in a folder of its own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{assert_one_error, lab, with_image};

#[test]
fn images_of_containerd() {
    let folder = tempfile::Builder::new().prefix("ctd").tempdir_in("/tmp").unwrap();
    let Some(daemon) = Containerd::start(folder.path()) else { return };
    let mut context = with_image();
    context.write("small/package.json", r#"{"name":"a","version":"1.0.0"}"#);
    // Many messages long.
    context
        .write("small/large", (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<u8>>());
    context.write("small/Dockerfile", "FROM scratch\nCOPY . /\n");
    context.expect(0, &["build", "--quiet", "-t", "registry.local/small:1", "small"]);
    context.expect(0, &["save", "registry.local/small:1", "-o", "small.tar"]);
    let archive = context.work().join("small.tar");
    daemon.ctr("apart", &["images", "import", "--no-unpack", archive.to_str().unwrap()]);
    let listed = daemon.ctr("apart", &["images", "ls", "-q"]);
    let name = listed.lines().find(|name| name.contains("small:1")).expect(&listed);
    let target = format!("containerd:{name}");
    context.set("CONTAINERD_ADDRESS", daemon.socket.to_str().unwrap());
    let missing = context.run(&["sbom", &target]);
    assert_one_error(&missing, 3, &["there is no image", "in the namespace `default`", "hint:"]);
    context.set("CONTAINERD_NAMESPACE", "apart");
    let sbom = |target: &str| context.expect(0, &["sbom", target, "-o", "spdx-json"]).stdout;
    let from_daemon = sbom(&target);
    fs::remove_dir_all(context.store().join("cache")).unwrap();
    assert_eq!(from_daemon, sbom(&target), "from the daemon again");
    assert_eq!(from_daemon, sbom("store:registry.local/small:1"), "as in the store");
    let shown = context.expect(0, &["inspect", "--layers", &target]).stdout;
    assert!(shown.contains("linux/"), "{shown}");
    let other = context.run(&["inspect", "--platform", "linux/s390x", &target]);
    assert_one_error(&other, 3, &["no image for `linux/s390x`"]);
    context.set("CONTAINERD_ADDRESS", "/tmp/nowhere.sock");
    assert_one_error(&context.run(&["sbom", &target]), 3, &["/tmp/nowhere.sock", "hint:"]);
}

#[test]
fn what_runs_in_containerd() {
    let folder = tempfile::Builder::new().prefix("ctd").tempdir_in("/tmp").unwrap();
    let Some(daemon) = Containerd::start(folder.path()) else { return };
    let mut context = with_image();
    context.write("app/bin/busybox", fs::read("/bin/busybox").unwrap());
    context.write("app/package.json", r#"{"name":"lodash","version":"4.17.4"}"#);
    context.write(
        "osv/one.json",
        r#"{"id": "CVE-2099-1", "affected": [{"package": {"ecosystem": "npm", "name": "lodash"},
          "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}"#,
    );
    context.write("app/Dockerfile", "FROM scratch\nCOPY --chmod=755 . /\n");
    context.expect(0, &["build", "--quiet", "-t", "registry.local/app:1", "app"]);
    context.expect(0, &["save", "registry.local/app:1", "-o", "app.tar"]);
    let archive = context.work().join("app.tar");
    daemon.ctr("apart", &["images", "import", archive.to_str().unwrap()]);
    let listed = daemon.ctr("apart", &["images", "ls", "-q"]);
    let name = listed.lines().find(|name| name.contains("app:1")).expect(&listed);
    let sleep = ["/bin/busybox", "sleep", "60"];
    daemon.ctr("apart", &[&["run", "--detach", name, "web"][..], &sleep].concat());

    context.set("CONTAINERD_ADDRESS", daemon.socket.to_str().unwrap());
    context.set("DOCKER_HOST", "unix:///nowhere");
    let scan = ["scan", "--running", "--advisories", "osv", "-o", "json=running.json"];
    let outcome = context.expect(0, &scan);
    let report = String::from_utf8(context.read("running.web.json")).unwrap();
    assert!(report.contains("\"containerd: apart/web ("), "{}{report}", outcome.stderr);
    assert!(report.contains("CVE-2099-1"), "{report}");
    daemon.ctr("apart", &["tasks", "delete", "--force", "web"]);
}

struct Containerd {
    daemon: Child,
    socket: PathBuf,
}

impl Containerd {
    /// Only root can, and only with the programs; without them a word is said aloud.
    #[expect(clippy::print_stderr, reason = "a skipped test must say so aloud")]
    fn start(folder: &Path) -> Option<Self> {
        let is_there = |program: &str| {
            Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok()
        };
        if lab::run("id", &["-u"]).trim() != "0" || !is_there("containerd") || !is_there("ctr") {
            eprintln!("SKIPPED: this test needs root, `containerd` and `ctr`");
            return None;
        }
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let config = "version = 2\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n";
        fs::write(folder.join("config.toml"), config).unwrap();
        let daemon = Command::new("containerd")
            .args(["--config", &path("config.toml"), "--root", &path("root")])
            .args(["--state", &path("state"), "--address", &path("socket")])
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("log")).unwrap())
            .spawn()
            .unwrap();
        let started = Self { daemon, socket: folder.join("socket") };
        let deadline = Instant::now() + Duration::from_mins(1);
        while !started.command("default", &["version"]).output().unwrap().status.success() {
            let log = fs::read_to_string(folder.join("log")).unwrap();
            assert!(Instant::now() < deadline, "containerd does not start: {log}");
            std::thread::yield_now();
        }
        Some(started)
    }

    fn command(&self, namespace: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("ctr");
        command.args(["--address", self.socket.to_str().unwrap(), "--namespace", namespace]);
        command.args(arguments);
        command
    }

    #[track_caller]
    fn ctr(&self, namespace: &str, arguments: &[&str]) -> String {
        let output = self.command(namespace, arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "ctr {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        // SIGTERM, so that it unmounts what it has mounted.
        lab::run("kill", &[&self.daemon.id().to_string()]);
        let _ = self.daemon.wait();
    }
}
