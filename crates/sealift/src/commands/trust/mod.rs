//! `sealift trust`: Docker Content Trust, for publishers and readers.

mod certificate;
mod desk;
mod keys;
mod look;
mod publish;
mod secrets;
pub(in crate::commands) mod serve;
mod transfer;

use std::process::ExitCode;

pub(crate) use desk::docker_authorities;
pub(crate) use publish::sign_beside;

use super::{judging, migrating};
use crate::printer::Printer;
use sealift_arguments::{Global, Trust, TrustDelegate, TrustKey, TrustSigner};

pub(crate) fn run(global: &Global, trust: &Trust, printer: &Printer) -> anyhow::Result<ExitCode> {
    match trust {
        Trust::Init(init) => publish::init(global, init, printer),
        Trust::Key(TrustKey::Generate(generate)) => keys::generate(global, generate, printer),
        Trust::Key(TrustKey::Load(load)) => keys::load(global, load, printer),
        Trust::Key(TrustKey::List(list)) => keys::list(global, list, printer),
        Trust::Signer(TrustSigner::Add(add)) => publish::add_signer(global, add, printer),
        Trust::Signer(TrustSigner::Remove(remove)) => {
            publish::remove_signer(global, remove, printer)
        }
        Trust::Sign(sign) => publish::sign(global, sign, printer),
        Trust::Inspect(inspect) => look::inspect(global, inspect, printer),
        Trust::Revoke(revoke) => publish::revoke(global, revoke, printer),
        Trust::Rotate(rotate) => publish::rotate(global, rotate, printer),
        Trust::Delegate(TrustDelegate::Add(add)) => publish::delegate(global, add, printer),
        Trust::Delegate(TrustDelegate::Remove(remove)) => {
            publish::undelegate(global, remove, printer)
        }
        Trust::Delegate(TrustDelegate::List(list)) => look::delegations(global, list, printer),
        Trust::Witness(witness) => publish::witness(global, witness, printer),
        Trust::Cert(cert) => certificate::run(global, cert, printer),
        Trust::Pin(pin) if pin.tag_map => judging::pin_tag_map(global, pin, printer),
        Trust::Pin(pin) => look::pin(global, pin, printer),
        Trust::Import(import) => transfer::import(global, import, printer),
        Trust::Export(export) => transfer::export(global, export, printer),
        Trust::Policy(policy) => judging::policy(global, policy, printer),
        Trust::Revocation(revocation) => judging::revocation(global, revocation, printer),
        Trust::TagMap(map) => judging::tag_map(global, map, printer),
        Trust::Migrate(migrate) => migrating::run(global, migrate, printer),
        Trust::Serve(serve) => serve::run(serve, printer),
    }
}
