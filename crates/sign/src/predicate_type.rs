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

/// What a type is, in a word or two for people; the type itself if it is not one of ours.
pub fn noun(predicate_type: &str) -> &str {
    match predicate_type {
        SIGN => "signature",
        SPDX => "SPDX SBOM",
        CYCLONEDX => "CycloneDX SBOM",
        VULNERABILITIES => "vulnerability report",
        PROVENANCE => "provenance",
        VERIFICATION_SUMMARY => "policy verdict",
        other => other,
    }
}
