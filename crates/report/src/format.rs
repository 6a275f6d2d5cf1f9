//! The formats by name.

use sealift_diagnostic::closest;
use sealift_model::{Inventory, Report};
use sealift_sbom::Subject;

use crate::{
    TableOptions, asff, attest, bom, csv, gitlab, grype, html, json, junit, markdown, sarif,
    secrets, table,
};

/// A format of reports.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Name, as `-f` has it.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// What writes it.
    pub encode: Encode,
}

/// What writes a report, by what it needs.
#[derive(Clone, Copy, Debug)]
pub enum Encode {
    /// The terminal's width, and whether it has colours.
    Table(fn(&Report, TableOptions) -> String),
    /// Nothing but the report.
    Report(fn(&Report) -> String),
    /// Also what is inside, and the environment.
    Context(fn(&Report, &Context<'_>) -> String),
}

/// What some formats need besides the report.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// What is inside.
    pub inventory: &'a Inventory,
    /// What an SBOM says it is about.
    pub subject: &'a Subject,
    /// Whether JSON and templates list all packages.
    pub lists_packages: bool,
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

const fn plain(
    name: &'static str,
    aliases: &'static [&'static str],
    encode: fn(&Report) -> String,
) -> Format {
    Format { name, aliases, encode: Encode::Report(encode) }
}

const fn whole(
    name: &'static str,
    aliases: &'static [&'static str],
    encode: fn(&Report, &Context<'_>) -> String,
) -> Format {
    Format { name, aliases, encode: Encode::Context(encode) }
}

/// All formats.
pub const FORMATS: &[Format] = &[
    Format { name: "table", aliases: &[], encode: Encode::Table(table::table) },
    whole("json", &["trivy-json"], json::json_within),
    plain("sarif", &[], sarif::sarif),
    plain("gitlab", &["gitlab-container-scanning"], gitlab::gitlab),
    plain("gitlab-secrets", &["gitlab-secret-detection"], gitlab::gitlab_secrets),
    plain("gitlab-codequality", &["codequality", "codeclimate"], gitlab::gitlab_codequality),
    plain("junit", &["junit-xml"], junit::junit),
    plain("markdown", &["md"], markdown::markdown),
    plain("csv", &[], csv::csv),
    plain("html", &[], html::html),
    plain("baseline", &["secret-baseline"], secrets::baseline),
    plain("openvex", &["vex"], attest::openvex),
    plain("cosign-vuln", &[], attest::cosign_vuln),
    whole("cyclonedx", &["cyclonedx-json", "cdx"], bom::cyclonedx),
    whole("spdx", &["spdx-tag-value"], bom::spdx),
    whole("spdx-json", &[], bom::spdx_json),
    whole("github", &["github-json"], bom::github),
    whole("grype-json", &["grype"], grype::grype),
    whole("asff", &[], asff::asff),
];

/// A word that names no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format of reports")]
pub struct UnknownFormat(String);

impl UnknownFormat {
    /// What to write instead.
    pub fn hint(&self) -> String {
        let names = FORMATS.iter().flat_map(|format| [&[format.name], format.aliases].concat());
        let meant = closest(&self.0, names)
            .map(|name| format!("did you mean `{name}`? "))
            .unwrap_or_default();
        let known: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        format!("{meant}known formats: {}, template", known.join(", "))
    }
}

/// The format of a name or an alias.
pub fn find_format(text: &str) -> Result<&'static Format, UnknownFormat> {
    let name = text.trim().to_ascii_lowercase();
    FORMATS
        .iter()
        .find(|format| format.name == name || format.aliases.contains(&name.as_str()))
        .ok_or_else(|| UnknownFormat(text.chars().take(40).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let mut seen = std::collections::BTreeSet::new();
        for format in FORMATS {
            for name in [&[format.name], format.aliases].concat() {
                assert!(seen.insert(name), "{name}");
                assert_eq!(find_format(&name.to_uppercase()).unwrap().name, format.name);
            }
        }
        let error = find_format("sarfi").unwrap_err();
        assert_eq!(error.to_string(), "`sarfi` is not a format of reports");
        assert!(error.hint().starts_with("did you mean `sarif`? known formats: table, json, "));
    }
}
