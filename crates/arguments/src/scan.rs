//! `scan`, and the options that `ship` and `policy check` share with it.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::PlatformOptions;

/// What to match against and how to judge it; shared by `scan` and `ship`.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Scan options")]
pub struct ScanOptions {
    /// Advisories: a database, or OSV documents as a folder, a zip, or a mirror of the OSV bucket
    /// [default: the database of the local store]
    #[arg(long, value_name = "PATH", env = "SEALIFT_ADVISORIES", hide_env = true)]
    pub advisories: Option<PathBuf>,
    /// Refuse a database that was made longer ago, `48h` or `7d`, or a day ahead of the clock
    #[arg(long, value_name = "AGE", env = "SEALIFT_DB_MAX_AGE", hide_env = true)]
    pub db_max_age: Option<String>,
    /// Severities to report, `CRITICAL,HIGH` [default: all]
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        env = "SEALIFT_SEVERITY",
        hide_env = true
    )]
    pub severity: Vec<String>,
    /// Leave out what has no fix
    #[arg(long, env = "SEALIFT_IGNORE_UNFIXED", hide_env = true)]
    pub ignore_unfixed: bool,
    /// Leave out what has this said of a repair: affected, will_not_fix, fix_deferred, end_of_life,
    /// under_investigation, fixed
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        env = "SEALIFT_IGNORE_STATUS",
        hide_env = true
    )]
    pub ignore_status: Vec<String>,
    /// Report on packages too of which nothing ever runs: kernel headers, documentation
    #[arg(long, env = "SEALIFT_INCLUDE_NOT_RUNNING", hide_env = true)]
    pub include_not_running: bool,
    /// Judge packages too that a lock file or a manifest only names [default: for a folder that is no system, and for
    /// what an SBOM lists]
    #[arg(long, env = "SEALIFT_DECLARED", hide_env = true)]
    pub declared: bool,
    /// Which findings fail the gate: a severity and worse ones, an expression as
    /// `critical || kev || epss > 0.1`, or `never`
    #[arg(long, value_name = "EXPRESSION", env = "SEALIFT_FAIL_ON", hide_env = true)]
    pub fail_on: Option<String>,
    /// Fail if something could not be judged: no version, no advisories for it, an unknown release
    #[arg(long, env = "SEALIFT_FAIL_ON_INCOMPLETE", hide_env = true)]
    pub fail_on_incomplete: bool,
    /// Order of the findings [default: package]
    #[arg(long, value_name = "ORDER", env = "SEALIFT_SORT", hide_env = true)]
    pub sort: Option<ScanOrder>,
    /// Ignore file, ours or of trivy, grype, osv-scanner (repeatable) [default: .trivyignore, .trivyignore.yaml,
    /// .grype.yaml, osv-scanner.toml and .sealift-ignore.toml, where they are in the folder]
    #[arg(
        long = "ignorefile",
        value_name = "FILE",
        env = "SEALIFT_IGNOREFILE",
        hide_env = true,
        value_delimiter = ','
    )]
    pub ignore_files: Vec<PathBuf>,
    /// Fail if an entry of an ignore file is over, or no finding asks for it
    #[arg(long, env = "SEALIFT_STRICT_IGNORES", hide_env = true)]
    pub strict_ignores: bool,
    /// VEX document, OpenVEX, CSAF or CycloneDX, or `oci`: those attached to the image (repeatable)
    #[arg(
        long,
        value_name = "FILE|oci",
        env = "SEALIFT_VEX",
        hide_env = true,
        value_delimiter = ','
    )]
    pub vex: Vec<PathBuf>,
    /// Public key whose VEX attestations count (repeatable) [default: those that `verify` trusts]
    #[arg(
        long = "vex-key",
        value_name = "FILE",
        env = "SEALIFT_VEX_KEY",
        hide_env = true,
        value_delimiter = ','
    )]
    pub vex_keys: Vec<PathBuf>,
}

/// What to look for secrets by; shared by `scan` and `ship`.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Secret options")]
pub struct SecretOptions {
    /// Rules for secrets, in gitleaks' TOML
    #[arg(long, value_name = "FILE", env = "SEALIFT_SECRET_CONFIG", hide_env = true)]
    pub secret_config: Option<PathBuf>,
    /// Secrets that are known: a baseline that `-f baseline` wrote, gitleaks' report in JSON or .gitleaksignore
    /// (repeatable)
    #[arg(
        long = "secret-baseline",
        value_name = "FILE",
        env = "SEALIFT_SECRET_BASELINE",
        hide_env = true,
        value_delimiter = ','
    )]
    pub secret_baselines: Vec<PathBuf>,
}

/// What to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scanner {
    /// Known vulnerabilities of packages.
    #[value(alias = "vulnerability", alias = "vulnerabilities")]
    Vuln,
    /// Secrets: in every layer, also in files that a later one deletes, in the config and in the history.
    #[value(alias = "secrets")]
    Secret,
}

