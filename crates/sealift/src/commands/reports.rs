//! Where reports go, and in what formats.

use std::path::{Path, PathBuf};

use sealift_model::Report;
use sealift_pipeline::Error;
use sealift_report::{Context, Encode, Format, TableOptions, find_format};

use crate::failure::Usage;
use crate::printer::Printer;

const WIDTH_PIPED: u16 = 120;
const DEFAULT_FORMAT: &str = "table";

/// A report that the user asked for.
pub(super) struct Output {
    format: &'static Format,
    path: Option<PathBuf>,
}

/// What `-f` and `-o` ask for; the table if nothing does.
// `-o` is a file for `-f`, as trivy has it, or FORMAT=FILE, as grype has it. A word that names a format is one, so
// that `-o sarif` means what it says; a file of such a name is `./sarif`.
pub(super) fn outputs(format: Option<&str>, texts: &[String]) -> anyhow::Result<Vec<Output>> {
    let find = |name: &str| {
        find_format(name).map_err(|error| Usage::error(error.to_string(), error.hint()))
    };
    let mut outputs = Vec::new();
    let mut file = None;
    for text in texts {
        match text.split_once('=').filter(|(name, _)| !name.contains(['/', '.'])) {
            Some((name, path)) => {
                let path = Some(path).filter(|path| !path.is_empty()).map(PathBuf::from);
                outputs.push(Output { format: find(name)?, path });
            }
            None if format.is_none() && find_format(text).is_ok() => {
                outputs.push(Output { format: find(text)?, path: None });
            }
            None if file.is_none() => file = Some(PathBuf::from(text)),
            None => {
                return Err(Usage::error(
                    format!("`-o {text}` is a second file for one format"),
                    "name the format of each: `-o json=a.json -o sarif=b.sarif`",
                ));
            }
        }
    }
    if format.is_some() || file.is_some() || outputs.is_empty() {
        let format = find(format.unwrap_or(DEFAULT_FORMAT))?;
        outputs.insert(0, Output { format, path: file });
    }
    Ok(outputs)
}

/// Writes one. Of several reports each has the name of what it is about before its extension.
pub(super) fn write(
    output: &Output,
    report: &Report,
    context: &Context<'_>,
    name: Option<&str>,
    printer: &Printer,
) -> anyhow::Result<()> {
    let text = match output.format.encode {
        Encode::Table(table) => {
            let color = printer.color() && output.path.is_none();
            let width = printer.width().unwrap_or(WIDTH_PIPED);
            table(report, TableOptions { width, color })
        }
        Encode::Report(encode) => encode(report),
        Encode::Context(encode) => encode(report, context),
    };
    match output.path.as_deref().map(|path| named(path, name)) {
        Some(path) => {
            std::fs::write(&path, text).map_err(|source| Error::file("write", &path, source))?;
            printer.message(&format!("wrote {}", path.display()));
        }
        None => printer.data(&text)?,
    }
    Ok(())
}

// `report.json` of the container `web` is `report.web.json`.
fn named(path: &Path, name: Option<&str>) -> PathBuf {
    let Some(name) = name else { return path.to_owned() };
    let plain = |it: char| if it.is_ascii_alphanumeric() || "-_.".contains(it) { it } else { '-' };
    let name: String = name.chars().map(plain).collect();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    match path.extension() {
        Some(end) => path.with_file_name(format!("{stem}.{name}.{}", end.to_string_lossy())),
        None => path.with_file_name(format!("{stem}.{name}")),
    }
}
