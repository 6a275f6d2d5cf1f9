//! The registry: who asks for what on this origin, and what is told of it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use sealift_access::{Action, Denial, Gatekeeper, Principal, Thing, Throttled};
use sealift_depot::{Depot, Error as DepotError, Target};

use super::address::Address;
use super::call::{Call, Outcome, empty, json_of};
use super::foreign::UrlRules;
use super::names::API_VERSION;
use super::prefix::Prefix;
use super::query::Query;
use super::refusal::{Code, Refusal};
use super::{blobs, lists, manifests, tokens, uploads};
use crate::health::Health;
use crate::hooks::{Event, EventKind, Gate, Listener, Pages, RequestFacts, Upstream};
use crate::listener::ClientCertificate;
use crate::metrics::{Metrics, Route};
use crate::traces::{Attribute, Span, SpanKind};
use crate::{Body, Entry, Log, Service, TraceContext, Tracer, TrustService};

const LOGGED_BYTES_MAX: usize = 512;
const JSON: &str = "application/json; charset=utf-8";

/// What others plug in.
#[derive(Clone, Default)]
pub struct Hooks {
    /// Judges pulls.
    pub gate: Option<Arc<dyn Gate>>,
    /// Are told what happened.
    pub listeners: Vec<Arc<dyn Listener>>,
    /// Has what the depot lacks.
    pub upstream: Option<Arc<dyn Upstream>>,
    /// Pages for people.
    pub pages: Option<Arc<dyn Pages>>,
    /// Trust data on the same origin.
    pub trust: Option<Arc<TrustService>>,
    /// Takes traces.
    pub tracer: Option<Tracer>,
    /// What has to be well.
    pub health: Option<Arc<Health>>,
}

/// What a registry may be told.
#[derive(Clone, Debug)]
pub struct Options {
    /// Manifests, tags and blobs can be deleted.
    pub can_delete: bool,
    /// Nothing can be changed.
    pub is_read_only: bool,
    /// Most repositories of a page.
    pub catalog_max: usize,
    /// Most tags of a page.
    pub tags_max: usize,
    /// Sent with each answer.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// What all paths begin with.
    pub prefix: Prefix,
    /// Which addresses of layers a manifest may name.
    pub urls: UrlRules,
}

impl Options {
    /// With these headers in each answer; what is no header is left out.
    #[must_use]
    pub fn with_headers(mut self, headers: &[(String, String)]) -> Self {
        let header = |(name, value): &(String, String)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value).ok()?))
        };
        self.headers.extend(headers.iter().filter_map(header));
        self
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            can_delete: true,
            is_read_only: false,
            catalog_max: 1000,
            tags_max: 10_000,
            headers: Vec::new(),
            prefix: Prefix::default(),
            urls: UrlRules::default(),
        }
    }
}

/// A registry.
pub struct Registry {
    pub(super) depot: Depot,
    pub(super) gatekeeper: Gatekeeper,
    pub(super) hooks: Hooks,
    pub(super) options: Options,
    pub(super) metrics: Arc<Metrics>,
    log: Box<dyn Log>,
    clock: fn() -> Timestamp,
    // Tells the requests of this process from those of the one before.
    run: u64,
    n_requests: AtomicU64,
}

// What a request came to, and what the log says of it.
struct Answered {
    response: Response<Body>,
    route: Route,
    user: Option<String>,
    refusal: Option<&'static str>,
    cause: Option<String>,
}

impl Registry {
    /// A registry over a depot.
    pub fn new(
        depot: Depot,
        gatekeeper: Gatekeeper,
        hooks: Hooks,
        options: Options,
        log: Box<dyn Log>,
        clock: fn() -> Timestamp,
    ) -> Self {
        let run = clock().as_microsecond().unsigned_abs();
        if let Some(trust) = &hooks.trust {
            trust.tell_to(&hooks.listeners);
        }
        let (metrics, n_requests) = (Arc::default(), AtomicU64::new(0));
        Self { depot, gatekeeper, hooks, options, metrics, log, clock, run, n_requests }
    }

