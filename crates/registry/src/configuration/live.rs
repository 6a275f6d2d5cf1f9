//! A configuration while the server runs: files that changed are seen, and what they change is told.
//!
//! A file that cannot be used changes nothing: what was in force stays, and the reason is told once.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::finding::Level;
use super::model::Configuration;
use super::named::Use;
use super::{Reading, read};

/// A part of a server that can be replaced while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What is logged.
    Log,
    /// Certificate and key of the listener, and authorities of clients.
    Certificates,
    /// Who is let in, what they may do, and how often.
    Access,
    /// Immutable tags, quotas, retention.
    Keeping,
    /// What may be pulled.
    Gate,
    /// Registries that are mirrored.
    Mirrors,
    /// What manifests must be like, whether something can be changed or deleted, lengths of pages, headers.
    Requests,
    /// Who is told what happened.
    Events,
}

/// What changed.
#[derive(Clone, Debug)]
pub struct Reload {
    /// The configuration that holds from now on.
    pub configuration: Arc<Configuration>,
    /// Parts that have to be made anew from it.
    pub parts: Vec<Part>,
    /// Keys whose change waits until the server starts again.
    pub waiting: Vec<&'static str>,
    /// Findings about the new file, without notes, as lines.
    pub findings: Vec<String>,
}

/// A configuration and the files that it came from.
pub struct Live {
    path: PathBuf,
    variables: Vec<(String, String)>,
    configuration: Arc<Configuration>,
    stamp: Option<Stamp>,
    files: Vec<(Use, PathBuf, Option<Stamp>)>,
}

