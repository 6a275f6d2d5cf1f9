//! Policies as they are read, and refused.

use super::*;

fn refused(file: &str, text: &str, expected: &str) {
    let error = read(file, text).unwrap_err();
    let hint = error.hint().map(|hint| format!(" ({hint})")).unwrap_or_default();
    assert_eq!(format!("{error}{hint}"), expected);
}

const SIGNER: &str = "version = 1\n[[signer]]\nname = \"a\"\nkeys = [\"release.pub\"]\n";

#[test]
fn what_is_not_understood_is_refused() {
    let form = "docs/trust-policy.md has the form";
    let says = "the trust policy `trust.toml` says in";
    for (text, expected) in [
        (
            "version = 2\n",
            format!("{says} the file: `version` is not 1, and no other version is known ({form})"),
        ),
        ("[[rule]]\n", format!("{says} the file: `version` is missing: the number 1 ({form})")),
        (
            "version = 1\n",
            format!(
                "{says} the file: there is no `[[rule]]`, so everything would be refused ({form})"
            ),
        ),
        (
            "version = 1\n[[rules]]\n",
            format!(
                "{says} the file: `rules` is not a field that is understood (did you mean `rule`?)"
            ),
        ),
        (
            "version = 1\n[[signer]]\nname = \"a\"\nkey = \"x\"\n",
            format!(
                "{says} signer 1 (`a`): `key` is not a field that is understood (did you mean `keys`?)"
            ),
        ),
        (
            "version = 1\n[[signer]]\nname = \"a\"\n",
            format!(
                "{says} signer 1 (`a`): it has no keys, certificates, identities or roles ({form})"
            ),
        ),
        (
            "version = 1\n[[signer]]\nname = \"a\"\nroles = [\"root\"]\n",
            format!(
                "{says} signer 1 (`a`): `root` is not a role that signs tags: `targets`, `targets/releases`, `targets/NAME` ({form})"
            ),
        ),
        (
            "version = 1\n[[signer]]\nname = \"a\"\nroles = [\"targets\"]\npins = [\"AB\"]\n",
            format!(
                "{says} signer 1 (`a`): the pin `AB` is not 64 digits of lower-case hex ({form})"
            ),
        ),
    ] {
        refused("trust.toml", text, &expected);
    }
    refused(
        "trust.toml",
        "version = 1\n[[signer]]\nname = \"a\"\nkeys = [\"none.pub\"]\n",
        "the trust policy `trust.toml` names `none.pub` in signer 1 (`a`), which cannot be used: no such file (paths stand behind the folder of the policy)",
    );
    refused(
        "trust.toml",
        "version = 1\nversion = 1\n",
        "the trust policy `trust.toml` cannot be read: line 2: duplicate key (docs/trust-policy.md has the form)",
    );
}

#[test]
fn rules_that_make_no_sense() {
    for (rule, expected) in [
        (
            "match = \"a.b/c:1\"\nsigners = [\"a\"]",
            "`a.b/c:1` has a tag; rules are for repositories, and `tag_binding` binds tags",
        ),
        ("match = \"a.b/c\"", "it names no signers, so nobody could satisfy it"),
        ("match = \"a.b/c\"\nsigners = [\"b\"]", "there is no signer `b`"),
        ("match = \"a.b/c\"\nsigners = [\"a\", \"a\"]", "it names the signer `a` twice"),
        (
            "match = \"a.b/c\"\nsigners = [\"a\"]\nrequire = \"1-of-2\"",
            "`require` counts 2 signers, but `signers` names 1",
        ),
        (
            "match = \"a.b/c\"\nsigners = [\"a\"]\nrequire = 2",
            "`require` wants 2 signers, but `signers` names 1",
        ),
        (
            "match = \"a.b/c\"\nsigners = [\"a\"]\nrequire = 0",
            "`require` wants 0 signers, but `signers` names 1",
        ),
        (
            "match = \"a.b/c\"\nsigners = [\"a\"]\nrequire = \"some\"",
            "`require` is not `any`, `all`, a number, or as in `2-of-3`",
        ),
        (
            "match = \"a.b/c\"\nsigners = [\"a\"]\nformats = []",
            "`formats` is empty, so no signature would count",
        ),
        (
            "match = \"a.b/c\"\nsigners = [\"a\"]\nformats = [\"gpg\"]",
            "`gpg` is not a format: cosign, notation, dct",
        ),
        (
            "match = \"a.b/c\"\nsigners = [\"a\"]\nmax_staleness = \"1y\"",
            "`max_staleness`: `1y` is not a duration such as `24h` or `7d`",
        ),
        (
            "match = \"a.b/c\"\nsigners = [\"a\"]\non_missing = \"allow\"",
            "`on_missing` is not one of deny, warn",
        ),
        (
            "match = \"a.b/c\"\nsigners = [\"a\"]\ntag_binding = \"yes\"",
            "`tag_binding` is neither `true` nor `false`",
        ),
        (
            "match = \"a.b/c\"\nsigners = [\"a\"]\nattestations = [\"sbon\"]",
            "`sbon` is not a type of attestation; did you mean `sbom`?",
        ),
        (
            "match = \"a.b/c\"\ndecision = \"reject\"\nsigners = [\"a\"]",
            "a rule that rejects everything has no other fields",
        ),
    ] {
        let error = read("trust.toml", &format!("{SIGNER}[[rule]]\n{rule}\n")).unwrap_err();
        assert!(error.to_string().ends_with(expected), "{error}");
    }
}

