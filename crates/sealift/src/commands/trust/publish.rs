//! Changes of a repository: what is wanted, published, and told.

use std::process::ExitCode;

use sealift_notary::{Published, Publisher, Threshold};
use sealift_oci::{Algorithm, Descriptor};
use sealift_tuf::{Change, DelegationChange, FileMeta, Role};
use serde_json::json;

use super::desk::{Desk, Place, open_to_sign, public_keys};
use super::secrets::Secrets;
use crate::failure::Usage;
use crate::printer::{Mark, Printer};
use sealift_arguments::{
    Global, TextOrJson, TrustChange, TrustDelegateAdd, TrustDelegateRemove, TrustInit, TrustRevoke,
    TrustRole, TrustRotate, TrustSign, TrustSignerAdd, TrustSignerRemove, TrustWitness,
};

/// What is told of a change that was made.
struct Told {
    what: &'static str,
    text: String,
    next: String,
    data: Option<String>,
}

const ONE_KEY: Threshold = Threshold { needed: 1, keys: 1 };

pub(super) fn init(
    global: &Global,
    arguments: &TrustInit,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let change = &arguments.change;
    let (desk, secrets) = open_to_sign(global, change, printer)?;
    let place = desk.place(&arguments.repository, &change.look)?;
    let server = place.server();
    let publisher = place.publisher(&desk, &server, &secrets);
    let published = publisher.init(&place.gun, arguments.threshold, &[])?;
    warn_of_unsealed(&desk, &secrets, printer);
    let pin = pin_of(&published);
    let told = Told {
        what: "init",
        text: format!("{} has trust data now; its pin is printed below", place.repository()),
        next: format!("sealift trust signer add --key NAME.pub NAME {}", place.repository()),
        data: Some(pin),
    };
    tell(&place, change, &published, &told, printer)
}

