//! `sealift images`

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::columns::columns;
use crate::printer::Printer;
use crate::session::Workshop;
use sealift_arguments::{Global, Images, TextOrJson};

/// An image, as `--format json` shows it.
#[derive(Serialize)]
struct Entry {
    name: String,
    digest: String,
    created: Option<String>,
    size_bytes: Option<u64>,
    artifacts: usize,
}

pub(crate) fn run(
    global: &Global,
    arguments: &Images,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let mut entries = Vec::new();
    for (name, descriptor) in workshop.store.references()? {
        // An image that is damaged is still listed; `verify` says what is wrong with it.
        let image = workshop.store.image(&descriptor).ok();
        entries.push(Entry {
            name: name.familiar(),
            digest: descriptor.digest.to_string(),
            created: image.as_ref().and_then(|image| image.config.value().created.clone()),
            size_bytes: image
                .map(|image| image.manifest.value().layers.iter().map(|layer| layer.size).sum()),
            artifacts: workshop.store.referrers(&descriptor.digest)?.len(),
        });
    }
    if arguments.format == TextOrJson::Json {
        printer.data(&serde_json::to_string_pretty(&entries)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if entries.is_empty() {
        printer.message("the local store has no image yet; `sealift build -t NAME .` makes one");
        return Ok(ExitCode::SUCCESS);
    }
    let rows = entries.into_iter().map(|entry| {
        let size = entry
            .size_bytes
            .map_or_else(|| "damaged".to_owned(), sealift_pipeline::build::megabytes);
        let short = entry.digest.chars().take(19).collect();
        vec![
            entry.name,
            short,
            entry.created.unwrap_or_default(),
            size,
            entry.artifacts.to_string(),
        ]
    });
    printer.data(&columns(&["NAME", "DIGEST", "CREATED", "SIZE", "ARTIFACTS"], rows))?;
    Ok(ExitCode::SUCCESS)
}
