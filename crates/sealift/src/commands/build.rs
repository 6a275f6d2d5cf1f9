//! `sealift build`

use std::process::ExitCode;

use sealift_pipeline::base::Bases;
use sealift_pipeline::{Event, Step};

use super::request;
use crate::printer::Printer;
use crate::session::{Workshop, become_builder};
use sealift_arguments::{Build, Global};

pub(crate) fn run(
    global: &Global,
    arguments: &Build,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    become_builder(printer)?;
    let workshop = Workshop::open(global, printer, &arguments.context)?;
    let session = workshop.session();
    let file = &workshop.settings.file;
    let names = request::names(&arguments.options, &arguments.context, file)?;
    let request = request::build(&arguments.options, &arguments.context, &workshop)?;
    let bases =
        Bases::new(session, &request::recipes(file), request::freshness(&arguments.options))?;
    session.observer.event(Event::Started(Step::Build));
    let built = sealift_pipeline::build::build(&session, &request, &bases)
        .inspect_err(|_| session.observer.event(Event::Failed(Step::Build)))?;
    session.observer.event(Event::Done(Step::Build, sealift_pipeline::build::summary(&built)));
    for name in &names {
        workshop.store.tag(name, &built.descriptor)?;
        printer.data(&format!("{}@{}", name.familiar(), built.descriptor.digest))?;
    }
    Ok(ExitCode::SUCCESS)
}
