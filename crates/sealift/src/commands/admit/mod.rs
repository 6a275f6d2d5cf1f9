//! `sealift admit`

mod judge;
mod manifests;
mod serve;

use std::process::ExitCode;

use crate::printer::Printer;
use sealift_arguments::{Admit, Global};

pub(super) fn run(global: &Global, admit: Admit, printer: &Printer) -> anyhow::Result<ExitCode> {
    match admit {
        Admit::Serve(serve) => serve::run(global, *serve, printer),
        Admit::Manifests(manifests) => manifests::run(&manifests, printer),
    }
}
