//! The cases of sigstore-conformance that are signed with a key (`test/assets/bundle-verify/managed-key-*` of
//! <https://github.com/sigstore/sigstore-conformance>), wanted in `$SEALIFT_SIGSTORE_CONFORMANCE`, the repository's folder.

use std::fs;
use std::path::{Path, PathBuf};

use sealift_crypto::PublicKey;
use sealift_sign::verify_file;

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("SEALIFT_SIGSTORE_CONFORMANCE").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("SKIPPED: no $SEALIFT_SIGSTORE_CONFORMANCE, its cases with keys are not tried");
    }
    folder
}

// As the suite's own client protocol has it: a case without a file of its own is about `a.txt`.
fn verify(case: &Path, file: &Path) -> Result<(), String> {
    let key = fs::read_to_string(case.join("key.pub")).map_err(|error| error.to_string())?;
    let key = PublicKey::from_pem(&key).map_err(|error| error.to_string())?;
    let bundle = fs::read(case.join("bundle.sigstore.json")).unwrap();
    let own = case.join("artifact");
    let file = fs::read(if own.exists() { own } else { file.to_owned() }).unwrap();
    verify_file(&bundle, &file, &key).map_err(|fault| fault.to_string())
}

#[test]
fn cases_with_keys() {
    let Some(folder) = folder() else { return };
    let assets = folder.join("test/assets");
    let mut n_cases = 0;
    for entry in fs::read_dir(assets.join("bundle-verify")).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with("managed-key-") {
            continue;
        }
        n_cases += 1;
        let result = verify(&entry.path(), &assets.join("a.txt"));
        let is_right = result.is_ok() != name.ends_with("_fail");
        assert!(is_right, "{name}: {result:?}");
    }
    assert!(n_cases >= 4, "only {n_cases} cases with keys are there");
}

// Every other case is signed by a certificate, and a key has nothing to say of it.
#[test]
fn cases_without_keys_are_refused() {
    let Some(folder) = folder() else { return };
    let assets = folder.join("test/assets");
    let cases = assets.join("bundle-verify");
    let key = fs::read_to_string(cases.join("managed-key-happy-path/key.pub")).unwrap();
    let key = PublicKey::from_pem(&key).unwrap();
    for entry in fs::read_dir(&cases).unwrap().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Ok(bundle) = fs::read(entry.path().join("bundle.sigstore.json")) else { continue };
        if name.starts_with("managed-key-") {
            continue;
        }
        let file = fs::read(assets.join("a.txt")).unwrap();
        let result = verify_file(&bundle, &file, &key);
        assert!(result.is_err(), "{name}");
    }
}
