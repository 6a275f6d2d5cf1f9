//! What is known of the packages and programs of base images: from their archives, and from the local store.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealift_archive::RelativePath;
use sealift_debian::{Freshness, Names, Recipe};
use sealift_image::FileTree;
use sealift_lint::{Package, PackageIndex, Resolver};
use sealift_oci::{Digest, Platform, Reference};

use crate::resolved::{Named, named};
use crate::{Error, Event, Session};

/// Providers of one name that are told.
const PROVIDERS_MAX: usize = 20;
/// The largest file that is downloaded for its checksum.
const FILE_BYTES_MAX: u64 = 4 << 30;

/// What is known of some images.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    images: BTreeMap<String, Known>,
    /// Checksums of files, by their URLs.
    files: BTreeMap<String, Digest>,
}

/// What is known of one image.
#[derive(Clone, Default)]
struct Known {
    /// What its archive has.
    names: Option<Arc<Names>>,
    /// Its files, and the folders of its `PATH`.
    files: Option<Arc<(FileTree, Vec<String>)>>,
    /// What a registry says of its name.
    named: Option<Named>,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.names.as_ref().map(|names| names.all().count());
        let files = self.files.as_ref().map(|files| files.0.len());
        f.debug_struct("Known")
            .field("names", &names)
            .field("files", &files)
            .field("named", &self.named)
            .finish()
    }
}

impl PackageIndex for Knowledge {
    fn package(&self, image: &str, name: &str) -> Option<Package> {
        let names = self.images.get(image)?.names.as_ref()?;
        if let Some(version) = names.version(name) {
            return Some(Package::Real { version: version.to_owned() });
        }
        let providers: Vec<String> =
            names.providers(name).take(PROVIDERS_MAX).map(str::to_owned).collect();
        if !providers.is_empty() {
            return Some(Package::Virtual { providers });
        }
        // A name that begins otherwise is hardly the one that was meant.
        let alike = names.all().filter(|known| known.get(..1) == name.get(..1));
        let mut alike: Vec<&str> = alike.collect();
        alike.sort_unstable();
        let similar = sealift_diagnostic::closest(name, alike).map(str::to_owned);
        Some(Package::Missing { similar })
    }

    fn program(&self, image: &str, name: &str) -> Option<bool> {
        let (files, path) = &**self.images.get(image)?.files.as_ref()?;
        Some(path.iter().any(|folder| {
            let file = files.resolve_text(format!("{folder}/{name}").as_bytes());
            file.is_some_and(|file| file.is_file())
        }))
    }
}

impl Resolver for Knowledge {
    fn digest(&self, image: &str) -> Option<Digest> {
        Some(self.images.get(image)?.named.as_ref()?.digest.clone())
    }

    fn checksum(&self, url: &str) -> Option<Digest> {
        self.files.get(url).cloned()
    }

    fn platforms(&self, image: &str) -> Option<Vec<Platform>> {
        Some(self.images.get(image)?.named.as_ref()?.platforms.clone())
    }

    fn target(&self) -> Platform {
        Platform::host()
    }
}

/// The images that the stages of a Dockerfile start from.
pub fn bases(text: &str) -> Vec<String> {
    let limits = sealift_dockerfile::Limits::default();
    sealift_lint::bases(&sealift_dockerfile::parse(text, &limits))
}

/// The files that a Dockerfile downloads without a checksum.
pub fn downloads(text: &str) -> Vec<String> {
    let limits = sealift_dockerfile::Limits::default();
    sealift_lint::downloads(&sealift_dockerfile::parse(text, &limits))
}

