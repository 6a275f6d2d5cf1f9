//! Debian's notary-server and notary-signer on loopback, with memory as their store.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

const START_SECS_MAX: u64 = 20;

/// A notary-server with its signer. Both end with it.
pub struct NotaryServer {
    folder: TempDir,
    port: u16,
    children: Vec<Child>,
}

impl NotaryServer {
    /// Starts both, or says aloud that the test is skipped.
    #[expect(clippy::print_stderr, reason = "a skipped test must say so aloud")]
    pub fn start() -> Option<Self> {
        let has = |name: &str| Path::new("/usr/bin").join(name).exists();
        if !["notary-server", "notary-signer", "openssl"].into_iter().all(has) {
            eprintln!(
                "SKIPPED: this test needs Debian's packages `notary` and `openssl`; run tests/setup"
            );
            return None;
        }
        let folder =
            tempfile::Builder::new().prefix("sealift-notary-").tempdir().expect("a folder");
        make_certificates(folder.path());
        let mut server = Self { folder, port: free_port(), children: Vec::new() };
        let signer_port = free_port();
        server.write("signer.json", &format!(
            r#"{{"server":{{"grpc_addr":"127.0.0.1:{signer_port}","tls_cert_file":"localhost.crt","tls_key_file":"localhost.key","client_ca_file":"ca.crt"}},"logging":{{"level":"error"}},"storage":{{"backend":"memory"}}}}"#
        ));
        server.write("server.json", &format!(
            r#"{{"server":{{"http_addr":"127.0.0.1:{}","tls_cert_file":"localhost.crt","tls_key_file":"localhost.key"}},"trust_service":{{"type":"remote","hostname":"localhost","port":"{signer_port}","tls_ca_file":"ca.crt","key_algorithm":"ecdsa","tls_client_cert":"localhost.crt","tls_client_key":"localhost.key"}},"logging":{{"level":"error"}},"storage":{{"backend":"memory"}}}}"#,
            server.port
        ));
        server.spawn("notary-signer", "signer.json");
        wait_for(signer_port);
        server.spawn("notary-server", "server.json");
        wait_for(server.port);
        Some(server)
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// Host and port.
    pub fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// The authority that issued its certificate, PEM.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("ca.crt")
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    fn spawn(&mut self, program: &str, configuration: &str) {
        let child = Command::new(Path::new("/usr/bin").join(program))
            .args(["-config", configuration])
            .current_dir(self.folder.path())
            // The signer wraps its keys by the passphrase of that name.
            .env("NOTARY_SIGNER_DEFAULTALIAS", "key_1")
            .env("NOTARY_SIGNER_KEY_1", "for tests only")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        self.children.push(child);
    }
}

impl Drop for NotaryServer {
    fn drop(&mut self) {
        for child in &mut self.children {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Makes an authority and a certificate for `localhost` in a folder: `ca.crt`, `localhost.crt`, `localhost.key`.
pub fn make_certificates(folder: &Path) {
    let openssl = |arguments: &str| {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(folder)
            .output()
            .expect("openssl starts");
        assert!(
            output.status.success(),
            "{arguments}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    let names =
        "subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n";
    std::fs::write(folder.join("names"), names).expect("a file");
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=authority",
    );
    openssl(
        "req -new -newkey rsa:2048 -nodes -keyout localhost.key -out localhost.csr -subj /CN=localhost",
    );
    openssl(
        "x509 -req -in localhost.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out localhost.crt -days 2 -extfile names",
    );
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("bound").port()
}

fn wait_for(port: u16) {
    let start = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(start.elapsed() < Duration::from_secs(START_SECS_MAX), "port {port} stays shut");
        std::thread::sleep(Duration::from_millis(20));
    }
}
