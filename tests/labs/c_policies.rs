//! C3, C4, C5: who must have signed, and what is refused, with the line that says so.

use std::fs;
use std::path::PathBuf;

use sealift_crypto::{Certificate, Secret, SigningKey};
use sealift_notation::{DistinguishedName, Validity, issue_signer, new_root};
use sealift_testkit::{Access, Faults, NotaryServer, Registry, TestContext};
use serde_json::Value;

use crate::lab::empty_lab;

/// A registry on loopback and a context that speaks plain HTTP to it, with keys `release`, `ci` and `security`.
pub(crate) struct Lab {
    pub(crate) context: TestContext,
    pub(crate) registry: Registry,
}

pub(crate) fn lab() -> Lab {
    let mut context = empty_lab();
    let registry = Registry::start(Access::Open, Faults::default());
    context.set("SEALIFT_PLAIN_HTTP", &registry.host());
    for name in ["release", "ci", "security", "ci-signer", "release-signer"] {
        let key = SigningKey::generate_p256();
        let path = context.work().join(format!("{name}.key"));
        fs::write(&path, key.to_encrypted_pem(&Secret::new(Vec::new())).unwrap()).unwrap();
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        context.write(&format!("{name}.pub"), key.public().to_pem());
    }
    Lab { context, registry }
}

impl Lab {
    pub(crate) fn name(&self, tag: &str) -> String {
        format!("{}/team/app:{tag}", self.registry.host())
    }

    /// Builds an image with this text in it, and says what its digest is.
    pub(crate) fn build(&self, name: &str, text: &str) {
        self.context.write("app/file", text);
        self.context.write("app/Dockerfile", "FROM scratch\nCOPY file /file\n");
        self.context.expect(0, &["build", "--quiet", "-t", name, "app"]);
    }

    pub(crate) fn sign(&self, key: &str, name: &str) {
        self.context.expect(0, &["sign", "--quiet", "--key", key, name]);
    }

    pub(crate) fn policy(&self, rule: &str) {
        let host = self.registry.host();
        self.context.write(
            "trust.toml",
            format!(
                "version = 1\n\
                 [[signer]]\nname = \"release-team\"\nkeys = [\"release.pub\"]\n\
                 [[signer]]\nname = \"ci\"\nkeys = [\"ci.pub\"]\n\
                 [[signer]]\nname = \"security\"\nkeys = [\"security.pub\"]\n\
                 [[rule]]\nmatch = \"{host}/team/*\"\n{rule}\n"
            ),
        );
    }

    #[track_caller]
    pub(crate) fn refused(&self, arguments: &[&str], expected: &str) {
        let outcome = self.context.expect(4, arguments);
        let line = outcome.stderr.lines().find(|line| line.starts_with("error: ")).unwrap();
        assert!(line.contains(expected), "{line}\n{expected}");
        assert_eq!(outcome.stderr.matches("error: ").count(), 1, "{}", outcome.stderr);
    }

    fn first_layer(&self, name: &str) -> String {
        let index: Value =
            serde_json::from_slice(&fs::read(self.context.store().join("index.json")).unwrap())
                .unwrap();
        let entry = index["manifests"]
            .as_array()
            .unwrap()
            .iter()
            .find(|entry| entry["annotations"]["org.opencontainers.image.ref.name"] == *name);
        let manifest = fs::read(self.store_blob(entry.unwrap()["digest"].as_str().unwrap()));
        let manifest: Value = serde_json::from_slice(&manifest.unwrap()).unwrap();
        manifest["layers"][0]["digest"].as_str().unwrap().to_owned()
    }

    fn store_blob(&self, digest: &str) -> PathBuf {
        self.context.store().join("blobs").join(digest.replacen(':', "/", 1))
    }
}

pub(crate) const ONE: &str = "signers = [\"release-team\"]";