#[test]
fn twins_and_shared_keys() {
    let twins = format!(
        "{SIGNER}[[rule]]\nmatch = \"debian\"\nsigners = [\"a\"]\n[[rule]]\nmatch = \"docker.io/library/debian\"\nsigners = [\"a\"]\n"
    );
    let error = read("trust.toml", &twins).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "rule 1 (`debian`) and rule 2 (`docker.io/library/debian`) have the same pattern"
        ),
        "{error}"
    );
    let shared = format!("{SIGNER}[[signer]]\nname = \"b\"\nkeys = [\"release.pub\"]\n");
    let error = read("trust.toml", &shared).unwrap_err().to_string();
    assert!(
        error.ends_with("the key `release.pub` of the signer `b` is also one of `a`"),
        "{error}"
    );
}

#[test]
fn the_template_is_a_policy() {
    assert_eq!(read("trust.toml", crate::template()).unwrap().rules.len(), 1);
}

#[test]
fn the_schema_knows_the_same_fields() {
    let schema = crate::schema();
    let rule = &schema["properties"]["rule"]["items"];
    assert_eq!(rule["additionalProperties"], false);
    assert_eq!(rule["required"], serde_json::json!(["match"]));
    assert!(crate::tables_markdown().contains("| `tag_binding` |"));
}

/// The policy of the lab, word for word.
const LAB: &str = r#"{"version": "1.0", "trust": {"enabled": true, "signers": {
  "ci-system":    {"keys": ["ci-signer"],      "repos": ["myregistry/*"]},
  "release-team": {"keys": ["release-signer"], "repos": ["myregistry/prod-*"]}}}}"#;

#[test]
fn signers_and_their_repositories() {
    let policy = read("trust-policy.json", LAB).unwrap();
    let ask = |image, signer| Ask { image, signer, ..Ask::default() };
    let (ci, release) = (evidence(&[signed("ci")]), evidence(&[signed("release")]));
    let prod = "myregistry/prod-app:1";
    let dev = "myregistry/dev-app:1";
    assert_eq!(verdict(&policy, &ci, &ask(dev, None)), "admitted");
    assert_eq!(verdict(&policy, &ci, &ask(prod, None)), "admitted");
    assert_eq!(verdict(&policy, &release, &ask(prod, Some("release-team"))), "admitted");
    assert_eq!(
        verdict(&policy, &ci, &ask(prod, Some("release-team"))),
        "not enough signers: the signer `release-team` has not signed it, only ci-system"
    );
    assert!(verdict(&policy, &release, &ask(dev, None)).starts_with("unsigned: signed by 0 of 1"));
    assert!(verdict(&policy, &release, &ask("other/app", None)).starts_with("no rule"));
    let off = LAB.replace("true", "false");
    assert!(
        read("trust-policy.json", &off).unwrap_err().to_string().ends_with("would prove nothing")
    );
    let more = LAB.replace("\"enabled\"", "\"enable\": 1, \"enabled\"");
    assert!(read("trust-policy.json", &more).unwrap_err().hint().unwrap().contains("`enabled`"));
    let twice = LAB.replace("\"version\": \"1.0\"", "\"version\": \"1.0\", \"version\": \"1.0\"");
    assert!(read("trust-policy.json", &twice).is_err());
}

fn containers(scopes: &str) -> Policy {
    let text = format!(
        r#"{{"default": [{{"type": "reject"}}], "transports": {{"docker": {{{scopes}}}, "dir": {{}}}}}}"#
    );
    read("policy.json", &text).unwrap()
}

fn named(who: &str, name: &str) -> Evidence {
    evidence(&[Signature { bound: Bound::Name(name.to_owned()), ..signed(who) }])
}

