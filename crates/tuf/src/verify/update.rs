//! The walk from what is known to what is new: roots one by one, timestamp, snapshot, targets, delegations.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::root::{check_root, check_self_signed, pins_that_signed};
use super::{Policy, State, Trusted, TrustedRole};
use crate::{Authority, Envelope, Error, FileMeta, Gun, Meta, Role, Root, Targets, lifetime_hours};

/// A document that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Its name on the server, below `_trust/tuf/`.
    pub name: String,
    /// More bytes need not be read.
    pub bytes_max: usize,
}

/// One look at a repository.
pub struct Update<'a> {
    gun: Gun,
    policy: &'a Policy,
    now: Timestamp,
    known: State,
    state: State,
    is_pinned: bool,
    root: Option<(Root, Envelope)>,
    timestamp: Option<Meta>,
    snapshot: Option<Meta>,
    roles: BTreeMap<Role, TrustedRole>,
    unpublished: Vec<Role>,
    queue: VecDeque<Pending>,
    stage: Stage,
}

struct Pending {
    role: Role,
    authority: Authority,
    paths: Vec<String>,
}

enum Stage {
    // The newest root, of which nothing is known.
    First,
    // The root that was seen last, whose document was lost: its mark says which one it must be.
    Anchor { version: u64 },
    // The roots before it, from the first one on.
    Walk { newest: Vec<u8>, version: u64 },
    // The root after the one we have.
    Next { n_steps: usize },
    Timestamp,
    Snapshot,
    Roles,
    Done,
    Failed(Error),
}

impl<'a> Update<'a> {
    /// Starts from what was kept, or from nothing.
    pub fn new(gun: &Gun, policy: &'a Policy, known: Option<State>, now: Timestamp) -> Self {
        let known = known.unwrap_or_else(|| State::new(gun));
        let mut update = Self {
            gun: gun.clone(),
            policy,
            now,
            state: known.clone(),
            known,
            is_pinned: false,
            root: None,
            timestamp: None,
            snapshot: None,
            roles: BTreeMap::new(),
            unpublished: Vec::new(),
            queue: VecDeque::new(),
            stage: Stage::First,
        };
        if let Some((root, envelope)) = update.kept_root() {
            update.is_pinned = update.known.is_pinned_by(&policy.pins);
            update.note_pins(&root, &envelope);
            update.root = Some((root, envelope));
            update.stage = Stage::Next { n_steps: 0 };
        } else if let Some(version) = update.known.version(&Role::ROOT) {
            update.stage = Stage::Anchor { version };
        }
        update
    }

    // It was verified when it was kept; that it is still itself costs little. A damaged one is fetched again.
    fn kept_root(&self) -> Option<(Root, Envelope)> {
        let (root, envelope) = self.read_root(self.known.document(&Role::ROOT)?).ok()?;
        self.known.check(&Role::ROOT, root.version, &envelope).ok()?;
        check_self_signed(&envelope, &root, &self.gun, None).ok()?;
        Some((root, envelope))
    }

    /// What is wanted next; nothing at the end or after an error.
    pub fn wants(&self) -> Option<Wanted> {
        let limits = &self.policy.limits;
        let wanted = |name: String, role: &Role| Wanted { name, bytes_max: limits.bytes_of(role) };
        match &self.stage {
            Stage::First => Some(wanted("root.json".to_owned(), &Role::ROOT)),
            Stage::Anchor { version } => Some(wanted(format!("{version}.root.json"), &Role::ROOT)),
            Stage::Walk { .. } | Stage::Next { .. } => {
                let next = self.root.as_ref().map_or(0, |(root, _)| root.version) + 1;
                Some(wanted(format!("{next}.root.json"), &Role::ROOT))
            }
            Stage::Timestamp => Some(wanted("timestamp.json".to_owned(), &Role::TIMESTAMP)),
            Stage::Snapshot => self.wanted_by_hash(&Role::SNAPSHOT, self.timestamp.as_ref()),
            Stage::Roles => self.wanted_by_hash(&self.queue.front()?.role, self.snapshot.as_ref()),
            Stage::Done | Stage::Failed(_) => None,
        }
    }

