//! The command line. Every flag that a script may want to set has a variable `SEALIFT_…` beside it.
//!
//! Entry point: [`Arguments`], which clap fills.

#![allow(
    missing_docs,
    reason = "what stands above a field goes into the help, where groups of flags have no place"
)]

mod admit;
mod audit;
mod db;
mod judging;
mod late;
mod lint;
mod platform;
mod policy;
mod registry;
mod registry_access;
mod registry_config;
mod registry_keeping;
mod registry_serve;
mod sbom;
mod scan;
mod secrets;
mod sign;
mod trust;
mod trust_certificate;
mod trust_client;
mod trust_serve;
mod verify_blob;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use admit::{ADMIT_EXAMPLES, Admit, AdmitManifests, AdmitMode, AdmitServe};
pub use audit::Audit;
pub use db::{
    DB_EXAMPLES, Db, DbBuild, DbExplain, DbExport, DbFolder, DbImport, DbPush, DbSearch, DbStatus,
    DbUpdate,
};
pub use judging::{
    KeylessOptions, RevocationAdd, RevocationRenew, RevocationShow, ServerOptions, TrustMap,
    TrustMigrate, TrustPolicyCheck, TrustPolicyCommand, TrustPolicyImport, TrustRevocation,
};
pub use late::Late;
pub use lint::{Explain, FixTier, Lint, Lsp};
pub use platform::{PlatformOptions, platform};
pub use policy::{
    BundleOptions, InputShape, Policy, PolicyBuild, PolicyCheck, PolicyExplain, PolicyFormat,
    PolicyLint, PolicyOptions, PolicyPull, PolicyPush, PolicyShow, PolicyTest, TrialFormat,
};
pub use registry::{REGISTRY_EXAMPLES, Registry};
pub use registry_access::{
    RegistryCanI, RegistryCert, RegistryRobot, RegistryUser, RobotAdd, RobotList, RobotRemove,
    UserAdd,
};
pub use registry_config::{RegistryConfig, RegistryConfigCheck, RegistryConfigShow};
pub use registry_keeping::{
    RegistryBackup, RegistryGc, RegistryHistory, RegistryImport, RegistryLog, RegistryRebuild,
    RegistryRetain, RegistryScrub, RegistryStatistics, RegistryUndelete, Since, SourceKind,
    StorageOptions,
};
pub use registry_serve::RegistryServe;
pub use sbom::{
    Parties, Sbom, SbomAnalyze, SbomAttest, SbomCommand, SbomConvert, SbomDiff, SbomMerge,
    SbomScore, SbomValidate,
};
pub use scan::{Scan, ScanOptions, ScanOrder, Scanner, SecretOptions};
pub use secrets::Secrets;
pub use sign::{
    Attest, EnvelopeName, KeyOptions, NotationOptions, Sign, SignatureForm, SignatureKind,
    SigningOptions,
};
pub use verify_blob::VerifyBlob;

pub use trust::{TRUST_EXAMPLES, Trust};
pub use trust_certificate::{CertAdd, CertDelete, CertGenerate, CertList, StoreOptions, TrustCert};
pub use trust_client::{
    TrustChange, TrustDelegate, TrustDelegateAdd, TrustDelegateList, TrustDelegateRemove,
    TrustExport, TrustImport, TrustInit, TrustInspect, TrustKey, TrustKeyGenerate, TrustKeyKind,
    TrustKeyList, TrustKeyLoad, TrustLook, TrustPin, TrustRevoke, TrustRole, TrustRotate,
    TrustSecrets, TrustSign, TrustSigner, TrustSignerAdd, TrustSignerRemove, TrustWitness,
};
pub use trust_serve::{AccessOptions, TlsOptions, TrustServe};

/// Exit codes, shown by `--help`.
const AFTER_HELP: &str = "\
Examples:
  sealift ship examples/secure-app        lint, build, list, scan, judge, sign
  sealift verify secure-app:1.0.0         prove all of it again, offline
  sealift scan oci-dir:./layout:app       scan an image wherever it lies

Exit codes: 0 fine, 1 findings or a refused verdict, 2 usage, 3 could not do it,
4 verification refused, 130 interrupted.
Images: a name (local store, then Docker, then registry), store:, docker:, podman:, containerd:, registry:,
oci-dir:PATH[:NAME], oci-archive:PATH, docker-archive:PATH; for `sbom`, `scan` and `policy` also
a folder, dir:PATH, a tar of a root file system, rootfs:PATH, and an SBOM, sbom:PATH.
A path that begins with `./` or `/` is looked at to see which it is.";

const BASE_EXAMPLES: &str = "\
Examples:
  sealift base build examples/secure-app/bases/python.toml -t python:3.11-slim
  sealift base build --refresh base.toml -t debian-python:3.11";

