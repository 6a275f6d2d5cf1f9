//! Requests for trust data: who asks for what, whether they may, and what comes of it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response};
use jiff::Timestamp;
use sealift_access as access;
use sealift_access::{Action, Denial, Gatekeeper, Principal, Thing};
use sealift_depot::SqliteTrustStore;
use sealift_oci::RepositoryName;
use sealift_tuf::server::{Code, Pick, Refusal};
use sealift_tuf::{Gun, Role, repository_of};
use tokio::time::timeout;

use super::address::{Address, AddressFault};
use super::answer::Answer;
use super::documents::Documents;
use super::metrics::Metrics;
use super::multipart::{Form, FormFault, FormLimits};
use crate::hooks::{Event, EventKind, Listener, RequestFacts};
use crate::store::{Folder, SharedTrust};
use crate::{Body, Entry, Error, Log, Service};

const BODY_PAUSE_MAX: Duration = Duration::from_secs(15);
const LOGGED_BYTES_MAX: usize = 512;

/// Who is let in, and who is told.
pub struct Guard {
    /// Says who somebody is, and what they may do.
    pub gatekeeper: Gatekeeper,
    /// Is told what happened.
    pub log: Box<dyn Log>,
    /// The time.
    pub clock: fn() -> Timestamp,
}

/// A server of trust data.
pub struct TrustService {
    documents: Arc<Documents>,
    guard: Guard,
    listeners: OnceLock<Vec<Arc<dyn Listener>>>,
    metrics: Metrics,
    form_limits: FormLimits,
    // It stands beside a registry, on its address and with its rules.
    has_images: bool,
    // Tells the requests of this process from those of the one before.
    run: u64,
    n_requests: AtomicU64,
}

// What is known of a request before it is looked at.
struct Context {
    request_id: String,
    peer: SocketAddr,
    now: Timestamp,
}

impl TrustService {
    /// A server over a folder.
    pub fn open(folder: Folder, guard: Guard) -> Result<Self, Error> {
        let path = folder.database();
        let store = SqliteTrustStore::open(&path)
            .map_err(|error| Error::Database { path, reason: error.to_string() })?;
        Ok(Self::new(Documents::own(store, folder), guard))
    }

    /// A server over what several replicas share: each answers as any other would.
    pub fn over_shared(trust: SharedTrust, guard: Guard) -> Self {
        Self::new(Documents::shared(trust), guard)
    }

    fn new(documents: Documents, guard: Guard) -> Self {
        let run = (guard.clock)().as_microsecond().unsigned_abs();
        Self {
            documents: Arc::new(documents),
            guard,
            listeners: OnceLock::new(),
            metrics: Metrics::default(),
            form_limits: FormLimits::default(),
            has_images: false,
            run,
            n_requests: AtomicU64::new(0),
        }
    }

    /// On the address of a registry: rules for a repository are rules for its trust data.
    #[must_use]
    pub fn beside_images(self) -> Self {
        Self { has_images: true, ..self }
    }

    /// What it has, for who judges by it without a request.
    pub fn documents(&self) -> Arc<Documents> {
        Arc::clone(&self.documents)
    }

    /// Tells these of each change from now on. Only the first call counts.
    pub(crate) fn tell_to(&self, listeners: &[Arc<dyn Listener>]) {
        let _ = self.listeners.set(listeners.to_vec());
    }

