//! The sections of distribution that say where images lie, who is let in, and how is listened; and what only several
//! of them together show.

use std::path::PathBuf;
use std::time::Duration;

use super::decode::decode;
use super::duration;
use super::finding::{Finding, Level, shown};
use super::keys::join;
use super::model::{
    Auth, Bucket, Configuration, Debugging, Http, Rate, Storage, StoragePlace, Tls, TokenAuth,
};
use super::sections::{Reader, headers, is_web, option_truth};
use super::tree::{Node, Value};

const UPLOAD_AGE: Duration = Duration::from_hours(168);
const PART_BYTES_MIN: usize = 5 << 20;
const WINDOW_MAX: Duration = Duration::from_hours(24);
const DRIVERS: [&str; 3] = ["filesystem", "s3", "inmemory"];
// As Go and IANA name them; the others have no forward secrecy, or an old cipher, and are never spoken.
const SUITES: [&str; 9] = [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

impl Reader<'_> {
    pub(super) fn storage(&mut self) -> Storage {
        let path = "storage.maintenance.uploadpurging.enabled";
        let is_purging = self.node(path).is_none() || self.get::<bool>(path);
        let age = self.duration("storage.maintenance.uploadpurging.age").unwrap_or(UPLOAD_AGE);
        Storage {
            place: self.storage_place(),
            can_delete: self.get("storage.delete.enabled"),
            is_read_only: self.get("storage.maintenance.readonly.enabled"),
            upload_age: is_purging.then_some(age),
        }
    }

    fn storage_place(&mut self) -> StoragePlace {
        let drivers = self.root.get("storage").map(Node::entries).unwrap_or_default();
        let named: Vec<&str> = drivers
            .iter()
            .map(|entry| entry.key.as_str())
            .filter(|key| DRIVERS.contains(key))
            .collect();
        match named.as_slice() {
            ["filesystem"] => {
                let folder = self.path("storage.filesystem.rootdirectory");
                folder.map_or_else(StoragePlace::default, StoragePlace::Folder)
            }
            ["inmemory"] => StoragePlace::Temporary,
            ["s3"] => {
                let bucket = self.bucket();
                if self.text("sealift.shared.database").is_none() {
                    let hint = "write `sealift: {shared: {database: \"postgresql://user@host/name\"}}`, the same for all replicas";
                    self.fail("storage.s3", "needs a database of PostgreSQL beside it", hint);
                }
                StoragePlace::Bucket(Box::new(bucket))
            }
            [] => {
                // What stands there instead is a finding of its own.
                let others = drivers.iter().any(|entry| {
                    !matches!(
                        entry.key.as_str(),
                        "delete" | "cache" | "redirect" | "tag" | "maintenance"
                    )
                });
                if !others {
                    let hint = "write `storage: {filesystem: {rootdirectory: /var/lib/registry}}`";
                    self.fail("storage", "says not where images lie", hint);
                }
                StoragePlace::default()
            }
            several => {
                let several = several.join("`, `");
                let hint = "delete all but one; a variable may have added one";
                self.fail("storage", format!("there is more than one storage: `{several}`"), hint);
                StoragePlace::default()
            }
        }
    }

    fn bucket(&mut self) -> Bucket {
        let bucket: Bucket = self.get("storage.s3");
        for (key, text) in [("bucket", &bucket.bucket), ("region", &bucket.region)] {
            if text.is_empty() {
                self.fail(&format!("storage.s3.{key}"), "is missing", "name it");
            }
        }
        if bucket.access_key.is_some() != bucket.secret_key.is_some() {
            let hint = "give both, or none of them for those of the environment";
            self.fail("storage.s3", "has only one of `accesskey` and `secretkey`", hint);
        }
        if bucket.endpoint.as_ref().is_some_and(|url| !url.is_empty() && !is_web(url)) {
            let hint = "write `https://store.example.com`";
            self.fail("storage.s3.regionendpoint", "is no address", hint);
        }
        if bucket.part_bytes.is_some_and(|n_bytes| n_bytes < PART_BYTES_MIN) {
            let hint = "write 5242880 or more; a blob has at most 10,000 parts";
            self.fail("storage.s3.chunksize", "is too small for a store", hint);
        }
        bucket
    }

    pub(super) fn auth(&mut self) -> Option<Auth> {
        let node = self.root.get("auth").filter(|node| !node.is_nothing())?;
        let kinds: Vec<String> = node.entries().iter().map(|entry| entry.key.clone()).collect();
        if kinds.len() > 1 {
            self.fail("auth", "there is more than one kind", "delete all but one");
        }
        match kinds.first().map(String::as_str) {
            Some("htpasswd") => {
                let realm = self.text("auth.htpasswd.realm");
                let path = self.path("auth.htpasswd.path");
                if realm.is_none() {
                    self.fail("auth.htpasswd.realm", "is missing", "write any name");
                }
                if path.is_none() {
                    let hint = "name the file; `sealift registry user add FILE NAME` makes one";
                    self.fail("auth.htpasswd.path", "is missing", hint);
                }
                let (realm, path) = (realm.unwrap_or_default(), path.unwrap_or_default());
                Some(Auth::Htpasswd { realm, path })
            }
            Some("token") => Some(Auth::Token(self.token())),
            // Another kind is a finding; so is a section that says nothing.
            Some(_) => None,
            None => {
                self.fail(
                    "auth",
                    "says not who is let in",
                    "write `htpasswd:` or `token:` below it",
                );
                None
            }
        }
    }

    fn token(&mut self) -> TokenAuth {
        let token: TokenAuth = self.get("auth.token");
        let texts =
            [("realm", &token.realm), ("service", &token.service), ("issuer", &token.issuer)];
        for (key, text) in texts {
            if text.is_empty() {
                self.fail(
                    &format!("auth.token.{key}"),
                    "is missing",
                    "ask whoever runs the token server",
                );
            }
        }
        if !token.realm.is_empty() && !is_web(&token.realm) {
            self.fail(
                "auth.token.realm",
                "is no address",
                "write `https://auth.example.com/token`",
            );
        }
        let has = |path: &Option<PathBuf>| path.as_ref().is_some_and(|path| path.as_os_str() != "");
        if !has(&token.certificates) && !has(&token.jwks) {
            let hint = "name `rootcertbundle` or `jwks`";
            self.fail("auth.token", "has no keys to check tokens with", hint);
        }
        let path = "auth.token.signingalgorithms";
        let is_known = |name: &String| matches!(name.as_str(), "ES256" | "RS256");
        if !token.algorithms.is_empty() && !token.algorithms.iter().any(is_known) {
            self.fail(path, "none of these is accepted", "have tokens signed with ES256 or RS256");
        } else if let Some(name) = token.algorithms.iter().find(|name| !is_known(name)) {
            let message = format!("`{}` is never accepted", shown(name));
            self.warn(path, message, "have tokens signed with ES256 or RS256");
        }
        token
    }

    pub(super) fn http(&mut self) -> Http {
        let address = self.text("http.addr").unwrap_or_else(|| ":5000".to_owned());
        let port = address.rsplit_once(':').map(|(_, port)| port);
        if port.is_none_or(|port| port.parse::<u16>().is_err()) {
            self.fail(
                "http.addr",
                "is no address with a port",
                "write `:5000` or `127.0.0.1:5000`",
            );
        }
        if self.text("http.net").is_some_and(|net| net != "tcp") {
            self.fail("http.net", "only `tcp` is listened on", "delete it");
        }
        let headers = headers(self.node("http.headers")).unwrap_or_else(|| {
            let hint = "write `Name: [value]`, with what HTTP allows in names and values";
            self.fail("http.headers", "is no mapping of headers", hint);
            Vec::new()
        });
        let host = self.text("http.host").map(|host| host.trim_end_matches('/').to_owned());
        if host.as_deref().is_some_and(|host| !is_web(host)) {
            let hint = "write `https://registry.example.com`";
            self.fail("http.host", "is no address", hint);
        }
        let metrics = self.text("http.debug.prometheus.path").unwrap_or("/metrics".to_owned());
        let metrics = self.get::<bool>("http.debug.prometheus.enabled").then_some(metrics);
        let debug = self.debug(metrics);
        Http {
            address,
            prefix: self.prefix(),
            host,
            drain: self.duration("http.draintimeout").filter(|drain| !drain.is_zero()),
            tls: self.tls(),
            headers,
            debug,
        }
    }

    fn debug(&mut self, metrics: Option<String>) -> Option<Debugging> {
        let address = self.text("http.debug.addr")?;
        let port = address.rsplit_once(':').map(|(_, port)| port);
        if port.is_none_or(|port| port.parse::<u16>().is_err()) {
            let hint = "write `127.0.0.1:5001`";
            self.fail("http.debug.addr", "is no address with a port", hint);
        } else if !is_loopback(&address) {
            let hint = "listen on 127.0.0.1, or let only operators reach the port";
            self.warn("http.debug.addr", "anybody who reaches it sees health and metrics", hint);
        }
        Some(Debugging { address, metrics })
    }

    fn prefix(&mut self) -> String {
        let mut prefix = self.text("http.prefix").unwrap_or_default();
        if !prefix.starts_with('/') {
            prefix.insert(0, '/');
        }
        if !prefix.ends_with('/') {
            prefix.push('/');
        }
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        if !prefix.bytes().all(is_part) || prefix.contains("//") || prefix.contains("/.") {
            self.fail("http.prefix", "is no path", "write `/registry/`");
        }
        prefix
    }

    fn tls(&mut self) -> Option<Tls> {
        let (certificate, key) = (self.path("http.tls.certificate"), self.path("http.tls.key"));
        let client_authorities: Vec<PathBuf> = self.get("http.tls.clientcas");
        let (certificate, key) = match (certificate, key) {
            (Some(certificate), Some(key)) => (certificate, key),
            (None, None) => {
                if !client_authorities.is_empty() {
                    let hint = "give `certificate` and `key` too";
                    self.fail("http.tls.clientcas", "nobody is asked without TLS", hint);
                }
                return None;
            }
            _ => {
                let hint = "`sealift registry cert FOLDER --host NAME` makes both";
                self.fail("http.tls", "has only one of `certificate` and `key`", hint);
                return None;
            }
        };
        let only_1_3 = match self.text("http.tls.minimumtls").as_deref() {
            None | Some("tls1.2") => false,
            Some("tls1.3") => true,
            Some("tls1.0" | "tls1.1") => {
                let hint = "write `tls1.2`";
                self.warn("http.tls.minimumtls", "older versions than 1.2 are never spoken", hint);
                false
            }
            Some(_) => {
                self.fail("http.tls.minimumtls", "is not known", "use `tls1.2` or `tls1.3`");
                false
            }
        };
        let client_certificate_needed = self.client_certificate_needed(&client_authorities);
        let cipher_suites = self.suites();
        Some(Tls {
            certificate,
            key,
            client_authorities,
            client_certificate_needed,
            only_1_3,
            cipher_suites,
        })
    }

    fn client_certificate_needed(&mut self, authorities: &[PathBuf]) -> bool {
        let path = "http.tls.clientauth";
        let mode = self.text(path);
        if authorities.is_empty() && mode.is_some() {
            self.warn(path, "nobody is asked without `clientcas`", "name the authorities");
        }
        match mode.as_deref() {
            None | Some("require-and-verify-client-cert") => true,
            Some("verify-client-cert-if-given") => false,
            Some("request-client-cert" | "require-any-client-cert") => {
                let hint = "use `verify-client-cert-if-given` or `require-and-verify-client-cert`";
                self.fail(path, "a certificate that nobody verifies says nothing", hint);
                true
            }
            Some(_) => {
                let hint = "use `verify-client-cert-if-given` or `require-and-verify-client-cert`";
                self.fail(path, "is not known", hint);
                true
            }
        }
    }

    fn suites(&mut self) -> Vec<String> {
        let path = "http.tls.ciphersuites";
        let suites: Vec<String> = self.get(path);
        let (known, others): (Vec<String>, Vec<String>) =
            suites.into_iter().partition(|suite| SUITES.contains(&suite.as_str()));
        if let Some(other) = others.first() {
            let message = format!("`{}` is never spoken", shown(other));
            if known.is_empty() {
                self.fail(path, message, "name one with ECDHE and GCM or CHACHA20");
            } else {
                self.warn(path, message, "delete it");
            }
        }
        known
    }

    pub(super) fn middleware(&mut self, configuration: &mut Configuration) {
        for kind in self.root.get("middleware").map(Node::entries).unwrap_or_default() {
            let Value::List(items) = &kind.node.value else { continue };
            for (index, item) in items.iter().enumerate() {
                let path = format!("middleware.{}[{index}]", kind.key);
                let is_disabled = item.get("disabled").and_then(Node::truth) == Some(true);
                let name = item.get("name").and_then(Node::text).unwrap_or_default();
                if is_disabled {
                    continue;
                }
                let result = match (kind.key.as_str(), name) {
                    ("registry", "vulnerabilityscanning") => scanning(item, &path).map(|is_on| {
                        configuration.scan_on_push = is_on;
                    }),
                    ("registry", "ratelimiting") => rate(item, &path).map(|rate| {
                        configuration.rate = Some(rate);
                    }),
                    ("storage", "cloudfront" | "redirect" | "rewrite") => {
                        let message = "is not supported: blobs come from the registry or its store";
                        let finding = Finding::warning(item.place.clone(), &path, message);
                        Err(finding.hint("delete it"))
                    }
                    _ => {
                        let message = format!("there is no middleware `{}`", shown(name));
                        let hint = "there are `vulnerabilityscanning` and `ratelimiting`, below `registry`";
                        Err(Finding::error(item.place.clone(), &path, message).hint(hint))
                    }
                };
                self.findings.extend(result.err());
            }
        }
    }

    /// What only several sections together show.
    pub(super) fn together(&mut self, configuration: &Configuration) {
        let is_local = is_loopback(&configuration.http.address);
        let is_open: bool = match configuration.own.section("open") {
            Ok(is_open) => is_open,
            Err(finding) => {
                self.findings.push(finding);
                false
            }
        };
        // One finding about `auth` is enough.
        let is_said =
            |finding: &Finding| finding.level == Level::Error && finding.key.starts_with("auth");
        let has_identities = ["tokens", "oidc", "certificates", "robots"]
            .iter()
            .any(|name| configuration.own.has(name));
        if configuration.auth.is_none()
            && !has_identities
            && !is_local
            && !is_open
            && !self.findings.iter().any(is_said)
        {
            let hint = "add `auth:`, listen on 127.0.0.1, or write `sealift: {open: true}`";
            self.fail("auth", "is missing: anybody could push and delete from anywhere", hint);
        }
        if configuration.auth.is_some() && configuration.http.tls.is_none() && !is_local {
            let hint = "add `http: {tls: …}`, unless something before the registry has TLS";
            self.warn("http", "there is no TLS: passwords and tokens travel readable", hint);
        }
        if configuration.proxy.is_some() && configuration.storage.is_read_only {
            let hint = "delete `storage: {maintenance: {readonly: …}}`";
            self.warn("proxy", "nothing is kept while the storage is read-only", hint);
        }
    }
}

