//! What keys say of themselves: sums, accounts, structures.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::formats::Check;
use crate::value::is_mixed;

/// What a check says of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It cannot be one.
    No,
    /// Nothing.
    Nothing,
    /// It is one.
    Yes,
    /// It is one, of this account.
    Account(String),
}

/// Asks a key.
pub(crate) fn ask(check: Check, key: &[u8]) -> Told {
    match check {
        Check::None => Told::Nothing,
        Check::Mixed => {
            if is_mixed(key) {
                Told::Nothing
            } else {
                Told::No
            }
        }
        Check::Crc32 => {
            if has_sum(key) {
                Told::Yes
            } else {
                Told::Nothing
            }
        }
        Check::AwsAccount => aws_account(key).map_or(Told::Nothing, Told::Account),
        Check::Macaroon => {
            if is_macaroon(key) {
                Told::Yes
            } else {
                Told::Nothing
            }
        }
        Check::WebToken => {
            if is_web_token(key) {
                Told::Yes
            } else {
                Told::No
            }
        }
    }
}

// <https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/>
fn has_sum(key: &[u8]) -> bool {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some(at) = key.iter().position(|byte| *byte == b'_') else { return false };
    let Some((body, sum)) = key[at + 1..].split_last_chunk::<6>() else { return false };
    let mut number = crc32fast::hash(body);
    let mut expected = [b'0'; 6];
    for letter in expected.iter_mut().rev() {
        *letter = LETTERS[(number % 62) as usize];
        number /= 62;
    }
    expected == *sum
}

// The account is in the first 48 bits behind the prefix, without the highest one and the seven lowest.
fn aws_account(key: &[u8]) -> Option<String> {
    let mut bits: u64 = 0;
    // Ten letters are 50 bits.
    for letter in key.get(4..14)? {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => return None,
        };
        bits = bits << 5 | u64::from(value);
    }
    // Keys that were made before 2019 have letters of chance there.
    let is_new = key.get(4).is_some_and(|letter| *letter >= b'Q');
    let account = (bits >> 2 & 0x7fff_ffff_ff80) >> 7;
    (is_new && account < 1_000_000_000_000).then(|| format!("{account:012}"))
}

// PyPI's tokens are macaroons, version 2, for the place that the prefix says.
fn is_macaroon(key: &[u8]) -> bool {
    let Some(at) = key.iter().position(|byte| *byte == b'-') else { return false };
    let body = &key[at + 1..];
    let whole = &body[..body.len() - usize::from(body.len() % 4 == 1)];
    URL_SAFE_NO_PAD.decode(whole).is_ok_and(|bytes| {
        bytes.starts_with(&[2, 1]) && bytes.windows(8).any(|it| it == b"pypi.org")
    })
}

fn is_web_token(key: &[u8]) -> bool {
    let Some(head) = key.split(|byte| *byte == b'.').next() else { return false };
    let Ok(head) = URL_SAFE_NO_PAD.decode(head).or_else(|_| STANDARD_NO_PAD.decode(head)) else {
        return false;
    };
    let object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&head);
    object.is_ok_and(|object| {
        object.contains_key("alg") || object.contains_key("typ") || object.contains_key("enc")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_accounts() {
        let body = "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ";
        let mut number = crc32fast::hash(body.as_bytes());
        let letters: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
        let mut sum = String::new();
        for _ in 0..6 {
            sum.insert(0, letters[(number % 62) as usize]);
            number /= 62;
        }
        let key = format!("ghp_{body}{sum}");
        assert_eq!(ask(Check::Crc32, key.as_bytes()), Told::Yes);
        assert_eq!(ask(Check::Crc32, &key.as_bytes()[..39]), Told::Nothing);
        // The example of those who found out how accounts are written.
        assert_eq!(
            ask(Check::AwsAccount, b"ASIAQNZGKIQY56JQ7WML"),
            Told::Account("029608264753".to_owned())
        );
        assert_eq!(ask(Check::AwsAccount, b"AKIA"), Told::Nothing);
    }

    #[test]
    fn structures() {
        let token = format!("{}.e30.c2ln", URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256"}"#));
        assert_eq!(ask(Check::WebToken, token.as_bytes()), Told::Yes);
        assert_eq!(ask(Check::WebToken, b"eyJub3RoaW5nIjoxfQ.e30.x"), Told::No);
        assert_eq!(ask(Check::Mixed, b"abc"), Told::No);
    }
}