const POLICY_EXAMPLES: &str = "\
Examples:
  sealift policy check secure-app:1.0.0 --policy policy/
  sealift policy test policy/ && sealift policy lint policy/
  sealift policy check --data environment=production --policy registry.rego app:latest";

const CONFIG_EXAMPLES: &str = "\
Examples:
  sealift config show
  sealift config show --origin";

/// Builds, inspects, seals and ships container images.
#[derive(Debug, Parser)]
#[command(name = "sealift", version, after_help = AFTER_HELP, subcommand_required = true)]
#[command(arg_required_else_help = true, disable_help_subcommand = false, max_term_width = 100)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        env = "SEALIFT_COLOR",
        hide_env = true
    )]
    pub color: ColorChoice,
    /// Print nothing but data and errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Print more: each instruction's output, what was cached, where time went
    #[arg(short, long, global = true, conflicts_with = "quiet")]
    pub verbose: bool,
    /// No moving lines
    #[arg(long, global = true, env = "SEALIFT_NO_PROGRESS", hide_env = true)]
    pub no_progress: bool,
    /// Folder of the local store [default: ~/.local/share/sealift]
    #[arg(long, global = true, value_name = "DIR", env = "SEALIFT_STORE", hide_env = true)]
    pub store: Option<PathBuf>,
    /// Project file [default: sealift.toml in the folder or above it]
    #[arg(long, global = true, value_name = "FILE", env = "SEALIFT_CONFIG", hide_env = true)]
    pub config: Option<PathBuf>,
    /// Certificate authorities for registries and archives, PEM [default: the system's]
    #[arg(long, global = true, value_name = "FILE", env = "SEALIFT_REGISTRY_CA", hide_env = true)]
    pub registry_ca: Option<PathBuf>,
    /// Speak plain HTTP to this registry (repeatable)
    #[arg(
        long,
        global = true,
        value_name = "HOST",
        env = "SEALIFT_PLAIN_HTTP",
        hide_env = true,
        value_delimiter = ','
    )]
    pub plain_http: Vec<String>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole job: lint, base, build, SBOM, scan, policy, sign, push
    Ship(Late<Ship>),
    /// Prove an image again: signature, attestations, policy, every byte
    Verify(Late<Verify>),
    /// Prove a file by its sigstore bundle, with a key or an identity, offline
    VerifyBlob(Late<VerifyBlob>),
    /// Find mistakes in Dockerfiles, compose files and Kubernetes manifests
    Lint(Late<Lint>),
    /// Find what images, containers and manifests allow that they should not
    Audit(Late<Audit>),
    /// Explain a rule: what is wrong, why, and what to write instead
    Explain(Explain),
    /// Talk to an editor: findings while one types, fixes, explanations
    Lsp(Lsp),
    /// Base images from Debian's packages
    #[command(subcommand, after_help = BASE_EXAMPLES)]
    Base(Base),
    /// Build an image from a Dockerfile, without a daemon
    Build(Late<Build>),
    /// List what is inside an image (SPDX, CycloneDX)
    Sbom(Late<Sbom>),
    /// Match what is inside an image against advisories
    Scan(Late<Scan>),
    /// Find secrets in a folder, an image, or the history of a repository
    Secrets(Late<Secrets>),
    /// The database of advisories
    #[command(subcommand, after_help = DB_EXAMPLES)]
    Db(Late<Db>),
    /// Judge images and configuration files by Rego policies; test, lint, explain, bundle them
    #[command(subcommand, after_help = POLICY_EXAMPLES)]
    Policy(Late<Policy>),
    /// Sign an image
    Sign(Late<Sign>),
    /// Attest something about an image: an SBOM, a report, provenance, any document
    Attest(Late<Attest>),
    /// Judge images for Kubernetes
    #[command(subcommand, after_help = ADMIT_EXAMPLES)]
    Admit(Late<Admit>),
    /// Docker Content Trust, trust policies, revocation lists, tag maps
    #[command(subcommand, after_help = TRUST_EXAMPLES)]
    Trust(Late<Trust>),
    /// Serve images, and everything about a server of them
    #[command(subcommand, after_help = REGISTRY_EXAMPLES)]
    Registry(Late<Registry>),
    /// Push an image with its signatures and attestations
    Push(Late<Push>),
    /// Pull an image with its signatures and attestations
    Pull(Late<Pull>),
    /// Write an image with its artifacts to a tar that docker, podman and skopeo load
    Save(Late<Save>),
    /// List the images in the local store
    Images(Images),
    /// Show an image's config, layers and artifacts
    Inspect(Late<Inspect>),
    /// Show the settings in force
    #[command(subcommand, after_help = CONFIG_EXAMPLES)]
    Config(Config),
    /// Print a page of the reference documentation, Markdown
    #[command(hide = true)]
    Reference(Reference),
}

