//! The command lines of `policy`, and the options that `verify` and `pull` share with it.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{KeyOptions, PlatformOptions, ScanOptions, TextOrJson};

/// `policy`
#[derive(Debug, Subcommand)]
pub enum Policy {
    /// Judge images, or configuration files as conftest does
    Check(PolicyCheck),
    /// Run the tests of policies
    Test(PolicyTest),
    /// Find rules that can never fire, facts that do not exist, and what nothing uses
    Lint(PolicyLint),
    /// Say of each rule whether it fired, and at which line it stopped
    Explain(PolicyExplain),
    /// Make a bundle of policies and data, as OPA reads it
    Build(PolicyBuild),
    /// Sign a bundle and send it to a registry
    Push(PolicyPush),
    /// Bring a bundle from a registry, if a trusted key has signed it
    Pull(PolicyPull),
    /// List the policies that come with the program
    #[command(after_help = "\
Examples:
  sealift policy packs
  sealift policy packs | grep slsa")]
    Packs,
    /// Show one of them
    Show(PolicyShow),
    /// Print the JSON schema of what policies see of an image
    #[command(after_help = "\
Examples:
  sealift policy schema
  sealift policy schema > facts.schema.json")]
    Schema,
}

/// Which policies; shared by `policy check`, `pull` and `verify`.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Policy options")]
pub struct PolicyOptions {
    /// Rego file, folder of them, bundle, `pack:NAME`, `oci://NAME` (repeatable) [default: [policy] files of sealift.toml]; for `verify` and `pull` also a trust policy
    #[arg(
        long = "policy",
        value_name = "PATH",
        env = "SEALIFT_POLICY",
        hide_env = true,
        value_delimiter = ','
    )]
    pub policies: Vec<PathBuf>,
    /// More for the policies (repeatable): NAME=VALUE of the input, or a file or folder that they see as `data`
    #[arg(long = "data", value_name = "NAME=VALUE|PATH")]
    pub data: Vec<String>,
    /// Rego package that judges (repeatable) [default: all; for files `main`, or else all]
    #[arg(short = 'n', long = "namespace", value_name = "PACKAGE")]
    pub namespaces: Vec<String>,
    /// Every package judges, also if there is one called `main`
    #[arg(long, conflicts_with = "namespaces")]
    pub all_namespaces: bool,
    /// File of exemptions: tables `[[exemption]]` with policy, owner, reason, expires (repeatable)
    #[arg(long = "exemptions", value_name = "FILE")]
    pub exemptions: Vec<PathBuf>,
}

