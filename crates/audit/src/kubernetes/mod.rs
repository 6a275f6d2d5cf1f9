//! Kubernetes manifests: containers to workloads, and rules on pods, roles, and what else a file declares.
//!
//! Follows the Pod Security Standards, the NSA and CISA hardening guide, section 5 of the CIS Kubernetes Benchmark.

mod cluster;
mod mend;
mod object;
mod pod;
mod pods;
mod roles;

use sealift_diagnostic::{Diagnostic, Rule};

use crate::rules::{self, Sink};
use crate::yaml::{Tree, View};

use object::Object;

/// A rule with what looks for its findings in all objects of a file.
pub(crate) struct ObjectCheck {
    pub(crate) rule: Rule,
    run: fn(&[Object<'_>], &mut Sink),
}

/// Rules on manifests alone, in the order of their ids.
pub(crate) const RULES: &[ObjectCheck] = &[
    pods::TOKEN_MOUNTED,
    pods::PROC_UNMASKED,
    pods::NO_SECCOMP_PROFILE,
    pods::LOW_USER,
    pods::ROOT_GROUP,
    roles::WILDCARD,
    roles::ESCALATION,
    roles::CLUSTER_ADMIN,
    cluster::SECRET_IN_CONFIG,
    cluster::SECRET_IN_MANIFEST,
    cluster::DEFAULT_NAMESPACE,
    cluster::NO_NETWORK_POLICY,
    cluster::NO_TLS,
    cluster::INGRESS_SNIPPET,
    pods::NO_REQUESTS,
    cluster::REMOVED_API,
    cluster::EXTERNAL_ADDRESS,
    pods::ODD_VOLUME,
    pods::HOST_PROCESS,
];

/// Whether a document is a manifest.
pub(crate) fn is_manifest(document: View<'_>) -> bool {
    document.word("apiVersion").is_some() && document.word("kind").is_some()
}

/// What the rules find in a manifest.
pub(crate) fn lint(tree: &Tree<'_>) -> Vec<Diagnostic> {
    let objects = object::objects(tree);
    let mut findings = Vec::new();
    for object in &objects {
        let Some(pod) = object.pod() else { continue };
        for container in pod.containers() {
            findings.extend(rules::run(&container.workload()));
        }
    }
    for check in RULES {
        let mut sink = Sink::new(&check.rule);
        (check.run)(&objects, &mut sink);
        findings.append(&mut sink.findings);
    }
    findings
}

/// Rules on manifests alone.
pub(crate) fn own_rules() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().map(|check| &check.rule)
}
