//! D: the registry on a disk that fails, is full or cannot be written, with a second process, and with addresses in a manifest
//! that lead elsewhere. A library that the test makes lets calls of the system fail when a file says so.

#![allow(clippy::print_stderr, reason = "what is skipped is said")]

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use sealift_oci::Digest;
use sealift_testkit::TestContext;

use crate::lab::empty_lab;
use crate::serving::{Server, free_host};

// The file has lines `CALL PATH ERROR`: calls on files whose path has this part fail with this number.
const LIBRARY: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static int fails(const char *call, int fd) {
    const char *orders = getenv("FAILING_CALLS");
    if (!orders) return 0;
    int file = syscall(SYS_openat, AT_FDCWD, orders, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    char text[512], link[64], path[4096];
    long length = syscall(SYS_read, file, text, sizeof text - 1);
    syscall(SYS_close, file);
    if (length <= 0) return 0;
    text[length] = 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = 0;
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n"))) {
        char wanted[32], part[256];
        int code;
        if (sscanf(line, "%31s %255s %d", wanted, part, &code) == 3 && !strcmp(wanted, call) && strstr(path, part)) {
            errno = code;
            return 1;
        }
    }
    return 0;
}

#define CALL(result, call, name, parameters, arguments) \
    result name parameters { \
        static result (*real) parameters; \
        if (!real) real = dlsym(RTLD_NEXT, #name); \
        return fails(call, fd) ? -1 : real arguments; \
    }
CALL(int, "sync", fsync, (int fd), (fd))
CALL(int, "sync", fdatasync, (int fd), (fd))
CALL(ssize_t, "write", write, (int fd, const void *bytes, size_t n), (fd, bytes, n))
CALL(ssize_t, "write", writev, (int fd, const struct iovec *parts, int n), (fd, parts, n))
CALL(ssize_t, "write", pwrite, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, n, at))
CALL(ssize_t, "write", pwrite64, (int fd, const void *bytes, size_t n, off64_t at), (fd, bytes, n, at))
"#;

const EIO: u32 = 5;
const ENOSPC: u32 = 28;
const EROFS: u32 = 30;

struct Disk {
    context: TestContext,
    library: PathBuf,
    host: String,
}

impl Disk {
    fn new() -> Option<Self> {
        let context = empty_lab();
        context.write("failing.c", LIBRARY);
        let library = context.work().join("failing.so");
        let built = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&library)
            .arg(context.work().join("failing.c"))
            .arg("-ldl")
            .status();
        if !built.is_ok_and(|status| status.success()) {
            eprintln!("SKIPPED: there is no C compiler to make a disk that fails");
            return None;
        }
        Some(Self { context, library, host: free_host() })
    }

    fn serve(&self) -> Server {
        let arguments = ["registry", "serve", "--no-tls", "--data", "data", "--listen", &self.host];
        let mut command = self.context.command(&arguments);
        let orders = self.context.work().join("orders");
        command.env("LD_PRELOAD", &self.library).env("FAILING_CALLS", orders);
        Server::start(&mut command, &self.host, None)
    }

    fn fail(&self, orders: &[(&str, &str, u32)]) {
        let lines: Vec<_> =
            orders.iter().map(|(call, path, code)| format!("{call} {path} {code}\n")).collect();
        // In one step, so that nobody reads half of it.
        self.context.write("orders.new", lines.concat());
        let place = |name: &str| self.context.work().join(name);
        std::fs::rename(place("orders.new"), place("orders")).unwrap();
    }
}

const STATUS: [&str; 4] = ["-o", "/dev/null", "-w", "%{http_code}"];
const INDEX: &str = "Content-Type: application/vnd.oci.image.index.v1+json";

fn status(server: &Server, options: &[&str], path: &str) -> String {
    server.curl(&[&STATUS[..], options].concat(), path)
}

fn put_index(server: &Server, tag: &str) -> String {
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[],"annotations":{{"a":"{tag}"}}}}"#
    );
    let path = format!("/v2/app/manifests/{tag}");
    status(server, &["-X", "PUT", "-H", INDEX, "--data-binary", &text], &path)
}

fn push_blob(server: &Server, text: &str) -> String {
    let path = format!("/v2/app/blobs/uploads/?digest={}", Digest::sha256(text.as_bytes()));
    status(server, &["-X", "POST", "--data-binary", text], &path)
}

// What is said to be there is there.
fn is_whole(server: &Server, text: &str) -> bool {
    let path = format!("/v2/app/blobs/{}", Digest::sha256(text.as_bytes()));
    match status(server, &["-I"], &path).as_str() {
        "200" => {
            assert_eq!(server.curl(&[], &path), text);
            true
        }
        "404" => false,
        other => panic!("{other}"),
    }
}

