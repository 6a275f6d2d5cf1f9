//! `sign` and `attest`: indexes with their images, layouts, tag maps.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use sealift_oci::{ANNOTATION_REF_NAME, Descriptor, Digest, Index, Raw, media_type};
use sealift_testkit::{
    Access, Faults, LayerFile, Registry, TestContext, TestImage, layer, write_layout,
};
use serde_json::Value;

use crate::{assert_one_error, context, with_image};

const KEY: &str = ".config/sealift/keys/default.pub";

// Two images and an index of them in a layout, named `localhost/app:1`; the digests, that of the index first.
fn write_index(folder: &Path) -> Vec<Digest> {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs).unwrap();
    let put = |bytes: &[u8]| fs::write(blobs.join(Digest::sha256(bytes).hex()), bytes).unwrap();
    let mut children = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let file = LayerFile { path: "file", content: architecture.as_bytes(), mode: 0o644 };
        let image = TestImage::new(vec![layer(&[file])], |config| {
            architecture.clone_into(&mut config.architecture);
        });
        image.blobs().for_each(put);
        let mut descriptor = image.descriptor();
        let platform = serde_json::json!({"os": "linux", "architecture": architecture});
        descriptor.platform = Some(serde_json::from_value(platform).unwrap());
        children.push(descriptor);
    }
    let mut digests: Vec<Digest> = children.iter().map(|child| child.digest.clone()).collect();
    let mut index = Index::new(children);
    index.media_type = Some(media_type::INDEX.to_owned());
    let index = Raw::encode(index);
    put(index.bytes());
    digests.insert(0, index.digest().clone());
    let mut entry = Descriptor::new(media_type::INDEX, index.digest().clone(), index.size());
    entry.annotations.insert(ANNOTATION_REF_NAME.to_owned(), "localhost/app:1".to_owned());
    fs::write(folder.join("index.json"), Raw::encode(Index::new(vec![entry])).bytes()).unwrap();
    fs::write(folder.join("oci-layout"), br#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    digests
}

// An image of one file in a layout, named `small:1`.
fn write_small(folder: &Path) {
    let file = LayerFile { path: "file", content: b"content", mode: 0o644 };
    write_layout(folder, "small:1", &TestImage::new(vec![layer(&[file])], |_| {}));
}

// How many artifacts of each kind refer to what, as the blobs of a layout or store say.
fn referrers(folder: &Path) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in fs::read_dir(folder.join("blobs/sha256")).unwrap().flatten() {
        let bytes = fs::read(entry.path()).unwrap();
        let Ok(document) = serde_json::from_slice::<Value>(&bytes) else { continue };
        let Some(subject) = document["subject"]["digest"].as_str() else { continue };
        let annotations = &document["annotations"];
        let kind = annotations["dev.sigstore.bundle.predicateType"].as_str();
        let kind = kind.or(document["artifactType"].as_str()).unwrap_or_default();
        found.entry(subject.to_owned()).or_default().push(kind.to_owned());
    }
    for kinds in found.values_mut() {
        kinds.sort();
    }
    found
}

#[test]
fn an_index_is_signed_with_its_images_where_that_is_asked() {
    let context = context();
    let layout = context.work().join("layout");
    let digests = write_index(&layout);
    context.expect(0, &["sign", "--quiet", "oci-dir:layout:localhost/app:1"]);
    let signed = |digest: &Digest| referrers(&layout).get(&digest.to_string()).map_or(0, Vec::len);
    assert_eq!(digests.iter().map(signed).collect::<Vec<_>>(), [1, 0, 0]);
    let sign = ["sign", "--recursive", "oci-dir:layout:localhost/app:1"];
    let told = context.expect(0, &sign).stderr;
    assert!(told.contains("in the layout"), "{told}");
    assert_eq!(digests.iter().map(signed).collect::<Vec<_>>(), [1, 1, 1]);
    // What is there already is not made again.
    assert!(context.expect(0, &sign).stderr.contains("signed already"));
    assert_eq!(digests.iter().map(signed).collect::<Vec<_>>(), [1, 1, 1]);
    let key = context.home().join(KEY).display().to_string();
    for platform in ["linux/amd64", "linux/arm64"] {
        let verify = ["verify", "--require", "signature", "--key", &key, "--platform", platform];
        context.expect(0, &[&verify[..], &["oci-dir:layout:localhost/app:1"]].concat());
    }
    // In the older form, all of it a second time, and the index is found as one that cosign 2 knows.
    let legacy = ["sign", "--recursive", "--format", "legacy", "oci-dir:layout:localhost/app:1"];
    context.expect(0, &legacy);
    let index: Value =
        serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap();
    let text = index.to_string();
    for digest in &digests {
        assert!(text.contains(&format!("sha256-{}.sig", digest.hex())), "{digest}: {text}");
    }
}

