//! From arguments and settings to what the pipeline needs.

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sealift_client::{DockerConfig, Mirror};
use sealift_oci::Platform;
use sealift_pipeline::{Daemons, Network, Session};
use sealift_sandbox::Privilege;
use sealift_store::Store;

use crate::failure::Usage;
use crate::interrupt::Interrupt;
use crate::printer::Printer;
use crate::progress::Progress;
use crate::settings::{Folders, Settings};
use sealift_arguments::{Global, PlatformOptions, platform};

/// Where systems keep the certificate authorities that they trust.
const CA_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Everything that a command has at hand.
pub(crate) struct Workshop {
    pub(crate) settings: Settings,
    pub(crate) folders: Folders,
    pub(crate) store: Store,
    network: Network,
    client_settings: sealift_client::Settings,
    daemons: Daemons,
    platform: Option<Platform>,
    interrupt: Interrupt,
    progress: Progress,
    now_secs: i64,
    started: Instant,
    source_date_epoch: Option<i64>,
}

impl Workshop {
    /// Opens the store and reads the settings. `start` is where the search for sealift.toml begins.
    pub(crate) fn open(global: &Global, printer: &Printer, start: &Path) -> anyhow::Result<Self> {
        let folders = Folders::from_environment()?;
        let settings = Settings::read(&folders, global.config.as_deref(), start)?;
        let root = global.store.clone().or(settings.file.store.clone());
        let store = Store::open(root.unwrap_or_else(|| folders.data.clone()))?;
        let client_settings = client_settings(global, &settings, &folders)?;
        let network = Network::new(client_settings.clone());
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Self {
            settings,
            folders,
            store,
            network,
            client_settings,
            daemons: daemons(),
            platform: None,
            interrupt: Interrupt::install()?,
            progress: Progress::new(printer),
            now_secs: i64::try_from(since_epoch.as_secs()).unwrap_or(i64::MAX),
            started: Instant::now(),
            source_date_epoch: source_date_epoch()?,
        })
    }

    /// The same, choosing images for a platform.
    pub(crate) fn for_platform(self, options: &PlatformOptions) -> anyhow::Result<Self> {
        let platform = match (&options.platform, &self.settings.file.platform) {
            (Some(platform), _) => Some(platform.clone()),
            (None, Some(text)) => Some(platform(text).map_err(|reason| {
                Usage::error(
                    format!("the setting `platform` is `{text}`: {reason}"),
                    "`sealift config show --origin` says where it is set",
                )
            })?),
            (None, None) => None,
        };
        Ok(Self { platform, ..self })
    }

    /// The session for the pipeline.
    pub(crate) fn session(&self) -> Session<'_> {
        Session {
            store: &self.store,
            network: &self.network,
            daemons: &self.daemons,
            platform: self.platform.as_ref(),
            cancel: self.interrupt.flag(),
            observer: &self.progress,
            now_secs: self.now_secs,
            started: self.started,
            source_date_epoch: self.source_date_epoch,
        }
    }

    /// What clients of registries are told.
    pub(crate) fn client_settings(&self) -> &sealift_client::Settings {
        &self.client_settings
    }

    /// Now, in seconds since 1970.
    pub(crate) fn now_secs(&self) -> i64 {
        self.now_secs
    }

    /// True once the user wants to stop.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupt.is_set()
    }

    /// Time since the start.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }
}

/// Makes the program root, in a user namespace if need be. Must come before any thread is started.
pub(crate) fn become_builder(printer: &Printer) -> anyhow::Result<()> {
    match sealift_sandbox::become_root()? {
        Privilege::Root => {}
        Privilege::UserNamespace => printer.detail("  building without root, in a user namespace"),
        Privilege::SingleUser => printer.warning(
            "no subordinate user ids are set up, so files cannot belong to other users; \
             install `uidmap` and add a range to /etc/subuid and /etc/subgid",
        ),
    }
    Ok(())
}

