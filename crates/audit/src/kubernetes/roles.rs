//! Rules on who may do what in the cluster.

use sealift_diagnostic::{Level, Rule, Span};

use super::ObjectCheck;
use super::object::Object;
use crate::yaml::View;

/// A rule of a role: who may do which verbs to which resources.
struct Grant<'a> {
    verbs: Vec<&'a str>,
    resources: Vec<&'a str>,
    span: Span,
    title: String,
}

impl Grant<'_> {
    fn allows(&self, verbs: &[&str], resources: &[&str]) -> bool {
        let has = |list: &[&str], wanted: &[&str]| {
            list.iter().any(|it| *it == "*" || wanted.contains(it))
        };
        has(&self.verbs, verbs) && has(&self.resources, resources)
    }

    fn is_all(list: &[&str]) -> bool {
        list.contains(&"*")
    }
}

fn grants<'a>(objects: &[Object<'a>]) -> Vec<Grant<'a>> {
    let mut grants = Vec::new();
    for object in objects.iter().filter(|it| matches!(it.kind, "Role" | "ClusterRole")) {
        for rule in object.map.get("rules").into_iter().flat_map(View::items) {
            let words = |key: &str| {
                rule.get(key).into_iter().flat_map(View::items).filter_map(View::text).collect()
            };
            let span = rule.get("verbs").map_or(rule.span(), View::place);
            grants.push(Grant {
                verbs: words("verbs"),
                resources: words("resources"),
                span,
                title: object.title(),
            });
        }
    }
    grants
}

/// A role with one rule.
macro_rules! role {
    ($rule:expr) => {
        concat!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: reader, namespace: site}\nrules:\n  - ",
            $rule,
            "\n"
        )
    };
}

pub(super) const WILDCARD: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7006",
        name: "role-wildcard",
        level: Level::Error,
        aliases: &["KSV-0044", "KSV-0045", "KSV-0046", "KSV-0112", "CKV_K8S_49", "CIS-K8S-5.1.3"],
        why: "`*` also means what will be added to the cluster later",
        fix: "name the verbs and resources that are needed",
        since: "0.2.0",
        bad: role!("{apiGroups: [\"\"], resources: [pods], verbs: [\"*\"]}"),
        good: role!("{apiGroups: [\"\"], resources: [pods], verbs: [get, list]}"),
        references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"],
    },
    run: |objects, sink| {
        for grant in grants(objects) {
            let message = match (Grant::is_all(&grant.verbs), Grant::is_all(&grant.resources)) {
                (true, true) => format!("{} allows everything", grant.title),
                (true, false) => format!("{} allows every verb", grant.title),
                (false, true) => format!("{} allows its verbs on every resource", grant.title),
                (false, false) => continue,
            };
            sink.add(grant.span, message);
        }
    },
};

/// Verbs on resources that lead to more than they say.
const LEADING: [(&[&str], &[&str], &str); 9] = [
    (
        &["escalate"],
        &["roles", "clusterroles"],
        "lets its holder write roles with more than he may",
    ),
    (
        &["bind"],
        &["roles", "clusterroles", "rolebindings", "clusterrolebindings"],
        "lets its holder give himself any role",
    ),
    (&["impersonate"], &["users", "groups", "serviceaccounts"], "lets its holder act as others"),
    (
        &["create", "update", "patch"],
        &["rolebindings", "clusterrolebindings"],
        "lets its holder bind roles",
    ),
    (&["get", "list", "watch"], &["secrets"], "lets its holder read secrets"),
    (&["create", "get"], &["pods/exec", "pods/attach"], "lets its holder run commands in pods"),
    (
        &["create", "get"],
        &["nodes/proxy"],
        "lets its holder run commands in every pod of a node, past all checks",
    ),
    (
        &["create", "update", "patch"],
        &["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
        "lets its holder read and change every request",
    ),
    (
        &["update", "patch", "create"],
        &["certificatesigningrequests/approval"],
        "lets its holder make certificates for others",
    ),
];

pub(super) const ESCALATION: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7007",
        name: "role-escalation",
        level: Level::Warning,
        aliases: &[
            "KSV-0041",
            "KSV-0043",
            "KSV-0047",
            "KSV-0050",
            "KSV-0051",
            "KSV-0052",
            "KSV-0053",
            "KSV-0054",
            "KSV-0055",
            "KSV-0113",
            "KSV-0114",
            "CKV_K8S_155",
            "CKV_K8S_156",
            "CKV_K8S_157",
            "CKV_K8S_158",
            "CIS-K8S-5.1.2",
            "CIS-K8S-5.1.8",
        ],
        why: "some verbs on some resources are as good as being the cluster's administrator",
        fix: "remove the verb, or name the single objects with `resourceNames`",
        since: "0.2.0",
        bad: role!("{apiGroups: [\"\"], resources: [secrets], verbs: [get]}"),
        good: role!("{apiGroups: [\"\"], resources: [configmaps], verbs: [get]}"),
        references: &[
            "https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks",
        ],
    },
    run: |objects, sink| {
        for grant in grants(objects) {
            // Everything is said already.
            if Grant::is_all(&grant.verbs) && Grant::is_all(&grant.resources) {
                continue;
            }
            for (verbs, resources, what) in LEADING {
                if grant.allows(verbs, resources) {
                    sink.add(grant.span, format!("{} {what}", grant.title));
                }
            }
        }
    },
};

pub(super) const CLUSTER_ADMIN: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7008",
        name: "cluster-admin",
        level: Level::Error,
        aliases: &["KSV-0111", "KSV-0122", "KSV-0123", "KSV-01011", "CKV_K8S_42", "CIS-K8S-5.1.1"],
        why: "whoever holds `cluster-admin` holds every secret and every node; groups of everybody hold what is bound to them without a password",
        fix: "bind a role that allows what is needed, to one account",
        since: "0.2.0",
        bad: "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: all}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}\nsubjects: [{kind: ServiceAccount, name: app, namespace: site}]\n",
        good: "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: view, namespace: site}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\nsubjects: [{kind: ServiceAccount, name: app, namespace: site}]\n",
        references: &["https://kubernetes.io/docs/concepts/security/rbac-good-practices/"],
    },
    run: |objects, sink| {
        for object in objects.iter().filter(|it| it.kind.ends_with("RoleBinding")) {
            let role = object.map.find(&["roleRef", "name"]);
            if let Some(role) =
                role.filter(|it| matches!(it.text(), Some("cluster-admin" | "admin")))
            {
                let name = role.text().unwrap_or("");
                sink.add(role.place(), format!("{} gives the role `{name}`", object.title()));
            }
            for subject in object.map.get("subjects").into_iter().flat_map(View::items) {
                let Some(name) = subject.get("name") else { continue };
                let who = match name.text().unwrap_or("") {
                    "system:anonymous" | "system:unauthenticated" => "everybody on the network",
                    "system:authenticated" => "everybody who has any account",
                    "system:masters" => "a group whose rights nobody can take away",
                    "default" if subject.word("kind") == Some("ServiceAccount") => {
                        "every pod that names no account"
                    }
                    _ => continue,
                };
                sink.add(name.place(), format!("{} is for {who}", object.title()));
            }
        }
    },
};
