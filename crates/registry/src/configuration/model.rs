//! What a configuration says, as values.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sealift_crypto::Secret;
use serde::Deserialize;

use super::own::Own;

/// A configuration that can be used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configuration {
    /// What is logged, and how.
    pub log: Log,
    /// Where images lie.
    pub storage: Storage,
    /// Who is let in; nobody says who they are without it.
    pub auth: Option<Auth>,
    /// Images are scanned when they are pushed.
    pub scan_on_push: bool,
    /// How many requests a client may make.
    pub rate: Option<Rate>,
    /// The listener.
    pub http: Http,
    /// Who is told what happened, in distribution's form.
    pub notifications: Notifications,
    /// What has to be well for the registry to serve.
    pub checks: Vec<Check>,
    /// The registry that is mirrored as a whole.
    pub proxy: Option<Proxy>,
    /// What manifests must be like.
    pub validation: Validation,
    /// Most repositories of a page.
    pub catalog_max: usize,
    /// Most tags of a page.
    pub tags_max: usize,
    /// The sections that only Sealift has.
    pub own: Own,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Failures.
    Error,
    /// And what is odd.
    Warn,
    /// And requests.
    #[default]
    Info,
    /// And everything.
    Debug,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON document a line.
    #[default]
    Json,
    /// As JSON, with the names that Logstash wants.
    Logstash,
}

/// What is logged, and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// How much.
    pub level: LogLevel,
    /// In which form.
    pub format: LogFormat,
    /// What each entry has too.
    pub fields: BTreeMap<String, String>,
    /// Whether requests are logged.
    pub has_requests: bool,
}

/// Where images lie, and what may be done to them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Storage {
    /// Where.
    pub place: StoragePlace,
    /// Manifests and blobs can be deleted.
    pub can_delete: bool,
    /// Nothing can be changed.
    pub is_read_only: bool,
    /// After which time an upload without an end is given up; none for never.
    pub upload_age: Option<Duration>,
}

/// Where images lie.
#[derive(Clone, Debug, PartialEq)]
pub enum StoragePlace {
    /// In a folder.
    Folder(PathBuf),
    /// In a folder that goes when the server stops.
    Temporary,
    /// In a bucket.
    Bucket(Box<Bucket>),
}

impl Default for StoragePlace {
    fn default() -> Self {
        Self::Folder(PathBuf::from("/var/lib/registry"))
    }
}

/// A bucket of a store that speaks S3.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Bucket {
    /// Its name.
    pub bucket: String,
    /// Its region.
    pub region: String,
    /// Address of the store, if it is not Amazon's.
    #[serde(rename = "regionendpoint")]
    pub endpoint: Option<String>,
    /// The bucket stands in the path.
    #[serde(rename = "forcepathstyle")]
    pub path_style: Option<bool>,
    /// Credentials; none for those of the environment.
    #[serde(rename = "accesskey")]
    pub access_key: Option<Password>,
    /// Credentials.
    #[serde(rename = "secretkey")]
    pub secret_key: Option<Password>,
    /// Credentials.
    #[serde(rename = "sessiontoken")]
    pub session_token: Option<Password>,
    /// What all names begin with.
    #[serde(rename = "rootdirectory")]
    pub prefix: String,
    /// https, unless it is said otherwise.
    pub secure: Option<bool>,
    /// The store encrypts.
    pub encrypt: bool,
    /// With this key of KMS.
    #[serde(rename = "keyid")]
    pub key_id: Option<String>,
    /// Class of new objects.
    #[serde(rename = "storageclass")]
    pub storage_class: Option<String>,
    /// Size of the parts of large blobs.
    #[serde(rename = "chunksize")]
    pub part_bytes: Option<usize>,
}

/// Who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Names and passwords of a file.
    Htpasswd {
        /// What browsers show.
        realm: String,
        /// The file.
        path: PathBuf,
    },
    /// Tokens of another server.
    Token(TokenAuth),
}

/// Tokens of another server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct TokenAuth {
    /// Address of the server.
    pub realm: String,
    /// Name of this registry.
    pub service: String,
    /// Who has to have issued a token.
    pub issuer: String,
    /// Certificates of who signs tokens.
    #[serde(rename = "rootcertbundle")]
    pub certificates: Option<PathBuf>,
    /// Keys of who signs tokens.
    pub jwks: Option<PathBuf>,
    /// The algorithms that are accepted; all that are known if it is empty.
    #[serde(rename = "signingalgorithms")]
    pub algorithms: Vec<String>,
}

