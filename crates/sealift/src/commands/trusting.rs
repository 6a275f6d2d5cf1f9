//! Which trust policy judges, and what its commands have in common.

use std::path::PathBuf;

use sealift_client::Blocking;
use sealift_crypto::PublicKey;
use sealift_custody::marks::Marks;
use sealift_custody::policy_file::{self, PolicyFile};
use sealift_custody::tag_maps::{self, Making};
use sealift_custody::{TrustPlace, TrustServer};
use sealift_notary::{Pins, ServerAddress, States};
use sealift_oci::Reference;
use sealift_pipeline::keys::{Signer, TrustedKey};
use sealift_pipeline::open::Opened;
use sealift_sigstore::TrustedRoot;
use sealift_store::Store;
use sealift_trust::tag_map::{LIFETIME_SECS, TagMap};
use sealift_trust::{KeylessIdentity, Policy};

use super::trust::docker_authorities;
use crate::failure::Usage;
use crate::session::Workshop;
use sealift_arguments::{KeylessOptions, PolicyOptions, ServerOptions};

/// The folder of what was seen before.
pub(crate) fn marks(workshop: &Workshop) -> Marks {
    Marks::new(workshop.folders.data.join("marks"))
}

/// Takes the trust policy out of what was named, or finds the one of the settings, the project or the user. Who names keys
/// judges by these.
pub(crate) fn choose(
    options: &PolicyOptions,
    keys: &[PathBuf],
    workshop: &Workshop,
) -> anyhow::Result<(Option<PolicyFile>, PolicyOptions)> {
    let mut rest = options.clone();
    let (trust, others): (Vec<PathBuf>, Vec<PathBuf>) = std::mem::take(&mut rest.policies)
        .into_iter()
        .partition(|path| policy_file::is_trust_policy(path));
    rest.policies = others;
    let chosen = match trust.as_slice() {
        [] if !keys.is_empty() => None,
        [] => standing(workshop),
        [path] => Some(path.clone()),
        [first, second, ..] => {
            return Err(Usage::error(
                format!(
                    "`{}` and `{}` are both trust policies, and one judges",
                    first.display(),
                    second.display()
                ),
                "join their rules in one trust.toml",
            ));
        }
    };
    let key_folder = workshop.folders.config.join("keys");
    let file = chosen.map(|path| policy_file::open(&path, &key_folder)).transpose()?;
    Ok((file, rest))
}

// What the settings name must be there; the files of the project and the user may be.
fn standing(workshop: &Workshop) -> Option<PathBuf> {
    if let Some(path) = &workshop.settings.file.verify.policy {
        return Some(path.clone());
    }
    let project = workshop.settings.project_path.as_ref();
    let beside = project.and_then(|path| Some(path.parent()?.join("trust.toml")));
    let user = workshop.folders.config.join("trust.toml");
    beside.into_iter().chain([user]).find(|path| path.is_file())
}

/// The policy of the identity that was asked for, if one was. What `--require` names that identity must have attested.
pub(crate) fn keyless(
    options: &KeylessOptions,
    require: &[String],
) -> anyhow::Result<Option<PolicyFile>> {
    let (Some(subject), Some(issuer), Some(path)) =
        (&options.certificate_identity, &options.certificate_oidc_issuer, &options.trusted_root)
    else {
        return Ok(None);
    };
    if subject.contains('*') {
        return Err(Usage::error(
            format!("`{subject}` is not an identity"),
            "patterns stand in a trust policy, `identities = [{ subject, issuer }]`",
        ));
    }
    let text = sealift_pipeline::policies::read_text(path, 4 << 20)?;
    let root = TrustedRoot::from_json(text.as_bytes()).map_err(|refusal| {
        Usage::error(
            format!("cannot read the trusted root `{}`: {refusal}", path.display()),
            "it is sigstore's trusted_root.json",
        )
    })?;
    let identity = KeylessIdentity { subject: subject.clone(), issuer: issuer.clone() };
    let attestations: Vec<String> =
        require.iter().filter(|name| *name != "signature").cloned().collect();
    let policy = Policy::of_identity(identity, root, &attestations).map_err(|reason| {
        Usage::error(
            format!("`--require`: {reason}"),
            "of an identity, `signature` and types of attestations can be required",
        )
    })?;
    Ok(Some(PolicyFile {
        policy,
        path: path.clone(),
        folder: PathBuf::new(),
        files: vec![path.clone()],
    }))
}

