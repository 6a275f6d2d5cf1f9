//! A primary key with its users and subkeys, and which of its keys may sign now.
//!
//! Everything that takes power away (revocation, end) is believed as soon as it is there; what gives power
//! (self-signature, binding, back signature) must verify with SHA-256 or better.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use aws_lc_rs::digest::Context;

use super::fault::KeyFault;
use super::key::Key;
use super::packet::{
    Packet, TAG_PUBLIC_KEY, TAG_PUBLIC_SUBKEY, TAG_SECRET_KEY, TAG_SECRET_SUBKEY, TAG_SIGNATURE,
    TAG_USER_ATTRIBUTE, TAG_USER_ID,
};
use super::signature::{
    FLAG_SIGN, Issuer, KIND_BACK, KIND_CERTIFICATION_REVOCATION, KIND_DIRECT, KIND_KEY_REVOCATION,
    KIND_SUBKEY_BINDING, KIND_SUBKEY_REVOCATION, Signature,
};
use crate::Error;

/// A primary key and what belongs to it.
#[derive(Clone)]
pub(super) struct Certificate {
    pub(super) primary: Key,
    signatures: Signatures,
    users: Vec<User>,
    subkeys: Vec<Subkey>,
}

#[derive(Clone)]
struct User {
    id: Vec<u8>,
    signatures: Signatures,
}

#[derive(Clone)]
struct Subkey {
    key: Key,
    signatures: Signatures,
}

#[derive(Clone, Default)]
struct Signatures {
    readable: Vec<Signature>,
    // A revocation that cannot be read still revokes.
    has_unreadable_revocation: bool,
}

/// One of a certificate's keys.
#[derive(Clone, Copy)]
pub(super) enum Role {
    Primary,
    Subkey(usize),
}

