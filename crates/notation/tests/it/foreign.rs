//! notation's own test data (`test/e2e/testdata` of its repository), wanted in `$SEALIFT_NOTATION_TESTDATA`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;
use sealift_crypto::{Certificate, RevocationList};
use sealift_notation::{
    Action, Check, Envelope, Level, PolicyKind, Question, RevocationLists, Statement, StoreName,
    StoreType, TrustPolicy, TrustStore, VerifyTimestamp, envelope_of, is_signature, verify,
};
use sealift_oci::{Descriptor, Digest, Index, Manifest};

use crate::{authority_store, refusal, time};

fn data(what: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SEALIFT_NOTATION_TESTDATA").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("SKIPPED: no $SEALIFT_NOTATION_TESTDATA, {what} is not tested");
    }
    folder
}

fn blob(layout: &Path, digest: &Digest) -> Option<Vec<u8>> {
    let path = layout.join("blobs").join(digest.to_string().replace(':', "/"));
    fs::read(path).ok()
}

// Media type and bytes of an envelope, or why the manifest is none of a signature.
type Found = Result<(String, Vec<u8>), String>;

// The image of a layout, and every signature: a descriptor of its envelope and the envelope.
fn signatures(layout: &Path) -> (Descriptor, Vec<Found>) {
    let index = fs::read(layout.join("index.json")).unwrap();
    let index: Index = serde_json::from_slice(&index).unwrap();
    let image = index.manifests[0].clone();
    let image = Descriptor::new(&image.media_type, image.digest.clone(), image.size);
    let mut found = Vec::new();
    for descriptor in &index.manifests[1..] {
        let bytes = blob(layout, &descriptor.digest).unwrap();
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&bytes) else { continue };
        if is_signature(&manifest) {
            let envelope = envelope_of(&manifest, &image)
                .map(|layer| (layer.media_type.clone(), blob(layout, &layer.digest).unwrap()));
            found.push(envelope.map_err(|error| error.to_string()));
        }
    }
    (image, found)
}

fn certificates(path: &Path) -> Vec<Certificate> {
    let bytes = fs::read(path).unwrap();
    match std::str::from_utf8(&bytes) {
        Ok(text) => Certificate::chain_from_pem(text).unwrap(),
        Err(_) => vec![Certificate::from_der(&bytes).unwrap()],
    }
}

fn store(folder: &Path) -> TrustStore {
    let mut store = TrustStore::default();
    for name in ["e2e.crt", "new_e2e.crt", "expired_e2e.crt"] {
        let path = folder.join("config/localkeys").join(name);
        store.insert(authority_store(), certificates(&path)).unwrap();
    }
    for name in ["DigiCertTSARootSHA384.cer", "globalsignTSARoot.cer"] {
        let path = folder.join("config/timestamp").join(name);
        store.insert(timestamp_store(), certificates(&path)).unwrap();
    }
    store
}

fn timestamp_store() -> StoreName {
    StoreName::new(StoreType::Timestamp, "time").unwrap()
}

fn judge(folder: &Path, layout: &str, statement: &Statement, now: &str) -> Vec<String> {
    let (image, found) = signatures(&folder.join("registry/oci_layout").join(layout));
    let (store, lists) = (store(folder), RevocationLists::default());
    let judged = found.into_iter().map(|found| {
        let (media_type, envelope) = match &found {
            Ok(found) => found,
            Err(reason) => return reason.clone(),
        };
        refusal(&verify(&Question {
            statement,
            store: &store,
            lists: &lists,
            media_type,
            envelope,
            artifact: &image,
            annotations: &BTreeMap::new(),
            now: time(now),
        }))
    });
    judged.collect()
}

