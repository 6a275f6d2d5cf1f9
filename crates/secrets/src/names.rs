//! Whether a name is that of a secret: whole words of it count, not parts of them.

/// Words that make a name that of a secret.
#[rustfmt::skip]
const SECRET_WORDS: [&str; 26] = [
    "apikey", "auth", "credential", "credentials", "creds", "key", "passphrase", "passwd", "password", "passwords", "pass",
    "pin", "private", "pwd", "pword", "secret", "secrets", "token", "tokens", "accesskey", "secretkey", "authtoken",
    "apitoken", "accesstoken", "clientsecret", "api",
];

/// Words that say that the variable only tells about a secret.
#[rustfmt::skip]
const HARMLESS_WORDS: [&str; 45] = [
    "public", "pub", "file", "files", "path", "paths", "dir", "folder", "version", "type", "url", "uri", "host", "port",
    "name", "id", "mode", "method", "enabled", "disabled", "timeout", "ttl", "expiry", "expires", "length", "size",
    "algorithm", "rotation", "fingerprint", "checksum", "hash", "layout", "header", "prefix", "suffix", "field",
    "required", "gpg", "pgp", "keyring", "server", "login", "issuer", "endpoint", "count",
];

/// Words that mean something else when they are the whole name: a folder, a pin of a chip.
const VAGUE_NAMES: [&str; 7] = ["pin", "pwd", "private", "pass", "auth", "key", "api"];

/// Words that make a name harmless in a text of any kind, where names mean more things than in a Dockerfile.
#[rustfmt::skip]
const HARMLESS_IN_TEXTS: [&str; 66] = [
    "access", "accessor", "accessibility", "alias", "author", "authors", "board", "bucket", "code", "csrf", "down", "event",
    "foreign", "frame", "hot", "idx", "index", "integrity", "issuer", "jar", "keyboard", "keyword", "keywords", "left", "mesh",
    "meshing", "natural", "pair", "pressed", "press", "primary", "pubkey", "random", "rapid", "results", "right", "ring",
    "schema", "selector", "sequence", "sha", "signature", "sort", "source", "stone", "store", "storetype", "tab",
    "up", "user", "word", "words", "license", "licence", "cache", "md5", "sha1", "sha256", "sha512", "rev", "srcrev",
    "commit", "etag", "guid", "translation", "i18n",
];

/// Whether a variable of this name holds a secret.
pub fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let vague = words.len() == 1 && has(&VAGUE_NAMES);
    let only_api = has(&["api"])
        && !SECRET_WORDS.iter().any(|it| *it != "api" && words.iter().any(|word| word == it));
    // It is half of a pair, and the other half is never far.
    let access_key_id = words.windows(3).any(|three| three == ["access", "key", "id"]);
    access_key_id || has(&SECRET_WORDS) && !only_api && !has(&HARMLESS_WORDS) && !vague
}

/// The same for a name in any text. A name that is one word alone counts, if the word has one meaning.
pub(crate) fn is_secret_name_in_text(name: &str) -> bool {
    let words = words(name);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let access = has(&["access"]) && has(&["key", "token", "secret", "code"]);
    let harmless = words.iter().filter(|word| !(access && *word == "access")).any(|word| {
        HARMLESS_WORDS.contains(&word.as_str()) || HARMLESS_IN_TEXTS.contains(&word.as_str())
    });
    has(&SECRET_WORDS) && !harmless
}

/// Whether a value of such a variable can be a secret: not empty, no switch, no path of a mounted secret.
pub fn can_be_secret(value: &str) -> bool {
    #[rustfmt::skip]
    const SWITCHES: [&str; 13] = [
        "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null", "nil", "disabled", "enabled",
    ];
    let value = value.trim_matches(['"', '\'']).to_ascii_lowercase();
    !value.is_empty() && !SWITCHES.contains(&value.as_str()) && !value.starts_with("/run/secrets/")
}

// Parted at what is no letter or digit, and before a capital behind a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    for part in name.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()) {
        let mut word = String::new();
        let mut was_small = false;
        for letter in part.chars() {
            if letter.is_uppercase() && was_small {
                words.push(std::mem::take(&mut word));
            }
            was_small = letter.is_lowercase() || letter.is_ascii_digit();
            word.push(letter.to_ascii_lowercase());
        }
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for name in [
            "API_KEY",
            "apiKey",
            "DB_PASSWORD",
            "NPM_TOKEN",
            "aws_secret_access_key",
            "PASSWORD",
            "github-token",
            "MYSQL_ROOT_PASSWORD",
        ] {
            assert!(is_secret_name(name) && is_secret_name_in_text(name), "{name}");
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
            "API_HOST",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        assert!(!is_secret_name_in_text("primaryKey") && !is_secret_name_in_text("key_name"));
        assert!(can_be_secret("\"x\"") && !can_be_secret("''") && !can_be_secret("yes"));
    }
}