    /// Its counters.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    async fn of_interface(&self, parts: &Parts, body: Incoming, seen: &Seen<'_>) -> Answered {
        let path = parts.uri.path();
        let address = Address::parse(path);
        let route = address.as_ref().map_or(Route::Unknown, route_of);
        let certificate = parts.extensions.get::<ClientCertificate>();
        let who = self.identify(&parts.headers, certificate, seen.peer, seen.now).await;
        let (outcome, user) = match who {
            Err(denial) => {
                self.tell_denied(&Principal::ANONYMOUS, seen, denial.as_str());
                (Err(self.denied(&[], denial)), None)
            }
            Ok(principal) => {
                let user = principal.name.clone();
                let call = Call {
                    registry: self,
                    peer: seen.peer,
                    request_id: seen.request_id,
                    now: seen.now,
                    started: seen.started,
                    trace: seen.trace,
                    method: parts.method.clone(),
                    headers: &parts.headers,
                    query: Query::parse(parts.uri.query().unwrap_or_default()),
                    principal,
                };
                let outcome = match address {
                    Err(fault) => {
                        let is_read = matches!(parts.method, Method::GET | Method::HEAD);
                        call.admit_stranger().and(Err(Refusal::of_address(fault, is_read)))
                    }
                    Ok(address) => dispatch(&call, address, body).await,
                };
                if let Err(refusal) = &outcome
                    && !refusal.is_told
                    && matches!(refusal.code, Code::Denied | Code::Unauthorized)
                    && !(refusal.code == Code::Unauthorized && call.principal.is_anonymous())
                {
                    self.tell_denied(&call.principal, seen, &refusal.message);
                }
                (outcome, user)
            }
        };
        let mut answered = Answered::of(outcome, route, user);
        let version = HeaderValue::from_static("registry/2.0");
        answered.response.headers_mut().insert(API_VERSION, version);
        answered
    }

    fn tell_denied(&self, principal: &Principal, seen: &Seen<'_>, reason: &str) {
        let event = Event {
            kind: EventKind::Denied,
            repository: None,
            from: None,
            tag: None,
            digest: None,
            media_type: None,
            size: None,
            principal: principal.clone(),
            peer: seen.peer,
            request_id: seen.request_id.to_owned(),
            request: RequestFacts::default(),
            time: seen.now,
            reason: Some(format!("{} {}: {reason}", seen.method, cut(seen.path))),
        };
        for listener in &self.hooks.listeners {
            listener.tell(&event);
        }
    }

    async fn of_service(&self, parts: &Parts, seen: &Seen<'_>) -> Answered {
        let outcome = match seen.path {
            "/metrics" => self.counters(parts, seen).await,
            "/readyz" => match self.look_at_storage().await {
                Ok(()) if !self.is_well() => Err(Refusal::plain(Code::Unavailable)),
                Ok(()) => Ok(json_of(JSON, "{\"status\":\"ok\"}\n".to_owned())),
                Err(error) => Err(Refusal::plain(Code::Unavailable).caused_by(error)),
            },
            _ => Ok(json_of(JSON, "{\"status\":\"ok\"}\n".to_owned())),
        };
        Answered::of(outcome, Route::Service, None)
    }

    async fn look_at_storage(&self) -> Result<(), DepotError> {
        match self.depot.health() {
            // What is there can still be pulled.
            Ok(()) | Err(DepotError::Full) => {}
            Err(error) => return Err(error),
        }
        self.depot.statistics().await.map(drop)
    }

    async fn counters(&self, parts: &Parts, seen: &Seen<'_>) -> Outcome {
        let certificate = parts.extensions.get::<ClientCertificate>();
        let wanted = [(Action::Pull, Thing::Server)];
        let principal = self
            .identify(&parts.headers, certificate, seen.peer, seen.now)
            .await
            .map_err(|denial| self.denied(&wanted, denial))?;
        if !self.gatekeeper.decide(&principal, Action::Pull, Thing::Server).is_allowed() {
            let denial =
                if principal.is_anonymous() { Denial::Missing } else { Denial::NotAllowed };
            return Err(self.denied(&wanted, denial));
        }
        let text = self.counters_text().await.map_err(super::call::of_depot)?;
        Ok(json_of("text/plain; version=0.0.4; charset=utf-8", text))
    }

    /// All counters, as Prometheus reads them.
    pub(crate) async fn counters_text(&self) -> Result<String, DepotError> {
        let mut text = self.metrics.text();
        super::figures::write(&mut text, &self.depot.statistics().await?);
        if let Some(upstream) = &self.hooks.upstream {
            text.push_str(&upstream.metrics());
        }
        if let Some(gate) = &self.hooks.gate {
            text.push_str(&gate.metrics().await);
        }
        for listener in &self.hooks.listeners {
            text.push_str(&listener.metrics());
        }
        Ok(text)
    }

    /// What is not well, by the names of the checks.
    pub(crate) fn faults(&self) -> BTreeMap<String, String> {
        self.hooks.health.as_ref().map(|health| health.faults()).unwrap_or_default()
    }

    /// Whether requests can be served.
    pub(crate) async fn is_ready(&self) -> bool {
        self.is_well() && self.look_at_storage().await.is_ok()
    }

    fn is_well(&self) -> bool {
        self.hooks.health.as_ref().is_none_or(|health| health.is_well())
    }

    // The request without the prefix of all paths. Health and metrics are asked for without it.
    fn beneath(&self, request: Request<Incoming>) -> Result<Request<Incoming>, Box<Answered>> {
        let prefix = &self.options.prefix;
        let path = request.uri().path();
        if prefix.is_empty() || matches!(path, "/healthz" | "/livez" | "/readyz" | "/metrics") {
            return Ok(request);
        }
        let Some(uri) = prefix.without(request.uri()) else {
            return Err(Box::new(Answered::of(Err(nowhere()), Route::Unknown, None)));
        };
        let (mut parts, body) = request.into_parts();
        parts.uri = uri;
        Ok(Request::from_parts(parts, body))
    }

    // What is neither the interface nor about the service.
    async fn other(&self, request: Request<Incoming>, seen: &Seen<'_>) -> Answered {
        let page = match &self.hooks.pages {
            Some(pages) => pages.answer(request, seen.peer, seen.request_id).await,
            None => None,
        };
        if let Some(response) = page {
            return Answered::of(Ok(response), Route::Page, None);
        }
        Answered::of(Err(nowhere()), Route::Unknown, None)
    }

    fn record(&self, seen: &Seen<'_>, answered: &Answered, agent: Option<&str>) {
        let duration = seen.started.elapsed();
        let status = answered.response.status().as_u16();
        self.metrics.count(answered.route, status, duration);
        if let Some(reason) = &answered.cause
            && status >= 500
        {
            let request_id = Some(seen.request_id);
            self.log.record(&Entry::Failure { request_id, reason });
        }
        self.log.record(&Entry::Request {
            request_id: seen.request_id,
            peer: seen.peer.to_string(),
            user: answered.user.as_deref(),
            method: seen.method,
            path: cut(seen.path),
            status,
            size_bytes: answered.response.body().len(),
            duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
            user_agent: agent.map(cut),
            refusal: answered.refusal,
        });
    }
}