/// `ship`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift ship examples/secure-app
  sealift ship --push registry.example.com/team/app:1.0 .
  sealift ship --no-cache -v .

A gate that fails stops the job with exit code 1; nothing after it runs, nothing is pushed.")]
pub struct Ship {
    /// Folder with the Dockerfile and sealift.toml
    #[arg(default_value = ".", value_name = "DIR")]
    pub folder: PathBuf,
    /// Push to this name when all gates have passed
    #[arg(long, value_name = "REFERENCE", env = "SEALIFT_PUSH", hide_env = true)]
    pub push: Option<String>,
    /// Write the vulnerability report here as JSON
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub build: BuildOptions,
    #[command(flatten)]
    pub scan: ScanOptions,
    #[command(flatten)]
    pub secrets: SecretOptions,
    #[command(flatten)]
    pub key: KeyOptions,
}

/// How to build; shared by `build` and `ship`.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Build options")]
pub struct BuildOptions {
    /// Name of the image (repeatable)
    #[arg(short = 't', long = "tag", value_name = "NAME")]
    pub tags: Vec<String>,
    /// Dockerfile [default: Dockerfile in the folder]
    #[arg(
        short = 'f',
        long = "file",
        value_name = "FILE",
        env = "SEALIFT_DOCKERFILE",
        hide_env = true
    )]
    pub dockerfile: Option<PathBuf>,
    /// Stage to build [default: the last]
    #[arg(long, value_name = "STAGE", env = "SEALIFT_TARGET", hide_env = true)]
    pub target: Option<String>,
    /// Value of an ARG, NAME=VALUE; without a value, this variable of the environment (repeatable)
    #[arg(long = "build-arg", value_name = "NAME[=VALUE]")]
    pub build_args: Vec<String>,
    /// Label of the image, NAME=VALUE (repeatable)
    #[arg(long = "label", value_name = "NAME=VALUE")]
    pub labels: Vec<String>,
    /// Certificate authorities for RUN steps: `host`, `none` or a PEM file; no trace stays in the image
    #[arg(long, value_name = "host|none|FILE", env = "SEALIFT_CA_BUNDLE", hide_env = true)]
    pub ca_bundle: Option<String>,
    /// Secret for RUN --mount=type=secret: id=NAME,src=FILE (repeatable)
    #[arg(long = "secret", value_name = "id=NAME,src=FILE")]
    pub secrets: Vec<String>,
    /// Do not use cached steps
    #[arg(long)]
    pub no_cache: bool,
    /// Look for newer base images and packages instead of using those at hand
    #[arg(long)]
    pub refresh: bool,
}

/// `build`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift build -t app:latest .
  sealift build -f Dockerfile.multistage --target builder -t app:builder .
  sealift build --build-arg VERSION=1.2 --secret id=token,src=token.txt -t app .")]
pub struct Build {
    /// Build context
    #[arg(default_value = ".", value_name = "CONTEXT")]
    pub context: PathBuf,
    #[command(flatten)]
    pub options: BuildOptions,
}

/// Text for people or JSON for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TextOrJson {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// `base`
#[derive(Debug, Subcommand)]
pub enum Base {
    /// Assemble a base image from a recipe
    Build(BaseBuild),
}

/// `base build`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift base build examples/secure-app/bases/python.toml -t python:3.11-slim
  sealift base build --refresh base.toml -t debian-python:3.11

The archive's signature, its indices and every package are checked; the same recipe and the same state of the
archive give the same digest.")]
pub struct BaseBuild {
    /// Recipe, TOML
    #[arg(value_name = "RECIPE")]
    pub recipe: PathBuf,
    /// Name of the image [default: the recipe's]
    #[arg(short = 't', long = "tag", value_name = "NAME")]
    pub tag: Option<String>,
    /// Ask the archive for its present state instead of using the state at hand
    #[arg(long)]
    pub refresh: bool,
    /// Use nothing but what was downloaded before
    #[arg(long, conflicts_with = "refresh")]
    pub offline: bool,
}

/// `verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift verify secure-app:1.0.0
  sealift verify --key ci.pub --policy policy/ registry.example.com/team/app:1.0
  sealift verify --policy trust.toml --explain registry.example.com/team/app:1.0
  sealift verify --signer release-team registry.example.com/team/app:1.0
  sealift verify --require signature,sbom,provenance oci-dir:layout:app

