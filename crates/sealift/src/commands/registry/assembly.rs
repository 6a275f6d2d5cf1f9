//! A registry of its configuration: storage, access, trust data, certificates, and what is plugged in.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use sealift_access::{
    Gatekeeper, Parts, Passwords, Rule, Rules, TokenKeys, TokenRules, TokenServer,
};
use sealift_depot::{Depot, Settings as DepotSettings};
use sealift_mirror::{Mirror, Password, Settings as MirrorSettings, UpstreamSettings};
use sealift_registry::configuration::{Auth, Configuration, Finding, StoragePlace};
use sealift_registry::hooks::Upstream;
use sealift_registry::store::open_folder;
use sealift_registry::{
    Guard, Hooks, Options, Registry, TlsAcceptor, TrustService, tls_of_files, tls_of_folder,
};
use serde::Deserialize;

use super::plugins::{self, Place, Running};
use crate::arguments::RegistryServe;
use crate::commands::entries::Lines;
use crate::commands::trust::serve::sealing_key;
use crate::failure::Usage;

// Who may do what, in the configuration.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct AccessSection {
    rules: Vec<Rule>,
}

/// All that a server needs.
pub(super) struct Assembled {
    pub(super) registry: Arc<Registry>,
    pub(super) tls: Option<TlsAcceptor>,
    /// Where a certificate lies that clients do not know yet.
    pub(super) certificate: Option<PathBuf>,
    pub(super) folder: PathBuf,
    /// What works behind it.
    pub(super) running: Running,
}

pub(super) fn assemble(
    configuration: &Configuration,
    arguments: &RegistryServe,
    log: Lines,
) -> anyhow::Result<Assembled> {
    let folder = folder(configuration)?;
    let settings: DepotSettings = section(configuration, "uploads")?;
    let depot = Depot::open_folder(&folder, &settings)?;
    let gatekeeper = Gatekeeper::new(parts(configuration, arguments)?);
    let (tls, certificate) = tls(configuration, arguments, &folder)?;
    let guard =
        Guard { gatekeeper: gatekeeper.clone(), log: Box::new(log.clone()), clock: Timestamp::now };
    let trust = open_folder(&folder.join("trust"), sealing_key(None)?)?;
    let trust = Arc::new(TrustService::open(trust, guard)?.beside_images());
    let upstream = mirror(configuration, &depot, &folder)?;
    let mut hooks = Hooks { trust: Some(trust), upstream, ..Hooks::default() };
    let place = Place {
        configuration,
        folder: &folder,
        host: arguments.host.first().map(String::as_str),
        is_https: tls.is_some(),
        is_configured: arguments.config.is_some(),
    };
    let running = plugins::plug(&mut hooks, &place, &depot, &gatekeeper, &log)?;
    let options = Options {
        can_delete: configuration.storage.can_delete,
        is_read_only: configuration.storage.is_read_only,
        catalog_max: configuration.catalog_max,
        tags_max: configuration.tags_max,
        ..Options::default()
    };
    let options = options.with_headers(&configuration.http.headers);
    let log = Box::new(log);
    let registry = Registry::new(depot, gatekeeper, hooks, options, log, Timestamp::now);
    Ok(Assembled { registry: Arc::new(registry), tls, certificate, folder, running })
}

// The section of its own, and distribution's one upstream for all names. No upstream is asked yet.
fn mirror(
    configuration: &Configuration,
    depot: &Depot,
    folder: &Path,
) -> anyhow::Result<Option<Arc<dyn Upstream>>> {
    let mut settings: MirrorSettings = section(configuration, "mirrors")?;
    if let Some(proxy) = &configuration.proxy {
        let (username, password) = proxy.credentials.clone().unzip();
        settings.upstreams.push(UpstreamSettings {
            url: proxy.url.clone(),
            username,
            password: password.map(|password| Password(password.expose().to_owned())),
            ..UpstreamSettings::default()
        });
    }
    if settings.upstreams.is_empty() {
        return Ok(None);
    }
    let mirror = Mirror::open(&settings, depot.clone(), &folder.join("coming"));
    let mirror = mirror.map_err(|error| {
        Usage::error(error.to_string(), "docs/mirror.md has every setting of an upstream")
    })?;
    Ok(Some(Arc::new(mirror)))
}

