//! Rules on pods that only Kubernetes has.

use sealift_diagnostic::{Fix, Level, Rule, Tier};

use super::ObjectCheck;
use super::object::Object;
use super::pod::Container;
use crate::yaml::View;
use crate::yaml::edit::{self, Value};

/// A pod that nothing is wrong with but what an example is about.
macro_rules! pod {
    ($spec:expr, $container:expr) => {
        concat!(
            "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: site}\nspec:\n",
            $spec,
            "  containers:\n    - name: web\n      image: nginx:1.29.3\n",
            $container
        )
    };
}

fn containers<'a>(objects: &[Object<'a>]) -> impl Iterator<Item = Container<'a>> {
    let pods: Vec<_> = objects.iter().filter_map(Object::pod).collect();
    pods.into_iter().flat_map(|pod| pod.containers())
}

pub(super) const TOKEN_MOUNTED: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7001",
        name: "token-mounted",
        level: Level::Warning,
        aliases: &["KSV-0036", "CKV_K8S_38", "CIS-K8S-5.1.6"],
        why: "every pod is given a token for the cluster's API; whatever breaks into the pod speaks to the API with it",
        fix: "`automountServiceAccountToken: false`, unless the program speaks to the API",
        since: "0.2.0",
        bad: pod!("", ""),
        good: pod!("  automountServiceAccountToken: false\n", ""),
        references: &[
            "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
        ],
    },
    run: |objects, sink| {
        for pod in objects.iter().filter_map(Object::pod) {
            let entry = pod.spec.entry("automountServiceAccountToken");
            if entry.is_some_and(|entry| entry.value.truth() == Some(false)) {
                continue;
            }
            let fix = match entry {
                Some(entry) => edit::replace(entry.value, "false"),
                None => edit::add_entries(
                    pod.spec,
                    &[("automountServiceAccountToken", Value::text("false"))],
                ),
            };
            let fix = fix.map(|edit| Fix::new(Tier::Suggested, "mount no token", vec![edit]));
            sink.add_with(pod.span, format!("{} is given a token for the API", pod.title), fix);
        }
    },
};

pub(super) const PROC_UNMASKED: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7002",
        name: "proc-unmasked",
        level: Level::Error,
        aliases: &["KSV-0027"],
        why: "parts of `/proc` are hidden because they show and change the node's kernel",
        fix: "remove `procMount`",
        since: "0.2.0",
        bad: pod!("", "      securityContext: {procMount: Unmasked}\n"),
        good: pod!("", "      securityContext: {procMount: Default}\n"),
        references: &["https://kubernetes.io/docs/concepts/security/pod-security-standards/"],
    },
    run: |objects, sink| {
        for container in containers(objects) {
            let value = container.map.find(&["securityContext", "procMount"]);
            if let Some(value) = value.filter(|value| value.text() != Some("Default")) {
                sink.add(
                    value.place(),
                    format!("container `{}` sees all of `/proc`", container.name),
                );
            }
        }
    },
};

pub(super) const NO_SECCOMP_PROFILE: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7003",
        name: "no-seccomp-profile",
        level: Level::Warning,
        aliases: &["KSV-0030", "CKV_K8S_31", "CIS-K8S-5.7.2"],
        why: "Kubernetes filters no system calls unless it is told to",
        fix: "`seccompProfile: {type: RuntimeDefault}` under the pod's `securityContext`",
        since: "0.2.0",
        bad: pod!("", ""),
        good: pod!("  securityContext: {seccompProfile: {type: RuntimeDefault}}\n", ""),
        references: &["https://kubernetes.io/docs/tutorials/security/seccomp/"],
    },
    run: |objects, sink| {
        for pod in objects.iter().filter_map(Object::pod) {
            let is_open = |it: &Container<'_>| it.security(&["seccompProfile", "type"]).is_none();
            if !pod.containers().iter().any(is_open) {
                continue;
            }
            let profile = Value::Map(vec![("type".to_owned(), Value::text("RuntimeDefault"))]);
            let edit = match pod.spec.get("securityContext") {
                Some(context) if context.get("seccompProfile").is_some() => None,
                Some(context) => edit::add_entries(context, &[("seccompProfile", profile)]),
                None => {
                    let context = Value::Map(vec![("seccompProfile".to_owned(), profile)]);
                    edit::add_entries(pod.spec, &[("securityContext", context)])
                }
            };
            let fix = edit.map(|it| Fix::new(Tier::Suggested, "filter system calls", vec![it]));
            sink.add_with(pod.span, format!("{} filters no system calls", pod.title), fix);
        }
    },
};