    // Documents are asked for by hash: then no cache on the way can mix states.
    fn wanted_by_hash(&self, role: &Role, meta: Option<&Meta>) -> Option<Wanted> {
        let file = meta?.meta.get(role.as_str())?;
        let limit = self.policy.limits.bytes_of(role);
        let length = usize::try_from(file.length).unwrap_or(usize::MAX);
        let name = format!("{role}.{}.json", crate::hash::hex(&file.sha256()?));
        Some(Wanted { name, bytes_max: length.min(limit) })
    }

    /// Takes what was wanted, or the word that the server does not have it. After an error all is over.
    pub fn give(&mut self, bytes: Option<&[u8]>) -> Result<(), Error> {
        let result = self.take(bytes).and_then(|()| self.use_kept());
        if let Err(error) = &result {
            self.stage = Stage::Failed(error.clone());
        }
        result
    }

    fn take(&mut self, bytes: Option<&[u8]>) -> Result<(), Error> {
        let missing = Error::Missing(self.wants().map_or(String::new(), |wanted| wanted.name));
        match (&mut self.stage, bytes) {
            (Stage::Next { .. }, None) => {
                self.end_roots()?;
                self.stage = Stage::Timestamp;
                Ok(())
            }
            (_, None) => Err(missing),
            (Stage::First, Some(bytes)) => self.take_first_root(bytes),
            (Stage::Anchor { version }, Some(bytes)) => {
                let version = *version;
                self.take_anchor(bytes, version)
            }
            (Stage::Walk { newest, version }, Some(bytes)) => {
                let (newest, version) = (std::mem::take(newest), *version);
                self.take_old_root(bytes, newest, version)
            }
            (Stage::Next { n_steps }, Some(bytes)) => {
                let n_steps = *n_steps + 1;
                if n_steps > self.policy.limits.root_steps {
                    return Err(Error::TooManyRoots(self.policy.limits.root_steps));
                }
                self.follow_root(bytes)?;
                self.stage = Stage::Next { n_steps };
                Ok(())
            }
            (Stage::Timestamp, Some(bytes)) => self.take_timestamp(bytes),
            (Stage::Snapshot, Some(bytes)) => self.take_snapshot(bytes),
            (Stage::Roles, Some(bytes)) => self.take_role(bytes),
            (Stage::Done, Some(_)) => Ok(()),
            (Stage::Failed(error), Some(_)) => Err(error.clone()),
        }
    }

    fn read_root(&self, bytes: &[u8]) -> Result<(Root, Envelope), Error> {
        let envelope = Envelope::parse(bytes, &Role::ROOT, &self.policy.limits)?;
        Ok((Root::read(&envelope, &self.policy.limits)?, envelope))
    }

    // A pin holds for all that follows from the root that its key signed.
    fn note_pins(&mut self, root: &Root, envelope: &Envelope) {
        let pins = pins_that_signed(&self.policy.pins, envelope, root, &self.gun, self.now);
        self.is_pinned |= !pins.is_empty();
        self.state.add_pins(&pins);
    }

    fn take_first_root(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let (root, envelope) = self.read_root(bytes)?;
        check_self_signed(&envelope, &root, &self.gun, Some(self.now))?;
        self.note_pins(&root, &envelope);
        let version = root.version;
        if version == 1 || self.is_pinned || self.policy.pins.is_empty() {
            self.policy.check_first_use(&self.gun, &root, self.is_pinned)?;
            self.root = Some((root, envelope));
            self.stage = Stage::Next { n_steps: 0 };
            return Ok(());
        }
        // The pin may be of an older root, from which this one follows.
        if version > self.policy.limits.root_steps as u64 {
            return Err(Error::TooManyRoots(self.policy.limits.root_steps));
        }
        self.stage = Stage::Walk { newest: bytes.to_vec(), version };
        Ok(())
    }

    fn take_anchor(&mut self, bytes: &[u8], expected: u64) -> Result<(), Error> {
        let (root, envelope) = self.read_root(bytes)?;
        if root.version != expected {
            return Err(Error::RootVersion { expected, found: root.version });
        }
        self.known.check(&Role::ROOT, expected, &envelope)?;
        check_self_signed(&envelope, &root, &self.gun, None)?;
        self.is_pinned = self.known.is_pinned_by(&self.policy.pins);
        self.note_pins(&root, &envelope);
        self.root = Some((root, envelope));
        self.stage = Stage::Next { n_steps: 0 };
        Ok(())
    }

