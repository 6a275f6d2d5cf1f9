//! Policies that are read and refused.

use super::*;

fn document(statement: &str) -> String {
    format!(r#"{{"version":"1.0","trustPolicies":[{statement}]}}"#)
}

fn parse(text: &str) -> Result<TrustPolicy, Error> {
    TrustPolicy::parse(PolicyKind::Oci, text.as_bytes())
}

const GOOD: &str = r#"{
    "name": "team", "registryScopes": ["reg.example:5000/team/app"],
    "signatureVerification": {"level": "permissive", "override": {"expiry": "enforce", "revocation": "skip"}},
    "trustStores": ["ca:team", "tsa:time"],
    "trustedIdentities": ["x509.subject: C=CH,ST=BE,O=Team"]
}"#;

#[test]
fn levels_and_overrides() {
    let policy = parse(&document(GOOD)).unwrap();
    let statement = policy.for_repository("reg.example:5000/team/app").unwrap();
    let actions = |statement: &Statement| Check::ALL.map(|check| statement.action(check).as_str());
    assert_eq!(actions(statement), ["enforce", "enforce", "enforce", "log", "skip"]);
    assert_eq!(statement.verify_timestamp, VerifyTimestamp::Always);
    let of = |level: &str| {
        let text = GOOD.replace("\"permissive\"", &format!("\"{level}\""));
        let text = text.replace(r#", "override": {"expiry": "enforce", "revocation": "skip"}"#, "");
        let policy = parse(&document(&text)).unwrap();
        actions(&policy.statements[0]).join(" ")
    };
    assert_eq!(of("strict"), "enforce enforce enforce enforce enforce");
    assert_eq!(of("permissive"), "enforce enforce log log log");
    assert_eq!(of("audit"), "enforce log log log log");
    let skip = r#"{"name":"a","registryScopes":["*"],"signatureVerification":{"level":"skip"}}"#;
    assert_eq!(actions(&parse(&document(skip)).unwrap().statements[0]), ["skip"; 5]);
}

#[test]
fn scopes() {
    let any = r#"{"name":"any","registryScopes":["*"],"signatureVerification":{"level":"skip"}}"#;
    let policy = parse(&document(&format!("{any},{GOOD}"))).unwrap();
    let name = |repository| policy.for_repository(repository).unwrap().name.clone();
    assert_eq!(name("reg.example:5000/team/app"), "team");
    assert_eq!(name("reg.example:5000/team/app2"), "any");
    assert_eq!(name("reg.example:5000/team"), "any");
    let error = parse(&document(GOOD)).unwrap().for_repository("reg.example/x").unwrap_err();
    assert_eq!(error.to_string(), "no statement of the trust policy is for `reg.example/x`");
    for (scope, is_good) in [
        ("a.b/c", true),
        ("localhost:5000/a--b/c__d.e", true),
        ("a.b", false),
        ("a.b/C", false),
        ("a.b/c:tag", false),
        ("a.b/c@sha256:0", false),
        ("a.b/*", false),
        ("a.b/c//d", false),
        ("a.b/c..d", false),
        ("a.b:/c", false),
        ("-a/c", false),
        ("https://a.b/c", false),
        ("a.b/", false),
    ] {
        let text = GOOD.replace("reg.example:5000/team/app", scope);
        assert_eq!(parse(&document(&text)).is_ok(), is_good, "{scope}");
    }
}

#[test]
fn policies_that_are_refused() {
    let refused = |text: &str| {
        let error = parse(text).unwrap_err().to_string();
        error.strip_prefix("not a valid trust policy: ").unwrap_or(&error).to_owned()
    };
    let changed = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        refused(&document(&GOOD.replace(from, to)))
    };
    assert_eq!(
        refused(r#"{"version":"2.0","trustPolicies":[]}"#),
        "its version is `2.0`, and 1.0 is known"
    );
    assert_eq!(refused(&document("")), "it has no statement, or more than 1000");
    assert_eq!(changed("\"team\"", "\"\""), "a statement has no name");
    assert_eq!(refused(&document(&format!("{GOOD},{GOOD}"))), "two statements are named `team`");
    let twin = GOOD.replace("\"team\"", "\"twin\"");
    assert_eq!(
        refused(&document(&format!("{GOOD},{twin}"))),
        "the scope `reg.example:5000/team/app` stands twice"
    );
    for text in [
        &document(&GOOD.replace("\"level\"", "\"levels\""))[..],
        &document(&GOOD.replace("permissive", "lax")),
        &document(&GOOD.replace("\"expiry\"", "\"date\"")),
        &document(&GOOD.replace("\"name\"", "\"name\": \"x\", \"name\"")),
        &document(&GOOD.replace("permissive\"", "permissive\", \"verifyTimestamp\": \"never\"")),
        "{}",
        "[]",
        "",
        &format!("{} x", document(GOOD)),
    ] {
        let reason = refused(text);
        assert!(reason.contains(" at line "), "{text} {reason}");
    }
}

const REFUSED: &[(&str, &str, &str)] = &[
    (r#"["reg.example:5000/team/app"]"#, "[]", "has no `registryScopes`"),
    (r#"["reg.example:5000/team/app"]"#, r#"["*","a.b/c"]"#, "has the scope `*` and others"),
    (r#""expiry": "enforce""#, r#""integrity": "log""#, "overrides `integrity`"),
    (
        r#""expiry": "enforce""#,
        r#""authenticity": "skip""#,
        "skips `authenticity`; only revocation may be",
    ),
    (
        r#""level": "permissive""#,
        r#""level": "skip""#,
        "skips verification, but overrides something",
    ),
    (r#"["ca:team", "tsa:time"]"#, "[]", "has no trust stores, or no trusted identities"),
    (
        r#"["x509.subject: C=CH,ST=BE,O=Team"]"#,
        "[]",
        "has no trust stores, or no trusted identities",
    ),
    ("ca:team", "team", "has a trust store `team`, which is not `TYPE:NAME`"),
    ("ca:team", "x:team", "has a trust store of type `x`: ca, signingAuthority or tsa"),
    (
        "ca:team",
        "ca:../team",
        "has a trust store `../team`, whose name is not of letters, digits and `_.-`",
    ),
    ("ca:team", "ca:..", "has a trust store `..`, whose name is not of letters, digits and `_.-`"),
    (
        r#"["x509.subject: C=CH,ST=BE,O=Team"]"#,
        r#"["*","x509.subject: C=CH,ST=BE,O=Team"]"#,
        "trusts the identity `*` and others",
    ),
    (
        "x509.subject: C=CH,ST=BE,O=Team",
        "oidc.subject: a",
        "trusts the identity `oidc.subject: a`, which is no `x509.subject:`",
    ),
    (
        "O=Team",
        "OU=Team",
        "trusts the identity `x509.subject: C=CH,ST=BE,OU=Team`, which has no attribute `O`; country, state and organisation must be there",
    ),
    (
        r#""x509.subject: C=CH,ST=BE,O=Team""#,
        r#""x509.subject: C=CH,ST=BE,O=Team","x509.subject: CN=a,C=CH,ST=BE,O=Team""#,
        "trusts the identity `x509.subject: CN=a,C=CH,ST=BE,O=Team`, which overlaps with another",
    ),
];

#[test]
fn statements_that_are_refused() {
    for (from, to, reason) in REFUSED {
        assert!(GOOD.contains(from), "{from}");
        let error = parse(&document(&GOOD.replace(from, to))).unwrap_err().to_string();
        assert_eq!(error, format!("not a valid trust policy: statement `team` {reason}"));
    }
}

#[test]
fn policies_for_blobs() {
    let blob = GOOD
        .replace(r#""registryScopes": ["reg.example:5000/team/app"]"#, r#""globalPolicy": true"#);
    let read = |text: &str| TrustPolicy::parse(PolicyKind::Blob, text.as_bytes());
    let policy = read(&document(&blob)).unwrap();
    assert_eq!(policy.for_blob(None).unwrap().name, "team");
    assert_eq!(policy.for_blob(Some("team")).unwrap().name, "team");
    assert!(policy.for_blob(Some("other")).is_err());
    assert!(policy.for_repository("reg.example/x").is_err());
    assert!(read(&document(GOOD)).is_err());
    assert!(parse(&document(&blob)).is_err());
    let twin = blob.replace("\"team\"", "\"twin\"");
    assert!(read(&document(&format!("{blob},{twin}"))).is_err());
}
