//! A registry of its configuration: storage, access, trust data, certificates, and what is plugged in.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use sealift_access::Gatekeeper;
use sealift_client::Client;
use sealift_depot::{Depot, Settings as DepotSettings, Sparse};
use sealift_keeping::{Attending, Rhythm, attend, tend};
use sealift_mirror::{Mirror, Password, Settings as MirrorSettings, UpstreamSettings};
use sealift_registry::configuration::{Configuration, Finding, Platforms, StoragePlace};
use sealift_registry::hooks::Upstream;
use sealift_registry::store::{open_folder, open_shared};
use sealift_registry::{
    Entry, Guard, Health, Hooks, Log as _, Options, Prefix, Protocol, Registry, TlsAcceptor,
    TraceSettings, Tracer, TrustService, UrlRules, tls_of_folder, tls_with_clients,
};

use super::access;
use super::keeping;
use super::plugins::{self, Place, Running};
use super::reloading::Governed;
use super::shared;
use super::telling::Telling;
use crate::commands::entries::Lines;
use crate::commands::trust::serve::sealing_key;
use crate::failure::Usage;
use crate::session::host_ca_bundle;
use sealift_arguments::RegistryServe;
use tempfile::TempDir;

/// All that a server needs.
pub(super) struct Assembled {
    pub(super) registry: Arc<Registry>,
    pub(super) tls: Option<TlsAcceptor>,
    /// Where a certificate lies that clients do not know yet.
    pub(super) certificate: Option<PathBuf>,
    pub(super) folder: PathBuf,
    /// What works behind it.
    pub(super) running: Running,
    /// What goes by files that may change.
    pub(super) governed: Governed,
    /// How clients reach it, if that is known.
    pub(super) address: Option<String>,
    /// What is done beside requests; it ends when this is dropped.
    pub(super) kept: Vec<Attending>,
    /// The folder, if it goes with the process.
    pub(super) temporary: Option<TempDir>,
    /// Held by a replica: its folder.
    pub(super) lock: Option<File>,
}

pub(super) fn assemble(
    configuration: &Configuration,
    arguments: &RegistryServe,
    log: Lines,
) -> anyhow::Result<Assembled> {
    let (folder, temporary) = folder(configuration)?;
    let (depot, lock) = storage(configuration, &folder)?;
    depot.set_rules(keeping::rules(configuration)?);
    let kept = keep(configuration, &folder, &depot, log.clone())?;
    let (tls, certificate) = tls(configuration, arguments, &folder)?;
    let address = address(configuration, arguments, tls.is_some());
    let parts = access::parts(configuration, arguments, &folder, address.as_deref(), &depot)?;
    let gatekeeper = Gatekeeper::new(parts);
    let guard =
        Guard { gatekeeper: gatekeeper.clone(), log: Box::new(log.clone()), clock: Timestamp::now };
    let trust = Some(Arc::new(trust(configuration, &depot, &folder, guard)?.beside_images()));
    let client = Client::new(sealift_client::Settings {
        ca_bundle: host_ca_bundle(),
        ..sealift_client::Settings::default()
    })?;
    let tracer = tracer(configuration, &client)?;
    let upstream = mirror(configuration, &depot, &folder)?;
    let health = (!configuration.checks.is_empty())
        .then(|| Arc::new(Health::start(&configuration.checks, &depot, &client)));
    let mut hooks = Hooks { trust, tracer, upstream, health, ..Hooks::default() };
    let telling = Telling::of(configuration, tls.is_some());
    let notifier = telling.start(configuration, &depot, client, log.clone());
    hooks.listeners.push(Arc::new(notifier.clone()));
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
        prefix: Prefix::new(&configuration.http.prefix),
        urls: UrlRules::new(&configuration.validation)?,
        ..Options::default()
    };
    let options = options.with_headers(&configuration.http.headers);
    let log = Box::new(log);
    let governed = Governed {
        gatekeeper: gatekeeper.clone(),
        gate: running.gate.clone(),
        depot: depot.clone(),
        notifier,
        telling,
    };
    let registry = Registry::new(depot, gatekeeper, hooks, options, log, Timestamp::now);
    let registry = Arc::new(registry);
    Ok(Assembled {
        registry,
        tls,
        certificate,
        folder,
        running,
        governed,
        address,
        kept,
        temporary,
        lock,
    })
}

// Where images lie. The lock of a replica's own folder lasts as long as the file.
fn storage(configuration: &Configuration, folder: &Path) -> anyhow::Result<(Depot, Option<File>)> {
    let settings = depot_settings(configuration)?;
    match &configuration.storage.place {
        StoragePlace::Bucket(bucket) => {
            let lock = shared::take_folder(folder)?;
            let depot = shared::wait(shared::open(configuration, bucket, &settings))?;
            Ok((depot, Some(lock)))
        }
        _ => Ok((Depot::open_folder(folder, &settings)?, None)),
    }
}