impl Knowledge {
    /// Downloads files to know their checksums. What cannot be had is a warning.
    pub fn add_files(&mut self, session: &Session<'_>, urls: &[String]) -> Result<(), Error> {
        for url in urls {
            session.check()?;
            let reason = match session.network.sum(url, FILE_BYTES_MAX) {
                Ok(Some(sum)) => {
                    self.files.insert(url.clone(), sum);
                    continue;
                }
                Ok(None) => "it is not there".to_owned(),
                Err(error) => error.to_string(),
            };
            let text = format!("cannot ask for the checksum of `{url}`: {reason}");
            session.observer.event(Event::Warning(text));
        }
        Ok(())
    }
}

/// Looks images up, in the local store and in the indices of their archives. What cannot be had is a warning, and nothing
/// is known of it.
pub fn look_up(
    session: &Session<'_>,
    recipes: &BTreeMap<String, PathBuf>,
    freshness: Freshness,
    images: &[String],
) -> Result<Knowledge, Error> {
    let mut knowledge = Knowledge::default();
    let mut archives: BTreeMap<String, Option<Arc<Names>>> = BTreeMap::new();
    for image in images.iter().filter(|image| *image != "scratch") {
        session.check()?;
        let Ok(reference) = Reference::parse(image) else { continue };
        let files = files(session, &reference).map(Arc::new);
        let mut known = Known { names: None, files, named: None };
        let mapped = recipes.iter().find(|(name, _)| {
            Reference::parse(name).is_ok_and(|it| it.or_latest() == reference.clone().or_latest())
        });
        if mapped.is_none() {
            known.named = named(session, &reference);
        }
        let source = match mapped {
            Some((_, path)) => Some(read_recipe(path)?),
            None => release(&reference, known.files.as_ref().map(|files| &files.0)).and_then(
                |release| Some((release.clone(), recipe_of(&release)?, PathBuf::from("/"))),
            ),
        };
        if let Some((key, recipe, folder)) = source {
            if !archives.contains_key(&key) {
                let names = names(session, &recipe, &folder, freshness)?;
                archives.insert(key.clone(), names.map(Arc::new));
            }
            known.names.clone_from(&archives[&key]);
        }
        knowledge.images.insert(image.clone(), known);
    }
    Ok(knowledge)
}

fn read_recipe(path: &Path) -> Result<(String, Recipe, PathBuf), Error> {
    let file = crate::base::read_recipe(path)?;
    Ok((path.display().to_string(), file.recipe, file.folder))
}

/// The names that a recipe's suites have; `None` with a warning where they cannot be had.
fn names(
    session: &Session<'_>,
    recipe: &Recipe,
    folder: &Path,
    freshness: Freshness,
) -> Result<Option<Names>, Error> {
    let options = sealift_debian::Options {
        platform: Platform::host(),
        now: jiff::Timestamp::from_second(session.now_secs).unwrap_or(jiff::Timestamp::UNIX_EPOCH),
        source_date_epoch: session.source_date_epoch,
        freshness,
        folder,
    };
    let silent = &sealift_debian::Silent;
    let found = sealift_debian::names(
        recipe,
        &options,
        session.store,
        session.network,
        silent,
        session.cancel,
    );
    session.check()?;
    let warn = |text: String| session.observer.event(Event::Warning(text));
    match found {
        Ok((names, warnings)) => {
            warnings.into_iter().for_each(warn);
            Ok(Some(names))
        }
        Err(error) => {
            warn(format!("nothing is known of packages: {error}"));
            Ok(None)
        }
    }
}

