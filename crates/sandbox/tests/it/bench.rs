//! A small image made of busybox, and a command on top of it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use sealift_sandbox::{Error, Exit, Mount, Network, Spec, Stream, User};
use tempfile::TempDir;

pub(crate) const BUSYBOX: &str = "/bin/busybox";

const APPLETS: [&str; 33] = [
    "sh", "cat", "chmod", "chown", "cp", "dd", "echo", "env", "false", "grep", "head", "hostname",
    "id", "ifconfig", "kill", "ln", "ls", "mkdir", "mknod", "mount", "mv", "nc", "ps", "pwd", "rm",
    "rmdir", "seq", "sleep", "stat", "touch", "true", "unshare", "wc",
];

/// Directories of one run.
pub(crate) struct Bench {
    pub(crate) directory: TempDir,
    pub(crate) spec: Spec,
}

/// What a run gave.
pub(crate) struct Ran {
    pub(crate) exit: Result<Exit, Error>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Bench {
    /// An image with a shell, `/etc` and `/tmp`, but without `/proc`, `/sys`, `/dev` and `/etc/resolv.conf`.
    pub(crate) fn new() -> Self {
        let bench = Self::bare();
        let image = bench.image();
        fs::create_dir_all(image.join("etc")).unwrap();
        fs::write(image.join("etc/passwd"), "root:x:0:0::/:/bin/sh\n").unwrap();
        fs::create_dir(image.join("tmp")).unwrap();
        fs::set_permissions(image.join("tmp"), fs::Permissions::from_mode(0o1777)).unwrap();
        bench
    }

    /// An image with a shell and nothing else.
    pub(crate) fn bare() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for name in ["image/bin", "upper", "work"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        fs::copy(BUSYBOX, at("image/bin/busybox")).unwrap();
        for applet in APPLETS {
            symlink("busybox", at("image/bin").join(applet)).unwrap();
        }
        let spec = Spec {
            lower_dirs: vec![at("image")],
            upper_dir: at("upper"),
            work_dir: at("work"),
            argv: Vec::new(),
            env: vec![("PATH".to_owned(), "/bin".to_owned())],
            cwd: "/".to_owned(),
            user: User::default(),
            mounts: Vec::new(),
            network: Network::Host,
            hostname: "sealift".to_owned(),
        };
        Self { directory, spec }
    }

    pub(crate) fn image(&self) -> PathBuf {
        self.directory.path().join("image")
    }

    pub(crate) fn upper(&self) -> &Path {
        &self.spec.upper_dir
    }

    pub(crate) fn bind(&mut self, source: &Path, target: &str, read_only: bool) {
        let (source, target) = (source.to_owned(), target.into());
        self.spec.mounts.push(Mount::Bind { source, target, read_only });
    }

    pub(crate) fn shell(&mut self, script: &str) -> Ran {
        self.command(&["sh", "-c", script])
    }

    pub(crate) fn command(&mut self, argv: &[&str]) -> Ran {
        self.spec.argv = argv.iter().map(|&text| text.to_owned()).collect();
        run(&self.spec, &AtomicBool::new(false))
    }

    /// Everything in the upper directory: path, and `W` for whiteouts, `/` for directories.
    pub(crate) fn changes(&self) -> String {
        let mut found = Vec::new();
        list(self.upper(), self.upper(), &mut found);
        found.sort();
        found.join(" ")
    }
}

pub(crate) fn run(spec: &Spec, cancel: &AtomicBool) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut collect = |stream, bytes: &[u8]| match stream {
        Stream::Out => out.extend_from_slice(bytes),
        Stream::Err => err.extend_from_slice(bytes),
    };
    let exit = sealift_sandbox::run(spec, &mut collect, cancel);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { exit, out: text(out), err: text(err) }
}

impl Ran {
    /// The output of a command that must succeed.
    #[track_caller]
    pub(crate) fn success(self) -> String {
        match self.exit {
            Ok(Exit::Code(0)) => self.out,
            other => panic!("{other:?}\n--- out\n{}--- err\n{}", self.out, self.err),
        }
    }

    #[track_caller]
    pub(crate) fn error(self) -> Error {
        match self.exit {
            Err(error) => error,
            other => panic!("{other:?}\n--- out\n{}--- err\n{}", self.out, self.err),
        }
    }
}

fn list(root: &Path, directory: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        let path = entry.path();
        let mark = match kind {
            kind if kind.is_dir() => "/",
            kind if kind.is_char_device() => "W",
            _ => "",
        };
        found.push(format!("{}{mark}", path.strip_prefix(root).unwrap().display()));
        if kind.is_dir() {
            list(root, &path, found);
        }
    }
}
