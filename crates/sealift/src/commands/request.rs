//! From flags and settings to requests; shared by the commands that have the same flags.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::fd::IntoRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sealift_crypto::{PublicKey, Secret};
use sealift_debian::Freshness;
use sealift_exception::Exceptions;
use sealift_model::Severity;
use sealift_oci::{Platform, Reference};
use sealift_pipeline::exceptions::{self, Places};
use sealift_pipeline::keys::{self, Signer, TrustedKey};
use sealift_pipeline::lint::read_dockerfile;
use sealift_pipeline::policies::PolicyRequest;
use sealift_pipeline::scan::{Expression, ScanRequest};
use sealift_pipeline::secrets::SecretRequest;
use sealift_policy::Namespaces;
use sealift_token::{KeyFile, PinSource, Uri};

use crate::failure::Usage;
use crate::passphrase::{Purpose, Source, passphrase};
use crate::printer::Printer;
use crate::session::{Workshop, host_ca_bundle};
use crate::settings::{File, Settings};
use sealift_arguments::{
    BuildOptions, KeyOptions, PolicyOptions, ScanOptions, ScanOrder, SecretOptions,
};

// Where VEX is, beside files: attached to the image.
const ATTACHED: &str = "oci";

/// What to build.
pub(crate) fn build(
    options: &BuildOptions,
    context: &Path,
    workshop: &Workshop,
) -> anyhow::Result<sealift_build::Request> {
    let file = &workshop.settings.file;
    check_context(context)?;
    let dockerfile_path = options
        .dockerfile
        .clone()
        .or_else(|| file.image.dockerfile.clone())
        .unwrap_or_else(|| context.join("Dockerfile"));
    let dockerfile = read_dockerfile(&dockerfile_path)?;
    let mut build_args: Vec<(String, Option<String>)> =
        file.image.args.iter().map(|(name, value)| (name.clone(), Some(value.clone()))).collect();
    for text in &options.build_args {
        build_args.push(match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (text.clone(), std::env::var(text).ok()),
        });
    }
    let mut labels: Vec<(String, String)> =
        file.image.labels.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    for text in &options.labels {
        labels.push(pair(text, "--label")?);
    }
    Ok(sealift_build::Request {
        context: context.to_owned(),
        dockerfile_path,
        dockerfile,
        target: options.target.clone().or_else(|| file.image.target.clone()),
        build_args,
        labels,
        platform: Platform::host(),
        ca_bundle: ca_bundle(options, file)?,
        secrets: secrets(&options.secrets)?,
        no_cache: options.no_cache,
        source_date_epoch: workshop.session().source_date_epoch,
        network: sealift_build::Network::Host,
    })
}

/// The names of the image: the flags', the project's, or that of the folder.
pub(crate) fn names(
    options: &BuildOptions,
    context: &Path,
    file: &File,
) -> anyhow::Result<Vec<Reference>> {
    let texts: Vec<String> = match (&options.tags, &file.image.name) {
        (tags, _) if !tags.is_empty() => tags.clone(),
        (_, Some(name)) => vec![name.clone()],
        _ => vec![folder_name(context)?],
    };
    let names = texts.iter().map(|text| Ok(Reference::parse(text)?.or_latest()));
    names.collect::<Result<_, sealift_pipeline::Error>>().map_err(Into::into)
}

fn check_context(context: &Path) -> anyhow::Result<()> {
    if context.is_dir() {
        return Ok(());
    }
    Err(Usage::error(
        format!("the build context `{}` is not a folder", context.display()),
        "give the folder that COPY reads from; `-f` names a Dockerfile elsewhere",
    ))
}

fn folder_name(context: &Path) -> anyhow::Result<String> {
    check_context(context)?;
    let folder = context.canonicalize()?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if Reference::parse(&name).is_err() {
        return Err(Usage::error(
            format!("the folder's name `{name}` is no image name"),
            "name the image with `-t NAME`, or as `name` under [image] in sealift.toml",
        ));
    }
    Ok(name)
}

/// The map from base names to recipes.
pub(crate) fn recipes(file: &File) -> BTreeMap<String, PathBuf> {
    file.base.iter().map(|(name, base)| (name.clone(), base.recipe.clone())).collect()
}

/// How new bases must be.
pub(crate) fn freshness(options: &BuildOptions) -> Freshness {
    if options.refresh { Freshness::Refresh } else { Freshness::Cached }
}