impl Registry {
    fn trace(&self, seen: &Seen<'_>, answered: &mut Answered) {
        let (Some(tracer), Some(context)) = (&self.hooks.tracer, seen.trace) else { return };
        super::call::set(
            &mut answered.response,
            HeaderName::from_static("traceresponse"),
            &context.header(),
        );
        let status = answered.response.status().as_u16();
        let text = |text: &str| Attribute::Text(text.to_owned());
        tracer.send(Span {
            context,
            kind: SpanKind::Server,
            name: format!("{} {}", seen.method, answered.route.as_str()),
            start_nanoseconds: seen.now.as_nanosecond(),
            duration: seen.started.elapsed(),
            attributes: vec![
                ("http.request.method", text(seen.method)),
                ("url.path", text(cut(seen.path))),
                ("http.response.status_code", Attribute::Number(u64::from(status))),
                ("sealift.request_id", text(seen.request_id)),
            ],
            is_fault: status >= 500,
        });
    }
}

// What is known of a request before it is looked at.
struct Seen<'a> {
    peer: SocketAddr,
    request_id: &'a str,
    now: Timestamp,
    started: Instant,
    trace: Option<TraceContext>,
    method: &'a str,
    path: &'a str,
}

impl Answered {
    fn of(outcome: Outcome, route: Route, user: Option<String>) -> Self {
        match outcome {
            Ok(response) => Self { response, route, user, refusal: None, cause: None },
            Err(mut refusal) => {
                let (code, cause) = (refusal.code.as_str(), refusal.cause.take());
                let response = refusal.into_response();
                Self { response, route, user, refusal: Some(code), cause }
            }
        }
    }
}

impl Call<'_> {
    // Who is not known is not told what there is.
    fn admit_stranger(&self) -> Result<(), Refusal> {
        let gatekeeper = &self.registry.gatekeeper;
        if !self.principal.is_anonymous() || gatekeeper.is_open() {
            return Ok(());
        }
        let refusal = self.registry.denied(&[], Denial::Missing);
        // Where nobody can log in, asking for it helps nobody.
        if refusal.code == Code::Unauthorized { Err(refusal) } else { Ok(()) }
    }
}

