//! One request: who asks, whether they may, and what is told of it.

use std::net::SocketAddr;
use std::time::Instant;

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Response, StatusCode};
use jiff::Timestamp;
use sealift_access::{
    Action, Denial, Principal, Request as Credentials, RetryAfter, Thing, Throttled,
};
use sealift_depot::{Depot, Error as DepotError};
use sealift_oci::{Digest, RepositoryName};
use serde_json::json;

use super::query::Query;
use super::refusal::{Code, Refusal};
use super::service::Registry;
use crate::hooks::{Event, EventKind, RequestFacts};
use crate::listener::ClientCertificate;
use crate::traces::{Attribute, Span, SpanKind};
use crate::{Body, TraceContext};

// All warnings of an answer together (distribution-spec, §Warnings).
const WARNING_BYTES_MAX: usize = 4096;

/// What a request comes to.
pub(super) type Outcome = Result<Response<Body>, Refusal>;

/// A request at hand, without its body.
pub(super) struct Call<'a> {
    pub(super) registry: &'a Registry,
    pub(super) peer: SocketAddr,
    pub(super) request_id: &'a str,
    pub(super) now: Timestamp,
    pub(super) started: Instant,
    pub(super) trace: Option<TraceContext>,
    pub(super) method: Method,
    pub(super) headers: &'a HeaderMap,
    pub(super) query: Query,
    pub(super) principal: Principal,
}