fn folder(configuration: &Configuration) -> anyhow::Result<PathBuf> {
    match &configuration.storage.place {
        StoragePlace::Folder(folder) => {
            if folder.join("docker/registry/v2").is_dir() && !folder.join("meta.db").exists() {
                return Err(Usage::error(
                    format!("`{}` has images of another registry", folder.display()),
                    "bring them over with `sealift registry import`, into a folder of its own",
                ));
            }
            Ok(folder.clone())
        }
        StoragePlace::Temporary => Err(Usage::error(
            "storage in memory is not offered: a registry keeps what it is given",
            "name a folder: `storage: {filesystem: {rootdirectory: /var/lib/registry}}`",
        )),
        StoragePlace::Bucket(_) => Err(Usage::error(
            "storage in a bucket needs a database beside it",
            "name a folder: `storage: {filesystem: {rootdirectory: /var/lib/registry}}`",
        )),
    }
}

/// A section of our own, or its defaults.
pub(super) fn section<T: serde::de::DeserializeOwned + Default>(
    configuration: &Configuration,
    name: &str,
) -> anyhow::Result<T> {
    configuration.own.section(name).map_err(|finding| unusable(&finding))
}

fn unusable(finding: &Finding) -> anyhow::Error {
    let hint = finding.hint.clone();
    let hint = hint.unwrap_or_else(|| "docs/registry-configuration.md lists the keys".to_owned());
    Usage::error(finding.line("configuration"), hint)
}

fn parts(configuration: &Configuration, arguments: &RegistryServe) -> anyhow::Result<Parts> {
    let rules = if arguments.rules.is_empty() {
        Rules::new(section::<AccessSection>(configuration, "access")?.rules)
    } else {
        rules(&arguments.rules)?
    };
    let parts = Parts { rules, ..Parts::default() };
    Ok(match &configuration.auth {
        None => Parts { is_open: true, ..parts },
        Some(Auth::Htpasswd { realm, path }) => {
            Parts { realm: realm.clone(), passwords: Some(Passwords::read(path)?), ..parts }
        }
        Some(Auth::Token(token)) => {
            let rules = TokenRules { service: token.service.clone(), issuer: token.issuer.clone() };
            let path = token.jwks.as_ref().or(token.certificates.as_ref());
            let path = path.ok_or_else(|| {
                Usage::error("there are no keys to check tokens with", "name `rootcertbundle`")
            })?;
            let keys = TokenKeys::read(path)?;
            let server = TokenServer { realm: token.realm.clone(), rules, keys };
            Parts { token_server: Some(server), ..parts }
        }
    })
}

fn rules(texts: &[String]) -> anyhow::Result<Rules> {
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

type Tls = (Option<TlsAcceptor>, Option<PathBuf>);

// A registry without a configuration makes a certificate; one with it does what the file says, as distribution does.
fn tls(
    configuration: &Configuration,
    arguments: &RegistryServe,
    folder: &Path,
) -> anyhow::Result<Tls> {
    if let (Some(certificate), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) {
        return Ok((Some(tls_of_files(certificate, key)?), None));
    }
    if arguments.no_tls {
        return Ok((None, None));
    }
    if let Some(tls) = &configuration.http.tls {
        return Ok((Some(tls_of_files(&tls.certificate, &tls.key)?), None));
    }
    if arguments.config.is_some() {
        return Ok((None, None));
    }
    let (tls, certificate) = tls_of_folder(folder, &arguments.host, Timestamp::now())?;
    Ok((Some(tls), Some(certificate)))
}
