//! `sealift push`

use std::path::Path;
use std::process::ExitCode;

use sealift_custody::tag_maps::{self, Published};
use sealift_oci::Reference;
use sealift_pipeline::{Event, Step, open, transfer};

use crate::failure::Usage;
use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{Global, Push};

pub(crate) fn run(
    global: &Global,
    arguments: &Push,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let session = workshop.session();
    let opened = open::open(&session, &arguments.image)?;
    let destination = match &arguments.destination {
        Some(text) => Reference::parse(text)?,
        None => opened.reference.clone().ok_or_else(|| {
            Usage::error(
                "the image has no name to push it to",
                "as in `sealift push IMAGE registry.example.com/app:1`",
            )
        })?,
    };
    session.observer.event(Event::Started(Step::Push));
    let delivery = transfer::push(&session, &opened, &destination)
        .inspect_err(|_| session.observer.event(Event::Failed(Step::Push)))?;
    let published = tag_maps::publish_unless_newer(&session, &opened, &destination)?;
    session.observer.event(Event::Done(Step::Push, transfer::summary(&delivery)));
    if let Published::Kept { there, own } = published {
        let text = format!(
            "the registry's has number {there}, this image's {own}: kept; `sealift trust tag-map --push` makes the next"
        );
        printer.step(Mark::Warning, "tag map", &text);
    }
    printer.data(&delivery.reference.familiar())?;
    Ok(ExitCode::SUCCESS)
}
