//! Registry client (OCI distribution specification 1.1).
//!
//! Entry point: [`Client`]. Redirects and credentials are handled here and nowhere else: a credential goes only to the
//! host it belongs to, and never over plain HTTP to a host that was reached by HTTPS. Nothing that comes over the network
//! is trusted before its digest matched. Beside it: [`Containerd`], whose images come by a socket, and
//! [`Blocking`], for callers that are not async.

mod ask;
mod auth;
mod blocking;
mod containerd;
mod credentials;
mod error;
mod feed;
mod guard;
mod http;
mod notify;
mod pull;
mod push;
mod referrers;
mod settings;
mod tls;
mod trust;

#[doc(hidden)]
pub mod fuzz;

pub use ask::{Answer, Question};
pub use blocking::Blocking;
pub use containerd::{Containerd, Content, RunningContainer};
pub use credentials::{Credential, DockerConfig};
pub use error::Error;
pub use feed::{Fetched, Part};
pub use http::Document;
pub use notify::is_received;
pub use push::Pushed;
pub use settings::{Mirror, Settings};
pub use tls::config as tls_config;
pub use trust::{TrustRepository, TrustUpload};

use std::sync::Arc;
use std::time::Duration;

use sealift_oci::Reference;

/// A client for any number of registries. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    // Asks hosts that a registry named, if those may not be in private networks.
    public_only: Option<reqwest::Client>,
    settings: Settings,
    tokens: auth::Tokens,
    schemes: http::Schemes,
}

impl Client {
    /// A client with these settings.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        let tls = tls::config(&settings)?;
        let builder = || {
            reqwest::Client::builder()
                .user_agent(concat!("sealift/", env!("CARGO_PKG_VERSION")))
                .tls_backend_preconfigured(tls.clone())
                .redirect(reqwest::redirect::Policy::none())
                .connect_timeout(Duration::from_secs(15))
                .read_timeout(Duration::from_mins(1))
        };
        let setup = |source: reqwest::Error| Error::Setup(source.to_string());
        let http = builder().build().map_err(setup)?;
        let public_only = settings
            .public_only
            .then(|| builder().dns_resolver(Arc::new(guard::PublicOnly)).build())
            .transpose()
            .map_err(setup)?;
        Ok(Self {
            inner: Arc::new(Inner {
                http,
                public_only,
                settings,
                tokens: auth::Tokens::default(),
                schemes: http::Schemes::default(),
            }),
        })
    }

    // Where to ask for an image, best first: the mirrors, then the registry itself.
    fn endpoints(&self, reference: &Reference) -> Vec<Endpoint> {
        let mirrors = self.inner.settings.mirrors.get(reference.registry());
        let mut endpoints: Vec<Endpoint> = mirrors
            .into_iter()
            .flatten()
            .map(|mirror| Endpoint {
                host: mirror.host.clone(),
                repository: match &mirror.prefix {
                    Some(prefix) => format!("{prefix}/{}", reference.repository()),
                    None => reference.repository().to_owned(),
                },
                account: mirror.host.clone(),
            })
            .collect();
        endpoints.push(Endpoint::of(reference));
        endpoints
    }
}

/// A repository at a host.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Endpoint {
    host: String,
    repository: String,
    // The host whose credential is shown: its own, but for trust data.
    account: String,
}

impl Endpoint {
    fn of(reference: &Reference) -> Self {
        // Docker Hub's registry answers at another name than its images carry.
        let host = match reference.registry() {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        Self {
            host: host.to_owned(),
            repository: reference.repository().to_owned(),
            account: host.to_owned(),
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("/v2/{}/{rest}", self.repository)
    }
}
