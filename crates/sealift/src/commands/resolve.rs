//! `sealift lint --resolve`: what the rules may know of base images.

use std::path::Path;
use std::sync::Arc;

use sealift_debian::Freshness;
use sealift_pipeline::lint::read_dockerfile;
use sealift_pipeline::package_index::{Knowledge, bases, look_up};

use super::request;
use crate::arguments::{Global, Lint};
use crate::printer::Printer;
use crate::session::Workshop;

/// What is known of the base images of Dockerfiles, each a path or a text; `None` if the user did not ask.
pub(crate) fn knowledge(
    global: &Global,
    arguments: &Lint,
    files: &[(&Path, Option<&str>)],
    printer: &Printer,
) -> anyhow::Result<Option<Arc<Knowledge>>> {
    let Some((first, _)) = files.first().filter(|_| arguments.resolve) else { return Ok(None) };
    let mut images: Vec<String> = files
        .iter()
        .flat_map(|(path, text)| match text {
            Some(text) => bases(text),
            // What cannot be read is reported where it is linted.
            None => read_dockerfile(path).map(|text| bases(&text)).unwrap_or_default(),
        })
        .collect();
    images.sort();
    images.dedup();
    let workshop = Workshop::open(global, printer, first.parent().unwrap_or(first))?;
    let recipes = request::recipes(&workshop.settings.file);
    Ok(Some(Arc::new(look_up(&workshop.session(), &recipes, Freshness::Cached, &images)?)))
}