/// The server of Docker Content Trust, asked only where a rule names roles or pins. It is the one that `trust` means.
pub(crate) fn server(
    workshop: &Workshop,
    image: &Reference,
    options: &ServerOptions,
    is_offline: bool,
) -> anyhow::Result<TrustServer> {
    let folder = workshop.folders.data.join("trust");
    let configured = || workshop.settings.file.trust.server.clone();
    let dockers = || std::env::var("DOCKER_CONTENT_TRUST_SERVER").ok();
    let address = options.address.clone().or_else(configured).or_else(dockers);
    let address = address.filter(|text| !text.is_empty());
    let host = match &address {
        Some(text) => ServerAddress::parse(text)?.host().to_owned(),
        None => image.registry().to_owned(),
    };
    let mut settings = workshop.client_settings().clone();
    settings.ca_files = docker_authorities(&workshop.folders.docker, &host);
    Ok(TrustServer {
        place: TrustPlace::Network { client: Box::new(Blocking::new(settings)), address },
        states: States::new(&folder),
        pins: Pins::new(&folder),
        trust_first_use: options.tofu,
        is_offline,
    })
}

/// Whether a signed image gets a tag map: as the settings say, or else where the rule of a trust policy that judges it will ask for
/// one. A policy that cannot be read is an error before anything is signed.
pub(crate) fn wants_tag_map(workshop: &Workshop, name: &Reference) -> anyhow::Result<bool> {
    if name.tag().is_none() {
        return Ok(false);
    }
    if let Some(is_wanted) = workshop.settings.file.sign.tag_map {
        return Ok(is_wanted);
    }
    let Some(path) = standing(workshop) else { return Ok(false) };
    let file = policy_file::open(&path, &workshop.folders.config.join("keys"))?;
    // An image that no rule is for, or two, is refused by `verify`, with or without a map.
    let rule = file.policy.rule(name).ok().flatten();
    Ok(rule.is_some_and(|rule| rule.tag_binding || rule.max_staleness_secs.is_some()))
}

/// Makes a tag map for an image that was signed.
pub(crate) fn attach_tag_map(
    workshop: &Workshop,
    place: &Store,
    opened: &Opened,
    name: &Reference,
    signer: &Signer,
    asks_registry: bool,
) -> anyhow::Result<TagMap> {
    let lifetime_secs = tag_map_lifetime(workshop)?;
    let trusted: Vec<TrustedKey> = super::request::trusted(&[], workshop)?;
    let keys: Vec<_> = trusted.into_iter().map(|trusted| trusted.key).collect();
    let making = Making { marks: &marks(workshop), keys: &keys, lifetime_secs, asks_registry };
    Ok(tag_maps::attach(&workshop.session(), place, opened, name, signer, &making)?)
}

/// The keys whose tag maps are believed where no image is judged: those that are trusted, and those of the trust policy.
pub(crate) fn map_keys(workshop: &Workshop) -> anyhow::Result<Vec<PublicKey>> {
    let trusted = super::request::trusted(&[], workshop)?;
    let mut keys: Vec<PublicKey> = trusted.into_iter().map(|trusted| trusted.key).collect();
    if let Some(path) = standing(workshop) {
        let file = policy_file::open(&path, &workshop.folders.config.join("keys"))?;
        let of_signers = file.policy.signers.iter().flat_map(|signer| &signer.keys);
        keys.extend(of_signers.map(|known| known.key.clone()));
    }
    Ok(keys)
}

/// How long tag maps are good.
pub(crate) fn tag_map_lifetime(workshop: &Workshop) -> anyhow::Result<i64> {
    let lifetime = workshop.settings.file.sign.tag_map_lifetime.as_deref();
    lifetime.map_or(Ok(LIFETIME_SECS), sealift_trust::read_duration).map_err(|reason| {
        Usage::error(
            format!("the setting `sign.tag_map_lifetime`: {reason}"),
            "`sealift config show --origin` says where it is set",
        )
    })
}

/// One line on a tag map that was made.
pub(crate) fn tag_map_text(map: &TagMap) -> String {
    let until = jiff::Timestamp::from_second(map.expires_secs).unwrap_or_default();
    format!(
        "number {} of {} with {} tags, until {until}",
        map.counter,
        map.repository,
        map.tags.len()
    )
}
