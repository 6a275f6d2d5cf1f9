//! Keyless signatures of images: bundles and cosign's older form, by an identity on the command line and in a policy.

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::{Certificate, SigningKey};
use sealift_oci::{Descriptor, Digest, Index, Manifest, Raw, media_type};
use sealift_testkit::{LayerFile, TestContext, TestImage, layer, write_layout};
use serde_json::{Value, json};

use crate::instance::{IDENTITY, ISSUER, Instance, Kind, Plan, base64, hex, time};
use crate::{assert_one_error, context};

const IMAGE: &str = "oci-dir:layout:registry.example/team/app:1";
const PROVENANCE: &str = "https://slsa.dev/provenance/v1";

/// An image in a layout, and a sigstore that signs for it.
struct Lab {
    context: TestContext,
    instance: Instance,
    image: TestImage,
}

fn lab() -> Lab {
    let (context, instance) = (context(), Instance::new());
    let file = LayerFile { path: "file", content: b"content", mode: 0o644 };
    let image = TestImage::new(vec![layer(&[file])], |_| {});
    write_layout(&context.work().join("layout"), "registry.example/team/app:1", &image);
    context.write("root.json", instance.root().to_string());
    Lab { context, instance, image }
}

impl Lab {
    fn digest(&self) -> String {
        self.image.manifest.digest().to_string()
    }

    // cosign's payload for an image.
    fn payload(digest: &str) -> Vec<u8> {
        json!({
            "critical": {
                "identity": {"docker-reference": "registry.example/team/app"},
                "image": {"docker-manifest-digest": digest},
                "type": "cosign container image signature",
            },
            "optional": null,
        })
        .to_string()
        .into_bytes()
    }

    // What cosign 2 writes beside a signature.
    fn annotations(&self, bundle: &Value, stamped: Option<&[u8]>) -> Value {
        let material = &bundle["verificationMaterial"];
        let decode = |value: &Value| STANDARD.decode(value.as_str().unwrap()).unwrap();
        let certificate = decode(&material["certificate"]["rawBytes"]);
        let entry = &material["tlogEntries"][0];
        let seconds: u64 = entry["integratedTime"].as_str().unwrap().parse().unwrap();
        let promise = json!({
            "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            "Payload": {
                "body": entry["canonicalizedBody"],
                "integratedTime": seconds,
                "logIndex": 1002,
                "logID": hex(&decode(&entry["logId"]["keyId"])),
            },
        });
        let chain =
            self.instance.middle.certificate.to_pem() + &self.instance.root.certificate.to_pem();
        let mut annotations = json!({
            "dev.sigstore.cosign/certificate": Certificate::from_der(&certificate).unwrap().to_pem(),
            "dev.sigstore.cosign/chain": chain,
            "dev.sigstore.cosign/bundle": promise.to_string(),
            "dev.cosignproject.cosign/signature": bundle["messageSignature"]["signature"].as_str().unwrap_or(""),
        });
        if let Some(bytes) = stamped {
            let token = base64(&self.instance.timestamp(bytes, time(crate::instance::TIME)));
            annotations["dev.sigstore.cosign/rfc3161timestamp"] =
                json!({"SignedRFC3161Timestamp": token}).to_string().into();
        }
        annotations
    }

    fn signature(&self, digest: &str) -> (Vec<u8>, Value) {
        let payload = Self::payload(digest);
        let plan =
            Plan { content: payload.clone(), has_timestamp: false, ..Plan::new(Kind::Hashed1) };
        let annotations = self.annotations(&self.instance.bundle(&plan), None);
        (payload, annotations)
    }

    fn attestation(&self, predicate_type: &'static str) -> (Vec<u8>, Value) {
        let content = self.image.manifest.bytes().to_vec();
        let plan = Plan { content, predicate_type, ..Plan::new(Kind::Dsse1) };
        let bundle = self.instance.bundle_by(&plan, &SigningKey::generate_p256());
        let envelope = bundle["dsseEnvelope"].to_string().into_bytes();
        let mut annotations = self.annotations(&bundle, Some(&envelope));
        annotations["predicateType"] = predicate_type.into();
        (envelope, annotations)
    }

    // Lays a manifest of the older form beside the image, as a pull of its tag does.
    fn attach(&self, kind: &str, layers: &[(Vec<u8>, Value)]) {
        let folder = self.context.work().join("layout");
        let put = |bytes: &[u8]| put(&folder, bytes);
        put(b"{}");
        let config = Descriptor::new(media_type::CONFIG, Digest::sha256(b"{}"), 2);
        let layers = layers
            .iter()
            .map(|(bytes, annotations)| {
                put(bytes);
                let mut layer = Descriptor::new(kind, Digest::sha256(bytes), bytes.len() as u64);
                layer.annotations = serde_json::from_value(annotations.clone()).unwrap();
                layer
            })
            .collect();
        let manifest = Raw::encode(Manifest::new(config, layers));
        put(manifest.bytes());
        let mut entry =
            Descriptor::new(media_type::MANIFEST, manifest.digest().clone(), manifest.size());
        entry.annotations.insert("dev.sealift.subject".to_owned(), self.digest());
        let path = folder.join("index.json");
        let mut index: Index = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        index.manifests.push(entry);
        fs::write(path, Raw::encode(index).bytes()).unwrap();
    }

    fn sign(&self) {
        self.attach(
            "application/vnd.dev.cosign.simplesigning.v1+json",
            &[self.signature(&self.digest())],
        );
    }

    fn attest(&self, predicate_type: &'static str) {
        self.attach("application/vnd.dsse.envelope.v1+json", &[self.attestation(predicate_type)]);
    }
}