#[test]
fn c3_signed_verified_offline_by_a_policy() {
    let lab = lab();
    let name = "myregistry/prod-app:1.0";
    lab.build(name, "one");
    lab.context.write("trust-policy.json", LAB_POLICY);
    lab.sign("release-signer.key", name);
    let verify = ["verify", "--offline", "--policy", "trust-policy.json", name];
    let outcome = lab.context.expect(0, &verify);
    assert!(outcome.stdout.contains("signed by release-team"), "{}", outcome.stdout);
    let explained = lab.context.expect(0, &[&verify[..], &["--explain"]].concat()).stdout;
    assert!(explained.contains("✓ cosign signature by key"), "{explained}");
    let json = lab.context.expect(0, &[&verify[..], &["--format", "json"]].concat()).stdout;
    let document: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(document["trust"]["outcome"], "admitted");
    assert_eq!(document["trust"]["signers"][0], "release-team");
    assert_eq!(document["trust"]["proof"]["kind"], "image");
}

/// The policy of the lab, as it is.
const LAB_POLICY: &str = r#"{"version": "1.0", "trust": {"enabled": true, "signers": {
  "ci-system":    {"keys": ["ci-signer"],      "repos": ["myregistry/*"]},
  "release-team": {"keys": ["release-signer"], "repos": ["myregistry/prod-*"]}}}}"#;

#[test]
fn c4_signers_keys_and_repositories() {
    let lab = lab();
    lab.context.write("trust-policy.json", LAB_POLICY);
    lab.context.write("sealift.toml", "[verify]\npolicy = \"trust-policy.json\"\n");
    let (prod, dev) = ("myregistry/prod-app:1.0", "myregistry/dev-app:1.0");
    for name in [prod, dev] {
        lab.build(name, name);
        lab.sign("ci-signer.key", name);
        lab.context.expect(0, &["verify", name]);
    }
    // The step of the pipeline that fails unless the release team signed.
    let step = ["verify", "--signer", "release-team", prod];
    lab.refused(
        &step,
        "not enough signers: the signer `release-team` has not signed it, only ci-system",
    );
    lab.sign("release-signer.key", prod);
    lab.context.expect(0, &step);
    lab.refused(
        &["verify", "--signer", "release-team", dev],
        "the signer `release-team` does not sign for `myregistry/dev-app`",
    );
    lab.build("elsewhere/app:1.0", "else");
    lab.sign("ci-signer.key", "elsewhere/app:1.0");
    lab.refused(&["verify", "elsewhere/app:1.0"], "no rule: no rule of");
}

#[test]
fn c5_unsigned_and_signed_by_others() {
    let lab = lab();
    let name = lab.name("1.0");
    lab.policy(ONE);
    lab.build(&name, "one");
    let verify = ["verify", "--offline", "--policy", "trust.toml", &name];
    lab.refused(&verify, "unsigned: no signature; release-team must have signed");
    lab.sign("ci.key", &name);
    lab.refused(&verify, "one signature by another key proves nothing");
    lab.context.expect(0, &["push", "--quiet", &name]);
    lab.refused(
        &["pull", "--policy", "trust.toml", &name],
        "unsigned: signed by 0 of 1 that are wanted: release-team must have signed",
    );
    lab.sign("release.key", &name);
    lab.context.expect(0, &verify);
    lab.policy("signers = [\"release-team\", \"ci\", \"security\"]\nrequire = \"2-of-3\"");
    lab.context.expect(0, &verify);
    lab.policy("signers = [\"release-team\", \"ci\", \"security\"]\nrequire = \"all\"");
    lab.refused(&verify, "not enough signers: signed by 2 of 3");
}

