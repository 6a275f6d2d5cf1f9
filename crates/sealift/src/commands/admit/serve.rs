//! `sealift admit serve`

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use jiff::Timestamp;
use sealift_admission::{Entry, Judge, Log, Mode, Settings, Webhook};
use sealift_registry::{ConnectionLimits, bind, serve, tls_of_files, tls_of_folder};
use serde::Serialize;

use super::judge::Bench;
use crate::commands::request;
use crate::failure::Usage;
use crate::printer::Printer;
use crate::session::Workshop;
use sealift_arguments::{AdmitMode, AdmitServe, Global};

// Entries that wait for whoever reads stderr; then requests wait.
const LOG_LINES_MAX: usize = 4096;
// How often is looked whether policies have changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

pub(super) fn run(
    global: &Global,
    arguments: AdmitServe,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    let settings = settings(&arguments, &workshop.settings.file.admit)?;
    let listen = arguments.listen.clone();
    let (tls, certificate) = tls(&arguments, &workshop.folders.data.join("admission"))?;
    let bench = Arc::new(Bench { workshop, arguments });
    let watched = check(&bench)?;
    let judge = Arc::clone(&bench) as Arc<dyn Judge>;
    let webhook = Arc::new(Webhook::new(settings, judge, Box::new(Lines::start())));
    let scheme = if tls.is_some() { "https" } else { "http" };
    let runtime = tokio::runtime::Runtime::new().context("cannot start threads")?;
    runtime.block_on(async {
        let listener = bind(&listen).await?;
        let address = listener.local_addr().context("cannot tell the address")?;
        printer.message(&format!(
            "judging for Kubernetes on {scheme}://{address}/validate and /mutate"
        ));
        if let Some(path) = certificate {
            printer.message(&format!("its certificate is {}", path.display()));
        }
        let watching = tokio::spawn(watch(watched, Arc::clone(&webhook)));
        let stop = async {
            while !bench.workshop.is_interrupted() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        serve(listener, tls, webhook, ConnectionLimits::default(), stop).await;
        watching.abort();
        anyhow::Ok(())
    })?;
    // An image that is being judged is not waited for.
    runtime.shutdown_timeout(Duration::from_secs(1));
    printer.message("stopped");
    Ok(ExitCode::SUCCESS)
}

/// A line of JSON for each decision, on stderr.
struct Lines(SyncSender<String>);

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    #[serde(flatten)]
    entry: &'a Entry<'a>,
}

impl Lines {
    // A thread of its own writes: whoever reads stderr may be slow.
    fn start() -> Self {
        let (sender, receiver) = sync_channel::<String>(LOG_LINES_MAX);
        std::thread::spawn(move || {
            for line in receiver {
                // Nothing can be done if nobody reads.
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        });
        Self(sender)
    }
}

impl Log for Lines {
    fn record(&self, entry: &Entry<'_>) {
        let line = Line { time: Timestamp::now().to_string(), entry };
        if let Ok(text) = serde_json::to_string(&line) {
            // The writer ends after the last sender.
            let _ = self.0.send(text);
        }
    }
}

/// There is neither a trust policy nor another one.
pub(super) fn nothing_to_judge_by() -> anyhow::Error {
    Usage::error(
        "there is nothing to judge by",
        "give a trust policy with `--trust FILE`, or Rego files with `--policy PATH`",
    )
}

// What the settings say, and over it what the options say.
fn settings(arguments: &AdmitServe, file: &Settings) -> anyhow::Result<Settings> {
    let options = &arguments.webhook;
    let mut settings = file.clone();
    match options.mode {
        Some(AdmitMode::Enforce) => settings.mode = Mode::Enforce,
        Some(AdmitMode::Warn) => settings.mode = Mode::Warn,
        None => {}
    }
    if !options.exempt_namespaces.is_empty() {
        settings.exempt_namespaces.clone_from(&options.exempt_namespaces);
    }
    settings.require_digest |= options.require_digest;
    settings.timeout_secs = options.timeout.unwrap_or(settings.timeout_secs);
    if !(1..=29).contains(&settings.timeout_secs) {
        return Err(Usage::error(
            format!(
                "`admit.timeout_secs` is {}, and Kubernetes waits 30 at most",
                settings.timeout_secs
            ),
            "write a number from 1 to 29",
        ));
    }
    Ok(settings)
}

// Policies that cannot be read are told now, and not by the first pod. Returns their files.
fn check(bench: &Bench) -> anyhow::Result<Vec<PathBuf>> {
    let (trust, options) = bench.policies()?;
    let policies = request::policy(&options, &bench.workshop.settings)?;
    if trust.is_none() && policies.is_empty() {
        return Err(nothing_to_judge_by());
    }
    if !policies.is_empty() {
        sealift_pipeline::policies::load(&policies, sealift_pipeline::policies::Tests::Without)?;
    }
    // The keys and lists that it names, too.
    let trust = trust.map(|file| file.files).unwrap_or_default();
    Ok(trust.into_iter().chain(policies.files).chain(policies.data_files).collect())
}

// Verdicts by a policy that has changed are forgotten.
async fn watch(paths: Vec<PathBuf>, webhook: Arc<Webhook>) {
    let mut known = state(&paths);
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = state(&paths);
        if now != known {
            known = now;
            webhook.forget();
        }
    }
}

type State = Vec<(PathBuf, Option<SystemTime>, u64)>;

// Of a folder, that of the files in it: Kubernetes replaces all of them at once.
fn state(paths: &[PathBuf]) -> State {
    let mut state = State::new();
    for path in paths {
        let inside = std::fs::read_dir(path).into_iter().flatten().flatten();
        let inside = inside.map(|entry| entry.path());
        for path in inside.chain([path.clone()]) {
            if let Ok(found) = std::fs::metadata(&path) {
                state.push((path, found.modified().ok(), found.len()));
            }
        }
    }
    state.sort_unstable();
    state
}

type Tls = (Option<sealift_registry::TlsAcceptor>, Option<PathBuf>);

// With where a certificate lies that nobody knows yet.
fn tls(arguments: &AdmitServe, folder: &Path) -> anyhow::Result<Tls> {
    let options = &arguments.tls;
    if let (Some(certificate), Some(key)) = (&options.tls_cert, &options.tls_key) {
        return Ok((Some(tls_of_files(certificate, key)?), None));
    }
    if options.no_tls {
        return Ok((None, None));
    }
    if options.tls_self_signed.is_empty() {
        return Err(Usage::error(
            "no certificate is given",
            "give --tls-cert and --tls-key, or --tls-self-signed, or --no-tls behind a proxy",
        ));
    }
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let (tls, certificate) = tls_of_folder(folder, &options.tls_self_signed, Timestamp::now())?;
    Ok((Some(tls), Some(certificate)))
}
