//! Secrets by the name of a variable and by the look of a value. No value is ever copied into a message.

use std::ops::Range;

/// Words that make a name that of a secret.
#[rustfmt::skip]
const SECRET_WORDS: [&str; 21] = [
    "apikey", "auth", "credential", "credentials", "key", "passphrase", "passwd", "password", "passwords", "pass",
    "pin", "private", "pwd", "pword", "secret", "secrets", "token", "tokens", "accesskey", "secretkey", "authtoken",
];

/// Words that say that the variable only tells about a secret.
#[rustfmt::skip]
const HARMLESS_WORDS: [&str; 42] = [
    "public", "pub", "file", "files", "path", "paths", "dir", "folder", "version", "type", "url", "uri", "host", "port",
    "name", "id", "mode", "method", "enabled", "disabled", "timeout", "ttl", "expiry", "expires", "length", "size",
    "algorithm", "rotation", "fingerprint", "checksum", "hash", "layout", "header", "prefix", "suffix", "field",
    "required", "gpg", "pgp", "keyring", "server", "login",
];

/// Words that mean something else when they are the whole name: a folder, a pin of a chip.
const VAGUE_NAMES: [&str; 6] = ["pin", "pwd", "private", "pass", "auth", "key"];

/// Whether a variable of this name holds a secret: whole words of the name count, not parts of them.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let words: Vec<String> =
        name.split(|c: char| !c.is_alphanumeric()).map(str::to_ascii_lowercase).collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let vague = words.len() == 1 && has(&VAGUE_NAMES);
    has(&SECRET_WORDS) && !has(&HARMLESS_WORDS) && !vague
}

/// Whether a value of such a variable can be a secret: not empty, no switch.
pub(crate) fn can_be_secret(value: &str) -> bool {
    let value = value.trim_matches(['"', '\'']).to_ascii_lowercase();
    !value.is_empty()
        && !matches!(
            value.as_str(),
            "true"
                | "false"
                | "yes"
                | "no"
                | "on"
                | "off"
                | "0"
                | "1"
                | "none"
                | "null"
                | "nil"
                | "disabled"
                | "enabled"
        )
        && !value.starts_with("/run/secrets/")
}

/// A secret found by its look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    pub(crate) what: &'static str,
    pub(crate) range: Range<usize>,
}

/// A prefix that providers give their keys, with what must follow.
struct Shape {
    what: &'static str,
    prefix: &'static str,
    letters: fn(char) -> bool,
    length_min: usize,
}

fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn alphanumeric(c: char) -> bool {
    c.is_ascii_alphanumeric()
}

fn capital(c: char) -> bool {
    c.is_ascii_uppercase() || c.is_ascii_digit()
}

const SHAPES: &[Shape] = &[
    Shape {
        what: "a live secret key of Stripe",
        prefix: "sk_live_",
        letters: alphanumeric,
        length_min: 8,
    },
    Shape {
        what: "a live restricted key of Stripe",
        prefix: "rk_live_",
        letters: alphanumeric,
        length_min: 8,
    },
    Shape {
        what: "a test key of Stripe",
        prefix: "sk_test_",
        letters: alphanumeric,
        length_min: 8,
    },
    Shape { what: "an access key of AWS", prefix: "AKIA", letters: capital, length_min: 16 },
    Shape {
        what: "a temporary access key of AWS",
        prefix: "ASIA",
        letters: capital,
        length_min: 16,
    },
    Shape { what: "a token of GitHub", prefix: "ghp_", letters: alphanumeric, length_min: 36 },
    Shape { what: "a token of GitHub", prefix: "gho_", letters: alphanumeric, length_min: 36 },
    Shape { what: "a token of GitHub", prefix: "ghu_", letters: alphanumeric, length_min: 36 },
    Shape { what: "a token of GitHub", prefix: "ghs_", letters: alphanumeric, length_min: 36 },
    Shape { what: "a token of GitHub", prefix: "ghr_", letters: alphanumeric, length_min: 36 },
    Shape { what: "a token of GitHub", prefix: "github_pat_", letters: word, length_min: 22 },
    Shape { what: "a token of GitLab", prefix: "glpat-", letters: word, length_min: 20 },
    Shape { what: "a token of Slack", prefix: "xoxb-", letters: word, length_min: 10 },
    Shape { what: "a token of Slack", prefix: "xoxp-", letters: word, length_min: 10 },
    Shape { what: "a token of Slack", prefix: "xoxa-", letters: word, length_min: 10 },
    Shape { what: "an API key of Google", prefix: "AIza", letters: word, length_min: 35 },
    Shape { what: "a token of npm", prefix: "npm_", letters: alphanumeric, length_min: 36 },
    Shape {
        what: "a token of PyPI",
        prefix: "pypi-AgEIcHlwaS5vcmc",
        letters: word,
        length_min: 40,
    },
    Shape { what: "a key of Anthropic", prefix: "sk-ant-", letters: word, length_min: 20 },
    Shape { what: "a key of OpenAI", prefix: "sk-proj-", letters: word, length_min: 20 },
    Shape { what: "a token of Hugging Face", prefix: "hf_", letters: alphanumeric, length_min: 34 },
    Shape {
        what: "a token of DigitalOcean",
        prefix: "dop_v1_",
        letters: alphanumeric,
        length_min: 64,
    },
    Shape { what: "a token of Docker Hub", prefix: "dckr_pat_", letters: word, length_min: 20 },
    Shape { what: "a token of Shopify", prefix: "shpat_", letters: alphanumeric, length_min: 32 },
    Shape { what: "a token of Vault", prefix: "hvs.", letters: word, length_min: 24 },
    Shape {
        what: "a secret key of age",
        prefix: "AGE-SECRET-KEY-1",
        letters: capital,
        length_min: 58,
    },
];