#[test]
fn c5_tampered() {
    let lab = lab();
    let name = lab.name("1.0");
    lab.policy(ONE);
    lab.build(&name, "one");
    lab.sign("release.key", &name);
    let verify = ["verify", "--offline", "--policy", "trust.toml", &name];
    lab.context.expect(0, &verify);
    let path = lab.store_blob(&lab.first_layer(&name));
    let whole = fs::read(&path).unwrap();
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    for index in [0, whole.len() / 2, whole.len() - 1] {
        let mut altered = whole.clone();
        altered[index] ^= 1;
        fs::write(&path, &altered).unwrap();
        // The time of the last change of the bytes can be set back; it does not help.
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
        lab.refused(&verify, "refused: layer 1");
    }
    fs::write(&path, &whole).unwrap();
    lab.context.expect(0, &verify);
}

#[test]
fn c5_repointed_between_verify_and_pull() {
    let lab = lab();
    let (first, second) = (lab.name("1.0"), lab.name("2.0"));
    lab.policy(&format!("{ONE}\ntag_binding = true"));
    lab.build(&first, "one");
    lab.sign("release.key", &first);
    lab.context.expect(0, &["push", "--quiet", &first]);
    lab.context.expect(0, &["verify", "--policy", "trust.toml", &first]);
    lab.build(&second, "two");
    lab.sign("release.key", &second);
    // The second image, well signed for its own tag, is pushed over the first.
    lab.context.expect(0, &["push", "--quiet", &second, &first]);
    lab.refused(
        &["pull", "--policy", "trust.toml", &first],
        "re-pointed: no signature and no tag map says that",
    );
    // And an image that nobody signed.
    lab.build(&first, "three");
    lab.context.expect(0, &["push", "--quiet", &first]);
    lab.refused(&["pull", "--policy", "trust.toml", &first], "unsigned: no signature");
}

#[test]
fn c5_replayed_with_a_tag_map() {
    let lab = lab();
    let name = lab.name("1.0");
    lab.policy(&format!("{ONE}\ntag_binding = true\nmax_staleness = \"12h\""));
    lab.build(&name, "old");
    lab.sign("release.key", &name);
    let map = ["trust", "tag-map", "--quiet", "--push", "--key", "release.key", &name];
    lab.context.expect(0, &map);
    let old = lab.registry.manifest("team/app", "1.0").unwrap();
    lab.build(&name, "new");
    lab.sign("release.key", &name);
    lab.context.expect(0, &map);
    let pull = ["pull", "--policy", "trust.toml", "--explain", &name];
    let proof = lab.context.expect(0, &pull).stdout;
    assert!(proof.contains("tag map number 2"), "{proof}");

    // The tag goes back to the old image, whose signature and map are still good by themselves.
    lab.registry.alter_manifest("team/app", "1.0", |bytes| *bytes = old.clone());
    lab.refused(&["pull", "--policy", "trust.toml", &name], "re-pointed: ");
    // Also for somebody who never saw the new one: the repository has its newest map.
    fs::remove_dir_all(lab.context.home().join(".local/share/sealift/marks")).unwrap();
    lab.refused(&["pull", "--policy", "trust.toml", &name], "re-pointed: ");
}

#[test]
fn c5_revoked() {
    let lab = lab();
    let name = lab.name("1.0");
    lab.policy(ONE);
    let policy = String::from_utf8(lab.context.read("trust.toml")).unwrap();
    let listed = "\n[[revocation]]\nfile = \"revoked.json\"\nsigners = [\"security\"]\n";
    lab.context.write("trust.toml", format!("{policy}{listed}"));
    lab.build(&name, "one");
    lab.sign("release.key", &name);
    let verify = ["verify", "--offline", "--policy", "trust.toml", &name];
    lab.refused(&verify, "revocation list");
    let add = |what: &str| {
        let key = ["--key", "security.key", "--reason", "stolen"];
        let begin = ["trust", "revocation", "add", "--quiet", "revoked.json", what];
        lab.context.expect(0, &[&begin[..], &key[..]].concat());
    };
    add("ci.pub");
    lab.context.expect(0, &verify);
    let before = lab.context.read("revoked.json");
    add("release.pub");
    lab.refused(&verify, "revoked: its key is revoked since");
    // An older list is not believed.
    lab.context.write("revoked.json", before);
    lab.refused(&verify, "is number 1, but number 2 was seen before");
}

