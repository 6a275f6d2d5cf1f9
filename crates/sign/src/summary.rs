//! The policy verdict as a SLSA verification summary v1 (<https://slsa.dev/spec/v1.0/verification_summary>).
//!
//! Violations and policies stand in a field of our own, which other readers ignore as the specification asks.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sealift_crypto::strict_json;
use sealift_model::{Level, Outcome, Verdict, Violation};
use sealift_oci::Digest;
use serde::{Deserialize, Serialize};

use crate::{Error, time};

/// Id of us as a verifier.
pub const VERIFIER: &str = "https://github.com/sealift/sealift";
const POLICY_URI: &str = "https://github.com/sealift/sealift/policies";
const SLSA_VERSION: &str = "1.0";
const PASSED: &str = "PASSED";
const FAILED: &str = "FAILED";

/// What the policies said about an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Version of the verifier.
    pub verifier_version: String,
    /// When it was judged; whole seconds are kept.
    pub time: Timestamp,
    /// The image's reference.
    pub resource_uri: String,
    /// What the policies said.
    pub verdict: Verdict,
    /// SLSA levels that were verified; may be empty.
    pub verified_levels: Vec<String>,
    /// Digests of the attestations that were looked at.
    pub inputs: Vec<Digest>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Predicate {
    verifier: Verifier,
    time_verified: String,
    resource_uri: String,
    policy: Resource,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    input_attestations: Vec<Input>,
    verification_result: String,
    verified_levels: Vec<String>,
    slsa_version: String,
    #[serde(rename = "https://github.com/sealift/sealift/verdict/v1")]
    details: Option<Details>,
}