// What changes when a file is written or replaced: size, times, which file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        // Links are followed: Kubernetes replaces a link when a secret changes.
        let metadata = fs::metadata(path).ok()?;
        Some(Self {
            inode: (metadata.dev(), metadata.ino()),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

impl Live {
    /// The configuration of a file, with the variables that it was read with.
    pub fn new(
        path: PathBuf,
        variables: Vec<(String, String)>,
        configuration: Configuration,
    ) -> Self {
        let stamp = Stamp::of(&path);
        let files = stamps(&configuration);
        Self { path, variables, configuration: Arc::new(configuration), stamp, files }
    }

    /// The configuration in force.
    pub fn configuration(&self) -> Arc<Configuration> {
        Arc::clone(&self.configuration)
    }

    /// Looks whether a file changed; `is_asked` reads them again in any case (SIGHUP). An error says why what was in
    /// force stays.
    pub fn look(&mut self, is_asked: bool) -> Option<Result<Reload, String>> {
        let stamp = Stamp::of(&self.path);
        let mut parts: Vec<Part> = self.changed_files(is_asked);
        let is_changed = is_asked || stamp != self.stamp;
        if !is_changed && parts.is_empty() {
            return None;
        }
        self.stamp = stamp;
        let mut reload = Reload {
            configuration: Arc::clone(&self.configuration),
            parts: Vec::new(),
            waiting: Vec::new(),
            findings: Vec::new(),
        };
        if is_changed {
            let (new, findings) = match self.read() {
                Ok(read) => read,
                Err(reason) => return Some(Err(reason)),
            };
            let (changed, waiting) = compare(&self.configuration, &new);
            parts.extend(changed);
            self.configuration = Arc::new(new);
            self.files = stamps(&self.configuration);
            reload = Reload { configuration: self.configuration(), waiting, findings, ..reload };
        }
        parts.sort_unstable();
        parts.dedup();
        Some(Ok(Reload { parts, ..reload }))
    }

    fn read(&self) -> Result<(Configuration, Vec<String>), String> {
        let file = self.path.display().to_string();
        let text = fs::read_to_string(&self.path)
            .map_err(|error| format!("cannot read `{file}`: {error}; nothing changes"))?;
        let Reading { configuration, findings, .. } = read(&text, &self.variables);
        let configuration = configuration.ok_or_else(|| {
            let first = findings.first().map(|finding| finding.line(&file)).unwrap_or_default();
            format!("{first}; nothing changes")
        })?;
        let lines = findings.iter().filter(|finding| finding.level != Level::Note);
        Ok((configuration, lines.map(|finding| finding.line(&file)).collect()))
    }

    fn changed_files(&mut self, is_asked: bool) -> Vec<Part> {
        let mut parts = Vec::new();
        for (file, path, stamp) in &mut self.files {
            let now = Stamp::of(path);
            if now != *stamp || is_asked {
                *stamp = now;
                parts.push(match file {
                    Use::Certificate | Use::Key | Use::ClientAuthority => Part::Certificates,
                    Use::Passwords | Use::TokenKeys => Part::Access,
                });
            }
        }
        parts
    }
}

fn stamps(configuration: &Configuration) -> Vec<(Use, PathBuf, Option<Stamp>)> {
    let files = configuration.files().into_iter();
    files.map(|(file, _, path)| (file, path.clone(), Stamp::of(&path))).collect()
}

const ACCESS: [&str; 7] = ["open", "access", "robots", "tokens", "oidc", "certificates", "limits"];
const KEEPING: [&str; 3] = ["immutable", "quotas", "retention"];
const EVENTS: [&str; 2] = ["events", "audit"];
const AT_START: [&str; 4] = ["storage", "scrub", "traces", "page"];

fn compare(old: &Configuration, new: &Configuration) -> (Vec<Part>, Vec<&'static str>) {
    let differ = |names: &[&str]| names.iter().any(|name| !old.own.is_same(&new.own, name));
    let storage = |configuration: &Configuration| {
        (configuration.storage.is_read_only, configuration.storage.can_delete)
    };
    let pages = |configuration: &Configuration| (configuration.catalog_max, configuration.tags_max);
    let parts = [
        (Part::Log, old.log != new.log),
        (Part::Certificates, old.http.tls != new.http.tls),
        (Part::Access, old.auth != new.auth || old.rate != new.rate || differ(&ACCESS)),
        (Part::Keeping, differ(&KEEPING)),
        (Part::Gate, old.scan_on_push != new.scan_on_push || differ(&["gate"])),
        (Part::Mirrors, old.proxy != new.proxy || differ(&["mirrors"])),
        (
            Part::Requests,
            storage(old) != storage(new)
                || pages(old) != pages(new)
                || old.validation != new.validation
                || old.http.headers != new.http.headers,
        ),
        (Part::Events, old.endpoints != new.endpoints || differ(&EVENTS)),
    ];
    let waiting = [
        ("http.addr", old.http.address != new.http.address),
        ("http.prefix", old.http.prefix != new.http.prefix),
        ("http.debug", old.http.debug != new.http.debug),
        ("http.draintimeout", old.http.drain != new.http.drain),
        ("http.tls", old.http.tls.is_some() != new.http.tls.is_some()),
        ("storage", old.storage.place != new.storage.place),
        ("storage.maintenance.uploadpurging", old.storage.upload_age != new.storage.upload_age),
        ("storage.redirect", old.storage.redirects != new.storage.redirects),
        ("sealift", differ(&AT_START)),
    ];
    let parts = parts.into_iter().filter(|(_, is_other)| *is_other).map(|(part, _)| part).collect();
    let waiting = waiting.into_iter().filter(|(_, is_other)| *is_other).map(|(key, _)| key);
    (parts, waiting.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
version: 0.1
storage: {filesystem: {rootdirectory: /data}}
http: {addr: '127.0.0.1:5000'}
";

    fn replace(path: &Path, text: &str) {
        // As editors and Kubernetes do it.
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, path).unwrap();
    }

    #[test]
    fn a_change_is_seen_and_a_mistake_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, users) = (folder.path().join("config.yml"), folder.path().join("users"));
        let auth = format!("{FILE}auth: {{htpasswd: {{realm: r, path: {}}}}}\n", users.display());
        fs::write(&users, "").unwrap();
        fs::write(&path, &auth).unwrap();
        let configuration = read(&auth, &[]).configuration.unwrap();
        let mut live = Live::new(path.clone(), Vec::new(), configuration);
        assert!(live.look(false).is_none());

        let more = format!("{auth}log: {{level: debug}}\nsealift: {{retention: []}}\n");
        replace(&path, &more);
        let reload = live.look(false).unwrap().unwrap();
        assert_eq!(reload.parts, [Part::Log, Part::Keeping]);
        assert!(reload.waiting.is_empty() && reload.findings.is_empty());
        assert!(live.look(false).is_none());

        replace(&path, &more.replace("level: debug", "level: loud"));
        let reason = live.look(false).unwrap().unwrap_err();
        assert!(reason.contains("config.yml:5") && reason.ends_with("nothing changes"), "{reason}");
        assert_eq!(live.configuration(), reload.configuration);
        // It is told once.
        assert!(live.look(false).is_none());

        replace(&users, "a:b");
        assert_eq!(live.look(false).unwrap().unwrap().parts, [Part::Access]);
        fs::remove_file(&path).unwrap();
        assert!(live.look(false).unwrap().is_err());

        replace(&path, &more.replace(":5000", ":6000").replace("/data", "/other"));
        let reload = live.look(false).unwrap().unwrap();
        assert_eq!(reload.waiting, ["http.addr", "storage"]);
        assert_eq!(live.look(true).unwrap().unwrap().parts, [Part::Access]);
    }
}