/// The files of an image that is in the local store.
fn files(session: &Session<'_>, reference: &Reference) -> Option<(FileTree, Vec<String>)> {
    let reference = reference.clone().or_latest();
    session.store.resolve(&reference).ok()??;
    let read = || -> Result<(FileTree, Vec<String>), Error> {
        let opened = crate::open::open(session, &reference.familiar())?;
        let env = &opened.image.config.value().config.env;
        let path = env.iter().find_map(|pair| pair.strip_prefix("PATH="));
        // What Docker gives to an image that has none.
        let path = path.unwrap_or("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        let folders = path.split(':').map(str::to_owned).collect();
        Ok((crate::contents::read(session, &opened.image)?, folders))
    };
    match read() {
        Ok(found) => Some(found),
        Err(error) => {
            let text = format!("nothing is known of `{}`: {error}", reference.familiar());
            session.observer.event(Event::Warning(text));
            None
        }
    }
}

const DEBIAN: [(&str, &str); 4] =
    [("11", "bullseye"), ("12", "bookworm"), ("13", "trixie"), ("14", "forky")];
const UBUNTU: [(&str, &str); 4] =
    [("20.04", "focal"), ("22.04", "jammy"), ("24.04", "noble"), ("26.04", "resolute")];

/// The release that an image is made of: as its own files say, else as its name says.
fn release(reference: &Reference, files: Option<&FileTree>) -> Option<String> {
    if let Some(files) = files {
        let read = |path: &str| files.read(&RelativePath::parse(path.as_bytes()).ok()?);
        let text = read("etc/os-release").or_else(|| read("usr/lib/os-release"))?;
        let text = String::from_utf8_lossy(text);
        let line = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="))?;
        return Some(line.trim_matches(['"', '\'']).to_owned());
    }
    let tag = reference.tag().unwrap_or("");
    let named = |(_, name): &&(&str, &str)| tag.split('-').any(|part| part == *name);
    let short = reference.repository().rsplit('/').next().unwrap_or("");
    let number = tag.split('-').next().unwrap_or("");
    let numbered = |list: &[(&str, &str)]| {
        let found =
            list.iter().find(|(it, _)| number == *it || number.starts_with(&format!("{it}.")));
        found.map(|(_, name)| (*name).to_owned())
    };
    let all = || DEBIAN.iter().chain(&UBUNTU);
    all().find(named).map(|(_, name)| (*name).to_owned()).or_else(|| match short {
        "debian" => numbered(&DEBIAN),
        "ubuntu" => numbered(&UBUNTU),
        _ => None,
    })
}

/// Where a release's packages are, as its images have it.
fn recipe_of(release: &str) -> Option<Recipe> {
    let source = |url: &str, suites: &[String], rest: &str| {
        format!("[[source]]\nurl = \"{url}\"\nsuites = {suites:?}\n{rest}")
    };
    let text = if DEBIAN.iter().any(|(_, name)| *name == release) {
        let main = [release.to_owned(), format!("{release}-updates")];
        source("http://deb.debian.org/debian", &main, "")
            + &source("http://deb.debian.org/debian-security", &[format!("{release}-security")], "")
    } else if UBUNTU.iter().any(|(_, name)| *name == release) {
        let suites = ["", "-updates", "-security"].map(|end| format!("{release}{end}"));
        let rest = "components = [\"main\", \"restricted\", \"universe\", \"multiverse\"]\n\
                    keyring = \"/usr/share/keyrings/ubuntu-archive-keyring.gpg\"\n";
        source("http://archive.ubuntu.com/ubuntu", &suites, rest)
    } else {
        return None;
    };
    Recipe::parse(&format!("packages = [\"base-files\"]\n{text}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(image: &str, expected: Option<&str>) {
        assert_eq!(
            release(&Reference::parse(image).unwrap(), None).as_deref(),
            expected,
            "{image}"
        );
    }

    #[test]
    fn names_tell_the_release() {
        check("debian:12", Some("bookworm"));
        check("debian:13.1-slim", Some("trixie"));
        check("python:3.11-slim-bookworm", Some("bookworm"));
        check("ubuntu:24.04", Some("noble"));
        check("registry.corp/node:22-trixie", Some("trixie"));
        check("python:3.11-slim", None);
        check("postgres:12", None);
        check("ubuntu", None);
    }

    #[test]
    fn releases_have_an_archive() {
        for (_, name) in DEBIAN.iter().chain(&UBUNTU) {
            assert!(recipe_of(name).is_some(), "{name}");
        }
        assert!(recipe_of("edge").is_none());
    }
}
