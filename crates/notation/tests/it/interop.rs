//! notation itself, both directions. Wanted in `$SEALIFT_NOTATION`, or as `notation`.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::{Certificate, RsaSize, SigningKey};
use sealift_notation::{EnvelopeFormat, SigningScheme, artifact, envelope_of, is_signature};
use sealift_oci::{Descriptor, Digest, Index, Manifest, media_type};
use serde_json::json;

use crate::{World, refusal};

fn program() -> Option<OsString> {
    let program = std::env::var_os("SEALIFT_NOTATION").unwrap_or_else(|| "notation".into());
    let probe = Command::new(&program).arg("version").output();
    if probe.is_ok_and(|output| output.status.success()) {
        return Some(program);
    }
    eprintln!("SKIPPED: no notation in $SEALIFT_NOTATION or the path, nothing was tried with it");
    None
}

struct Lab {
    program: OsString,
    folder: tempfile::TempDir,
}

impl Lab {
    // An OCI layout with the image, and notation's configuration that trusts the root.
    fn new(program: &OsString, world: &mut World) -> Self {
        let lab = Self { program: program.clone(), folder: tempfile::tempdir().unwrap() };
        let config = lab.blob(b"{}");
        let layer = lab.blob(b"layer");
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": media_type::MANIFEST,
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 2
            },
            "layers": [{
                "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": 5
            }],
        });
        let manifest = manifest.to_string();
        let digest = lab.blob(manifest.as_bytes());
        world.image = Descriptor::new(media_type::MANIFEST, digest, manifest.len() as u64);
        fs::write(lab.layout().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        let index = json!({ "schemaVersion": 2, "manifests": [{
            "mediaType": media_type::MANIFEST,
            "digest": world.image.digest.to_string(),
            "size": world.image.size,
            "annotations": { "org.opencontainers.image.ref.name": "v1" },
        }] });
        fs::write(lab.layout().join("index.json"), index.to_string()).unwrap();
        let root = world.chain.last().unwrap();
        lab.write("truststore/x509/ca/team/root.pem", &root.to_pem());
        lab.write("truststore/x509/signingAuthority/team/root.pem", &root.to_pem());
        let policy = json!({ "version": "1.0", "trustPolicies": [{
            "name": "team", "registryScopes": ["local/lab"],
            "signatureVerification": { "level": "strict" },
            "trustStores": ["ca:team", "signingAuthority:team"],
            "trustedIdentities": ["x509.subject: C=CH, ST=BE, O=Ship, CN=app"],
        }] });
        lab.write("trustpolicy.json", &policy.to_string());
        lab
    }

    fn layout(&self) -> PathBuf {
        let path = self.folder.path().join("layout");
        fs::create_dir_all(path.join("blobs/sha256")).unwrap();
        path
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join("config/notation").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn blob(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        fs::write(self.layout().join("blobs").join(digest.to_string().replace(':', "/")), bytes)
            .unwrap();
        digest
    }

    fn run(&self, arguments: &[&str], image: &Descriptor) -> Output {
        let target = format!("{}@{}", self.layout().display(), image.digest);
        Command::new(&self.program)
            .args(arguments)
            .arg(target)
            .env("NOTATION_EXPERIMENTAL", "1")
            .env("HOME", self.folder.path())
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env("XDG_CACHE_HOME", self.folder.path().join("cache"))
            .output()
            .unwrap()
    }

    fn verify(&self, image: &Descriptor) -> Output {
        self.run(&["verify", "--oci-layout", "--scope", "local/lab"], image)
    }

    // Adds our signature to the layout.
    fn add(&self, format: EnvelopeFormat, envelope: Vec<u8>, image: &Descriptor) {
        let artifact = artifact(format, envelope, image).unwrap();
        for blob in &artifact.blobs {
            self.blob(&blob.bytes);
        }
        self.blob(artifact.manifest.bytes());
        let path = self.layout().join("index.json");
        let mut index: serde_json::Value =
            serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let descriptor = serde_json::to_value(artifact.descriptor()).unwrap();
        index["manifests"].as_array_mut().unwrap().push(descriptor);
        fs::write(path, index.to_string()).unwrap();
    }
}

fn keys() -> Vec<SigningKey> {
    vec![
        SigningKey::generate_p256(),
        SigningKey::generate_p384(),
        SigningKey::generate_p521(),
        SigningKey::generate_rsa_of(RsaSize::Bits2048),
        SigningKey::generate_rsa(),
    ]
}