#[test]
fn an_attestation_goes_into_the_layout_where_the_image_is() {
    let context = context();
    write_small(&context.work().join("layout"));
    let layout = context.work().join("layout");
    context.write("review.json", r#"{"result":"good"}"#);
    let kind = "https://example.com/review/v1";
    let attest = |image: &str, more: &[&str]| {
        let attest = ["attest", "--type", kind, "--predicate", "review.json", "--name", "small:1"];
        context.expect(0, &[&attest[..], more, &[image]].concat()).stderr
    };
    let told = attest("oci-dir:layout", &[]);
    assert!(told.contains("in the layout"), "{told}");
    assert_eq!(referrers(&layout).into_values().collect::<Vec<_>>(), [[kind]]);
    assert!(referrers(&context.store()).is_empty(), "the store has nothing to do with it");
    // The same again is there already; something else replaces it; the older form stands beside it.
    attest("oci-dir:layout", &[]);
    context.write("review.json", r#"{"result":"better"}"#);
    attest("oci-dir:layout", &["--format", "both"]);
    let index = fs::read_to_string(layout.join("index.json")).unwrap();
    assert!(index.contains(".att"), "{index}");
    let policy = "version = 1\n[[signer]]\nname = \"own\"\nkeys = [\"own.pub\"]\n\
                  [[rule]]\nmatch = \"**\"\nsigners = [\"own\"]\n\
                  attestations = [\"https://example.com/review/v1\"]\n";
    context.write("own.pub", fs::read(context.home().join(KEY)).unwrap());
    context.write("trust.toml", policy);
    context.expect(0, &["sign", "--quiet", "--name", "small:1", "oci-dir:layout"]);
    context.expect(0, &["verify", "--policy", "trust.toml", "oci-dir:layout"]);
    // An archive takes nothing.
    let archive = context.work().join("small.tar");
    crate::lab::run(
        "tar",
        &["-C", layout.to_str().unwrap(), "-cf", archive.to_str().unwrap(), "."],
    );
    let refused =
        ["attest", "--predicate", "review.json", "--name", "small:1", "oci-archive:small.tar"];
    assert_one_error(&context.run(&refused), 2, &["archive", "hint:"]);
}

// The policy that wants the tag signed.
fn write_policy(context: &TestContext, host: &str) {
    let key = fs::read(context.home().join(KEY)).unwrap();
    context.write("own.pub", key);
    context.write(
        "trust.toml",
        format!(
            "version = 1\n[[signer]]\nname = \"own\"\nkeys = [\"own.pub\"]\n\
             [[rule]]\nmatch = \"{host}/team/*\"\nsigners = [\"own\"]\nmax_staleness = \"1d\"\n"
        ),
    );
}

#[test]
fn a_tag_map_is_made_in_the_same_run() {
    let mut context = context();
    let registry = Registry::start(Access::Open, Faults::default());
    context.set("SEALIFT_PLAIN_HTTP", &registry.host());
    let name = format!("{}/team/app:1", registry.host());
    context.write("small/file", "content");
    context.write("small/Dockerfile", "FROM scratch\nCOPY file /\n");
    context.expect(0, &["build", "--quiet", "-t", &name, "small"]);
    context.expect(0, &["push", "--quiet", &name]);
    let map = || registry.manifest("team/app", "sealift-tag-map");
    let told = context.expect(0, &["sign", "--push", &name]).stderr;
    assert!(map().is_none() && !told.contains("tag map"), "{told}");

    let told = context.expect(0, &["sign", "--tag-map", "--push", &name]).stderr;
    assert!(told.contains("number 1 of") && told.contains("with 1 tags"), "{told}");
    let first = map().unwrap();
    // Whoever has nothing but the registry continues it, for another tag.
    let mut other = crate::context();
    other.set("SEALIFT_PLAIN_HTTP", &registry.host());
    let keys = context.home().join(".config/sealift/keys");
    fs::create_dir_all(other.home().join(".config/sealift/keys")).unwrap();
    for file in ["default.key", "default.pub"] {
        fs::copy(keys.join(file), other.home().join(".config/sealift/keys").join(file)).unwrap();
    }
    let told = other.expect(0, &["sign", "--tag-map", &name]).stderr;
    assert!(told.contains("number 2 of") && told.contains("in the registry"), "{told}");
    let second = map().unwrap();
    assert_ne!(second, first);
    // Who still has the older one takes nothing back by a push.
    let told = context.expect(0, &["push", &name]).stderr;
    assert!(told.contains("the registry's has number 2, this image's 1: kept"), "{told}");
    assert_eq!(map().unwrap(), second);

    // The policy of the project asks for one, the settings forbid it, and nobody has to say either.
    write_policy(&context, &registry.host());
    context.write("sealift.toml", "");
    let told = context.expect(0, &["sign", "--push", &name]).stderr;
    assert!(told.contains("number 3 of"), "{told}");
    let explained = context.expect(
        0,
        &["verify", "--policy", "trust.toml", "--explain", "--require", "signature", &name],
    );
    assert!(explained.stdout.contains("tag map"), "{}", explained.stdout);
    context.write("sealift.toml", "[sign]\ntag_map = false\n");
    let told = context.expect(0, &["sign", "--push", &name]).stderr;
    assert!(!told.contains("tag map"), "{told}");
    context.write("sealift.toml", "[sign]\ntag_map = true\n");
    let told = context.expect(0, &["sign", &name]).stderr;
    assert!(told.contains("number 4 of"), "{told}");
}

#[test]
fn a_tag_map_in_a_layout_and_one_without_a_tag() {
    let context = context();
    write_small(&context.work().join("layout"));
    let told = context
        .expect(
            0,
            &["sign", "--tag-map", "--name", "registry.example/team/app:1", "oci-dir:layout"],
        )
        .stderr;
    assert!(told.contains("number 1 of registry.example/team/app with 1 tags"), "{told}");
    let kinds: Vec<String> =
        referrers(&context.work().join("layout")).into_values().flatten().collect();
    assert!(kinds.iter().any(|kind| kind.contains("tag-map")), "{kinds:?}");
    assert!(referrers(&context.store()).is_empty(), "the store has nothing to do with it");
    let digest = Digest::sha256(b"nothing");
    let nameless = format!("registry.example/team/app@{digest}");
    let refused = context.run(&["sign", "--tag-map", "--name", &nameless, "oci-dir:layout"]);
    assert_one_error(&refused, 2, &["has no tag", "--name"]);
}

#[test]
fn ship_makes_a_tag_map_where_the_policy_asks_for_it() {
    let context = with_image();
    // The key, and its public part for the policy.
    context.expect(0, &["sign", "--quiet", "small:1"]);
    write_policy(&context, "registry.example");
    let settings = "[image]\nname = \"registry.example/team/app:1\"\n[scan]\nadvisories = \"advisories\"\n[policy]\nfiles = [\"rules\"]\n";
    context.write("sealift.toml", settings);
    context.write("Dockerfile", "FROM scratch\nCOPY small/file /\nUSER 1000\n");
    context.write(
        "rules/image.rego",
        "package docker.image\ndeny[msg] { input.nothing; msg := \"no\" }\n",
    );
    let advisory = r#"{"id":"X-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"PyPI","name":"a"},"versions":["1"]}]}"#;
    context.write("advisories/x.json", advisory);
    let told = context.expect(0, &["ship", "."]);
    assert!(told.stderr.contains("number 1 of registry.example/team/app"), "{}", told.stderr);
}

#[test]
fn a_machine_without_marks_believes_no_map_below_the_pinned_number() {
    let mut context = context();
    let registry = Registry::start(Access::Open, Faults::default());
    context.set("SEALIFT_PLAIN_HTTP", &registry.host());
    let (host, name) = (registry.host(), format!("{}/team/app:1", registry.host()));
    context.write("small/file", "content");
    context.write("small/Dockerfile", "FROM scratch\nCOPY file /\n");
    context.expect(0, &["build", "--quiet", "-t", &name, "small"]);
    context.expect(0, &["push", "--quiet", &name]);
    let repository = format!("{host}/team/app");
    let pin = ["trust", "pin", "--tag-map", &repository];
    context.expect(0, &["sign", "--quiet", &name]);
    assert_one_error(&context.run(&pin), 4, &["no tag map by a trusted key"]);
    let sign = ["sign", "--quiet", "--tag-map", "--push", &name];
    context.expect(0, &sign);
    context.expect(0, &sign);
    let pinned = context.expect(0, &pin).stdout;
    assert_eq!(pinned, format!("[[tag_map]]\nrepository = \"{repository}\"\nat_least = 2\n"));
    // Another machine, which never saw the repository.
    let fresh = |tag_map: &str| {
        let mut other = crate::context();
        other.set("SEALIFT_PLAIN_HTTP", &host);
        write_policy(&context, &host);
        other.write("own.pub", context.read("own.pub"));
        let policy = String::from_utf8(context.read("trust.toml")).unwrap();
        other.write("trust.toml", format!("{policy}{tag_map}"));
        other.run(&["verify", "--policy", "trust.toml", "--require", "signature", &name])
    };
    assert_eq!(fresh("").code, 0);
    assert_eq!(fresh(&pinned).code, 0);
    let newer = pinned.replace("= 2", "= 3");
    assert_one_error(&fresh(&newer), 4, &["tag map", "is number 2 of", "pins 3 at least"]);
    let wrong = pinned.replace("= 2", "= 0");
    assert_one_error(&fresh(&wrong), 2, &["`at_least` is not a number above zero"]);
    assert_one_error(&fresh(&format!("{pinned}{pinned}")), 2, &["two entries of `tag_map`"]);
}

#[test]
fn revocations_without_a_trust_policy() {
    let context = with_image();
    context.expect(0, &["sign", "--quiet", "small:1"]);
    let verify = ["verify", "--require", "signature", "small:1"];
    let settings = "[verify]\nrevocations = [\"revoked.json\"]\n";
    let digest = |text: &str| text.trim().split('@').nth(1).unwrap().to_owned();
    let image = digest(&context.expect(0, &["sign", "small:1"]).stdout);
    let revoke = |what: &str| {
        let add = ["trust", "revocation", "add", "revoked.json", what, "--reason", "broken"];
        context.expect(0, &add);
    };
    let other = format!("sha256:{}", "ab".repeat(32));
    revoke(&other);
    context.write("sealift.toml", settings);
    context.expect(0, &verify);
    // The signature, by the digest of its artifact.
    let proved =
        context.expect(0, &["verify", "--require", "signature", "--format", "json", "small:1"]);
    let document: Value = serde_json::from_str(&proved.stdout).unwrap();
    let artifact = document["signatures"][0]["artifact"].as_str().unwrap().to_owned();
    revoke(&artifact);
    assert_one_error(&context.run(&verify), 4, &["signature"]);
    // Another one counts again, until the image itself is revoked.
    context.expect(0, &["sign", "--quiet", "--annotation", "again=yes", "small:1"]);
    context.expect(0, &verify);
    revoke(&image);
    assert_one_error(&context.run(&verify), 4, &["revoked", &image, "broken"]);
}
