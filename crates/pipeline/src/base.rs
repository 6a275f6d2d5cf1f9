//! Base images: from a recipe where the project maps the name to one, from the local store, from a registry.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use sealift_build::{BaseError, BaseImages};
use sealift_debian::{Assembled, Freshness, Recipe};
use sealift_image::Image;
use sealift_oci::{Descriptor, Platform, Reference};

use crate::{Error, Event, Session, Step};

/// Where base images come from.
pub struct Bases<'a> {
    session: Session<'a>,
    recipes: BTreeMap<Reference, PathBuf>,
    freshness: Freshness,
    // Two stages on one base: it is assembled once.
    found: Mutex<BTreeMap<Reference, Descriptor>>,
}

impl<'a> Bases<'a> {
    /// Bases with a project's map from names to recipes.
    pub fn new(
        session: Session<'a>,
        recipes: &BTreeMap<String, PathBuf>,
        freshness: Freshness,
    ) -> Result<Self, Error> {
        let recipes = recipes
            .iter()
            .map(|(name, path)| Ok((Reference::parse(name)?.or_latest(), path.clone())))
            .collect::<Result<_, Error>>()?;
        Ok(Self { session, recipes, freshness, found: Mutex::default() })
    }

    /// Finds or assembles a base image.
    pub fn find(&self, reference: &Reference) -> Result<Descriptor, Error> {
        let reference = reference.clone().or_latest();
        let mut found = self.found.lock().expect("no panic while held");
        if let Some(descriptor) = found.get(&reference) {
            return Ok(descriptor.clone());
        }
        let descriptor = self.find_anew(&reference)?;
        found.insert(reference, descriptor.clone());
        Ok(descriptor)
    }

    /// The same, with the builder's words for what is wrong.
    pub(crate) fn find_for_build(&self, reference: &Reference) -> Result<Descriptor, Error> {
        self.find(reference).map_err(|error| match error {
            Error::Interrupted => Error::Interrupted,
            other if other.kind() == crate::Kind::Interrupted => Error::Interrupted,
            other => Error::Build(sealift_build::Error::Base(self.explain(reference, &other))),
        })
    }

    fn find_anew(&self, reference: &Reference) -> Result<Descriptor, Error> {
        if let Some(path) = self.recipes.get(reference) {
            let recipe = read_recipe(path)?;
            let assembled = assemble(&self.session, &recipe, Some(reference), self.freshness)?;
            return Ok(assembled.descriptor);
        }
        let at_hand = self.session.store.resolve(reference)?;
        if let Some(descriptor) = at_hand.filter(|_| self.freshness != Freshness::Refresh) {
            return Ok(descriptor);
        }
        let text = format!("pulling {}", reference.familiar());
        self.session.observer.event(Event::Progress(Step::Base, text));
        crate::transfer::pull(&self.session, reference)
    }
}

impl BaseImages for Bases<'_> {
    fn base(&self, reference: &Reference, platform: &Platform) -> Result<Image, BaseError> {
        let fail = |error: Error| self.explain(reference, &error);
        let descriptor = self.find(reference).map_err(fail)?;
        let source = std::sync::Arc::new(self.session.store.clone());
        let image = sealift_image::image_for_platform(source, &descriptor, platform)
            .map_err(|error| fail(error.into()))?;
        if let Some(name) =
            self.session.store.resolve(&reference.clone().or_latest()).ok().flatten()
        {
            self.session.observer.event(Event::Progress(
                Step::Base,
                format!("{} is {}", reference.familiar(), crate::open::short(&name.digest)),
            ));
        }
        Ok(image)
    }
}

impl Bases<'_> {
    fn explain(&self, reference: &Reference, error: &Error) -> BaseError {
        let is_mapped = self.recipes.contains_key(&reference.clone().or_latest());
        let name = reference.familiar();
        let (reason, hint) = match error {
            Error::Client(source) if !is_mapped => (
                format!("it is not in the local store, no recipe is mapped to it, and {source}"),
                format!(
                    "map it to a recipe with `[base.\"{name}\"]` and `recipe = \"FILE\"` in sealift.toml, or set a mirror with \
                     `[registry.\"{}\"]` and `mirrors = [\"HOST\"]`",
                    reference.registry()
                ),
            ),
            other => (other.to_string(), other.hint().unwrap_or_default()),
        };
        BaseError { reference: name, reason, hint: Some(hint).filter(|hint| !hint.is_empty()) }
    }
}

/// A recipe and the folder that its relative paths start from.
pub struct RecipeFile {
    /// The recipe.
    pub recipe: Recipe,
    /// Its folder.
    pub folder: PathBuf,
}

/// Reads a recipe.
pub fn read_recipe(path: &Path) -> Result<RecipeFile, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::file("read", path, source))?;
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    Ok(RecipeFile { recipe: Recipe::parse(&text)?, folder })
}

/// Assembles a base image from a recipe and names it in the local store.
pub fn assemble(
    session: &Session<'_>,
    file: &RecipeFile,
    name: Option<&Reference>,
    freshness: Freshness,
) -> Result<Assembled, Error> {
    let options = sealift_debian::Options {
        platform: Platform::host(),
        now: jiff::Timestamp::from_second(session.now_secs).unwrap_or(jiff::Timestamp::UNIX_EPOCH),
        source_date_epoch: session.source_date_epoch,
        freshness,
        folder: &file.folder,
    };
    let assembled = sealift_debian::assemble(
        &file.recipe,
        &options,
        session.store,
        session.network,
        &Progress(session),
        session.cancel,
    )?;
    for warning in &assembled.warnings {
        session.observer.event(Event::Warning(warning.clone()));
    }
    if let Some(name) = name {
        session.store.tag(name, &assembled.descriptor)?;
    }
    Ok(assembled)
}

struct Progress<'a>(&'a Session<'a>);

impl sealift_debian::Progress for Progress<'_> {
    fn event(&self, event: sealift_debian::Event<'_>) {
        use sealift_debian::Event as Debian;
        let text = match event {
            Debian::Suite { url, suite, date, cached } => {
                let from = if cached { ", at hand" } else { "" };
                format!("{url} {suite} of {date}{from}, signature good")
            }
            Debian::Resolved { packages, missing: 0, .. } => {
                format!("{packages} packages, all at hand")
            }
            Debian::Resolved { packages, missing, missing_bytes } => {
                format!(
                    "{packages} packages, {missing} to fetch ({} MB)",
                    missing_bytes / 1_000_000
                )
            }
            Debian::Fetched { package, .. } => format!("fetched {package}"),
            Debian::Unpacked { package } => format!("unpacked {package}"),
            Debian::Layer { bytes } => format!("layer of {} MB", bytes / 1_000_000),
            _ => return,
        };
        self.0.observer.event(Event::Progress(Step::Base, text));
    }
}
