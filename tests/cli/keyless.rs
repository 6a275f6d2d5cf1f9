//! `verify` and `pull` of images with keyless signatures: an identity on the command line, and one in a trust policy.

use sealift_oci::{Descriptor, Manifest, Raw, Reference, media_type};
use sealift_store::Store;
use sealift_testkit::{Access, Faults, Registry, TestContext};

use crate::instance::{IDENTITY, ISSUER, Instance, Kind, Plan};
use crate::{assert_one_error, with_image};

const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

struct Lab {
    context: TestContext,
    instance: Instance,
}

// An image without a signature, a second one, and the trusted root of a sigstore.
fn lab() -> Lab {
    let context = with_image();
    context.write("small/file", "other content");
    context.expect(0, &["build", "--quiet", "-t", "other:1", "small"]);
    let instance = Instance::new();
    context.write("root.json", instance.root().to_string());
    context.write("strangers.json", Instance::new().root().to_string());
    Lab { context, instance }
}

impl Lab {
    fn store(&self) -> Store {
        Store::open(self.context.store()).unwrap()
    }

    fn descriptor(&self, name: &str) -> Descriptor {
        self.store().resolve(&Reference::parse(name).unwrap()).unwrap().unwrap()
    }

    // A bundle over an image, as CI and sigstore would make it.
    fn bundle(&self, name: &str, kind: Kind) -> String {
        let manifest = self.store().read_blob(&self.descriptor(name).digest).unwrap();
        let mut plan = Plan::new(kind);
        plan.content = manifest;
        self.instance.bundle(&plan).to_string()
    }

    // Puts a bundle beside an image, whatever it is about.
    fn attach(&self, name: &str, bundle: &str) {
        let store = self.store();
        let blob = |kind: &str, bytes: &[u8]| {
            Descriptor::new(kind, store.put_blob(bytes).unwrap(), bytes.len() as u64)
        };
        let layer = blob(BUNDLE, bundle.as_bytes());
        let mut manifest = Manifest::new(blob(media_type::EMPTY, b"{}"), vec![layer]);
        manifest.artifact_type = Some(BUNDLE.to_owned());
        manifest.subject = Some(self.descriptor(name));
        let bytes = serde_json::to_vec(&manifest).unwrap();
        store.add_referrer(&Raw::parse(bytes, "artifact").unwrap()).unwrap();
    }

    #[track_caller]
    fn refused(&self, arguments: &[&str], expected: &str) {
        assert_one_error(&self.context.run(arguments), 4, &[expected]);
    }
}

fn verify<'a>(image: &'a str, identity: &'a str, issuer: &'a str, root: &'a str) -> Vec<&'a str> {
    vec![
        "verify",
        "--certificate-identity",
        identity,
        "--certificate-oidc-issuer",
        issuer,
        "--trusted-root",
        root,
        "--offline",
        image,
    ]
}

fn policy(subject: &str, more: &str) -> String {
    format!(
        "version = 1\n[[signer]]\nname = \"ci\"\ntrusted_root = \"root.json\"\n\
         identities = [{{ subject = \"{subject}\", issuer = \"{ISSUER}\" }}]\n\
         [[rule]]\nmatch = \"**\"\nsigners = [\"ci\"]\n{more}\n"
    )
}

#[test]
fn identity_on_the_command_line() {
    for kind in [Kind::Dsse1, Kind::Dsse2, Kind::Hashed1] {
        let lab = lab();
        let right = verify("small:1", IDENTITY, ISSUER, "root.json");
        lab.refused(&right, "unsigned: no signature");
        lab.attach("small:1", &lab.bundle("small:1", kind));
        let outcome = lab.context.expect(0, &right);
        assert!(outcome.stdout.contains(&format!("signed by {IDENTITY}")), "{}", outcome.stdout);
        let proof = lab.context.expect(0, &[&right[..], &["--explain"]].concat()).stdout;
        assert!(proof.contains(ISSUER), "{proof}");

        let evil = format!("the identity is `{IDENTITY}`, and `https://ci.test/evil` is asked for");
        lab.refused(&verify("small:1", "https://ci.test/evil", ISSUER, "root.json"), &evil);
        // A part of the identity is another identity.
        let part = &IDENTITY[..IDENTITY.len() - 1];
        let another = format!("and `{part}` is asked for");
        lab.refused(&verify("small:1", part, ISSUER, "root.json"), &another);
        let issuer = "https://issuer.test.evil";
        let another = format!("the issuer is `{ISSUER}`, and `{issuer}` is asked for");
        lab.refused(&verify("small:1", IDENTITY, issuer, "root.json"), &another);
        let stranger = "unsigned: signed by 0 of 1 that are wanted";
        lab.refused(&verify("small:1", IDENTITY, ISSUER, "strangers.json"), stranger);
        let pattern =
            lab.context.run(&verify("small:1", "https://ci.test/**", ISSUER, "root.json"));
        assert_one_error(&pattern, 2, &["`https://ci.test/**` is not an identity"]);
        // Signed, but another image.
        lab.attach("other:1", &lab.bundle("small:1", kind));
        let other = "one signature proves nothing: the bundle is for other content";
        lab.refused(&verify("other:1", IDENTITY, ISSUER, "root.json"), other);
    }
}

#[test]
fn identity_of_a_trust_policy() {
    let lab = lab();
    let judge = ["verify", "--policy", "trust.toml", "--offline", "small:1"];
    lab.context.write("trust.toml", policy("https://ci.test/team/app/*@refs/heads/main", ""));
    lab.refused(&judge, "unsigned: ");
    // The signature of another image beside it is no signature of this one.
    lab.attach("small:1", &lab.bundle("other:1", Kind::Dsse2));
    lab.refused(&judge, "unsigned: ");
    lab.attach("small:1", &lab.bundle("small:1", Kind::Dsse2));
    lab.context.expect(0, &judge);
    for subject in ["https://ci.test/*@refs/heads/main", "https://ci.test/team/app/*", "a*"] {
        lab.context.write("trust.toml", policy(subject, ""));
        lab.refused(&judge, "unsigned: signed by 0 of 1 that are wanted: ci must have signed");
    }
    lab.context.write("trust.toml", policy("https://ci.test/**", ""));
    lab.context.expect(0, &judge);
    // The log says when it was signed, and that is too long ago.
    lab.context.write("trust.toml", policy("https://ci.test/**", "max_staleness = \"1h\""));
    lab.refused(&judge, "replayed: the newest proof is of 2026-06-01T12:00:00Z, older than 1h");
    // A bundle binds no tag.
    lab.context.write("trust.toml", policy("https://ci.test/**", "tag_binding = true"));
    lab.refused(&judge, "re-pointed: ");
    lab.context.write("trust.toml", policy("https://ci.test/**", "formats = [\"notation\"]"));
    lab.refused(&judge, "unsigned: ");
}

#[test]
fn pulled_only_if_the_identity_signed() {
    let registry = Registry::start(Access::Open, Faults::default());
    let mut lab = lab();
    lab.context.set("SEALIFT_PLAIN_HTTP", &registry.host());
    let name = format!("{}/team/app:1", registry.host());
    lab.context.write("trust.toml", policy("https://ci.test/**", ""));
    let pull = ["pull", "--policy", "trust.toml", &name];
    lab.context.expect(0, &["push", "--quiet", "other:1", &name]);
    lab.refused(&pull, "unsigned: ");
    lab.attach("small:1", &lab.bundle("small:1", Kind::Dsse1));
    lab.context.expect(0, &["push", "--quiet", "small:1", &name]);
    lab.context.expect(0, &pull);
}