fn ca_bundle(options: &BuildOptions, file: &File) -> anyhow::Result<Option<PathBuf>> {
    let text = options.ca_bundle.as_deref().or(file.build.ca_bundle.as_deref()).unwrap_or("none");
    match text {
        "none" => Ok(None),
        "host" => host_ca_bundle().map(Some).ok_or_else(|| {
            Usage::error(
                "this machine has no bundle of certificate authorities",
                "install ca-certificates, or give a PEM file with `--ca-bundle FILE`",
            )
        }),
        path if Path::new(path).is_file() => Ok(Some(PathBuf::from(path))),
        path => Err(Usage::error(
            format!("the CA bundle `{path}` is not a file"),
            "give `host`, `none` or a PEM file",
        )),
    }
}

fn secrets(texts: &[String]) -> anyhow::Result<Vec<(String, PathBuf)>> {
    texts.iter().map(|text| secret(text)).collect()
}

// As docker has it: without `src` or `env`, the variable of that name if there is one, else the file.
fn secret(text: &str) -> anyhow::Result<(String, PathBuf)> {
    let malformed = || {
        Usage::error(
            format!("`--secret {text}` is not id=NAME,src=FILE or id=NAME,env=VARIABLE"),
            "as in `--secret id=token,src=token.txt`",
        )
    };
    let (mut id, mut path, mut variable, mut kind) = (None, None, None, None);
    for part in text.split(',') {
        let (name, value) = part.split_once('=').ok_or_else(malformed)?;
        match name {
            "id" => id = Some(value),
            "src" | "source" => path = Some(value),
            "env" => variable = Some(value),
            "type" if matches!(value, "file" | "env") => kind = Some(value),
            _ => return Err(malformed()),
        }
    }
    let id = id.filter(|id| !id.is_empty()).ok_or_else(malformed)?;
    if kind == Some("env") && variable.is_none() {
        variable = path.take();
    }
    let path = match (path, variable) {
        (Some(_), Some(_)) => return Err(malformed()),
        (Some(path), None) => PathBuf::from(path),
        (None, Some(name)) => from_variable(name)?,
        (None, None) if kind != Some("file") && std::env::var_os(id).is_some() => {
            from_variable(id)?
        }
        (None, None) => PathBuf::from(id),
    };
    if !path.is_file() {
        return Err(Usage::error(
            format!("the secret file `{}` is not there", path.display()),
            "check `src=` of `--secret`",
        ));
    }
    Ok((id.to_owned(), path))
}

// The build reads secrets from files; this one is in memory, has no name on any disk, and ends with the process.
fn from_variable(name: &str) -> anyhow::Result<PathBuf> {
    let value = std::env::var_os(name).ok_or_else(|| {
        Usage::error(
            format!("the variable `{name}` of `--secret` is not set"),
            "check `env=` of `--secret`",
        )
    })?;
    let file = rustix::fs::memfd_create("secret", rustix::fs::MemfdFlags::CLOEXEC)?;
    let mut file = std::fs::File::from(file);
    file.write_all(value.as_bytes())?;
    Ok(PathBuf::from(format!("/proc/self/fd/{}", file.into_raw_fd())))
}

/// What to match against. `gate` is the threshold that holds when nothing sets one.
pub(crate) fn scan(
    options: &ScanOptions,
    file: &File,
    gate: Option<Severity>,
) -> anyhow::Result<ScanRequest> {
    let from_file = &file.scan;
    let list = if options.severity.is_empty() { &from_file.severity } else { &options.severity };
    let severities = list.iter().map(|text| severity(text)).collect::<Result<_, _>>()?;
    let fail_on = match options.fail_on.as_deref().or(from_file.fail_on.as_deref()) {
        Some("never") => None,
        Some(text) => Some(expression(text)?),
        None => gate.map(Expression::at_least),
    };
    Ok(ScanRequest {
        advisories: options.advisories.clone().or_else(|| from_file.advisories.clone()),
        severities,
        ignore_unfixed: options.ignore_unfixed || from_file.ignore_unfixed.unwrap_or(false),
        fail_on,
        fail_on_incomplete: options.fail_on_incomplete
            || from_file.fail_on_incomplete.unwrap_or(false),
        sort_by_risk: options.sort == Some(ScanOrder::Risk),
        database_age_secs_max: options.db_max_age.as_deref().map(age).transpose()?,
        ignore_statuses: statuses(options, file)?,
        include_not_running: options.include_not_running,
        include_declared: options.declared,
        exceptions: Exceptions::default(),
        strict_ignores: options.strict_ignores || from_file.strict_ignores.unwrap_or(false),
    })
}