fn put(folder: &Path, bytes: &[u8]) {
    fs::write(folder.join("blobs/sha256").join(Digest::sha256(bytes).hex()), bytes).unwrap();
}

fn verify<'a>(identity: &'a str, issuer: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = vec!["verify", "--certificate-identity", identity];
    arguments.extend(["--certificate-oidc-issuer", issuer, "--trusted-root", "root.json"]);
    arguments.extend(more);
    arguments.push(IMAGE);
    arguments
}

#[test]
fn a_keyless_signature_of_the_older_form() {
    let lab = lab();
    let right = verify(IDENTITY, ISSUER, &["--explain"]);
    let refused = lab.context.expect(4, &right);
    assert!(refused.stderr.contains("refused"), "{}", refused.stderr);
    lab.sign();
    let explained = lab.context.expect(0, &right).stdout;
    assert!(explained.contains(IDENTITY) && explained.contains("cosign"), "{explained}");
    lab.context.expect(0, &verify(IDENTITY, ISSUER, &["--require", "signature"]));
    for (identity, issuer) in [("https://ci.test/other", ISSUER), (IDENTITY, "https://other.test")]
    {
        let refused = lab.context.run(&verify(identity, issuer, &[]));
        assert_one_error(&refused, 4, &["refused"]);
    }
    // Another sigstore vouches for nobody here.
    lab.context.write("root.json", Instance::new().root().to_string());
    assert_one_error(&lab.context.run(&verify(IDENTITY, ISSUER, &[])), 4, &["refused"]);
}

#[test]
fn one_that_is_altered_or_about_another_image() {
    let other = format!("sha256:{}", "ab".repeat(32));
    let kind = "application/vnd.dev.cosign.simplesigning.v1+json";
    let lab = lab();
    lab.attach(kind, &[lab.signature(&other)]);
    let refused = lab.context.run(&verify(IDENTITY, ISSUER, &[]));
    assert_one_error(&refused, 4, &["it is about `sha256:abab"]);
    let exchanged = |lab: &Lab| {
        let other = format!("sha256:{}", "ab".repeat(32));
        (Lab::payload(&lab.digest()), lab.signature(&other).1)
    };
    let without_promise = |lab: &Lab| {
        let (payload, mut annotations) = lab.signature(&lab.digest());
        annotations.as_object_mut().unwrap().remove("dev.sigstore.cosign/bundle");
        (payload, annotations)
    };
    let with_other_certificate = |lab: &Lab| {
        let (payload, mut annotations) = lab.signature(&lab.digest());
        let name = "dev.sigstore.cosign/certificate";
        annotations[name] = lab.signature(&lab.digest()).1[name].clone();
        (payload, annotations)
    };
    let altered =
        [exchanged as fn(&Lab) -> (Vec<u8>, Value), without_promise, with_other_certificate];
    for make in altered {
        let lab = self::lab();
        lab.attach(kind, &[make(&lab)]);
        assert_one_error(&lab.context.run(&verify(IDENTITY, ISSUER, &[])), 4, &["refused"]);
        // Beside a good one it does not matter.
        lab.attach(kind, &[make(&lab), lab.signature(&lab.digest())]);
        lab.context.expect(0, &verify(IDENTITY, ISSUER, &[]));
    }
}

#[test]
fn keyless_attestations() {
    let lab = lab();
    lab.sign();
    let provenance = verify(IDENTITY, ISSUER, &["--require", "provenance"]);
    assert_one_error(&lab.context.run(&provenance), 4, &["provenance"]);
    lab.attest(PROVENANCE);
    lab.context.expect(0, &provenance);
    lab.context.expect(0, &verify(IDENTITY, ISSUER, &["--require", PROVENANCE]));
    let sbom = lab.context.run(&verify(IDENTITY, ISSUER, &["--require", "sbom"]));
    assert_one_error(&sbom, 4, &["sbom"]);
    // The same by a policy, where the identity is a pattern.
    let policy = |attestation: &str| {
        lab.context.write(
            "trust.toml",
            format!(
                "version = 1\n[[signer]]\nname = \"ci\"\ntrusted_root = \"root.json\"\n\
                 identities = [{{ subject = \"https://ci.test/team/**\", issuer = \"{ISSUER}\" }}]\n\
                 [[rule]]\nmatch = \"registry.example/team/*\"\nsigners = [\"ci\"]\n\
                 attestations = [\"{attestation}\"]\n"
            ),
        );
    };
    policy("provenance");
    let verify = ["verify", "--policy", "trust.toml", IMAGE];
    lab.context.expect(0, &verify);
    policy("sbom");
    assert_one_error(&lab.context.run(&verify), 4, &["sbom"]);
}
