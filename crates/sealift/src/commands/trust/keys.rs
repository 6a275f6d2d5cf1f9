//! The keyring: new keys, keys of others, and the list.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;
use sealift_crypto::SigningKey;
use sealift_notary::{KeyEntry, Keyring};
use serde_json::json;

use super::desk::Desk;
use super::secrets::Secrets;
use crate::failure::Usage;
use crate::printer::{Mark, Printer};
use sealift_arguments::{
    Global, TextOrJson, TrustKeyGenerate, TrustKeyKind, TrustKeyList, TrustKeyLoad,
};

pub(super) fn generate(
    global: &Global,
    arguments: &TrustKeyGenerate,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(global, printer)?;
    let secrets = Secrets::new(&arguments.secrets);
    let public = arguments.dir.join(format!("{}.pub", arguments.name));
    if public.exists() {
        return Err(Usage::error(
            format!("`{}` is there already", public.display()),
            "move it away, or choose another folder with `--dir`",
        ));
    }
    let key = match arguments.kind {
        TrustKeyKind::P256 => SigningKey::generate_p256(),
        TrustKeyKind::Ed25519 => SigningKey::generate_ed25519(),
        TrustKeyKind::Rsa => SigningKey::generate_rsa(),
    };
    let entry = desk.keyring.add_signer(&arguments.name, &key, &secrets)?;
    if secrets.has_given_empty() {
        printer.warning(
            "the key has no passphrase; SEALIFT_KEY_PASSPHRASE or `--passphrase-file` gives it one",
        );
    }
    std::fs::write(&public, Keyring::docker_public(&entry)?)
        .with_context(|| format!("cannot write `{}`", public.display()))?;
    printer.step(Mark::Good, "key", &format!("{} ({})", entry.path.display(), public.display()));
    printer.data(&entry.id().unwrap_or_default())?;
    printer.message(&format!(
        "next: sealift trust signer add --key {} {} REPOSITORY",
        public.display(),
        arguments.name
    ));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn load(
    global: &Global,
    arguments: &TrustKeyLoad,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(global, printer)?;
    let secrets = Secrets::new(&arguments.secrets);
    let entry = desk.keyring.load(&arguments.file, arguments.name.as_deref(), &secrets)?;
    printer.step(Mark::Good, "key", &format!("{}", entry.path.display()));
    printer.data(&entry.id().unwrap_or_default())?;
    printer.message("next: sealift trust key list");
    Ok(ExitCode::SUCCESS)
}

pub(super) fn list(
    global: &Global,
    arguments: &TrustKeyList,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(global, printer)?;
    let entries = desk.keyring.list()?;
    if arguments.format == TextOrJson::Json {
        let list: Vec<serde_json::Value> = entries.iter().map(to_json).collect();
        printer.data(&serde_json::to_string_pretty(&list)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut text = String::new();
    for entry in &entries {
        let id = entry.id().unwrap_or_else(|| "(its public part is not known)".to_owned());
        let gun = entry.gun.as_deref().unwrap_or("-");
        let (name, key_use) = (&entry.name, entry.key_use.as_str());
        let _ = writeln!(text, "{name:<24} {key_use:<9} {id} {gun}");
    }
    printer.data_if_any(&text)?;
    if entries.is_empty() {
        printer.message("next: sealift trust key generate NAME");
    }
    Ok(ExitCode::SUCCESS)
}

fn to_json(entry: &KeyEntry) -> serde_json::Value {
    json!({
        "name": entry.name,
        "use": entry.key_use.as_str(),
        "repository": entry.gun,
        "id": entry.id(),
        "fingerprint": entry.public.as_ref().ok().map(sealift_crypto::PublicKey::fingerprint),
        "path": entry.path,
    })
}