pub(super) const LOW_USER: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7004",
        name: "low-user",
        level: Level::Info,
        aliases: &["KSV-0020", "CKV_K8S_40"],
        why: "a small number may be that of a user of the node, whose files are then the container's own",
        fix: "use a number above 10000",
        since: "0.2.0",
        bad: pod!("", "      securityContext: {runAsUser: 1000}\n"),
        good: pod!("", "      securityContext: {runAsUser: 10001}\n"),
        references: &[],
    },
    run: |objects, sink| {
        for container in containers(objects) {
            let value = container.map.find(&["securityContext", "runAsUser"]);
            let number = value.and_then(View::text).and_then(|it| it.parse::<u64>().ok());
            if let (Some(value), Some(1..=10_000)) = (value, number) {
                let message =
                    format!("container `{}` runs as a user with a small number", container.name);
                sink.add(value.place(), message);
            }
        }
    },
};

pub(super) const ROOT_GROUP: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7005",
        name: "root-group",
        level: Level::Warning,
        aliases: &["KSV-0116", "KSV-0021"],
        why: "files of the node that the group of root may write can be written by the container",
        fix: "use a group above 10000",
        since: "0.2.0",
        bad: pod!("  securityContext: {fsGroup: 0}\n", ""),
        good: pod!("  securityContext: {fsGroup: 10001}\n", ""),
        references: &[],
    },
    run: |objects, sink| {
        for pod in objects.iter().filter_map(Object::pod) {
            let own = pod.containers();
            let contexts = std::iter::once(pod.spec).chain(own.iter().map(|it| it.map));
            for context in contexts.filter_map(|map| map.get("securityContext")) {
                let single =
                    ["runAsGroup", "fsGroup"].into_iter().filter_map(|key| context.get(key));
                let more = context.get("supplementalGroups").into_iter().flat_map(View::items);
                for value in single.chain(more).filter(|value| value.text() == Some("0")) {
                    sink.add(value.place(), format!("{} has the group of root", pod.title));
                }
            }
        }
    },
};

pub(super) const NO_REQUESTS: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7015",
        name: "no-requests",
        level: Level::Info,
        aliases: &["KSV-0015", "KSV-0016", "CKV_K8S_10", "CKV_K8S_12"],
        why: "the scheduler puts pods that ask for nothing on nodes that have nothing left, and the kernel ends them first",
        fix: "`resources: {requests: {cpu: 100m, memory: 128Mi}}`",
        since: "0.2.0",
        bad: pod!("", ""),
        good: pod!("", "      resources: {requests: {cpu: 100m, memory: 128Mi}}\n"),
        references: &[
            "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/",
        ],
    },
    run: |objects, sink| {
        for container in containers(objects) {
            let missing: Vec<&str> = ["cpu", "memory"]
                .into_iter()
                .filter(|name| {
                    // A limit is taken for the request too.
                    ["requests", "limits"]
                        .iter()
                        .all(|kind| container.map.find(&["resources", kind, name]).is_none())
                })
                .collect();
            if !missing.is_empty() {
                let message = format!(
                    "container `{}` does not say how much {} it needs",
                    container.name,
                    missing.join(" and ")
                );
                sink.add(container.span(), message);
            }
        }
    },
};

/// Kinds of volumes that the restricted standard allows, and folders of the node, which have a rule of their own.
const VOLUMES: [&str; 10] = [
    "name",
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
    "hostPath",
];

pub(super) const ODD_VOLUME: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7018",
        name: "odd-volume",
        level: Level::Info,
        aliases: &["KSV-0028"],
        why: "the restricted standard allows only volumes that the cluster looks after",
        fix: "claim the volume with a `persistentVolumeClaim`",
        since: "0.2.0",
        bad: pod!("  volumes: [{name: x, nfs: {server: s, path: /}}]\n", ""),
        good: pod!("  volumes: [{name: x, emptyDir: {}}]\n", ""),
        references: &[
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted",
        ],
    },
    run: |objects, sink| {
        for pod in objects.iter().filter_map(Object::pod) {
            for volume in pod.spec.get("volumes").into_iter().flat_map(View::items) {
                for entry in volume.own_entries().filter(|it| !VOLUMES.contains(&it.name())) {
                    let kind: String = entry.name().chars().take(40).collect();
                    sink.add(
                        entry.key.place(),
                        format!("{} has a volume of kind `{kind}`", pod.title),
                    );
                }
            }
        }
    },
};

pub(super) const HOST_PROCESS: ObjectCheck = ObjectCheck {
    rule: Rule {
        id: "SL7019",
        name: "host-process",
        level: Level::Error,
        aliases: &["KSV-0103"],
        why: "a host process container on Windows is a process of the node",
        fix: "remove `hostProcess`",
        since: "0.2.0",
        bad: pod!("", "      securityContext: {windowsOptions: {hostProcess: true}}\n"),
        good: pod!("", "      securityContext: {windowsOptions: {hostProcess: false}}\n"),
        references: &[
            "https://kubernetes.io/docs/concepts/security/pod-security-standards/#baseline",
        ],
    },
    run: |objects, sink| {
        for container in containers(objects) {
            let value = container.security(&["windowsOptions", "hostProcess"]);
            if let Some(value) = value.filter(|value| value.truth() == Some(true)) {
                sink.add(
                    value.place(),
                    format!("container `{}` is a process of the node", container.name),
                );
            }
        }
    },
};