#[test]
fn policies_of_containers() {
    let policy = containers(
        r#""registry.corp/team": [{"type": "sigstoreSigned", "keyPath": "release.pub"}],
           "registry.corp/team/any": [{"type": "sigstoreSigned", "keyPaths": ["release.pub", "ci.pub"],
               "signedIdentity": {"type": "matchRepository"}}],
           "registry.corp/gpg": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/x"}],
           "registry.corp/log": [{"type": "sigstoreSigned", "keyPath": "ci.pub", "rekorPublicKeyPath": "/x"}],
           "*.open.example": [{"type": "insecureAcceptAnything"}]"#,
    );
    let ask = |image| Ask { image, ..Ask::default() };
    let signed_as = |name| named("release", name);
    let app = "registry.corp/team/app:1.0";
    assert_eq!(verdict(&policy, &signed_as(app), &ask(app)), "admitted");
    assert!(
        verdict(&policy, &signed_as("registry.corp/team/app"), &ask(app)).starts_with("re-pointed")
    );
    assert!(
        verdict(&policy, &evidence(&[signed("release")]), &ask(app))
            .starts_with("re-pointed: it was signed without a name")
    );
    assert!(
        verdict(&policy, &named("ci", app), &ask(app)).starts_with("unsigned: signed by 0 of 1")
    );
    let any = "registry.corp/team/any:2";
    assert_eq!(verdict(&policy, &named("ci", "registry.corp/team/any"), &ask(any)), "admitted");
    assert_eq!(
        verdict(&policy, &signed_as("registry.corp/gpg:1"), &ask("registry.corp/gpg:1")),
        "no rule: `registry.corp/gpg` (signedBy, OpenPGP, is not understood and) rejects everything"
    );
    assert!(
        verdict(&policy, &named("ci", "registry.corp/log:1"), &ask("registry.corp/log:1"))
            .contains("`rekorPublicKeyPath` is not understood")
    );
    assert_eq!(verdict(&policy, &evidence(&[]), &ask("a.open.example/x")), "warned");
    assert_eq!(
        verdict(&policy, &signed_as(app), &ask("registry.corp/teams/app")),
        "no rule: default rejects everything"
    );
    let bad = r#"{"default": [{"type": "insecureAcceptAnything", "x": 1}]}"#;
    assert!(read("policy.json", bad).is_err());
    assert!(read("policy.json", r#"{"default": []}"#).is_err());
    assert!(read("policy.json", r#"{"transports": {}}"#).is_err());
}

#[test]
fn names_that_containers_want() {
    let check = |identity: &str, signed: &str, image: &'static str, expected: bool| {
        let policy = containers(&format!(
            r#""": [{{"type": "sigstoreSigned", "keyPath": "release.pub", "signedIdentity": {identity}}}]"#
        ));
        let ask = Ask { image, ..Ask::default() };
        let found = verdict(&policy, &named("release", signed), &ask);
        assert_eq!(found == "admitted", expected, "{identity} {signed} {image}: {found}");
    };
    let by_digest: &'static str =
        "a.b/c@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
    check(r#"{"type": "matchExact"}"#, "a.b/c:1", "a.b/c:1", true);
    check(r#"{"type": "matchExact"}"#, "a.b/c:1", by_digest, false);
    check(r#"{"type": "matchRepoDigestOrExact"}"#, "a.b/c:1", by_digest, true);
    check(r#"{"type": "matchRepoDigestOrExact"}"#, "a.b/d:1", by_digest, false);
    check(
        r#"{"type": "exactReference", "dockerReference": "x.y/z:1"}"#,
        "x.y/z:1",
        "a.b/c:1",
        true,
    );
    check(
        r#"{"type": "exactReference", "dockerReference": "x.y/z:1"}"#,
        "x.y/z:2",
        "a.b/c:1",
        false,
    );
    check(
        r#"{"type": "exactRepository", "dockerRepository": "x.y/z"}"#,
        "x.y/z:2",
        "a.b/c:1",
        true,
    );
    let remap = r#"{"type": "remapIdentity", "prefix": "mirror.b", "signedPrefix": "a.b"}"#;
    check(remap, "a.b/c:1", "mirror.b/c:1", true);
    check(remap, "a.b/c:1", "mirror.b.evil/c:1", false);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "\\PC{0,200}") {
        let _ = read("trust.toml", &text);
        let _ = read("policy.json", &text);
    }
}

// `UPDATE_EXPECT=1` writes them.
#[test]
fn the_documentation_has_the_fields() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/trust-policy.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (before, rest) = text.split_once("## Fields\n\n").unwrap();
    let (fields, after) = rest.split_once("## Policies of others\n").unwrap();
    let tables = crate::tables_markdown();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        let whole = format!("{before}## Fields\n\n{tables}## Policies of others\n{after}");
        std::fs::write(path, whole).unwrap();
        return;
    }
    assert_eq!(fields, tables, "UPDATE_EXPECT=1 writes them");
}
