//! Automation: `cargo xtask tidy | docs | test | package`.

#![expect(clippy::print_stderr, reason = "a tool for developers talks on the terminal")]

mod docs;
mod graph;
mod labs;
mod manuals;
mod package;
mod source;
mod test;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask COMMAND
  tidy   check what the compiler does not: crate order and budget, lengths, leftovers, generated docs, the labs' table
  docs   write the generated reference pages under docs/
  test   install what the tests need (tests/setup), then run all of them
  package [PROGRAM]
         write a Debian package of the released program to target/package";

fn main() -> ExitCode {
    let command = std::env::args().nth(1).unwrap_or_default();
    let result = match command.as_str() {
        "tidy" => tidy(),
        "docs" => docs::write(&root()),
        "test" => test::run(&root()),
        "package" => package::run(&root(), std::env::args_os().nth(2).map(PathBuf::from)),
        _ => Err(anyhow::anyhow!("{USAGE}")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn tidy() -> anyhow::Result<()> {
    let root = root();
    let mut problems = source::check(&root)?;
    problems.extend(graph::check(&root)?);
    problems.extend(labs::check(&root)?);
    problems.extend(docs::check(&root)?);
    for problem in &problems {
        eprintln!("tidy: {problem}");
    }
    anyhow::ensure!(problems.is_empty(), "{} problems", problems.len());
    eprintln!("tidy: all well");
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}
