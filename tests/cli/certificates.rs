//! `trust cert`: certificates made, trusted, listed and deleted.

use crate::{assert_one_error, context, with_image};

const ROOT: &str = ".config/sealift/truststore/x509/ca/release/release.crt";

#[test]
fn a_certificate_of_the_signing_key() {
    let context = context();
    let made = context.expect(0, &["trust", "cert", "generate", "release"]);
    assert!(made.stdout.starts_with("sha256:"), "{}", made.stdout);
    assert!(made.stderr.contains("certificate of `CN=release,O=release,ST=None,C=ZZ`"));
    let read = |path: &str| std::fs::read_to_string(context.home().join(path)).unwrap();
    let chain = ".config/sealift/certificates/release.crt";
    assert_eq!(read(chain).matches("BEGIN CERTIFICATE").count(), 2);
    let listed = context.expect(0, &["trust", "cert", "list"]);
    assert!(listed.stdout.starts_with("ca:release  release.crt  CN=release root,"));
    assert!(listed.stdout.trim_end().ends_with(made.stdout.trim_end()));
    // A second one under the same root.
    let root = read(ROOT);
    let before = read(chain);
    let arguments = ["trust", "cert", "generate", "release", "--lifetime", "90d"];
    let again = context.expect(0, &arguments);
    assert_eq!(again.stdout, made.stdout);
    assert_eq!(read(ROOT), root);
    assert_ne!(read(chain), before);
    let subject = ["trust", "cert", "generate", "other", "--subject", "CN=x,O=y"];
    assert_one_error(&context.run(&subject), 2, &["`CN=x,O=y` has no attribute `C`", "hint:"]);
    let long = ["trust", "cert", "generate", "release", "--lifetime", "5000d"];
    assert_one_error(&context.run(&long), 2, &["the root itself is valid from"]);
    assert_one_error(&context.run(&["trust", "cert", "generate", "../x"]), 2, &["not the name"]);
}

#[test]
fn trusted_and_no_more() {
    let context = context();
    context.expect(0, &["trust", "cert", "generate", "release"]);
    let root = std::fs::read(context.home().join(ROOT)).unwrap();
    let chain = context.home().join(".config/sealift/certificates/release.crt");
    context.write("root.pem", &root);
    context.write("leaf.pem", std::fs::read(chain).unwrap());
    context.write("text.pem", "text");
    let add = |file: &'static str| ["trust", "cert", "add", "--trust-store", "team", file];
    context.expect(0, &add("root.pem"));
    assert_one_error(&context.run(&add("root.pem")), 2, &["File exists"]);
    assert_one_error(&context.run(&add("leaf.pem")), 2, &["neither an authority nor self-signed"]);
    assert_one_error(&context.run(&add("text.pem")), 2, &["`ca:team` cannot be used"]);
    let list = ["trust", "cert", "list", "--trust-store", "team"];
    assert_eq!(context.expect(0, &list).stdout.lines().count(), 1);
    // A file that is no certificate makes the list fail: such a store is of no use.
    let store = context.home().join(".config/sealift/truststore/x509/ca/team");
    std::fs::write(store.join("junk.crt"), "junk").unwrap();
    assert!(context.expect(3, &list).stderr.contains("`junk.crt` of `ca:team`"));
    let delete = ["trust", "cert", "delete", "--trust-store", "team"];
    context.expect(0, &[&delete[..], &["junk.crt"]].concat());
    context.expect(0, &[&delete[..], &["--all"]].concat());
    assert!(!store.exists());
    assert_one_error(&context.run(&[&delete[..], &["--all"]].concat()), 2, &["it is not here"]);
    let tsa = ["trust", "cert", "add", "--type", "time", "--trust-store", "team", "root.pem"];
    assert_one_error(&context.run(&tsa), 2, &["ca, signingAuthority or tsa"]);
}

#[test]
fn signed_for_notation() {
    let context = with_image();
    let sign = ["sign", "--as", "cosign,notation", "small:1"];
    assert_one_error(&context.run(&sign), 2, &["no certificate for the key `default`", "hint:"]);
    context.expect(0, &["trust", "cert", "generate", "release"]);
    context.expect(0, &sign);
    let n_signatures = || {
        let index = std::fs::read_to_string(context.store().join("index.json")).unwrap();
        index.matches(r#""artifactType":"application/vnd.cncf.notary.signature""#).count()
    };
    assert_eq!(n_signatures(), 1);
    assert!(context.expect(0, &sign).stderr.contains("was signed already"));
    assert_eq!(n_signatures(), 1);
    // The other format, with an end and something to say, is another signature.
    let other = ["--envelope", "cose", "--expiry", "30d", "--annotation", "build=7", "small:1"];
    context.expect(0, &[&["sign", "--as", "notation"][..], &other].concat());
    assert_eq!(n_signatures(), 2);
    let chain = ["sign", "--as", "notation", "--cert-chain", "nowhere.pem", "small:1"];
    assert_one_error(&context.run(&chain), 3, &["nowhere.pem"]);
}
