//! One file a command. A command turns its arguments and the settings into a request to the pipeline, and prints what
//! came of it.

mod admit;
mod attest;
mod audit;
mod base;
mod build;
mod config;
mod db;
mod entries;
mod explain;
mod explain_rule;
mod findings;
mod images;
mod inspect;
mod judging;
mod lint;
mod lsp;
mod mend;
mod migrating;
mod policy;
mod pull;
mod push;
mod reference;
mod registry;
mod reports;
mod save;
mod sbom;
mod sbom_attest;
mod sbom_compare;
mod sbom_documents;
mod sbom_score;
mod scan;
mod secrets;
mod ship;
mod sign;
mod sign_notation;
mod trust;
mod verify;
mod verify_blob;

mod request;
mod resolve;
mod signing;
mod trusting;

use std::process::ExitCode;

use crate::printer::Printer;
use sealift_arguments::{Arguments, Base, Command, Config};

/// Does what the command line says.
pub(crate) fn run(arguments: Arguments, printer: &Printer) -> anyhow::Result<ExitCode> {
    let global = &arguments.global;
    match arguments.command {
        Command::Ship(ship) => ship::run(global, &ship, printer),
        Command::Verify(verify) => verify::run(global, &verify, printer),
        Command::VerifyBlob(blob) => verify_blob::run(&blob, printer),
        Command::Lint(lint) => lint::run(global, &lint, printer),
        Command::Audit(audit) => audit::run(global, &audit, printer),
        Command::Explain(explain) => explain_rule::run(&explain, printer),
        Command::Lsp(lsp) => lsp::run(global, &lsp),
        Command::Base(Base::Build(build)) => base::run(global, &build, printer),
        Command::Build(build) => build::run(global, &build, printer),
        Command::Sbom(sbom) => sbom::run(global, &sbom, printer),
        Command::Scan(scan) => scan::run(global, &scan, printer),
        Command::Secrets(secrets) => secrets::run(global, &secrets, printer),
        Command::Db(db) => db::run(global, &db, printer),
        Command::Policy(policy) => policy::run(global, &policy, printer),
        Command::Attest(attest) => attest::run(global, &attest, printer),
        Command::Sign(sign) => sign::run(global, &sign, printer),
        Command::Admit(admit) => admit::run(global, admit.0, printer),
        Command::Trust(trust) => trust::run(global, &trust, printer),
        Command::Registry(registry) => registry::run(&registry, printer),
        Command::Push(push) => push::run(global, &push, printer),
        Command::Pull(pull) => pull::run(global, &pull, printer),
        Command::Save(save) => save::run(global, &save, printer),
        Command::Images(images) => images::run(global, &images, printer),
        Command::Inspect(inspect) => inspect::run(global, &inspect, printer),
        Command::Config(Config::Show(show)) => config::run(global, &show, printer),
        Command::Reference(reference) => reference::run(&reference, printer),
    }
}
