//! Rules on what else a manifest declares: secrets, namespaces, networks, versions of the API.

use sealift_diagnostic::{Level, Rule};

use super::ObjectCheck;
use super::object::Object;
use crate::yaml::View;

pub(super) const SECRET_IN_CONFIG: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7009",
        name: "secret-in-config-map",
        level: Level::Error,
        aliases: &["KSV-0109", "KSV-01010"],
        why: "a ConfigMap is shown to whoever may look at the namespace, and is not encrypted where it is kept",
        fix: "put it in a Secret that is not in the repository, and change it: it is known by now",
        since: "0.2.0",
        bad: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: site}\ndata: {DB_PASSWORD: hunter2}\n",
        good: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: site}\ndata: {DB_HOST: db}\n",
        references: &["https://kubernetes.io/docs/concepts/configuration/configmap/"],
    },
    run: |objects, sink| {
        for object in objects.iter().filter(|it| it.kind == "ConfigMap") {
            for entry in object.map.get("data").map(View::entries).unwrap_or_default() {
                let Some(text) = entry.value.text() else { continue };
                let name: String = entry.name().chars().take(60).collect();
                let is_named =
                    sealift_lint::is_secret_name(&name) && sealift_lint::can_be_secret(text);
                let message = match sealift_lint::secrets_in(text).first() {
                    Some(what) => format!("{} holds a secret in `{name}`: {what}", object.title()),
                    None if is_named => format!("{} has a secret in `{name}`", object.title()),
                    None => continue,
                };
                sink.add(entry.value.place(), message).label =
                    Some(sealift_lint::HIDDEN.to_owned());
            }
        }
    },
};

pub(super) const SECRET_IN_MANIFEST: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7010",
        name: "secret-in-manifest",
        level: Level::Warning,
        aliases: &[],
        why: "base64 hides nothing: who can read this file, or the repository's history, has the secret",
        fix: "let the secret be made in the cluster (External Secrets, Sealed Secrets, SOPS), and change it",
        since: "0.2.0",
        bad: "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: site}\nstringData: {password: hunter2}\n",
        good: "apiVersion: v1\nkind: Secret\nmetadata: {name: db, namespace: site}\n",
        references: &["https://kubernetes.io/docs/concepts/security/secrets-good-practices/"],
    },
    run: |objects, sink| {
        for object in objects.iter().filter(|it| it.kind == "Secret") {
            for key in ["data", "stringData"] {
                for entry in object.map.get(key).map(View::entries).unwrap_or_default() {
                    let text = entry.value.text().unwrap_or("");
                    // What SOPS or a template has put there is no secret yet.
                    if text.is_empty()
                        || text.starts_with("ENC[")
                        || text.starts_with('<')
                        || text.starts_with("${")
                    {
                        continue;
                    }
                    let name: String = entry.name().chars().take(60).collect();
                    let message = format!("{} has the value of `{name}`", object.title());
                    sink.add(entry.value.place(), message).label =
                        Some(sealift_lint::HIDDEN.to_owned());
                }
            }
        }
    },
};

pub(super) const DEFAULT_NAMESPACE: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7011",
        name: "default-namespace",
        level: Level::Info,
        aliases: &["KSV-0110", "KSV-0037", "CKV_K8S_21", "CIS-K8S-5.7.4"],
        why: "roles, quotas and network policies hold for a namespace; in `default` everything that nobody thought about comes together",
        fix: "give the application a namespace of its own",
        since: "0.2.0",
        bad: "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: default}\nspec: {containers: [{name: web, image: \"nginx:1.29.3\"}]}\n",
        good: "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: site}\nspec: {containers: [{name: web, image: \"nginx:1.29.3\"}]}\n",
        references: &[
            "https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",
        ],
    },
    run: |objects, sink| {
        // Without one, whoever applies the file says where it goes.
        for object in objects.iter().filter(|it| it.pod().is_some()) {
            let Some(value) = object.map.find(&["metadata", "namespace"]) else { continue };
            if let Some(name @ ("default" | "kube-system" | "kube-public")) = value.text() {
                sink.add(value.place(), format!("{} is in the namespace `{name}`", object.title()));
            }
        }
    },
};

pub(super) const NO_NETWORK_POLICY: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7012",
        name: "no-network-policy",
        level: Level::Info,
        aliases: &["KSV-0038", "CKV2_K8S_6", "CIS-K8S-5.3.2"],
        why: "without a policy every pod of the cluster reaches every other",
        fix: "deny what comes in by default, and allow what is needed",
        since: "0.2.0",
        bad: "apiVersion: v1\nkind: Namespace\nmetadata: {name: site}\n---\napiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: site}\nspec: {containers: [{name: web, image: \"nginx:1.29.3\"}]}\n",
        good: "apiVersion: v1\nkind: Namespace\nmetadata: {name: site}\n---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny, namespace: site}\nspec: {podSelector: {}, policyTypes: [Ingress]}\n",
        references: &["https://kubernetes.io/docs/concepts/services-networking/network-policies/"],
    },
    run: |objects, sink| {
        let has = |kind: &str| objects.iter().any(|it| it.kind == kind);
        // Only a file that makes the namespace is known to be all of it.
        if has("NetworkPolicy") || has("CiliumNetworkPolicy") {
            return;
        }
        if !objects.iter().any(|it| it.pod().is_some()) {
            return;
        }
        for namespace in objects.iter().filter(|it| it.kind == "Namespace") {
            sink.add(
                namespace.span(),
                format!("no network policy is given for {}", namespace.title()),
            );
        }
    },
};

