//! `sealift registry`

mod can_i;
mod cert;
mod config;
mod import;
mod keeping;
mod log;
mod serve;
mod users;

mod access;
mod assembly;
mod log_page;
mod office;
mod plugins;
mod reloading;
mod shared;
mod telling;

use std::process::ExitCode;

use crate::printer::Printer;
use sealift_arguments::{Registry, RegistryConfig};

pub(crate) fn run(registry: &Registry, printer: &Printer) -> anyhow::Result<ExitCode> {
    match registry {
        Registry::Serve(serve) => serve::run(serve, printer),
        Registry::Config(RegistryConfig::Check(check)) => config::check(check, printer),
        Registry::Config(RegistryConfig::Show(show)) => config::show(show, printer),
        Registry::User(user) => users::user(user, printer),
        Registry::Robot(robot) => users::robot(robot, printer),
        Registry::CanI(can_i) => can_i::run(can_i, printer),
        Registry::Cert(cert) => cert::run(cert, printer),
        Registry::Import(arguments) => import::run(arguments, printer),
        Registry::Gc(gc) => keeping::collect(gc, printer),
        Registry::Retain(retain) => keeping::retain(retain, printer),
        Registry::Scrub(scrub) => keeping::scrub(scrub, printer),
        Registry::Backup(backup) => keeping::backup(backup, printer),
        Registry::Rebuild(rebuild) => keeping::rebuild(rebuild, printer),
        Registry::History(history) => keeping::history(history, printer),
        Registry::Undelete(undelete) => keeping::undelete(undelete, printer),
        Registry::Log(arguments) => log::run(arguments, printer),
        Registry::Statistics(statistics) => keeping::statistics(statistics, printer),
    }
}
