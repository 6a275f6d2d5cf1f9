//! What stands in `Authorization` and `WWW-Authenticate` (RFC 9110 §11).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sealift_crypto::Secret;

use super::Denial;

/// What follows the name of a scheme, which is not case-sensitive (RFC 9110 §11.1).
pub(crate) fn of_scheme<'a>(credentials: &'a str, scheme: &str) -> Option<&'a str> {
    let (found, rest) = credentials.split_once(' ')?;
    found.eq_ignore_ascii_case(scheme).then(|| rest.trim_matches(' '))
}

/// Name and password (RFC 7617).
pub(crate) fn name_and_password(encoded: &str) -> Result<(String, Secret), Denial> {
    let decoded = STANDARD.decode(encoded).map_err(|_| Denial::Wrong("not base64"))?;
    let decoded = Secret::new(decoded);
    let colon = decoded.expose().iter().position(|byte| *byte == b':');
    let (name, password) = decoded.expose().split_at(colon.ok_or(Denial::Wrong("no colon"))?);
    let name = std::str::from_utf8(name).map_err(|_| Denial::Wrong("the name is not UTF-8"))?;
    Ok((name.to_owned(), Secret::new(password[1..].to_vec())))
}

/// Quotes and line ends of what an administrator wrote do not leave the quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted + "\""
}
