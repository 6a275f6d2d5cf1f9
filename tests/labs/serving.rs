//! A registry of ours at work, and clients that ask it.

use std::io::Read as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sealift_testkit::TestContext;

/// Of `anna`.
pub(crate) const PASSWORD: &str = "a long enough secret";

/// A server that ends with the test.
pub(crate) struct Server {
    child: Child,
    pub(crate) host: String,
    authority: Option<PathBuf>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that nobody has.
pub(crate) fn free_host() -> String {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    format!("127.0.0.1:{port}")
}

/// A file of users with one.
pub(crate) fn add_user(context: &TestContext, file: &str) {
    context.write("password", PASSWORD);
    let arguments = ["registry", "user", "add", "--password-file", "password", file, "anna"];
    context.expect(0, &arguments);
}

/// An archive with an image that has one package of Python.
pub(crate) fn image(context: &TestContext, name: &str, version: &str) {
    let place = "app/root/usr/lib/python3/dist-packages/x.dist-info/METADATA";
    context.write(place, format!("Metadata-Version: 2.1\nName: flask\nVersion: {version}\n"));
    context.write("app/Dockerfile", "FROM scratch\nCOPY root/ /\nUSER 65532\n");
    context.expect(0, &["build", "--quiet", "-t", name, "app"]);
    context.expect(0, &["save", name, "-o", &format!("{name}.tar")]);
}

impl Server {
    /// Starts one and waits until it is ready. With an authority it speaks TLS.
    pub(crate) fn start(command: &mut Command, host: &str, authority: Option<PathBuf>) -> Self {
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut server = Self { child, host: host.to_owned(), authority };
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
        // The server must not wait for a reader of its log.
        let mut log = server.child.stderr.take().unwrap();
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        server
    }

    /// Kills it as `kill -9` does.
    pub(crate) fn kill(&self) {
        let done = Command::new("kill").args(["-9", &self.child.id().to_string()]).status();
        assert!(done.unwrap().success());
    }

    /// What an address answers.
    pub(crate) fn curl(&self, options: &[&str], path: &str) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        let mut command = Command::new("curl");
        if let Some(authority) = &self.authority {
            command.arg("--cacert").arg(authority);
        }
        let url = format!("{scheme}://{}{path}", self.host);
        let output = command.arg("-s").args(options).arg(url).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// What skopeo says of an image: whether it got it, and its words if not.
    pub(crate) fn inspect(&self, name: &str) -> (bool, String) {
        let credentials = format!("anna:{PASSWORD}");
        let name = format!("docker://{}/{name}", self.host);
        skopeo(&["inspect", "--tls-verify=false", "--creds", &credentials, &name])
    }

    /// Pushes an archive of [`image`]; whether that worked, and skopeo's words.
    pub(crate) fn try_push(
        &self,
        context: &TestContext,
        archive: &str,
        name: &str,
    ) -> (bool, String) {
        let credentials = format!("anna:{PASSWORD}");
        let from = format!("docker-archive:{}.tar", context.work().join(archive).display());
        let to = format!("docker://{}/{name}", self.host);
        let options =
            ["--insecure-policy", "--dest-tls-verify=false", "--dest-creds", &credentials];
        skopeo(&[&["copy", "-q"], options.as_slice(), &[&from, &to]].concat())
    }

    #[track_caller]
    pub(crate) fn push(&self, context: &TestContext, archive: &str, name: &str) {
        let (is_done, text) = self.try_push(context, archive, name);
        assert!(is_done, "{text}");
    }

    /// Until skopeo says this of an image.
    pub(crate) fn wait_for(&self, name: &str, wanted: &str) -> String {
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

/// Whether skopeo did it, and its words if not.
pub(crate) fn skopeo(arguments: &[&str]) -> (bool, String) {
    let output = Command::new("skopeo").args(arguments).output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}
