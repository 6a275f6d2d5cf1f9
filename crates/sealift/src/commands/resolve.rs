//! `sealift lint --resolve`: what the rules may know of base images.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use sealift_debian::Freshness;
use sealift_pipeline::lint::read_dockerfile;
use sealift_pipeline::package_index::{Knowledge, bases, downloads, look_up};

use super::request;
use crate::printer::Printer;
use crate::session::Workshop;
use sealift_arguments::{Global, Lint};

/// What is known of the base images of Dockerfiles, each a path or a text; `None` if the user did not ask.
pub(crate) fn knowledge(
    global: &Global,
    arguments: &Lint,
    files: &[(&Path, Option<&str>)],
    printer: &Printer,
) -> anyhow::Result<Option<Arc<Knowledge>>> {
    let Some((first, _)) = files.first().filter(|_| arguments.resolve) else { return Ok(None) };
    let texts: Vec<String> = files
        .iter()
        .filter_map(|(path, text)| match text {
            Some(text) => Some((*text).to_owned()),
            // What cannot be read is reported where it is linted.
            None => read_dockerfile(path).ok(),
        })
        .collect();
    let all = |of: fn(&str) -> Vec<String>| {
        let found: BTreeSet<String> = texts.iter().flat_map(|text| of(text)).collect();
        found.into_iter().collect::<Vec<String>>()
    };
    let workshop = Workshop::open(global, printer, first.parent().unwrap_or(first))?;
    let recipes = request::recipes(&workshop.settings.file);
    let session = workshop.session();
    let mut known = look_up(&session, &recipes, Freshness::Cached, &all(bases))?;
    // Only a fix has a use for them, and a file may be large.
    if arguments.fix.is_some() || arguments.diff {
        known.add_files(&session, &all(downloads))?;
    }
    Ok(Some(Arc::new(known)))
}
