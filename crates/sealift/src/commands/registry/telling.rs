//! What `notifications:` of a configuration says, for who tells others.

use std::sync::Arc;

use sealift_client::Client;
use sealift_depot::Depot;
use sealift_notification::{Notifier, Settings, Source};
use sealift_registry::configuration::Configuration;
use sealift_registry::{Entry, Log as _};

use crate::commands::entries::Lines;

/// What of it stays the same while the server runs.
pub(super) struct Telling {
    source: Source,
    is_https: bool,
}

impl Telling {
    pub(super) fn of(configuration: &Configuration, is_https: bool) -> Self {
        let port = configuration.http.address.rsplit_once(':').map_or("5000", |(_, port)| port);
        let names = rustix::system::uname();
        let host = names.nodename().to_string_lossy().into_owned();
        Self { source: Source::new(format!("{host}:{port}")), is_https }
    }

    pub(super) fn settings(&self, configuration: &Configuration) -> Settings {
        Settings {
            notifications: configuration.notifications.clone(),
            host: configuration.http.host.clone(),
            prefix: configuration.http.prefix.trim_end_matches('/').to_owned(),
            is_https: self.is_https,
            source: self.source.clone(),
        }
    }

    pub(super) fn start(
        &self,
        configuration: &Configuration,
        depot: &Depot,
        client: Client,
        log: Lines,
    ) -> Notifier {
        let failed = move |reason: &str| log.record(&Entry::Failure { request_id: None, reason });
        Notifier::start(depot.clone(), client, self.settings(configuration), Arc::new(failed))
    }
}