#[test]
fn c5_expired_and_stale() {
    let mut lab = lab();
    let name = lab.name("1.0");
    lab.policy(&format!("{ONE}\nmax_staleness = \"1h\""));
    lab.build(&name, "one");
    lab.context.set("SOURCE_DATE_EPOCH", "1700000000");
    lab.sign("release.key", &name);
    lab.refused(
        &["verify", "--offline", "--policy", "trust.toml", &name],
        "replayed: the newest proof is of 2023-11-14T22:13:20Z, older than 1h",
    );
    lab.policy(&format!("{ONE}\ntag_binding = true"));
    lab.context.write("sealift.toml", "[sign]\ntag_map_lifetime = \"1s\"\n");
    lab.context.expect(0, &["trust", "tag-map", "--quiet", "--key", "release.key", &name]);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    lab.refused(
        &["verify", "--offline", "--policy", "trust.toml", &name],
        "expired: tag map number 1",
    );
}

#[test]
fn c5_policies_that_are_not_understood() {
    let lab = lab();
    let name = lab.name("1.0");
    lab.build(&name, "one");
    lab.policy(&format!("{ONE}\ntag_bindings = true"));
    let outcome = lab.context.expect(2, &["verify", "--policy", "trust.toml", &name]);
    assert!(outcome.stderr.contains("did you mean `tag_binding`?"), "{}", outcome.stderr);
    let outcome = lab.context.expect(2, &["verify", "--signer", "x", &name]);
    assert!(outcome.stderr.contains("there is none"), "{}", outcome.stderr);
    let host = lab.registry.host();
    lab.context.write(
        "policy.json",
        format!(
            r#"{{"default": [{{"type": "reject"}}], "transports": {{"docker": {{"{host}/team": [
               {{"type": "sigstoreSigned", "keyPath": "release.pub"}}]}}}}}}"#
        ),
    );
    lab.sign("release.key", &name);
    lab.context.expect(0, &["verify", "--offline", "--policy", "policy.json", &name]);
    lab.build("other.example/app:1", "other");
    lab.refused(
        &["verify", "--offline", "--policy", "policy.json", "other.example/app:1"],
        "no rule: default rejects everything",
    );
}

#[test]
fn layers_are_hashed_once() {
    let lab = lab();
    let name = lab.name("1.0");
    lab.policy(ONE);
    lab.build(&name, "one");
    lab.sign("release.key", &name);
    let verify = ["verify", "--offline", "--policy", "trust.toml", &name];
    // What was written just now may be written again unseen, so that its hash is not kept.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    lab.context.expect(0, &verify);
    let again = lab.context.expect(0, &verify).stdout;
    assert!(again.contains("1 hashed before and not touched since"), "{again}");
    let forced = lab.context.expect(0, &[&verify[..], &["--rehash"]].concat()).stdout;
    assert!(!forced.contains("hashed before"), "{forced}");
}

// A certificate for the key `release`, and the authority that issued it.
fn certificates(lab: &Lab) {
    let text = String::from_utf8(lab.context.read("release.key")).unwrap();
    let empty = Secret::new(Vec::new());
    let key = SigningKey::from_encrypted_pem(&text, &empty).unwrap();
    let subject = DistinguishedName::parse("C=US,ST=WA,O=Example,CN=release").unwrap();
    let validity = Validity {
        from: "2024-01-01T00:00:00Z".parse().unwrap(),
        to: "2044-01-01T00:00:00Z".parse().unwrap(),
    };
    let root = new_root(&key, &subject, validity).unwrap();
    let chain = issue_signer(&root, &key, &subject, validity).unwrap();
    lab.context.write("root.crt", root.to_pem());
    lab.context.write("release.crt", chain.iter().map(Certificate::to_pem).collect::<String>());
}