pub(super) const NO_TLS: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7013",
        name: "no-tls",
        level: Level::Warning,
        aliases: &[],
        why: "what goes over the network in clear can be read and changed on its way",
        fix: "add `tls` with the host and the Secret of its certificate",
        since: "0.2.0",
        bad: "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: site}\nspec: {rules: [{host: a.example.com}]}\n",
        good: "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: site}\nspec: {tls: [{hosts: [a.example.com], secretName: a}], rules: [{host: a.example.com}]}\n",
        references: &["https://kubernetes.io/docs/concepts/services-networking/ingress/#tls"],
    },
    run: |objects, sink| {
        for object in objects.iter().filter(|it| it.kind == "Ingress") {
            let tls = object.map.find(&["spec", "tls"]);
            if tls.is_none_or(|tls| tls.items().next().is_none()) {
                sink.add(object.span(), format!("{} has no TLS", object.title()));
            }
        }
    },
};

pub(super) const INGRESS_SNIPPET: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7014",
        name: "ingress-snippet",
        level: Level::Error,
        aliases: &["CKV_K8S_152", "CKV_K8S_153", "CKV_K8S_154", "CVE-2021-25742"],
        why: "a snippet is configuration of the shared proxy: it reads the token and the secrets of the whole cluster",
        fix: "remove the annotation",
        since: "0.2.0",
        bad: "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: site, annotations: {nginx.ingress.kubernetes.io/server-snippet: x}}\nspec: {tls: [{hosts: [a]}]}\n",
        good: "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web, namespace: site}\nspec: {tls: [{hosts: [a]}]}\n",
        references: &["https://github.com/kubernetes/kubernetes/issues/126811"],
    },
    run: |objects, sink| {
        for object in objects.iter().filter(|it| it.kind == "Ingress") {
            for entry in object.annotations().map(View::entries).unwrap_or_default() {
                if entry.name().ends_with("-snippet") {
                    sink.add(
                        entry.key.place(),
                        format!("{} configures the proxy itself", object.title()),
                    );
                }
            }
        }
    },
};

/// Versions that the server does not know any more: group and version, kinds, the release, what to write.
const REMOVED: [(&str, &[&str], &str, &str); 13] = [
    ("extensions/v1beta1", &["Deployment", "DaemonSet", "ReplicaSet"], "1.16", "apps/v1"),
    ("extensions/v1beta1", &["NetworkPolicy"], "1.16", "networking.k8s.io/v1"),
    ("extensions/v1beta1", &["Ingress"], "1.22", "networking.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", &["Ingress", "IngressClass"], "1.22", "networking.k8s.io/v1"),
    ("apps/v1beta1", &["Deployment", "StatefulSet"], "1.16", "apps/v1"),
    ("apps/v1beta2", &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"], "1.16", "apps/v1"),
    ("batch/v1beta1", &["CronJob"], "1.25", "batch/v1"),
    ("policy/v1beta1", &["PodDisruptionBudget"], "1.25", "policy/v1"),
    ("policy/v1beta1", &["PodSecurityPolicy"], "1.25", "Pod Security Admission"),
    ("autoscaling/v2beta1", &["HorizontalPodAutoscaler"], "1.25", "autoscaling/v2"),
    ("autoscaling/v2beta2", &["HorizontalPodAutoscaler"], "1.26", "autoscaling/v2"),
    (
        "rbac.authorization.k8s.io/v1beta1",
        &["Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"],
        "1.22",
        "rbac.authorization.k8s.io/v1",
    ),
    (
        "apiextensions.k8s.io/v1beta1",
        &["CustomResourceDefinition"],
        "1.22",
        "apiextensions.k8s.io/v1",
    ),
];

pub(super) const REMOVED_API: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7016",
        name: "removed-api",
        level: Level::Error,
        aliases: &["KSV-0107"],
        why: "the cluster refuses what it does not know any more",
        fix: "write the newer version; some of its fields have other names",
        since: "0.2.0",
        bad: "apiVersion: batch/v1beta1\nkind: CronJob\nmetadata: {name: web, namespace: site}\n",
        good: "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web, namespace: site}\n",
        references: &["https://kubernetes.io/docs/reference/using-api/deprecation-guide/"],
    },
    run: |objects, sink| {
        for object in objects {
            let is_it = |row: &&(&str, &[&str], &str, &str)| {
                row.0 == object.version && row.1.contains(&object.kind)
            };
            let Some((version, _, release, instead)) = REMOVED.iter().find(is_it) else { continue };
            let span = object.map.get("apiVersion").map_or(object.span(), View::place);
            let message =
                format!("`{version}` of {} is gone since Kubernetes {release}", object.title());
            sink.add(span, message).help = Some(format!("use {instead}").into());
        }
    },
};

pub(super) const EXTERNAL_ADDRESS: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7017",
        name: "external-address",
        level: Level::Error,
        aliases: &["KSV-0108", "CVE-2020-8554"],
        why: "a service with an address of its choice takes the traffic of others in the cluster that goes there",
        fix: "use a load balancer or an Ingress",
        since: "0.2.0",
        bad: "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: site}\nspec: {externalIPs: [192.0.2.1]}\n",
        good: "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: site}\nspec: {type: ClusterIP}\n",
        references: &[
            "https://kubernetes.io/docs/concepts/services-networking/service/#external-ips",
        ],
    },
    run: |objects, sink| {
        for object in objects.iter().filter(|it: &&Object<'_>| it.kind == "Service") {
            if let Some(value) = object.map.find(&["spec", "externalIPs"]) {
                sink.add(
                    value.place(),
                    format!("{} takes addresses of its choice", object.title()),
                );
            }
        }
    },
};
