//! Keys in SoftHSM, made by its own tools.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests, which say what they skip")]

use std::path::{Path, PathBuf};
use std::process::Command;

use sealift_crypto::{KeyKind, Scheme, Secret};
use sealift_token::{Error, Uri, open};

const MODULES: [&str; 2] =
    ["/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"];
const PIN: &str = "12345678";

fn module() -> Option<&'static str> {
    let found = MODULES.into_iter().find(|path| Path::new(path).exists());
    let has_tool = |name| Command::new(name).arg("--version").output().is_ok();
    let found = found.filter(|_| has_tool("softhsm2-util") && has_tool("pkcs11-tool"));
    if found.is_none() {
        eprintln!("SKIPPED: no SoftHSM and OpenSC; tests/setup installs them");
    }
    found
}

#[track_caller]
fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
}

// SoftHSM reads its configuration by a variable of the process. This test program runs as one process with one token
// folder, so it starts itself again with the variable set.
fn in_token_folder(test: &str) -> bool {
    const MARK: &str = "SEALIFT_TEST_TOKEN";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    std::fs::create_dir(&tokens).unwrap();
    let config = folder.path().join("softhsm2.conf");
    let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", tokens.display());
    std::fs::write(&config, text).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .env("SOFTHSM2_CONF", &config)
        .output()
        .unwrap();
    let (out, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}\n{errors}");
    assert!(out.contains("1 passed"), "{out}");
    false
}

fn make_keys(module: &str) {
    for label in ["ci", "other"] {
        let arguments =
            ["--init-token", "--free", "--label", label, "--so-pin", "0000", "--pin", PIN];
        run("softhsm2-util", &arguments);
    }
    let keys = [
        ("p256", "EC:prime256v1", "01"),
        ("p384", "EC:secp384r1", "02"),
        ("rsa", "rsa:3072", "03"),
        ("twin", "EC:prime256v1", "04"),
        ("twin", "EC:prime256v1", "05"),
    ];
    for (label, kind, id) in keys {
        let token = ["--module", module, "--token-label", "ci", "--login", "--pin", PIN];
        let key = ["--keypairgen", "--key-type", kind, "--label", label, "--id", id];
        run("pkcs11-tool", &[&token[..], &key].concat());
    }
}

fn uri(module: &str, rest: &str) -> Uri {
    Uri::parse(&format!("pkcs11:{rest}?module-path={module}")).unwrap()
}

#[test]
fn keys_in_softhsm_sign() {
    let Some(module) = module() else { return };
    if !in_token_folder("keys_in_softhsm_sign") {
        return;
    }
    make_keys(module);
    let pin = Secret::new(PIN.as_bytes().to_vec());
    for (label, kind) in
        [("p256", KeyKind::EcdsaP256), ("p384", KeyKind::EcdsaP384), ("rsa", KeyKind::Rsa)]
    {
        let key = open(&uri(module, &format!("token=ci;object={label}")), Some(&pin)).unwrap();
        assert_eq!(key.public().kind(), kind);
        for _ in 0..5 {
            key.public().verify(b"message", &key.sign(b"message").unwrap()).unwrap();
        }
        for scheme in Scheme::ALL.into_iter().filter(|scheme| scheme.kind() == kind) {
            let signature = key.sign_as(scheme, b"message").unwrap();
            key.public().verify_as(scheme, b"message", &signature).unwrap();
        }
        assert!(key.pkcs8().is_err());
    }
    let by_id = open(&uri(module, "token=ci;id=%05"), Some(&pin)).unwrap();
    by_id.sign(b"message").unwrap();

    let refused =
        |rest: &str| open(&uri(module, rest), Some(&pin)).err().map(|error| error.to_string());
    let text = refused("token=nowhere;object=p256").unwrap();
    assert!(text.starts_with("0 tokens fit the URI, not one; there are `"), "{text}");
    assert!(text.contains("`ci`") && text.contains("`other`"), "{text}");
    assert!(refused("object=p256").unwrap().starts_with("2 tokens fit the URI, not one"));
    let expected = "2 private keys of the token `ci` fit the URI, not one";
    assert_eq!(refused("token=ci;object=twin").as_deref(), Some(expected));
    let expected = "0 private keys of the token `ci` fit the URI, not one";
    assert_eq!(refused("token=ci;object=none").as_deref(), Some(expected));
}

#[test]
fn a_wrong_pin_is_not_repeated_in_the_message() {
    let Some(module) = module() else { return };
    if !in_token_folder("a_wrong_pin_is_not_repeated_in_the_message") {
        return;
    }
    make_keys(module);
    let wrong = Secret::new(b"87654321".to_vec());
    let error = open(&uri(module, "token=ci;object=p256"), Some(&wrong)).err().unwrap();
    assert!(matches!(error, Error::Pin { .. }), "{error}");
    assert!(!error.to_string().contains("87654321"), "{error}");
    // Who does not log in sees no private key.
    let error = open(&uri(module, "token=ci;object=p256"), None).err().unwrap();
    assert_eq!(error, Error::Keys { token: "ci".to_owned(), count: 0 });
}

#[test]
fn modules_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("module.so");
    std::fs::write(&file, "no library").unwrap();
    for path in [file.as_path(), Path::new("/nowhere/module.so")] {
        let uri = uri(path.to_str().unwrap(), "object=a");
        let error = open(&uri, None).err().unwrap();
        assert!(matches!(error, Error::Module { .. }), "{error}");
    }
}
