//! One upstream: how it is asked, and what its answers mean.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sealift_client::{Answer, Client, Credential, DockerConfig, Question};
use url::Url;

use crate::budget::{Budget, wait_of};
use crate::metrics::{Counters, UpstreamState};
use crate::route::{HUB, Route};
use crate::{Error, MirrorError, UpstreamSettings};

// So long a request waits for the limit that was set here.
const OWN_WAIT_MAX: Duration = Duration::from_secs(5);

// Token servers that well-known registries have under other names.
const TOKEN_HOSTS: [(&str, &str); 2] =
    [(HUB, "auth.docker.io"), ("registry.gitlab.com", "gitlab.com")];

/// An upstream that can be asked.
pub(crate) struct Upstream {
    /// What metrics call it: its prefix, or else its host.
    pub(crate) name: String,
    pub(crate) host: String,
    pub(crate) settings: UpstreamSettings,
    pub(crate) counters: Arc<Counters>,
    client: Client,
    budget: Budget,
}

/// What is asked of a repository.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) route: &'a Route,
    /// `manifests/latest`.
    pub(crate) rest: &'a str,
    pub(crate) head_only: bool,
    pub(crate) known: Option<&'a str>,
    pub(crate) from: u64,
}

impl Wanted<'_> {
    /// How errors call it.
    pub(crate) fn name(&self) -> String {
        let name = self.rest.split_once('/').map_or(self.rest, |(_, name)| name);
        let separator = if name.contains(':') { '@' } else { ':' };
        format!("{}{separator}{name}", self.route.theirs)
    }
}

/// Host and path of an upstream's URL, and whether it speaks plain HTTP.
pub(crate) fn address(settings: &UpstreamSettings) -> Result<(String, String, bool), Error> {
    let fault =
        |reason: &str| Error::Upstream { url: settings.url.clone(), reason: reason.to_owned() };
    let url =
        Url::parse(&settings.url).map_err(|error| fault(&format!("it is no URL: {error}")))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(fault("it is neither https nor http"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fault("a user belongs in `username` and `password`, where it is not shown"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(fault("it has more than a host and a path"));
    }
    let name =
        url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| fault("it has no host"))?;
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = match name {
        "docker.io" | "index.docker.io" => HUB.to_owned(),
        _ => format!("{name}{port}"),
    };
    let path = url.path().trim_matches('/').to_owned();
    // People write the API's root.
    let path = if path == "v2" { String::new() } else { path };
    Ok((host, path, url.scheme() == "http"))
}

impl Upstream {
    pub(crate) fn new(settings: &UpstreamSettings) -> Result<Self, Error> {
        let (host, _, is_plain) = address(settings)?;
        let fault = |reason: String| Error::Upstream { url: settings.url.clone(), reason };
        let mut token_hosts = settings.token_hosts.clone();
        let known = TOKEN_HOSTS.iter().filter(|(registry, _)| *registry == host);
        token_hosts.extend(known.map(|(_, token_host)| (*token_host).to_owned()));
        let client = Client::new(sealift_client::Settings {
            docker_config: credentials(settings, &host)?,
            plain_http: if is_plain { [host.clone()].into() } else { [].into() },
            ca_bundle: system_authorities(),
            ca_files: settings.ca_files.clone(),
            public_only: true,
            token_hosts: Some(token_hosts),
            ..sealift_client::Settings::default()
        })
        .map_err(|error| fault(error.to_string()))?;
        let name = if settings.prefix.is_empty() { &host } else { &settings.prefix };
        Ok(Self {
            name: name.clone(),
            client,
            budget: Budget::new(settings.requests_per_second, settings.burst, Instant::now()),
            counters: Arc::default(),
            settings: settings.clone(),
            host,
        })
    }

    /// How it is now.
    pub(crate) fn state(&self) -> UpstreamState {
        let pause = self.budget.paused(Instant::now());
        let mut state = UpstreamState {
            host: self.host.clone(),
            prefix: self.settings.prefix.clone(),
            pause: pause.map(|(wait, reason)| (wait.as_secs().max(1), reason)),
            ..UpstreamState::default()
        };
        self.counters.fill(&mut state);
        state
    }

    /// Asks once. What comes back is a success, or that nothing has changed.
    pub(crate) async fn ask(&self, wanted: Wanted<'_>) -> Result<Answer, MirrorError> {
        self.wait_for_turn(&wanted).await?;
        self.counters.asked();
        let question = Question {
            host: &self.host,
            repository: &wanted.route.theirs,
            rest: wanted.rest,
            head_only: wanted.head_only,
            known: wanted.known,
            from: wanted.from,
        };
        let limit = self.settings.timeout.0;
        let unavailable = |reason: String| MirrorError::Unavailable {
            upstream: self.host.clone(),
            what: wanted.name(),
            reason,
            after: None,
        };
        let answer = match tokio::time::timeout(limit, self.client.ask(&question)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(self.understand(&wanted, error)),
            Err(_) => {
                let reason = format!("it has not answered within {} s", limit.as_secs_f32());
                self.budget.pause(Instant::now(), self.settings.pause.0, &reason);
                return Err(unavailable(reason));
            }
        };
        let status = answer.status();
        let header = |name: &str| answer.header(name).map(str::to_owned);
        if let Some(remaining) = self.budget.heed(Instant::now(), status, header) {
            self.counters.remaining(remaining);
        }
        match status {
            200 | 206 | 304 => Ok(answer),
            408 | 429 | 500..=599 => {
                let after = answer.header("retry-after");
                let after = after.and_then(|text| wait_of(text, Timestamp::now()));
                Err(MirrorError::Unavailable {
                    upstream: self.host.clone(),
                    what: wanted.name(),
                    reason: format!("it answered {status}"),
                    after,
                })
            }
            _ => Err(self.understand(&wanted, answer.refusal(&wanted.name()).await)),
        }
    }

    async fn wait_for_turn(&self, wanted: &Wanted<'_>) -> Result<(), MirrorError> {
        let start = Instant::now();
        loop {
            let Err(paused) = self.budget.take(Instant::now()) else { return Ok(()) };
            let may_wait = paused.is_own_limit && start.elapsed() + paused.wait <= OWN_WAIT_MAX;
            if !may_wait {
                self.counters.held_off();
                return Err(MirrorError::Unavailable {
                    upstream: self.host.clone(),
                    what: wanted.name(),
                    reason: paused.reason,
                    after: Some(paused.wait),
                });
            }
            tokio::time::sleep(paused.wait).await;
        }
    }

    fn understand(&self, wanted: &Wanted<'_>, error: sealift_client::Error) -> MirrorError {
        use sealift_client::Error as Client;
        let (upstream, what) = (self.host.clone(), wanted.name());
        match error {
            Client::NotFound { .. } => MirrorError::NotFound { upstream, what },
            Client::Unauthorized { reason, .. } => MirrorError::Denied { upstream, what, reason },
            Client::Unreachable { reason, .. } => {
                // The next ones need not find it out by waiting too.
                self.budget.pause(Instant::now(), self.settings.pause.0, &reason);
                MirrorError::Unavailable { upstream, what, reason, after: None }
            }
            Client::Refused { status: 408 | 429 | 500..=599, message, .. } => {
                MirrorError::Unavailable { upstream, what, reason: message, after: None }
            }
            other => MirrorError::Wrong { upstream, what, reason: other.to_string() },
        }
    }

    /// The next bytes of a body, which do not come for ever.
    pub(crate) async fn chunk(&self, answer: &mut Answer) -> Result<Option<bytes::Bytes>, String> {
        match tokio::time::timeout(self.settings.timeout.0, answer.chunk()).await {
            Ok(Ok(chunk)) => {
                self.counters.received(chunk.as_ref().map_or(0, |chunk| chunk.len() as u64));
                Ok(chunk)
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no bytes came for too long".to_owned()),
        }
    }

    /// The error of an answer that did not come to its end.
    pub(crate) fn broke_off(&self, wanted: &Wanted<'_>, reason: impl Into<String>) -> MirrorError {
        MirrorError::Unavailable {
            upstream: self.host.clone(),
            what: wanted.name(),
            reason: reason.into(),
            after: None,
        }
    }

    /// The error of bytes that are not what was asked for.
    pub(crate) fn wrong(&self, wanted: &Wanted<'_>, reason: impl Into<String>) -> MirrorError {
        MirrorError::Wrong {
            upstream: self.host.clone(),
            what: wanted.name(),
            reason: reason.into(),
        }
    }
}

fn credentials(settings: &UpstreamSettings, host: &str) -> Result<DockerConfig, Error> {
    let fault = |reason: String| Error::Upstream { url: settings.url.clone(), reason };
    let mut config = match &settings.docker_config {
        Some(path) if !path.is_file() => {
            return Err(fault(format!("there is no file `{}`", path.display())));
        }
        Some(path) => DockerConfig::read(path).map_err(|error| fault(error.to_string()))?,
        None => DockerConfig::default(),
    };
    let from_file = match &settings.password_file {
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| fault(format!("`{}`: {error}", path.display())))?;
            Some(text.trim_end_matches(['\r', '\n']).to_owned())
        }
        None => None,
    };
    let password = from_file.or_else(|| settings.password.as_ref().map(|secret| secret.0.clone()));
    match (&settings.username, password) {
        (Some(username), Some(password)) if !username.is_empty() => {
            let username = username.clone();
            config.insert(host, Credential::Password { username, password });
            Ok(config)
        }
        (Some(username), None) if !username.is_empty() => {
            Err(fault("it has a `username` and no password".to_owned()))
        }
        (None, Some(_)) => Err(fault("it has a password and no `username`".to_owned())),
        _ => Ok(config),
    }
}

