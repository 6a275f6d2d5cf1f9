//! The bundles of sigstore-conformance: each folder of `test/assets/bundle-verify` is a case, and those whose names end
//! in `_fail` must be refused.
//!
//! `SEALIFT_SIGSTORE_CONFORMANCE` names the checkout. Cases without a trusted root of their own are for the public
//! instance, whose root `SEALIFT_SIGSTORE_ROOT` names; `sigstore` of PyPI brings it.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sealift_crypto::{Hash, PublicKey};
use sealift_sigstore::{Artifact, IdentityPolicy, Matcher, Signer, TrustedRoot, verify_bundle};

const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

#[test]
fn every_case() {
    let Some(folder) = std::env::var_os("SEALIFT_SIGSTORE_CONFORMANCE").map(PathBuf::from) else {
        eprintln!("SKIPPED: sigstore-conformance, as SEALIFT_SIGSTORE_CONFORMANCE is not set");
        return;
    };
    let public_root = std::env::var_os("SEALIFT_SIGSTORE_ROOT").map(PathBuf::from);
    let folder = folder.join("test/assets/bundle-verify");
    let mut cases: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    let (mut n_passed, mut n_skipped, mut wrong) = (0, 0, Vec::new());
    for case in &cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let own_root = case.join("trusted_root.json");
        let root = if own_root.exists() { Some(own_root) } else { public_root.clone() };
        let Some(root) = root else {
            eprintln!("SKIPPED: {name}, as SEALIFT_SIGSTORE_ROOT is not set");
            n_skipped += 1;
            continue;
        };
        for is_whole in [true, false] {
            let found = judge(case, &folder, &root, is_whole);
            eprintln!("{name}: {}", found.as_ref().map_or_else(String::as_str, |()| "good"));
            if found.is_ok() == name.ends_with("_fail") {
                wrong.push(format!("{name}: {found:?}"));
            } else {
                n_passed += 1;
            }
        }
    }
    eprintln!("{} cases, {n_passed} runs as they should be, {n_skipped} skipped", cases.len());
    assert!(cases.len() >= 60, "only {} cases in {}", cases.len(), folder.display());
    assert_eq!(wrong, Vec::<String>::new());
}

// As the suite asks: with the content, and with its digest alone.
fn judge(case: &Path, folder: &Path, root: &Path, is_whole: bool) -> Result<(), String> {
    let read_or = |name: &str, otherwise: &str| {
        fs::read_to_string(case.join(name))
            .map_or_else(|_| otherwise.to_owned(), |text| text.trim().to_owned())
    };
    let artifact =
        fs::read(case.join("artifact")).unwrap_or_else(|_| fs::read(folder.join("a.txt")).unwrap());
    let digest = Hash::Sha256.of(&artifact);
    let artifact =
        if is_whole { Artifact::Bytes(&artifact) } else { Artifact::Digest(Hash::Sha256, &digest) };
    let now: Timestamp = "2027-01-01T00:00:00Z".parse().unwrap();
    let bundle = fs::read(case.join("bundle.sigstore.json")).unwrap();
    let root = TrustedRoot::from_json(&fs::read(root).unwrap()).map_err(|e| e.to_string())?;
    let key = fs::read_to_string(case.join("key.pub")).ok();
    let judged = if let Some(key) = key {
        let key = PublicKey::from_pem(&key).map_err(|error| error.to_string())?;
        verify_bundle(&bundle, artifact, Signer::Key(&key, Some(&root)), now)
    } else {
        let policy = IdentityPolicy::new(
            Matcher::exact(&read_or("identity", IDENTITY)),
            Matcher::exact(&read_or("issuer", ISSUER)),
        );
        verify_bundle(&bundle, artifact, Signer::Identity(&policy, &root), now)
    };
    judged.map(|_| ()).map_err(|refusal| refusal.to_string())
}