/// How many requests a client may make in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests.
    pub requests: u32,
    /// In this time.
    pub window: Duration,
}

/// The listener.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Http {
    /// `host:port` or `:port`.
    pub address: String,
    /// What all paths begin with: `/`, or a path that ends with a slash.
    pub prefix: String,
    /// What clients know the registry by, `https://registry.example.com`; for addresses in events.
    pub host: Option<String>,
    /// For requests at hand when the server stops.
    pub drain: Option<Duration>,
    /// TLS.
    pub tls: Option<Tls>,
    /// Sent with each answer.
    pub headers: Vec<(String, String)>,
    /// Metrics and health at an address of their own.
    pub debug: Option<Debugging>,
}

/// TLS of the listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// PEM with its chain.
    pub certificate: PathBuf,
    /// PEM.
    pub key: PathBuf,
    /// Authorities of clients' certificates.
    pub client_authorities: Vec<PathBuf>,
    /// Whether clients must have one; without authorities they are not asked.
    pub client_certificate_needed: bool,
    /// Only version 1.3.
    pub only_1_3: bool,
    /// Names of cipher suites, as Go and IANA have them; all that are safe if it is empty.
    pub cipher_suites: Vec<String>,
}

/// Metrics and health at an address of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debugging {
    /// The address.
    pub address: String,
    /// Path of the metrics, if there are any.
    pub metrics: Option<String>,
}

/// Who is told what happened, in distribution's form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notifications {
    /// Who.
    pub endpoints: Vec<Endpoint>,
    /// Whether events name what a manifest refers to.
    pub has_references: bool,
}

/// Something that has to be well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub kind: CheckKind,
    /// How often it is looked at.
    pub interval: Duration,
    /// After so many failures one after the other it is not well.
    pub threshold: u32,
}

/// What has to be well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckKind {
    /// The registry's own storage.
    Storage,
    /// A file must not be there.
    File(PathBuf),
    /// A server must answer with a status.
    Http {
        /// Where.
        url: String,
        /// Sent along.
        headers: Vec<(String, Password)>,
        /// The status.
        status: u16,
        /// How long an answer is waited for.
        limit: Option<Duration>,
    },
    /// A port must be open.
    Tcp {
        /// Host and port.
        address: String,
        /// How long it is waited for.
        limit: Option<Duration>,
    },
}

impl Check {
    /// What reports call it.
    pub fn name(&self) -> String {
        match &self.kind {
            CheckKind::Storage => "storagedriver".to_owned(),
            CheckKind::File(path) => path.display().to_string(),
            CheckKind::Http { url, .. } => url.clone(),
            CheckKind::Tcp { address, .. } => address.clone(),
        }
    }
}

/// Somebody who is told what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Name in the log.
    pub name: String,
    /// Where to post.
    pub url: String,
    /// Sent along.
    pub headers: Vec<(String, Password)>,
    /// For one try.
    pub timeout: Duration,
    /// After so many failures one after the other there is a pause.
    pub threshold: u32,
    /// The pause.
    pub backoff: Duration,
    /// Media types that are not told of.
    pub ignored_media_types: Vec<String>,
    /// Actions that are not told of.
    pub ignored_actions: Vec<String>,
}

/// The registry that is mirrored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its address.
    pub url: String,
    /// Name and password there.
    pub credentials: Option<(String, Password)>,
    /// How long what was fetched is kept after its last use; none for ever.
    pub keep: Option<Duration>,
}

/// What manifests must be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validation {
    /// Regular expressions, one of which an address of a foreign layer must match; any if it is empty.
    pub urls_allowed: Vec<String>,
    /// Regular expressions, none of which it may match.
    pub urls_denied: Vec<String>,
    /// Which of an index's manifests must be there.
    pub platforms: Platforms,
}

/// Which of an index's manifests must be there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Platforms {
    /// All.
    #[default]
    All,
    /// None.
    Nothing,
    /// Those of these platforms: architecture and system.
    List(Vec<(String, String)>),
}

/// A secret of the configuration.
#[derive(Clone)]
pub struct Password(Arc<Secret>);

impl Password {
    /// Hides a text.
    pub fn new(text: String) -> Self {
        Self(Arc::new(Secret::from(text)))
    }

    /// The text.
    pub fn expose(&self) -> &str {
        // It was made of a text.
        std::str::from_utf8(self.0.expose()).unwrap_or_default()
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(&other.0)
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("…")
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}
