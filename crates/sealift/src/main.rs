//! The binary: clap types, settings, printer, and one file per command.

mod columns;
mod commands;
mod failure;
mod interrupt;
mod passphrase;
mod printer;
mod progress;
mod session;
mod settings;

use std::process::ExitCode;

use clap::Parser;

use printer::Printer;
use sealift_arguments::Arguments;

fn main() -> ExitCode {
    // A RUN step's process is this program again, started as the init of its sandbox.
    sealift_sandbox::handle_reexec();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return failure::usage(&error),
    };
    let printer = Printer::new(&arguments.global);
    match commands::run(arguments, &printer) {
        Ok(code) => code,
        Err(error) => failure::report(&error, &printer),
    }
}
