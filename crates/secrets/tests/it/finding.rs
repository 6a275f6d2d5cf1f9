//! What is a secret and what is none.

use sealift_model::{Confidence, Severity};
use sealift_secrets::Scanner;

use crate::check::check;

// Secrets are put together here, so that no scanner takes this file for one that has any.
fn aws() -> String {
    format!("AKIA{}", "Q3EGRIIFTJWWMQ2X")
}

#[test]
fn keys_that_tell_by_themselves() {
    check("a", &format!("id = {}", aws()), &[("aws-access-token", &aws())]);
    check("a", &format!("x{}", aws()), &[]);
    check("a", "id = AKIAIOSFODNN7EXAMPLE", &[]);
    let stripe = format!("sk_live_{}", "abcd1234");
    check("Dockerfile", &format!("ENV API_KEY={stripe}"), &[("stripe-access-token", &stripe)]);
    let token = format!("ghp_{}", "9nbddeg8pe7o4wdfiinlfzdoh9oqjw9qj32i");
    check("a", &format!("{{\"t\": \"x={token}\\n\"}}"), &[("github-pat", &token)]);
    let robot = format!("sealift_robot_{}", "qwb5pdkhx6pygpan2rlykei4iiaannkksumnlmytbx4QsAir");
    check("a", &format!("docker login -p {robot}"), &[("sealift-robot-token", &robot)]);
    check("a", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", &[]);
}

#[test]
fn keys_that_are_known_by_a_name() {
    let key = "0f3a9c27d1b84e65a2c7f08d94b3e61a";
    check("a", &format!("twilio_auth: '{key}'"), &[("twilio-auth-token", key)]);
    check("a", &format!("sum: '{key}'"), &[]);
    check("a", &format!("globKey = \"{key}\""), &[("generic-api-key", key)]);
}

#[test]
fn values_of_names() {
    let value = "Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB";
    check("a.py", &format!("db_password = \"{value}\""), &[("generic-api-key", value)]);
    for text in [
        &format!("primaryKey = \"{value}\""),
        "password = os.environ['DB_PASSWORD_1']",
        "password = \"${DB_PASSWORD_2}\"",
        "token = tokenizer.parse_next_2()",
        "api_key = \"your_api_key_here_123\"",
        "secret_path = \"/run/secrets/db_password_1\"",
        "key = \"com.example.application.settings.v2\"",
    ] {
        check("a.py", text, &[]);
    }
    check("usr/lib/python3/site-packages/a.py", &format!("db_password = \"{value}\""), &[]);
}

#[test]
fn private_keys() {
    let body = "MIIEowIBAAKCAQEAx".repeat(8);
    let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----");
    check("a", &format!("x\n{key}\ny"), &[("private-key", &key)]);
    check("a", "-----BEGIN PRIVATE KEY-----\nanything\n-----END PRIVATE KEY-----", &[]);
    check("a", &key.replace("PRIVATE", "PUBLIC"), &[]);
    let locked = key.replace("RSA", "ENCRYPTED");
    check("a", &locked, &[("encrypted-private-key", &locked)]);
    let found = Scanner::default().scan("a", format!("x\n{key}").as_bytes());
    let secret = &found.secrets[0];
    assert_eq!((secret.line, secret.column, secret.end_line), (2, 1, 4));
    assert_eq!(secret.masked, "-----BEGIN RSA PRIVATE KEY…");
    assert_eq!((secret.severity, secret.confidence), (Severity::Critical, Confidence::High));
}

#[test]
fn addresses_and_commands() {
    check("a", "postgres://me:hunter2@db/x", &[("password-in-url", "hunter2")]);
    check("a", "https://$U:$P@h https://x:${P}@h https://h:80/a@b git@h:x u://a:pass@h", &[]);
    check("a", "curl -u admin:s3cr3tw0rd https://x", &[("curl-auth-user", "s3cr3tw0rd")]);
    check("a", "curl -u \"$USER:$PASSWORD\" https://x", &[]);
    check(
        "a",
        "curl -H 'X-Api-Key: 8fK2mQ9zR4tV7' https://x",
        &[("curl-auth-header", "8fK2mQ9zR4tV7")],
    );
}

#[test]
fn web_tokens() {
    let token = format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZSIsIm4iOjF9.{}", "aB3".repeat(14));
    check("a", &format!("t: \"{token}\""), &[("jwt", &token)]);
    check("a", "eyJub3RoaW5nIjoiaGVyZSJ9.eyJzdWIiOiJtZSIsIm4iOjF9.aaaaaaaaaaaaa", &[]);
}

#[test]
fn remarks_allow() {
    check("a", &format!("id = {} # gitleaks:allow", aws()), &[]);
    check("a", &format!("id = {} # sealift:allow=jwt", aws()), &[("aws-access-token", &aws())]);
}

#[test]
fn files_by_their_names() {
    check("root/.git/HEAD", "ref: refs/heads/main\n", &[("git-folder", "ref: refs/heads/main")]);
    check("a/b.p12", "\0", &[("pkcs12-file", "\0")]);
    check("root/.npmrc", "//r/:_authToken=abcdefgh1\n", &[("credentials-file", "abcdefgh1")]);
}

#[test]
fn texts_in_wide_letters() {
    let mut bytes = vec![0xff, 0xfe];
    bytes.extend(format!("id = {}\r\n", aws()).encode_utf16().flat_map(u16::to_le_bytes));
    let found = Scanner::default().scan("a.ini", &bytes);
    assert_eq!(found.secrets[0].rule, "aws-access-token");
}

#[test]
fn nothing_that_is_returned_has_the_secret() {
    let text = format!("id = {}\npostgres://me:hunter2hunter2@db/x\n", aws());
    let found = Scanner::default().scan("a", text.as_bytes());
    let shown = format!("{found:?}");
    assert_eq!(found.secrets.len(), 2);
    assert!(!shown.contains(&aws()) && !shown.contains("hunter2hunter2"), "{shown}");
}
