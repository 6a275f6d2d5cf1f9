//! `sealift base build`

use std::path::Path;
use std::process::ExitCode;

use sealift_debian::Freshness;
use sealift_oci::Reference;
use sealift_pipeline::{Event, Step};

use crate::printer::Printer;
use crate::session::Workshop;
use sealift_arguments::{BaseBuild, Global};

pub(crate) fn run(
    global: &Global,
    arguments: &BaseBuild,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let file = sealift_pipeline::base::read_recipe(&arguments.recipe)?;
    let name = arguments.tag.as_deref().or(file.recipe.body().name.as_deref());
    let name = name.map(Reference::parse).transpose()?.map(Reference::or_latest);
    let freshness = match (arguments.refresh, arguments.offline) {
        (true, _) => Freshness::Refresh,
        (_, true) => Freshness::Offline,
        _ => Freshness::Cached,
    };
    session.observer.event(Event::Started(Step::Base));
    let assembled = sealift_pipeline::base::assemble(&session, &file, name.as_ref(), freshness)
        .inspect_err(|_| session.observer.event(Event::Failed(Step::Base)))?;
    let at_hand = if assembled.is_cached { ", as made before" } else { "" };
    let text = format!("{} packages{at_hand}", assembled.packages.len());
    session.observer.event(Event::Done(Step::Base, text));
    let digest = &assembled.descriptor.digest;
    printer.data(&match &name {
        Some(name) => format!("{}@{digest}", name.familiar()),
        None => digest.to_string(),
    })?;
    Ok(ExitCode::SUCCESS)
}
