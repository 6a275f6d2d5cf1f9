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
    // It is half of a pair, and the other half is never far.
    let access_key_id = words.windows(3).any(|three| three == ["access", "key", "id"]);
    access_key_id || has(&SECRET_WORDS) && !has(&HARMLESS_WORDS) && !vague
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

/// Letters that a provider's keys are made of.
#[derive(Clone, Copy)]
enum Letters {
    /// Letters and digits.
    Alphanumeric,
    /// Capitals and digits.
    Capital,
    /// Letters, digits, `_` and `-`.
    Word,
}

impl Letters {
    fn contain(self, letter: char) -> bool {
        match self {
            Self::Alphanumeric => letter.is_ascii_alphanumeric(),
            Self::Capital => letter.is_ascii_uppercase() || letter.is_ascii_digit(),
            Self::Word => letter.is_ascii_alphanumeric() || letter == '_' || letter == '-',
        }
    }
}

/// Keys by the prefix that their provider gives them: what it is, the prefix, and what must follow it at least.
#[rustfmt::skip]
const SHAPES: &[(&str, &str, Letters, usize)] = &[
    ("a live secret key of Stripe", "sk_live_", Letters::Alphanumeric, 8),
    ("a live restricted key of Stripe", "rk_live_", Letters::Alphanumeric, 8),
    ("a test key of Stripe", "sk_test_", Letters::Alphanumeric, 8),
    ("an access key of AWS", "AKIA", Letters::Capital, 16),
    ("a temporary access key of AWS", "ASIA", Letters::Capital, 16),
    ("a token of GitHub", "ghp_", Letters::Alphanumeric, 36),
    ("a token of GitHub", "gho_", Letters::Alphanumeric, 36),
    ("a token of GitHub", "ghu_", Letters::Alphanumeric, 36),
    ("a token of GitHub", "ghs_", Letters::Alphanumeric, 36),
    ("a token of GitHub", "ghr_", Letters::Alphanumeric, 36),
    ("a token of GitHub", "github_pat_", Letters::Word, 22),
    ("a token of GitLab", "glpat-", Letters::Word, 20),
    ("a token of Slack", "xoxb-", Letters::Word, 10),
    ("a token of Slack", "xoxp-", Letters::Word, 10),
    ("a token of Slack", "xoxa-", Letters::Word, 10),
    ("an API key of Google", "AIza", Letters::Word, 35),
    ("a token of npm", "npm_", Letters::Alphanumeric, 36),
    ("a token of PyPI", "pypi-AgEIcHlwaS5vcmc", Letters::Word, 40),
    ("a key of Anthropic", "sk-ant-", Letters::Word, 20),
    ("a key of OpenAI", "sk-proj-", Letters::Word, 20),
    ("a token of Hugging Face", "hf_", Letters::Alphanumeric, 34),
    ("a token of DigitalOcean", "dop_v1_", Letters::Alphanumeric, 64),
    ("a token of Docker Hub", "dckr_pat_", Letters::Word, 20),
    ("a token of Shopify", "shpat_", Letters::Alphanumeric, 32),
    ("a token of Vault", "hvs.", Letters::Word, 24),
    ("a secret key of age", "AGE-SECRET-KEY-1", Letters::Capital, 58),
];

/// What else is looked for starts with one of these.
const OTHER_STARTS: [&str; 3] = ["-----BEGIN ", "eyJ", "://"];

/// One bit for each pair of bytes with which something starts that is looked for: most texts have none of them.
static STARTS: [u64; 1024] = starts();

const fn starts() -> [u64; 1024] {
    let mut bits = [0; 1024];
    let mut index = 0;
    while index < SHAPES.len() + OTHER_STARTS.len() {
        let start = match index.checked_sub(SHAPES.len()) {
            Some(other) => OTHER_STARTS[other].as_bytes(),
            None => SHAPES[index].1.as_bytes(),
        };
        let pair = ((start[0] as usize) << 8) | start[1] as usize;
        bits[pair / 64] |= 1 << (pair % 64);
        index += 1;
    }
    bits
}

/// Which of the prefixes a text has; those that it has not need not be looked for.
fn present(text: &str) -> u64 {
    let mut found = 0;
    let bytes = text.as_bytes();
    for (at, pair) in bytes.windows(2).enumerate() {
        let pair = (usize::from(pair[0]) << 8) | usize::from(pair[1]);
        if STARTS[pair / 64] >> (pair % 64) & 1 == 0 {
            continue;
        }
        let starts = SHAPES.iter().map(|shape| shape.1).chain(OTHER_STARTS);
        for (index, start) in starts.enumerate() {
            if bytes[at..].starts_with(start.as_bytes()) {
                found |= 1 << index;
            }
        }
    }
    found
}

/// The secrets in a text, by their look.
pub(crate) fn find(text: &str) -> Vec<Match> {
    let mut found = Vec::new();
    let present = present(text);
    if present == 0 {
        return found;
    }
    for (index, &(what, prefix, letters, length_min)) in SHAPES.iter().enumerate() {
        if present >> index & 1 == 0 {
            continue;
        }
        for (start, _) in text.match_indices(prefix) {
            // Inside a longer word it is something else.
            if text[..start]
                .chars()
                .next_back()
                .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
            {
                continue;
            }
            let rest = &text[start + prefix.len()..];
            let length = rest.find(|c: char| !letters.contain(c)).unwrap_or(rest.len());
            if length >= length_min {
                found.push(Match { what, range: start..start + prefix.len() + length });
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
        if text[..start].chars().next_back().is_some_and(|c| Letters::Word.contain(c) || c == '.') {
            return None;
        }
        let rest = &text[start..text.floor_char_boundary(start + TOKEN_BYTES_MAX)];
        let end =
            rest.find(|c: char| !(Letters::Word.contain(c) || c == '.')).unwrap_or(rest.len());
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
