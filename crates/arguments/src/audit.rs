//! `audit`

use clap::Args;

use super::PlatformOptions;

/// `audit`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift audit secure-app:1.0.0
  sealift audit -f json docker-archive:app.tar
  sealift audit -f sarif -o audit.sarif app:1.0 compose.yaml
  sealift audit --containers
  sealift audit compose.yaml --compliance cis-docker-5
  sealift audit deploy/ --compliance pss-restricted

An image by any name that `sealift scan` takes; what exists as a file or folder, and is no image, is linted.
Exit code 1 if a finding is at or above `--fail-on`, or with `--compliance` if a control fails.")]
pub struct Audit {
    /// Images, compose files, manifests, Dockerfiles, folders
    #[arg(value_name = "TARGET", required_unless_present = "containers")]
    pub targets: Vec<String>,
    /// The containers that run in Docker and Podman
    #[arg(long)]
    pub containers: bool,
    /// A report control by control: cis-docker-4, cis-docker-5, nsa-k8s, pss-baseline, pss-restricted
    #[arg(long, value_name = "NAME")]
    pub compliance: Option<String>,
    /// Rule that is off, by id, name or name elsewhere (repeatable)
    #[arg(long, value_name = "RULE")]
    pub ignore: Vec<String>,
    /// Least level that fails: error, warning, info, style, never [default: error]
    #[arg(long, value_name = "LEVEL")]
    pub fail_on: Option<String>,
    #[command(flatten)]
    pub platform: PlatformOptions,
    /// Format: table, text, tty, json, sarif, gitlab-codequality, checkstyle, github, junit [default: table]
    #[arg(short, long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Write the findings to a file: FILE, or FORMAT=FILE (repeatable)
    #[arg(short, long, value_name = "[FORMAT=]FILE")]
    pub output: Vec<String>,
}
