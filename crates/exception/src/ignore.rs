//! Ignore files, told apart by name and content.

use crate::{Error, Exceptions, grype, osv, own, trivy, yaml};

/// Names of ignore files that are picked up where a scan is started.
pub const NAMES: [&str; 5] = [
    ".trivyignore",
    ".trivyignore.yaml",
    ".grype.yaml",
    "osv-scanner.toml",
    ".sealift-ignore.toml",
];

/// The largest ignore file that is read.
pub const BYTES_MAX: usize = 1 << 20;

pub(crate) fn read(file: &str, text: &str, into: &mut Exceptions) -> Result<(), Error> {
    if text.len() > BYTES_MAX {
        let what = "an ignore file has at most 1 MiB";
        return Err(Error::TooLarge { place: file.to_owned(), what });
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file).to_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if matches!(ending, "yaml" | "yml") {
        let document = yaml::parse(file, text)?;
        // Settings of grype have other sections, those of trivy do not.
        if name.contains("grype") || document.get("ignore").is_some() {
            grype::read(file, &document, into)?;
        } else {
            trivy::read_yaml(file, &document, into)?;
        }
    } else if ending == "toml" {
        let table: toml::Table = text.parse().map_err(|error| toml_error(file, text, &error))?;
        let is_settings = ["scan", "store", "image", "lint", "policy", "sign", "verify"]
            .iter()
            .any(|key| table.contains_key(*key));
        if name == "osv-scanner.toml"
            || !(is_settings || table.contains_key("ignore") || table.is_empty())
        {
            osv::read(file, text, into)?;
        } else {
            own::read(file, text, is_settings, into)?;
        }
    } else {
        trivy::read_plain(file, text, into)?;
    }
    Ok(())
}

/// The error of a TOML reader, with the line that it is about.
pub(crate) fn toml_error(file: &str, text: &str, error: &toml::de::Error) -> Error {
    let place = match error.span() {
        Some(span) => place(file, text, span.start),
        None => file.to_owned(),
    };
    Error::Syntax { place, reason: error.message().replace('\n', ", ") }
}

/// A file with the line of a byte in its text.
pub(crate) fn place(file: &str, text: &str, byte: usize) -> String {
    let before = text.get(..byte).unwrap_or(text);
    format!("{file}:{}", 1 + before.matches('\n').count())
}