impl Call<'_> {
    pub(super) fn depot(&self) -> &Depot {
        &self.registry.depot
    }

    pub(super) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Does a part of the request, and tells a collector of traces how long it took and what came of it.
    pub(super) async fn part<T>(
        &self,
        name: &str,
        kind: SpanKind,
        work: impl Future<Output = T>,
        came: impl FnOnce(&T) -> Vec<(&'static str, Attribute)>,
    ) -> T {
        let (Some(tracer), Some(context)) = (&self.registry.hooks.tracer, self.trace) else {
            return work.await;
        };
        let before = self.started.elapsed();
        let done = work.await;
        let start = self.now.as_nanosecond();
        tracer.send(Span {
            context: context.part(),
            kind,
            name: name.to_owned(),
            start_nanoseconds: start + i128::try_from(before.as_nanos()).unwrap_or(0),
            duration: self.started.elapsed().saturating_sub(before),
            attributes: came(&done),
            is_fault: false,
        });
        done
    }

    /// Name of who asks, for what is written down.
    pub(super) fn by(&self) -> &str {
        self.principal.name.as_deref().unwrap_or("anonymous")
    }

    pub(super) fn may(&self, action: Action, thing: Thing<'_>) -> bool {
        self.registry.gatekeeper.decide(&self.principal, action, thing).is_allowed()
    }

    /// Refuses changes where nothing may change.
    pub(super) fn admit_change(&self) -> Result<(), Refusal> {
        let is_read_only = self.registry.options.is_read_only;
        let refusal = || Refusal::because(Code::Unsupported, "the registry is read-only now");
        if is_read_only { Err(refusal()) } else { Ok(()) }
    }

    /// Refuses pushes to what belongs to an upstream.
    pub(super) fn admit_push(&self, repository: &RepositoryName) -> Result<(), Refusal> {
        self.admit_change()?;
        let upstream = self.registry.hooks.upstream.as_ref();
        if upstream.is_none_or(|upstream| upstream.accepts_pushes(repository)) {
            return Ok(());
        }
        let reason = "this repository is a mirror's, and takes no pushes";
        Err(Refusal::because(Code::Unsupported, reason))
    }

    /// Refuses to delete where nothing may be deleted.
    pub(super) fn admit_delete(&self) -> Result<(), Refusal> {
        self.admit_change()?;
        let refusal = || Refusal::because(Code::Unsupported, "this registry deletes nothing");
        if self.registry.options.can_delete { Ok(()) } else { Err(refusal()) }
    }

    /// Refuses who may not do all of this.
    pub(super) fn admit(&self, wanted: &[(Action, Thing<'_>)]) -> Result<(), Refusal> {
        let refused = wanted.iter().find(|(action, thing)| !self.may(*action, *thing));
        let Some((action, thing)) = refused else { return Ok(()) };
        let is_known = !self.principal.is_anonymous() || self.registry.gatekeeper.is_open();
        let denial = if is_known { Denial::NotAllowed } else { Denial::Missing };
        let mut refusal = self.registry.denied(wanted, denial);
        if refusal.code == Code::Denied {
            let who = self.principal.name.as_deref().unwrap_or("nobody in particular");
            refusal.message = format!("{who} may not {} {}", action.as_str(), named(*thing));
        }
        Err(refusal)
    }

    /// Refuses what is done too often.
    pub(super) fn admit_often(
        &self,
        what: Throttled,
        repository: Option<&RepositoryName>,
    ) -> Result<(), Refusal> {
        let repository = repository.map(RepositoryName::as_str);
        let (gatekeeper, peer) = (&self.registry.gatekeeper, self.peer.ip());
        gatekeeper
            .throttle(what, &self.principal, peer, repository, self.now)
            .map_err(|RetryAfter(seconds)| too_many(seconds))
    }

    /// Tells those who listen.
    pub(super) fn tell(&self, kind: EventKind, what: What<'_>) {
        let listeners = &self.registry.hooks.listeners;
        if !listeners.iter().any(|listener| listener.wants(kind)) {
            return;
        }
        let event = Event {
            kind,
            repository: what.repository.cloned(),
            from: what.from.cloned(),
            tag: what.tag.map(str::to_owned),
            digest: what.digest.cloned(),
            media_type: what.media_type.map(str::to_owned),
            size: what.size,
            principal: self.principal.clone(),
            peer: self.peer,
            request_id: self.request_id.to_owned(),
            request: facts(&self.method, self.headers),
            time: self.now,
            reason: what.reason.map(str::to_owned),
        };
        for listener in listeners.iter().filter(|listener| listener.wants(kind)) {
            listener.tell(&event);
        }
    }
}

/// What an event is about.
#[derive(Clone, Copy, Default)]
pub(super) struct What<'a> {
    pub(super) repository: Option<&'a RepositoryName>,
    pub(super) from: Option<&'a RepositoryName>,
    pub(super) tag: Option<&'a str>,
    pub(super) digest: Option<&'a Digest>,
    pub(super) media_type: Option<&'a str>,
    pub(super) size: Option<u64>,
    pub(super) reason: Option<&'a str>,
}

/// What a request says of itself.
pub(super) fn facts(method: &Method, headers: &HeaderMap) -> RequestFacts {
    RequestFacts {
        method: method.clone(),
        host: headers.get(header::HOST).cloned(),
        agent: headers.get(header::USER_AGENT).cloned(),
    }
}

fn named(thing: Thing<'_>) -> String {
    match thing {
        Thing::Repository(name) => name.to_owned(),
        Thing::Tag(name, tag) => format!("{name}:{tag}"),
        Thing::Catalog => "the list of repositories".to_owned(),
        Thing::Server => "this server".to_owned(),
    }
}

impl Registry {
    /// Who asks.
    pub(super) async fn identify(
        &self,
        headers: &HeaderMap,
        certificate: Option<&ClientCertificate>,
        peer: SocketAddr,
        now: Timestamp,
    ) -> Result<Principal, Denial> {
        let authorization = authorization(headers)?;
        let client_certificate = certificate.map(|certificate| certificate.0.as_ref());
        let request = Credentials { authorization, peer, client_certificate, now };
        self.gatekeeper.identify(&request).await
    }

    /// The refusal of somebody who is not let in.
    pub(super) fn denied(&self, wanted: &[(Action, Thing<'_>)], denial: Denial) -> Refusal {
        let cause = denial.as_str();
        if let Denial::TooMany(seconds) = denial {
            return too_many(seconds).caused_by(cause);
        }
        let challenge = self.gatekeeper.challenge(wanted, denial);
        match challenge.and_then(|challenge| HeaderValue::from_str(&challenge).ok()) {
            Some(challenge) => {
                Refusal::plain(Code::Unauthorized).with(header::WWW_AUTHENTICATE, challenge)
            }
            None => Refusal::plain(Code::Denied),
        }
        .caused_by(cause)
    }
}

/// What somebody shows, which is one thing or nothing.
pub(super) fn authorization(headers: &HeaderMap) -> Result<Option<&str>, Denial> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    match (given.next(), given.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Denial::Wrong("not ASCII")),
        (Some(_), Some(_)) => Err(Denial::Wrong("credentials twice")),
    }
}

/// The refusal of somebody who asks too often.
pub(super) fn too_many(seconds: u64) -> Refusal {
    Refusal::because(Code::TooManyRequests, format!("too many requests; try again in {seconds} s"))
        .with(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)))
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// An answer in JSON.
pub(super) fn json_of(media_type: &'static str, body: String) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// Sets a header of which we know that it is one; what is not is left out.
pub(super) fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Warns a client (distribution-spec, §Warnings).
pub(super) fn warn(response: &mut Response<Body>, text: &str) {
    let plain: String = text
        .chars()
        .map(|character| match character {
            '"' => '\'',
            '\\' => '/',
            ' '..='~' => character,
            _ => ' ',
        })
        .take(WARNING_BYTES_MAX - 16)
        .collect();
    let sent: usize =
        response.headers().get_all(header::WARNING).iter().map(HeaderValue::len).sum();
    let value = format!("299 - \"{plain}\"");
    if sent + value.len() <= WARNING_BYTES_MAX
        && let Ok(value) = HeaderValue::from_str(&value)
    {
        response.headers_mut().append(header::WARNING, value);
    }
}

/// Whether a client has this content already (RFC 9110 §13.1.2).
pub(super) fn is_at_hand(headers: &HeaderMap, tag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok()).any(
        |tags| {
            tags.split(',').map(str::trim).any(|known| {
                let known = known.strip_prefix("W/").unwrap_or(known);
                // Some clients send the digest without quotes.
                known == "*" || known == tag || Some(known) == tag.get(1..tag.len() - 1)
            })
        },
    )
}