/// The bundle of certificate authorities that this machine trusts.
pub(crate) fn host_ca_bundle() -> Option<PathBuf> {
    let named =
        std::env::var_os("SSL_CERT_FILE").filter(|value| !value.is_empty()).map(PathBuf::from);
    named.into_iter().chain(CA_BUNDLES.map(PathBuf::from)).find(|path| path.is_file())
}

// As Docker's and Podman's own clients find them; a daemon on another machine is not asked.
fn daemons() -> Daemons {
    let named = |variable: &str| {
        let text = std::env::var(variable).ok()?;
        text.strip_prefix("unix://").map(PathBuf::from)
    };
    let first = |paths: Vec<PathBuf>| paths.into_iter().find(|path| path.exists());
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).unwrap_or_default();
    Daemons {
        docker: named("DOCKER_HOST").or_else(|| {
            first(vec![runtime.join("docker.sock"), PathBuf::from("/var/run/docker.sock")])
        }),
        // As `ctr` and `nerdctl` have it; with the scheme or without.
        containerd: std::env::var("CONTAINERD_ADDRESS")
            .ok()
            .filter(|address| !address.is_empty())
            .map(|address| PathBuf::from(address.strip_prefix("unix://").unwrap_or(&address)))
            .or_else(|| {
                first(vec![
                    PathBuf::from("/run/containerd/containerd.sock"),
                    PathBuf::from("/run/k3s/containerd/containerd.sock"),
                ])
            }),
        containerd_namespace: std::env::var("CONTAINERD_NAMESPACE")
            .ok()
            .filter(|namespace| !namespace.is_empty()),
        podman: named("CONTAINER_HOST").or_else(|| {
            first(vec![
                runtime.join("podman/podman.sock"),
                PathBuf::from("/run/podman/podman.sock"),
            ])
        }),
    }
}

fn client_settings(
    global: &Global,
    settings: &Settings,
    folders: &Folders,
) -> anyhow::Result<sealift_client::Settings> {
    let registries = &settings.file.registry;
    let from_file =
        registries.iter().filter(|(_, registry)| registry.plain_http).map(|(host, _)| host);
    let mut mirrors = std::collections::BTreeMap::new();
    for (host, registry) in registries {
        let parsed =
            registry.mirrors.iter().map(|text| mirror(text)).collect::<Result<Vec<_>, _>>()?;
        if !parsed.is_empty() {
            mirrors.insert(host.clone(), parsed);
        }
    }
    Ok(sealift_client::Settings {
        docker_config: DockerConfig::read(&folders.docker.join("config.json"))?,
        plain_http: global.plain_http.iter().chain(from_file).cloned().collect(),
        mirrors,
        ca_bundle: global.registry_ca.clone().or_else(host_ca_bundle),
        ca_files: Vec::new(),
        public_only: false,
        token_hosts: None,
    })
}

fn mirror(text: &str) -> anyhow::Result<Mirror> {
    if text.contains("://") || text.is_empty() {
        return Err(Usage::error(
            format!("the mirror `{text}` is not HOST[:PORT][/PATH]"),
            "leave the scheme out; for plain HTTP set `plain_http = true` for that host",
        ));
    }
    let (host, prefix) = match text.split_once('/') {
        Some((host, prefix)) => (host, Some(prefix.trim_end_matches('/').to_owned())),
        None => (text, None),
    };
    Ok(Mirror { host: host.to_owned(), prefix: prefix.filter(|prefix| !prefix.is_empty()) })
}

// reproducible-builds.org/specs/source-date-epoch: what is not a number is an error, not a silent default.
pub(crate) fn source_date_epoch() -> anyhow::Result<Option<i64>> {
    let Ok(text) = std::env::var("SOURCE_DATE_EPOCH") else { return Ok(None) };
    if text.is_empty() {
        return Ok(None);
    }
    let secs = text.parse::<i64>().ok().filter(|secs| *secs >= 0).ok_or_else(|| {
        Usage::error(
            format!("SOURCE_DATE_EPOCH is `{text}`, not a number of seconds since 1970"),
            "set it as in `SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)`, or unset it",
        )
    })?;
    Ok(Some(secs))
}
