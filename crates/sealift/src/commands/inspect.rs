//! `sealift inspect`

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use sealift_image::FileTree;
use sealift_oci::Raw;
use sealift_pipeline::build::megabytes;
use sealift_pipeline::contents;
use sealift_pipeline::open::{Opened, open};
use serde_json::{Value, json};

use crate::columns::columns;
use crate::printer::Printer;
use crate::session::Workshop;
use sealift_arguments::{Global, Inspect, TextOrJson};

const FOLDERS_SHOWN: usize = 10;

pub(crate) fn run(
    global: &Global,
    arguments: &Inspect,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop =
        Workshop::open(global, printer, Path::new("."))?.for_platform(&arguments.platform)?;
    let session = workshop.session();
    let opened = open(&session, &arguments.image)?;
    let tree = if arguments.layers { Some(contents::read(&session, &opened.image)?) } else { None };
    let text = match arguments.format {
        TextOrJson::Json => document(&opened, tree.as_ref())?,
        TextOrJson::Text => description(&opened, tree.as_ref())?,
    };
    printer.data(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn document(opened: &Opened, tree: Option<&FileTree>) -> anyhow::Result<String> {
    let raw = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes);
    let layers = tree.map(|tree| {
        let layers = tree.layers().iter().map(|layer| {
            json!({
                "digest": layer.digest.to_string(),
                "diffId": layer.diff_id.to_string(),
                "sizeBytes": layer.size,
                "uncompressedBytes": layer.uncompressed_size,
                "entries": layer.entries,
                "hiddenBytes": layer.hidden_bytes,
                "duplicatedBytes": layer.duplicated_bytes,
            })
        });
        layers.collect::<Vec<_>>()
    });
    Ok(serde_json::to_string_pretty(&json!({
        "schemaVersion": 1,
        "name": opened.title,
        "digest": opened.descriptor.digest.to_string(),
        "manifest": raw(opened.image.manifest.bytes())?,
        "config": raw(opened.image.config.bytes())?,
        "referrers": opened.referrers.manifests,
        "layers": layers,
    }))?)
}

fn description(opened: &Opened, tree: Option<&FileTree>) -> anyhow::Result<String> {
    let config = opened.image.config.value();
    let run = &config.config;
    let mut text = String::new();
    let bytes: u64 = opened.image.manifest.value().layers.iter().map(|layer| layer.size).sum();
    let list = |words: &Option<Vec<String>>| {
        words.as_ref().map(serde_json::to_string).transpose().map(Option::unwrap_or_default)
    };
    for (name, value) in [
        ("name", opened.title.clone()),
        ("digest", opened.descriptor.digest.to_string()),
        ("platform", opened.image.platform().to_string()),
        ("created", config.created.clone().unwrap_or_default()),
        (
            "size",
            format!(
                "{} in {} layers",
                megabytes(bytes),
                opened.image.manifest.value().layers.len()
            ),
        ),
        ("user", if run.user.is_empty() { "root".to_owned() } else { run.user.clone() }),
        ("workdir", run.working_dir.clone()),
        ("entrypoint", list(&run.entrypoint)?),
        ("cmd", list(&run.cmd)?),
        ("ports", run.exposed_ports.keys().cloned().collect::<Vec<_>>().join(", ")),
        ("health", run.healthcheck.as_ref().map(|check| check.test.join(" ")).unwrap_or_default()),
    ] {
        if !value.is_empty() {
            writeln!(text, "{name:<11} {value}")?;
        }
    }
    for variable in &run.env {
        writeln!(text, "{:<11} {variable}", "env")?;
    }
    for manifest in opened.referrers.read()?.iter().map(Raw::value) {
        let kind = manifest.annotations.get("dev.sigstore.bundle.predicateType");
        let kind = kind.map_or_else(
            || manifest.effective_artifact_type(),
            |kind| sealift_sign::predicate_type::noun(kind),
        );
        writeln!(text, "{:<11} {kind}", "artifact")?;
    }
    if let Some(tree) = tree {
        text.push_str(&layers(opened, tree));
    }
    Ok(text)
}

fn layers(opened: &Opened, tree: &FileTree) -> String {
    let history = &opened.image.config.value().history;
    let mut steps = history.iter().filter(|step| !step.empty_layer);
    let mut rows = Vec::new();
    for (number, layer) in tree.layers().iter().enumerate() {
        let made_by = steps.next().and_then(|step| step.created_by.as_deref()).unwrap_or("");
        let made_by: String =
            made_by.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
        rows.push(vec![
            (number + 1).to_string(),
            megabytes(layer.size),
            megabytes(layer.uncompressed_size),
            layer.entries.to_string(),
            megabytes(layer.hidden_bytes),
            made_by,
        ]);
    }
    let mut folders: BTreeMap<String, u64> = BTreeMap::new();
    for file in tree.iter() {
        if file.size > 0 {
            let path = file.path.to_string();
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let folder: Vec<&str> = folder.split('/').take(2).collect();
            *folders.entry(format!("/{}", folder.join("/"))).or_default() += file.size;
        }
    }
    let mut folders: Vec<_> = folders.into_iter().collect();
    folders.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let mut text = format!(
        "\n{}\n\nlargest folders\n",
        columns(&["LAYER", "SIZE", "UNPACKED", "ENTRIES", "WASTED", "MADE BY"], rows)
    );
    for (folder, bytes) in folders.into_iter().take(FOLDERS_SHOWN) {
        writeln!(text, "{:>10}  {folder}", megabytes(bytes)).expect("a string takes everything");
    }
    let wasted: u64 = tree.layers().iter().map(|layer| layer.hidden_bytes).sum();
    writeln!(
        text,
        "\nwasted: {} in files that a later layer removes or writes again",
        megabytes(wasted)
    )
    .expect("a string takes everything");
    text
}
