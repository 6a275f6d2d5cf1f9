//! The whole way from a recipe to an image in the store.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use jiff::Timestamp;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use sealift_oci::{Descriptor, Digest, Platform};
use sealift_store::Store;

use crate::cache::Cache;
use crate::fetch::{Event, Fetch, Progress};
use crate::index::{Candidate, Index, IndexText};
use crate::lay::{Unpacked, lay};
use crate::layer::{Facts, write_image, write_layer};
use crate::overlay::{self, Contents};
use crate::port::{Port, port};
use crate::resolve::{Resolution, Wanted, resolve};
use crate::suites::{Context, Suite, read_indices, verify_releases};
use crate::tree::{Spool, Tree};
use crate::{Error, Recipe, deb, download, remember, system, trim};

/// How to assemble.
#[derive(Clone, Debug)]
pub struct Options<'a> {
    /// Platform of the image.
    pub platform: Platform,
    /// The time, for the validity of signatures and archive states.
    pub now: Timestamp,
    /// Latest time that may stand in the image, and its time of creation; by default the archive state's date.
    pub source_date_epoch: Option<i64>,
    /// Whether to ask the archives.
    pub freshness: Freshness,
    /// Folder of the recipe; its relative paths start here.
    pub folder: &'a Path,
}

/// Whether to ask the archives for their state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Always: the newest packages.
    Refresh,
    /// Only if no state is in the cache or the one that is has expired.
    Cached,
    /// Never: what is in the cache must do. A state that has expired since is a warning.
    Offline,
}

/// An image in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembled {
    /// Descriptor of its manifest.
    pub descriptor: Descriptor,
    /// Digest of the recipe.
    pub recipe: Digest,
    /// What is installed, sorted by name.
    pub packages: Vec<InstalledPackage>,
    /// The archive state it was made from, in the recipe's order.
    pub suites: Vec<SuiteState>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// True if nothing had to be done: the same recipe and archive state had been assembled before.
    pub is_cached: bool,
}

/// A package in the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledPackage {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Debian's architecture.
    pub architecture: String,
    /// Bytes of its files in the image.
    pub size: u64,
}

/// State of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuiteState {
    /// The archive.
    pub url: String,
    /// The suite.
    pub suite: String,
    /// Date of the state, RFC 3339.
    pub date: String,
    /// Digest of its signed release file.
    pub digest: Digest,
}

/// Assembles a recipe's image from Debian's archives into the store. The caller gives it a name.
pub fn assemble(
    recipe: &Recipe,
    options: &Options<'_>,
    store: &Store,
    fetch: &dyn Fetch,
    progress: &dyn Progress,
    cancel: &AtomicBool,
) -> Result<Assembled, Error> {
    let port = port(&options.platform)?;
    let cache = Cache::open(store)?;
    let context = Context { options, cache: &cache, fetch, progress, cancel };
    let contents = Contents::read(recipe.body(), options.folder)?;
    let (suites, warnings) = verify_releases(&context, recipe)?;
    let created = creation_time(&suites, options.source_date_epoch);
    let states: Vec<SuiteState> = suites.iter().map(state).collect();

    let key = remember::key(recipe, options, &states, &contents);
    if let Some(mut assembled) = remember::recall(&cache, store, &key) {
        assembled.warnings.extend(warnings);
        return Ok(assembled);
    }

    let texts = read_indices(&context, &suites, port.architecture)?;
    let texts: Vec<IndexText<'_>> = texts
        .iter()
        .map(|index| IndexText { text: &index.text, what: &index.what, suite: index.suite })
        .collect();
    let index = Index::parse(&texts, port.architecture)?;
    let Resolution { candidates, warnings: resolver_warnings } =
        resolve(&index, &wanted(recipe, &port, &excluded(recipe)))?;
    let candidates: Vec<&Candidate<'_>> =
        candidates.iter().map(|place| &index.candidates[*place]).collect();
    download::fetch_packages(&context, &suites, &candidates)?;

    let (tree, packages, tree_warnings) =
        make_tree(&context, recipe, &port, &candidates, &contents)?;
    let layer = write_layer(&context, store, &tree, created)?;
    progress.event(Event::Layer { bytes: layer.descriptor.size });
    let archive = archive_text(&states);
    let facts = Facts {
        body: recipe.body(),
        recipe: recipe.digest(),
        platform: &options.platform,
        created,
        archive: &archive,
    };
    let mut assembled = Assembled {
        descriptor: write_image(store, &layer, &facts)?,
        recipe: recipe.digest().clone(),
        packages,
        suites: states,
        warnings: [resolver_warnings, tree_warnings].concat(),
        is_cached: false,
    };
    remember::remember(&cache, &key, &assembled)?;
    // How old the state is depends on the day, so it is not remembered.
    assembled.warnings.extend(warnings);
    Ok(assembled)
}

