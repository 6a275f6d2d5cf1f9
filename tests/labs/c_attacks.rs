//! C5: attacks that only the whole program can show, each with the line that refuses. docs/trust-attacks.md lists them.

use std::fs;
use std::path::Path;
use std::process::Command;

use sealift_oci::{Digest, media_type};
use sealift_testkit::NotaryServer;
use serde_json::Value;

use crate::c_policies::{Lab, ONE, lab};

impl Lab {
    fn manifest(&self) -> (String, usize) {
        let bytes = self.registry.manifest("team/app", "1.0").unwrap();
        (Digest::sha256(&bytes).to_string(), bytes.len())
    }
}

// notary's own client, which signs whatever length it is told.
fn notary(lab: &Lab, server: &NotaryServer, arguments: &[&str]) {
    let mut command = Command::new("notary");
    let authority = server.authority();
    command
        .args(["--server", &server.url(), "--tlscacert", authority.to_str().unwrap()])
        .args(["--trustDir", lab.context.work().join("notary").to_str().unwrap()])
        .args(arguments);
    for role in ["ROOT", "TARGETS", "SNAPSHOT"] {
        command.env(format!("NOTARY_{role}_PASSPHRASE"), "for tests only");
    }
    let output = command.output().expect("notary; tests/setup installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn signed_length_wrong() {
    let Some(server) = NotaryServer::start() else { return };
    let mut lab = lab();
    let tls = lab.context.home().join(".docker/tls").join(server.host());
    fs::create_dir_all(&tls).unwrap();
    fs::copy(server.authority(), tls.join("ca.crt")).unwrap();
    lab.context.set("DOCKER_CONTENT_TRUST_SERVER", &server.url());
    let name = lab.name("1.0");
    lab.build(&name, "one");
    lab.context.expect(0, &["push", "--quiet", &name]);
    let host = lab.registry.host();
    lab.context.write(
        "trust.toml",
        format!(
            "version = 1\n[[signer]]\nname = \"owner\"\nroles = [\"targets\"]\n\
             [[rule]]\nmatch = \"{host}/team/*\"\nsigners = [\"owner\"]\n"
        ),
    );
    let (digest, size) = lab.manifest();
    let repository = format!("{host}/team/app");
    let add = |size: usize| {
        let (size, hash) = (size.to_string(), digest.trim_start_matches("sha256:"));
        let add = ["addhash", &repository, "1.0", &size, "--sha256", hash, "--publish"];
        notary(&lab, &server, &add);
    };
    notary(&lab, &server, &["init", &repository, "--publish"]);
    let pull = ["pull", "--policy", "trust.toml", "--tofu", &name];
    let verify = ["verify", "--policy", "trust.toml", &name];
    add(size + 1);
    let wrong = format!("the signed length is {} bytes, but the manifest has {size}", size + 1);
    lab.refused(&pull, &wrong);
    lab.refused(&verify, "tampered: the signed length is ");
    notary(&lab, &server, &["remove", &repository, "1.0", "--publish"]);
    add(size);
    lab.context.expect(0, &pull);
    lab.context.expect(0, &verify);
}

#[test]
fn media_type_substituted_by_the_registry() {
    let lab = lab();
    let name = lab.name("1.0");
    lab.policy(ONE);
    lab.build(&name, "one");
    lab.sign("release.key", &name);
    lab.context.expect(0, &["push", "--quiet", &name]);
    let pull = ["pull", "--policy", "trust.toml", &name];
    lab.context.expect(0, &pull);
    let (digest, _) = lab.manifest();
    let serve_as = |kind: &str| {
        for known in ["1.0", &digest] {
            lab.registry.retype_manifest("team/app", known, kind);
        }
    };
    for kind in [media_type::DOCKER_MANIFEST, media_type::INDEX, media_type::DOCKER_INDEX] {
        serve_as(kind);
        let errors = lab.context.expect(3, &pull).stderr;
        let says =
            "the manifest says `application/vnd.oci.image.manifest.v1+json`, its header says";
        assert!(errors.contains(&format!("{says} `{kind}`")), "{errors}");
    }
    // No type at all leaves the document's own, which is signed.
    serve_as("text/plain");
    lab.context.expect(0, &pull);
}

#[test]
fn media_type_substituted_in_the_store() {
    let lab = lab();
    let name = lab.name("1.0");
    lab.policy(ONE);
    lab.build(&name, "one");
    lab.sign("release.key", &name);
    let verify = ["verify", "--offline", "--policy", "trust.toml", &name];
    lab.context.expect(0, &verify);
    let says = "and says that it is `application/vnd.oci.image.manifest.v1+json`";
    for kind in
        [media_type::DOCKER_MANIFEST, media_type::INDEX, media_type::DOCKER_INDEX, "text/plain"]
    {
        retype(&lab.context.store().join("index.json"), &name, kind);
        lab.refused(&verify, &format!("it was listed as `{kind}` {says}"));
    }
    retype(&lab.context.store().join("index.json"), &name, media_type::MANIFEST);
    lab.context.expect(0, &verify);
}

// Lists an image as one of another media type.
fn retype(path: &Path, name: &str, kind: &str) {
    let mut index: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    for entry in index["manifests"].as_array_mut().unwrap() {
        if entry["annotations"]["org.opencontainers.image.ref.name"] == *name {
            entry["mediaType"] = kind.into();
        }
    }
    fs::write(path, index.to_string()).unwrap();
}
