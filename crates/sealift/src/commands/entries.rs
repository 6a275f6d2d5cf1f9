//! Entries of a server's log: a line each, on stderr.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use jiff::Timestamp;
use sealift_registry::configuration::{Log as Form, LogFormat};
use sealift_registry::{Entry, Log};
use serde::Serialize;
use serde_json::{Map, Value};

// Entries that wait for whoever reads stderr; then requests wait.
const LOG_LINES_MAX: usize = 4096;

/// A line for each entry.
#[derive(Clone)]
pub(crate) struct Lines {
    sender: SyncSender<String>,
    form: Arc<Form>,
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    entry: &'a Entry<'a>,
}

impl Lines {
    /// A thread of its own writes: whoever reads stderr may be slow.
    pub(crate) fn start(form: Form) -> (Self, JoinHandle<()>) {
        let (sender, receiver) = sync_channel::<String>(LOG_LINES_MAX);
        let writer = std::thread::spawn(move || {
            for line in receiver {
                // Nothing can be done if nobody reads.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        });
        (Self { sender, form: Arc::new(form) }, writer)
    }
}

impl Log for Lines {
    fn record(&self, entry: &Entry<'_>) {
        if !self.form.has_requests && matches!(entry, Entry::Request { .. }) {
            return;
        }
        if let Some(text) = line(entry, &self.form, &Timestamp::now().to_string()) {
            // The writer ends after the last sender.
            let _ = self.sender.send(text);
        }
    }
}

fn line(entry: &Entry<'_>, form: &Form, time: &str) -> Option<String> {
    if form.format == LogFormat::Json && form.fields.is_empty() {
        return serde_json::to_string(&Line { time: time.to_owned(), entry }).ok();
    }
    let Ok(Value::Object(mut fields)) = serde_json::to_value(entry) else { return None };
    for (name, value) in &form.fields {
        // What the entry says counts more than what is said of all.
        fields.entry(name.clone()).or_insert_with(|| Value::String(value.clone()));
    }
    let level = if matches!(entry, Entry::Failure { .. }) { "error" } else { "info" };
    Some(match form.format {
        LogFormat::Json => {
            fields.insert("time".to_owned(), time.into());
            Value::Object(fields).to_string()
        }
        LogFormat::Logstash => {
            let message = fields.remove("event").unwrap_or_default();
            for (name, value) in [
                ("@timestamp", time.into()),
                ("@version", "1".into()),
                ("level", level.into()),
                ("message", message),
            ] {
                fields.insert(name.to_owned(), value);
            }
            Value::Object(fields).to_string()
        }
        LogFormat::Text => text(&fields, level, time),
    })
}

// As logrus writes it: `time="…" level=info msg=request name=value`.
fn text(fields: &Map<String, Value>, level: &str, time: &str) -> String {
    let message = fields.get("event").and_then(Value::as_str).unwrap_or_default();
    let mut text = format!("time=\"{time}\" level={level} msg={message}");
    for (name, value) in fields.iter().filter(|(name, _)| *name != "event") {
        let value = match value {
            Value::String(value) => value.clone(),
            other => other.to_string(),
        };
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._/@^+".contains(&byte);
        // Writing to a String does not fail.
        let _ = if !value.is_empty() && value.bytes().all(is_plain) {
            write!(text, " {name}={value}")
        } else {
            write!(text, " {name}={}", Value::String(value))
        };
    }
    text
}