/// What to look for secrets by.
pub(crate) fn secret_rules(options: &SecretOptions, file: &File) -> anyhow::Result<SecretRequest> {
    let config = options.secret_config.as_ref().or(file.scan.secret_config.as_ref());
    let baselines = match &options.secret_baselines {
        flags if flags.is_empty() => &file.scan.secret_baselines,
        flags => flags,
    };
    Ok(sealift_pipeline::secrets::request(config.map(PathBuf::as_path), baselines)?)
}

fn statuses(options: &ScanOptions, file: &File) -> anyhow::Result<Vec<String>> {
    let flags = &options.ignore_status;
    let words = if flags.is_empty() { &file.scan.ignore_status } else { flags };
    // `unknown` and `not_affected` are trivy's words too, which nothing here has.
    let known = [
        "unknown",
        "not_affected",
        "affected",
        "fixed",
        "under_investigation",
        "will_not_fix",
        "fix_deferred",
        "end_of_life",
    ];
    match words.iter().find(|word| !known.contains(&word.as_str())) {
        None => Ok(words.clone()),
        Some(word) => Err(Usage::error(
            format!("`{word}` is no status of a repair"),
            format!("known are {}", known.join(", ")),
        )),
    }
}

/// What people say of findings; in this folder ignore files count by their names.
pub(crate) fn exceptions(
    options: &ScanOptions,
    settings: &Settings,
    folder: &Path,
) -> anyhow::Result<Exceptions> {
    let from_file = &settings.file.scan;
    let named = |flags: &[PathBuf], file: &[PathBuf]| {
        if flags.is_empty() { file.to_vec() } else { flags.to_vec() }
    };
    let vex = named(&options.vex, &from_file.vex);
    let places = Places {
        ignore_files: named(&options.ignore_files, &from_file.ignore_files),
        folder: Some(folder.to_owned()),
        settings: settings.with_ignores(),
        vex: vex.into_iter().filter(|path| path != Path::new(ATTACHED)).collect(),
    };
    Ok(exceptions::read(&places)?)
}

/// The keys whose VEX attestations count, if those of the image are asked for.
pub(crate) fn vex_keys(
    options: &ScanOptions,
    workshop: &Workshop,
) -> anyhow::Result<Option<Vec<PublicKey>>> {
    let from_file = &workshop.settings.file.scan.vex;
    let vex = if options.vex.is_empty() { from_file } else { &options.vex };
    if !vex.iter().any(|path| path == Path::new(ATTACHED)) {
        return Ok(None);
    }
    let keys = trusted(&options.vex_keys, workshop)?;
    Ok(Some(keys.into_iter().map(|trusted| trusted.key).collect()))
}

// `48h`, `7d`.
fn age(text: &str) -> anyhow::Result<i64> {
    let (number, unit_secs) = match text.strip_suffix('d') {
        Some(number) => (number, 86_400),
        None => (text.strip_suffix('h').unwrap_or("?"), 3_600),
    };
    let secs = number.parse::<u32>().ok().and_then(|it| i64::from(it).checked_mul(unit_secs));
    secs.ok_or_else(|| {
        Usage::error(
            format!("`{text}` is no age"),
            "hours or days, as in `--db-max-age 48h` or `--db-max-age 7d`",
        )
    })
}

fn expression(text: &str) -> anyhow::Result<Expression> {
    Expression::parse(text)
        .map_err(|error| Usage::error(format!("`--fail-on` cannot be read: {error}"), error.hint))
}

fn severity(text: &str) -> anyhow::Result<Severity> {
    text.parse().map_err(|error: sealift_model::UnknownSeverity| {
        Usage::error(error.to_string(), "as in `--severity CRITICAL,HIGH` and `--fail-on high`")
    })
}

const EXEMPTIONS_BYTES_MAX: u64 = 4 << 20;

/// Which policies, and what they are told.
pub(crate) fn policy(
    options: &PolicyOptions,
    settings: &Settings,
) -> anyhow::Result<PolicyRequest> {
    let file = &settings.file;
    let from_file = || file.policy.files.clone().unwrap_or_default();
    let files = if options.policies.is_empty() { from_file() } else { options.policies.clone() };
    let (mut data, mut data_files) = (Vec::new(), Vec::new());
    for text in &options.data {
        if !text.contains('=') && Path::new(text).exists() {
            data_files.push(PathBuf::from(text));
        } else {
            data.push(pair(text, "--data")?);
        }
    }
    if data_files.is_empty() {
        data_files.clone_from(&file.policy.data);
    }
    if let Some(environment) = &file.policy.environment
        && !data.iter().any(|(name, _)| name == "environment")
    {
        data.push(("environment".to_owned(), environment.clone()));
    }
    let namespaces = match options.namespaces.as_slice() {
        [] => Namespaces::All,
        names => Namespaces::Named(names.to_vec()),
    };
    let mut exemptions = Vec::new();
    let own = settings.with_exemptions();
    let named = options.exemptions.iter().map(|path| (path, false));
    for (path, is_settings) in named.chain(own.iter().map(|path| (path, true))) {
        let text = sealift_pipeline::policies::read_text(path, EXEMPTIONS_BYTES_MAX)?;
        let name = path.display().to_string();
        let found = sealift_policy::exemptions(&name, &text, is_settings)
            .map_err(|error| Usage::error(error.to_string(), "docs/policy.md has the form"))?;
        exemptions.extend(found);
    }
    Ok(PolicyRequest { files, bundles: Vec::new(), data, data_files, namespaces, exemptions })
}

