//! Every key that distribution's configuration has (2.8 and 3), and what becomes of it here.
//!
//! A path is keys joined by dots: `[]` is each item of a list, `*` any key of a mapping, and `**` at its end whatever
//! is beneath.

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does what it does in distribution, or what is said here.
    Read(&'static str),
    /// It changes nothing, and nothing is lost by it.
    Ignored(&'static str),
    /// What it promises is not done; the server starts.
    Missing(&'static str),
    /// The server does not start, because it would do less than the file promises.
    Refused(&'static str),
}

/// A key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its path.
    pub path: &'static str,
    /// What becomes of it.
    pub standing: Standing,
    /// Whether it is never shown.
    pub is_secret: bool,
}

const fn key(path: &'static str, standing: Standing) -> Key {
    Key { path, standing, is_secret: false }
}

const fn read(path: &'static str, what: &'static str) -> Key {
    key(path, Standing::Read(what))
}

const fn ignored(path: &'static str, why: &'static str) -> Key {
    key(path, Standing::Ignored(why))
}

const fn missing(path: &'static str, why: &'static str) -> Key {
    key(path, Standing::Missing(why))
}

const fn refused(path: &'static str, why: &'static str) -> Key {
    key(path, Standing::Refused(why))
}

const fn secret(path: &'static str, what: &'static str) -> Key {
    Key { is_secret: true, ..read(path, what) }
}

const NO_DRIVER: &str = "no driver of this kind; use `filesystem` or `s3`";
const REDIRECTS: &str = "blobs always come through the registry, which judges and counts them";
const S3_OWN: &str = "the client of the store decides";

/// The keys in the order of distribution's documentation.
pub const KEYS: &[Key] = &[
    read("version", "`0.1`"),
    read(
        "log.level",
        "`error`, `warn`, `info`, `debug`; requests, changes and failures are logged in any case",
    ),
    read("log.formatter", "`json` (the default), `text`, `logstash`"),
    read("log.fields.**", "each entry has these too"),
    read("log.accesslog.disabled", "requests are not logged; changes and failures are"),
    missing("log.hooks[].options.**", "no mails are sent; watch the log"),
    missing("log.hooks[].type", "no mails are sent; watch the log"),
    missing("log.hooks[].disabled", "no mails are sent; watch the log"),
    missing("log.hooks[].levels[]", "no mails are sent; watch the log"),
    ignored("log.reportcaller", "entries name what they are about, not lines of source code"),
    read("loglevel", "older form of `log.level`"),
    read("storage.filesystem.rootdirectory", "folder of the registry; its inside is Sealift's own"),
    ignored("storage.filesystem.maxthreads", "blobs are written by a bounded number of threads"),
    read("storage.inmemory.**", "a folder of its own, which goes when the server stops"),
    secret("storage.s3.accesskey", "without it the environment's credentials"),
    secret("storage.s3.secretkey", "as `accesskey`"),
    secret("storage.s3.sessiontoken", "as `accesskey`"),
    read("storage.s3.region", "region of the bucket"),
    read("storage.s3.regionendpoint", "address of a store that is not Amazon's"),
    ignored("storage.s3.redirectendpoint", REDIRECTS),
    read(
        "storage.s3.forcepathstyle",
        "the bucket stands in the path; default with `regionendpoint`",
    ),
    read("storage.s3.bucket", "name of the bucket"),
    read("storage.s3.rootdirectory", "what all names in the bucket begin with"),
    read("storage.s3.secure", "`false`: http instead of https"),
    refused(
        "storage.s3.skipverify",
        "certificates are always verified; name the authority instead",
    ),
    read("storage.s3.encrypt", "the store encrypts (AES-256, or KMS with `keyid`)"),
    read("storage.s3.keyid", "key of KMS"),
    read("storage.s3.storageclass", "class of new objects"),
    ignored("storage.s3.v4auth", "signatures are always of version 4"),
    read("storage.s3.chunksize", "size of the parts of large blobs, at least 5 MiB; default 8 MiB"),
    ignored("storage.s3.multipartcopychunksize", S3_OWN),
    ignored("storage.s3.multipartcopymaxconcurrency", S3_OWN),
    ignored("storage.s3.multipartcopythresholdsize", S3_OWN),
    ignored("storage.s3.useragent", S3_OWN),
    ignored("storage.s3.loglevel", S3_OWN),
    missing("storage.s3.usedualstack", "write the address into `regionendpoint`"),
    missing("storage.s3.accelerate", "write the address into `regionendpoint`"),
    refused("storage.s3.usefipsendpoint", "write the address into `regionendpoint`"),
    missing("storage.s3.objectacl", "objects are private; set access at the bucket"),
    refused("storage.azure.**", NO_DRIVER),
    refused("storage.gcs.**", NO_DRIVER),
    refused("storage.swift.**", NO_DRIVER),
    refused("storage.oss.**", NO_DRIVER),
    refused("storage.middleware.**", NO_DRIVER),
    read("storage.delete.enabled", "manifests and blobs can be deleted; default `false`"),
    ignored("storage.cache.blobdescriptor", "what is asked for often stays in memory"),
    ignored("storage.cache.layerinfo", "what is asked for often stays in memory"),
    ignored("storage.cache.blobdescriptorsize", "what is kept in memory is bounded"),
    ignored("storage.redirect.disable", REDIRECTS),
    ignored("storage.tag.concurrencylimit", "tags are found by an index"),
    read("storage.maintenance.uploadpurging.enabled", "`false`: uploads without an end stay"),
    read("storage.maintenance.uploadpurging.age", "how old such an upload gets; default `168h`"),
    ignored("storage.maintenance.uploadpurging.interval", "looked for all the time"),
    missing("storage.maintenance.uploadpurging.dryrun", "set `enabled: false` to keep uploads"),
    read("storage.maintenance.readonly.enabled", "nothing can be pushed or deleted"),
    refused("auth.silly.**", "it lets everybody in; use `htpasswd` or `token`"),
    read("auth.htpasswd.realm", "shown by browsers"),
    read("auth.htpasswd.path", "bcrypt only; read again when it changes"),
    read("auth.token.realm", "address of the token server"),
    read("auth.token.service", "name of this registry"),
    read("auth.token.issuer", "who has to have issued a token"),
    read("auth.token.rootcertbundle", "certificates of who signs tokens"),
    read("auth.token.jwks", "keys of who signs tokens"),
    read("auth.token.signingalgorithms[]", "`ES256` and `RS256`; any other is never accepted"),
    missing("auth.token.autoredirect", "clients are sent to `realm` as it stands"),
    missing("auth.token.autoredirectpath", "clients are sent to `realm` as it stands"),
    read(
        "middleware.registry[].name",
        "`vulnerabilityscanning`, `ratelimiting`; others are refused",
    ),
    read("middleware.registry[].disabled", "as if it were not there"),
    read("middleware.registry[].options.**", "see below"),
    read("middleware.repository[].name", "any is refused"),
    read("middleware.repository[].disabled", "as if it were not there"),
    read("middleware.repository[].options.**", "-"),
    read("middleware.storage[].name", "`cloudfront`, `redirect`, `rewrite`: named in a warning"),
    read("middleware.storage[].disabled", "as if it were not there"),
    read("middleware.storage[].options.**", "-"),
    read("catalog.maxentries", "most repositories of one page; default 1000"),
    read("tags.maxtags", "most tags of one page; default 1000"),
    read("http.addr", "`host:port` or `:port`; default `:5000`"),
    read("http.net", "`tcp`"),
    read("http.prefix", "what all paths begin with; there are no pages then"),
    read("http.host", "for addresses in events; those in answers are relative"),
    Key { is_secret: true, ..ignored("http.secret", "uploads need no signed state") },
    ignored("http.relativeurls", "addresses in answers are relative"),
    read("http.draintimeout", "for requests at hand when the server stops"),
    read("http.tls.certificate", "PEM with its chain; read again when it changes"),
    read("http.tls.key", "PEM; read again when it changes"),
    read("http.tls.clientcas[]", "authorities of clients' certificates"),
    read("http.tls.clientauth", "`verify-client-cert-if-given`, `require-and-verify-client-cert`"),
    read("http.tls.minimumtls", "`tls1.2`, `tls1.3`; older ones are never spoken"),
    read(
        "http.tls.ciphersuites[]",
        "those with forward secrecy and AEAD; none else is ever spoken",
    ),
    refused(
        "http.tls.letsencrypt.**",
        "there is no client of ACME; give `certificate` and `key`, which are read again when they change",
    ),
    read("http.headers.*", "sent with each answer"),
    read("http.debug.addr", "`/debug/health`, `/healthz`, `/readyz` there too, without a login"),
    read("http.debug.prometheus.enabled", "metrics are there too"),
    read("http.debug.prometheus.path", "their path there; default `/metrics`"),
    ignored("http.http2.disabled", "HTTP/1.1 is spoken, which registries' clients do"),
    ignored("http.h2c.enabled", "HTTP/1.1 is spoken, which registries' clients do"),
    read("notifications.events.includereferences", "events name what a manifest refers to"),
    read("notifications.endpoints[].name", "name in the log"),
    read("notifications.endpoints[].disabled", "as if it were not there"),
    read("notifications.endpoints[].url", "who is told, in distribution's form"),
    Key { is_secret: true, ..read("notifications.endpoints[].headers.*", "sent along") },
    read("notifications.endpoints[].timeout", "for one try; default `5s`"),
    read(
        "notifications.endpoints[].threshold",
        "after so many failures there is a pause; default 10",
    ),
    read("notifications.endpoints[].backoff", "the pause; default `1s`, `1h` at most"),
    read("notifications.endpoints[].ignoredmediatypes[]", "no events about these"),
    read("notifications.endpoints[].ignore.mediatypes[]", "no events about these"),
    read(
        "notifications.endpoints[].ignore.actions[]",
        "no events of these: `push`, `pull`, `delete`, `mount`",
    ),
    Key { is_secret: true, ..ignored("redis.**", "nothing is kept in Redis") },
    ignored("reporting.**", "failures are in the log"),
    read("health.storagedriver.enabled", "503 while the storage does not answer"),
    read("health.storagedriver.interval", "default `10s`"),
    read("health.storagedriver.threshold", "so many failures one after the other; default 1"),
    read("health.file[].file", "503 while this file is there"),
    read("health.file[].interval", "default `10s`"),
    read("health.http[].uri", "503 while a HEAD of this has another status"),
    Key { is_secret: true, ..read("health.http[].headers.*", "sent along") },
    read("health.http[].statuscode", "default 200"),
    read("health.http[].timeout", "default `30s`"),
    read("health.http[].interval", "default `10s`"),
    read("health.http[].threshold", "so many failures one after the other; default 1"),
    read("health.tcp[].addr", "503 while this port does not open"),
    read("health.tcp[].timeout", "default `30s`"),
    read("health.tcp[].interval", "default `10s`"),
    read("health.tcp[].threshold", "so many failures one after the other; default 1"),
    read("proxy.remoteurl", "the registry that is mirrored"),
    read("proxy.username", "name there"),
    secret("proxy.password", "password there"),
    read("proxy.ttl", "what nobody pulled for so long is removed; default `168h`, `0` never"),
    refused("proxy.exec.**", "no program is run for credentials; give `username` and `password`"),
    ignored("proxy.cachewritetimeout", "what is fetched is written while it is passed on"),
    ignored(
        "compatibility.schema1.enabled",
        "manifests of schema 1 are refused, as in distribution 3",
    ),
    ignored("compatibility.schema1.signingkeyfile", "manifests of schema 1 are refused"),
    read("validation.enabled", "older form of `disabled`"),
    read("validation.disabled", "the keys beside it do not count"),
    read(
        "validation.manifests.urls.allow[]",
        "addresses that manifests may name; all, unless `allow` or `deny` says otherwise",
    ),
    read("validation.manifests.urls.deny[]", "addresses that they may not name"),
    read(
        "validation.manifests.indexes.platforms",
        "`all`, `none`, `list`: whose manifests an index needs",
    ),
    missing("validation.manifests.indexes.platformlist[].architecture", "all are needed"),
    missing("validation.manifests.indexes.platformlist[].os", "all are needed"),
    refused("policy.repository.classes[]", "write a rule of the gate (`sealift: {gate: …}`)"),
];

/// What stands under a path.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Inside {
    /// A scalar.
    Leaf,
    /// Exactly these keys, each with its name in variables.
    Keys(Vec<(&'static str, String)>),
    /// Items.
    Items,
    /// Any key.
    Any,
    /// Whatever there is.
    Anything,
}

// Distribution's variables have the names of its structures' fields, which are not always the keys.
const VARIABLES: &[(&str, &str)] = &[
    ("log.hooks[].options", "MAILOPTIONS"),
    ("notifications.events", "EVENTCONFIG"),
    ("health.file", "FILECHECKERS"),
    ("health.http", "HTTPCHECKERS"),
    ("health.tcp", "TCPCHECKERS"),
    ("compatibility.schema1.signingkeyfile", "TRUSTKEY"),
];

/// What may stand under a path; `prefix` is a path of the table (or empty).
pub(super) fn inside(prefix: &str) -> Inside {
    let mut keys: Vec<(&'static str, String)> = Vec::new();
    for key in KEYS {
        let Some(rest) = beneath(key.path, prefix) else { continue };
        if rest.is_empty() {
            continue;
        }
        if rest.starts_with("[]") {
            return Inside::Items;
        }
        let first = rest.split('.').next().unwrap_or(rest).trim_end_matches("[]");
        match first {
            "*" => return Inside::Any,
            "**" => return Inside::Anything,
            _ => {}
        }
        if !keys.iter().any(|(known, _)| *known == first) {
            let path = join(prefix, first);
            let named = VARIABLES.iter().find(|(known, _)| *known == path);
            let name = named.map_or_else(|| first.to_uppercase(), |(_, name)| (*name).to_owned());
            keys.push((first, name));
        }
    }
    if prefix.is_empty() {
        keys.push(("sealift", "SEALIFT".to_owned()));
    }
    if keys.is_empty() { Inside::Leaf } else { Inside::Keys(keys) }
}

/// A path and a key in it.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// What remains of a path behind a prefix, without the dot between them.
fn beneath(path: &'static str, prefix: &str) -> Option<&'static str> {
    let rest = path.strip_prefix(prefix)?;
    if prefix.is_empty() || rest.is_empty() || rest.starts_with("[]") {
        return Some(rest);
    }
    rest.strip_prefix('.')
}

/// The row of a path, or of what it stands in.
pub(super) fn row(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| {
        key.path == path || key.path.strip_suffix(".**").is_some_and(|open| open == path)
    })
}
