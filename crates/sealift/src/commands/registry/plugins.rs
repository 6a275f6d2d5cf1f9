//! What is plugged into a registry: the gate, who hears what happens, and the pages.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use sealift_access::Gatekeeper;
use sealift_crypto::{SealingKey, Secret};
use sealift_depot::Depot;
use sealift_gate::{Environment, Failed, Gate, Settings as GateSettings};
use sealift_pipeline::{Daemons, Network};
use sealift_registry::configuration::{Auth, Configuration};
use sealift_registry::hooks::{Listener, Pages};
use sealift_registry::trust::Documents;
use sealift_registry::{Entry, Hooks, Log};
use sealift_store::Store;
use sealift_web::{Insight, Settings as WebSettings, Web};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::assembly::section;
use super::office::Desk;
use crate::commands::entries::Lines;
use crate::session::host_ca_bundle;
use crate::settings::Folders;

const SECRET_KIND: &str = "page";
const SECRET_KEY: &str = "session-secret";
const SECRET_BYTES: usize = 32;

// The section `page`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct PageSection {
    enabled: bool,
}

impl Default for PageSection {
    fn default() -> Self {
        Self { enabled: true }
    }
}

/// What a registry is to others.
pub(super) struct Place<'a> {
    pub(super) configuration: &'a Configuration,
    pub(super) folder: &'a Path,
    /// The first name that was given on the command line.
    pub(super) host: Option<&'a str>,
    pub(super) is_https: bool,
    /// Whether there is a configuration at all; without one everything is on.
    pub(super) is_configured: bool,
}

/// The gate at work.
pub(super) struct Running {
    /// The gate, whose rules may be read again.
    pub(super) gate: Gate,
    /// Ends it.
    pub(super) stop: watch::Sender<bool>,
}

/// Plugs the gate and the pages in, and sets the gate to work.
pub(super) fn plug(
    hooks: &mut Hooks,
    place: &Place<'_>,
    depot: &Depot,
    gatekeeper: &Gatekeeper,
    log: &Lines,
) -> anyhow::Result<Running> {
    let name = name(place)?;
    let settings = gate_settings(place.configuration, place.is_configured)?;
    let own_trust = hooks.trust.as_ref().map(|trust| trust.documents());
    let gate = Gate::new(depot.clone(), environment(place, &name, own_trust)?, &settings)?;
    let (herald, scribe) = gate.herald();
    hooks.gate = Some(Arc::new(gate.clone()));
    hooks.listeners.push(Arc::new(herald) as Arc<dyn Listener>);
    let page: PageSection = section(place.configuration, "page")?;
    // Pages name each other by paths from the root.
    if page.enabled && place.configuration.http.prefix == "/" {
        hooks.pages = Some(pages(place, name, (depot, gatekeeper), &gate, hooks)?);
    }
    let (stop, is_stopping) = watch::channel(false);
    let lines = log.clone();
    let failed: Failed = Arc::new(move |error| {
        lines.record(&Entry::Failure { request_id: None, reason: &error.to_string() });
    });
    let told = Arc::clone(&failed);
    tokio::spawn(scribe.run(move |error| told(error)));
    tokio::spawn(gate.clone().work(is_stopping, failed));
    Ok(Running { gate, stop })
}

/// What the configuration says of the gate.
pub(super) fn gate_settings(
    configuration: &Configuration,
    is_configured: bool,
) -> anyhow::Result<GateSettings> {
    let mut settings: GateSettings = section(configuration, "gate")?;
    if !configuration.own.has("gate") {
        settings.scan = configuration.scan_on_push || !is_configured;
    }
    if settings.advisories.is_none() {
        // The one that `sealift db update` keeps for the user who runs the server.
        let own = Folders::from_environment()?.data.join("database");
        settings.advisories = Some(own).filter(|folder| folder.is_dir());
    }
    Ok(settings)
}

fn name(place: &Place<'_>) -> anyhow::Result<String> {
    let settings: GateSettings = section(place.configuration, "gate")?;
    if let Some(name) = settings.name {
        return Ok(name);
    }
    let address = &place.configuration.http.address;
    let port = address.rsplit_once(':').map_or("5000", |(_, port)| port);
    Ok(format!("{}:{port}", place.host.unwrap_or("localhost")))
}

fn environment(
    place: &Place<'_>,
    name: &str,
    own_trust: Option<Arc<Documents>>,
) -> anyhow::Result<Environment> {
    let folder: PathBuf = place.folder.join("gate");
    let client = sealift_client::Settings {
        ca_bundle: host_ca_bundle(),
        ..sealift_client::Settings::default()
    };
    Ok(Environment {
        name: name.to_owned(),
        store: Store::open(folder.join("store"))?,
        network: Network::new(client.clone()),
        own_trust,
        client,
        folder,
        cancel: AtomicBool::new(false),
        clock: Timestamp::now,
        daemons: Daemons::default(),
    })
}

fn pages(
    place: &Place<'_>,
    name: String,
    (depot, gatekeeper): (&Depot, &Gatekeeper),
    gate: &Gate,
    hooks: &Hooks,
) -> anyhow::Result<Arc<dyn Pages>> {
    let users = match &place.configuration.auth {
        Some(Auth::Htpasswd { path, .. }) => Some(path.clone()),
        _ => None,
    };
    let office = Desk {
        depot: depot.clone(),
        gatekeeper: gatekeeper.clone(),
        gate: gate.clone(),
        upstream: hooks.upstream.clone(),
        users,
    };
    let settings = WebSettings {
        name,
        is_https: place.is_https,
        secret: session_secret(depot)?,
        clock: Timestamp::now,
        listeners: hooks.listeners.clone(),
    };
    let insight: Arc<dyn Insight> = Arc::new(gate.clone());
    let web =
        Web::new(depot.clone(), gatekeeper.clone(), Some(insight), Arc::new(office), settings);
    Ok(Arc::new(web))
}

// Made once, and the same after a restart and in every replica: nobody has to log in again.
fn session_secret(depot: &Depot) -> anyhow::Result<Secret> {
    Handle::current().block_on(async {
        let known = depot.record(SECRET_KIND, SECRET_KEY).await?;
        if let Some(known) = known.filter(|known| known.len() == SECRET_BYTES) {
            return Ok(Secret::new(known.to_vec()));
        }
        // Another replica may be started at the same time.
        let secret = SealingKey::generate();
        let kept = depot.record_or(SECRET_KIND, SECRET_KEY, secret.expose()).await?;
        Ok(Secret::new(kept.to_vec()))
    })
}
