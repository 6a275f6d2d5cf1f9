//! Sections of a configuration, and what a gatekeeper goes by for them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;

use super::{
    CertificateSettings, Error, Fetch, Issuer, JoinedRecords, LimitSettings, Parts, RecordFile,
    Records, Robots, Rules, TokenSettings, WorkloadSettings, Workloads,
};

const ROBOTS_FILE: &str = "robots.json";
const KEY_FILE: &str = "token.key";

/// Section `access`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessSettings {
    /// Who may do what.
    pub rules: Rules,
    /// Users by group.
    pub groups: BTreeMap<String, Vec<String>>,
}

/// Section `robots`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RobotSettings {
    /// Whether there are any; a registry in which one was made has them.
    pub enabled: Option<bool>,
    /// Where more of them are kept than the registry itself has. `None`: `robots.json` in its folder.
    pub file: Option<PathBuf>,
}

impl RobotSettings {
    /// The file, for a registry that lies in this folder.
    pub fn path(&self, folder: &Path) -> PathBuf {
        self.file.clone().unwrap_or_else(|| folder.join(ROBOTS_FILE))
    }

    // A file that was named, or that is there, is read besides.
    fn robots(&self, folder: &Path, records: Option<Arc<dyn Records>>) -> Option<Robots> {
        let path = self.path(folder);
        let has_file = self.file.is_some() || path.exists();
        if !self.enabled.unwrap_or(records.is_some() || has_file) {
            return None;
        }
        let file = || Arc::new(RecordFile::new(&path)) as Arc<dyn Records>;
        Some(Robots::new(match records {
            None => file(),
            Some(records) if !has_file => records,
            Some(records) => Arc::new(JoinedRecords::new(records, file())),
        }))
    }
}

/// Section `oidc`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OidcSettings {
    /// Issuers that are believed.
    pub issuers: Vec<WorkloadSettings>,
}

/// All sections that are about access.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Who may do what.
    pub access: AccessSettings,
    /// Accounts of programs.
    pub robots: RobotSettings,
    /// The built-in token server.
    pub tokens: TokenSettings,
    /// Issuers of identity tokens.
    pub oidc: OidcSettings,
    /// Clients' certificates.
    pub certificates: CertificateSettings,
    /// How often.
    pub limits: LimitSettings,
}

impl Settings {
    /// What a gatekeeper goes by, besides what is given: passwords, another token server, whether it is open. The folder
    /// is that of the registry; robots are in these records, and in a file if there is one. The address is that of the registry, as
    /// `https://registry.example:5000`, if it is known.
    pub fn parts(
        mut self,
        given: Parts,
        folder: &Path,
        address: Option<&str>,
        records: Option<Arc<dyn Records>>,
        fetch: Option<&Arc<dyn Fetch>>,
    ) -> Result<Parts, Error> {
        let robots = self.robots.robots(folder, records);
        let issuer = match &self.tokens {
            settings if settings.enabled => {
                let path = settings.key.clone().unwrap_or_else(|| folder.join(KEY_FILE));
                let own = || address.map(|address| format!("{address}/token"));
                self.tokens.realm = self.tokens.realm.or_else(own);
                Some(Arc::new(Issuer::open(&path, self.tokens)?))
            }
            _ => None,
        };
        let workloads = Workloads::new(&self.oidc.issuers, fetch)?;
        let certificates = self.certificates.authorities.is_some().then_some(self.certificates);
        // Where somebody can say who they are, not everybody is let in without.
        let is_asked = !workloads.is_empty() || certificates.is_some() || issuer.is_some();
        let is_asked = is_asked || self.robots.enabled == Some(true);
        Ok(Parts {
            is_open: given.is_open && !is_asked,
            groups: Arc::new(self.access.groups),
            robots,
            workloads,
            certificates,
            issuer,
            rules: if given.rules.is_empty() { self.access.rules } else { given.rules },
            limits: self.limits,
            ..given
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_that_asks_is_not_open() {
        let folder = tempfile::tempdir().unwrap();
        let parts = |settings: Settings| {
            settings.parts(Parts::open(), folder.path(), Some("https://a"), None, None).unwrap()
        };
        let open = parts(Settings::default());
        assert!(open.is_open && open.robots.is_none() && open.issuer.is_none());
        let mut settings = Settings::default();
        settings.robots.enabled = Some(true);
        let guarded = parts(settings);
        assert!(!guarded.is_open && guarded.robots.is_some());
        let mut settings = Settings::default();
        settings.tokens.enabled = true;
        let guarded = parts(settings);
        assert!(!guarded.is_open && guarded.issuer.is_some());
        assert!(folder.path().join("token.key").exists());
        // Robots that were made are there without a word in the configuration.
        std::fs::write(folder.path().join("robots.json"), "{}").unwrap();
        assert!(parts(Settings::default()).robots.is_some());
    }
}
