//! `sbom` and its commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{KeyOptions, PlatformOptions, TextOrJson};

/// `sbom`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
Examples:
  sealift sbom secure-app:1.0.0
  sealift sbom secure-app:1.0.0 -o spdx-json=app.spdx.json -o cyclonedx-json=app.cdx.json
  sealift sbom docker-archive:app.tar -o cyclonedx-json@1.5
  sealift sbom dir:./rootfs -o purls
  CONTAINERD_NAMESPACE=k8s.io sealift sbom containerd:registry.example.com/team/app:1.0
  sealift sbom rootfs:rootfs.tar.zst -o spdx-json
  sealift sbom --platform linux/arm64 registry.example.com/team/app:1.0
  sealift sbom --creator 'ACME <sbom@acme.example>' secure-app:1.0.0 -o spdx-json@3=app.spdx3.json
  sealift sbom secure-app:1.0.0 -o template=packages.csv -t csv.tmpl

Formats: table, text, purls, spdx-json@2.2,2.3,3.0.1, spdx-tag-value@2.1-2.3 (spdx),
cyclonedx-json@1.2-1.7, cyclonedx-xml@1.2-1.7 (cyclonedx), syft-json (json), github-json, template.
An image that is named as a command is: store:NAME.")]
pub struct Sbom {
    /// Image, folder (dir:PATH), root file system (rootfs:TAR) or SBOM (sbom:FILE)
    #[arg(required = true)]
    pub image: Option<String>,
    #[command(flatten)]
    pub platform: PlatformOptions,
    /// Format, and a file to write it to: FORMAT[@VERSION][=FILE] (repeatable) [default: table]
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<String>,
    /// Template for `-o template`: Go's text/template, or Jinja (`.j2`)
    #[arg(short, long, value_name = "FILE")]
    pub template: Option<PathBuf>,
    /// List packages too that a lock file or a test only names [default: lock files of a folder that is no system]
    #[arg(long)]
    pub declared: bool,
    #[command(flatten)]
    pub parties: Parties,
    #[command(subcommand)]
    pub command: Option<SbomCommand>,
}

/// Who stands behind a document.
#[derive(Debug, Args)]
pub struct Parties {
    /// Who answers for the document: `Name <mail or web address>`; a person as `Person: Name <mail>`
    #[arg(long, value_name = "NAME", env = "SEALIFT_SBOM_CREATOR", hide_env = true)]
    pub creator: Option<String>,
    /// Who supplies the image, in the same form [default: label org.opencontainers.image.vendor]
    #[arg(long, value_name = "NAME", env = "SEALIFT_SBOM_SUPPLIER", hide_env = true)]
    pub supplier: Option<String>,
}

/// What to do with documents that are there already.
#[derive(Debug, Subcommand)]
pub enum SbomCommand {
    /// Write an SBOM in another format
    Convert(SbomConvert),
    /// Compare two SBOMs
    Diff(SbomDiff),
    /// Join SBOMs into one
    Merge(SbomMerge),
    /// Check an SBOM against the rules of its format
    Validate(SbomValidate),
    /// Count what an SBOM lists, and what it lacks
    Analyze(SbomAnalyze),
    /// Judge how much of what authorities ask for an SBOM has
    Score(SbomScore),
    /// Sign an SBOM of an image and keep it beside the image
    Attest(SbomAttest),
}

/// `sbom convert`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift sbom convert app.cdx.json -o spdx-json
  sealift sbom convert app.syft.json -o cyclonedx=app.cdx.xml -o spdx=app.spdx

SPDX (tag-value, JSON), CycloneDX (JSON, XML) and syft's JSON are read; `-` is the standard input.")]
pub struct SbomConvert {
    /// SBOM
    pub file: PathBuf,
    /// Format, and a file to write it to: FORMAT[@VERSION][=FILE] (repeatable) [default: table]
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<String>,
    /// Template for `-o template`: Go's text/template, or Jinja (`.j2`)
    #[arg(short, long, value_name = "FILE")]
    pub template: Option<PathBuf>,
}

/// `sbom diff`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift sbom diff old.cdx.json new.cdx.json
  sealift sbom diff --format json --exit-code 1 old.spdx.json new.cdx.json")]
pub struct SbomDiff {
    /// SBOM to compare with
    pub old: PathBuf,
    /// SBOM to compare
    pub new: PathBuf,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
    /// Exit code when they differ [default: 0]
    #[arg(long, value_name = "CODE")]
    pub exit_code: Option<u8>,
}

/// `sbom merge`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift sbom merge front.cdx.json back.spdx.json -o cyclonedx-json=all.cdx.json
  sealift sbom merge --name shop front.cdx.json back.cdx.json -o spdx-json")]
pub struct SbomMerge {
    /// SBOMs
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Name of what they are about together [default: their names]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Format, and a file to write it to: FORMAT[@VERSION][=FILE] (repeatable) [default: table]
    #[arg(short, long, value_name = "FORMAT[=FILE]")]
    pub output: Vec<String>,
    /// Template for `-o template`: Go's text/template, or Jinja (`.j2`)
    #[arg(short, long, value_name = "FILE")]
    pub template: Option<PathBuf>,
}

/// `sbom validate`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift sbom validate app.spdx.json
  sealift sbom validate --format json app.cdx.xml

What is demanded, unique, or named must be there; the exit code is 1 if something is wrong.")]
pub struct SbomValidate {
    /// SBOM
    pub file: PathBuf,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `sbom analyze`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift sbom analyze app.cdx.json
  sealift sbom analyze --format json app.spdx.json")]
pub struct SbomAnalyze {
    /// SBOM
    pub file: PathBuf,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

/// `sbom score`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift sbom score app.cdx.json
  sealift sbom score --profile bsi --min 90 secure-app:1.0.0
  sealift sbom score --format json app.spdx.json

Profiles: ntia (NTIA 2021), bsi (BSI TR-03183-2), cisa (CISA 2025), fsct (CISA framing, third edition).
The exit code is 1 if a profile has fewer points than `--min`.")]
pub struct SbomScore {
    /// SBOM, or an image
    #[arg(value_name = "FILE|IMAGE")]
    pub input: String,
    /// Profile (repeatable) [default: all]
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
    /// Least points, 0 to 100, that each profile must have
    #[arg(long, value_name = "POINTS", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub min: Option<u8>,
    /// Output
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
    #[command(flatten)]
    pub parties: Parties,
}

/// `sbom attest`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift sbom attest secure-app:1.0.0
  sealift sbom attest --sbom app.cdx.json secure-app:1.0.0
  sealift sbom attest -o syft-json --key release.key secure-app:1.0.0

The attestation is an in-toto statement in a sigstore bundle, kept as a referrer of the image; `push` takes it along.")]
pub struct SbomAttest {
    /// Image in the local store
    pub image: String,
    /// SBOM of it: SPDX, CycloneDX or syft's, as JSON [default: one made now]
    #[arg(long, value_name = "FILE", conflicts_with = "output")]
    pub sbom: Option<PathBuf>,
    /// Format of what is made now: FORMAT[@VERSION] (repeatable) [default: spdx-json, cyclonedx-json]
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Vec<String>,
    #[command(flatten)]
    pub key: KeyOptions,
    #[command(flatten)]
    pub parties: Parties,
}
