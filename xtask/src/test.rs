//! `cargo xtask test`: what the tests need, then the tests, with `cargo nextest` where it is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::ensure;

/// What tests/setup makes: the variable by which tests find it, its folder (with a variable of its own), and the path there.
const TOOLS: [(&str, (&str, &str), &str); 8] = [
    ("SEALIFT_SBOM_PYTHON", ("SEALIFT_VALIDATORS", "sealift-validators"), "bin/python"),
    ("SEALIFT_BROWSER_PYTHON", ("SEALIFT_BROWSER", "sealift-browser"), "bin/python"),
    ("SEALIFT_PYTHON", VERIFIERS, "bin/python"),
    ("SEALIFT_NOTATION", VERIFIERS, "bin/notation"),
    ("SEALIFT_NOTATION_GO_TESTDATA", VERIFIERS, "notation-go"),
    ("SEALIFT_HELM", VERIFIERS, "bin/helm"),
    ("SEALIFT_SKOPEO", VERIFIERS, "bin/copy-by-policy"),
    ("SEALIFT_DISTRIBUTION_CONFORMANCE", VERIFIERS, "bin/distribution-conformance"),
];
const VERIFIERS: (&str, &str) = ("SEALIFT_VERIFIERS", "sealift-verifiers");

/// Installs and tests.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    step(Command::new("bash").arg("tests/setup").current_dir(root))?;
    let cargo = env!("CARGO");
    let has_nextest = Command::new(cargo)
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    let arguments: &[&str] = if has_nextest {
        &["nextest", "run", "--workspace", "--no-fail-fast"]
    } else {
        &["test", "--workspace", "--quiet", "--no-fail-fast"]
    };
    let mut tests = Command::new(cargo);
    tests.args(arguments).current_dir(root);
    for (variable, folder, name) in TOOLS {
        // Who names a program of his own knows why.
        let path = cache_folder(folder).map(|folder| folder.join(name));
        if let Some(path) = path.filter(|path| path.exists())
            && std::env::var_os(variable).is_none()
        {
            tests.env(variable, path);
        }
    }
    step(&mut tests)
}

// By the same rule as in tests/setup.
fn cache_folder((variable, name): (&str, &str)) -> Option<PathBuf> {
    let folder =
        |name: &str| Some(PathBuf::from(std::env::var_os(name).filter(|it| !it.is_empty())?));
    let cache = || folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    folder(variable).or_else(|| Some(cache()?.join(name)))
}

fn step(command: &mut Command) -> anyhow::Result<()> {
    eprintln!("xtask: {command:?}");
    let status = command.status()?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
