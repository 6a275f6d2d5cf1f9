//! AWS Signature Version 4 (<https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html>).

use std::fmt::Write as _;

use jiff::Timestamp;
use reqwest::Url;
use sealift_crypto::{Secret, hmac_sha256};
use sealift_oci::Digest;

use crate::credentials::Keys;

/// What is signed.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a Url,
    /// Names in small letters, in order, with the host's.
    pub(crate) headers: &'a [(String, String)],
    /// Hash of the body, hexadecimal.
    pub(crate) body: &'a str,
    pub(crate) region: &'a str,
    pub(crate) service: &'a str,
    pub(crate) now: Timestamp,
}

/// The time as the headers have it.
pub(crate) fn time(now: Timestamp) -> String {
    now.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// Writes a text as a name or value of a query; `/` stays where it parts a path.
pub(crate) fn encode(text: &str, is_path: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(byte));
            }
            b'/' if is_path => out.push('/'),
            // Writing to a text does not fail.
            _ => {
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

/// The header `authorization`.
pub(crate) fn authorization(keys: &Keys, request: &Request<'_>) -> String {
    let time = time(request.now);
    let day = &time[..8];
    let scope = format!("{day}/{}/{}/aws4_request", request.region, request.service);
    let names: Vec<&str> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let mut text = format!("{}\n{}\n", request.method, request.url.path());
    // Queries are made here, encoded and in order.
    text.push_str(request.url.query().unwrap_or(""));
    text.push('\n');
    for (name, value) in request.headers {
        let _ = writeln!(text, "{name}:{}", value.trim());
    }
    let _ = write!(text, "\n{names}\n{}", request.body);
    let hash = Digest::sha256(text.as_bytes());
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hash.hex());
    let mut first = b"AWS4".to_vec();
    first.extend_from_slice(keys.secret.expose());
    let mut key = Secret::new(first);
    for part in [day, request.region, request.service, "aws4_request"] {
        key = Secret::new(hmac_sha256(&key, &[part.as_bytes()]).to_vec());
    }
    let mut signature = String::with_capacity(64);
    for byte in hmac_sha256(&key, &[text.as_bytes()]) {
        let _ = write!(signature, "{byte:02x}");
    }
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
        keys.access
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    // "Example: GET Object" of Amazon's documentation of S3, "Signature Calculations for the Authorization Header".
    #[test]
    fn the_example_of_the_documentation() {
        let keys = Keys {
            access: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret: Secret::new(b"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_vec()),
            session: None,
        };
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let headers = [
            ("host", "examplebucket.s3.amazonaws.com"),
            ("range", "bytes=0-9"),
            ("x-amz-content-sha256", empty),
            ("x-amz-date", "20130524T000000Z"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = Request {
            method: "GET",
            url: &"https://examplebucket.s3.amazonaws.com/test.txt".parse().unwrap(),
            headers: &headers,
            body: empty,
            region: "us-east-1",
            service: "s3",
            now: "2013-05-24T00:00:00Z".parse().unwrap(),
        };
        let signed = authorization(&keys, &request);
        assert_eq!(
            signed,
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, \
             SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, \
             Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
        );
    }

    #[test]
    fn names_are_encoded() {
        assert_eq!(encode("a b/ä+~", true), "a%20b/%C3%A4%2B~");
        assert_eq!(encode("a/b", false), "a%2Fb");
    }
}
