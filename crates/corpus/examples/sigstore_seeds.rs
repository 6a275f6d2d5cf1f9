//! Writes the seeds of keyless signatures, and the trusted root of the instance that made them:
//! `cargo run -p sealift-corpus --example sigstore_seeds`.
#![allow(clippy::unwrap_used, reason = "a failure is a panic")]

// The tests' instance makes bundles; nothing else here could.
#[allow(dead_code, reason = "the tests use all of it")]
#[path = "../../sigstore/tests/it/instance.rs"]
mod instance;

use std::path::Path;

use instance::{Instance, Kind, Plan, time};
use sealift_crypto::{Certificate, SigningKey};

fn main() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let instance = Instance::new();
    let trusted = serde_json::to_vec_pretty(&instance.root()).unwrap();
    std::fs::write(root.join("crates/corpus/fixtures/trusted_root.json"), &trusted).unwrap();
    let seed = |target: &str, name: &str, bytes: &[u8]| {
        let folder = root.join("fuzz/seeds").join(target);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    };
    seed("trusted_root", "trusted_root.json", &trusted);
    for kind in Kind::ALL {
        let bundle = instance.bundle(&Plan::new(kind));
        let name = format!("{kind:?}.json").to_lowercase();
        seed("sigstore_bundle", &name, bundle.to_string().as_bytes());
        let checkpoint =
            &bundle["verificationMaterial"]["tlogEntries"][0]["inclusionProof"]["checkpoint"];
        seed("checkpoint", &name, checkpoint["envelope"].as_str().unwrap().as_bytes());
    }
    let token = instance.timestamp(instance::CONTENT, time(instance::TIME));
    seed("timestamp", "answer.tsr", &token);
    let leaf = instance.certificate(&Plan::new(Kind::Hashed1), &SigningKey::generate_p256());
    let chain =
        [&leaf, &instance.middle.certificate, &instance.root.certificate].map(Certificate::to_pem);
    seed("certificates", "signer.pem", chain.concat().as_bytes());
    let stamp = [&instance.stamp.certificate, &instance.stamp_root.certificate];
    seed("certificates", "stamp.pem", stamp.map(Certificate::to_pem).concat().as_bytes());
}