/// Limits and times of the storage.
pub(super) fn depot_settings(configuration: &Configuration) -> anyhow::Result<DepotSettings> {
    let mut settings: DepotSettings = section(configuration, "storage")?;
    settings.upload_secs = configuration.storage.upload_age.map_or(u64::MAX, |age| age.as_secs());
    if configuration.validation.platforms == Platforms::Nothing
        && settings.sparse == Sparse::Refused
    {
        settings.sparse = Sparse::Indexes;
    }
    Ok(settings)
}

// Trust data are where the images are: in a folder, or in what replicas share.
fn trust(
    configuration: &Configuration,
    depot: &Depot,
    folder: &Path,
    guard: Guard,
) -> anyhow::Result<TrustService> {
    if depot.is_shared() {
        let sealing = sealing_key(shared::sealing_key_file(configuration)?.as_deref())?;
        let trust = shared::wait(open_shared(depot, sealing))?;
        return Ok(TrustService::over_shared(trust, guard));
    }
    let trust = open_folder(&folder.join("trust"), sealing_key(None)?)?;
    Ok(TrustService::open(trust, guard)?)
}

// Answers at the socket of the folder, collects and scrubs.
fn keep(
    configuration: &Configuration,
    folder: &Path,
    depot: &Depot,
    log: Lines,
) -> anyhow::Result<Vec<Attending>> {
    let rhythm: Rhythm = section(configuration, "scrub")?;
    let failed = |reason: &str, log: &Lines| {
        log.record(&Entry::Failure { request_id: None, reason });
    };
    let mut kept = Vec::new();
    match attend(folder, depot.clone()) {
        Ok(attending) => kept.push(attending),
        // Images are served all the same.
        Err(error) => failed(&format!("the operator cannot ask: {error}"), &log),
    }
    kept.push(tend(depot.clone(), rhythm, move |reason| failed(reason, &log)));
    Ok(kept)
}

// It sends on the runtime at hand.
fn tracer(configuration: &Configuration, client: &Client) -> anyhow::Result<Option<Tracer>> {
    let settings: TraceSettings = section(configuration, "traces")?;
    let tracer = Tracer::start(&settings, client.clone());
    if tracer.is_none() && !settings.endpoint.is_empty() {
        return Err(Usage::error(
            format!("traces cannot be sent to `{}`", settings.endpoint),
            "write `https://host:4318`, the address of a collector that speaks OTLP over HTTP",
        ));
    }
    Ok(tracer)
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

fn folder(configuration: &Configuration) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    match &configuration.storage.place {
        StoragePlace::Folder(folder) => {
            if folder.join("docker/registry/v2").is_dir() && !folder.join("meta.db").exists() {
                return Err(Usage::error(
                    format!("`{}` has images of another registry", folder.display()),
                    "bring them over with `sealift registry import`, into a folder of its own",
                ));
            }
            Ok((folder.clone(), None))
        }
        StoragePlace::Temporary => {
            // Only its owner can look into it.
            let folder = tempfile::Builder::new().prefix("sealift-registry-").tempdir();
            let folder = folder.context("cannot make a folder for `storage: inmemory`")?;
            Ok((folder.path().to_owned(), Some(folder)))
        }
        StoragePlace::Bucket(_) => Ok((shared::folder(configuration)?, None)),
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

// How clients reach this server, if it is of its own making and not behind something else.
fn address(
    configuration: &Configuration,
    arguments: &RegistryServe,
    has_tls: bool,
) -> Option<String> {
    let host = arguments.host.first().filter(|_| arguments.config.is_none())?;
    let (_, port) = configuration.http.address.rsplit_once(':')?;
    let scheme = if has_tls { "https" } else { "http" };
    Some(format!("{scheme}://{host}:{port}"))
}

type Tls = (Option<TlsAcceptor>, Option<PathBuf>);

// A registry without a configuration makes a certificate; one with it does what the file says, as distribution does.
fn tls(
    configuration: &Configuration,
    arguments: &RegistryServe,
    folder: &Path,
) -> anyhow::Result<Tls> {
    let clients = access::client_certificates(configuration)?;
    let protocol = configuration.http.tls.as_ref().map_or(Protocol::default(), |tls| Protocol {
        only_1_3: tls.only_1_3,
        cipher_suites: &tls.cipher_suites,
    });
    if let (Some(certificate), Some(key)) = (&arguments.tls_cert, &arguments.tls_key) {
        return Ok((Some(tls_with_clients(certificate, key, &clients, protocol)?), None));
    }
    if arguments.no_tls {
        return Ok((None, None));
    }
    if let Some(tls) = &configuration.http.tls {
        let tls = tls_with_clients(&tls.certificate, &tls.key, &clients, protocol)?;
        return Ok((Some(tls), None));
    }
    if arguments.config.is_some() {
        return Ok((None, None));
    }
    let (tls, certificate) = tls_of_folder(folder, &arguments.host, Timestamp::now())?;
    Ok((Some(tls), Some(certificate)))
}
