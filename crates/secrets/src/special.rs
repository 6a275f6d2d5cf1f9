//! Secrets that are no word of letters: private keys, passwords in addresses, headers of commands, and names of files.

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use memchr::memmem;
use sealift_model::{Confidence, Severity};

use crate::value::{entropy_tenths, is_example, is_reference};

/// A kind of secret that has a reader of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// Its id.
    pub(crate) id: &'static str,
    /// What it is.
    pub(crate) what: &'static str,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// How sure it is.
    pub(crate) confidence: Confidence,
}

const fn kind(
    id: &'static str,
    what: &'static str,
    severity: Severity,
    confidence: Confidence,
) -> Kind {
    Kind { id, what, severity, confidence }
}

#[rustfmt::skip]
mod kinds {
    use super::{Confidence::{High, Low, Medium}, Kind, Severity, kind};

    pub(crate) const PRIVATE_KEY: Kind = kind("private-key", "private key", Severity::Critical, High);
    pub(crate) const ENCRYPTED_KEY: Kind = kind("encrypted-private-key", "private key under a passphrase", Severity::Medium, High);
    pub(crate) const URL_PASSWORD: Kind = kind("password-in-url", "password in a URL", Severity::High, Medium);
    pub(crate) const CURL_USER: Kind = kind("curl-auth-user", "password of a curl command", Severity::High, Medium);
    pub(crate) const CURL_HEADER: Kind = kind("curl-auth-header", "credential in a header of a curl command", Severity::High, Medium);
    pub(crate) const WEB_TOKEN: Kind = kind("jwt", "JSON web token", Severity::High, High);
    pub(crate) const WEB_TOKEN_TWICE: Kind = kind("jwt-base64", "JSON web token in base64", Severity::High, Medium);
    pub(crate) const GENERIC: Kind = kind("generic-api-key", "value of a secret", Severity::Medium, Low);
    pub(crate) const STRICT: Kind = kind("secret-assignment", "value of a variable for a secret", Severity::High, Medium);
    pub(crate) const FILE_PASSWORD: Kind = kind("credentials-file", "credential in a file for credentials", Severity::Critical, High);
    pub(crate) const KUBERNETES: Kind = kind("kubernetes-secret-yaml", "value of a Kubernetes secret", Severity::High, Medium);
    pub(crate) const TERRAFORM: Kind = kind("hashicorp-tf-password", "password in a Terraform file", Severity::High, Medium);
    pub(crate) const NUGET: Kind = kind("nuget-config-password", "password of a NuGet feed", Severity::High, High);
    pub(crate) const SIDEKIQ: Kind = kind("sidekiq-sensitive-url", "credential of the Enterprise gems", Severity::High, High);
    pub(crate) const KEY_STORE: Kind = kind("pkcs12-file", "key store", Severity::Medium, Medium);
    pub(crate) const GIT_FOLDER: Kind = kind("git-folder", "git repository with its history", Severity::Medium, High);
    pub(crate) const SHADOW: Kind = kind("password-hash", "hash of an account's password", Severity::Medium, High);
}
pub(crate) use kinds::*;

/// All of them, for lists of rules.
pub(crate) const KINDS: [Kind; 17] = [
    PRIVATE_KEY,
    ENCRYPTED_KEY,
    URL_PASSWORD,
    CURL_USER,
    CURL_HEADER,
    WEB_TOKEN,
    WEB_TOKEN_TWICE,
    GENERIC,
    STRICT,
    FILE_PASSWORD,
    KUBERNETES,
    TERRAFORM,
    NUGET,
    SIDEKIQ,
    KEY_STORE,
    GIT_FOLDER,
    SHADOW,
];

/// Whose a secret is whose form does not tell.
pub(crate) const PROVIDER: &str = "generic";

