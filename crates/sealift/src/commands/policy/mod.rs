//! `sealift policy`

mod bundle;
mod check;
mod explain;
mod files;
mod findings;
mod junit;
mod lint;
mod test;

pub(crate) use check::scan_request;

use std::path::PathBuf;
use std::process::ExitCode;

use sealift_oci::Reference;
use sealift_pipeline::bundles;
use sealift_pipeline::keys::TrustedKey;
use sealift_pipeline::policies::PolicyRequest;
use sealift_policy::{PACKS, Pack, facts_schema};

use crate::failure::Usage;
use crate::printer::Printer;
use crate::session::Workshop;
use sealift_arguments::{Global, Policy, PolicyShow};

pub(crate) fn run(global: &Global, policy: &Policy, printer: &Printer) -> anyhow::Result<ExitCode> {
    match policy {
        Policy::Check(arguments) => check::run(global, arguments, printer),
        Policy::Test(arguments) => test::run(arguments, printer),
        Policy::Lint(arguments) => lint::run(arguments, printer),
        Policy::Explain(arguments) => explain::run(global, arguments, printer),
        Policy::Build(arguments) => bundle::build(arguments, printer),
        Policy::Push(arguments) => bundle::push(global, arguments, printer),
        Policy::Pull(arguments) => bundle::pull(global, arguments, printer),
        Policy::Packs => packs(printer),
        Policy::Show(arguments) => show(arguments, printer),
        Policy::Schema => {
            printer.data(&serde_json::to_string_pretty(&facts_schema())?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn packs(printer: &Printer) -> anyhow::Result<ExitCode> {
    let lines: Vec<String> =
        PACKS.iter().map(|pack| format!("pack:{:<9} {}", pack.name, pack.about)).collect();
    printer.data(&lines.join("\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn show(arguments: &PolicyShow, printer: &Printer) -> anyhow::Result<ExitCode> {
    let name = arguments.pack.strip_prefix("pack:").unwrap_or(&arguments.pack);
    let pack = Pack::named(name).ok_or_else(|| {
        Usage::error(format!("there is no pack `{name}`"), "`sealift policy packs` lists them")
    })?;
    let texts: Vec<String> = pack.sources().into_iter().map(|source| source.text).collect();
    printer.data(texts.join("\n").trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// Brings the bundles of registries here. Paths of sealift.toml stand behind its folder.
pub(crate) fn resolve(
    policy: &mut PolicyRequest,
    keys: &[TrustedKey],
    workshop: &Workshop,
) -> anyhow::Result<()> {
    let mut files: Vec<PathBuf> = Vec::new();
    for path in std::mem::take(&mut policy.files) {
        let text = path.display().to_string();
        let Some((_, name)) = text.split_once("oci://") else {
            files.push(path);
            continue;
        };
        let name = Reference::parse(name).map_err(sealift_pipeline::Error::from)?;
        let (bundle, _) = bundles::take(&workshop.session(), &name, keys.to_vec())?;
        policy.bundles.push(bundle);
    }
    policy.files = files;
    Ok(())
}

/// No policy is a mistake, not a pass.
fn check_any(policy: &PolicyRequest) -> anyhow::Result<()> {
    if policy.is_empty() {
        return Err(Usage::error(
            "no policy is named",
            "give Rego files with `--policy PATH`, or as `files` under [policy] in sealift.toml",
        ));
    }
    Ok(())
}
