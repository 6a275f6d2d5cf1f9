//! What a registry goes by, read again when a file of it changes: who is let in, what may be pulled, what is kept.
//! Connections stay, and what cannot be read changes nothing.

use std::path::{Path, PathBuf};

use sealift_access::{FileStamp, Gatekeeper, RobotSettings};
use sealift_depot::Depot;
use sealift_gate::Gate;
use sealift_notification::Notifier;
use sealift_registry::configuration::Configuration;
use sealift_registry::{Entry, Log as _};

use super::telling::Telling;
use super::{access, assembly, keeping, plugins, serve};
use crate::commands::entries::Lines;
use sealift_arguments::RegistryServe;

// Of a folder of policies so many files are looked at.
const FILES_MAX: usize = 1_000;

/// What goes by the files.
pub(super) struct Governed {
    pub(super) gatekeeper: Gatekeeper,
    pub(super) gate: Gate,
    pub(super) depot: Depot,
    pub(super) notifier: Notifier,
    pub(super) telling: Telling,
}

/// The files, as they were when they were read.
pub(super) struct Reloading<'a> {
    arguments: &'a RegistryServe,
    governed: Governed,
    folder: PathBuf,
    // How clients reach the registry, if that is known.
    address: Option<String>,
    files: Vec<(PathBuf, Option<FileStamp>)>,
    log: Lines,
}

impl<'a> Reloading<'a> {
    pub(super) fn new(
        arguments: &'a RegistryServe,
        configuration: &Configuration,
        governed: Governed,
        (folder, address): (&Path, Option<String>),
        log: Lines,
    ) -> Self {
        let files = stamps(arguments, configuration, folder, &governed.gate);
        Self { arguments, governed, folder: folder.to_owned(), address, files, log }
    }

    /// Looks whether a file changed, came or went, and goes by them from now on.
    pub(super) fn look(&mut self) {
        let seen: Vec<_> = self.files.iter().map(|(path, _)| path.clone()).collect();
        let now = stamped(seen.iter().flat_map(|path| within(path)));
        if now == self.files {
            return;
        }
        self.files = now;
        self.read_again();
    }

    /// Goes by the files as they are now, whether they changed or not.
    pub(super) fn read_again(&mut self) {
        if let Err(error) = self.read() {
            let reason = format!("{error:#}; what was in force stays");
            self.log.record(&Entry::Failure { request_id: None, reason: &reason });
        }
    }

    fn read(&mut self) -> anyhow::Result<()> {
        let (configuration, _) = serve::read_configuration(self.arguments)?;
        let address = self.address.as_deref();
        let Governed { gatekeeper, gate, depot, notifier, telling } = &self.governed;
        let parts = access::parts(&configuration, self.arguments, &self.folder, address, depot)?;
        // A slip in a file is not to open what was closed.
        if parts.is_open && !gatekeeper.is_open() {
            anyhow::bail!("the new configuration would let everybody in");
        }
        let rules = keeping::rules(&configuration)?;
        let is_configured = self.arguments.config.is_some();
        gate.reload(&plugins::gate_settings(&configuration, is_configured)?)?;
        depot.set_rules(rules);
        gatekeeper.replace(parts);
        notifier.replace(telling.settings(&configuration));
        self.files = stamps(self.arguments, &configuration, &self.folder, gate);
        Ok(())
    }
}

fn stamps(
    arguments: &RegistryServe,
    configuration: &Configuration,
    folder: &Path,
    gate: &Gate,
) -> Vec<(PathBuf, Option<FileStamp>)> {
    let robots: RobotSettings = assembly::section(configuration, "robots").unwrap_or_default();
    let named = configuration.files().into_iter().map(|(_, _, path)| path);
    let others = [Some(robots.path(folder)), arguments.config.clone()];
    let files = named.chain(others.into_iter().flatten()).chain(gate.files());
    stamped(files.flat_map(|path| within(&path)))
}

fn stamped(paths: impl Iterator<Item = PathBuf>) -> Vec<(PathBuf, Option<FileStamp>)> {
    let mut files: Vec<_> = paths.map(|path| (path.clone(), FileStamp::of(&path))).collect();
    files.sort_by(|(left, _), (right, _)| left.cmp(right));
    files.dedup_by(|(left, _), (right, _)| left == right);
    files
}

// A file, or a folder with all that lies in it.
fn within(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_owned()];
    let mut next = 0;
    while next < found.len() && found.len() < FILES_MAX {
        if let Ok(entries) = std::fs::read_dir(&found[next]) {
            found.extend(entries.flatten().map(|entry| entry.path()));
        }
        next += 1;
    }
    found
}
