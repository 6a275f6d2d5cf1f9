//! Building, with what the pipeline tells of it.

use sealift_build::{Built, Request};

use crate::base::Bases;
use crate::{Error, Event, Session};

/// Builds an image into the store, without a name.
pub fn build(session: &Session<'_>, request: &Request, bases: &Bases<'_>) -> Result<Built, Error> {
    let observer = Relay(session);
    Ok(sealift_build::build(request, session.store, bases, &observer, session.cancel)?)
}

/// One line: steps, what was cached, size.
pub fn summary(built: &Built) -> String {
    let layers = &built.manifest.value().layers;
    let bytes: u64 = layers.iter().map(|layer| layer.size).sum();
    format!(
        "{} steps, {} cached, {} layers of {}, {}",
        built.steps,
        built.cached,
        layers.len(),
        megabytes(bytes),
        crate::open::short(&built.descriptor.digest)
    )
}

/// Bytes for people.
pub fn megabytes(bytes: u64) -> String {
    // A tenth of a megabyte is as exact as anybody wants it.
    let tenths = bytes / 100_000;
    match (bytes, tenths) {
        (0..1_000, _) => format!("{bytes} B"),
        (1_000..100_000, _) => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", tenths / 10, tenths % 10),
    }
}

struct Relay<'a>(&'a Session<'a>);

impl sealift_build::Observer for Relay<'_> {
    fn event(&self, event: sealift_build::Event) {
        self.0.observer.event(Event::Build(event));
    }
}
