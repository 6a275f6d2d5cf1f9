//! `config show`: every key, its value, and where that comes from.

use super::Settings;
use super::keys::{KEYS, values};

/// One line of `config show`.
pub(crate) struct Row {
    /// Dotted name.
    pub(crate) name: String,
    /// Value, as TOML or as the default's words.
    pub(crate) value: String,
    /// `flag`, `environment`, `project`, `user` or `default`.
    pub(crate) origin: String,
}

/// A value that the command line may give: the flag, its key, and the value.
pub(crate) struct Flag {
    /// `--store`.
    pub(crate) name: &'static str,
    /// `store`.
    pub(crate) key: &'static str,
    /// What the command line or the variable says; empty if neither does.
    pub(crate) value: String,
}

/// All keys with their values.
pub(crate) fn rows(settings: &Settings, flags: &[Flag]) -> Vec<Row> {
    KEYS.iter()
        .flat_map(|key| {
            let set =
                |variable: &&str| std::env::var(variable).ok().filter(|value| !value.is_empty());
            let given = flags.iter().find(|flag| flag.key == key.name && !flag.value.is_empty());
            // A flag has its variable's value when only that is set.
            if let Some(flag) = given
                && key.variable.as_ref().and_then(set).as_ref() != Some(&flag.value)
            {
                let origin = format!("flag {}", flag.name);
                return vec![Row { name: key.name.to_owned(), value: flag.value.clone(), origin }];
            }
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
