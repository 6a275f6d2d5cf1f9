//! Docker's folder of trust, there and back.

use std::process::ExitCode;

use anyhow::Context as _;
use sealift_notary::{Transfer, export_home, import_home, name_of};
use sealift_oci::Reference;
use sealift_tuf::{Home, read_folder, write_folder};

use super::desk::Desk;
use super::secrets::Secrets;
use crate::printer::{Mark, Printer};
use sealift_arguments::{Global, TrustExport, TrustImport};

pub(super) fn import(
    global: &Global,
    arguments: &TrustImport,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(global, printer)?;
    let default = desk.workshop.folders.docker.join("trust");
    let folder = arguments.folder.as_ref().unwrap_or(&default);
    let files =
        read_folder(folder).with_context(|| format!("cannot read `{}`", folder.display()))?;
    let (home, notes) = Home::from_files(&files);
    for note in notes {
        printer.warning(&note);
    }
    let secrets = Secrets::new(&arguments.secrets);
    let transfer = import_home(&home, &desk.keyring, &desk.states, &secrets)?;
    tell("import", &transfer, printer);
    printer.message("next: sealift trust key list");
    Ok(ExitCode::SUCCESS)
}

pub(super) fn export(
    global: &Global,
    arguments: &TrustExport,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(global, printer)?.with_keys(&arguments.secrets);
    let secrets = Secrets::new(&arguments.secrets);
    let mut guns = Vec::new();
    for repository in &arguments.repositories {
        guns.push(name_of(&Reference::parse(repository)?)?.0);
    }
    let (home, transfer) = export_home(&desk.keyring, &desk.states, &guns, &secrets)?;
    let files = home.to_files().map_err(sealift_notary::Error::from)?;
    write_folder(&arguments.folder, &files)
        .with_context(|| format!("cannot write `{}`", arguments.folder.display()))?;
    tell("export", &transfer, printer);
    printer.message(&format!(
        "next: docker finds it as $DOCKER_CONFIG/trust; now it is `{}`",
        arguments.folder.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn tell(what: &str, transfer: &Transfer, printer: &Printer) {
    for note in &transfer.notes {
        printer.warning(note);
    }
    let guns: Vec<String> = transfer.repositories.iter().map(ToString::to_string).collect();
    let text = format!(
        "{} keys ({}), {} repositories ({})",
        transfer.keys.len(),
        transfer.keys.join(", "),
        guns.len(),
        guns.join(", ")
    );
    printer.step(Mark::Good, what, &text);
}
