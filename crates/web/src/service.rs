//! Requests for pages: who asks, for which, and what they may see.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use hyper::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use maud::html;
use sealift_access::{Action, Denial, Gatekeeper, Kind, Principal, Thing};
use sealift_crypto::{Secret, constant_time_equal};
use sealift_depot::Depot;
use sealift_registry::Body;
use sealift_registry::hooks::{Event, EventKind, Listener, Pages, RequestFacts};

use crate::address::Address;
use crate::answer::{file, page, see, with_cookie};
use crate::insight::Insight;
use crate::layout::{self, ICON, Page, Part, STYLE, Visitor};
use crate::office::Office;
use crate::pages::login;
use crate::query::{Fields, encode};
use crate::session::{Session, Sessions, Way};

const FORM_BYTES_MAX: usize = 16 << 10;

/// What the pages are set to.
pub struct Settings {
    /// The registry's name, host and port, as people pull from it.
    pub name: String,
    /// Whether browsers come by HTTPS.
    pub is_https: bool,
    /// Seals sessions; the same in all replicas.
    pub secret: Secret,
    /// The time.
    pub clock: fn() -> Timestamp,
    /// Who is told of logins, and of what administrators do.
    pub listeners: Vec<Arc<dyn Listener>>,
}

/// The pages.
pub struct Web {
    pub(crate) depot: Depot,
    pub(crate) gatekeeper: Gatekeeper,
    pub(crate) insight: Option<Arc<dyn Insight>>,
    pub(crate) office: Arc<dyn Office>,
    pub(crate) name: String,
    pub(crate) sessions: Sessions,
    is_https: bool,
    clock: fn() -> Timestamp,
    listeners: Vec<Arc<dyn Listener>>,
}

/// A request that was understood.
pub(crate) struct Visit {
    pub(crate) principal: Principal,
    pub(crate) session: Option<Session>,
    pub(crate) visitor: Visitor,
    pub(crate) query: Fields,
    /// What a form said, if one was sent.
    pub(crate) form: Fields,
    // How the browser came, and what it would come back for after a login.
    way: Way,
    here: String,
    peer: SocketAddr,
    request_id: String,
}

impl Visit {
    /// Whether they did not say who they are, and could have.
    pub(crate) fn is_nobody(&self) -> bool {
        self.session.is_none() && !self.visitor.is_open
    }
}

/// What to show: a page, or another answer.
pub(crate) enum Shown {
    Page(Page),
    Absent,
    Forbidden,
    Failed,
    LoggedOut,
}

impl Web {
    /// Pages over a depot.
    pub fn new(
        depot: Depot,
        gatekeeper: Gatekeeper,
        insight: Option<Arc<dyn Insight>>,
        office: Arc<dyn Office>,
        settings: Settings,
    ) -> Self {
        let Settings { name, is_https, secret, clock, listeners } = settings;
        let sessions = Sessions::new(secret, depot.clone());
        Self { depot, gatekeeper, insight, office, name, sessions, is_https, clock, listeners }
    }

