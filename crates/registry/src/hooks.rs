//! What others plug into the registry: who judges pulls, who is told, where what is missing comes from, and the pages
//! for people.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::Stream;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::{Method, Request, Response};
use jiff::Timestamp;
use sealift_access::Principal;
use sealift_depot::{Manifest, Target};
pub use sealift_mirror::UpstreamState;
use sealift_oci::{Descriptor, Digest, RepositoryName, Tag};
use serde_json::Value;

use crate::Body;

/// An answer that comes later.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A pull that is to be judged.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// From where.
    pub peer: SocketAddr,
    /// For what repository.
    pub repository: &'a RepositoryName,
    /// By what name.
    pub target: &'a Target,
    /// What would be answered.
    pub manifest: &'a Manifest,
    /// Number of the request.
    pub request_id: &'a str,
    /// When.
    pub now: Timestamp,
}

/// What becomes of a pull.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is answered.
    Allow,
    /// It is answered, with this as a `Warning`.
    Warn(String),
    /// It is refused.
    Refuse(Denied),
}

/// Why a pull is refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Denied {
    /// For people; Docker prints it.
    pub message: String,
    /// For programs.
    pub detail: Value,
}

/// Who judges pulls. What goes wrong inside is a refusal.
pub trait Gate: Send + Sync {
    /// Judges one pull of a manifest.
    fn pull<'a>(&'a self, asked: Asked<'a>) -> BoxFuture<'a, Answer>;

    /// Whether a blob of this repository may be pulled by whoever may pull the repository; asked after the right to pull.
    fn blob<'a>(
        &'a self,
        _principal: &'a Principal,
        _repository: &'a RepositoryName,
        _digest: &'a Digest,
    ) -> BoxFuture<'a, Answer> {
        Box::pin(std::future::ready(Answer::Allow))
    }

    /// Counters, as Prometheus reads them.
    fn metrics(&self) -> BoxFuture<'_, String> {
        Box::pin(std::future::ready(String::new()))
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A manifest was pushed.
    Pushed,
    /// A manifest was pulled.
    Pulled,
    /// A blob was pushed.
    BlobPushed,
    /// A blob was pulled; the size is what was asked for of it.
    BlobPulled,
    /// A blob was mounted from another repository.
    Mounted,
    /// A manifest was deleted.
    Deleted,
    /// A blob was deleted from a repository.
    BlobDeleted,
    /// A tag was deleted.
    TagDeleted,
    /// Somebody was not let in, may not do it, or was refused by the gate.
    Denied,
    /// Somebody showed credentials that are right, at the base or on the pages.
    Login,
    /// An administrator did something on the pages.
    Administered,
    /// Trust data of a repository were published or deleted; the reason says which.
    TrustChanged,
}

impl EventKind {
    /// As logs and webhooks write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pushed => "pushed",
            Self::Pulled => "pulled",
            Self::BlobPushed => "blob_pushed",
            Self::BlobPulled => "blob_pulled",
            Self::Mounted => "mounted",
            Self::Deleted => "deleted",
            Self::BlobDeleted => "blob_deleted",
            Self::TagDeleted => "tag_deleted",
            Self::Denied => "denied",
            Self::Login => "login",
            Self::Administered => "administered",
            Self::TrustChanged => "trust_changed",
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// What.
    pub kind: EventKind,
    /// In what repository.
    pub repository: Option<RepositoryName>,
    /// Out of which one, if it was mounted.
    pub from: Option<RepositoryName>,
    /// To what tag.
    pub tag: Option<String>,
    /// To what content.
    pub digest: Option<Digest>,
    /// Its media type.
    pub media_type: Option<String>,
    /// Its size in bytes.
    pub size: Option<u64>,
    /// Who did it.
    pub principal: Principal,
    /// From where.
    pub peer: SocketAddr,
    /// Number of the request.
    pub request_id: String,
    /// What it came by.
    pub request: RequestFacts,
    /// When.
    pub time: Timestamp,
    /// Why it was refused, or what was done on the pages.
    pub reason: Option<String>,
}

/// What a request said of itself.
#[derive(Clone, Debug, Default)]
pub struct RequestFacts {
    /// Its method.
    pub method: Method,
    /// The host that it was for.
    pub host: Option<HeaderValue>,
    /// The program that sent it.
    pub agent: Option<HeaderValue>,
}

