//! `sealift registry serve`

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use sealift_registry::configuration::{Configuration, Level, StoragePlace, read};
use sealift_registry::{ConnectionLimits, DebugService, Registry, TlsAcceptor, bind, serve};
use tokio::task::JoinHandle;

use super::access;
use super::assembly::{self, Assembled};
use super::config::variables;
use super::reloading::Reloading;
use crate::commands::entries::Lines;
use crate::commands::trust::serve::is_local;
use crate::failure::Usage;
use crate::interrupt::Interrupt;
use crate::printer::Printer;
use crate::settings::Folders;
use sealift_arguments::RegistryServe;

// Docker and others open a connection a request; most of them are short.
const CONNECTIONS_MAX: usize = 4096;
// From the end of a body to the answer: a large blob may have to reach a slow disk first.
const ANSWER_TIME: Duration = Duration::from_mins(15);
// A look is taken 20 times a second; files are looked at once.
const LOOKS_A_RELOAD: u64 = 20;
const CONNECTION_TIME: Duration = Duration::from_hours(1);
const DEBUG_CONNECTIONS_MAX: usize = 64;
// For events that were heard and not yet written down.
const FLUSH_TIME: Duration = Duration::from_secs(5);

pub(super) fn run(arguments: &RegistryServe, printer: &Printer) -> anyhow::Result<ExitCode> {
    let configuration = configuration(arguments, printer)?;
    let is_open = openness(&configuration, arguments)?;
    let (interrupt, hangup) = Interrupt::install_for_server()?;
    let (log, writer) = Lines::start(configuration.log.clone());
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    let assembled = {
        // Opening may begin tasks of its own.
        let _inside = runtime.enter();
        assembly::assemble(&configuration, arguments, log.clone())?
    };
    let Assembled {
        registry,
        tls,
        certificate,
        folder,
        running,
        kept,
        governed,
        address,
        temporary,
        lock,
    } = assembled;
    let notifier = governed.notifier.clone();
    if temporary.is_some() {
        printer.message(&format!(
            "images are kept in {} and go with this process (`storage: inmemory`)",
            folder.display()
        ));
    }
    let place = (folder.as_path(), address);
    let mut reloading = Reloading::new(arguments, &configuration, governed, place, log);
    runtime.block_on(async {
        let address = &configuration.http.address;
        let listener = bind(address).await?;
        let address = listener.local_addr().context("cannot tell the address")?;
        let place = place_name(&configuration, &folder);
        announce(printer, address, &place, (tls.as_ref(), certificate.as_deref()), is_open);
        let debugging = debug(&configuration, &registry, printer).await?;
        let stop = until_stopped(&interrupt, &hangup, &mut reloading);
        let limits = ConnectionLimits {
            connections: CONNECTIONS_MAX,
            request: ANSWER_TIME,
            connection: CONNECTION_TIME,
            stop: configuration.http.drain.unwrap_or(ConnectionLimits::default().stop),
            ..ConnectionLimits::default()
        };
        serve(listener, tls, Arc::clone(&registry), limits, stop).await;
        if let Some(debugging) = debugging {
            debugging.abort();
            // It has the registry, and with it the log.
            let _ = debugging.await;
        }
        notifier.flush(FLUSH_TIME).await;
        // Nobody listens if the work has ended.
        let _ = running.stop.send(true);
        anyhow::Ok(())
    })?;
    drop(reloading);
    drop(notifier);
    drop(kept);
    drop(lock);
    // The last of them has the sender of the log; a request that hangs is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    if Arc::into_inner(registry).is_some() {
        let _ = writer.join();
    }
    if let Some(temporary) = temporary {
        let folder = temporary.path().to_owned();
        temporary.close().with_context(|| format!("cannot delete `{}`", folder.display()))?;
    }
    printer.message("stopped");
    Ok(ExitCode::SUCCESS)
}

// Whether everybody may do everything here, which somebody must have said if others than this machine reach it.
fn openness(configuration: &Configuration, arguments: &RegistryServe) -> anyhow::Result<bool> {
    let is_open = access::is_open(configuration)?;
    let may_be_open =
        arguments.anonymous || (arguments.config.is_some() && says_open(configuration)?);
    if is_open && !may_be_open && !is_local(&configuration.http.address) {
        return Err(Usage::error(
            format!("everybody who reaches `{}` could push and delete", configuration.http.address),
            "give --htpasswd FILE, listen on 127.0.0.1, or say --anonymous",
        ));
    }
    Ok(is_open)
}