fn pair(text: &str, flag: &str) -> anyhow::Result<(String, String)> {
    let (name, value) = text.split_once('=').ok_or_else(|| {
        Usage::error(
            format!("`{flag} {text}` is not NAME=VALUE"),
            format!("as in `{flag} name=value`"),
        )
    })?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The private key; the default one is made at first use.
pub(crate) fn signer(
    options: &KeyOptions,
    workshop: &Workshop,
    printer: &Printer,
) -> anyhow::Result<Signer> {
    let file = &workshop.settings.file.sign;
    let passphrase_file = options.passphrase_file.as_deref().or(file.passphrase_file.as_deref());
    let source = options.passphrase_fd.map(Source::Descriptor);
    let source = source.or(passphrase_file.map(Source::File));
    let named = options.key.clone().or_else(|| file.key.clone());
    if let Some(text) = named.as_deref().and_then(Path::to_str).filter(|text| Uri::is(text)) {
        return token_signer(text, source);
    }
    let default = workshop.folders.config.join("keys/default.key");
    let path = named.clone().unwrap_or_else(|| default.clone());
    if path.exists() {
        if let Some(file) = keys::token_file(&path)? {
            return token_file_signer(&file, path, source);
        }
        // A key without a passphrase opens with the empty one; only if that fails is anybody asked.
        if let Ok(signer) = keys::open(&path, Some(&Secret::new(Vec::new()))) {
            return Ok(signer);
        }
        let secret = passphrase(source, Purpose::Open)?;
        return Ok(keys::open(&path, secret.as_ref())?);
    }
    if named.is_some() {
        return Err(Usage::error(
            format!("there is no key `{}`", path.display()),
            "leave `--key` away to use the default key, which is made at first use",
        ));
    }
    let secret = passphrase(source, Purpose::Create)?;
    let secret = secret.unwrap_or_else(|| Secret::new(Vec::new()));
    let signer = keys::create(&path, &secret)?;
    let public = path.with_extension("pub");
    printer.message(&format!(
        "made the signing key {} (public: {})",
        path.display(),
        public.display()
    ));
    if secret.is_empty() {
        printer.warning(
            "the key has no passphrase; set SEALIFT_KEY_PASSPHRASE or `--passphrase-file` before it is made to give it one",
        );
    }
    Ok(signer)
}

// A key in a token. Its PIN comes from where the URI says, or from where passphrases come from.
fn token_signer(text: &str, source: Option<Source<'_>>) -> anyhow::Result<Signer> {
    let uri = Uri::parse(text)?;
    let key = sealift_token::open(&uri, pin(&uri, source)?.as_ref())?;
    Ok(Signer { name: uri.to_string(), path: PathBuf::from(text), key })
}

// The same, by a file that stands for it.
fn token_file_signer(
    file: &KeyFile,
    path: PathBuf,
    source: Option<Source<'_>>,
) -> anyhow::Result<Signer> {
    let key = file.open(pin(file.uri(), source)?.as_ref())?;
    Ok(Signer { name: file.uri().to_string(), path, key })
}

fn pin(uri: &Uri, source: Option<Source<'_>>) -> anyhow::Result<Option<Secret>> {
    let of_uri = uri.pin_source.as_ref().map(|PinSource::File(path)| Source::File(path));
    passphrase(of_uri.or(source), Purpose::Open)
}

/// The public keys that are trusted.
pub(crate) fn trusted(named: &[PathBuf], workshop: &Workshop) -> anyhow::Result<Vec<TrustedKey>> {
    let from_file = &workshop.settings.file.verify.keys;
    let named = if named.is_empty() { from_file } else { named };
    if named.is_empty() {
        return Ok(keys::public_keys(&workshop.folders.config.join("keys"))?);
    }
    named.iter().map(|path| keys::public(path)).collect::<Result<_, _>>().map_err(Into::into)
}