pub(super) fn add_signer(
    global: &Global,
    arguments: &TrustSignerAdd,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let change = &arguments.change;
    let (desk, secrets) = open_to_sign(global, change, printer)?;
    let keys = public_keys(&arguments.keys)?;
    let wanted = [Change::AddSigner { name: arguments.name.clone(), keys }];
    for repository in &arguments.repositories {
        let place = desk.place(repository, &change.look)?;
        let server = place.server();
        let publisher = place.publisher(&desk, &server, &secrets);
        let is_new = !publisher.has(&place.gun)?;
        let published = if is_new {
            publisher.init(&place.gun, ONE_KEY, &wanted)?
        } else {
            publisher.publish(&place.gun, &wanted)?
        };
        if is_new {
            warn_of_unsealed(&desk, &secrets, printer);
            let text = format!(
                "{} has trust data now; its pin: {}",
                place.repository(),
                pin_of(&published)
            );
            printer.step(Mark::Good, "init", &text);
        }
        let told = Told {
            what: "signer",
            text: format!("{} may sign in {}", arguments.name, place.repository()),
            next: format!("sealift trust sign {}:TAG", place.repository()),
            data: None,
        };
        tell(&place, change, &published, &told, printer)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn remove_signer(
    global: &Global,
    arguments: &TrustSignerRemove,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let wanted = [Change::RemoveSigner { name: arguments.name.clone() }];
    for repository in &arguments.repositories {
        make(global, repository, &arguments.change, &wanted, printer, |place| Told {
            what: "signer",
            text: format!("{} may sign in {} no more", arguments.name, place.repository()),
            next: format!("sealift trust inspect --pretty {}", place.repository()),
            data: None,
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn sign(
    global: &Global,
    arguments: &TrustSign,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let change = &arguments.change;
    let (desk, secrets) = open_to_sign(global, change, printer)?;
    let place = desk.place(&arguments.image, &change.look)?;
    let (published, told) = publish_tag(&desk, &place, &secrets, arguments)?;
    tell(&place, change, &published, &told, printer)
}

/// Signs a tag for `sign --as dct`; nothing goes to stdout. False if it was signed so already.
pub(crate) fn sign_beside(
    global: &Global,
    arguments: &TrustSign,
    printer: &Printer,
) -> anyhow::Result<bool> {
    let (desk, secrets) = open_to_sign(global, &arguments.change, printer)?;
    let place = desk.place(&arguments.image, &arguments.change.look)?;
    let (published, told) = publish_tag(&desk, &place, &secrets, arguments)?;
    tell_steps(&published, &told, printer);
    Ok(!published.roles.is_empty())
}

fn publish_tag(
    desk: &Desk,
    place: &Place,
    secrets: &Secrets,
    arguments: &TrustSign,
) -> anyhow::Result<(Published, Told)> {
    let Some(tag) = place.tag.clone() else {
        return Err(Usage::error(
            format!("`{}` has no tag to sign", arguments.image),
            format!("write `{}:TAG`", place.repository()),
        ));
    };
    let descriptor = descriptor(desk, place, arguments.registry)?;
    let file = FileMeta::of_manifest(sha256(&descriptor)?, descriptor.size);
    let counted = !arguments.no_counter;
    let count_from = counted.then(|| u64::try_from(desk.workshop.now_secs()).unwrap_or_default());
    let server = place.server();
    let publisher = place.publisher(desk, &server, secrets);
    let published = publisher.publish(&place.gun, &[Change::SignTag { tag, file, count_from }])?;
    let roles: Vec<&str> = published.roles.iter().map(Role::as_str).collect();
    let told = Told {
        what: "sign",
        text: format!("{} is {} ({})", place.name, descriptor.digest, roles.join(", ")),
        next: format!("sealift trust inspect --pretty {}", place.name),
        data: Some(place.reference.at_digest(&descriptor.digest).familiar()),
    };
    Ok((published, told))
}

// What the store has under the name, or else the registry.
fn descriptor(desk: &Desk, place: &Place, is_registry: bool) -> anyhow::Result<Descriptor> {
    let reference = place.reference.clone();
    if !is_registry && let Some(descriptor) = desk.workshop.store.resolve(&reference)? {
        return Ok(descriptor);
    }
    let found = place.registry().run(async |client| client.manifest(&reference).await);
    Ok(found.map_err(sealift_notary::Error::from)?.0)
}

fn sha256(descriptor: &Descriptor) -> anyhow::Result<[u8; 32]> {
    let digest = &descriptor.digest;
    let hex = digest.hex().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = hex.chunks(2).map(byte).collect();
    match (digest.algorithm(), bytes.and_then(|bytes| bytes.try_into().ok())) {
        (Algorithm::Sha256, Some(bytes)) => Ok(bytes),
        _ => Err(Usage::error(
            format!("the digest `{digest}` is no SHA-256"),
            "Docker Content Trust knows no other digests of images",
        )),
    }
}

pub(super) fn revoke(
    global: &Global,
    arguments: &TrustRevoke,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let change = &arguments.change;
    let (desk, secrets) = open_to_sign(global, change, printer)?;
    let place = desk.place(&arguments.image, &change.look)?;
    let server = place.server();
    let publisher = place.publisher(&desk, &server, &secrets);
    let tags = match &place.tag {
        Some(tag) => vec![tag.clone()],
        None if arguments.yes => {
            let list = publisher.client.list(&place.gun, place.look())?;
            list.into_iter().map(|tag| tag.tag).collect()
        }
        None => {
            return Err(Usage::error(
                format!("`{}` has no tag: all its signatures would be revoked", arguments.image),
                "name a tag, or say `--yes`",
            ));
        }
    };
    let wanted: Vec<Change> = tags.into_iter().map(|tag| Change::RevokeTag { tag }).collect();
    let published = publisher.publish(&place.gun, &wanted)?;
    let told = Told {
        what: "revoke",
        text: format!("{}: {} signatures are gone", arguments.image, wanted.len()),
        next: format!("sealift trust inspect --pretty {}", place.repository()),
        data: None,
    };
    tell(&place, change, &published, &told, printer)
}

pub(super) fn rotate(
    global: &Global,
    arguments: &TrustRotate,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let change = &arguments.change;
    let (desk, secrets) = open_to_sign(global, change, printer)?;
    let place = desk.place(&arguments.repository, &change.look)?;
    let role = match arguments.role {
        TrustRole::Root => Role::ROOT,
        TrustRole::Targets => Role::TARGETS,
        TrustRole::Snapshot => Role::SNAPSHOT,
        TrustRole::Timestamp => Role::TIMESTAMP,
    };
    let server = place.server();
    let publisher = place.publisher(&desk, &server, &secrets);
    let published =
        publisher.rotate(&place.gun, &role, arguments.threshold, arguments.server_managed)?;
    warn_of_unsealed(&desk, &secrets, printer);
    let pin = pin_of(&published);
    let is_root = role == Role::ROOT;
    let next = if is_root {
        "give the new pin to those who verify; who has seen the repository follows by itself"
            .to_owned()
    } else {
        format!("sealift trust inspect --pretty {}", place.repository())
    };
    let told = Told {
        what: "rotate",
        text: format!("`{role}` of {} has new keys", place.repository()),
        next,
        data: Some(pin).filter(|_| is_root),
    };
    tell(&place, change, &published, &told, printer)
}

fn delegation(text: &str) -> anyhow::Result<Role> {
    let name =
        if text.starts_with("targets/") { text.to_owned() } else { format!("targets/{text}") };
    let role = Role::parse(&name).map_err(sealift_notary::Error::from)?;
    Ok(role)
}

pub(super) fn delegate(
    global: &Global,
    arguments: &TrustDelegateAdd,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let mut wanted = DelegationChange::new(delegation(&arguments.role)?);
    wanted.add_keys = public_keys(&arguments.keys)?;
    wanted.add_paths.clone_from(&arguments.paths);
    // A delegation without paths could hold nothing: a new one is for all tags.
    if arguments.paths.is_empty() && !arguments.keys.is_empty() {
        wanted.add_paths = vec![String::new()];
    }
    wanted.threshold = arguments.threshold;
    let role = wanted.role.clone();
    let changes = [Change::Delegate(wanted)];
    make(global, &arguments.repository, &arguments.change, &changes, printer, |place| Told {
        what: "delegate",
        text: format!("`{role}` of {} is delegated", place.repository()),
        next: format!("sealift trust delegate list {}", place.repository()),
        data: None,
    })
}

pub(super) fn undelegate(
    global: &Global,
    arguments: &TrustDelegateRemove,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let role = delegation(&arguments.role)?;
    let change = if arguments.key_ids.is_empty() && arguments.paths.is_empty() {
        Change::Undelegate { role: role.clone() }
    } else {
        let mut change = DelegationChange::new(role.clone());
        change.remove_keys.clone_from(&arguments.key_ids);
        change.remove_paths.clone_from(&arguments.paths);
        Change::Delegate(change)
    };
    make(global, &arguments.repository, &arguments.change, &[change], printer, |place| Told {
        what: "delegate",
        text: format!("`{role}` of {} has less now, or is gone", place.repository()),
        next: format!("sealift trust delegate list {}", place.repository()),
        data: None,
    })
}

pub(super) fn witness(
    global: &Global,
    arguments: &TrustWitness,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let role = |text: &String| {
        let role = if text == "targets" { Role::TARGETS } else { delegation(text)? };
        Ok(Change::Witness { role })
    };
    let changes = arguments.roles.iter().map(role).collect::<anyhow::Result<Vec<_>>>()?;
    make(global, &arguments.repository, &arguments.change, &changes, printer, |place| Told {
        what: "witness",
        text: format!("{} of {} is signed again", arguments.roles.join(", "), place.repository()),
        next: format!("sealift trust inspect --pretty {}", place.repository()),
        data: None,
    })
}

fn make(
    global: &Global,
    repository: &str,
    change: &TrustChange,
    wanted: &[Change],
    printer: &Printer,
    told: impl FnOnce(&Place) -> Told,
) -> anyhow::Result<ExitCode> {
    let (desk, secrets) = open_to_sign(global, change, printer)?;
    let place = desk.place(repository, &change.look)?;
    let server = place.server();
    let publisher: Publisher<'_> = place.publisher(&desk, &server, &secrets);
    let published = publisher.publish(&place.gun, wanted)?;
    let told = told(&place);
    tell(&place, change, &published, &told, printer)
}

fn pin_of(published: &Published) -> String {
    let keys = published.trusted.root.authority(&Role::ROOT).keys;
    keys.into_keys().collect::<Vec<_>>().join("\n")
}

fn tell_steps(published: &Published, told: &Told, printer: &Printer) {
    for refusal in published.trusted.refusals() {
        printer.warning(&refusal.to_string());
    }
    let text = if published.roles.is_empty() {
        format!("{} (it was so already; nothing was published)", told.text)
    } else {
        told.text.clone()
    };
    printer.step(Mark::Good, told.what, &text);
}

fn tell(
    place: &Place,
    change: &TrustChange,
    published: &Published,
    told: &Told,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    tell_steps(published, told, printer);
    if change.format == TextOrJson::Json {
        let pins: Vec<String> =
            published.trusted.root.authority(&Role::ROOT).keys.into_keys().collect();
        let roles: Vec<&str> = published.roles.iter().map(Role::as_str).collect();
        let json = json!({
            "repository": place.gun.as_str(),
            "action": told.what,
            "signedRoles": roles,
            "tries": published.tries,
            "pins": pins,
            "timestampVersion": published.trusted.timestamp.version,
        });
        printer.data(&serde_json::to_string_pretty(&json)?)?;
    } else if let Some(data) = &told.data {
        printer.data(data)?;
    }
    printer.message(&format!("next: {}", told.next));
    Ok(ExitCode::SUCCESS)
}

// A key that was made without a passphrase is as safe as its file.
fn warn_of_unsealed(desk: &Desk, secrets: &Secrets, printer: &Printer) {
    if secrets.has_given_empty() {
        printer.warning(&format!(
            "keys in `{}` were made without a passphrase; set SEALIFT_KEY_PASSPHRASE and SEALIFT_ROOT_PASSPHRASE before, or \
             give `--passphrase-file` and `--root-passphrase-file`",
            desk.keyring.folder().display()
        ));
    }
}
