//! From the tree to a [`Configuration`]: the sections of distribution, one by one.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::decode::decode;
use super::duration;
use super::finding::{Finding, Place, shown};
use super::model::{
    Configuration, Log, LogFormat, LogLevel, Password, Platforms, Proxy, Validation,
};
use super::tree::{Node, Value, truth};

const ENTRIES_DEFAULT: usize = 1000;
const ENTRIES_MAX: usize = 100_000;
const PROXY_KEEP: Duration = Duration::from_hours(168);

/// A tree, and what is found in it.
pub(super) struct Reader<'t> {
    pub(super) root: &'t Node,
    pub(super) findings: &'t mut Vec<Finding>,
}

/// The sections.
pub(super) fn read(root: &Node, findings: &mut Vec<Finding>) -> Configuration {
    let mut reader = Reader { root, findings };
    reader.version();
    let mut configuration = Configuration {
        log: reader.log(),
        storage: reader.storage(),
        auth: reader.auth(),
        http: reader.http(),
        notifications: reader.notifications(),
        checks: reader.checks(),
        proxy: reader.proxy(),
        validation: reader.validation(),
        catalog_max: reader.entries("catalog.maxentries"),
        tags_max: reader.entries("tags.maxtags"),
        ..Configuration::default()
    };
    reader.middleware(&mut configuration);
    configuration.own = super::own::Own::read(root, reader.findings);
    reader.together(&configuration);
    configuration
}