/// Who is told what happened: the audit log, webhooks, the queue of scans.
pub trait Listener: Send + Sync {
    /// Tells. It must not wait: requests wait for it.
    fn tell(&self, event: &Event);

    /// Whether pulls of blobs are worth telling. There are many of them.
    fn wants(&self, kind: EventKind) -> bool {
        !matches!(kind, EventKind::BlobPulled)
    }

    /// Counters, as Prometheus reads them.
    fn metrics(&self) -> String {
        String::new()
    }
}

/// Bytes from an upstream, as they come.
pub type UpstreamBytes = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// A blob of an upstream.
pub enum UpstreamBlob {
    /// The depot has it now; it is answered from there.
    Kept,
    /// It comes while it is sent.
    Coming {
        /// Its size in bytes.
        size: u64,
        /// The part that was asked for, or all.
        bytes: UpstreamBytes,
    },
}

/// Why an upstream did not help.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpstreamFault {
    /// It does not have it.
    Unknown,
    /// It does not let us.
    Denied(String),
    /// It is not to be asked for a while.
    Busy {
        /// Seconds.
        seconds: u64,
        /// Why not.
        reason: String,
    },
    /// It cannot be reached, or what it sent is not what was asked for.
    Unavailable(String),
}

/// A manifest of an upstream, and what the client is to be warned of.
pub struct Upstreamed {
    /// The manifest; it is in the depot.
    pub manifest: Arc<Manifest>,
    /// As a `Warning`.
    pub warning: Option<String>,
}

/// A list of an upstream, and what the client is to be warned of.
#[derive(Clone, Debug)]
pub struct UpstreamList<T> {
    /// The list.
    pub items: Vec<T>,
    /// As a `Warning`.
    pub warning: Option<String>,
}

/// Where comes from what the depot lacks.
pub trait Upstream: Send + Sync {
    /// The repository of this registry in which content of an upstream is kept, if this repository is one. `namespace`
    /// is `?ns=`.
    fn route(&self, repository: &RepositoryName, namespace: Option<&str>)
    -> Option<RepositoryName>;

    /// Whether a repository may be pushed to.
    fn accepts_pushes(&self, repository: &RepositoryName) -> bool;

    /// A manifest of a repository that has a route: asked for each time, as a tag may have to be checked.
    fn manifest<'a>(
        &'a self,
        repository: &'a RepositoryName,
        namespace: Option<&'a str>,
        target: &'a Target,
    ) -> BoxFuture<'a, Result<Upstreamed, UpstreamFault>>;

    /// A blob that the depot does not have.
    fn blob<'a>(
        &'a self,
        repository: &'a RepositoryName,
        namespace: Option<&'a str>,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<UpstreamBlob, UpstreamFault>>;

    /// How long a blob is that the depot does not have. It is not fetched.
    fn blob_size<'a>(
        &'a self,
        repository: &'a RepositoryName,
        namespace: Option<&'a str>,
        digest: &'a Digest,
    ) -> BoxFuture<'a, Result<u64, UpstreamFault>>;

    /// The tags that the upstream has in a repository that has a route.
    fn tags<'a>(
        &'a self,
        _repository: &'a RepositoryName,
        _namespace: Option<&'a str>,
    ) -> BoxFuture<'a, Result<UpstreamList<Tag>, UpstreamFault>> {
        Box::pin(std::future::ready(Err(UpstreamFault::Unknown)))
    }

    /// What refers to a digest, as the upstream knows it.
    fn referrers<'a>(
        &'a self,
        _repository: &'a RepositoryName,
        _namespace: Option<&'a str>,
        _subject: &'a Digest,
    ) -> BoxFuture<'a, Result<UpstreamList<Descriptor>, UpstreamFault>> {
        Box::pin(std::future::ready(Err(UpstreamFault::Unknown)))
    }

    /// Counters, as Prometheus reads them.
    fn metrics(&self) -> String;

    /// Each upstream as it is now.
    fn states(&self) -> Vec<UpstreamState> {
        Vec::new()
    }
}

/// Pages for people: all that is not `/v2`, the tokens, the health and the metrics.
pub trait Pages: Send + Sync {
    /// Answers one request; `None` if there is no such page.
    fn answer<'a>(
        &'a self,
        request: Request<Incoming>,
        peer: SocketAddr,
        request_id: &'a str,
    ) -> BoxFuture<'a, Option<Response<Body>>>;
}