#[test]
fn a_ledger_that_fails_is_not_believed() {
    for call in ["sync", "write"] {
        let Some(disk) = Disk::new() else { return };
        let server = disk.serve();
        assert_eq!(
            (put_index(&server, "before"), push_blob(&server, "before")),
            ("201".into(), "201".into())
        );
        disk.fail(&[(call, "/data/meta.db", EIO)]);
        assert_eq!(push_blob(&server, "lost"), "503", "{call}");
        assert_eq!(put_index(&server, "lost"), "503", "{call}");
        // What was answered before is served on, and whoever asks for health is told.
        assert_eq!(status(&server, &[], "/v2/app/manifests/before"), "200");
        assert!(is_whole(&server, "before") && !is_whole(&server, "lost"));
        assert_eq!(status(&server, &[], "/v2/app/manifests/lost"), "404");
        assert_eq!(status(&server, &[], "/readyz"), "503");
        disk.fail(&[]);
        // Nobody knows what the disk holds, until a new start has read it.
        assert_eq!(put_index(&server, "after"), "503", "{call}");
        drop(server);
        let server = disk.serve();
        assert!(is_whole(&server, "before"));
        // It may have come through: then it is whole.
        is_whole(&server, "lost");
        assert_eq!(status(&server, &[], "/v2/app/manifests/before"), "200");
        assert_eq!(
            (put_index(&server, "lost"), push_blob(&server, "lost")),
            ("201".into(), "201".into())
        );
        assert!(is_whole(&server, "lost"));
    }
}

#[test]
fn a_file_that_fails_is_no_blob() {
    let Some(disk) = Disk::new() else { return };
    let server = disk.serve();
    assert_eq!(push_blob(&server, "before"), "201");
    type Orders<'a> = &'a [(&'a str, &'a str, u32)];
    let orders: [(Orders<'_>, &str); 5] = [
        (&[("sync", "/data/uploads/", EIO)], "503"),
        (&[("sync", "/data/blobs/", EIO)], "503"),
        (&[("write", "/data/uploads/", EIO)], "503"),
        (&[("write", "/data/uploads/", ENOSPC)], "507"),
        (&[("write", "/data/uploads/", EROFS)], "503"),
    ];
    for (number, (orders, expected)) in orders.into_iter().enumerate() {
        let text = format!("blob {number}");
        disk.fail(orders);
        assert_eq!(push_blob(&server, &text), expected, "{orders:?}");
        assert!(!is_whole(&server, &text), "{orders:?}");
        assert!(is_whole(&server, "before"));
        disk.fail(&[]);
        // The ledger is well, and so nobody has to restart anything.
        assert_eq!(push_blob(&server, &text), "201", "{orders:?}");
        assert!(is_whole(&server, &text));
    }
}

#[test]
fn a_disk_that_is_full_or_read_only_is_read_on() {
    for (code, expected) in [(ENOSPC, "507"), (EROFS, "503")] {
        let Some(disk) = Disk::new() else { return };
        let server = disk.serve();
        assert_eq!(
            (put_index(&server, "before"), push_blob(&server, "before")),
            ("201".into(), "201".into())
        );
        disk.fail(&[("write", "/data/", code)]);
        assert_eq!(
            (put_index(&server, "lost"), push_blob(&server, "lost")),
            (expected.into(), expected.into())
        );
        assert_eq!(status(&server, &[], "/v2/app/manifests/before"), "200");
        assert!(is_whole(&server, "before") && !is_whole(&server, "lost"));
        disk.fail(&[]);
        // A full disk has room again; one that could not be written is looked at by a new start.
        let server = if code == ENOSPC {
            server
        } else {
            drop(server);
            disk.serve()
        };
        assert_eq!(
            (put_index(&server, "lost"), push_blob(&server, "lost")),
            ("201".into(), "201".into())
        );
        assert!(is_whole(&server, "lost"));
    }
}

#[test]
fn a_second_server_on_a_folder_is_refused() {
    let Some(disk) = Disk::new() else { return };
    let server = disk.serve();
    let other = free_host();
    let arguments = ["registry", "serve", "--no-tls", "--data", "data", "--listen", &other];
    let refused = disk.context.expect(3, &arguments);
    assert!(
        refused.stderr.contains("another process has the registry's folder open"),
        "{}",
        refused.stderr
    );
    assert_eq!(put_index(&server, "before"), "201");
}

#[test]
fn addresses_of_foreign_layers_are_never_asked() {
    let context = empty_lab();
    let host = free_host();
    let arguments = ["registry", "serve", "--no-tls", "--data", "data", "--listen", &host];
    let server = Server::start(&mut context.command(&arguments), &host, None);
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let url = format!("http://{}/layer", elsewhere.local_addr().unwrap());
    let config =
        r#"{"architecture":"amd64","os":"windows","rootfs":{"type":"layers","diff_ids":[]}}"#;
    assert_eq!(push_blob(&server, config), "201");
    let layer = Digest::sha256(b"elsewhere");
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",
        "config":{{"mediaType":"application/vnd.docker.container.image.v1+json","digest":"{}","size":{}}},
        "layers":[{{"mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip","digest":"{layer}","size":9,
        "urls":["{url}","http://169.254.169.254/latest/meta-data/"]}}]}}"#,
        Digest::sha256(config.as_bytes()),
        config.len()
    );
    let kind = "Content-Type: application/vnd.docker.distribution.manifest.v2+json";
    let path = "/v2/app/manifests/1";
    assert_eq!(status(&server, &["-X", "PUT", "-H", kind, "--data-binary", &text], path), "201");
    assert_eq!(server.curl(&[], path), text);
    // Nor does whoever asks for the layer make the registry ask for it.
    assert_eq!(status(&server, &[], &format!("/v2/app/blobs/{layer}")), "404");
    let folder = context.work().join("data");
    context.expect(0, &["registry", "scrub", "--data", &folder.display().to_string()]);
    assert!(elsewhere.accept().is_err(), "somebody asked");
}
