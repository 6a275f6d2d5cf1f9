//! What Docker Content Trust proves: asked for where a rule names roles or pins, and nowhere else.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sealift_client::Blocking;
use sealift_notary::{
    Client, HttpServer, Kind, Look, Pins, RoleProof, Server, ServerAddress, SignedTag, States,
    name_of, parse_pin,
};
use sealift_oci::Reference;
use sealift_pipeline::open::Opened;
use sealift_trust::{
    Bound, Evidence, Format, Identity, Policy, Refusal, RefusalKind, Rule, Signature, Unproved,
    Vouched,
};
use sealift_tuf::Gun;

/// Where trust data comes from.
pub struct TrustServer {
    /// Where it is.
    pub place: TrustPlace,
    /// What was seen before.
    pub states: States,
    /// Root keys that are known from elsewhere.
    pub pins: Pins,
    /// Whether a repository that was never seen is believed.
    pub trust_first_use: bool,
    /// Whether only what was kept counts.
    pub is_offline: bool,
}

/// Where a server of trust data is.
pub enum TrustPlace {
    /// On the network.
    Network {
        /// The client that reaches it.
        client: Box<Blocking>,
        /// Its address, if it is not the registry's own.
        address: Option<String>,
    },
    /// In this program.
    Here(Arc<dyn Server + Send + Sync>),
}

impl TrustPlace {
    /// Lets somebody ask the server for a repository.
    pub fn ask<T>(
        &self,
        gun: &Gun,
        ask: impl FnOnce(&dyn Server) -> Result<T, sealift_notary::Error>,
    ) -> Result<T, sealift_notary::Error> {
        match self {
            Self::Here(own) => ask(own.as_ref()),
            Self::Network { client, address } => {
                let address = match address {
                    Some(text) => ServerAddress::parse(text)?,
                    None => ServerAddress::of(gun),
                };
                ask(&HttpServer::new(client, address))
            }
        }
    }
}

/// Adds what trust data says of the tag.
pub(crate) fn dct(
    policy: &Policy,
    rule: &Rule,
    opened: &Opened,
    server: &TrustServer,
    now_secs: i64,
    evidence: &mut Evidence,
) {
    let is_wanted =
        policy.voices(rule).any(|signer| !signer.roles.is_empty() || !signer.pins.is_empty());
    let Some(name) = opened.reference.as_ref().filter(|name| name.tag().is_some()) else {
        return;
    };
    if !is_wanted || !rule.formats.contains(&Format::Dct) {
        return;
    }
    match lookup(policy, rule, name, server, now_secs) {
        Ok(signed) => take(&signed, name, opened, evidence),
        Err(error) if error.kind() == Kind::Refused && !is_absence(&error) => {
            evidence.refusals.push(format!("trust data: {error}"));
        }
        Err(error) => evidence.unproved.push(Unproved {
            format: Some(Format::Dct),
            // Nothing there is nothing signed; what could not be asked for may be there.
            is_signature: !is_absence(&error),
            text: format!("trust data: {error}"),
            why: Some(error.to_string()),
        }),
    }
}

fn is_absence(error: &sealift_notary::Error) -> bool {
    match error {
        sealift_notary::Error::NoRepository { .. } => true,
        sealift_notary::Error::Refused { source, .. } => {
            matches!(source.as_ref(), sealift_tuf::Error::UnknownTag(_))
        }
        _ => false,
    }
}

fn lookup(
    policy: &Policy,
    rule: &Rule,
    name: &Reference,
    server: &TrustServer,
    now_secs: i64,
) -> Result<SignedTag, sealift_notary::Error> {
    let (gun, tag) = name_of(name)?;
    let pins = policy
        .voices(rule)
        .flat_map(|signer| &signer.pins)
        .map(|pin| parse_pin(pin))
        .collect::<Result<Vec<_>, _>>()?;
    let look = Look {
        pins,
        trust_first_use: server.trust_first_use,
        max_staleness: rule.max_staleness_secs.map(SignedDuration::from_secs),
        is_offline: server.is_offline,
    };
    server.place.ask(&gun, |reached| {
        let client = Client {
            server: reached,
            states: &server.states,
            pins: &server.pins,
            now: Timestamp::from_second(now_secs).unwrap_or_default(),
        };
        client.lookup(&gun, &tag.unwrap_or_default(), &look)
    })
}

fn take(signed: &SignedTag, name: &Reference, opened: &Opened, evidence: &mut Evidence) {
    let actual = &opened.descriptor;
    let fault = if signed.digest != actual.digest.hex() {
        let (name, digest) = (name.familiar(), &signed.digest);
        let text =
            format!("`{name}` was signed for `sha256:{digest}`, but this is `{}`", actual.digest);
        Some(Refusal { kind: RefusalKind::Repointed, text })
    } else if signed.length != actual.size {
        let (length, size) = (signed.length, actual.size);
        let text = format!("the signed length is {length} bytes, but the manifest has {size}");
        Some(Refusal { kind: RefusalKind::Tampered, text })
    } else {
        None
    };
    for role in &signed.roles {
        evidence.signatures.push(signature(signed, role, name, fault.clone()));
    }
}

fn signature(
    signed: &SignedTag,
    role: &RoleProof,
    name: &Reference,
    fault: Option<Refusal>,
) -> Signature {
    let expires_secs = signed.expires.as_second();
    Signature {
        format: Format::Dct,
        identity: Identity::Role { role: role.role.to_string(), keys: role.fingerprints.clone() },
        bound: Bound::Name(name.to_string()),
        signed_at: None,
        expires_secs: Some(expires_secs),
        vouched: Some(Vouched { secs: signed.checked_at.as_second(), expires_secs }),
        artifact: format!("{} of {}", role.role, name.familiar_name()),
        fault,
    }
}
