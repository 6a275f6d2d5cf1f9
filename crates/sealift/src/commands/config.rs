//! `sealift config show`

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use crate::printer::Printer;
use crate::settings::{Flag, Folders, Settings, rows};
use sealift_arguments::{ConfigShow, Global};

pub(crate) fn run(
    global: &Global,
    arguments: &ConfigShow,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let folders = Folders::from_environment()?;
    let settings = Settings::read(&folders, global.config.as_deref(), Path::new("."))?;
    let store = global.store.as_ref().map(|path| path.display().to_string());
    let rows = rows(
        &settings,
        &[
            Flag { name: "--store", key: "store", value: store.unwrap_or_default() },
            Flag {
                name: "--plain-http",
                key: "registry.*.plain_http",
                value: global.plain_http.join(","),
            },
        ],
    );
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in &rows {
        let origin = if arguments.origin { format!("  # {}", row.origin) } else { String::new() };
        writeln!(text, "{:<width$}  {}{origin}", row.name, row.value)?;
    }
    printer.data(&text)?;
    Ok(ExitCode::SUCCESS)
}