/// The secrets in a text, by their look.
pub(crate) fn find(text: &str) -> Vec<Match> {
    let mut found = Vec::new();
    for shape in SHAPES {
        for (start, _) in text.match_indices(shape.prefix) {
            // Inside a longer word it is something else.
            if text[..start]
                .chars()
                .next_back()
                .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            {
                continue;
            }
            let rest = &text[start + shape.prefix.len()..];
            let length = rest.find(|c: char| !(shape.letters)(c)).unwrap_or(rest.len());
            if length >= shape.length_min {
                found.push(Match {
                    what: shape.what,
                    range: start..start + shape.prefix.len() + length,
                });
            }
        }
    }
    found.extend(private_keys(text));
    found.extend(web_tokens(text));
    found.extend(passwords_in_urls(text));
    found.sort_by_key(|found| found.range.start);
    found
}

fn private_keys(text: &str) -> impl Iterator<Item = Match> {
    const START: &str = "-----BEGIN ";
    text.match_indices(START).filter_map(move |(start, _)| {
        let rest = &text[start + START.len()..];
        let end = rest.find("-----")?;
        let kind = &rest[..end];
        let is_key = kind.len() < 40 && kind.ends_with("PRIVATE KEY");
        is_key.then(|| Match { what: "a private key", range: start..start + START.len() + end + 5 })
    })
}

/// Longest JSON web token that is looked for; a bound for hostile files.
const TOKEN_BYTES_MAX: usize = 4096;

/// JSON web tokens: three parts, the first two are JSON objects in base64.
fn web_tokens(text: &str) -> impl Iterator<Item = Match> {
    text.match_indices("eyJ").filter_map(move |(start, _)| {
        if text[..start].chars().next_back().is_some_and(|c| word(c) || c == '.') {
            return None;
        }
        let rest = &text[start..text.floor_char_boundary(start + TOKEN_BYTES_MAX)];
        let end = rest.find(|c: char| !(word(c) || c == '.')).unwrap_or(rest.len());
        let token = &rest[..end];
        let mut parts = token.split('.');
        let (_, body, signature) = (parts.next()?, parts.next()?, parts.next()?);
        let whole = body.starts_with("eyJ") && signature.len() >= 20;
        whole.then(|| Match { what: "a JSON web token", range: start..start + token.len() })
    })
}

/// `scheme://user:password@host`, where the password is no variable.
fn passwords_in_urls(text: &str) -> impl Iterator<Item = Match> {
    text.match_indices("://").filter_map(move |(at, separator)| {
        let start = at + separator.len();
        let rest = &text[start..];
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '?' | '#'))
            .unwrap_or(rest.len());
        let (user, _) = rest[..end].rsplit_once('@')?;
        let (name, password) = user.split_once(':')?;
        let literal = !password.is_empty() && !password.contains(['$', '{', '<', '%', '*']);
        let from = start + name.len() + 1;
        literal.then(|| Match { what: "a password in a URL", range: from..from + password.len() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in [
            "API_KEY",
            "DB_PASSWORD",
            "NPM_TOKEN",
            "aws_secret_access_key",
            "PASSWORD",
            "github-token",
            "MYSQL_ROOT_PASSWORD",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "GPG_KEY",
            "KEYCLOAK_HOME",
            "PUBLIC_KEY",
            "PASSWORD_FILE",
            "TOKEN_URL",
            "PATH",
            "MONKEY",
            "KEYBOARD",
            "PWD",
            "SECRET_VERSION",
            "PASSENGER_VERSION",
            "KEY",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(can_be_secret("\"x\"") && !can_be_secret("''") && !can_be_secret("yes"));
    }

    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = find(text);
        let found: Vec<(&str, &str)> =
            found.iter().map(|found| (found.what, &text[found.range.clone()])).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn values() {
        let key = format!("AKIA{}", "Q3EGRIIFTJWWMQ2X");
        check(&format!("id={key}"), &[("an access key of AWS", &key)]);
        check("sk_live_abcd1234", &[("a live secret key of Stripe", "sk_live_abcd1234")]);
        check(
            "-----BEGIN RSA PRIVATE KEY-----\nx",
            &[("a private key", "-----BEGIN RSA PRIVATE KEY-----")],
        );
        check("postgres://me:hunter2@db/x", &[("a password in a URL", "hunter2")]);
        check("https://$U:$P@h https://x:${P}@h https://h:80/a@b git@h:x", &[]);
        check("task_live_abcdefgh12 AKIAshort -----BEGIN PUBLIC KEY----- eyJ.eyJ.x", &[]);
        let token = format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{}", "a".repeat(43));
        check(&format!("\"{token}\""), &[("a JSON web token", &token)]);
    }
}
