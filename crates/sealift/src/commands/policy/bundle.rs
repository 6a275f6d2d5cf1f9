//! `sealift policy build`, `push` and `pull`

use std::path::Path;
use std::process::ExitCode;

use sealift_oci::{Digest, Reference};
use sealift_pipeline::bundles;
use sealift_pipeline::policies::{self, PolicyRequest, Tests};
use sealift_policy::Bundle;

use crate::commands::request;
use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{BundleOptions, Global, PolicyBuild, PolicyPull, PolicyPush};

fn bundle(options: &BundleOptions) -> anyhow::Result<Bundle> {
    let request = PolicyRequest {
        files: options.paths.clone(),
        data_files: options.data.clone(),
        ..PolicyRequest::default()
    };
    let set = policies::load(&request, Tests::Without)?;
    Ok(Bundle::new(set.sources, set.data, &options.revision, options.roots.clone())
        .map_err(sealift_pipeline::Error::from)?)
}

pub(super) fn build(arguments: &PolicyBuild, printer: &Printer) -> anyhow::Result<ExitCode> {
    let bundle = bundle(&arguments.bundle)?;
    let bytes = bundle.to_tar_gz()?;
    write(&arguments.output, &bytes)?;
    let text = format!(
        "{} policies in `{}`, {}",
        bundle.sources.len(),
        arguments.output.display(),
        Digest::sha256(&bytes)
    );
    printer.step(Mark::Good, "bundle", &text);
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), sealift_pipeline::Error> {
    std::fs::write(path, bytes).map_err(|error| sealift_pipeline::Error::file("write", path, error))
}

pub(super) fn push(
    global: &Global,
    arguments: &PolicyPush,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let name = Reference::parse(&arguments.name).map_err(sealift_pipeline::Error::from)?;
    let bundle = bundle(&arguments.bundle)?;
    let signer = request::signer(&arguments.key, &workshop, printer)?;
    bundles::push(&workshop.session(), &bundle, &name, &signer)?;
    let text = format!("{} policies sent to {}", bundle.sources.len(), name.familiar());
    printer.step(Mark::Good, "push", &text);
    Ok(ExitCode::SUCCESS)
}

pub(super) fn pull(
    global: &Global,
    arguments: &PolicyPull,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let name = Reference::parse(&arguments.name).map_err(sealift_pipeline::Error::from)?;
    let keys = request::trusted(&arguments.keys, &workshop)?;
    let (bundle, digest) = bundles::take(&workshop.session(), &name, keys)?;
    write(&arguments.output, &bundle.to_tar_gz()?)?;
    let text = format!(
        "{} policies of {} ({digest}) in `{}`",
        bundle.sources.len(),
        name.familiar(),
        arguments.output.display()
    );
    printer.step(Mark::Good, "pull", &text);
    Ok(ExitCode::SUCCESS)
}
