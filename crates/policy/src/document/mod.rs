//! Configuration files as policies see them: what conftest's parsers make of them.
//!
//! Entry: [`read`], from a text to one value; [`documents`] takes it apart as conftest does. Pure, total and bounded:
//! what cannot be read is an [`Error`], and aliases of YAML count for what they stand for.

mod docker;
mod lines;
mod yaml;

use serde_json::Value as Json;

pub use docker::{Shape, dockerfile};

/// Longest file.
pub const BYTES_MAX: usize = 16 << 20;

/// A parser, by conftest's names for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Dockerfile in conftest's shape, or in trivy's.
    Dockerfile(Shape),
    /// YAML, of one or more documents.
    Yaml,
    /// JSON; SPDX and CycloneDX documents too.
    Json,
    /// JSON with comments and commas at the end.
    Jsonc,
    /// TOML.
    Toml,
    /// Sections of `key = value`.
    Ini,
    /// `KEY=value`.
    Dotenv,
    /// Java's properties.
    Properties,
    /// `.gitignore`, `.dockerignore`.
    Ignore,
}

/// Why a configuration file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{file}` cannot be read as {kind}: {reason}")]
pub struct Error {
    /// The file.
    pub file: String,
    /// The parser.
    pub kind: &'static str,
    /// Why.
    pub reason: String,
}

impl Kind {
    /// The names for `--parser`.
    pub const NAMES: [&'static str; 11] = [
        "dockerfile",
        "yaml",
        "json",
        "jsonc",
        "toml",
        "ini",
        "dotenv",
        "properties",
        "ignore",
        "spdx",
        "cyclonedx",
    ];

    /// Parsers of conftest's that are not here.
    pub const ABSENT: [&'static str; 10] =
        ["cue", "edn", "groovy", "hcl1", "hcl2", "hocon", "jsonnet", "nginx", "textproto", "xml"];

    /// A parser by its name.
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "dockerfile" | "docker" => Some(Self::Dockerfile(Shape::Conftest)),
            "yaml" | "yml" => Some(Self::Yaml),
            "json" | "spdx" | "cyclonedx" => Some(Self::Json),
            "jsonc" => Some(Self::Jsonc),
            "toml" => Some(Self::Toml),
            "ini" => Some(Self::Ini),
            "dotenv" | "env" => Some(Self::Dotenv),
            "properties" => Some(Self::Properties),
            "ignore" => Some(Self::Ignore),
            _ => None,
        }
    }

    /// The parser for a file of this name.
    pub fn of_file(path: &str) -> Option<Self> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_ascii_lowercase();
        let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let is_dockerfile = |word: &str| {
            name == word
                || name.strip_prefix(word).is_some_and(|rest| rest.starts_with(['.', '-', '_']))
                || name.strip_suffix(word).is_some_and(|rest| rest.ends_with('.'))
        };
        match extension {
            "yaml" | "yml" => return Some(Self::Yaml),
            "json" => return Some(Self::Json),
            "jsonc" => return Some(Self::Jsonc),
            "toml" => return Some(Self::Toml),
            "ini" => return Some(Self::Ini),
            "properties" => return Some(Self::Properties),
            _ if name.ends_with("ignore") && name.starts_with('.') => return Some(Self::Ignore),
            _ if name == ".env" || name.starts_with(".env.") || extension == "env" => {
                return Some(Self::Dotenv);
            }
            _ => {}
        }
        (is_dockerfile("dockerfile") || is_dockerfile("containerfile"))
            .then_some(Self::Dockerfile(Shape::Conftest))
    }

    /// What it reads, in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dockerfile(_) => "a Dockerfile",
            Self::Yaml => "YAML",
            Self::Json => "JSON",
            Self::Jsonc => "JSON with comments",
            Self::Toml => "TOML",
            Self::Ini => "INI",
            Self::Dotenv => "dotenv",
            Self::Properties => "properties",
            Self::Ignore => "an ignore file",
        }
    }
}

/// What is in a file, as conftest's `parse` shows it: several YAML documents are an array.
pub fn read(kind: Kind, file: &str, text: &str) -> Result<Json, Error> {
    let fail = |reason: String| Error { file: file.to_owned(), kind: kind.name(), reason };
    if text.len() > BYTES_MAX {
        return Err(fail(format!("it has {} bytes, more than {BYTES_MAX}", text.len())));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match kind {
        Kind::Dockerfile(shape) => docker::read(shape, file, text),
        Kind::Yaml => yaml::read(text),
        Kind::Json => serde_json::from_str(text).map_err(|error| error.to_string()),
        Kind::Jsonc => {
            serde_json::from_str(&lines::without_comments(text)).map_err(|error| error.to_string())
        }
        Kind::Toml => toml(text),
        Kind::Ini => lines::ini(text),
        Kind::Dotenv => lines::dotenv(text),
        Kind::Properties => Ok(lines::properties(text)),
        Kind::Ignore => Ok(lines::ignore(text)),
    }
    .map_err(fail)
}

/// The values that are judged one by one: the items of an array, or the only one. An empty array is judged as it is,
/// since nothing to judge would be a pass.
pub fn documents(value: Json) -> Vec<Json> {
    match value {
        Json::Array(items) if !items.is_empty() => items,
        other => vec![other],
    }
}

// The reader of TOML has a limit on depth of its own.
fn toml(text: &str) -> Result<Json, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    toml_json(toml::Value::Table(table))
}

