//! `sealift registry`

mod config;
mod serve;

mod assembly;
mod office;
mod plugins;

use std::process::ExitCode;

use crate::arguments::{Registry, RegistryConfig};
use crate::printer::Printer;

pub(crate) fn run(registry: &Registry, printer: &Printer) -> anyhow::Result<ExitCode> {
    match registry {
        Registry::Serve(serve) => serve::run(serve, printer),
        Registry::Config(RegistryConfig::Check(check)) => config::check(check, printer),
        Registry::Config(RegistryConfig::Show(show)) => config::show(show, printer),
    }
}