/// Reads all certificates. Keys of other versions are passed over with all that follows them.
pub(super) fn read(packets: &[Packet<'_>]) -> Result<Vec<Certificate>, Error> {
    let mut certificates: Vec<Certificate> = Vec::new();
    let mut place = Place::Nowhere;
    for packet in packets {
        match packet.tag {
            TAG_SECRET_KEY | TAG_SECRET_SUBKEY => return Err(Error::SecretKeyInKeyring),
            TAG_PUBLIC_KEY => {
                place = match Key::parse(packet.body) {
                    Some(primary) => {
                        certificates.push(Certificate::new(primary));
                        Place::Primary
                    }
                    None => Place::Nowhere,
                };
            }
            // Before the first key and after one that we cannot read.
            _ if matches!(place, Place::Nowhere) => {}
            _ => {
                if let Some(certificate) = certificates.last_mut() {
                    place = certificate.add(place, packet);
                }
            }
        }
    }
    Ok(merge(certificates))
}

// Two copies of one key are one key: a revocation in either counts.
pub(super) fn merge(certificates: Vec<Certificate>) -> Vec<Certificate> {
    let mut merged: Vec<Certificate> = Vec::new();
    let mut places: HashMap<Vec<u8>, usize> = HashMap::new();
    for certificate in certificates {
        if let Some(index) = places.get(certificate.primary.body()) {
            merged[*index].absorb(certificate);
        } else {
            places.insert(certificate.primary.body().to_vec(), merged.len());
            merged.push(certificate);
        }
    }
    merged
}

/// What the next signature packet belongs to.
#[derive(Clone, Copy)]
enum Place {
    // An unreadable key: its signatures are passed over.
    Nowhere,
    // An unreadable subkey or an unknown packet.
    Unknown,
    Primary,
    User(usize),
    Subkey(usize),
}

impl Certificate {
    fn new(primary: Key) -> Self {
        Self { primary, signatures: Signatures::default(), users: Vec::new(), subkeys: Vec::new() }
    }

    fn add(&mut self, place: Place, packet: &Packet<'_>) -> Place {
        match packet.tag {
            TAG_USER_ID => {
                let id = packet.body.to_vec();
                self.users.push(User { id, signatures: Signatures::default() });
                Place::User(self.users.len() - 1)
            }
            TAG_PUBLIC_SUBKEY => match Key::parse(packet.body) {
                Some(key) => {
                    self.subkeys.push(Subkey { key, signatures: Signatures::default() });
                    Place::Subkey(self.subkeys.len() - 1)
                }
                None => Place::Unknown,
            },
            TAG_SIGNATURE => {
                match place {
                    Place::Primary => self.signatures.add(packet.body),
                    Place::User(index) => self.users[index].signatures.add(packet.body),
                    Place::Subkey(index) => self.subkeys[index].signatures.add(packet.body),
                    Place::Nowhere | Place::Unknown => {}
                }
                place
            }
            TAG_USER_ATTRIBUTE => Place::Unknown,
            // Trust, marker, padding and private packets stand between a key and its signatures.
            _ => place,
        }
    }

    fn absorb(&mut self, other: Self) {
        self.signatures.absorb(other.signatures);
        for user in other.users {
            match self.users.iter_mut().find(|known| known.id == user.id) {
                Some(known) => known.signatures.absorb(user.signatures),
                None => self.users.push(user),
            }
        }
        for subkey in other.subkeys {
            match self.subkeys.iter_mut().find(|known| known.key.body() == subkey.key.body()) {
                Some(known) => known.signatures.absorb(subkey.signatures),
                None => self.subkeys.push(subkey),
            }
        }
    }

    /// The keys that this issuer may mean.
    pub(super) fn find(&self, issuer: &Issuer) -> impl Iterator<Item = (Role, &Key)> {
        let primary = issuer.is(&self.primary).then_some((Role::Primary, &self.primary));
        let subkeys = self.subkeys.iter().enumerate();
        primary.into_iter().chain(
            subkeys
                .filter(|(_, subkey)| issuer.is(&subkey.key))
                .map(|(index, subkey)| (Role::Subkey(index), &subkey.key)),
        )
    }

    /// The first user, for people; not proved.
    pub(super) fn first_user(&self) -> Option<&[u8]> {
        self.users.first().map(|user| user.id.as_slice())
    }

    /// Whether a key may sign data now; if so, the user it belongs to.
    pub(super) fn may_sign(&self, role: Role, now: u64) -> Result<Option<&[u8]>, KeyFault> {
        let (user, primary_flags) = self.check_primary(now)?;
        match role {
            Role::Primary if primary_flags.is_none_or(|flags| flags & FLAG_SIGN != 0) => Ok(user),
            Role::Primary => Err(KeyFault::NotForSigning),
            Role::Subkey(index) => {
                self.check_subkey(&self.subkeys[index], now)?;
                Ok(user)
            }
        }
    }

    // The chosen user and the primary key's flags.
    fn check_primary(&self, now: u64) -> Result<(Option<&[u8]>, Option<u8>), KeyFault> {
        let primary = &self.primary;
        if primary.created > now {
            return Err(KeyFault::Future(primary.created));
        }
        if self.is_primary_revoked() {
            return Err(KeyFault::Revoked);
        }
        let direct = self.newest(&self.signatures, now, KIND_DIRECT..=KIND_DIRECT, |context| {
            primary.feed(context);
        });
        let mut ends: Vec<u64> = Vec::new();
        // Old signatures of the primary key may only name revokers; each that names an end counts.
        for signature in &direct {
            ends.extend(key_end(primary, signature));
        }
        let mut chosen: Option<(&User, &Signature)> = None;
        for user in &self.users {
            let certifications = self.newest(&user.signatures, now, 0x10..=0x13, |context| {
                primary.feed(context);
                feed_user(context, &user.id);
            });
            let Some(newest) = certifications.last() else { continue };
            if user.signatures.is_revoked_by(primary, newest.created) {
                continue;
            }
            ends.extend(key_end(primary, newest));
            let rank = |signature: &Signature| (signature.is_primary_user, signature.created);
            if chosen.is_none_or(|(_, best)| rank(newest) > rank(best)) {
                chosen = Some((user, newest));
            }
        }
        if let Some(end) = ends.into_iter().min().filter(|end| *end <= now) {
            return Err(KeyFault::Expired(end));
        }
        match (chosen, direct.last()) {
            (Some((user, signature)), _) => Ok((Some(&user.id), signature.flags)),
            // A key without users must say itself what it is for.
            (None, Some(signature)) if signature.flags.is_some() => Ok((None, signature.flags)),
            (None, _) => Err(KeyFault::NoSelfSignature),
        }
    }

    fn is_primary_revoked(&self) -> bool {
        let revokers: Vec<[u8; 20]> = self
            .signatures
            .readable
            .iter()
            .filter(|signature| signature.kind == KIND_DIRECT)
            .chain(self.users.iter().flat_map(|user| &user.signatures.readable))
            .filter(|signature| signature.issuer.is(&self.primary))
            .flat_map(|signature| signature.revokers.iter().copied())
            .collect();
        self.signatures.has_unreadable_revocation
            || self.signatures.readable.iter().any(|signature| {
                signature.kind == KIND_KEY_REVOCATION
                    && (signature.issuer.is_unknown()
                        || signature.issuer.is(&self.primary)
                        || signature.issuer.is_among(&revokers))
            })
    }

    fn check_subkey(&self, subkey: &Subkey, now: u64) -> Result<(), KeyFault> {
        let key = &subkey.key;
        if key.created > now {
            return Err(KeyFault::Future(key.created));
        }
        let is_revoked = subkey.signatures.has_unreadable_revocation
            || subkey.signatures.readable.iter().any(|signature| {
                signature.kind == KIND_SUBKEY_REVOCATION
                    && (signature.issuer.is_unknown() || signature.issuer.is(&self.primary))
            });
        if is_revoked {
            return Err(KeyFault::Revoked);
        }
        let feed = |context: &mut Context| {
            self.primary.feed(context);
            key.feed(context);
        };
        let kinds = KIND_SUBKEY_BINDING..=KIND_SUBKEY_BINDING;
        let bindings = self.newest(&subkey.signatures, now, kinds, feed);
        let binding = bindings.last().ok_or(KeyFault::NoBinding)?;
        if let Some(end) = key_end(key, binding).filter(|end| *end <= now) {
            return Err(KeyFault::Expired(end));
        }
        if binding.flags.is_none_or(|flags| flags & FLAG_SIGN == 0) {
            return Err(KeyFault::NotForSigning);
        }
        let back = binding.embedded.as_deref().and_then(|body| Signature::parse(body).ok());
        let is_good = back.is_some_and(|back| {
            back.kind == KIND_BACK && is_current(&back, now) && back.verify(key, feed).is_ok()
        });
        if is_good { Ok(()) } else { Err(KeyFault::NoBackSignature) }
    }

    // The valid self-signatures of some kinds, newest last.
    fn newest<'a>(
        &self,
        signatures: &'a Signatures,
        now: u64,
        kinds: RangeInclusive<u8>,
        feed: impl Fn(&mut Context),
    ) -> Vec<&'a Signature> {
        let mut valid: Vec<&Signature> = signatures
            .readable
            .iter()
            .filter(|signature| kinds.contains(&signature.kind))
            .filter(|signature| signature.issuer.is(&self.primary) && is_current(signature, now))
            .filter(|signature| signature.verify(&self.primary, &feed).is_ok())
            .collect();
        valid.sort_by_key(|signature| signature.created);
        valid
    }
}

