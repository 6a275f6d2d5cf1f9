//! `trust serve`

use std::path::PathBuf;

use clap::Args;

/// `trust serve`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sealift trust serve --tls-self-signed --htpasswd users.htpasswd
  sealift trust serve --tls-cert a.crt --tls-key a.key --htpasswd users --allow 'ci=a/**:push'
  sealift trust serve --listen 127.0.0.1:4443 --no-tls --data ./trust

Docker speaks to it as to a notary server. Whoever may push publishes; only `*` deletes a repository or rotates a key
that the server holds. The log is JSON, a line a request and a line a change, on stderr. docs/trust-server.md")]
pub struct TrustServe {
    /// Address to listen on; without a host, all addresses of this machine
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = ":4443",
        env = "SEALIFT_TRUST_LISTEN",
        hide_env = true
    )]
    pub listen: String,
    /// Folder of the database and the keys [default: ~/.local/share/sealift/trust-server]
    #[arg(long, value_name = "DIR", env = "SEALIFT_TRUST_DATA", hide_env = true)]
    pub data: Option<PathBuf>,
    /// File with the key that seals the server's keys, 32 bytes in base64 [default: made in the folder;
    /// or: SEALIFT_TRUST_SEALING_KEY]
    #[arg(long, value_name = "FILE", env = "SEALIFT_TRUST_SEALING_KEY_FILE", hide_env = true)]
    pub sealing_key_file: Option<PathBuf>,
    #[command(flatten)]
    pub tls: TlsOptions,
    #[command(flatten)]
    pub access: AccessOptions,
}

/// How connections are protected.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS options")]
pub struct TlsOptions {
    /// Certificate with its chain, PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        env = "SEALIFT_TRUST_TLS_CERT",
        hide_env = true
    )]
    pub tls_cert: Option<PathBuf>,
    /// Key of the certificate, PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_cert",
        env = "SEALIFT_TRUST_TLS_KEY",
        hide_env = true
    )]
    pub tls_key: Option<PathBuf>,
    /// Make a certificate for these names in the folder, and use it from then on [default: localhost]
    #[arg(
        long,
        value_name = "NAME,…",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "localhost,127.0.0.1,::1",
        value_delimiter = ',',
        conflicts_with = "tls_cert"
    )]
    pub tls_self_signed: Vec<String>,
    /// Speak plain HTTP, behind a proxy that speaks TLS
    #[arg(long, conflicts_with_all = ["tls_cert", "tls_self_signed"])]
    pub no_tls: bool,
}

/// Who may do what.
#[derive(Debug, Args)]
#[command(next_help_heading = "Access options")]
pub struct AccessOptions {
    /// Names and passwords, as `htpasswd -B` writes them
    #[arg(long, value_name = "FILE", env = "SEALIFT_TRUST_HTPASSWD", hide_env = true)]
    pub htpasswd: Option<PathBuf>,
    /// What a program shows when it asks for a password
    #[arg(long, value_name = "TEXT", default_value = "Sealift trust")]
    pub realm: String,
    /// Address of a token server
    #[arg(
        long,
        value_name = "URL",
        conflicts_with = "htpasswd",
        requires = "token_service",
        requires = "token_issuer",
        requires = "token_keys",
        env = "SEALIFT_TRUST_TOKEN_REALM",
        hide_env = true
    )]
    pub token_realm: Option<String>,
    /// Name of this server in tokens
    #[arg(
        long,
        value_name = "NAME",
        requires = "token_realm",
        env = "SEALIFT_TRUST_TOKEN_SERVICE",
        hide_env = true
    )]
    pub token_service: Option<String>,
    /// Name of the token server in tokens
    #[arg(
        long,
        value_name = "NAME",
        requires = "token_realm",
        env = "SEALIFT_TRUST_TOKEN_ISSUER",
        hide_env = true
    )]
    pub token_issuer: Option<String>,
    /// Keys of the token server: its certificates as PEM, or a JSON Web Key Set
    #[arg(
        long,
        value_name = "FILE",
        requires = "token_realm",
        env = "SEALIFT_TRUST_TOKEN_KEYS",
        hide_env = true
    )]
    pub token_keys: Option<PathBuf>,
    /// Who may do what: USER=PATTERN:ACTIONS (repeatable) [default: whoever gets in, everything]
    #[arg(long = "allow", value_name = "RULE")]
    pub rules: Vec<String>,
    /// Let everybody do everything, on every address
    #[arg(long, conflicts_with_all = ["htpasswd", "token_realm"])]
    pub anonymous: bool,
}