/// `policy check`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift policy check secure-app:1.0.0 --policy policy/
  sealift policy check --data environment=production --policy registry.rego app:latest
  sealift policy check --policy pack:strict --data parameters.json app:1.0
  sealift policy check --show-input secure-app:1.0.0
  sealift policy check --policy policy/ k8s/*.yaml Dockerfile
  sealift policy check --policy policy/ -f sarif app:1.0 > policy.sarif
  sealift policy check --policy checks/ --input-shape trivy --all-namespaces Dockerfile

A target that is a Dockerfile or a YAML, JSON, TOML, INI, dotenv, properties or ignore file is judged as conftest judges it.
Exit code 1: refused, or with `--fail-on-warn` warned of.")]
pub struct PolicyCheck {
    /// Images, or configuration files; `-` with `--parser` for stdin
    #[arg(required = true, value_name = "TARGET")]
    pub targets: Vec<String>,
    #[command(flatten)]
    pub platform: PlatformOptions,
    #[command(flatten)]
    pub policy: PolicyOptions,
    #[command(flatten)]
    pub scan: ScanOptions,
    /// Public key whose signatures count as verified (repeatable) [default: all of the key folder]
    #[arg(long = "key", value_name = "FILE", env = "SEALIFT_VERIFY_KEY", hide_env = true)]
    pub keys: Vec<PathBuf>,
    /// Read files as: dockerfile, yaml, json, jsonc, toml, ini, dotenv, properties, ignore, spdx, cyclonedx
    #[arg(long, value_name = "NAME")]
    pub parser: Option<String>,
    /// Whose policies on Dockerfiles they are
    #[arg(long, value_name = "TOOL", default_value = "conftest")]
    pub input_shape: InputShape,
    /// Judge all files as one input, a list of `path` and `contents`
    #[arg(long)]
    pub combine: bool,
    /// Warnings fail too
    #[arg(long)]
    pub fail_on_warn: bool,
    /// Print the document that the policies judge, secrets masked, and do nothing else
    #[arg(long)]
    pub show_input: bool,
    /// Output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: PolicyFormat,
}

/// The shape of a Dockerfile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputShape {
    /// A list of `{Cmd, Flags, JSON, Stage, SubCmd, Value}`.
    Conftest,
    /// `{Stages: [{Name, Commands: […]}]}`.
    Trivy,
}

/// How results of tests are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TrialFormat {
    /// For people.
    Text,
    /// For machines.
    Json,
    /// For test reports.
    Junit,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyFormat {
    /// For people.
    Text,
    /// For machines; of files in the shape of conftest's.
    Json,
    /// For test reports.
    Junit,
    /// For services that show findings.
    Sarif,
    /// Annotations of GitHub's workflows.
    Github,
}

/// `policy test`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift policy test policy/
  sealift policy test --coverage 80 --run '^main\\.test_root' policy/
  sealift policy test -f junit policy/ > tests.xml")]
pub struct PolicyTest {
    /// Rego files, and folders of them
    #[arg(default_value = "policy", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// File or folder that the policies see as `data` (repeatable)
    #[arg(long = "data", value_name = "PATH")]
    pub data: Vec<PathBuf>,
    /// Only tests whose PACKAGE.NAME this regular expression finds
    #[arg(short = 'r', long, value_name = "REGEX")]
    pub run: Option<String>,
    /// Say which lines are not tested, and fail below so many percent of them
    #[arg(long, value_name = "PERCENT", num_args = 0..=1, default_missing_value = "0")]
    pub coverage: Option<f64>,
    /// Output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: TrialFormat,
}

/// `policy lint`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift policy lint policy/
  sealift policy lint --data team=x --fail-on info registry.rego")]
pub struct PolicyLint {
    /// Rego files, folders, bundles, packs
    #[arg(default_value = "policy", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// A name of the input that is no fact (repeatable), as `policy check --data` gives it
    #[arg(long = "data", value_name = "NAME[=VALUE]")]
    pub data: Vec<String>,
    /// Least level that fails: error, warning, info, or never
    #[arg(long, value_name = "LEVEL", default_value = "warning")]
    pub fail_on: String,
    /// Output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `policy explain`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift policy explain --policy registry.rego app:latest
  sealift policy explain --policy policy/ Dockerfile")]
pub struct PolicyExplain {
    /// Image, or configuration file
    pub target: String,
    #[command(flatten)]
    pub platform: PlatformOptions,
    #[command(flatten)]
    pub policy: PolicyOptions,
    #[command(flatten)]
    pub scan: ScanOptions,
    /// Public key whose signatures count as verified (repeatable) [default: all of the key folder]
    #[arg(long = "key", value_name = "FILE", env = "SEALIFT_VERIFY_KEY", hide_env = true)]
    pub keys: Vec<PathBuf>,
    /// Read files as, see `policy check`
    #[arg(long, value_name = "NAME")]
    pub parser: Option<String>,
    /// Whose policies on Dockerfiles they are
    #[arg(long, value_name = "TOOL", default_value = "conftest")]
    pub input_shape: InputShape,
    /// Output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// What goes into a bundle.
#[derive(Debug, Args)]
pub struct BundleOptions {
    /// Rego files, and folders of them; tests are left out
    #[arg(default_value = "policy", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// File or folder that the policies see as `data` (repeatable)
    #[arg(long = "data", value_name = "PATH")]
    pub data: Vec<PathBuf>,
    /// What this state is called, `1.4` or a commit
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub revision: String,
    /// Path that is the bundle's (repeatable), `docker/image` [default: everything]
    #[arg(long = "root", value_name = "PATH")]
    pub roots: Vec<String>,
}

/// `policy build`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift policy build policy/
  sealift policy build -o bundle.tar.gz policy/ --data data/ --revision 1.4")]
pub struct PolicyBuild {
    #[command(flatten)]
    pub bundle: BundleOptions,
    /// The bundle
    #[arg(short, long, value_name = "FILE", default_value = "bundle.tar.gz")]
    pub output: PathBuf,
}

/// `policy push`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift policy push localhost:5000/policies/images:1.4 policy/
  sealift policy push registry.example.com/policies/images:1.4 policy/ --key release.key")]
pub struct PolicyPush {
    /// Name in a registry
    pub name: String,
    #[command(flatten)]
    pub bundle: BundleOptions,
    #[command(flatten)]
    pub key: KeyOptions,
}

/// `policy pull`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift policy pull registry.example.com/policies/images:1.4
  sealift policy pull registry.example.com/policies/images:1.4 -o images.tar.gz --key release.pub
  sealift policy check --policy oci://registry.example.com/policies/images:1.4 app:1.0")]
pub struct PolicyPull {
    /// Name in a registry
    pub name: String,
    /// Public key to trust (repeatable) [default: all of ~/.config/sealift/keys]
    #[arg(long = "key", value_name = "FILE", env = "SEALIFT_VERIFY_KEY", hide_env = true)]
    pub keys: Vec<PathBuf>,
    /// The bundle
    #[arg(short, long, value_name = "FILE", default_value = "bundle.tar.gz")]
    pub output: PathBuf,
}

/// `policy show`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift policy show pack:baseline
  sealift policy show pack:cis > cis.rego")]
pub struct PolicyShow {
    /// `pack:NAME`
    pub pack: String,
}