/// Whether an address is only for this machine.
fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn options<'n>(
    item: &'n Node,
    path: &str,
    known: &[&str],
) -> Result<&'n [super::tree::Entry], Finding> {
    let entries = item.get("options").map(Node::entries).unwrap_or_default();
    let unknown = entries.iter().find(|entry| !known.contains(&entry.key.as_str()));
    match unknown {
        Some(entry) => {
            let path = join(&join(path, "options"), &entry.key);
            let finding = Finding::error(entry.place.clone(), &path, "there is no such option");
            Err(finding.hint(format!("there are `{}`", known.join("`, `"))))
        }
        None => Ok(entries),
    }
}

fn scanning(item: &Node, path: &str) -> Result<bool, Finding> {
    let entries = options(item, path, &["enabled"])?;
    let Some(entry) = entries.first() else { return Ok(true) };
    option_truth(&entry.node).ok_or_else(|| {
        let path = format!("{path}.options.enabled");
        let finding = Finding::error(entry.node.place.clone(), &path, "is neither true nor false");
        finding.hint("write `enabled: true`")
    })
}

fn rate(item: &Node, path: &str) -> Result<Rate, Finding> {
    options(item, path, &["requests", "window"])?;
    let fault = |key: &str, message: &str, hint: &str| {
        let node = item.at(&["options", key]).unwrap_or(item);
        let path = format!("{path}.options.{key}");
        Finding::error(node.place.clone(), &path, message).hint(hint)
    };
    let requests = item.at(&["options", "requests"]).filter(|node| !node.is_nothing());
    let requests: u32 = match requests {
        Some(node) => decode(node, &format!("{path}.options.requests"))?,
        None => return Err(fault("requests", "is missing", "write `requests: 100`")),
    };
    let window = item.at(&["options", "window"]).and_then(Node::text).unwrap_or("1m");
    let window = duration::parse(window)
        .filter(|window| (Duration::from_secs(1)..=WINDOW_MAX).contains(window));
    let hint = format!("write one of `1s` to `{}`", duration::shown(WINDOW_MAX));
    let window = window.ok_or_else(|| fault("window", "is no length of time that fits", &hint))?;
    if requests == 0 {
        return Err(fault("requests", "must be above 0", "write `requests: 100`"));
    }
    Ok(Rate { requests, window })
}
