//! `secrets`

use std::path::PathBuf;

use clap::Args;

use super::{PlatformOptions, SecretOptions};

/// `secrets`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift secrets                            the folder that you are in
  sealift secrets --git-history .            and every version of every file that its repository has
  sealift secrets app:1.0 --dockerfile Dockerfile
  sealift secrets . -f baseline -o known.json     then --secret-baseline known.json
  sealift secrets --git-history . -f sarif -o secrets.sarif

An image by any name that `sealift scan` takes, a folder, an archive. Formats are those of `sealift scan`; docs/secrets.md.
Exit code 1 if a secret is at or above `--fail-on`.")]
pub struct Secrets {
    /// Folder, image or archive
    #[arg(value_name = "TARGET", default_value = ".")]
    pub target: String,
    /// The history of the folder's Git repository too, also what no branch has any more
    #[arg(long)]
    pub git_history: bool,
    #[command(flatten)]
    pub platform: PlatformOptions,
    #[command(flatten)]
    pub rules: SecretOptions,
    /// Severities to report, `CRITICAL,HIGH` [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub severity: Vec<String>,
    /// Least severity that fails: critical, high, medium, low, or never [default: every secret]
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<String>,
    /// The Dockerfile that the image was built by: secrets are led back to its lines
    #[arg(long, value_name = "FILE")]
    pub dockerfile: Option<PathBuf>,
    /// Format of what is written to stdout, or to the file of `-o FILE` [default: table]
    #[arg(short, long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Write a report to a file: FILE, or FORMAT=FILE (repeatable; FORMAT alone: to stdout)
    #[arg(short, long, value_name = "[FORMAT=]FILE")]
    pub output: Vec<String>,
    /// Template for `-f template`: `@FILE`, or the text itself
    #[arg(short, long, value_name = "TEMPLATE")]
    pub template: Option<String>,
}