    /// Whether a principal may do something.
    pub(crate) fn may(&self, principal: &Principal, action: Action, thing: Thing<'_>) -> bool {
        self.gatekeeper.decide(principal, action, thing).is_allowed()
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    // What stands before the registry and speaks HTTPS says so; who lies about it only makes their own cookie stricter.
    fn way(&self, headers: &HeaderMap) -> Way {
        let forwarded = headers.get("x-forwarded-proto").and_then(|value| value.to_str().ok());
        if self.is_https || forwarded == Some("https") { Way::Secure } else { Way::Plain }
    }

    /// Tells what somebody did on the pages, for the audit log.
    pub(crate) fn tell(&self, visit: &Visit, kind: EventKind, what: &str) {
        let event = Event {
            kind,
            repository: None,
            from: None,
            tag: None,
            digest: None,
            media_type: None,
            size: None,
            principal: visit.principal.clone(),
            peer: visit.peer,
            request_id: visit.request_id.clone(),
            request: RequestFacts::default(),
            time: self.now(),
            reason: Some(what.to_owned()),
        };
        for listener in self.listeners.iter().filter(|listener| listener.wants(kind)) {
            listener.tell(&event);
        }
    }

    async fn visit(
        &self,
        request: &Request<Incoming>,
        peer: SocketAddr,
        request_id: &str,
    ) -> Visit {
        let (headers, uri) = (request.headers(), request.uri());
        let (cookies, way) = (cookies(headers), self.way(headers));
        let opened = self.sessions.open(&cookies, &self.gatekeeper, self.now(), way).await;
        let (session, principal) = match opened {
            Some((session, principal)) => (Some(session), principal),
            None => (None, Principal::ANONYMOUS),
        };
        let visitor = Visitor {
            is_administrator: self.may(&principal, Action::Admin, Thing::Server),
            name: session.as_ref().map(|session| session.user.clone()),
            token: self.sessions.token(&cookies, way),
            is_open: self.gatekeeper.is_open(),
        };
        let query = Fields::parse(uri.query().unwrap_or_default());
        let here = uri.path_and_query().map_or("/", |here| here.as_str()).to_owned();
        let (form, request_id) = (Fields::default(), request_id.to_owned());
        Visit { principal, session, visitor, query, form, way, here, peer, request_id }
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
        request_id: &str,
    ) -> Option<Response<Body>> {
        let address = Address::parse(request.uri().path())?;
        match address {
            Address::Style => return Some(file("text/css; charset=utf-8", STYLE)),
            Address::Icon => return Some(file("image/svg+xml", ICON.0)),
            _ => {}
        }
        let mut visit = self.visit(&request, peer, request_id).await;
        let is_sent = request.method() == Method::POST;
        if !is_sent && !matches!(*request.method(), Method::GET | Method::HEAD) {
            let text = "That cannot be done to a page.";
            return Some(Self::told(&visit.visitor, StatusCode::METHOD_NOT_ALLOWED, text));
        }
        if is_sent {
            let is_own = is_same_origin(request.headers());
            let Some(form) = read_form(request).await else {
                let text = "The form could not be read.";
                return Some(Self::told(&visit.visitor, StatusCode::BAD_REQUEST, text));
            };
            visit.form = form;
            let (given, token) = (visit.form.get("token"), &visit.visitor.token);
            if !is_own || !constant_time_equal(given.as_bytes(), token.as_bytes()) {
                let text = "The form is of another session. Go back, load the page again, and send it again.";
                return Some(Self::told(&visit.visitor, StatusCode::FORBIDDEN, text));
            }
        }
        Some(self.route(&address, is_sent, visit).await)
    }

    async fn route(&self, address: &Address, is_sent: bool, visit: Visit) -> Response<Body> {
        match (address, is_sent) {
            (Address::Login, false) => {
                Self::login_page(&visit, ("", visit.query.get("next")), (StatusCode::OK, None))
            }
            (Address::Login, true) => self.log_in(visit).await,
            (Address::Logout, true) => {
                let ended = match &visit.session {
                    Some(session) => self.sessions.end(session, self.now()).await,
                    None => Ok(()),
                };
                let shown = if ended.is_ok() { Shown::LoggedOut } else { Shown::Failed };
                Self::show(&visit, shown)
            }
            (Address::Logout, false) => see("/"),
            (address, true) => {
                let shown = self.act(address, &visit).await;
                Self::show(&visit, shown)
            }
            (address, false) => {
                let shown = self.look(address, &visit).await;
                Self::show(&visit, shown)
            }
        }
    }

    fn show(visit: &Visit, shown: Shown) -> Response<Body> {
        let visitor = &visit.visitor;
        match shown {
            Shown::Page(shown) => page(StatusCode::OK, layout::document(&shown, visitor)),
            // Whoever did not say who they are may be somebody who may.
            Shown::Absent | Shown::Forbidden if visit.is_nobody() => {
                see(&format!("/-/login?next={}", encode(&visit.here)))
            }
            Shown::Absent => {
                Self::told(visitor, StatusCode::NOT_FOUND, "It is not here, or you may not see it.")
            }
            Shown::Forbidden => {
                Self::told(visitor, StatusCode::FORBIDDEN, "That is for administrators.")
            }
            Shown::Failed => Self::told(
                visitor,
                StatusCode::SERVICE_UNAVAILABLE,
                "The storage does not answer. Try again in a moment.",
            ),
            Shown::LoggedOut => with_cookie(see("/-/login"), &Sessions::forget(visit.way)),
        }
    }

    fn told(visitor: &Visitor, status: StatusCode, text: &str) -> Response<Body> {
        let title = match status {
            StatusCode::NOT_FOUND => "Not found",
            StatusCode::FORBIDDEN => "Not allowed",
            StatusCode::SERVICE_UNAVAILABLE => "Not now",
            _ => "Not understood",
        };
        let title = title.to_owned();
        let body = html! {
            h1 { (title) }
            div .panel .no { p role="alert" { (text) } p { a href="/" { "To the repositories" } } }
        };
        let shown = Page { title, part: Part::Other, body };
        page(status, layout::document(&shown, visitor))
    }

    fn login_page(
        visit: &Visit,
        (user, next): (&str, &str),
        (status, fault): (StatusCode, Option<&str>),
    ) -> Response<Body> {
        let title = if fault.is_some() { "Not logged in" } else { "Log in" }.to_owned();
        let body = login::body(&visit.visitor, user, next, fault);
        let shown = Page { title, part: Part::Other, body };
        page(status, layout::document(&shown, &visit.visitor))
    }

    async fn log_in(&self, mut visit: Visit) -> Response<Body> {
        let form = std::mem::take(&mut visit.form);
        let (user, password, next) = (form.get("user"), form.get("password"), form.get("next"));
        let refused = |status, text| {
            self.tell(&visit, EventKind::Denied, text);
            Self::login_page(&visit, (user, next), (status, Some(text)))
        };
        let credentials = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let now = self.now();
        let request = sealift_access::Request {
            authorization: Some(&credentials),
            peer: visit.peer,
            client_certificate: None,
            now,
        };
        let principal = match self.gatekeeper.identify(&request).await {
            Ok(principal) => principal,
            Err(Denial::TooMany(_)) => {
                let text = "Too many wrong passwords. Wait a while, then try again.";
                return refused(StatusCode::TOO_MANY_REQUESTS, text);
            }
            Err(_) => return refused(StatusCode::UNAUTHORIZED, "User and password do not fit."),
        };
        // A token is somebody else's word than the name beside it: only a password makes one this user.
        let is_user = principal.kind == Kind::User && principal.name.as_deref() == Some(user);
        let known = self.gatekeeper.user(user).filter(|_| is_user);
        let Some((_, proof)) = known else {
            let text = "Robots and tokens are for programs; log in with a password.";
            return refused(StatusCode::UNAUTHORIZED, text);
        };
        let begun = self.sessions.begin((user, &proof), now, visit.way).await;
        visit.principal = principal;
        match begun {
            Ok(cookie) => {
                self.tell(&visit, EventKind::Login, "on the pages");
                with_cookie(see(own_path(next)), &cookie)
            }
            Err(_) => Self::show(&visit, Shown::Failed),
        }
    }
}

// Where somebody wanted to go who had to log in first: a page of ours, whatever was asked for.
fn own_path(next: &str) -> &str {
    let path = next.split('?').next().unwrap_or_default();
    let is_path = next.starts_with('/') && !next.starts_with("//") && next.is_ascii();
    let is_clean = !next.contains('\\') && !next.contains(|letter: char| letter.is_ascii_control());
    let is_page = !matches!(Address::parse(path), None | Some(Address::Login | Address::Logout));
    if is_path && is_clean && is_page { next } else { "/" }
}

impl Pages for Web {
    fn answer<'a>(
        &'a self,
        request: Request<Incoming>,
        peer: SocketAddr,
        request_id: &'a str,
    ) -> BoxFuture<'a, Option<Response<Body>>> {
        Box::pin(self.respond(request, peer, request_id))
    }
}

fn cookies(headers: &HeaderMap) -> String {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join("; ")
}

// Browsers say from where a form was sent.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    // Who says nothing at all is no browser.
    if text("sec-fetch-site").is_some_and(|from| from != "same-origin" && from != "none") {
        return false;
    }
    let Some(origin) = text("origin") else { return true };
    let host = text("host").unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
}

async fn read_form(request: Request<Incoming>) -> Option<Fields> {
    let body = Limited::new(request.into_body(), FORM_BYTES_MAX).collect().await.ok()?;
    let bytes = body.to_bytes();
    Some(Fields::parse(std::str::from_utf8(&bytes).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for fine in ["/", "/r/team/app/-/1.0?view=findings&q=a%20b", "/-/admin/robots"] {
            assert_eq!(own_path(fine), fine);
        }
        for wrong in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "/r/../x",
            "/-/logout",
            "/-/login",
            "/r/a\r\nSet-Cookie: x",
            "/x",
            "javascript:alert(1)",
            "/%2f/evil.example",
        ] {
            assert_eq!(own_path(wrong), "/", "{wrong}");
        }
    }
}