// Where distributions keep the authorities that they trust.
fn system_authorities() -> Option<std::path::PathBuf> {
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"]
        .map(std::path::PathBuf::from)
        .into_iter()
        .find(|path| path.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |url: &str| {
            let url = url.to_owned();
            let found = address(&UpstreamSettings { url, ..UpstreamSettings::default() });
            found.map_err(|error| error.to_string())
        };
        let good = |host: &str, path: &str, plain| Ok((host.to_owned(), path.to_owned(), plain));
        assert_eq!(check("https://quay.io"), good("quay.io", "", false));
        assert_eq!(check("https://docker.io/"), good(HUB, "", false));
        assert_eq!(
            check("http://127.0.0.1:5000/base/path/"),
            good("127.0.0.1:5000", "base/path", true)
        );
        assert_eq!(check("https://r.x/v2/"), good("r.x", "", false));
        for bad in ["", "quay.io", "ftp://x", "https://", "https://a:b@x", "https://x/?a=b"] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(!check("https://alice:secret@x").unwrap_err().contains("not shown\""));
    }

    #[test]
    fn half_a_credential_is_an_error() {
        let settings = |username: Option<&str>, password: Option<&str>| UpstreamSettings {
            url: "https://r.x".to_owned(),
            username: username.map(str::to_owned),
            password: password.map(|text| crate::Password(text.to_owned())),
            ..UpstreamSettings::default()
        };
        assert!(Upstream::new(&settings(Some("a"), None)).is_err());
        assert!(Upstream::new(&settings(None, Some("a"))).is_err());
        assert!(Upstream::new(&settings(Some("a"), Some("b"))).is_ok());
        assert!(Upstream::new(&settings(Some(""), None)).is_ok());
    }
}