    fn take_old_root(&mut self, bytes: &[u8], newest: Vec<u8>, version: u64) -> Result<(), Error> {
        self.follow_root(bytes)?;
        let reached = self.root.as_ref().is_some_and(|(root, _)| root.version == version);
        if !reached {
            self.stage = Stage::Walk { newest, version };
            return Ok(());
        }
        if bytes != newest {
            return Err(Error::Forked { role: Role::ROOT, version });
        }
        if let Some((root, _)) = &self.root {
            self.policy.check_first_use(&self.gun, root, self.is_pinned)?;
        }
        self.stage = Stage::Next { n_steps: 0 };
        Ok(())
    }

    // The root after the one we have; the very first one follows none.
    fn follow_root(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let (root, envelope) = self.read_root(bytes)?;
        let expected = self.root.as_ref().map_or(0, |(root, _)| root.version) + 1;
        if root.version != expected {
            return Err(Error::RootVersion { expected, found: root.version });
        }
        match &self.root {
            Some((previous, _)) => check_root(&envelope, &root, previous, &self.gun, None)?,
            None => check_self_signed(&envelope, &root, &self.gun, None)?,
        }
        self.note_pins(&root, &envelope);
        let previous = self.root.replace((root, envelope));
        if let Some((previous, _)) = previous {
            self.forget_marks_of_old_keys(&previous);
        }
        Ok(())
    }

    // A thief of a server's key can give out the highest version of all, after which no honest one is newer. The cure is
    // another key (TUF §5.3.11), with which the count begins anew. Tags do not go back by that: their roles have marks.
    fn forget_marks_of_old_keys(&mut self, previous: &Root) {
        let Some((root, _)) = &self.root else { return };
        for role in [Role::TIMESTAMP, Role::SNAPSHOT] {
            let keys = root.authority(&role).keys;
            if previous.authority(&role).keys.keys().any(|id| !keys.contains_key(id)) {
                self.known.forget(&role);
                self.state.forget(&role);
            }
        }
    }

    // Only the last root must be good today.
    fn end_roots(&mut self) -> Result<(), Error> {
        let Some((root, envelope)) = &self.root else {
            return Err(Error::Missing("root.json".to_owned()));
        };
        check_self_signed(envelope, root, &self.gun, Some(self.now))?;
        self.policy.check_first_use(
            &self.gun,
            root,
            self.is_pinned || self.policy.pins.is_empty(),
        )?;
        self.check_expiry(&Role::ROOT, root.expires)?;
        self.known.check(&Role::ROOT, root.version, envelope)?;
        self.state.keep(&Role::ROOT, root.version, envelope);
        Ok(())
    }

    fn check_expiry(&self, role: &Role, at: Timestamp) -> Result<(), Error> {
        if at < self.now { Err(Error::Expired { role: role.clone(), at }) } else { Ok(()) }
    }

    fn root(&self) -> Result<&(Root, Envelope), Error> {
        self.root.as_ref().ok_or_else(|| Error::Missing("root.json".to_owned()))
    }

    fn take_meta(&self, role: &Role, bytes: &[u8]) -> Result<(Meta, Envelope), Error> {
        let envelope = Envelope::parse(bytes, role, &self.policy.limits)?;
        envelope.check_signatures(role, &self.root()?.0.authority(role))?;
        let meta = Meta::read(&envelope, role)?;
        self.known.check(role, meta.version, &envelope)?;
        self.check_expiry(role, meta.expires)?;
        Ok((meta, envelope))
    }

    fn take_timestamp(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let role = Role::TIMESTAMP;
        let (timestamp, envelope) = self.take_meta(&role, bytes)?;
        if let Some(limit) = self.policy.max_staleness {
            // A timestamp says when it ends; servers give each the same life.
            let life = SignedDuration::from_hours(lifetime_hours(&role));
            check_age(life - timestamp.expires.duration_since(self.now), limit)?;
        }
        self.state.keep(&role, timestamp.version, &envelope);
        self.timestamp = Some(timestamp);
        self.stage = Stage::Snapshot;
        Ok(())
    }

