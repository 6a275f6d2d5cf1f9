//! `cargo xtask test`: what the tests need, then the tests, with `cargo nextest` where it is installed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::ensure;

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
        &["nextest", "run", "--workspace"]
    } else {
        &["test", "--workspace", "--quiet"]
    };
    // Where tests/setup puts the validators of SBOM documents.
    let python = std::env::var_os("SEALIFT_VALIDATORS")
        .map(PathBuf::from)
        .or_else(|| {
            Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/sealift-validators"))
        })
        .map(|folder| folder.join("bin/python"));
    let mut tests = Command::new(cargo);
    tests.args(arguments).current_dir(root);
    if let Some(python) = python.filter(|python| python.exists()) {
        tests.env("SEALIFT_SBOM_PYTHON", python);
    }
    step(&mut tests)
}

fn step(command: &mut Command) -> anyhow::Result<()> {
    eprintln!("xtask: {command:?}");
    let status = command.status()?;
    ensure!(status.success(), "{command:?} ended with {status}");
    Ok(())
}
