//! `config show`: every key, its value, and where that comes from.

use super::Settings;
use super::keys::{KEYS, values};

/// One line of `config show`.
pub(crate) struct Row {
    /// Dotted name.
    pub(crate) name: String,
    /// Value, as TOML or as the default's words.
    pub(crate) value: String,
    /// `environment`, `project`, `user` or `default`.
    pub(crate) origin: String,
}

/// All keys with their values.
pub(crate) fn rows(settings: &Settings) -> Vec<Row> {
    KEYS.iter()
        .flat_map(|key| {
            let set =
                |variable: &&str| std::env::var(variable).ok().filter(|value| !value.is_empty());
            if let Some(value) = key.variable.as_ref().and_then(set) {
                let origin = format!("environment {}", key.variable.unwrap_or_default());
                return vec![Row { name: key.name.to_owned(), value, origin }];
            }
            let project = values(&settings.project, key.name);
            let user = values(&settings.user, key.name);
            let mut rows: Vec<Row> = project
                .iter()
                .map(|(name, value)| row(name, &value.to_string(), &project_origin(settings)))
                .collect();
            for (name, value) in user {
                if !rows.iter().any(|row| row.name == name) {
                    rows.push(row(&name, &value.to_string(), "user"));
                }
            }
            if rows.is_empty() && !key.name.contains('*') {
                rows.push(row(key.name, key.default, "default"));
            }
            rows
        })
        .collect()
}

fn project_origin(settings: &Settings) -> String {
    match &settings.project_path {
        Some(path) => format!("project {}", path.display()),
        None => "project".to_owned(),
    }
}

fn row(name: &str, value: &str, origin: &str) -> Row {
    Row { name: name.to_owned(), value: value.to_owned(), origin: origin.to_owned() }
}