A trust policy (trust.toml; also trust-policy.json, notation's trustpolicy.json, containers' policy.json) says who must
have signed; without one the keys do. Altered bytes anywhere, a missing or foreign signature, a policy that refuses: exit
code 4.")]
pub struct Verify {
    /// Image
    pub image: String,
    #[command(flatten)]
    pub platform: PlatformOptions,
    /// Public key to trust (repeatable) [default: all of ~/.config/sealift/keys]
    #[arg(long = "key", value_name = "FILE", env = "SEALIFT_VERIFY_KEY", hide_env = true)]
    pub keys: Vec<PathBuf>,
    /// A signer of the trust policy who must have signed
    #[arg(long, value_name = "NAME", env = "SEALIFT_SIGNER", hide_env = true)]
    pub signer: Option<String>,
    #[command(flatten)]
    pub server: ServerOptions,
    #[command(flatten)]
    pub keyless: KeylessOptions,
    /// Print the whole proof: which rule, signer, key, time and artifact decided
    #[arg(long)]
    pub explain: bool,
    /// Use the local store and files only
    #[arg(long)]
    pub offline: bool,
    /// Hash all layers again, also those that nobody touched since they were hashed
    #[arg(long)]
    pub rehash: bool,
    /// What must be proved: signature, sbom, vulnerabilities, policy, provenance [default: all; with a trust policy what it says]
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        env = "SEALIFT_REQUIRE",
        hide_env = true
    )]
    pub require: Vec<String>,
    #[command(flatten)]
    pub policy: PolicyOptions,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `push`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift push registry.example.com/team/app:1.0
  sealift push secure-app:1.0.0 localhost:5000/secure-app:1.0.0")]
pub struct Push {
    /// Image in the local store, or in a layout or archive
    pub image: String,
    /// Where to [default: the image's own name]
    pub destination: Option<String>,
}

/// `pull`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift pull registry.example.com/team/app:1.0
  sealift pull localhost:5000/app@sha256:…
  sealift pull --policy pack:strict --key ci.pub registry.example.com/team/app:1.0
  sealift pull --policy trust.toml registry.example.com/team/app:1.0

With `--policy` the image gets its name in the store only if the policies admit it; exit code 1 otherwise, and 4 if a
trust policy refuses it. With a trust policy the name is resolved once, and all else goes by digest.")]
pub struct Pull {
    /// Image in a registry
    pub image: String,
    #[command(flatten)]
    pub policy: PolicyOptions,
    #[command(flatten)]
    pub scan: ScanOptions,
    /// Public key whose signatures count as verified (repeatable) [default: all of the key folder]
    #[arg(long = "key", value_name = "FILE", env = "SEALIFT_VERIFY_KEY", hide_env = true)]
    pub keys: Vec<PathBuf>,
    /// A signer of the trust policy who must have signed
    #[arg(long, value_name = "NAME", env = "SEALIFT_SIGNER", hide_env = true)]
    pub signer: Option<String>,
    #[command(flatten)]
    pub server: ServerOptions,
    /// Print the whole proof of the trust policy
    #[arg(long)]
    pub explain: bool,
}

/// `save`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift save secure-app:1.0.0 -o app.tar && docker load -i app.tar
  sealift save secure-app:1.0.0 -o app.tar && skopeo inspect oci-archive:app.tar:secure-app:1.0.0")]
pub struct Save {
    /// Image
    pub image: String,
    /// The archive to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// `images`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift images
  sealift images --format json")]
pub struct Images {
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `inspect`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift inspect secure-app:1.0.0
  sealift inspect --layers secure-app:1.0.0
  sealift inspect --format json docker-archive:app.tar
  sealift inspect --platform linux/arm64 oci-dir:layout:app")]
pub struct Inspect {
    /// Image
    pub image: String,
    #[command(flatten)]
    pub platform: PlatformOptions,
    /// Read the layers: size by layer and folder, wasted bytes
    #[arg(long)]
    pub layers: bool,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `config`
#[derive(Debug, Subcommand)]
pub enum Config {
    /// Print every setting and its value
    #[command(after_help = CONFIG_EXAMPLES)]
    Show(ConfigShow),
}

/// `config show`
#[derive(Debug, Args)]
pub struct ConfigShow {
    /// Say where each value comes from
    #[arg(long)]
    pub origin: bool,
}

/// `reference`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift reference commands
  sealift reference rules > docs/rules.md")]
pub struct Reference {
    /// The page
    pub page: Page,
}

/// A page of the reference documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Page {
    /// The commands and their flags.
    Commands,
    /// The keys of sealift.toml.
    Configuration,
    /// The rules of `lint`.
    Rules,
    /// What `sbom` and `scan` find in images.
    Catalogers,
    /// What policies see of images.
    Facts,
}
