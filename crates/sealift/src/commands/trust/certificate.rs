//! `sealift trust cert`

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use jiff::{SignedDuration, Timestamp};
use sealift_crypto::{Certificate, SigningKey};
use sealift_notation::{
    DistinguishedName, StoreName, StoreType, Validity, folder, issue_signer, new_root,
};
use sealift_pipeline::notation::{mistake, read_chain};

use crate::commands::request;
use crate::failure::Usage;
use crate::printer::{Mark, Printer};
use crate::session::Workshop;
use sealift_arguments::{
    CertAdd, CertDelete, CertGenerate, CertList, Global, StoreOptions, TrustCert,
};

const ROOT_LIFETIME: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);
const FILE_BYTES_MAX: u64 = 1 << 20;

pub(crate) fn run(
    global: &Global,
    command: &TrustCert,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let workshop = Workshop::open(global, printer, Path::new("."))?;
    match command {
        TrustCert::Generate(arguments) => generate(&workshop, arguments, printer)?,
        TrustCert::Add(arguments) => add(&workshop, arguments, printer)?,
        TrustCert::List(arguments) => {
            return list(&workshop, arguments, printer);
        }
        TrustCert::Delete(arguments) => delete(&workshop, arguments, printer)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn store_root(workshop: &Workshop) -> PathBuf {
    workshop.folders.config.join("truststore/x509")
}

fn store_name(kind: StoreType, name: &str) -> anyhow::Result<StoreName> {
    StoreName::new(kind, name).map_err(|_| {
        Usage::error(
            format!("`{name}` is not the name of a trust store"),
            "a name has letters, digits, `_`, `.` and `-`",
        )
    })
}

fn generate(
    workshop: &Workshop,
    arguments: &CertGenerate,
    printer: &Printer,
) -> anyhow::Result<()> {
    let store = store_name(StoreType::Authority, &arguments.name)?;
    let default = || format!("CN={name},O={name},ST=None,C=ZZ", name = arguments.name);
    let subject = arguments.subject.clone().unwrap_or_else(default);
    let subject = DistinguishedName::parse(&subject).map_err(|reason| {
        Usage::error(
            format!("the subject `{subject}` {reason}"),
            "as in `--subject 'CN=release,O=Example,ST=BE,C=CH'`",
        )
    })?;
    let signer = request::signer(&arguments.key, workshop, printer)?;
    let now = Timestamp::from_second(workshop.now_secs())?;
    let file_name = format!("{}.crt", arguments.name);
    let root_path = store_root(workshop).join("ca").join(&arguments.name).join(&file_name);
    let root = if let Some(root) = known_root(&root_path, &signer.key)? {
        root
    } else {
        let validity = Validity { from: now, to: now.checked_add(ROOT_LIFETIME)? };
        let root = new_root(&signer.key, &subject, validity).map_err(|error| mistake(&error))?;
        folder::add(&store_root(workshop), &store, &file_name, root.to_pem().as_bytes())
            .map_err(|error| mistake(&error))?;
        root
    };
    let lifetime = SignedDuration::from_secs(arguments.lifetime);
    let validity = Validity { from: now, to: now.checked_add(lifetime)? };
    let chain =
        issue_signer(&root, &signer.key, &subject, validity).map_err(|error| mistake(&error))?;
    let path = workshop.folders.config.join("certificates").join(&file_name);
    write(&path, &chain)?;
    let until = chain[0].validity().1;
    let text = format!("certificate of `{}`, valid until {until}", chain[0].subject());
    printer.step(Mark::Good, "trust", &text);
    printer.message(&format!("  chain  {}", path.display()));
    printer.message(&format!("  root   {} (in the trust store `{store}`)", root_path.display()));
    printer.data(&format!("sha256:{}", root.fingerprint()))?;
    Ok(())
}

// The root of an earlier certificate of the name, if it is of this key.
fn known_root(path: &Path, key: &SigningKey) -> anyhow::Result<Option<Certificate>> {
    if !path.exists() {
        return Ok(None);
    }
    let root = read_chain(path)?.remove(0);
    if *root.public_key() == key.public() {
        return Ok(Some(root));
    }
    Err(Usage::error(
        format!("`{}` is the root of another key", path.display()),
        "give the certificate another name, or delete the store with `sealift trust cert delete`",
    ))
}

fn write(path: &Path, chain: &[Certificate]) -> anyhow::Result<()> {
    let fail = |source| sealift_pipeline::Error::file("write", path, source);
    let text: String = chain.iter().map(Certificate::to_pem).collect();
    fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).map_err(fail)?;
    // The one that is there may be in use: it is replaced at once or not at all.
    let draft = path.with_extension("crt.new");
    fs::write(&draft, text).map_err(fail)?;
    fs::rename(&draft, path).map_err(fail)?;
    Ok(())
}

fn add(workshop: &Workshop, arguments: &CertAdd, printer: &Printer) -> anyhow::Result<()> {
    let StoreOptions { kind, trust_store: store } = &arguments.place;
    let store = store_name(*kind, store)?;
    for file in &arguments.files {
        let fail = |source| sealift_pipeline::Error::file("read", file, source);
        if fs::metadata(file).map_err(fail)?.len() > FILE_BYTES_MAX {
            return Err(Usage::error(
                format!("`{}` is larger than any file of certificates", file.display()),
                "give a file of certificates, PEM or DER",
            ));
        }
        let bytes = fs::read(file).map_err(fail)?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let path = folder::add(&store_root(workshop), &store, &name, &bytes)
            .map_err(|error| mistake(&error))?;
        printer.step(Mark::Good, "trust", &format!("`{store}` has {}", path.display()));
    }
    Ok(())
}

fn list(workshop: &Workshop, arguments: &CertList, printer: &Printer) -> anyhow::Result<ExitCode> {
    let files =
        folder::list(&store_root(workshop), arguments.kind, arguments.trust_store.as_deref())
            .map_err(|error| mistake(&error))?;
    let mut text = String::new();
    let mut is_good = true;
    for file in &files {
        match &file.certificates {
            Ok(certificates) => {
                for certificate in certificates {
                    let until = certificate.validity().1;
                    let fingerprint = certificate.fingerprint();
                    let subject = certificate.subject();
                    let _ = writeln!(
                        text,
                        "{}  {}  {subject}  until {until}  sha256:{fingerprint}",
                        file.store, file.name
                    );
                }
            }
            Err(reason) => {
                is_good = false;
                printer.warning(&format!("`{}` of `{}`: {reason}", file.name, file.store));
            }
        }
    }
    printer.data_if_any(&text)?;
    if files.is_empty() {
        printer.message("no certificates are trusted");
    }
    // A store with a file that cannot be read is of no use to a verification.
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(crate::failure::OPERATIONAL) })
}

fn delete(workshop: &Workshop, arguments: &CertDelete, printer: &Printer) -> anyhow::Result<()> {
    let StoreOptions { kind, trust_store: store } = &arguments.place;
    let store = store_name(*kind, store)?;
    let file = arguments.file.as_deref().filter(|_| !arguments.all);
    let n_files =
        folder::delete(&store_root(workshop), &store, file).map_err(|error| mistake(&error))?;
    let files = if n_files == 1 { "file" } else { "files" };
    printer.step(Mark::Good, "trust", &format!("deleted {n_files} {files} of `{store}`"));
    Ok(())
}