impl Reader<'_> {
    /// The value of a path; none if there is nothing.
    pub(super) fn node(&self, path: &str) -> Option<&Node> {
        let keys: Vec<&str> = path.split('.').collect();
        self.root.at(&keys).filter(|node| !node.is_nothing())
    }

    /// Where a path is, or what of it there is.
    pub(super) fn place(&self, path: &str) -> Place {
        let mut node = self.root;
        for key in path.split('.') {
            let Some(inner) = node.get(key) else { break };
            node = inner;
        }
        node.place.clone()
    }

    /// The value of a path, or the default; what cannot be read is a finding.
    pub(super) fn get<T: DeserializeOwned + Default>(&mut self, path: &str) -> T {
        let Some(node) = self.node(path) else { return T::default() };
        match decode(node, path) {
            Ok(value) => value,
            Err(finding) => {
                self.findings.push(finding);
                T::default()
            }
        }
    }

    /// A text that is there.
    pub(super) fn text(&mut self, path: &str) -> Option<String> {
        let text: String = self.get(path);
        Some(text).filter(|text| !text.is_empty())
    }

    pub(super) fn path(&mut self, path: &str) -> Option<PathBuf> {
        self.text(path).map(PathBuf::from)
    }

    /// A length of time.
    pub(super) fn duration(&mut self, path: &str) -> Option<Duration> {
        let text = self.text(path)?;
        if let Some(duration) = duration::parse(&text) {
            return Some(duration);
        }
        if let Ok(nanoseconds) = text.parse::<u64>() {
            let message = "a number without a unit is nanoseconds";
            let hint = format!("write `{text}s` for seconds");
            self.warn(path, message, hint);
            return Some(Duration::from_nanos(nanoseconds));
        }
        self.fail(path, "is no length of time", "write one as `90s`, `15m` or `168h`");
        None
    }

    pub(super) fn fail(&mut self, path: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.findings.push(Finding::error(self.place(path), path, message).hint(hint));
    }

    pub(super) fn warn(&mut self, path: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.findings.push(Finding::warning(self.place(path), path, message).hint(hint));
    }

    fn version(&mut self) {
        match self.text("version").as_deref() {
            Some("0.1") => {}
            Some(_) => self.fail("version", "is not known", "write `version: 0.1`"),
            None => self.fail("version", "is missing", "write `version: 0.1` at the top"),
        }
    }

    fn log(&mut self) -> Log {
        let level = match (self.node("log.level"), self.node("loglevel")) {
            (Some(_), _) => self.level("log.level"),
            (None, Some(_)) => self.level("loglevel"),
            (None, None) => LogLevel::default(),
        };
        let format = match self.text("log.formatter").as_deref() {
            None | Some("json") => LogFormat::Json,
            Some("text") => LogFormat::Text,
            Some("logstash") => LogFormat::Logstash,
            Some(_) => {
                self.fail("log.formatter", "is not known", "use `text`, `json` or `logstash`");
                LogFormat::Json
            }
        };
        let mut fields = BTreeMap::new();
        let entries = self.node("log.fields").map(Node::entries).unwrap_or_default();
        for entry in entries {
            if let Some(text) = entry.node.text() {
                fields.insert(entry.key.clone(), text.to_owned());
            }
        }
        let is_disabled: bool = self.get("log.accesslog.disabled");
        Log { level, format, fields, has_requests: !is_disabled }
    }

    fn level(&mut self, path: &str) -> LogLevel {
        match self.text(path).unwrap_or_default().to_lowercase().as_str() {
            "error" => LogLevel::Error,
            "warn" => LogLevel::Warn,
            "info" => LogLevel::Info,
            "debug" => LogLevel::Debug,
            _ => {
                self.fail(path, "is not known", "use `error`, `warn`, `info` or `debug`");
                LogLevel::Info
            }
        }
    }

    // Distribution takes its default for what is no number of entries.
    fn entries(&mut self, path: &str) -> usize {
        let entries: i64 = self.get(path);
        if entries < 0 && path == "tags.maxtags" {
            self.fail(path, "is negative", "write a number above 0");
        }
        match usize::try_from(entries) {
            Ok(entries @ 1..=ENTRIES_MAX) => entries,
            Ok(entries) if entries > ENTRIES_MAX => {
                self.warn(path, format!("is cut to {ENTRIES_MAX}"), "ask for pages");
                ENTRIES_MAX
            }
            _ => ENTRIES_DEFAULT,
        }
    }

    fn proxy(&mut self) -> Option<Proxy> {
        let url = self.text("proxy.remoteurl")?;
        if !is_web(&url) {
            let hint = "write `https://registry-1.docker.io`, for example";
            self.fail("proxy.remoteurl", "is no address of a registry", hint);
            return None;
        }
        if url.starts_with("http://") && self.node("proxy.password").is_some() {
            let hint = "write `https://`";
            self.warn("proxy.remoteurl", "the password travels readable", hint);
        }
        let (name, password) = (self.text("proxy.username"), self.text("proxy.password"));
        let credentials = match (name, password) {
            (Some(name), Some(password)) => Some((name, Password::new(password))),
            (None, None) => None,
            _ => {
                let hint = "give both, or none of them";
                self.fail("proxy", "has a name without password, or a password without name", hint);
                None
            }
        };
        let keep = match self.duration("proxy.ttl") {
            None => Some(PROXY_KEEP),
            Some(Duration::ZERO) => None,
            keep => keep,
        };
        Some(Proxy { url, credentials, keep })
    }

    fn validation(&mut self) -> Validation {
        if self.get::<bool>("validation.disabled") {
            return Validation::default();
        }
        let urls_allowed = self.expressions("validation.manifests.urls.allow");
        let urls_denied = self.expressions("validation.manifests.urls.deny");
        let path = "validation.manifests.indexes.platforms";
        let platforms = match self.text(path).map(|text| text.to_lowercase()).as_deref() {
            None | Some("all") => Platforms::All,
            Some("none") => Platforms::Nothing,
            Some("list") => {
                let path = "validation.manifests.indexes.platformlist";
                let list: Vec<BTreeMap<String, String>> = self.get(path);
                let part = |platform: &BTreeMap<String, String>, key: &str| {
                    platform.get(key).cloned().unwrap_or_default()
                };
                let pair = |platform| (part(platform, "architecture"), part(platform, "os"));
                Platforms::List(list.iter().map(pair).collect())
            }
            Some(_) => {
                self.fail(path, "is not known", "use `all`, `none` or `list`");
                Platforms::All
            }
        };
        Validation { urls_allowed, urls_denied, platforms }
    }

    fn expressions(&mut self, path: &str) -> Vec<String> {
        let expressions: Vec<String> = self.get(path);
        for expression in &expressions {
            if let Err(error) = super::expression(expression) {
                let reason = error.to_string();
                let reason = reason.lines().last().unwrap_or_default();
                let message =
                    format!("`{}` is no regular expression: {}", shown(expression), shown(reason));
                self.fail(path, message, "correct it; https://docs.rs/regex has the syntax");
            }
        }
        expressions
    }
}

/// An address of http or https with a host, and without a space.
pub(super) fn is_web(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with(['/', ':', '@'])
            && rest.chars().all(|c| c.is_ascii_graphic())
    })
}

/// Names with their values, as Go's `http.Header` has them: each value is a list, or one text.
pub(super) fn headers(node: Option<&Node>) -> Option<Vec<(String, String)>> {
    let Some(node) = node else { return Some(Vec::new()) };
    let Value::Map(entries) = &node.value else { return None };
    let mut headers = Vec::new();
    for entry in entries {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if entry.key.is_empty() || !entry.key.bytes().all(is_name) {
            return None;
        }
        let values: &[Node] = match &entry.node.value {
            Value::List(items) => items,
            Value::Text { .. } => std::slice::from_ref(&entry.node),
            _ => return None,
        };
        for value in values {
            let text = value.text()?;
            if !text.bytes().all(|byte| matches!(byte, b'\t' | b' '..=b'~')) {
                return None;
            }
            headers.push((entry.key.clone(), text.to_owned()));
        }
    }
    Some(headers)
}

/// Whether an option of a middleware or driver says yes; it may be a text there.
pub(super) fn option_truth(node: &Node) -> Option<bool> {
    node.text().and_then(truth)
}