    fn take_snapshot(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let role = Role::SNAPSHOT;
        let file = self.timestamp.as_ref().and_then(|meta| meta.meta.get(role.as_str()));
        check_file(file, &role, &Role::TIMESTAMP, bytes)?;
        let (snapshot, envelope) = self.take_meta(&role, bytes)?;
        let (root, root_envelope) = self.root()?;
        check_file(snapshot.meta.get("root"), &Role::ROOT, &role, root_envelope.bytes())?;
        let authority = root.authority(&Role::TARGETS);
        self.queue.push_back(Pending {
            role: Role::TARGETS,
            authority,
            paths: vec![String::new()],
        });
        self.state.keep(&role, snapshot.version, &envelope);
        self.snapshot = Some(snapshot);
        self.stage = Stage::Roles;
        Ok(())
    }

    fn take_role(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let Some(Pending { role, authority, paths }) = self.queue.pop_front() else {
            return Ok(());
        };
        let file = self.snapshot.as_ref().and_then(|meta| meta.meta.get(role.as_str()));
        check_file(file, &role, &Role::SNAPSHOT, bytes)?;
        let read = self.read_targets(&role, &authority, bytes);
        let mut signed_by = BTreeSet::new();
        let content = match read {
            Ok((targets, envelope, signers)) => {
                signed_by = signers;
                self.known.check(&role, targets.version, &envelope)?;
                self.state.keep(&role, targets.version, &envelope);
                self.delegate(&role, &targets, &paths)?;
                Ok(targets)
            }
            // A signer who lets a role expire does not stop the others.
            Err(error) if role.is_delegation() => Err(error),
            Err(error) => return Err(error),
        };
        let refused_tags = content
            .as_ref()
            .map(|targets| self.state.check_tags(&role, targets))
            .unwrap_or_default();
        let unproved = if content.is_err() { self.unproved(&role, bytes) } else { None };
        self.roles.insert(
            role,
            TrustedRole { authority, paths, signed_by, content, unproved, refused_tags },
        );
        if self.queue.is_empty() {
            self.stage = Stage::Done;
        }
        Ok(())
    }

    fn read_targets(
        &self,
        role: &Role,
        authority: &Authority,
        bytes: &[u8],
    ) -> Result<(Targets, Envelope, BTreeSet<String>), Error> {
        let envelope = Envelope::parse(bytes, role, &self.policy.limits)?;
        let signers = envelope.check_signatures(role, authority)?;
        let targets = Targets::read(&envelope, role, &self.policy.limits)?;
        self.check_expiry(role, targets.expires)?;
        Ok((targets, envelope, signers))
    }

    // What a role says whose signatures or time are not good.
    fn unproved(&self, role: &Role, bytes: &[u8]) -> Option<Targets> {
        let envelope = Envelope::parse(bytes, role, &self.policy.limits).ok()?;
        Targets::read(&envelope, role, &self.policy.limits).ok()
    }

    // Queues the roles that a role delegates to. Names only get longer, so that there are no circles.
    fn delegate(
        &mut self,
        parent: &Role,
        targets: &Targets,
        parent_paths: &[String],
    ) -> Result<(), Error> {
        self.note_what_is_not_delegated(parent, targets);
        let limits = &self.policy.limits;
        for delegation in &targets.delegations {
            let role = Role::parse(&delegation.name)?;
            if role.depth() > limits.depth {
                return Err(Error::TooDeep { role, limit: limits.depth });
            }
            let n_known = self.roles.len() + self.queue.len() + self.unpublished.len();
            if n_known > limits.delegations {
                return Err(Error::TooManyDelegations(limits.delegations));
            }
            let is_published = self
                .snapshot
                .as_ref()
                .is_some_and(|snapshot| snapshot.meta.contains_key(role.as_str()));
            if !is_published {
                if self.known.is_expected(&role) {
                    return Err(Error::RoleDropped { role });
                }
                self.unpublished.push(role);
                continue;
            }
            let paths = delegation
                .paths
                .iter()
                .filter(|path| parent_paths.iter().any(|prefix| path.starts_with(prefix)))
                .cloned()
                .collect();
            let authority = targets.authority(&role).ok_or_else(|| {
                Error::malformed(parent, format!("it does not delegate to `{role}`"))
            })?;
            self.queue.push_back(Pending { role, authority, paths });
        }
        Ok(())
    }

