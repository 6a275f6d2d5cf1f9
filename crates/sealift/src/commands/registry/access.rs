//! Who is let in by a registry, of its configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_access::{
    BoxFuture, CertificateSettings, Fetch, Parts, Passwords, Rate, Rule, Rules, Settings,
    TokenKeys, TokenRules, TokenServer,
};
use sealift_client::Client;
use sealift_depot::Depot;
use sealift_keeping::robot_records;
use sealift_registry::ClientCertificates;
use sealift_registry::configuration::{Auth, Configuration};

use super::assembly::section;
use crate::failure::Usage;
use sealift_arguments::RegistryServe;

/// What a gatekeeper goes by; the folder is that of the registry, the address how clients reach it, if that is known. Robots are
/// those of the depot, and of a file.
pub(super) fn parts(
    configuration: &Configuration,
    arguments: &RegistryServe,
    folder: &Path,
    address: Option<&str>,
    depot: &Depot,
) -> anyhow::Result<Parts> {
    let settings = settings(configuration)?;
    // What only this machine has would be refused by the others.
    if depot.is_shared() && settings.tokens.enabled && settings.tokens.key.is_none() {
        return Err(Usage::error(
            "the key of the token server must be the same on all replicas",
            "name its file: `sealift: {tokens: {key: /run/secrets/token.key}}`",
        ));
    }
    let fetch: Option<Arc<dyn Fetch>> = if settings.oidc.issuers.is_empty() {
        None
    } else {
        Some(Arc::new(Web(Client::new(sealift_client::Settings::default())?)))
    };
    let rules = rules(&arguments.rules)?;
    let given = Parts { rules, realm: "Sealift registry".to_owned(), ..Parts::default() };
    let given = match &configuration.auth {
        None => Parts { is_open: true, ..given },
        Some(Auth::Htpasswd { realm, path }) => {
            Parts { realm: realm.clone(), passwords: Some(Passwords::read(path)?), ..given }
        }
        Some(Auth::Token(token)) => {
            let rules = TokenRules { service: token.service.clone(), issuer: token.issuer.clone() };
            let path = token.jwks.as_ref().or(token.certificates.as_ref());
            let path = path.ok_or_else(|| {
                Usage::error("there are no keys to check tokens with", "name `rootcertbundle`")
            })?;
            let keys = TokenKeys::read(path)?;
            let server = TokenServer { realm: token.realm.clone(), rules, keys };
            Parts { token_server: Some(server), ..given }
        }
    };
    Ok(settings.parts(given, folder, address, Some(robot_records(depot)), fetch.as_ref())?)
}

fn settings(configuration: &Configuration) -> anyhow::Result<Settings> {
    let mut settings = Settings {
        access: section(configuration, "access")?,
        robots: section(configuration, "robots")?,
        tokens: section(configuration, "tokens")?,
        oidc: section(configuration, "oidc")?,
        certificates: section(configuration, "certificates")?,
        limits: section(configuration, "limits")?,
    };
    // The limit of the middleware, unless there is one of ours.
    if let (None, Some(rate)) = (settings.limits.requests.address, &configuration.rate) {
        let (count, seconds) = (u64::from(rate.requests.max(1)), rate.window.as_secs().max(1));
        settings.limits.requests.address = Some(Rate { count, seconds });
    }
    Ok(settings)
}

/// Which certificates of clients are taken.
pub(super) fn client_certificates(
    configuration: &Configuration,
) -> anyhow::Result<ClientCertificates> {
    let settings: CertificateSettings = section(configuration, "certificates")?;
    let tls = configuration.http.tls.as_ref();
    let mut authorities: Vec<PathBuf> =
        tls.map(|tls| tls.client_authorities.clone()).unwrap_or_default();
    let is_needed = tls.is_some_and(|tls| tls.client_certificate_needed && !authorities.is_empty());
    authorities.extend(settings.authorities);
    Ok(ClientCertificates { authorities, is_needed: is_needed || settings.required })
}

/// Whether nobody has to say who they are.
pub(super) fn is_open(configuration: &Configuration) -> anyhow::Result<bool> {
    let settings = settings(configuration)?;
    let is_asked = settings.tokens.enabled
        || settings.robots.enabled == Some(true)
        || !settings.oidc.issuers.is_empty()
        || settings.certificates.authorities.is_some();
    Ok(configuration.auth.is_none() && !is_asked)
}

/// Rules of the command line.
pub(super) fn rules(texts: &[String]) -> anyhow::Result<Rules> {
    let read = |text: &String| {
        Rule::parse(text).map_err(|reason| {
            Usage::error(
                format!("the rule `{text}` cannot be read: {reason}"),
                "write it as `ci=team/**:pull,push`",
            )
        })
    };
    texts.iter().map(read).collect::<Result<_, _>>().map(Rules::new)
}

// Keys of issuers, by the client that gets all else.
struct Web(Client);

impl Fetch for Web {
    fn fetch<'a>(&'a self, url: &'a str, bytes_max: u64) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        let (client, url) = (self.0.clone(), url.to_owned());
        let runtime = tokio::runtime::Handle::current();
        // Its future cannot be handed from thread to thread; keys are got rarely.
        let got = tokio::task::spawn_blocking(move || {
            let found = runtime.block_on(client.download(&url, bytes_max));
            found.map_err(|error| error.to_string())
        });
        Box::pin(async move {
            let found = got.await.map_err(|error| error.to_string())??;
            found.ok_or_else(|| "there is nothing at this address".to_owned())
        })
    }
}
