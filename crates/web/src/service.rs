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
use maud::{Markup, html};
use sealift_access::{Action, Gatekeeper, Principal, Thing};
use sealift_crypto::Secret;
use sealift_depot::Depot;
use sealift_registry::Body;
use sealift_registry::hooks::Pages;

use crate::address::Address;
use crate::answer::{file, page, see, with_cookie};
use crate::insight::Insight;
use crate::layout::{self, ICON, STYLE, Visitor};
use crate::office::Office;
use crate::pages::login;
use crate::query::Fields;
use crate::session::Sessions;

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
}

/// The pages.
pub struct Web {
    pub(crate) depot: Depot,
    pub(crate) gatekeeper: Gatekeeper,
    pub(crate) insight: Option<Arc<dyn Insight>>,
    pub(crate) office: Arc<dyn Office>,
    pub(crate) name: String,
    is_https: bool,
    clock: fn() -> Timestamp,
    sessions: Sessions,
}

/// A request that was understood.
pub(crate) struct Visit {
    pub(crate) principal: Principal,
    pub(crate) visitor: Visitor,
    pub(crate) query: Fields,
    /// What a form said, if one was sent.
    pub(crate) form: Fields,
}

/// What to show: a title and a body, or another answer.
pub(crate) enum Shown {
    Page(String, Markup),
    Absent,
    Forbidden,
    Failed,
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
        let Settings { name, is_https, secret, clock } = settings;
        let sessions = Sessions::new(secret);
        Self { depot, gatekeeper, insight, office, name, is_https, clock, sessions }
    }

    /// Whether a principal may do something.
    pub(crate) fn may(&self, principal: &Principal, action: Action, thing: Thing<'_>) -> bool {
        self.gatekeeper.decide(principal, action, thing).is_allowed()
    }

    fn visitor(&self, cookies: &str) -> (Principal, Visitor) {
        let user = self.sessions.user(cookies, (self.clock)());
        let user = user.filter(|user| self.gatekeeper.has_user(user));
        let principal = user.as_deref().map_or(Principal::ANONYMOUS, Principal::user);
        let visitor = Visitor {
            is_administrator: self.may(&principal, Action::Admin, Thing::Server),
            name: user,
            token: self.sessions.token(cookies),
        };
        (principal, visitor)
    }

    async fn respond(
        &self,
        request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Option<Response<Body>> {
        let address = Address::parse(request.uri().path())?;
        match address {
            Address::Style => return Some(file("text/css; charset=utf-8", STYLE)),
            Address::Icon => return Some(file("image/svg+xml", ICON.0)),
            _ => {}
        }
        let cookies = cookies(request.headers());
        let (principal, visitor) = self.visitor(&cookies);
        let query = Fields::parse(request.uri().query().unwrap_or_default());
        let is_sent = request.method() == Method::POST;
        if !is_sent && !matches!(*request.method(), Method::GET | Method::HEAD) {
            return Some(Self::told(
                &visitor,
                StatusCode::METHOD_NOT_ALLOWED,
                "That cannot be done to a page.",
            ));
        }
        let mut visit = Visit { principal, visitor, query, form: Fields::default() };
        if is_sent {
            let is_own = is_same_origin(request.headers());
            let Some(form) = read_form(request).await else {
                let text = "The form could not be read.";
                return Some(Self::told(&visit.visitor, StatusCode::BAD_REQUEST, text));
            };
            visit.form = form;
            if !is_own || !self.sessions.is_token(&cookies, visit.form.get("token")) {
                let text = "The form is of another session. Go back, load the page again, and send it again.";
                return Some(Self::told(&visit.visitor, StatusCode::FORBIDDEN, text));
            }
        }
        Some(self.route(&address, is_sent, visit, peer).await)
    }

    async fn route(
        &self,
        address: &Address,
        is_sent: bool,
        visit: Visit,
        peer: SocketAddr,
    ) -> Response<Body> {
        match (address, is_sent) {
            (Address::Login, false) => Self::login_page(&visit.visitor, None),
            (Address::Login, true) => self.log_in(&visit, peer).await,
            (Address::Logout, true) => with_cookie(see("/"), &Sessions::end()),
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
            Shown::Page(title, body) => page(StatusCode::OK, layout::page(&title, visitor, &body)),
            // Whoever did not say who they are may be somebody who may.
            Shown::Absent | Shown::Forbidden if visitor.name.is_none() => see("/-/login"),
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
        }
    }

    fn told(visitor: &Visitor, status: StatusCode, text: &str) -> Response<Body> {
        let body =
            html! { h1 { (status.canonical_reason().unwrap_or("No")) } p role="alert" { (text) } };
        page(status, layout::page("No", visitor, &body))
    }

    fn login_page(visitor: &Visitor, fault: Option<&str>) -> Response<Body> {
        let status = if fault.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
        page(status, layout::page("Log in", visitor, &login::body(visitor, fault)))
    }

    async fn log_in(&self, visit: &Visit, peer: SocketAddr) -> Response<Body> {
        let (user, password) = (visit.form.get("user"), visit.form.get("password"));
        let credentials = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let now = (self.clock)();
        let request = sealift_access::Request {
            authorization: Some(&credentials),
            peer,
            client_certificate: None,
            now,
        };
        match self.gatekeeper.identify(&request).await {
            Ok(principal)
                if !user.is_empty() && !user.contains(':') && !principal.is_anonymous() =>
            {
                with_cookie(see("/"), &self.sessions.begin(user, now, self.is_https))
            }
            _ => Self::login_page(&visit.visitor, Some("User and password do not fit.")),
        }
    }
}

impl Pages for Web {
    fn answer<'a>(
        &'a self,
        request: Request<Incoming>,
        peer: SocketAddr,
        _request_id: &'a str,
    ) -> BoxFuture<'a, Option<Response<Body>>> {
        Box::pin(self.respond(request, peer))
    }
}

fn cookies(headers: &HeaderMap) -> String {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.collect::<Vec<_>>().join("; ")
}

// Browsers say from where a form was sent.
fn is_same_origin(headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return true };
    let host = text(header::HOST).unwrap_or_default();
    origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
}

async fn read_form(request: Request<Incoming>) -> Option<Fields> {
    let body = Limited::new(request.into_body(), FORM_BYTES_MAX).collect().await.ok()?;
    let bytes = body.to_bytes();
    Some(Fields::parse(std::str::from_utf8(&bytes).ok()?))
}