/// What was found, and where.
pub(crate) type Found = (&'static Kind, Range<usize>);

const LABEL_MAX: usize = 80;
const KEY_BYTES_MAX: usize = 64 << 10;
const KEY_BODY_MIN: usize = 64;

/// The private key whose `-----BEGIN` is here.
pub(crate) fn private_key(text: &[u8], at: usize) -> Option<Found> {
    let rest = &text[at..text.len().min(at + KEY_BYTES_MAX)];
    let label_start = b"-----BEGIN".len();
    let label_end =
        memmem::find(rest.get(label_start..rest.len().min(label_start + LABEL_MAX))?, b"-----")?
            + label_start;
    let label = rest[label_start..label_end].to_ascii_uppercase();
    memmem::find(&label, b"PRIVATE KEY")?;
    let from = label_end + 5;
    let end = memmem::find(&rest[from..], b"-----END").map_or(rest.len(), |end| from + end);
    let letters = rest[from..end]
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'));
    if letters.count() < KEY_BODY_MIN {
        return None;
    }
    let body = &rest[from..end];
    let locked = memmem::find(&label, b"ENCRYPTED").is_some()
        || memmem::find(body, b"4,ENCRYPTED").is_some();
    let behind = memmem::find(&rest[end..], b"KEY").map_or(rest.len(), |at| end + at + 3);
    let last = behind
        + memmem::find(&rest[behind..rest.len().min(behind + 12)], b"-----").map_or(0, |at| at + 5);
    Some((if locked { &ENCRYPTED_KEY } else { &PRIVATE_KEY }, at..at + last.min(rest.len())))
}

/// PuTTY's key file that begins here.
pub(crate) fn putty_key(text: &[u8], at: usize) -> Option<Found> {
    let rest = &text[at..text.len().min(at + KEY_BYTES_MAX)];
    let private = memmem::find(rest, b"Private-Lines:")?;
    let locked = memmem::find(&rest[..private], b"Encryption: none").is_none();
    let end =
        memmem::find(&rest[private..], b"Private-MAC").map_or(rest.len(), |end| private + end);
    Some((if locked { &ENCRYPTED_KEY } else { &PRIVATE_KEY }, at..at + end))
}

const AUTHORITY_MAX: usize = 512;

/// The password in the URL whose `://` ends here.
pub(crate) fn url_password(text: &[u8], start: usize) -> Option<Found> {
    let rest = &text[start..text.len().min(start + AUTHORITY_MAX)];
    let end = rest
        .iter()
        .position(|byte| {
            byte.is_ascii_whitespace()
                || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\' | 0..=31)
        })
        .unwrap_or(rest.len());
    // A password may have a slash, a host has none behind it.
    let path =
        rest[..end].iter().position(|byte| matches!(byte, b'/' | b'?' | b'#')).unwrap_or(end);
    let at = rest[..path].iter().rposition(|byte| *byte == b'@')?;
    let colon = rest[..at].iter().position(|byte| *byte == b':')?;
    let (user, password) = (&rest[..colon], &rest[colon + 1..at]);
    let host = &rest[at + 1..path];
    if host.ends_with(b"gems.contribsys.com") || host.ends_with(b"enterprise.contribsys.com") {
        return Some((&SIDEKIQ, start..start + at));
    }
    let range = start + colon + 1..start + at;
    can_be_password(user, password).then_some((&URL_PASSWORD, range))
}

#[rustfmt::skip]
const STAND_INS: [&[u8]; 22] = [
    b"pass", b"password", b"passwd", b"pwd", b"user", b"username", b"secret", b"token", b"test", b"changeme", b"changeit",
    b"change", b"key", b"apikey", b"api_key", b"pw", b"p", b"x", b"xxx", b"xxxx", b"mypassword", b"mypass",
];

fn can_be_password(user: &[u8], password: &[u8]) -> bool {
    let small = password.to_ascii_lowercase();
    let stands_in = STAND_INS.contains(&small.as_slice())
        || small.iter().all(|byte| matches!(byte, b'*' | b'x' | b'.' | b'-'))
        || (small.first() == Some(&b'<')
            || small.first() == Some(&b'[')
            || small.first() == Some(&b'{'));
    !password.is_empty()
        && !stands_in
        && !user.eq_ignore_ascii_case(password)
        && !password.iter().any(|byte| matches!(byte, b'$' | b'{' | b'}' | b'<' | b'*' | b'(' | b'%'))
            // A percent sign that encodes a letter is part of a password.
            | is_encoded(password)
        && !is_example(password)
}

fn is_encoded(password: &[u8]) -> bool {
    let other = password.iter().any(|byte| matches!(byte, b'$' | b'{' | b'}' | b'<' | b'*' | b'('));
    let whole = password
        .split(|byte| *byte == b'%')
        .skip(1)
        .all(|rest| rest.len() >= 2 && rest[..2].iter().all(u8::is_ascii_hexdigit));
    !other && whole && password.contains(&b'%')
}

const COMMAND_BYTES_MAX: usize = 1000;
const COMMAND_LINES_MAX: usize = 6;

/// The credentials in the arguments of the `curl` that ends here.
pub(crate) fn curl(text: &[u8], end: usize, tell: &mut dyn FnMut(Found)) {
    let rest = &text[end..text.len().min(end + COMMAND_BYTES_MAX)];
    let command = memchr::memchr_iter(b'\n', rest).nth(COMMAND_LINES_MAX - 1);
    let rest = &rest[..command.unwrap_or(rest.len())];
    for at in memchr::memchr_iter(b'-', rest) {
        let may_be_flag = at > 0
            && rest[at - 1].is_ascii_whitespace()
            && matches!(rest.get(at + 1), Some(b'-' | b'u' | b'H'));
        if !may_be_flag {
            continue;
        }
        let flags: [(&[u8], bool); 4] =
            [(b"--user", true), (b"--header", false), (b"-u", true), (b"-H", false)];
        let Some((flag, is_user)) =
            flags.into_iter().find(|(flag, _)| rest[at..].starts_with(flag))
        else {
            continue;
        };
        let behind = &rest[at + flag.len()..];
        let gap =
            behind.iter().take(6).take_while(|byte| matches!(byte, b' ' | b'\t' | b'=')).count();
        if flag.len() > 2 && gap == 0 {
            continue;
        }
        let start = at + flag.len() + gap;
        let (word, open) = argument(&rest[start..]);
        let place = end + start + open;
        let found = if is_user { user(word, place) } else { header(word, place) };
        found.into_iter().for_each(&mut *tell);
    }
}

// A word of the command, and where it begins behind its quote.
fn argument(rest: &[u8]) -> (&[u8], usize) {
    let end_of_word =
        |rest: &[u8]| rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
    let Some(quote @ (b'"' | b'\'')) = rest.first() else { return (&rest[..end_of_word(rest)], 0) };
    let whole = 1 + memchr::memchr(*quote, &rest[1..]).unwrap_or(rest.len() - 1);
    // `"name":"password"` is one word too.
    match rest.get(whole + 1..) {
        Some(more @ [b':', ..]) => (&rest[1..whole + 1 + end_of_word(more)], 1),
        _ => (&rest[1..whole], 1),
    }
}

fn user(word: &[u8], place: usize) -> Option<Found> {
    let colon = memchr::memchr(b':', word)?;
    let trim = |byte: &u8| matches!(byte, b'"' | b'\'');
    let user = &word[..colon];
    let password = &word[colon + 1..];
    let open = password.iter().take_while(|it| trim(it)).count();
    let close = password.iter().rev().take_while(|it| trim(it)).count();
    let inner = password.get(open..password.len().checked_sub(close)?).unwrap_or_default();
    // With nothing on one side the other is the key, which some services want.
    let (range, value) = if inner.is_empty() && user.len() >= 8 {
        (place..place + colon, user)
    } else {
        let start = place + colon + 1 + open;
        (start..start + inner.len(), inner)
    };
    let free =
        value.len() >= 3 && !is_reference(value) && !is_reference(user) && !user.starts_with(b"<");
    (free && can_be_password(user, value)).then_some((&CURL_USER, range))
}

fn header(word: &[u8], place: usize) -> Option<Found> {
    let colon = memchr::memchr(b':', word)?;
    let name = word[..colon].to_ascii_lowercase();
    let is_secret = name == b"authorization"
        || ["key", "token", "apikey"].iter().any(|end| name.ends_with(end.as_bytes()))
            && name.len() <= 24;
    if !is_secret {
        return None;
    }
    let body = &word[colon + 1..];
    let start = body.len() - body.trim_ascii_start().len();
    let body = &body[start..];
    let scheme = match memchr::memchr(b' ', body) {
        Some(space) if name == b"authorization" => space + 1,
        _ => 0,
    };
    let value = body[scheme..].trim_ascii();
    let is_basic = body[..scheme].eq_ignore_ascii_case(b"basic ");
    let sound = value.len() >= 8
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_=~@.+/-".contains(byte))
        && !(is_basic && value.iter().any(|byte| b"._-".contains(byte)))
        && entropy_tenths(value) >= 27
        && !is_reference(value)
        && !is_example(value);
    let from = place + colon + 1 + start + scheme;
    sound.then_some((&CURL_HEADER, from..from + value.len()))
}

const TOKEN_BYTES_MAX: usize = 8192;

/// The JSON web token that begins here.
pub(crate) fn web_token(text: &[u8], at: usize) -> Option<Range<usize>> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if at.checked_sub(1).is_some_and(|before| is_part(&text[before]) || text[before] == b'.')
        && !is_escape(text, at)
    {
        return None;
    }
    let rest = &text[at..text.len().min(at + TOKEN_BYTES_MAX)];
    let run = |from: usize| {
        rest[from..]
            .iter()
            .take_while(|byte| is_part(byte) || matches!(byte, b'/' | b'\\' | b'='))
            .count()
    };
    let head = run(0);
    if head < 17
        || rest.get(head) != Some(&b'.')
        || !rest[head + 1..].starts_with(b"ey") && !rest[head + 1..].starts_with(b"ew")
    {
        return None;
    }
    let body = run(head + 1);
    if body < 17 || rest.get(head + 1 + body) != Some(&b'.') {
        return None;
    }
    let start = head + body + 2;
    let sign = rest[start..]
        .iter()
        .take_while(|byte| is_part(byte) || matches!(byte, b'/' | b'='))
        .count();
    // One without a signature claims something for everybody; it is as much a secret.
    (sign == 0 || sign >= 10).then(|| at..at + start + sign)
}

fn is_escape(text: &[u8], at: usize) -> bool {
    at >= 2 && text[at - 2] == b'\\' && matches!(text[at - 1], b'n' | b't' | b'r')
}

/// The web token that is here in base64 once more.
pub(crate) fn web_token_twice(text: &[u8], at: usize) -> Option<Found> {
    let is_part =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    if at.checked_sub(1).is_some_and(|before| is_part(&text[before])) && !is_escape(text, at) {
        return None;
    }
    let run = text[at..].iter().take(TOKEN_BYTES_MAX).take_while(|byte| is_part(byte)).count();
    let whole = &text[at..at + run - run % 4];
    let inner = STANDARD.decode(whole).or_else(|_| URL_SAFE.decode(whole)).ok()?;
    let end = at + run + text[at + run..].iter().take(2).take_while(|byte| **byte == b'=').count();
    (inner.len() >= 40 && inner.contains(&b'.') && inner.starts_with(b"eyJ"))
        .then_some((&WEB_TOKEN_TWICE, at..end))
}
