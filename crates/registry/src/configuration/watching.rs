//! The sections of distribution by which others are told what happens, and the registry's health is watched.

use std::time::Duration;

use super::finding::{Finding, shown};
use super::model::{Check, CheckKind, Endpoint, Notifications, Password};
use super::sections::{Reader, headers, is_web};
use super::tree::{Node, Value};

const ENDPOINT_TIMEOUT: Duration = Duration::from_secs(5);
// As distribution has it for an endpoint that does not say.
const THRESHOLD: u32 = 10;
const BACKOFF: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_hours(1);
const INTERVAL: Duration = Duration::from_secs(10);
const INTERVAL_MIN: Duration = Duration::from_millis(100);
const ACTIONS: [&str; 4] = ["push", "pull", "delete", "mount"];

// Which key is wrong, and how.
type Fault = (&'static str, &'static str);

impl Reader<'_> {
    pub(super) fn notifications(&mut self) -> Notifications {
        Notifications {
            endpoints: self.items("notifications.endpoints", endpoint),
            has_references: self.get("notifications.events.includereferences"),
        }
    }

    pub(super) fn checks(&mut self) -> Vec<Check> {
        let mut checks = Vec::new();
        if self.get::<bool>("health.storagedriver.enabled") {
            let interval = self.interval("health.storagedriver.interval");
            let threshold = self.get::<u32>("health.storagedriver.threshold").max(1);
            checks.push(Check { kind: CheckKind::Storage, interval, threshold });
        }
        checks.extend(self.items("health.file", |reader| {
            let path = reader.path("file").ok_or(("file", "is missing"))?;
            let interval = reader.interval("interval");
            Ok(Some(Check { kind: CheckKind::File(path), interval, threshold: 1 }))
        }));
        checks.extend(self.items("health.http", |reader| {
            let url = reader.text("uri").ok_or(("uri", "is missing"))?;
            if !is_web(&url) {
                return Err(("uri", "is no address that begins with `https://` or `http://`"));
            }
            let status = match reader.get::<u16>("statuscode") {
                0 => 200,
                status => status,
            };
            let headers = secret_headers(reader.node("headers"))?;
            let limit = reader.duration("timeout").filter(|limit| !limit.is_zero());
            Ok(Some(reader.check(CheckKind::Http { url, headers, status, limit })))
        }));
        checks.extend(self.items("health.tcp", |reader| {
            let address = reader.text("addr").ok_or(("addr", "is missing"))?;
            let port = address.rsplit_once(':').map(|(_, port)| port);
            if port.is_none_or(|port| port.parse::<u16>().is_err()) {
                return Err(("addr", "is no address with a port"));
            }
            let limit = reader.duration("timeout").filter(|limit| !limit.is_zero());
            Ok(Some(reader.check(CheckKind::Tcp { address, limit })))
        }));
        checks
    }

    // The tree is one check here.
    fn check(&mut self, kind: CheckKind) -> Check {
        let threshold = self.get::<u32>("threshold").max(1);
        Check { kind, interval: self.interval("interval"), threshold }
    }

    fn interval(&mut self, path: &str) -> Duration {
        self.duration(path)
            .filter(|interval| !interval.is_zero())
            .map_or(INTERVAL, |interval| interval.max(INTERVAL_MIN))
    }

    // Each item of a list, read as a tree of its own.
    fn items<T>(
        &mut self,
        path: &str,
        read: impl Fn(&mut Reader<'_>) -> Result<Option<T>, Fault>,
    ) -> Vec<T> {
        let items = match self.node(path).map(|node| &node.value) {
            Some(Value::List(items)) => items.clone(),
            Some(_) => {
                self.fail(path, "must be a list", "write each item with a dash before it");
                Vec::new()
            }
            None => Vec::new(),
        };
        let mut read_items = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let mut reader = Reader { root: item, findings: &mut *self.findings };
            match read(&mut reader) {
                Ok(item) => read_items.extend(item),
                Err((key, message)) => {
                    let finding =
                        Finding::error(item.place.clone(), &format!("{path}.{key}"), message);
                    self.findings.push(finding.hint("correct it, or delete the item"));
                }
            }
        }
        read_items
    }
}

// The tree is one endpoint here.
fn endpoint(reader: &mut Reader<'_>) -> Result<Option<Endpoint>, Fault> {
    if reader.get::<bool>("disabled") {
        return Ok(None);
    }
    let url = reader.text("url").ok_or(("url", "is missing"))?;
    if !is_web(&url) {
        return Err(("url", "is no address that begins with `https://` or `http://`"));
    }
    let mut ignored_media_types: Vec<String> = reader.get("ignoredmediatypes");
    ignored_media_types.extend(reader.get::<Vec<String>>("ignore.mediatypes"));
    let ignored_actions: Vec<String> = reader.get("ignore.actions");
    let unknown = ignored_actions.iter().find(|action| !ACTIONS.contains(&action.as_str()));
    if let Some(unknown) = unknown {
        let message = format!("there is no action `{}`", shown(unknown));
        reader.warn("ignore.actions", message, "there are `push`, `pull`, `delete`, `mount`");
    }
    let threshold = match reader.get::<u32>("threshold") {
        0 => THRESHOLD,
        threshold => threshold,
    };
    let backoff = reader.duration("backoff").filter(|backoff| !backoff.is_zero());
    let timeout = reader.duration("timeout").filter(|timeout| !timeout.is_zero());
    Ok(Some(Endpoint {
        name: reader.text("name").unwrap_or_else(|| url.clone()),
        headers: secret_headers(reader.node("headers"))?,
        timeout: timeout.unwrap_or(ENDPOINT_TIMEOUT),
        threshold,
        backoff: backoff.unwrap_or(BACKOFF).min(BACKOFF_MAX),
        ignored_media_types,
        ignored_actions,
        url,
    }))
}

fn secret_headers(node: Option<&Node>) -> Result<Vec<(String, Password)>, Fault> {
    let headers = headers(node).ok_or(("headers", "is no mapping of lists"))?;
    Ok(headers.into_iter().map(|(name, text)| (name, Password::new(text))).collect())
}