    // Only the parent's keys can end a delegation. If it comes again, its first document may be waited for.
    fn note_what_is_not_delegated(&mut self, parent: &Role, targets: &Targets) {
        let is_gone = |role: &Role| {
            let child = role.ancestor_below(parent);
            child.is_some_and(|child| targets.delegation(&child).is_none())
        };
        for role in self.known.roles().into_iter().filter(is_gone) {
            self.known.set_gone(&role);
            self.state.set_gone(&role);
        }
    }

    // Documents that are kept and have the wanted hash need not be fetched.
    fn use_kept(&mut self) -> Result<(), Error> {
        loop {
            let (role, meta) = match &self.stage {
                Stage::Snapshot => (Role::SNAPSHOT, &self.timestamp),
                Stage::Roles => match self.queue.front() {
                    Some(pending) => (pending.role.clone(), &self.snapshot),
                    None => return Ok(()),
                },
                _ => return Ok(()),
            };
            let file = meta.as_ref().and_then(|meta| meta.meta.get(role.as_str()));
            let by = if role == Role::SNAPSHOT { Role::TIMESTAMP } else { Role::SNAPSHOT };
            let kept = self.known.document(&role).map(<[u8]>::to_vec);
            match kept {
                Some(bytes) if check_file(file, &role, &by, &bytes).is_ok() => {
                    self.take(Some(&bytes))?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// The repository, and what to keep of it. Keep it only if it was verified.
    pub fn finish(mut self) -> Result<(Trusted, State), Error> {
        let missing = || Error::Missing(self.wants().map_or(String::new(), |wanted| wanted.name));
        match (&self.stage, &self.root, &self.timestamp, &self.snapshot) {
            (Stage::Done, Some((root, _)), Some(timestamp), Some(snapshot)) => {
                self.state.set_checked_at(self.now);
                let base = [Role::ROOT, Role::TIMESTAMP, Role::SNAPSHOT];
                let roles: Vec<&Role> = base.iter().chain(self.roles.keys()).collect();
                self.state.drop_documents_except(&roles);
                let trusted = Trusted {
                    gun: self.gun,
                    root: root.clone(),
                    snapshot: snapshot.clone(),
                    timestamp: timestamp.clone(),
                    roles: self.roles,
                    unpublished: self.unpublished,
                    checked_at: self.now,
                };
                Ok((trusted, self.state))
            }
            (Stage::Failed(error), ..) => Err(error.clone()),
            _ => Err(missing()),
        }
    }
}

fn check_file(file: Option<&FileMeta>, role: &Role, by: &Role, bytes: &[u8]) -> Result<(), Error> {
    match file {
        Some(file) => file.check(role, by, bytes),
        None => Err(Error::NoHash { role: role.clone(), by: by.clone() }),
    }
}

fn check_age(age: SignedDuration, limit: SignedDuration) -> Result<(), Error> {
    if age <= limit {
        return Ok(());
    }
    let text = |duration: SignedDuration| format!("{} h", duration.as_hours());
    Err(Error::Stale { age: text(age), limit: text(limit) })
}

/// Verifies what was kept, without the server. Everything holds as ever, and the last look at the server may not be
/// older than the policy allows.
pub fn verify_kept(
    gun: &Gun,
    policy: &Policy,
    known: &State,
    now: Timestamp,
) -> Result<Trusted, Error> {
    let checked_at = known.checked_at().ok_or_else(|| Error::NothingKept(gun.to_string()))?;
    if let Some(limit) = policy.max_staleness {
        check_age(now.duration_since(checked_at), limit)?;
    }
    if known.document(&Role::ROOT).is_none() {
        return Err(Error::NothingKept(gun.to_string()));
    }
    let policy = Policy { max_staleness: None, ..policy.clone() };
    let mut update = Update::new(gun, &policy, Some(known.clone()), now);
    while let Some(wanted) = update.wants() {
        let is_timestamp = wanted.name == "timestamp.json";
        update.give(known.document(&Role::TIMESTAMP).filter(|_| is_timestamp))?;
    }
    let (trusted, _) = update.finish()?;
    Ok(Trusted { checked_at, ..trusted })
}
