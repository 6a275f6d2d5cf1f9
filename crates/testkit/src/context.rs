//! A place of its own for a test that runs the binary.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// The time of a fixed clock, 2026-01-02T03:04:05Z.
const SOURCE_DATE_EPOCH: &str = "1767323045";

/// A folder with its own HOME, store and configuration.
pub struct TestContext {
    folder: TempDir,
    binary: PathBuf,
    variables: Vec<(String, String)>,
}

/// What a command did.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code; 128 + signal if it was killed.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl TestContext {
    /// A fresh context for a binary, `env!("CARGO_BIN_EXE_sealift")`.
    pub fn new(binary: impl Into<PathBuf>) -> Self {
        let folder = tempfile::Builder::new().prefix("sealift-test-").tempdir().expect("a folder");
        for name in ["home", "work"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        Self { folder, binary: binary.into(), variables: Vec::new() }
    }

    /// The same with a fixed clock: everything that is made carries one time.
    #[must_use]
    pub fn with_fixed_clock(mut self) -> Self {
        self.set("SOURCE_DATE_EPOCH", SOURCE_DATE_EPOCH);
        self
    }

    /// The folder that commands run in.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The HOME of commands.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The store of commands.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Sets a variable for all further commands.
    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Writes a file below the work folder.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.work().join(path);
        std::fs::create_dir_all(path.parent().expect("below the work folder")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    /// Reads a file below the work folder.
    pub fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.work().join(path)).expect("a file")
    }

    /// Copies a folder of the project into the work folder.
    pub fn copy_in(&self, from: &Path) {
        copy(from, &self.work());
    }

    /// The command, ready to be changed or spawned.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .current_dir(self.work())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("SEALIFT_STORE", self.store())
            .env("NO_COLOR", "1")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary to its end.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        outcome(&mut self.command(arguments))
    }

    /// Runs the binary and shows everything if it did not end with this code.
    #[track_caller]
    pub fn expect(&self, code: i32, arguments: &[&str]) -> Outcome {
        let outcome = self.run(arguments);
        assert_eq!(
            outcome.code,
            code,
            "sealift {}\n--- stdout\n{}\n--- stderr\n{}",
            arguments.join(" "),
            outcome.stdout,
            outcome.stderr
        );
        outcome
    }
}

fn outcome(command: &mut Command) -> Outcome {
    use std::os::unix::process::ExitStatusExt;
    let output = command.output().expect("the binary starts");
    Outcome {
        code: output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or(0)),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let target = to.join(entry.file_name());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a file");
        }
    }
}

/// A file or folder of the test data that is not part of the project, or `None` with a loud word if it is not there.
/// It is looked for at `SEALIFT_SHARED`, and beside the project.
#[expect(clippy::print_stderr, reason = "a skipped test must say so aloud")]
pub fn shared_data(path: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("SEALIFT_SHARED").map_or(beside, PathBuf::from);
    let found = root.join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!(
        "SKIPPED: this test needs `{}`; set SEALIFT_SHARED to the folder that has it",
        found.display()
    );
    None
}