// Reads again what changed, until somebody wants the server to end.
async fn until_stopped(interrupt: &Interrupt, hangup: &AtomicBool, reloading: &mut Reloading<'_>) {
    let mut n_looks = 0_u64;
    while !interrupt.is_set() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        n_looks += 1;
        if hangup.swap(false, Ordering::Relaxed) {
            reloading.read_again();
        }
        if n_looks.is_multiple_of(LOOKS_A_RELOAD) {
            reloading.look();
        }
    }
}

// Metrics and health at an address of their own, if the configuration names one.
async fn debug(
    configuration: &Configuration,
    registry: &Arc<Registry>,
    printer: &Printer,
) -> anyhow::Result<Option<JoinHandle<()>>> {
    let Some(debugging) = &configuration.http.debug else { return Ok(None) };
    let listener = bind(&debugging.address).await?;
    let address = listener.local_addr().context("cannot tell the address")?;
    printer.message(&format!("health is told on http://{address}/debug/health"));
    let service = DebugService::new(Arc::clone(registry), debugging.metrics.clone());
    let limits = ConnectionLimits { connections: DEBUG_CONNECTIONS_MAX, ..Default::default() };
    let served = serve(listener, None, Arc::new(service), limits, std::future::pending());
    Ok(Some(tokio::spawn(served)))
}

fn says_open(configuration: &Configuration) -> anyhow::Result<bool> {
    configuration
        .own
        .section("open")
        .map_err(|finding| Usage::error(finding.line("configuration"), "write `true` or `false`"))
}

// What the file says, and over it what the options say.
fn configuration(arguments: &RegistryServe, printer: &Printer) -> anyhow::Result<Configuration> {
    let (configuration, findings) = read_configuration(arguments)?;
    for finding in findings {
        printer.message(&finding);
    }
    Ok(configuration)
}

/// What the file says, and over it what the options say; and lines with what is odd about it.
pub(super) fn read_configuration(
    arguments: &RegistryServe,
) -> anyhow::Result<(Configuration, Vec<String>)> {
    let text = match &arguments.config {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the configuration `{}`", path.display()))?,
        None => own_text(arguments)?,
    };
    let name = match &arguments.config {
        Some(path) => path.display().to_string(),
        None => "defaults".to_owned(),
    };
    let reading = read(&text, &variables());
    let odd = reading.findings.iter().filter(|finding| finding.level >= Level::Warning);
    let findings = odd.map(|finding| finding.line(&name)).collect();
    let Some(mut configuration) = reading.configuration else {
        return Err(Usage::error(
            format!("the configuration `{name}` cannot be used"),
            format!("`sealift registry config check {name}` shows all findings"),
        ));
    };
    if let Some(address) = &arguments.listen {
        configuration.http.address.clone_from(address);
    }
    if let Some(folder) = &arguments.data {
        configuration.storage.place = StoragePlace::Folder(folder.clone());
    }
    if let Some(path) = &arguments.htpasswd {
        let realm = "Sealift registry".to_owned();
        configuration.auth =
            Some(sealift_registry::configuration::Auth::Htpasswd { realm, path: path.clone() });
    }
    Ok((configuration, findings))
}

// Without a file: a folder of the user's, deletion allowed. Whether it may be open is up to the options.
fn own_text(arguments: &RegistryServe) -> anyhow::Result<String> {
    let folder = match &arguments.data {
        Some(folder) => folder.clone(),
        None => Folders::from_environment()?.data.join("registry"),
    };
    let folder = serde_json::to_string(&folder.to_string_lossy())?;
    Ok(format!(
        "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: {folder}\n  delete:\n    enabled: true\n\
         http:\n  addr: \":5000\"\nsealift:\n  open: true\n"
    ))
}

fn place_name(configuration: &Configuration, folder: &Path) -> String {
    match &configuration.storage.place {
        StoragePlace::Bucket(bucket) => {
            let own = folder.display();
            format!("the bucket `{}`, without trust data (docker trust), and {own}", bucket.bucket)
        }
        _ => folder.display().to_string(),
    }
}

fn announce(
    printer: &Printer,
    address: SocketAddr,
    place: &str,
    (tls, certificate): (Option<&TlsAcceptor>, Option<&Path>),
    is_open: bool,
) {
    let host = match address.ip() {
        ip if ip.is_unspecified() || ip.is_loopback() => format!("localhost:{}", address.port()),
        _ => address.to_string(),
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let login = if is_open { String::new() } else { format!("docker login {host} && ") };
    printer.message(&format!(
        "serving {place} on {scheme}://{host}; try: {login}docker push {host}/NAME:TAG"
    ));
    if let Some(certificate) = certificate {
        printer.message(&format!(
            "for docker: install -D {} /etc/docker/certs.d/{host}/ca.crt",
            certificate.display()
        ));
    }
}