/// An order of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ScanOrder {
    /// By package.
    Package,
    /// Most urgent first: exploited, then likely to be and bad.
    Risk,
}

/// `scan`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift scan secure-app:1.0.0 --advisories osv/
  sealift scan app:latest --severity CRITICAL,HIGH --ignore-unfixed --exit-code 1
  sealift scan -f json -o report.json oci-dir:layout:app
  sealift scan app:latest -o sarif=app.sarif -o gitlab=gl-container-scanning-report.json -o table
  sealift scan app:latest -f template -t @html.tpl -o report.html   a template written for trivy
  sealift scan --platform linux/arm64 registry.example.com/team/app:1.0
  sealift scan ./app.cdx.json             an SBOM, an archive or a folder: what lies there
  sealift scan app:2 --compare-to app:1   what was fixed, what is left, what is new
  sealift scan app:2 --base python:3.11-slim --try-base python:3.12-slim
  sealift scan --running --severity CRITICAL,HIGH -o table -o json=running.json
  sealift scan app:2 --baseline last.json --only-new --fail-on high
  sealift scan app:2 --explain CVE-2024-2961
  sealift scan --scanners secret app:2    in every layer, also in files that a later one deletes
  sealift scan --scanners vuln,secret app:2 --dockerfile Dockerfile --exit-code 1
  sealift scan --scanners secret ./src -f baseline -o known.json   then --secret-baseline known.json
  sealift scan app:2 --sort risk --fail-on 'critical && fixable || kev || epss > 10%'

Formats: table, json (trivy's shape), sarif, gitlab, gitlab-secrets, gitlab-codequality, junit, markdown, csv, html,
baseline, openvex, cosign-vuln, cyclonedx, spdx, spdx-json, github, grype-json, asff, template. docs/reports.md says what each is for.")]
pub struct Scan {
    /// Image
    #[arg(required_unless_present = "running")]
    pub image: Option<String>,
    /// Scan all that runs here: containers of Docker, Podman and containerd, and processes with a root of their own;
    /// the name of each stands in the name of its report, `report.web.json`
    #[arg(long, conflicts_with_all = ["image", "compare_to", "baseline"])]
    pub running: bool,
    #[command(flatten)]
    pub platform: PlatformOptions,
    #[command(flatten)]
    pub options: ScanOptions,
    /// What to look for
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "vuln",
        env = "SEALIFT_SCANNERS",
        hide_env = true
    )]
    pub scanners: Vec<Scanner>,
    #[command(flatten)]
    pub secrets: SecretOptions,
    /// The Dockerfile that the image was built by: secrets are led back to its lines
    #[arg(long, value_name = "FILE")]
    pub dockerfile: Option<PathBuf>,
    /// Format of what is written to stdout, or to the file of `-o FILE` [default: table]
    #[arg(short, long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Write a report to a file: FILE, or FORMAT=FILE (repeatable; FORMAT alone: to stdout)
    #[arg(short, long, value_name = "[FORMAT=]FILE")]
    pub output: Vec<String>,
    /// Template for `-f template`: `@FILE`, or the text itself; Go's with sprig's functions, or Jinja (`.j2`)
    #[arg(short, long, value_name = "TEMPLATE")]
    pub template: Option<String>,
    /// List all packages too, in JSON and for templates
    #[arg(long)]
    pub list_all_pkgs: bool,
    /// Say what was fixed, what is left and what is new since this older image
    #[arg(long, value_name = "IMAGE", conflicts_with = "baseline")]
    pub compare_to: Option<String>,
    /// The same, since the scan that wrote this JSON report
    #[arg(long, value_name = "REPORT")]
    pub baseline: Option<PathBuf>,
    /// The image that this one was built upon [default: the one that its annotations name]
    #[arg(long, value_name = "IMAGE", conflicts_with = "running")]
    pub base: Option<String>,
    /// Say what this base would repair in the place of the one that it has (repeatable)
    #[arg(long, value_name = "IMAGE", value_delimiter = ',', conflicts_with = "running")]
    pub try_base: Vec<String>,
    /// Leave out what the older image or report has too; only what is new counts
    #[arg(long)]
    pub only_new: bool,
    /// Say of a flaw, by any of its ids, in which packages it is reported and why, and why not in others; with
    /// `-f json` for machines
    #[arg(long, value_name = "ID", conflicts_with_all = ["output", "running", "compare_to", "baseline"])]
    pub explain: Option<String>,
    /// Of packages with this name only, or built from a source of this name
    #[arg(long, value_name = "NAME", requires = "explain")]
    pub explain_package: Option<String>,
    /// Exit code when there are findings [default: 0, or 1 if --fail-on is set and met]
    #[arg(long, value_name = "CODE")]
    pub exit_code: Option<u8>,
    /// Exit code when the distribution's release is no longer supported [default: 0]
    #[arg(long, value_name = "CODE")]
    pub exit_on_eol: Option<u8>,
}
