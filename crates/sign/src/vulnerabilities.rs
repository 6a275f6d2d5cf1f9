//! cosign's vulnerability attestation
//! (<https://github.com/sigstore/cosign/blob/main/specs/COSIGN_VULN_ATTESTATION_SPEC.md>).

use jiff::Timestamp;
use sealift_crypto::strict_json;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{Error, time};

/// A scan and its report.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// URI of the scanner.
    pub scanner_uri: &'a str,
    /// Version of the scanner.
    pub scanner_version: &'a str,
    /// Where the advisories are from.
    pub database_uri: &'a str,
    /// Version or date of the advisories.
    pub database_version: &'a str,
    /// The report, JSON in trivy's form; kept byte for byte.
    pub report: &'a [u8],
    /// Start of the scan.
    pub started: Timestamp,
    /// End of the scan.
    pub finished: Timestamp,
}

#[derive(Serialize)]
struct Predicate<'a> {
    invocation: Invocation,
    scanner: Scanner<'a>,
    metadata: Metadata,
}

#[derive(Serialize)]
struct Invocation {
    parameters: [&'static str; 0],
    uri: &'static str,
    event_id: &'static str,
    #[serde(rename = "builder.id")]
    builder_id: &'static str,
}

#[derive(Serialize)]
struct Scanner<'a> {
    uri: &'a str,
    version: &'a str,
    db: Database<'a>,
    result: Box<RawValue>,
}

#[derive(Serialize)]
struct Database<'a> {
    uri: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    scan_started_on: String,
    scan_finished_on: String,
}

/// The predicate for [`crate::predicate_type::VULNERABILITIES`].
pub fn encode(scan: &Scan<'_>) -> Result<Vec<u8>, Error> {
    let result =
        strict_json::from_slice(scan.report, "vulnerability report").map_err(Error::Report)?;
    let predicate = Predicate {
        invocation: Invocation { parameters: [], uri: "", event_id: "", builder_id: "" },
        scanner: Scanner {
            uri: scan.scanner_uri,
            version: scan.scanner_version,
            db: Database { uri: scan.database_uri, version: scan.database_version },
            result,
        },
        metadata: Metadata {
            scan_started_on: time::text(scan.started),
            scan_finished_on: time::text(scan.finished),
        },
    };
    Ok(serde_json::to_vec(&predicate).expect("a predicate has string keys only"))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn predicate_of_cosign() {
        let scan = Scan {
            scanner_uri: "https://github.com/sealift/sealift",
            scanner_version: "0.1.0",
            database_uri: "osv",
            database_version: "2026-11-01",
            report: br#"{ "Results": [] }"#,
            started: Timestamp::from_second(1_700_000_000).unwrap(),
            finished: Timestamp::from_second(1_700_000_001).unwrap(),
        };
        let text = String::from_utf8(encode(&scan).unwrap()).unwrap();
        expect![[r#"{"invocation":{"parameters":[],"uri":"","event_id":"","builder.id":""},"scanner":{"uri":"https://github.com/sealift/sealift","version":"0.1.0","db":{"uri":"osv","version":"2026-11-01"},"result":{ "Results": [] }},"metadata":{"scanStartedOn":"2023-11-14T22:13:20Z","scanFinishedOn":"2023-11-14T22:13:21Z"}}"#]].assert_eq(&text);
        assert!(encode(&Scan { report: b"{", ..scan }).is_err());
        assert!(encode(&Scan { report: br#"{"a":1,"a":2}"#, ..scan }).is_err());
    }
}
