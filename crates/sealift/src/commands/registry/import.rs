//! `sealift registry import`

use std::process::ExitCode;

use anyhow::Context as _;
use sealift_migration::{Kind, Options, Report, import};
use sealift_oci::RepositoryName;

use super::keeping::open_storage;
use crate::failure::{FINDINGS, Usage};
use crate::printer::Printer;
use sealift_arguments::{RegistryImport, SourceKind, TextOrJson};

pub(super) fn run(arguments: &RegistryImport, printer: &Printer) -> anyhow::Result<ExitCode> {
    let repository = arguments.repository.as_deref().map(RepositoryName::parse).transpose();
    let repository =
        repository.map_err(|error| Usage::error(error.to_string(), "write it as in `team/app`"))?;
    let kind = match arguments.kind {
        SourceKind::Distribution => Kind::Distribution,
        SourceKind::Zot => Kind::Zot,
        SourceKind::Layout => Kind::Layout,
    };
    let options = Options { kind, repository, by: "import".to_owned() };
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    let report = runtime.block_on(async {
        let depot = open_storage(&arguments.storage).await?;
        let mut told = |name: &RepositoryName| printer.detail(name.as_str());
        let report = import(&depot, &arguments.path, &options, &mut told).await;
        report.map_err(|error| match error.hint() {
            Some(hint) => Usage::error(error.to_string(), hint),
            None => error.into(),
        })
    })?;
    match arguments.storage.format {
        TextOrJson::Json => printer.data(&(serde_json::to_string_pretty(&report)? + "\n"))?,
        TextOrJson::Text => show(&report, printer),
    }
    Ok(if report.n_damages == 0 { ExitCode::SUCCESS } else { ExitCode::from(FINDINGS) })
}

fn show(report: &Report, printer: &Printer) {
    for damage in &report.damages {
        printer.warning(&format!("`{}`: `{}`: {}", damage.place, damage.what, damage.reason));
    }
    let hidden = report.n_damages - report.damages.len() as u64;
    if hidden > 0 {
        printer.warning(&format!("and {hidden} more"));
    }
    printer.message(&format!(
        "{} repositories: {} manifests with {} tags came, {} were there; {} blobs shared and {} copied, {} bytes",
        report.repositories,
        report.manifests,
        report.tags,
        report.present,
        report.linked,
        report.copied,
        report.bytes
    ));
}