#[derive(Serialize, Deserialize)]
struct Verifier {
    id: String,
    #[serde(default)]
    version: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Resource {
    uri: String,
    digest: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct Input {
    digest: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Details {
    outcome: WireOutcome,
    policies: Vec<WirePolicy>,
    violations: Vec<WireViolation>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WireOutcome {
    Pass,
    Warn,
    Fail,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WirePolicy {
    file: String,
    digest: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireViolation {
    level: WireLevel,
    package: String,
    rule: String,
    file: String,
    message: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WireLevel {
    Warn,
    Deny,
    Error,
}

/// The predicate for [`crate::predicate_type::VERIFICATION_SUMMARY`].
pub fn encode(summary: &Summary) -> Vec<u8> {
    let verdict = &summary.verdict;
    let version = [("sealift".to_owned(), summary.verifier_version.clone())];
    let predicate = Predicate {
        verifier: Verifier { id: VERIFIER.to_owned(), version: version.into() },
        time_verified: time::text(summary.time),
        resource_uri: summary.resource_uri.clone(),
        policy: Resource {
            uri: POLICY_URI.to_owned(),
            digest: digest_set(&policies_digest(&verdict.policies)),
        },
        input_attestations: summary
            .inputs
            .iter()
            .map(|digest| Input { digest: digest_set(digest) })
            .collect(),
        verification_result: result_of(verdict.outcome).to_owned(),
        verified_levels: summary.verified_levels.clone(),
        slsa_version: SLSA_VERSION.to_owned(),
        details: Some(Details {
            outcome: match verdict.outcome {
                Outcome::Pass => WireOutcome::Pass,
                Outcome::Warn => WireOutcome::Warn,
                Outcome::Fail => WireOutcome::Fail,
            },
            policies: verdict.policies.iter().map(encode_policy).collect(),
            violations: verdict.violations.iter().map(encode_violation).collect(),
        }),
    };
    serde_json::to_vec(&predicate).expect("a predicate has string keys only")
}

/// Reads a summary that was proved to be signed. One that contradicts itself or has not our details is refused.
pub fn decode(predicate: &[u8]) -> Result<Summary, Error> {
    let error = |reason: &str| Error::Summary(reason.to_owned());
    let predicate: Predicate = strict_json::from_slice(predicate, "verification summary")
        .map_err(|source| Error::Summary(source.to_string()))?;
    let details = predicate.details.ok_or_else(|| error("it has no details of the verdict"))?;
    let policies = details.policies.into_iter().map(|policy| (policy.file, policy.digest));
    let violations = details.violations.into_iter().map(decode_violation);
    let verdict = Verdict::from_violations(violations.collect(), policies.collect());
    let outcome = match details.outcome {
        WireOutcome::Pass => Outcome::Pass,
        WireOutcome::Warn => Outcome::Warn,
        WireOutcome::Fail => Outcome::Fail,
    };
    if outcome != verdict.outcome || predicate.verification_result != result_of(outcome) {
        return Err(error("its result is not what its violations amount to"));
    }
    if predicate.policy.digest != digest_set(&policies_digest(&verdict.policies)) {
        return Err(error("its policy digest is not that of its policies"));
    }
    let inputs = predicate.input_attestations.iter().map(|input| one_digest(&input.digest));
    Ok(Summary {
        verifier_version: predicate.verifier.version.get("sealift").cloned().unwrap_or_default(),
        time: predicate.time_verified.parse().map_err(|_| error("its time is not RFC 3339"))?,
        resource_uri: predicate.resource_uri,
        verdict,
        verified_levels: predicate.verified_levels,
        inputs: inputs
            .collect::<Option<_>>()
            .ok_or_else(|| error("an input attestation has not one known digest"))?,
    })
}

/// One digest for all policies: SHA-256 of `[{"file":…,"digest":…},…]` without whitespace, in their order.
pub fn policies_digest(policies: &[(String, Digest)]) -> Digest {
    let list: Vec<WirePolicy> = policies.iter().map(encode_policy).collect();
    Digest::sha256(&serde_json::to_vec(&list).expect("a policy has string keys only"))
}

fn result_of(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass | Outcome::Warn => PASSED,
        Outcome::Fail => FAILED,
    }
}

fn digest_set(digest: &Digest) -> BTreeMap<String, String> {
    [(digest.algorithm().as_str().to_owned(), digest.hex().to_owned())].into()
}

fn one_digest(set: &BTreeMap<String, String>) -> Option<Digest> {
    let mut digests = set.iter();
    let (algorithm, hex) = digests.next()?;
    if digests.next().is_some() {
        return None;
    }
    format!("{algorithm}:{hex}").parse().ok()
}

fn encode_policy((file, digest): &(String, Digest)) -> WirePolicy {
    WirePolicy { file: file.clone(), digest: digest.clone() }
}

fn encode_violation(violation: &Violation) -> WireViolation {
    WireViolation {
        level: match violation.level {
            Level::Warn => WireLevel::Warn,
            Level::Deny => WireLevel::Deny,
            Level::Error => WireLevel::Error,
        },
        package: violation.package.clone(),
        rule: violation.rule.clone(),
        file: violation.file.clone(),
        message: violation.message.clone(),
    }
}

fn decode_violation(violation: WireViolation) -> Violation {
    Violation {
        level: match violation.level {
            WireLevel::Warn => Level::Warn,
            WireLevel::Deny => Level::Deny,
            WireLevel::Error => Level::Error,
        },
        package: violation.package,
        rule: violation.rule,
        file: violation.file,
        message: violation.message,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn summary(level: Level) -> Summary {
        let violation = Violation {
            level,
            package: "docker.image".to_owned(),
            rule: "deny".to_owned(),
            file: "image.rego".to_owned(),
            message: "user is root".to_owned(),
        };
        let policies = vec![("image.rego".to_owned(), Digest::sha256(b"policy"))];
        Summary {
            verifier_version: "0.1.0".to_owned(),
            time: Timestamp::from_second(1_700_000_000).unwrap(),
            resource_uri: "registry.local/app:1".to_owned(),
            verdict: Verdict::from_violations(vec![violation], policies),
            verified_levels: Vec::new(),
            inputs: vec![Digest::sha256(b"sbom")],
        }
    }

    #[test]
    fn predicate_of_the_specification() {
        let text = String::from_utf8(encode(&summary(Level::Deny))).unwrap();
        expect![[r#"{"verifier":{"id":"https://github.com/sealift/sealift","version":{"sealift":"0.1.0"}},"timeVerified":"2023-11-14T22:13:20Z","resourceUri":"registry.local/app:1","policy":{"uri":"https://github.com/sealift/sealift/policies","digest":{"sha256":"bf468305cb86628c3a4ef178b257e4b000e58505fc2e3a64ab04b488cb88b389"}},"inputAttestations":[{"digest":{"sha256":"98f3ae1ef67113d8140d4f6cb8d2830070e21ea48f091be519659846c771a374"}}],"verificationResult":"FAILED","verifiedLevels":[],"slsaVersion":"1.0","https://github.com/sealift/sealift/verdict/v1":{"outcome":"fail","policies":[{"file":"image.rego","digest":"sha256:823412d1eacb67956220e532959f0104603057c88704863ca38e7cd188fda812"}],"violations":[{"level":"deny","package":"docker.image","rule":"deny","file":"image.rego","message":"user is root"}]}}"#]].assert_eq(&text);
    }

    #[test]
    fn round_trip() {
        for level in [Level::Warn, Level::Deny, Level::Error] {
            let summary = summary(level);
            assert_eq!(decode(&encode(&summary)).unwrap(), summary);
        }
    }

    #[test]
    fn refuses_contradictions() {
        let text = String::from_utf8(encode(&summary(Level::Deny))).unwrap();
        for (from, to) in [
            ("FAILED", "PASSED"),
            ("FAILED", "failed"),
            ("\"outcome\":\"fail\"", "\"outcome\":\"pass\""),
            ("\"level\":\"deny\"", "\"level\":\"warn\""),
            ("\"level\":\"deny\"", "\"level\":\"none\""),
            ("\"file\":\"image.rego\",\"digest\"", "\"file\":\"other.rego\",\"digest\""),
            ("2023-11-14T22:13:20Z", "yesterday"),
            ("https://github.com/sealift/sealift/verdict/v1", "https://example.com/v1"),
            ("\"verificationResult\"", "\"verificationResult\":\"PASSED\",\"verificationResult\""),
        ] {
            assert!(text.contains(from), "{from}");
            assert!(decode(text.replace(from, to).as_bytes()).is_err(), "{from} -> {to}");
        }
    }
}