/// What the depot refuses, as a client is told.
pub(super) fn of_depot(error: DepotError) -> Refusal {
    match error {
        DepotError::NameUnknown => Refusal::plain(Code::NameUnknown),
        DepotError::BlobUnknown { digest } => {
            Refusal::plain(Code::BlobUnknown).about(json!({ "digest": digest.to_string() }))
        }
        DepotError::ManifestUnknown => Refusal::plain(Code::ManifestUnknown),
        DepotError::UploadUnknown => Refusal::plain(Code::BlobUploadUnknown),
        DepotError::DigestWrong { wanted, found } => Refusal::plain(Code::DigestInvalid)
            .about(json!({ "wanted": wanted.to_string(), "found": found.to_string() })),
        DepotError::OffsetWrong { have } => {
            Refusal::because(Code::BlobUploadInvalid, format!("the upload has {have} bytes"))
                .with_status(StatusCode::RANGE_NOT_SATISFIABLE)
        }
        DepotError::TooLarge { limit } => {
            Refusal::because(Code::SizeInvalid, format!("it is larger than {limit} bytes"))
                .with_status(StatusCode::PAYLOAD_TOO_LARGE)
        }
        DepotError::LengthWrong => Refusal::plain(Code::SizeInvalid),
        DepotError::ManifestInvalid { reason } => Refusal::because(
            Code::ManifestInvalid,
            format!("the manifest cannot be stored: {reason}"),
        ),
        DepotError::ManifestBlobUnknown { digests } => {
            let mut refusal = Refusal::plain(Code::ManifestBlobUnknown);
            refusal.detail =
                digests.iter().map(|digest| json!({ "digest": digest.to_string() })).collect();
            refusal
        }
        DepotError::Referenced => {
            Refusal::because(Code::Denied, "a manifest of this repository needs this blob")
                .with_status(StatusCode::METHOD_NOT_ALLOWED)
        }
        DepotError::Immutable { tag } => Refusal::because(
            Code::Denied,
            format!("the tag {tag} may not change: it is immutable here; push another tag"),
        ),
        DepotError::Quota { path, limit, unit } => {
            let message = format!(
                "the quota of {path} is used up: {limit} {unit}; delete something, or ask for more"
            );
            Refusal::because(Code::Denied, message)
        }
        DepotError::Full => Refusal::because(Code::Unavailable, "the disk of the registry is full")
            .with_status(StatusCode::INSUFFICIENT_STORAGE),
        DepotError::Aborted(error) => {
            Refusal::because(Code::BlobUploadInvalid, "the body was cut").caused_by(error)
        }
        DepotError::Unavailable { .. } => Refusal::plain(Code::Unavailable)
            .with(header::RETRY_AFTER, HeaderValue::from_static("5"))
            .caused_by(error),
        error => Refusal::failure(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_stay_in_their_header() {
        let mut response = empty(StatusCode::OK);
        warn(&mut response, "a \"b\"\r\nX-Evil: 1");
        warn(&mut response, &"x".repeat(5000));
        let values: Vec<&str> = response
            .headers()
            .get_all(header::WARNING)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect();
        assert_eq!(values, ["299 - \"a 'b'  X-Evil: 1\""]);
    }

    #[test]
    fn content_at_hand() {
        let tag = "\"sha256:ab\"";
        for (header, expected) in [
            ("\"sha256:ab\"", true),
            ("W/\"sha256:ab\"", true),
            ("\"x\", \"sha256:ab\"", true),
            ("sha256:ab", true),
            ("*", true),
            ("\"x\"", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static(header));
            assert_eq!(is_at_hand(&headers, tag), expected, "{header}");
        }
        assert!(!is_at_hand(&HeaderMap::new(), tag));
    }
}