async fn dispatch(call: &Call<'_>, address: Address, body: Incoming) -> Outcome {
    call.admit_often(Throttled::Request, None)?;
    match address {
        Address::Base => {
            if !matches!(call.method, Method::GET | Method::HEAD) {
                return Err(Refusal::plain(Code::Unsupported));
            }
            // Docker shows its credentials only to who asked for them here.
            call.admit_stranger()?;
            if !call.principal.is_anonymous() {
                call.tell(EventKind::Login, super::call::What::default());
            }
            Ok(json_of("application/json", "{}".to_owned()))
        }
        Address::Catalog => lists::catalog(call).await,
        Address::Tags(name) => lists::tags(call, &name).await,
        Address::Tag(name, tag) => manifests::answer(call, &name, Target::Tag(tag), body).await,
        Address::Manifest(name, digest) => {
            manifests::answer(call, &name, Target::Digest(digest), body).await
        }
        Address::Blob(name, digest) => blobs::answer(call, &name, &digest).await,
        Address::Uploads(name) => uploads::begin(call, &name, body).await,
        Address::Upload(name, id) => uploads::answer(call, &name, &id, body).await,
        Address::Referrers(name, digest) => lists::referrers(call, &name, &digest).await,
    }
}

fn route_of(address: &Address) -> Route {
    match address {
        Address::Base => Route::Base,
        Address::Catalog => Route::Catalog,
        Address::Tags(_) => Route::Tags,
        Address::Tag(..) | Address::Manifest(..) => Route::Manifest,
        Address::Blob(..) => Route::Blob,
        Address::Uploads(_) | Address::Upload(..) => Route::Upload,
        Address::Referrers(..) => Route::Referrers,
    }
}

fn nowhere() -> Refusal {
    Refusal::because(Code::Unsupported, "there is no such address")
        .with_status(StatusCode::NOT_FOUND)
}

fn out_of_service() -> Answered {
    let message = "the registry is out of service: one of its health checks fails";
    let refusal = Refusal::because(Code::Unavailable, message)
        .with(header::RETRY_AFTER, HeaderValue::from_static("10"));
    Answered::of(Err(refusal), Route::Unknown, None)
}

fn moved_to(place: &'static str) -> Answered {
    let mut response = empty(StatusCode::MOVED_PERMANENTLY);
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(place));
    Answered::of(Ok(response), Route::Base, None)
}

impl Service for Registry {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Body> {
        let started = Instant::now();
        let request = match self.beneath(request) {
            Ok(request) => request,
            Err(answered) => return answered.response,
        };
        let path = request.uri().path();
        if let Some(trust) = &self.hooks.trust
            && (path.starts_with("/v2/") && path.contains("/_trust/")
                || path.starts_with("/_notary_server/"))
        {
            // It counts and logs for itself.
            return Arc::clone(trust).answer(request, peer).await;
        }
        let number = self.n_requests.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("{:x}-{number:x}", self.run);
        let (method, path) = (request.method().clone(), path.to_owned());
        let agent = request.headers().get(header::USER_AGENT).cloned();
        let trace = self.hooks.tracer.as_ref().map(|_| {
            let header = request.headers().get("traceparent");
            TraceContext::of(header.and_then(|header| header.to_str().ok()))
        });
        let seen = Seen {
            peer,
            request_id: &request_id,
            now: (self.clock)(),
            started,
            trace,
            method: method.as_str(),
            path: &path,
        };
        let mut answered = match path.as_str() {
            "/healthz" | "/livez" | "/readyz" | "/metrics" => {
                self.of_service(&request.into_parts().0, &seen).await
            }
            _ if !self.is_well() => out_of_service(),
            "/v2" => moved_to("/v2/"),
            tokens::KEY_SET => Answered::of(self.key_set(request.method()), Route::Service, None),
            tokens::TOKEN if self.gatekeeper.key_set().is_some() => {
                let (parts, body) = request.into_parts();
                let (outcome, user) = self.token(&parts, body, peer, seen.now).await;
                Answered::of(outcome, Route::Token, user)
            }
            path if path.starts_with("/v2/") => {
                let (parts, body) = request.into_parts();
                self.of_interface(&parts, body, &seen).await
            }
            _ => self.other(request, &seen).await,
        };
        let agent = agent.as_ref().and_then(|agent| agent.to_str().ok());
        self.record(&seen, &answered, agent);
        self.trace(&seen, &mut answered);
        let headers = answered.response.headers_mut();
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            headers.insert(HeaderName::from_static("x-request-id"), value);
        }
        for (name, value) in &self.options.headers {
            headers.insert(name.clone(), value.clone());
        }
        if !self.options.prefix.is_empty() {
            self.options.prefix.put_before(answered.response.headers_mut());
        }
        let sent = self.metrics.sent();
        answered.response.map(|body| body.counted(sent))
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LOGGED_BYTES_MAX)]
}
