//! `registry serve`

use std::path::PathBuf;

use clap::Args;

/// `registry serve`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift registry serve --listen 127.0.0.1:5000 --no-tls
  sealift registry serve --htpasswd users.htpasswd --host registry.example.com
  sealift registry serve --tls-cert a.crt --tls-key a.key --htpasswd users --allow 'ci=team/**:push'
  sealift registry serve /etc/sealift/registry.yml

CONFIG is distribution's YAML, with sections of ours; variables of the environment that begin with REGISTRY_ change
it. Options on the command line come last. `docker trust` finds its data on the same address. SIGHUP has the
configuration read again. The log is JSON on stderr, a line a request. docs/registry.md")]
pub struct RegistryServe {
    /// Configuration [default: what the options say]
    pub config: Option<PathBuf>,
    /// Address to listen on; without a host, all addresses of this machine [default: :5000]
    #[arg(long, value_name = "ADDRESS", env = "SEALIFT_REGISTRY_LISTEN", hide_env = true)]
    pub listen: Option<String>,
    /// Folder of images, database and keys [default: ~/.local/share/sealift/registry]
    #[arg(long, value_name = "DIR", env = "SEALIFT_REGISTRY_DATA", hide_env = true)]
    pub data: Option<PathBuf>,
    /// Names of this machine in the certificate that is made in the folder if none is given
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_values = ["localhost", "127.0.0.1", "::1"],
        conflicts_with = "tls_cert",
        help_heading = "TLS options"
    )]
    pub host: Vec<String>,
    /// Certificate with its chain, PEM
    #[arg(long, value_name = "FILE", requires = "tls_key", help_heading = "TLS options")]
    pub tls_cert: Option<PathBuf>,
    /// Key of the certificate, PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert", help_heading = "TLS options")]
    pub tls_key: Option<PathBuf>,
    /// Speak plain HTTP, behind a proxy that speaks TLS or on this machine only
    #[arg(long, conflicts_with_all = ["tls_cert", "host"], help_heading = "TLS options")]
    pub no_tls: bool,
    /// Names and passwords, as `htpasswd -B` writes them
    #[arg(long, value_name = "FILE", help_heading = "Access options")]
    pub htpasswd: Option<PathBuf>,
    /// Who may do what: USER=REPOSITORY[:TAG]:ACTIONS (repeatable) [default: whoever gets in, everything]
    #[arg(long = "allow", value_name = "RULE", help_heading = "Access options")]
    pub rules: Vec<String>,
    /// Let everybody do everything, on every address
    #[arg(long, conflicts_with = "htpasswd", help_heading = "Access options")]
    pub anonymous: bool,
}