#[test]
fn docker_content_trust_judged_and_left() {
    let Some(notary) = NotaryServer::start() else { return };
    let mut lab = lab();
    let tls = lab.context.home().join(".docker/tls").join(notary.host());
    fs::create_dir_all(&tls).unwrap();
    fs::copy(notary.authority(), tls.join("ca.crt")).unwrap();
    lab.context.set("DOCKER_CONTENT_TRUST_SERVER", &notary.url());
    lab.context.set("SEALIFT_KEY_PASSPHRASE", "of keys");
    lab.context.set("SEALIFT_ROOT_PASSPHRASE", "of roots");
    let repository = format!("{}/team/app", lab.registry.host());
    lab.context.expect(0, &["trust", "key", "generate", "alice"]);
    lab.context.expect(0, &["trust", "signer", "add", "--key", "alice.pub", "alice", &repository]);
    for tag in ["1.0", "2.0"] {
        let name = lab.name(tag);
        lab.build(&name, tag);
        lab.context.expect(0, &["push", "--quiet", &name]);
        lab.context.expect(0, &["trust", "sign", &name]);
    }
    let policy = |rule: &str| {
        let host = lab.registry.host();
        let text = format!(
            "version = 1\n[[signer]]\nname = \"alice\"\nroles = [\"targets/alice\"]\n\
             [[signer]]\nname = \"release\"\nkeys = [\"release.pub\"]\n\
             certificates = [\"root.crt\"]\nsubjects = [\"C=US, ST=WA, O=Example\"]\n\
             [[rule]]\nmatch = \"{host}/team/*\"\ntag_binding = true\n{rule}\n"
        );
        lab.context.write("trust.toml", text);
    };
    certificates(&lab);
    let first = lab.name("1.0");
    let pull = ["pull", "--policy", "trust.toml", "--explain", &first];
    policy("signers = [\"alice\"]");
    let proof = lab.context.expect(0, &pull).stdout;
    assert!(proof.contains("dct signature by role `targets/alice`"), "{proof}");

    left(&lab, &repository);

    // One key in two formats is one signer; the old format is a second one.
    policy("signers = [\"alice\", \"release\"]\nrequire = \"all\"");
    let proof = lab.context.expect(0, &pull).stdout;
    for format in ["cosign signature", "notation signature", "dct signature", "tag map number"] {
        assert!(proof.contains(format), "{format}\n{proof}");
    }
    for format in ["cosign", "notation"] {
        policy(&format!("signers = [\"release\"]\nformats = [\"{format}\"]"));
        lab.context.expect(0, &pull);
    }
    // Without the server the tag's data is what was kept, and for who keeps nothing it is not there.
    policy("signers = [\"alice\"]\nformats = [\"dct\"]");
    lab.context.expect(0, &["verify", "--offline", "--policy", "trust.toml", &first]);
    // The registry shows the other image under this tag.
    let second = lab.registry.manifest("team/app", "2.0").unwrap();
    lab.registry.alter_manifest("team/app", "1.0", |bytes| bytes.clone_from(&second));
    lab.refused(&["pull", "--policy", "trust.toml", &first], "re-pointed: ");
}

// The way out, and once more.
fn left(lab: &Lab, repository: &str) {
    let begin = ["trust", "migrate", "--key", "release.key", "--certificate-chain", "release.crt"];
    let with = |more: &[&'static str]| -> String {
        let arguments: Vec<&str> =
            begin.iter().copied().chain(more.iter().copied()).chain([repository]).collect();
        lab.context.expect(0, &arguments).stdout
    };
    let planned = with(&["--dry-run"]);
    assert_eq!(planned.matches("would be signed cosign, notation").count(), 2, "{planned}");
    let done = with(&[]);
    assert_eq!(done.matches("signed cosign, notation").count(), 2, "{done}");
    let again: Value = serde_json::from_str(&with(&["--format", "json"])).unwrap();
    assert_eq!(again["tags"][0]["state"], "signed before", "{again}");
}