fn wanted<'r>(recipe: &'r Recipe, port: &Port, exclude: &'r BTreeSet<String>) -> Wanted<'r> {
    let body = recipe.body();
    Wanted {
        packages: &body.packages,
        exclude,
        recommends: body.recommends,
        essential: body.essential,
        architecture: port.architecture,
    }
}

// `usrmerge` merges `/usr` of a running system; here it is merged from the start, which `usr-is-merged` stands for.
fn excluded(recipe: &Recipe) -> BTreeSet<String> {
    let body = recipe.body();
    let mut exclude = body.exclude.clone();
    if body.packages.iter().all(|request| request.name != "usrmerge") {
        exclude.insert("usrmerge".to_owned());
    }
    exclude
}

fn make_tree(
    context: &Context<'_>,
    recipe: &Recipe,
    port: &Port,
    candidates: &[&Candidate<'_>],
    contents: &Contents,
) -> Result<(Tree, Vec<InstalledPackage>, Vec<String>), Error> {
    let body = recipe.body();
    let mut packages = unpack(context, recipe, candidates)?;
    let mut tree = lay(&mut packages, port.architecture)?;
    overlay::lay_over(&mut tree, body, contents)?;
    system::complete(&mut tree);
    let mut warnings: Vec<String> = system::accounts::add_accounts(&mut tree, &body.users)
        .into_iter()
        .map(|clash| format!("{clash}; the recipe's is left out"))
        .collect();
    system::certificates::add_certificates(&mut tree);
    warnings.extend(overlay::remove(&mut tree, body));
    system::linker_cache::add_linker_cache(&mut tree, port.abi, port.multiarch);
    system::database::add_database(&mut tree, &packages, body.database);
    warnings.extend(overlay::dangling(&tree, body));
    for path in ["etc/os-release", "etc/debian_version"] {
        if tree.read(path).is_none() {
            warnings.push(format!("there is no `/{path}`; add the package `base-files`"));
        }
    }
    let installed = installed(&tree, candidates);
    Ok((tree, installed, warnings))
}

fn unpack<'a>(
    context: &Context<'_>,
    recipe: &Recipe,
    candidates: &[&Candidate<'a>],
) -> Result<Vec<Unpacked<'a>>, Error> {
    let spool = Spool::create(context.cache.root()).map_err(Error::Temporary)?;
    let wants = |path: &_| trim::wants(path, recipe.body());
    let results: Vec<Result<Unpacked<'a>, Error>> = candidates
        .par_iter()
        .map(|candidate| {
            context.check_cancel()?;
            let deb = read_checked(context, candidate, &spool, &wants)?;
            context.progress.event(Event::Unpacked { package: candidate.name });
            Ok(Unpacked { candidate: (*candidate).clone(), deb })
        })
        .collect();
    results.into_iter().collect()
}

// A package in the cache may have rotted since it was fetched.
fn read_checked(
    context: &Context<'_>,
    candidate: &Candidate<'_>,
    spool: &Spool,
    wants: &dyn Fn(&sealift_archive::RelativePath) -> bool,
) -> Result<deb::Deb, Error> {
    let path = context.cache.package(&candidate.digest);
    let read_error = |source| Error::ReadFile { path: path.clone(), source };
    let bytes = std::fs::read(&path).map_err(read_error)?;
    if !candidate.digest.matches(&bytes) {
        let _ = std::fs::remove_file(&path);
        return Err(Error::WrongDigest {
            what: path.display().to_string(),
            expected: candidate.digest.clone(),
            actual: Digest::sha256(&bytes),
        });
    }
    deb::read(&bytes, candidate, spool, wants)
}

fn installed(tree: &Tree, candidates: &[&Candidate<'_>]) -> Vec<InstalledPackage> {
    let mut sizes = vec![0; candidates.len()];
    for (_, node) in tree.iter() {
        if let (Some(owner), crate::tree::Kind::File(body)) = (node.owner, &node.kind) {
            sizes[owner] += body.size();
        }
    }
    candidates
        .iter()
        .zip(sizes)
        .map(|(candidate, size)| InstalledPackage {
            name: candidate.name.to_owned(),
            version: candidate.version.to_owned(),
            architecture: candidate.architecture.to_owned(),
            size,
        })
        .collect()
}

fn state(suite: &Suite<'_>) -> SuiteState {
    SuiteState {
        url: suite.source.url.clone(),
        suite: suite.name.to_owned(),
        date: suite.release.date.to_string(),
        digest: suite.digest.clone(),
    }
}

fn archive_text(states: &[SuiteState]) -> String {
    let lines: Vec<String> = states
        .iter()
        .map(|state| format!("{} {} {} {}", state.url, state.suite, state.date, state.digest))
        .collect();
    lines.join("\n")
}

fn creation_time(suites: &[Suite<'_>], source_date_epoch: Option<i64>) -> Timestamp {
    let newest = suites.iter().map(|suite| suite.release.date).max().unwrap_or_default();
    source_date_epoch.and_then(|secs| Timestamp::from_second(secs).ok()).unwrap_or(newest)
}
