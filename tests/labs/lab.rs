//! What the labs have in common: a context with the base images at hand, and the project's example.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sealift_testkit::TestContext;

/// The project's root.
pub(crate) fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A context whose store has `python:3.11-slim`, assembled from Debian's packages once for all labs.
pub(crate) fn lab() -> TestContext {
    let context = TestContext::new(env!("CARGO_BIN_EXE_sealift"));
    let pantry = pantry();
    copy_linked(&pantry, &context.store());
    context
}

/// A context with nothing in its store.
pub(crate) fn empty_lab() -> TestContext {
    TestContext::new(env!("CARGO_BIN_EXE_sealift"))
}

/// The example application in the context's work folder.
pub(crate) fn example(context: &TestContext) {
    context.copy_in(&project().join("examples/secure-app"));
}

/// Runs a program and returns what it printed.
#[track_caller]
pub(crate) fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("cannot start {program}: {error}; tests/setup installs it"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// A static program that every Debian machine with busybox-static has.
pub(crate) fn static_program() -> Vec<u8> {
    fs::read("/bin/busybox").expect("busybox-static; tests/setup installs it")
}

// A store that only has base images and downloaded packages. Several test processes may come here at once.
fn pantry() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("labs-pantry");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let store = folder.join("store");
    let recipe = project().join("examples/secure-app/bases/python.toml");
    let status = Command::new(env!("CARGO_BIN_EXE_sealift"))
        .args(["base", "build", "--quiet", "--tag", "python:3.11-slim"])
        .arg(&recipe)
        .env("SEALIFT_STORE", &store)
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the base image of the labs cannot be assembled: {status}");
    store
}

// Blobs never change, so that links do; everything else is copied.
fn copy_linked(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy_linked(&path, &target);
        } else if path.parent().and_then(Path::file_name).is_some_and(|name| name == "sha256") {
            fs::hard_link(&path, &target).unwrap();
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}
