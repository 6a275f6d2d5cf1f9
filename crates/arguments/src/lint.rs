//! The command lines of `lint`, `explain` and `lsp`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::TextOrJson;

/// `lint`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift lint Dockerfile
  sealift lint --fail-on warning --ignore DL3008 .
  sealift lint -f sarif -o lint.sarif services/*/Dockerfile
  sealift lint --edition 2026 'services/**/*.Dockerfile' - < Dockerfile
  sealift lint --fix Dockerfile                 mend what can be mended without any other change of the image
  sealift lint --fix=suggested --diff .         show what more can be mended, write nothing
  sealift lint --fix=suggested --verify .       build before and after, compare, then write
  sealift lint --fix - < Dockerfile             the mended text to stdout
  sealift lint --resolve --fix=suggested .      pin packages, base images and downloads to what they are now

Ignore a finding in the file with `# sealift: ignore=RULE` above the line; hadolint's and BuildKit's comments work too.")]
pub struct Lint {
    /// Dockerfiles, folders that have some, patterns, or `-` for stdin
    #[arg(default_value = ".", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Rule to leave out, by our id or hadolint's, trivy's, BuildKit's, checkov's (repeatable)
    #[arg(
        long,
        value_name = "RULE",
        value_delimiter = ',',
        env = "SEALIFT_LINT_IGNORE",
        hide_env = true
    )]
    pub ignore: Vec<String>,
    /// Least level that fails: error, warning, info, style, or never [default: error]
    #[arg(long, value_name = "LEVEL", env = "SEALIFT_LINT_FAIL_ON", hide_env = true)]
    pub fail_on: Option<String>,
    /// Rules in force: a year, or a version; newer rules say nothing [default: all]
    #[arg(long, value_name = "EDITION", env = "SEALIFT_LINT_EDITION", hide_env = true)]
    pub edition: Option<String>,
    /// Format: text, tty, json, sarif, gitlab-codequality, checkstyle, github, junit [default: text]
    #[arg(short, long, value_name = "FORMAT")]
    pub format: Option<String>,
    /// Write the findings to a file: FILE, or FORMAT=FILE (repeatable)
    #[arg(short, long, value_name = "[FORMAT=]FILE")]
    pub output: Vec<String>,
    /// Look names up: digests and platforms of base images, their packages in the archives' indices, their programs in
    /// the local store, and for fixes the checksums of files that `ADD` downloads
    #[arg(long)]
    pub resolve: bool,
    /// Mend the files: `safe` keeps what the image does, `suggested` may change it
    #[arg(
        long,
        value_name = "TIER",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "safe"
    )]
    pub fix: Option<FixTier>,
    /// Show what `--fix` would change as a patch, and write nothing
    #[arg(long)]
    pub diff: bool,
    /// With `--fix`: build before and after, compare, and write only if the mended file builds
    #[arg(long, requires = "fix", conflicts_with = "diff")]
    pub verify: bool,
}

/// How sure a fix must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FixTier {
    /// The image behaves the same, or is only smaller.
    Safe,
    /// It may behave differently: look at what changed.
    Suggested,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift explain DL3008
  sealift explain no-digest CKV_DOCKER_3
  sealift explain --format json")]
pub struct Explain {
    /// Rules, by our id or name, or by their name in other tools; none stands for a list of all
    #[arg(value_name = "RULE")]
    pub rules: Vec<String>,
    /// Output
    #[arg(short, long, value_name = "FORMAT", default_value = "text")]
    pub format: TextOrJson,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift lsp
  sealift lsp --stdio

Editors start it by themselves; docs/editors.md says how to tell them. It speaks the language server protocol on
standard input and output.")]
pub struct Lsp {
    /// Speak on standard input and output: the only way there is, for editors that say so
    #[arg(long)]
    pub stdio: bool,
}
