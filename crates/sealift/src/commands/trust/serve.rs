//! `sealift trust serve`

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use sealift_access::{
    Gatekeeper, Parts, Passwords, Rule, Rules, TokenKeys, TokenRules, TokenServer,
};
use sealift_crypto::Secret;
use sealift_registry::configuration::Log as LogForm;
use sealift_registry::store::{open_folder, parse_sealing_key};
use sealift_registry::{
    ConnectionLimits, Guard, TrustService, bind, serve, tls_of_files, tls_of_folder,
};

use crate::commands::entries::Lines;
use crate::failure::Usage;
use crate::interrupt::Interrupt;
use crate::printer::Printer;
use crate::settings::Folders;
use sealift_arguments::{AccessOptions, TlsOptions, TrustServe};

const SEALING_KEY_VARIABLE: &str = "SEALIFT_TRUST_SEALING_KEY";

pub(super) fn run(arguments: &TrustServe, printer: &Printer) -> anyhow::Result<ExitCode> {
    check(arguments)?;
    let interrupt = Interrupt::install()?;
    let path = match &arguments.data {
        Some(path) => path.clone(),
        None => Folders::from_environment()?.data.join("trust-server"),
    };
    let folder = open_folder(&path, sealing_key(arguments.sealing_key_file.as_deref())?)?;
    let (tls, certificate) = tls(&arguments.tls, &path)?;
    let (log, writer) = Lines::start(LogForm { has_requests: true, ..LogForm::default() });
    let guard = Guard {
        gatekeeper: Gatekeeper::new(parts(&arguments.access)?),
        log: Box::new(log),
        clock: Timestamp::now,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let service = Arc::new(TrustService::open(folder, guard)?);
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(async {
        let listener = bind(&arguments.listen).await?;
        let address = listener.local_addr().context("cannot tell the address")?;
        announce(printer, scheme, address, &path, certificate.as_deref());
        let stop = async {
            while !interrupt.is_set() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        serve(listener, tls, Arc::clone(&service), ConnectionLimits::default(), stop).await;
        anyhow::Ok(())
    })?;
    // The last of them has the sender of the log; a request that hangs is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    if Arc::into_inner(service).is_some() {
        let _ = writer.join();
    }
    printer.message("stopped");
    Ok(ExitCode::SUCCESS)
}

fn check(arguments: &TrustServe) -> anyhow::Result<()> {
    let TlsOptions { tls_cert, tls_self_signed, no_tls, .. } = &arguments.tls;
    if tls_cert.is_none() && tls_self_signed.is_empty() && !no_tls {
        return Err(Usage::error(
            "no certificate is given",
            "give --tls-cert and --tls-key, or --tls-self-signed, or --no-tls behind a proxy",
        ));
    }
    let access = &arguments.access;
    let is_guarded = access.htpasswd.is_some() || access.token_realm.is_some() || access.anonymous;
    if !is_guarded && !is_local(&arguments.listen) {
        return Err(Usage::error(
            format!("everybody who reaches `{}` could publish and delete", arguments.listen),
            "give --htpasswd or --token-realm, listen on 127.0.0.1, or say --anonymous",
        ));
    }
    Ok(())
}

pub(in crate::commands) fn is_local(address: &str) -> bool {
    let is_loopback = |address: SocketAddr| address.ip().is_loopback();
    address.parse().is_ok_and(is_loopback) || address.starts_with("localhost:")
}

pub(in crate::commands) fn sealing_key(file: Option<&Path>) -> anyhow::Result<Option<Secret>> {
    let (text, place) = match (file, std::env::var(SEALING_KEY_VARIABLE)) {
        (Some(path), _) => {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("cannot read the sealing key `{}`", path.display()))?;
            (text, path.display().to_string())
        }
        (None, Ok(text)) => (text, SEALING_KEY_VARIABLE.to_owned()),
        (None, Err(_)) => return Ok(None),
    };
    let text = Secret::from(text);
    let key = std::str::from_utf8(text.expose()).ok().and_then(parse_sealing_key);
    let key = key.ok_or_else(|| {
        Usage::error(
            format!("`{place}` is not a sealing key of 32 bytes in base64"),
            "make one with `openssl rand -base64 32`",
        )
    })?;
    Ok(Some(key))
}

type Tls = (Option<sealift_registry::TlsAcceptor>, Option<std::path::PathBuf>);

// With where a certificate lies that clients do not know yet.
fn tls(options: &TlsOptions, folder: &Path) -> anyhow::Result<Tls> {
    if let (Some(certificate), Some(key)) = (&options.tls_cert, &options.tls_key) {
        return Ok((Some(tls_of_files(certificate, key)?), None));
    }
    if options.no_tls {
        return Ok((None, None));
    }
    let (tls, certificate) = tls_of_folder(folder, &options.tls_self_signed, Timestamp::now())?;
    Ok((Some(tls), Some(certificate)))
}

fn parts(options: &AccessOptions) -> anyhow::Result<Parts> {
    let parts = Parts { realm: options.realm.clone(), rules: rules(options)?, ..Parts::default() };
    if let Some(path) = &options.htpasswd {
        return Ok(Parts { passwords: Some(Passwords::read(path)?), ..parts });
    }
    let (Some(realm), Some(service), Some(issuer), Some(keys)) =
        (&options.token_realm, &options.token_service, &options.token_issuer, &options.token_keys)
    else {
        return Ok(Parts { is_open: true, ..parts });
    };
    let rules = TokenRules { service: service.clone(), issuer: issuer.clone() };
    let server = TokenServer { realm: realm.clone(), rules, keys: TokenKeys::read(keys)? };
    Ok(Parts { token_server: Some(server), ..parts })
}

fn rules(options: &AccessOptions) -> anyhow::Result<Rules> {
    let read = |text: &String| {
        Rule::parse(text).map_err(|reason| {
            Usage::error(
                format!("the rule `{text}` cannot be read: {reason}"),
                "write it as `ci=registry.example/team/**:pull,push`",
            )
        })
    };
    options.rules.iter().map(read).collect::<Result<_, _>>().map(Rules::new)
}

fn announce(
    printer: &Printer,
    scheme: &str,
    address: SocketAddr,
    folder: &Path,
    certificate: Option<&Path>,
) {
    let host = match address.ip() {
        ip if ip.is_unspecified() || ip.is_loopback() => format!("localhost:{}", address.port()),
        _ => address.to_string(),
    };
    printer.message(&format!("serving trust data of {} on {address}", folder.display()));
    printer.message(&format!(
        "for docker: export DOCKER_CONTENT_TRUST=1 DOCKER_CONTENT_TRUST_SERVER={scheme}://{host}"
    ));
    if let Some(certificate) = certificate {
        printer.message(&format!(
            "            install -D {} ~/.docker/tls/{host}/ca.crt",
            certificate.display()
        ));
    }
}
