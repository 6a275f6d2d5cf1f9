//! Types of in-toto predicates.

/// An image signature (cosign 3).
pub const SIGN: &str = "https://sigstore.dev/cosign/sign/v1";
/// An SPDX document.
pub const SPDX: &str = "https://spdx.dev/Document";
/// A `CycloneDX` document.
pub const CYCLONEDX: &str = "https://cyclonedx.org/bom";
/// A vulnerability report (cosign).
pub const VULNERABILITIES: &str = "https://cosign.sigstore.dev/attestation/vuln/v1";
/// Build provenance (SLSA).
pub const PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// A policy verdict (SLSA verification summary).
pub const VERIFICATION_SUMMARY: &str = "https://slsa.dev/verification_summary/v1";

/// Build provenance of the older form (SLSA).
pub const PROVENANCE_02: &str = "https://slsa.dev/provenance/v0.2";
/// A link of an in-toto layout.
pub const LINK: &str = "https://in-toto.io/Link/v1";
/// An `OpenVEX` document.
pub const OPENVEX: &str = "https://openvex.dev/ns";
/// Anything, as a text (cosign).
pub const CUSTOM: &str = "https://cosign.sigstore.dev/attestation/v1";

/// The words of `cosign attest --type`, and the types that they mean.
pub const WORDS: [(&str, &str); 10] = [
    ("custom", CUSTOM),
    ("cyclonedx", CYCLONEDX),
    ("link", LINK),
    ("openvex", OPENVEX),
    ("slsaprovenance", PROVENANCE_02),
    ("slsaprovenance02", PROVENANCE_02),
    ("slsaprovenance1", PROVENANCE),
    ("spdx", SPDX),
    ("spdxjson", SPDX),
    ("vuln", VULNERABILITIES),
];

/// The type that a word means, or the URI itself.
pub fn parse(text: &str) -> Option<&str> {
    let known = WORDS.iter().find(|(word, _)| *word == text);
    known.map(|(_, predicate_type)| *predicate_type).or_else(|| text.contains(':').then_some(text))
}

/// A document as cosign puts it into a statement: a custom one and an SPDX text as a text, all others as they are.
pub fn wrap(word: &str, document: &[u8], created: jiff::Timestamp) -> Option<Vec<u8>> {
    let text = || std::str::from_utf8(document).ok();
    let value = match word {
        "custom" => {
            let timestamp = crate::time::text(created);
            serde_json::json!({ "Data": text()?, "Timestamp": timestamp })
        }
        // A JSON document stays JSON, whichever of the two words was meant.
        "spdx" if !document.trim_ascii_start().starts_with(b"{") => text()?.into(),
        _ => return Some(document.to_vec()),
    };
    Some(value.to_string().into_bytes())
}

/// What a type is, in a word or two for people; the type itself if it is not one of ours.
pub fn noun(predicate_type: &str) -> &str {
    match predicate_type {
        SIGN => "signature",
        SPDX => "SPDX SBOM",
        CYCLONEDX => "CycloneDX SBOM",
        VULNERABILITIES => "vulnerability report",
        PROVENANCE => "provenance",
        VERIFICATION_SUMMARY => "policy verdict",
        PROVENANCE_02 => "provenance (SLSA 0.2)",
        LINK => "in-toto link",
        OPENVEX => "OpenVEX document",
        CUSTOM => "custom document",
        "https://sealift.dev/tag-map/v1" => "tag map",
        other => other,
    }
}