fn toml_json(value: toml::Value) -> Result<Json, String> {
    Ok(match value {
        toml::Value::String(text) => Json::String(text),
        toml::Value::Integer(number) => Json::from(number),
        toml::Value::Float(number) => {
            Json::Number(serde_json::Number::from_f64(number).ok_or("a number is not finite")?)
        }
        toml::Value::Boolean(truth) => Json::Bool(truth),
        toml::Value::Datetime(time) => Json::String(time.to_string()),
        toml::Value::Array(items) => {
            Json::Array(items.into_iter().map(toml_json).collect::<Result<_, _>>()?)
        }
        toml::Value::Table(table) => {
            let entries = table.into_iter().map(|(key, item)| Ok((key, toml_json(item)?)));
            Json::Object(entries.collect::<Result<_, String>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(name: &str, text: &str, expected: Json) {
        let kind = Kind::of_file(name).or_else(|| Kind::parse(name)).unwrap();
        assert_eq!(read(kind, name, text).unwrap(), expected, "{text}");
    }

    #[track_caller]
    fn check_fails(name: &str, text: &str, expected: &str) {
        let kind = Kind::of_file(name).unwrap();
        let error = read(kind, name, text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn names() {
        for (name, kind) in [
            ("a/Dockerfile", Some(Kind::Dockerfile(Shape::Conftest))),
            ("Dockerfile.prod", Some(Kind::Dockerfile(Shape::Conftest))),
            ("api.dockerfile", Some(Kind::Dockerfile(Shape::Conftest))),
            ("Containerfile", Some(Kind::Dockerfile(Shape::Conftest))),
            ("k.yml", Some(Kind::Yaml)),
            (".dockerignore", Some(Kind::Ignore)),
            (".env.local", Some(Kind::Dotenv)),
            ("app.tar", None),
            ("app", None),
        ] {
            assert_eq!(Kind::of_file(name), kind, "{name}");
        }
        assert!(Kind::NAMES.iter().all(|name| Kind::parse(name).is_some()));
        assert!(Kind::ABSENT.iter().all(|name| Kind::parse(name).is_none()));
    }

    #[test]
    fn formats() {
        check(
            "a.yaml",
            "a: [1, 2.5, yes, 0644, ~, '1']\n",
            json!({"a": [1, 2.5, true, 420, null, "1"]}),
        );
        check(
            "a.yaml",
            "a: 1\n---\nb: &x {c: d}\ne: *x\n<<: *x\n",
            json!([{"a": 1}, {"b": {"c": "d"}, "e": {"c": "d"}, "c": "d"}]),
        );
        check("a.yaml", "1: a\ntrue: b\n", json!({"1": "a", "true": "b"}));
        check("a.yaml", "", Json::Null);
        check("a.json", "[1]", json!([1]));
        check(
            "a.jsonc",
            "{\"a\": [1, /* x */], // y\n\"b\": \"//\",}",
            json!({"a": [1], "b": "//"}),
        );
        check("a.toml", "a = 1\n[b]\nc = 2020-01-01\n", json!({"a": 1, "b": {"c": "2020-01-01"}}));
        check(
            "a.ini",
            "x=1\n[s]\n; c\ny = true\nz: \"q\"\n",
            json!({"DEFAULT": {"x": 1}, "s": {"y": true, "z": "q"}}),
        );
        check(
            ".env",
            "# c\nexport A=1\nB=\"a\\nb\"\nC='x y' # t\nD=\n",
            json!({"A": "1", "B": "a\nb", "C": "x y", "D": ""}),
        );
        check("a.properties", "a=1\nb : two\\\n  three\n! c\n", json!({"a": "1", "b": "twothree"}));
        check(
            ".gitignore",
            "# c\n*.o\n\n!a b\n",
            json!([[
                {"Kind": "Comment", "Value": "c", "Original": "# c"},
                {"Kind": "Path", "Value": "*.o", "Original": "*.o"},
                {"Kind": "Empty", "Value": "", "Original": ""},
                {"Kind": "NegatedPath", "Value": "a b", "Original": "!a b"},
            ]]),
        );
    }

    #[test]
    fn documents_of_a_value() {
        assert_eq!(documents(json!([1, 2])), [json!(1), json!(2)]);
        assert_eq!(documents(json!([])), [json!([])]);
        assert_eq!(documents(json!({"a": 1})), [json!({"a": 1})]);
    }

    #[test]
    fn hostile() {
        check_fails("a.json", &"[".repeat(100_000), "recursion limit");
        check_fails("a.yaml", &"[".repeat(100_000), "recursion limit");
        check_fails("a.yaml", "a: *b\n", "b");
        check_fails("a.yaml", "a: 1\na: 2\n", "twice");
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let line = format!(
                "a{level}: &a{level} [{}]\n",
                vec![format!("*a{}", level - 1); 10].join(", ")
            );
            bomb.push_str(&line);
        }
        check_fails("a.yaml", &bomb, "values");
        let mut deep = "a0: &a0 [x]\n".to_owned();
        for level in 1..200 {
            deep = format!("{deep}a{level}: &a{level} [*a{}]\n", level - 1);
        }
        check_fails("a.yaml", &deep, "nested");
        check_fails("a.toml", &format!("a = {}", "[".repeat(100_000)), "");
        check_fails("a.toml", "a = inf", "finite");
        check_fails("a.ini", "no value", "line 1");
        check_fails("Dockerfile", "FRO x\nRUN", "line 1");
        check_fails("a.yaml", &" ".repeat(BYTES_MAX + 1), "more than");
    }
}
