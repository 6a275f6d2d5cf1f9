//! What the caller hands in and gets back.

use std::path::PathBuf;
use std::time::Duration;

use sealift_image::Image;
use sealift_oci::{Descriptor, Digest, ImageConfig, Manifest, Platform, Raw, Reference};

/// A build to be done.
#[derive(Clone, Debug)]
pub struct Request {
    /// Folder that `COPY` and `ADD` read from.
    pub context: PathBuf,
    /// Where the Dockerfile lies; `<this>.dockerignore` has precedence over the context's `.dockerignore`.
    pub dockerfile_path: PathBuf,
    /// Text of the Dockerfile.
    pub dockerfile: String,
    /// Stage to build, by name or number; the last one by default.
    pub target: Option<String>,
    /// Values of `ARG`s; `None` takes none and is there for callers that read it from elsewhere.
    pub build_args: Vec<(String, Option<String>)>,
    /// Labels to set on top of the Dockerfile's.
    pub labels: Vec<(String, String)>,
    /// Platform of the image.
    pub platform: Platform,
    /// Certificate authorities for `RUN` steps, PEM. It leaves no trace in image, history or cache key.
    pub ca_bundle: Option<PathBuf>,
    /// Files for `RUN --mount=type=secret`, by id.
    pub secrets: Vec<(String, PathBuf)>,
    /// Run every step again.
    pub no_cache: bool,
    /// Clamps every time in the image to this one, in seconds since 1970.
    pub source_date_epoch: Option<i64>,
    /// Network of `RUN` steps that do not name one.
    pub network: Network,
}

/// Network of a `RUN` step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Network {
    /// The host's network.
    #[default]
    Host,
    /// A loopback device only.
    None,
}

/// Finds the images that `FROM` and `--from` name.
pub trait BaseImages: Sync {
    /// The image for a platform.
    fn base(&self, reference: &Reference, platform: &Platform) -> Result<Image, BaseError>;
}

/// Why a base image cannot be had.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot get the base image `{reference}`: {reason}")]
pub struct BaseError {
    /// The image, as the Dockerfile names it.
    pub reference: String,
    /// Why not.
    pub reason: String,
    /// What the user can do about it.
    pub hint: Option<String>,
}

/// Hears what the build does. Stages run in parallel, so calls come from several threads.
pub trait Observer: Sync {
    /// Something happened.
    fn event(&self, event: Event);
}

/// An observer that hears nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _: Event) {}
}

/// Which step of which stage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StepId {
    /// Number of the stage in the file, from 0.
    pub stage: usize,
    /// Its name; its number if it has none.
    pub stage_name: String,
    /// Number of the step in the stage, from 1.
    pub index: usize,
    /// Steps of the stage.
    pub total: usize,
}

/// Where a line of a step's output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// What a build tells while it goes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A stage begins.
    StageStarted {
        /// Number of the stage in the file, from 0.
        stage: usize,
        /// Its name; its number if it has none.
        name: String,
        /// What it starts from, as written.
        base: String,
        /// Number of its steps.
        steps: usize,
    },
    /// A layer of a base image is unpacked.
    BaseLayer {
        /// The image.
        image: String,
        /// Number of the layer, from 1.
        index: usize,
        /// Number of layers.
        total: usize,
        /// Compressed size.
        size_bytes: u64,
    },
    /// A step begins.
    StepStarted {
        /// Which.
        step: StepId,
        /// The instruction.
        text: String,
    },
    /// A step's result was in the cache.
    StepCached {
        /// Which.
        step: StepId,
    },
    /// A step has been executed.
    StepDone {
        /// Which.
        step: StepId,
        /// How long it took.
        duration: Duration,
    },
    /// A line that a `RUN` step wrote.
    Output {
        /// Which.
        step: StepId,
        /// To which stream.
        stream: Stream,
        /// The line, without its end.
        line: String,
    },
    /// A layer of the result was compressed.
    LayerPacked {
        /// Its digest.
        digest: Digest,
        /// Compressed size.
        size_bytes: u64,
    },
    /// Something that deserves attention and is no error.
    Warning {
        /// What.
        message: String,
    },
}

/// A finished build.
#[derive(Clone, Debug)]
pub struct Built {
    /// Points to the manifest in the store.
    pub descriptor: Descriptor,
    /// The manifest.
    pub manifest: Raw<Manifest>,
    /// The config.
    pub config: Raw<ImageConfig>,
    /// Every image that the build read, in the order of the file.
    pub bases: Vec<BaseUsed>,
    /// Number of steps of the stages that were needed.
    pub steps: usize,
    /// How many of them came from the cache.
    pub cached: usize,
}

/// An image that a build read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUsed {
    /// Its name, with defaults filled in.
    pub reference: Reference,
    /// Its name as the Dockerfile has it.
    pub name: String,
    /// Digest of its manifest.
    pub digest: Digest,
    /// True if the final image is built upon it.
    pub is_final_base: bool,
}