impl Signatures {
    fn add(&mut self, body: &[u8]) {
        if let Ok(signature) = Signature::parse(body) {
            self.readable.push(signature);
            return;
        }
        // The type stands after the version, and in version 3 after a length too.
        let kind = if body.first() == Some(&3) { body.get(2) } else { body.get(1) };
        self.has_unreadable_revocation |=
            matches!(kind, None | Some(&(KIND_KEY_REVOCATION | KIND_SUBKEY_REVOCATION)));
    }

    fn absorb(&mut self, other: Self) {
        self.readable.extend(other.readable);
        self.has_unreadable_revocation |= other.has_unreadable_revocation;
    }

    fn is_revoked_by(&self, primary: &Key, certified: u64) -> bool {
        self.readable.iter().any(|signature| {
            signature.kind == KIND_CERTIFICATION_REVOCATION
                && signature.issuer.is(primary)
                && signature.created >= certified
        })
    }
}

fn is_current(signature: &Signature, now: u64) -> bool {
    signature.created <= now && signature.expires().is_none_or(|end| end > now)
}

fn key_end(key: &Key, signature: &Signature) -> Option<u64> {
    signature.key_expires_after.map(|seconds| key.created + u64::from(seconds))
}

fn feed_user(context: &mut Context, id: &[u8]) {
    let length = u32::try_from(id.len()).unwrap_or(u32::MAX);
    context.update(&[0xB4]);
    context.update(&length.to_be_bytes());
    context.update(id);
}