    // Away from the threads that wait for sockets.
    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        act: impl FnOnce(&Self) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let service = Arc::clone(self);
        let outcome = tokio::task::spawn_blocking(move || act(&service)).await;
        outcome.unwrap_or_else(|error| {
            let cause = Some(error.to_string());
            Err(Refusal { cause, ..Refusal::plain(Code::Unknown) })
        })
    }

    async fn admit(
        &self,
        headers: &HeaderMap,
        wanted: &[(Action, Thing<'_>)],
        context: &Context,
    ) -> Result<Principal, Denial> {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let authorization = match (given.next(), given.next()) {
            (None, _) => None,
            (Some(value), None) => Some(value.to_str().map_err(|_| Denial::Wrong("not ASCII"))?),
            (Some(_), Some(_)) => return Err(Denial::Wrong("credentials twice")),
        };
        let (peer, now) = (context.peer, context.now);
        let request = access::Request { authorization, peer, client_certificate: None, now };
        let gatekeeper = &self.guard.gatekeeper;
        if !self.has_images {
            return gatekeeper.admit(&request, wanted).await;
        }
        // Rules name repositories of this registry; tokens that Docker asks for name the whole.
        let principal = gatekeeper.identify(&request).await?;
        let unlimited = Principal { grants: None, ..principal.clone() };
        let may = |action: Action, thing: Thing<'_>| {
            let own = own_thing(thing);
            gatekeeper.decide(&unlimited, action, own).is_allowed()
                && (principal.is_granted(action, thing) || principal.is_granted(action, own))
        };
        let is_unknown = principal.is_anonymous() && !gatekeeper.is_open();
        match wanted.iter().all(|(action, thing)| may(*action, *thing)) {
            true if is_unknown && wanted.is_empty() => Err(Denial::Missing),
            true => Ok(principal),
            false if is_unknown => Err(Denial::Missing),
            false => Err(Denial::NotAllowed),
        }
    }

    async fn route(
        self: &Arc<Self>,
        request: Request<Incoming>,
        address: Result<&Address, AddressFault>,
        context: &Context,
    ) -> (Answer, Option<String>) {
        let address = match address {
            Ok(address) => address,
            Err(AddressFault::Unknown) => {
                return (Answer::refused(Refusal::plain(Code::MetadataNotFound)), None);
            }
            Err(AddressFault::Gun) => {
                return (Answer::refused(Refusal::plain(Code::InvalidGun)), None);
            }
        };
        let wanted = match (address, needed(address, request.method())) {
            (Address::Health, Some(_)) => return (Answer::text("{}"), None),
            (Address::Metrics, Some(_)) => return (Answer::metrics(self.metrics.text()), None),
            (_, None) => return (Answer::unsupported(), None),
            (Address::Base, Some(_)) => None,
            (Address::AllChanges, Some(action)) => Some((action, Thing::Catalog)),
            (address, Some(action)) => {
                address.gun().map(|gun| (action, Thing::Repository(gun.as_str())))
            }
        };
        let wanted: Vec<(Action, Thing<'_>)> = wanted.into_iter().collect();
        let principal = match self.admit(request.headers(), &wanted, context).await {
            Ok(principal) => principal,
            Err(denial) => {
                self.metrics.denied();
                return (Answer::denied(&self.guard.gatekeeper, denial, &wanted), None);
            }
        };
        let answer = self.act(request, address, context, &principal).await;
        (answer.unwrap_or_else(Answer::refused), principal.name)
    }

    async fn act(
        self: &Arc<Self>,
        request: Request<Incoming>,
        address: &Address,
        context: &Context,
        user: &Principal,
    ) -> Result<Answer, Refusal> {
        let now = context.now;
        match (address, request.method()) {
            (Address::Document(gun, role, pick), _) => {
                self.document((gun, role, pick), request.headers(), now).await
            }
            (Address::Key(gun, role), &Method::POST) => {
                let (name, held) = (gun.clone(), role.clone());
                let act = move |service: &Self| {
                    service.documents.with_server(|server| server.rotate_key(&name, &held))
                };
                let result = self.blocking(act).await;
                self.audit(context, user, gun, "rotate_key", &[role.to_string()], &result);
                result.map(Answer::text)
            }
            (Address::Key(gun, role), _) => {
                let (gun, role) = (gun.clone(), role.clone());
                let act = move |service: &Self| {
                    service.documents.with_server(|server| server.key(&gun, &role))
                };
                self.blocking(act).await.map(Answer::text)
            }
            (Address::Repository(gun), &Method::DELETE) => {
                let name = gun.clone();
                let act = move |service: &Self| {
                    service.documents.with_server(|server| server.delete(&name, now))
                };
                let result = self.blocking(act).await;
                self.audit(context, user, gun, "delete", &[], &result);
                result.map(|()| Answer::done())
            }
            (Address::Repository(gun), _) => self.upload(request, gun, context, user).await,
            (Address::Changes(_) | Address::AllChanges, _) => {
                let gun = address.gun().cloned();
                let (after, records) = change_query(request.uri().query().unwrap_or_default());
                let act = move |service: &Self| {
                    service
                        .documents
                        .with_server(|server| server.changes(gun.as_ref(), &after, &records))
                };
                self.blocking(act).await.map(Answer::text)
            }
            (Address::Base | Address::Health | Address::Metrics, _) => Ok(Answer::text("{}")),
        }
    }

    async fn document(
        self: &Arc<Self>,
        (gun, role, pick): (&Gun, &Role, &Pick),
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let is_public = self.guard.gatekeeper.is_open();
        if let Some(kept) = self.documents.recall(gun, role, pick, now) {
            self.metrics.recalled();
            return Ok(Answer::document(&kept, headers, is_public));
        }
        let (gun, role, pick) = (gun.clone(), role.clone(), pick.clone());
        let act = move |service: &Self| service.documents.find(&gun, &role, &pick, now);
        let kept = self.blocking(act).await?;
        Ok(Answer::document(&kept, headers, is_public))
    }

    async fn upload(
        self: &Arc<Self>,
        request: Request<Incoming>,
        gun: &Gun,
        context: &Context,
        user: &Principal,
    ) -> Result<Answer, Refusal> {
        let files = match read_form(request, self.form_limits).await {
            Ok(files) => files,
            Err(FormFault::TooLarge(reason)) => return Ok(Answer::too_large(reason)),
            Err(FormFault::NoFileName) => return Err(Refusal::plain(Code::NoFilename)),
            Err(FormFault::Malformed(_)) => return Err(Refusal::plain(Code::MalformedUpload)),
        };
        let names: Vec<String> = files.iter().map(|(name, _)| cut(name).to_owned()).collect();
        let (name, now) = (gun.clone(), context.now);
        let act = move |service: &Self| {
            service.documents.with_server(|server| server.upload(&name, &files, now))
        };
        let result = self.blocking(act).await;
        self.audit(context, user, gun, "upload", &names, &result);
        result.map(|()| Answer::done())
    }

    fn audit<T>(
        &self,
        context: &Context,
        user: &Principal,
        gun: &Gun,
        action: &'static str,
        roles: &[String],
        result: &Result<T, Refusal>,
    ) {
        if result.is_ok() && action != "rotate_key" {
            self.tell(context, user, gun, &format!("{action} {}", roles.join(" ")));
        }
        self.guard.log.record(&Entry::Change {
            request_id: &context.request_id,
            peer: context.peer.to_string(),
            user: user.name.as_deref(),
            repository: gun.as_str(),
            action,
            roles,
            outcome: result.as_ref().err().map_or("done", |refusal| refusal.code.as_str()),
        });
    }

    // Before the answer: whoever pulls after a publication is judged by it.
    fn tell(&self, context: &Context, user: &Principal, gun: &Gun, what: &str) {
        let event = Event {
            kind: EventKind::TrustChanged,
            repository: RepositoryName::parse(gun.repository()).ok(),
            from: None,
            tag: None,
            digest: None,
            media_type: None,
            size: None,
            principal: user.clone(),
            peer: context.peer,
            request_id: context.request_id.clone(),
            request: RequestFacts::default(),
            time: context.now,
            reason: Some(what.trim_end().to_owned()),
        };
        let listeners = self.listeners.get().map(Vec::as_slice).unwrap_or_default();
        for listener in listeners.iter().filter(|listener| listener.wants(event.kind)) {
            listener.tell(&event);
        }
    }
}

impl Service for TrustService {
    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Response<Body> {
        let start = Instant::now();
        let number = self.n_requests.fetch_add(1, Ordering::Relaxed);
        let request_id = format!("{:x}-{number:x}", self.run);
        let context = Context { request_id, peer, now: (self.guard.clock)() };
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let agent = request.headers().get(header::USER_AGENT).cloned();
        let address = Address::parse(&path);
        let (answer, user) =
            self.route(request, address.as_ref().map_err(|fault| *fault), &context).await;
        let Answer { mut response, size_bytes, refusal, cause } = answer;
        let log = &self.guard.log;
        if let Some(reason) = cause {
            let request_id = Some(context.request_id.as_str());
            log.record(&Entry::Failure { request_id, reason: &reason });
        }
        let (status, duration) = (response.status().as_u16(), start.elapsed());
        self.metrics.count(address.as_ref().ok(), method.as_str(), status, duration);
        log.record(&Entry::Request {
            request_id: &context.request_id,
            peer: peer.to_string(),
            user: user.as_deref(),
            method: method.as_str(),
            path: cut(&path),
            status,
            size_bytes: size_bytes as u64,
            duration_us: u64::try_from(duration.as_micros()).unwrap_or(u64::MAX),
            user_agent: agent.as_ref().and_then(|agent| agent.to_str().ok()).map(cut),
            refusal,
        });
        if let Ok(value) = HeaderValue::from_str(&context.request_id) {
            response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
        }
        response
    }
}

// The repository of this registry that a name of Docker's is about: without the registry's own name before it.
fn own_thing(thing: Thing<'_>) -> Thing<'_> {
    match thing {
        Thing::Repository(gun) => Thing::Repository(repository_of(gun)),
        other => other,
    }
}

// What one has to be allowed for it; `None` if there is no such thing to do.
fn needed(address: &Address, method: &Method) -> Option<Action> {
    let is_read = method == Method::GET || method == Method::HEAD;
    match address {
        Address::Repository(_) if method == Method::POST => Some(Action::Push),
        Address::Repository(_) if method == Method::DELETE => Some(Action::Admin),
        Address::Repository(_) => None,
        Address::Key(..) if method == Method::POST => Some(Action::Admin),
        // A key may have to be made.
        Address::Key(..) if method == Method::GET => Some(Action::Push),
        Address::Key(..) => None,
        Address::AllChanges if is_read => Some(Action::Admin),
        _ if is_read => Some(Action::Pull),
        _ => None,
    }
}

async fn read_form(
    request: Request<Incoming>,
    limits: FormLimits,
) -> Result<Vec<(String, Vec<u8>)>, FormFault> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let mut form = Form::new(kind.unwrap_or_default(), limits)?;
    let mut body = request.into_body();
    if body.size_hint().lower() > limits.bytes as u64 {
        return Err(FormFault::TooLarge("the form is larger than allowed"));
    }
    loop {
        let frame = timeout(BODY_PAUSE_MAX, body.frame())
            .await
            .map_err(|_| FormFault::Malformed("the form did not come in time"))?;
        match frame {
            None => return form.finish(),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    form.feed(&data)?;
                }
            }
            Some(Err(_)) => return Err(FormFault::Malformed("the form was cut")),
        }
    }
}

// `change_id` and `records`. Neither needs to be escaped.
fn change_query(query: &str) -> (String, String) {
    let value = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(found, _)| *found == name).map(|(_, value)| cut(value).to_owned())
    };
    (value("change_id").unwrap_or_default(), value("records").unwrap_or_default())
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(LOGGED_BYTES_MAX)]
}
