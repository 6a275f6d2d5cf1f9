//! What every command of `trust` has at hand: keyring, kept state, pins, and the server of a repository.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::{SignedDuration, Timestamp};
use sealift_client::Blocking;
use sealift_crypto::Certificate;
use sealift_notary::{
    Client, HttpServer, Keyring, Look, Passphrases, Pins, Publisher, Server, ServerAddress, States,
    name_of, parse_pin,
};
use sealift_oci::Reference;
use sealift_tuf::verify::Pin;
use sealift_tuf::{Gun, Key, read_public_key};

use super::secrets::Secrets;
use crate::printer::Printer;
use crate::session::Workshop;
use sealift_arguments::{Global, TrustChange, TrustLook, TrustSecrets};

const KEY_BYTES_MAX: u64 = 64 << 10;

/// Everything at hand.
pub(super) struct Desk {
    pub(super) workshop: Workshop,
    pub(super) keyring: Keyring,
    pub(super) states: States,
    pub(super) pins: Pins,
}

/// A repository on its server.
pub(super) struct Place {
    pub(super) gun: Gun,
    /// As the user wrote it.
    pub(super) name: String,
    pub(super) tag: Option<String>,
    pub(super) reference: Reference,
    client: Blocking,
    address: ServerAddress,
    look: Look,
}

impl Desk {
    pub(super) fn open(global: &Global, printer: &Printer) -> anyhow::Result<Self> {
        let workshop = Workshop::open(global, printer, Path::new("."))?;
        let state = workshop.folders.data.join("trust");
        Ok(Self {
            keyring: Keyring::new(workshop.folders.config.join("keys")),
            states: States::new(&state),
            pins: Pins::new(&state),
            workshop,
        })
    }

    pub(super) fn with_keys(self, secrets: &TrustSecrets) -> Self {
        Self { keyring: self.keyring.with_files(&secrets.private_keys), ..self }
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_second(self.workshop.now_secs()).unwrap_or(Timestamp::MAX)
    }

    pub(super) fn client<'a>(&'a self, server: &'a dyn Server) -> Client<'a> {
        Client { server, states: &self.states, pins: &self.pins, now: self.now() }
    }

    /// The repository that a user named, where the options, the settings, Docker's variable or Docker's rule say it is.
    pub(super) fn place(&self, name: &str, options: &TrustLook) -> anyhow::Result<Place> {
        let reference = Reference::parse(name)?;
        let (gun, tag) = name_of(&reference)?;
        let variable = std::env::var("DOCKER_CONTENT_TRUST_SERVER").ok();
        let named = options
            .server
            .clone()
            .or_else(|| self.workshop.settings.file.trust.server.clone())
            .or(variable)
            .filter(|text| !text.is_empty());
        let address = match named {
            Some(text) => ServerAddress::parse(&text)?,
            None => ServerAddress::of(&gun),
        };
        let mut settings = self.workshop.client_settings().clone();
        settings.ca_files = docker_authorities(&self.workshop.folders.docker, address.host());
        let client = Blocking::new(settings);
        let look = self.look(&gun, options)?;
        Ok(Place { gun, name: name.to_owned(), tag, reference, client, address, look })
    }

    fn look(&self, gun: &Gun, options: &TrustLook) -> anyhow::Result<Look> {
        let configured = self.workshop.settings.file.trust.pins.get(gun.as_str());
        let texts = options.pins.iter().chain(configured.into_iter().flatten());
        let mut pins = texts.map(|text| parse_pin(text)).collect::<Result<Vec<_>, _>>()?;
        if let Some(path) = &options.pin_ca {
            let certificates = Certificate::chain_from_pem(&read_small(path)?)
                .with_context(|| format!("cannot read the authority `{}`", path.display()))?;
            pins.extend(certificates.into_iter().map(|one| Pin::Authority(Box::new(one))));
        }
        Ok(Look { pins, trust_first_use: options.tofu, max_staleness: None, is_offline: false })
    }
}

impl Place {
    pub(super) fn server(&self) -> HttpServer<'_> {
        HttpServer::new(&self.client, self.address.clone())
    }

    /// The repository's name without a tag, as the user wrote it.
    pub(super) fn repository(&self) -> String {
        self.reference.familiar_name()
    }

    pub(super) fn look(&self) -> &Look {
        &self.look
    }

    pub(super) fn registry(&self) -> &Blocking {
        &self.client
    }

    pub(super) fn publisher<'a>(
        &self,
        desk: &'a Desk,
        server: &'a dyn Server,
        passphrases: &'a dyn Passphrases,
    ) -> Publisher<'a> {
        let client = desk.client(server);
        Publisher { client, look: self.look.clone(), keyring: &desk.keyring, passphrases }
    }
}

/// Desk and passphrases of a command that signs.
pub(super) fn open_to_sign(
    global: &Global,
    change: &TrustChange,
    printer: &Printer,
) -> anyhow::Result<(Desk, Secrets)> {
    let desk = Desk::open(global, printer)?.with_keys(&change.secrets);
    Ok((desk, Secrets::new(&change.secrets)))
}

/// The same for one look with another staleness.
pub(super) fn staleness(hours: Option<u32>) -> Option<SignedDuration> {
    hours.map(|hours| SignedDuration::from_hours(i64::from(hours)))
}

/// Public keys of files.
pub(super) fn public_keys(paths: &[PathBuf]) -> anyhow::Result<Vec<Key>> {
    let read = |path: &PathBuf| {
        let (key, _) = read_public_key(&read_small(path)?)
            .with_context(|| format!("cannot read the public key `{}`", path.display()))?;
        Ok(key)
    };
    paths.iter().map(read).collect()
}

pub(super) fn read_small(path: &Path) -> anyhow::Result<String> {
    use std::io::Read as _;
    let read = || {
        let mut text = String::new();
        let file = std::fs::File::open(path)?;
        file.take(KEY_BYTES_MAX).read_to_string(&mut text)?;
        Ok::<_, std::io::Error>(text)
    };
    read().with_context(|| format!("cannot read `{}`", path.display()))
}

/// Where docker keeps the authorities of one host, besides the system's.
pub(crate) fn docker_authorities(docker: &Path, host: &str) -> Vec<PathBuf> {
    let Ok(folder) = std::fs::read_dir(docker.join("tls").join(host)) else { return Vec::new() };
    let mut files: Vec<PathBuf> = folder
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "crt"))
        .collect();
    files.sort();
    files
}