fn now(world: &World, format: EnvelopeFormat, scheme: SigningScheme) -> Vec<u8> {
    let sign = |request: &mut sealift_notation::Request<'_>| {
        request.signing_time = jiff::Timestamp::now();
        request.expiry = Some(jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1));
        request.scheme = scheme;
    };
    world.sign_as(format, sign).unwrap()
}

#[test]
fn notation_accepts_our_signatures() {
    let Some(program) = program() else { return };
    for key in keys() {
        let mut world = World::with_key(key);
        for format in [EnvelopeFormat::Jws, EnvelopeFormat::Cose] {
            for scheme in [SigningScheme::X509, SigningScheme::SigningAuthority] {
                let lab = Lab::new(&program, &mut world);
                assert!(!lab.verify(&world.image).status.success(), "nothing is signed yet");
                lab.add(format, now(&world, format, scheme), &world.image);
                let output = lab.verify(&world.image);
                assert!(output.status.success(), "{format:?} {scheme:?}: {output:?}");
            }
        }
    }
}

#[test]
fn notation_refuses_what_we_refuse() {
    let Some(program) = program() else { return };
    let mut world = World::new();
    for format in [EnvelopeFormat::Jws, EnvelopeFormat::Cose] {
        let lab = Lab::new(&program, &mut world);
        let good = now(&world, format, SigningScheme::X509);
        // The last byte of a signature in COSE, one of the text in JWS.
        let place = match format {
            EnvelopeFormat::Cose => good.len() - 1,
            EnvelopeFormat::Jws => good.len() - 10,
        };
        let mut changed = good.clone();
        changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
        lab.add(format, changed, &world.image);
        assert!(!lab.verify(&world.image).status.success());
        let mut attacker = World::new();
        attacker.image = world.image.clone();
        lab.add(format, now(&attacker, format, SigningScheme::X509), &world.image);
        assert!(!lab.verify(&world.image).status.success());
        lab.add(format, good, &world.image);
        assert!(lab.verify(&world.image).status.success(), "one good signature is enough");
    }
}

fn read_index(layout: &Path) -> Index {
    serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap()
}

#[test]
fn we_accept_signatures_of_notation() {
    let Some(program) = program() else { return };
    for key in keys() {
        let mut world = World::with_key(key);
        for (name, format) in [("jws", EnvelopeFormat::Jws), ("cose", EnvelopeFormat::Cose)] {
            let lab = Lab::new(&program, &mut world);
            let chain: String = world.chain.iter().map(Certificate::to_pem).collect();
            lab.write("keys/app.crt", &chain);
            let base64 = STANDARD.encode(world.key.pkcs8().unwrap().expose());
            let key = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
            lab.write("keys/app.key", &key);
            let at = |name: &str| lab.folder.path().join("config/notation/keys").join(name);
            let keys = json!({ "default": "app", "keys": [{
                "name": "app", "keyPath": at("app.key"), "certPath": at("app.crt")
            }] });
            lab.write("signingkeys.json", &keys.to_string());
            let sign = ["sign", "--oci-layout", "--signature-format", name, "--expiry", "1h"];
            let sign = [&sign[..], &["--user-metadata", "build=7"]].concat();
            let output = lab.run(&sign, &world.image);
            assert!(output.status.success(), "{output:?}");
            let mut n_signatures = 0;
            for descriptor in &read_index(&lab.layout()).manifests {
                let path = |digest: &Digest| {
                    lab.layout().join("blobs").join(digest.to_string().replace(':', "/"))
                };
                let bytes = fs::read(path(&descriptor.digest)).unwrap();
                let manifest: Manifest = serde_json::from_slice(&bytes).unwrap();
                if !is_signature(&manifest) {
                    continue;
                }
                let layer = envelope_of(&manifest, &world.image).unwrap();
                assert_eq!(layer.media_type, format.media_type());
                let envelope = fs::read(path(&layer.digest)).unwrap();
                let now = jiff::Timestamp::now().to_string();
                let other = crate::Other { now: Some(&now), ..Default::default() };
                let outcome = world.verify_with(format, &envelope, &other);
                assert_eq!(refusal(&outcome), "accepted");
                let signed = outcome.signed.unwrap();
                assert_eq!(signed.target.annotations["build"], "7");
                assert!(signed.expiry.is_some());
                n_signatures += 1;
            }
            assert_eq!(n_signatures, 1, "{name}");
        }
    }
}
