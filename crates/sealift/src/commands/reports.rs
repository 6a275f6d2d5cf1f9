//! Where reports go, and in what formats.

use std::path::{Path, PathBuf};

use sealift_model::Report;
use sealift_pipeline::Error;
use sealift_report::{Context, Encode, Format, TableOptions, by_template, find_format};
use sealift_template::{Template, TemplateError};

use crate::failure::Usage;
use crate::printer::Printer;

const WIDTH_PIPED: u16 = 120;
const DEFAULT_FORMAT: &str = "table";
const TEMPLATE: &str = "template";

/// A report that the user asked for.
pub(super) struct Output {
    shape: Shape,
    path: Option<PathBuf>,
}

enum Shape {
    Known(&'static Format),
    Template(Template),
}

/// What `-f` and `-o` ask for; the table if nothing does.
// `-o` is a file for `-f`, as trivy has it, or FORMAT=FILE, as grype has it. A word that names a format is one, so
// that `-o sarif` means what it says; a file of such a name is `./sarif`.
pub(super) fn outputs(
    format: Option<&str>,
    texts: &[String],
    template: Option<&str>,
) -> anyhow::Result<Vec<Output>> {
    let shape = |name: &str| {
        if is_template(name) {
            return read_template(template).map(Shape::Template);
        }
        let found = find_format(name);
        Ok(Shape::Known(found.map_err(|error| Usage::error(error.to_string(), error.hint()))?))
    };
    let mut outputs = Vec::new();
    let mut file = None;
    for text in texts {
        match text.split_once('=').filter(|(name, _)| !name.contains(['/', '.'])) {
            Some((name, path)) => {
                let path = Some(path).filter(|path| !path.is_empty()).map(PathBuf::from);
                outputs.push(Output { shape: shape(name)?, path });
            }
            None if format.is_none() && (find_format(text).is_ok() || is_template(text)) => {
                outputs.push(Output { shape: shape(text)?, path: None });
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
        let usual = if template.is_some() { TEMPLATE } else { DEFAULT_FORMAT };
        outputs.insert(0, Output { shape: shape(format.unwrap_or(usual))?, path: file });
    }
    let has_use = outputs.iter().any(|output| matches!(output.shape, Shape::Template(_)));
    if template.is_some() && !has_use {
        return Err(Usage::error(
            "there is a template, but no output that it is for",
            "add `-f template`, or `-o template=FILE`",
        ));
    }
    Ok(outputs)
}

fn is_template(name: &str) -> bool {
    name.trim().eq_ignore_ascii_case(TEMPLATE)
}

// As trivy has it: `@FILE`, or the template itself. A name of a file alone is one too.
fn read_template(text: Option<&str>) -> anyhow::Result<Template> {
    let text = text.ok_or_else(|| {
        let hint = "name its file, `--template @FILE`, or write it there";
        Usage::error("`-f template` needs a template", hint)
    })?;
    let is_file = !text.contains('{') && Path::new(text).is_file();
    let Some(file) = text.strip_prefix('@').or(is_file.then_some(text)) else {
        return Template::parse(text).map_err(|error| wrong_template(&error));
    };
    let path = Path::new(file);
    let text = std::fs::read_to_string(path).map_err(|source| Error::file("read", path, source))?;
    Template::parse_file(&text, file).map_err(|error| wrong_template(&error))
}

fn wrong_template(error: &TemplateError) -> anyhow::Error {
    Usage::error(error.to_string(), "docs/templates.md says what templates can do")
}

/// Writes one. Of several reports each has the name of what it is about before its extension.
pub(super) fn write(
    output: &Output,
    report: &Report,
    context: &Context<'_>,
    name: Option<&str>,
    printer: &Printer,
) -> anyhow::Result<()> {
    if matches!(&output.shape, Shape::Known(format) if format.name == "asff") {
        warn_of_missing(context, printer);
    }
    let text = match &output.shape {
        Shape::Known(format) => match format.encode {
            Encode::Table(table) => {
                let color = printer.color() && output.path.is_none();
                let width = printer.width().unwrap_or(WIDTH_PIPED);
                table(report, TableOptions { width, color })
            }
            Encode::Report(encode) => encode(report),
            Encode::Context(encode) => encode(report, context),
        },
        Shape::Template(template) => {
            by_template(report, context, template).map_err(|error| wrong_template(&error))?
        }
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

// Security Hub takes nothing without them.
fn warn_of_missing(context: &Context<'_>, printer: &Printer) {
    let is_set = |name: &&&str| (context.variable)(name).is_some_and(|value| !value.is_empty());
    for names in [&["AWS_REGION", "AWS_DEFAULT_REGION"][..], &["AWS_ACCOUNT_ID"]] {
        if names.iter().find(is_set).is_none() {
            printer.warning(&format!(
                "`{}` is not set: Security Hub refuses these findings",
                names[0]
            ));
        }
    }
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