#[test]
fn signatures_of_notation() {
    let Some(folder) = data("what notation signed") else { return };
    let strict = Statement::strict("e2e", vec![authority_store()]);
    let judge = |layout: &str| judge(&folder, layout, &strict, "2025-06-01T00:00:00Z").join("\n");
    assert_eq!(judge("e2e"), "");
    assert_eq!(judge("e2e-valid-signature"), "accepted");
    expect![[r"
        accepted
        no certificate of the signature is in the trust stores of statement `e2e`"]]
    .assert_eq(&judge("e2e-valid-multiple-signatures"));
    expect!["the signature expired at 2023-06-27T05:21:21Z"]
        .assert_eq(&judge("e2e-expired-signature"));
    expect!["the certificate `C=AU,ST=Some-State,O=Internet Widgits Pty Ltd` is valid from 2023-06-26T06:10:00Z to 2023-06-27T06:10:00Z, and not at 2025-06-01T00:00:00Z, now"].assert_eq(&judge("e2e-with-expired-cert"));
    expect!["`application/vnd.oci.image.layer.v1.tar` is not the media type of a Notary Project signature"].assert_eq(&judge("e2e-invalid-signature"));
}

#[test]
fn timestamps_of_real_authorities() {
    let Some(folder) = data("what others stamped") else { return };
    let mut statement = Statement::strict("e2e", vec![authority_store(), timestamp_store()]);
    statement.verify_timestamp = VerifyTimestamp::Always;
    let judge = |statement: &Statement, layout: &str| {
        judge(&folder, layout, statement, "2040-01-01T00:00:00Z").join("\n")
    };
    expect!["no certificate of the signature is in the trust stores of statement `e2e`"]
        .assert_eq(&judge(&statement, "e2e-with-timestamped-signature"));
    // Who signed is of no interest here, and how long it was to be good.
    statement.overrides.insert(Check::Authenticity, Action::Log);
    statement.overrides.insert(Check::Expiry, Action::Log);
    expect!["the timestamp does not count: the timestamp's signer is not trusted: the certificate `CN=Microsoft Public RSA Timestamping CA 2020,O=Microsoft Corporation,C=US` was issued by `CN=Microsoft Identity Verification Root Certificate Authority 2020,O=Microsoft Corporation,C=US`, which is neither trusted nor given"].assert_eq(&judge(&statement, "e2e-with-timestamped-signature"));
    expect!["the timestamp does not count: not a timestamp: its structure is not that of RFC 3161"]
        .assert_eq(&judge(&statement, "e2e-with-invalid-timestamped-signature"));
    statement.level = Level::Permissive;
    expect!["accepted"].assert_eq(&judge(&statement, "e2e-with-timestamped-signature"));
}

// The test data of the library, `verifier/testdata` of notation-go: timestamps under a root that is there.
#[test]
fn timestamps_of_the_library() {
    let Some(folder) = std::env::var_os("SEALIFT_NOTATION_GO_TESTDATA").map(PathBuf::from) else {
        eprintln!("SKIPPED: no $SEALIFT_NOTATION_GO_TESTDATA, good timestamps are not tested");
        return;
    };
    let mut store = TrustStore::default();
    let authorities = folder.join("truststore/x509/ca/valid-trust-store");
    for name in ["TestTimestamp.crt", "TestTimestampNotYetValid.crt"] {
        store.insert(authority_store(), certificates(&authorities.join(name))).unwrap();
    }
    let root = certificates(&folder.join("truststore/x509/tsa/test-timestamp/globalsignRoot.cer"));
    store.insert(timestamp_store(), root).unwrap();
    let mut statement = Statement::strict("e2e", vec![authority_store(), timestamp_store()]);
    statement.verify_timestamp = VerifyTimestamp::Always;
    for check in [Check::Authenticity, Check::Expiry, Check::Revocation] {
        statement.overrides.insert(check, Action::Log);
    }
    let judge = |name: &str| {
        let envelope = fs::read(folder.join("timestamp/sigEnv").join(name)).unwrap();
        let media_type =
            if envelope[0] == b'{' { "application/jose+json" } else { "application/cose" };
        let target = Envelope::parse(media_type, &envelope).unwrap().verify().unwrap();
        let artifact = Descriptor::new(&target.media_type, target.digest, target.size);
        refusal(&verify(&Question {
            statement: &statement,
            store: &store,
            lists: &RevocationLists::default(),
            media_type,
            envelope: &envelope,
            artifact: &artifact,
            annotations: &BTreeMap::new(),
            now: time("2040-01-01T00:00:00Z"),
        }))
    };
    expect!["accepted"].assert_eq(&judge("jwsWithTimestamp.sig"));
    expect!["accepted"].assert_eq(&judge("coseWithTimestamp.sig"));
    expect!["accepted"].assert_eq(&judge("jwsExpiredWithTimestamp.sig"));
    expect!["accepted"].assert_eq(&judge("coseExpiredWithTimestamp.sig"));
    expect!["the certificate `CN=testTSA,O=Notary,L=Seattle,ST=WA,C=US` is valid from 2000-09-18T11:54:34Z to 2001-09-18T11:54:34Z, and not at 2024-06-19T09:35:57Z, the time of the timestamp"].assert_eq(&judge("timestampAfterNotAfter.sig"));
    expect!["the certificate `CN=testTSA,O=Notary,L=Seattle,ST=WA,C=US` is valid from 2099-09-18T11:54:34Z to 2100-09-18T11:54:34Z, and not at 2024-06-19T09:30:13Z, the time of the timestamp"].assert_eq(&judge("timestampBeforeNotBefore.sig"));
    expect!["the timestamp does not count: the signature has none"]
        .assert_eq(&judge("withoutTimestamp.sig"));
}

#[test]
fn envelopes_of_notation() {
    let Some(folder) = data("envelopes of notation") else { return };
    for (name, media_type) in
        [("blob.jws.sig", "application/jose+json"), ("blob.cose.sig", "application/cose")]
    {
        let bytes = fs::read(folder.join("signatures").join(name)).unwrap();
        let target = Envelope::parse(media_type, &bytes).unwrap().verify().unwrap();
        assert_eq!(target.media_type, "application/octet-stream", "{name}");
    }
    let bytes = fs::read(folder.join("signatures/malformed.jws.sig")).unwrap();
    assert!(Envelope::parse("application/jose+json", &bytes).is_err());
}

const REFUSED: [&str; 9] = [
    "invalid_format",
    "empty_",
    "malformed_",
    "missing_",
    "overlapped_registry_scope",
    "overlapped_trusted_identity",
    "override_integrity",
    "unset_",
    "wildcard_",
];

#[test]
fn policies_of_notation() {
    let Some(folder) = data("policies of notation") else { return };
    let mut n_policies = 0;
    for entry in fs::read_dir(folder.join("config/trustpolicies")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let kind = if name.starts_with("blob") { PolicyKind::Blob } else { PolicyKind::Oci };
        let is_refused = REFUSED.iter().any(|start| name.starts_with(start))
            || name.contains("the_same")
            || name.contains("multi_wildcard");
        let read = TrustPolicy::parse(kind, &fs::read(&path).unwrap());
        assert_eq!(read.is_err(), is_refused, "{name}: {read:?}");
        n_policies += 1;
    }
    assert!(n_policies > 30, "only {n_policies} policies");
}

#[test]
fn lists_of_revoked_certificates() {
    let Some(folder) = data("lists of revoked certificates") else { return };
    let folder = folder.join("config/crl");
    let chain = certificates(&folder.join("certchain_with_crl.pem"));
    let [leaf, middle, root] = chain.as_slice() else { panic!("three certificates") };
    let read =
        |name: &str| RevocationList::from_bytes(&fs::read(folder.join(name)).unwrap()).unwrap();
    let check = |name: &str, certificate: &Certificate, issuer: &Certificate| {
        let list = read(name);
        let found = list.find(certificate.serial()).map(|found| found.reason);
        let at = list.times().0;
        format!("{:?} {found:?}", list.verify(issuer, at).is_ok())
    };
    expect!["true None"].assert_eq(&check("leaf.crl", leaf, middle));
    expect!["true Some(Unspecified)"].assert_eq(&check("leaf_revoked.crl", leaf, middle));
    expect!["false None"].assert_eq(&check("leaf_expired.crl", leaf, middle));
    expect!["true None"].assert_eq(&check("intermediate.crl", middle, root));
    expect!["true Some(Unspecified)"].assert_eq(&check("intermediate_revoked.crl", middle, root));
    let expired = read("leaf_expired.crl");
    let error = expired.verify(middle, time("2030-01-01T00:00:00Z")).unwrap_err().to_string();
    expect!["not a usable list of revoked certificates: its signature is not by its authority"]
        .assert_eq(&error);
}
