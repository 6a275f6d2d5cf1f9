//! `lint --resolve` against a registry and a server of files, and what `--verify` refuses.

use sealift_oci::Digest;
use sealift_testkit::{Access, Faults, FileServer, Registry};

use crate::{assert_one_error, context, with_image};

#[test]
fn digests_are_pinned_to_what_the_registry_has() {
    let registry = Registry::start(Access::Open, Faults::default());
    let name = format!("{}/team/base:1", registry.host());
    let context = with_image();
    context.write("base/Dockerfile", "FROM small:1\nLABEL team=a\n");
    context.expect(0, &["build", "--quiet", "-t", &name, "base"]);
    context.expect(0, &["push", "--quiet", &name]);
    let digest = Digest::sha256(&registry.manifest("team/base", "1").unwrap());
    let text = format!("FROM {name} AS base\nFROM scratch\nCOPY --from=base /file /file\nUSER 1\n");
    context.write("app/Dockerfile", &text);
    let fix = ["lint", "--fix=suggested", "--ignore", "SL4008", "app/Dockerfile"];

    // Nobody is asked unless the user says so, and what is safe does not pin.
    context.expect(0, &fix);
    context.expect(0, &["lint", "--fix", "--resolve", "app/Dockerfile"]);
    assert_eq!(context.read("app/Dockerfile"), text.as_bytes());
    let patch = context.expect(0, &[&fix[..], &["--resolve", "--diff"]].concat()).stdout;
    let pinned = format!("FROM {name}@{digest} AS base\n");
    assert!(patch.contains(&format!("+{pinned}")), "{patch}");
    context.expect(0, &[&fix[..], &["--resolve"]].concat());
    let mended = String::from_utf8(context.read("app/Dockerfile")).unwrap();
    assert_eq!(mended, text.replacen(&format!("FROM {name} AS base\n"), &pinned, 1));

    // The registry also knows for what the image is made.
    context.write("app/Dockerfile", mended.replace("FROM 127", "FROM --platform=linux/s390x 127"));
    let found = context.run(&["lint", "-f", "tty", "--resolve", "app/Dockerfile"]).stdout;
    assert!(found.contains("SL3054") && found.contains("linux/s390x is wanted"), "{found}");
}

#[test]
fn files_are_pinned_to_what_the_server_has() {
    let server = FileServer::start();
    server.put("/tool.tar.gz", "the tool");
    let sum = Digest::sha256(b"the tool");
    let context = context();
    let text = format!(
        "FROM scratch\nADD {0}/tool.tar.gz /opt/\nADD {0}/missing.tar.gz /opt/\nUSER 1\n",
        server.url()
    );
    context.write("Dockerfile", &text);
    // Only a fix has a use for the file.
    context.expect(0, &["lint", "--resolve", "Dockerfile"]);
    assert!(server.log().is_empty());
    let outcome = context.expect(0, &["lint", "--fix=suggested", "--resolve", "Dockerfile"]);
    assert!(
        outcome.stderr.contains("cannot ask for the checksum of")
            && outcome.stderr.contains("/missing.tar.gz`: it is not there"),
        "{}",
        outcome.stderr
    );
    let mended = String::from_utf8(context.read("Dockerfile")).unwrap();
    let pinned = format!("ADD --checksum={sum} {}/tool.tar.gz /opt/\n", server.url());
    assert!(mended.contains(&pinned), "{mended}");
    assert!(mended.contains(&format!("ADD {}/missing", server.url())), "{mended}");
}

#[test]
fn what_is_not_built_cannot_be_verified() {
    let context = context();
    let text = "services:\n  web:\n    image: nginx:1.29\n    privileged: true\n";
    context.write("compose.yaml", text);
    let refused = context.run(&["lint", "--fix=suggested", "--verify", "compose.yaml"]);
    assert_one_error(
        &refused,
        2,
        &["`compose.yaml` is a compose file", "hint: name the Dockerfiles"],
    );
    assert_eq!(context.read("compose.yaml"), text.as_bytes());
}
