//! Publishing: changes made to what the server has now, signed by the keys that are here, and made again if somebody
//! else published in between.

use std::collections::BTreeSet;

use sealift_crypto::SigningKey;
use sealift_tuf::{
    Authority, Change, Envelope, Gun, Keys, Limits, Repository, Role, Targets, Trusted,
};

use crate::{Client, Error, KeyEntry, Keyring, Look, Passphrases};

const TRIES_MAX: u32 = 10;
// A server's word on versions of a role that it has is believed up to here.
const VERSION_MAX: u64 = 1 << 40;

/// Somebody who signs in repositories of one server.
pub struct Publisher<'a> {
    /// The look before each change.
    pub client: Client<'a>,
    /// What that look may trust.
    pub look: Look,
    /// The private keys.
    pub keyring: &'a Keyring,
    /// Where passphrases come from.
    pub passphrases: &'a dyn Passphrases,
}

/// What was published.
#[derive(Debug)]
pub struct Published {
    /// The repository afterwards, verified as everybody else verifies it.
    pub trusted: Trusted,
    /// The roles that were signed; none if everything was so already.
    pub roles: Vec<Role>,
    /// How often the changes were made: once, if nobody else published.
    pub tries: u32,
}

/// The keys that are open, by fingerprint.
#[derive(Default)]
pub(crate) struct Opened {
    keys: Keys,
    identities: BTreeSet<String>,
}

impl Opened {
    pub(crate) fn add(&mut self, key: SigningKey) {
        self.identities.insert(key.public().fingerprint());
        self.keys.add(key);
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }
}

impl Publisher<'_> {
    /// Makes changes and publishes them. If nothing differs afterwards, nothing is published.
    pub fn publish(&self, gun: &Gun, changes: &[Change]) -> Result<Published, Error> {
        self.publish_with(gun, changes, self.open_named()?)
    }

    // Keys that the user named are meant, also when their files do not say which they are.
    pub(crate) fn open_named(&self) -> Result<Opened, Error> {
        let mut opened = Opened::default();
        for entry in self.keyring.list()?.iter().filter(|entry| entry.public.is_err()) {
            if entry.path.parent() != Some(self.keyring.folder()) {
                opened.add(self.keyring.open(entry, self.passphrases)?);
            }
        }
        Ok(opened)
    }

    pub(crate) fn publish_with(
        &self,
        gun: &Gun,
        changes: &[Change],
        mut opened: Opened,
    ) -> Result<Published, Error> {
        for tries in 1..=TRIES_MAX {
            let trusted = self.client.look(gun, &self.look)?;
            for change in changes {
                self.open_for(&trusted, change, &mut opened)?;
            }
            let mut repository = Repository::open(&trusted, opened.keys());
            for change in changes {
                repository.apply(change)?;
            }
            if !repository.is_changed() {
                return Ok(Published { trusted, roles: Vec::new(), tries });
            }
            self.count_on(gun, &mut repository)?;
            let upload = repository.upload(opened.keys(), self.client.now)?;
            if self.client.server.publish(gun, &upload)? {
                let trusted = self.client.look(gun, &self.look)?;
                let roles = upload.into_iter().map(|(role, _)| role).collect();
                return Ok(Published { trusted, roles, tries });
            }
        }
        Err(Error::Busy { gun: gun.to_string(), tries: TRIES_MAX })
    }

    // The server counts a role on when it ends and begins again, so that its next version is not the first one.
    fn count_on(&self, gun: &Gun, repository: &mut Repository) -> Result<(), Error> {
        let limits = Limits::default();
        for role in repository.first_documents() {
            let name = format!("{role}.json");
            let document = self.client.server.document(gun, &name, limits.role_bytes)?;
            let version = document.and_then(|bytes| {
                let envelope = Envelope::parse(&bytes, &role, &limits).ok()?;
                Some(Targets::read(&envelope, &role, &limits).ok()?.version)
            });
            if let Some(version) = version.filter(|version| *version < VERSION_MAX) {
                repository.count_from(&role, version);
            }
        }
        Ok(())
    }

    // Opens what the keyring has of the keys that may sign a change.
    pub(crate) fn open_for(
        &self,
        trusted: &Trusted,
        change: &Change,
        opened: &mut Opened,
    ) -> Result<(), Error> {
        let wanted = authorities(trusted, change);
        let entries = self.keyring.list()?;
        let mut n_held = 0;
        let snapshot = vec![(Role::SNAPSHOT, trusted.root.authority(&Role::SNAPSHOT))];
        for (number, (_, authority)) in wanted.iter().chain(&snapshot).enumerate() {
            for key in authority.keys.values() {
                let Ok(identity) = key.identity() else { continue };
                if !opened.identities.contains(&identity) {
                    let is_it = |entry: &&KeyEntry| {
                        entry.public.as_ref().is_ok_and(|own| own.fingerprint() == identity)
                    };
                    let Some(entry) = entries.iter().find(is_it) else { continue };
                    opened.add(self.keyring.open(entry, self.passphrases)?);
                }
                n_held += usize::from(number < wanted.len());
            }
        }
        if n_held > 0 {
            return Ok(());
        }
        let roles: Vec<String> = wanted.iter().map(|(role, _)| format!("`{role}`")).collect();
        Err(Error::NoKey {
            role: roles.join(" or "),
            gun: trusted.gun.to_string(),
            keyring: self.keyring.folder().to_owned(),
        })
    }
}

// Who may sign what a change touches.
fn authorities(trusted: &Trusted, change: &Change) -> Vec<(Role, Authority)> {
    let of = |role: &Role| authority(trusted, role).map(|authority| (role.clone(), authority));
    let above = |role: &Role| of(&role.parent().unwrap_or(Role::TARGETS));
    match change {
        Change::AddSigner { .. } | Change::RemoveSigner { .. } => {
            of(&Role::TARGETS).into_iter().collect()
        }
        Change::Delegate(change) => above(&change.role).into_iter().collect(),
        Change::Undelegate { role } => above(role).into_iter().collect(),
        Change::SignTag { .. } | Change::RevokeTag { .. } => {
            let targets = content(trusted, &Role::TARGETS);
            let roles: Vec<Role> = targets
                .into_iter()
                .flat_map(|targets| &targets.delegations)
                .filter_map(|delegation| Role::parse(&delegation.name).ok())
                .collect();
            let roles = if roles.is_empty() { vec![Role::TARGETS] } else { roles };
            roles.iter().filter_map(of).collect()
        }
        Change::SignTagIn { role, .. }
        | Change::RevokeTagIn { role, .. }
        | Change::Witness { role } => of(role).into_iter().collect(),
        Change::Rotate { role, .. } => {
            let targets = (*role == Role::TARGETS).then(|| of(role)).flatten();
            of(&Role::ROOT).into_iter().chain(targets).collect()
        }
    }
}

fn content<'a>(trusted: &'a Trusted, role: &Role) -> Option<&'a Targets> {
    trusted.roles.get(role)?.content.as_ref().ok()
}

fn authority(trusted: &Trusted, role: &Role) -> Option<Authority> {
    match role.parent() {
        None => Some(trusted.root.authority(role)),
        Some(parent) => content(trusted, &parent)?.authority(role),
    }
}
