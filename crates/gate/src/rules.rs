//! The rules of the gate, read from their files: replaced as a whole when a file changes.

use std::path::Path;
use std::sync::Arc;

use sealift_client::Blocking;
use sealift_custody::marks::Marks;
use sealift_custody::policy_file::{self, PolicyFile};
use sealift_custody::{TrustPlace, TrustServer};
use sealift_model::Severity;
use sealift_pipeline::keys::{self, TrustedKey};
use sealift_pipeline::policies::{PolicyRequest, PolicySet, Tests};
use sealift_pipeline::scan::{Expression, ScanRequest};
use sealift_pipeline::{Daemons, Network, Session, Silent, policies};
use sealift_policy::Namespaces;
use sealift_registry::trust::Documents;
use sealift_store::Store;

use crate::own_trust::OwnTrust;
use crate::settings::fits;
use crate::{Error, Settings};

/// What the gate works with besides the depot.
pub struct Environment {
    /// The name of the registry, host and port: images are judged under it.
    pub name: String,
    /// The store beside which layers that were looked at are remembered.
    pub store: Store,
    /// The network, for trust data of another server.
    pub network: Network,
    /// The trust data of the registry itself, if it has any.
    pub own_trust: Option<Arc<Documents>>,
    /// How clients of other servers are set.
    pub client: sealift_client::Settings,
    /// The folder of what was seen before.
    pub folder: std::path::PathBuf,
    /// Set when the server stops.
    pub cancel: std::sync::atomic::AtomicBool,
    /// The time.
    pub clock: fn() -> jiff::Timestamp,
    /// No daemon is asked for images.
    pub daemons: Daemons,
}

impl Environment {
    pub(crate) fn session(&self) -> Session<'_> {
        Session {
            store: &self.store,
            network: &self.network,
            daemons: &self.daemons,
            platform: None,
            cancel: &self.cancel,
            observer: &Silent,
            now_secs: (self.clock)().as_second(),
            started: std::time::Instant::now(),
            source_date_epoch: None,
        }
    }

    pub(crate) fn marks(&self) -> Marks {
        Marks::new(self.folder.join("marks"))
    }

    pub(crate) fn trust_server(&self, address: Option<String>) -> TrustServer {
        let folder = self.folder.join("trust");
        let place = match (&self.own_trust, address) {
            (Some(documents), None) => {
                let documents = Arc::clone(documents);
                TrustPlace::Here(Arc::new(OwnTrust { documents, clock: self.clock }))
            }
            (_, address) => {
                let client = Box::new(Blocking::new(self.client.clone()));
                TrustPlace::Network { client, address }
            }
        };
        TrustServer {
            place,
            states: sealift_notary::States::new(&folder),
            pins: sealift_notary::Pins::new(&folder),
            trust_first_use: false,
            is_offline: false,
        }
    }
}

/// The rules, as they were when their files were read.
pub(crate) struct Rules {
    pub(crate) settings: Settings,
    pub(crate) policy: PolicyRequest,
    pub(crate) policies: PolicySet,
    pub(crate) trust: Option<PolicyFile>,
    pub(crate) keys: Vec<TrustedKey>,
    pub(crate) scan: ScanRequest,
    // Verdicts of other rules do not count.
    pub(crate) revision: u64,
}

impl Rules {
    /// Reads everything; what cannot be read or does not hold together is an error, and nothing is half in force.
    pub(crate) fn read(settings: &Settings, revision: u64) -> Result<Self, Error> {
        let exemptions = match &settings.exemptions {
            Some(path) => read_exemptions(path)?,
            None => Vec::new(),
        };
        let policy = PolicyRequest {
            files: settings.policies.clone(),
            bundles: Vec::new(),
            data: settings.data.clone().into_iter().collect(),
            data_files: settings.data_files.clone(),
            namespaces: Namespaces::default(),
            exemptions,
        };
        let policies = policies::load(&policy, Tests::Without)?;
        // One that cannot be compiled is told of now, and not to whoever pulls first.
        if !policy.is_empty() {
            let limits = sealift_pipeline::judge::settings(&policy);
            sealift_policy::Policies::load(&limits, &policies.sources, &policies.data)
                .map_err(sealift_pipeline::Error::from)?;
        }
        let keys = match &settings.keys {
            Some(folder) => keys::public_keys(folder)?,
            None => Vec::new(),
        };
        let key_folder = settings.keys.clone().unwrap_or_default();
        let trust = settings.trust.as_ref().map(|path| policy_file::open(path, &key_folder));
        Ok(Self {
            scan: scan_request(settings)?,
            settings: settings.clone(),
            policy,
            policies,
            trust: trust.transpose()?,
            keys,
            revision,
        })
    }

    pub(crate) fn bypasses(&self, user: Option<&str>) -> bool {
        user.is_some_and(|user| self.settings.bypass.iter().any(|pattern| fits(pattern, user)))
    }

    /// Whether anything at all is judged.
    pub(crate) fn judges(&self) -> bool {
        !self.policy.is_empty()
            || self.trust.is_some()
            || self.settings.quarantine
            || self.settings.fail_on.is_some()
    }
}

fn read_exemptions(path: &Path) -> Result<Vec<sealift_policy::Exemption>, Error> {
    let text = policies::read_text(path, 1 << 20)?;
    let file = path.display().to_string();
    sealift_policy::exemptions(&file, &text, false)
        .map_err(|error| Error::Setting { setting: file.clone(), reason: error.to_string() })
}

fn scan_request(settings: &Settings) -> Result<ScanRequest, Error> {
    let fail_on = match settings.fail_on.as_deref() {
        Some("never") => None,
        Some(text) => Some(Expression::parse(text).map_err(|error| Error::Setting {
            setting: format!("gate.fail_on: `{text}`"),
            reason: format!("{error}; {}", error.hint),
        })?),
        None => Some(Expression::at_least(Severity::Critical)),
    };
    Ok(ScanRequest {
        advisories: settings.advisories.clone(),
        severities: Vec::new(),
        ignore_unfixed: false,
        fail_on,
        fail_on_incomplete: false,
        sort_by_risk: false,
        database_age_secs_max: None,
        ignore_statuses: Vec::new(),
        include_not_running: false,
        include_declared: false,
        exceptions: sealift_exception::Exceptions::default(),
        strict_ignores: false,
    })
}
