//! `sealift ship`

use std::process::ExitCode;

use sealift_custody::tag_maps;
use sealift_model::Severity;
use sealift_oci::Reference;
use sealift_pipeline::build::megabytes;
use sealift_pipeline::keys::Signer;
use sealift_pipeline::ship::{Findings, ShipRequest, Shipment, ship};
use sealift_pipeline::{contents, judge, open, scan, transfer};

use super::{lint, request, trusting};
use crate::printer::{Mark, Printer};
use crate::session::{Workshop, become_builder};
use sealift_arguments::{Global, PolicyOptions, Ship};

pub(crate) fn run(
    global: &Global,
    arguments: &Ship,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    become_builder(printer)?;
    let workshop = Workshop::open(global, printer, &arguments.folder)?;
    let session = workshop.session();
    let file = &workshop.settings.file;
    let no_flags = PolicyOptions::default();
    let mut scan_request = request::scan(&arguments.scan, file, Some(Severity::High))?;
    scan_request.exceptions =
        request::exceptions(&arguments.scan, &workshop.settings, &arguments.folder)?;
    let mut secrets = request::secret_rules(&arguments.secrets, file)?;
    let build = request::build(&arguments.build, &arguments.folder, &workshop)?;
    secrets.dockerfile = Some((build.dockerfile_path.clone(), build.dockerfile.clone()));
    let request = ShipRequest {
        build,
        secrets,
        names: request::names(&arguments.build, &arguments.folder, file)?,
        recipes: request::recipes(file),
        freshness: request::freshness(&arguments.build),
        lint: lint::request(&lint::Flags::default(), file, &arguments.folder)?,
        scan: scan_request,
        policy: request::policy(&no_flags, &workshop.settings)?,
        push: arguments
            .push
            .as_deref()
            .map(Reference::parse)
            .transpose()?
            .map(Reference::or_latest),
    };
    let wants_tag_map = match request.push.as_ref().or(request.names.first()) {
        Some(name) => trusting::wants_tag_map(&workshop, name)?,
        None => file.sign.tag_map == Some(true),
    };
    // Asked for first: nobody wants to be asked for a passphrase after a long build.
    let signer = request::signer(&arguments.key, &workshop, printer)?;
    let mut findings = Findings::default();
    let outcome = ship(&session, &request, &signer, &mut findings);
    if let (Some(path), Some(report)) = (&arguments.report, &findings.report) {
        std::fs::write(path, sealift_report::json(report))
            .map_err(|source| sealift_pipeline::Error::file("write", path, source))?;
        printer.message(&format!("wrote {}", path.display()));
    }
    let shipment = match outcome {
        Ok(shipment) => shipment,
        Err(_) if workshop.is_interrupted() => {
            return Err(sealift_pipeline::Error::Interrupted.into());
        }
        Err(error) => return Err(error.into()),
    };
    if wants_tag_map {
        map_tag(&shipment, &request, &workshop, &signer, printer)?;
    }
    conclude(&shipment, &workshop, printer)?;
    Ok(ExitCode::SUCCESS)
}

// The tag in a signed map, beside the image and, where it was pushed, in the repository.
fn map_tag(
    shipment: &Shipment,
    request: &ShipRequest,
    workshop: &Workshop,
    signer: &Signer,
    printer: &Printer,
) -> anyhow::Result<()> {
    let session = workshop.session();
    let name = request.push.as_ref().unwrap_or(&shipment.name);
    let opened = open::open_descriptor(&session, &shipment.descriptor, name)?;
    let (place, is_asked) = (session.store, request.push.is_some());
    let map = trusting::attach_tag_map(workshop, place, &opened, name, signer, is_asked)?;
    if let Some(to) = &request.push {
        // With the map that lies beside it now.
        let opened = open::open_descriptor(&session, &shipment.descriptor, name)?;
        transfer::push(&session, &opened, to)?;
        tag_maps::publish(&session, &opened, to)?;
    }
    printer.step(Mark::Good, "tag map", &trusting::tag_map_text(&map));
    Ok(())
}

fn conclude(shipment: &Shipment, workshop: &Workshop, printer: &Printer) -> anyhow::Result<()> {
    let name = shipment.name.familiar();
    let layers = &shipment.built.manifest.value().layers;
    let bytes: u64 = layers.iter().map(|layer| layer.size).sum();
    let place = match &shipment.delivery {
        Some(delivery) => transfer::summary(delivery),
        None => format!("local store {}", workshop.store.root().display()),
    };
    printer.message("");
    for (what, text) in [
        ("image", name.clone()),
        ("digest", shipment.descriptor.digest.to_string()),
        ("size", format!("{} in {} layers", megabytes(bytes), layers.len())),
        ("inside", contents::summary(&shipment.inventory)),
        ("known", scan::summary(&shipment.report)),
        ("policy", judge::summary(&shipment.verdict)),
        (
            "sealed",
            format!("{} artifacts made, {} kept", shipment.sealed.made, shipment.sealed.kept),
        ),
        ("place", place),
    ] {
        printer.message(&format!("  {what:<7} {text}"));
    }
    printer.message("");
    let secs = workshop.seconds();
    printer.message(&format!("shipped in {secs:.1} s; `sealift verify {name}` proves it again"));
    printer.data(&format!("{}@{}", shipment.name.familiar_name(), shipment.descriptor.digest))?;
    Ok(())
}
