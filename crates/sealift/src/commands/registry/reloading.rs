//! Who is let in, read again when a file of it changes; connections stay, and what cannot be read changes nothing.

use std::path::{Path, PathBuf};

use sealift_access::{FileStamp, Gatekeeper, RobotSettings};
use sealift_registry::configuration::Configuration;
use sealift_registry::{Entry, Log as _};

use super::{access, assembly, serve};
use crate::arguments::RegistryServe;
use crate::commands::entries::Lines;

/// Files that say who is let in, as they were when they were read.
pub(super) struct Reloading<'a> {
    arguments: &'a RegistryServe,
    gatekeeper: Gatekeeper,
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
        gatekeeper: Gatekeeper,
        (folder, address): (&Path, Option<String>),
        log: Lines,
    ) -> Self {
        let files = stamps(arguments, configuration, folder);
        Self { arguments, gatekeeper, folder: folder.to_owned(), address, files, log }
    }

    /// Looks whether a file changed, and goes by it from now on.
    pub(super) fn look(&mut self) {
        let is_same = |(path, stamp): &(PathBuf, Option<FileStamp>)| FileStamp::of(path) == *stamp;
        if self.files.iter().all(is_same) {
            return;
        }
        for (path, stamp) in &mut self.files {
            *stamp = FileStamp::of(path);
        }
        if let Err(error) = self.read() {
            let reason = format!("{error:#}; who is let in stays as it was");
            self.log.record(&Entry::Failure { request_id: None, reason: &reason });
        }
    }

    fn read(&mut self) -> anyhow::Result<()> {
        let (configuration, _) = serve::read_configuration(self.arguments)?;
        let address = self.address.as_deref();
        let parts = access::parts(&configuration, self.arguments, &self.folder, address)?;
        // A slip in a file is not to open what was closed.
        if parts.is_open && !self.gatekeeper.is_open() {
            anyhow::bail!("the new configuration would let everybody in");
        }
        self.gatekeeper.replace(parts);
        self.files = stamps(self.arguments, &configuration, &self.folder);
        Ok(())
    }
}

fn stamps(
    arguments: &RegistryServe,
    configuration: &Configuration,
    folder: &Path,
) -> Vec<(PathBuf, Option<FileStamp>)> {
    let robots: RobotSettings = assembly::section(configuration, "robots").unwrap_or_default();
    let named = configuration.files().into_iter().map(|(_, _, path)| path);
    let others = [Some(robots.path(folder)), arguments.config.clone()];
    let files = named.chain(others.into_iter().flatten());
    files.map(|path| (path.clone(), FileStamp::of(&path))).collect()
}
