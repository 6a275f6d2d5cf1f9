//! A pod and its containers as workloads.

use sealift_diagnostic::Span;

use crate::workload::{Health, Mount, Namespace, Port, Profile, Set, Source, Variable, Workload};
use crate::yaml::View;

/// A pod, or what makes pods.
pub(super) struct Pod<'a> {
    /// It has `metadata` and `spec`.
    pub(super) template: View<'a>,
    pub(super) spec: View<'a>,
    pub(super) is_job: bool,
    /// What messages call it, and where it is reported.
    pub(super) title: String,
    pub(super) span: Span,
}

/// A container of a pod.
pub(super) struct Container<'a> {
    pub(super) map: View<'a>,
    pub(super) name: &'a str,
    pod: View<'a>,
    annotations: Option<View<'a>>,
    /// It runs to its end before others start, or belongs to a job.
    is_short_lived: bool,
    /// What the pod as a whole says is reported for its first container only.
    is_first: bool,
}

impl<'a> Pod<'a> {
    pub(super) fn containers(&self) -> Vec<Container<'a>> {
        let mut containers = Vec::new();
        for key in ["containers", "initContainers", "ephemeralContainers"] {
            let Some(list) = self.spec.get(key) else { continue };
            for map in list.items().filter(|item| item.is_map()) {
                containers.push(Container {
                    map,
                    name: map.word("name").unwrap_or("?"),
                    pod: self.spec,
                    annotations: self.template.find(&["metadata", "annotations"]),
                    is_short_lived: self.is_job || key != "containers",
                    is_first: containers.is_empty(),
                });
            }
        }
        containers
    }
}

impl<'a> Container<'a> {
    pub(super) fn span(&self) -> Span {
        self.map.get("name").map_or(self.map.span(), View::place)
    }

    /// A security setting of the container, else of its pod.
    pub(super) fn security(&self, path: &[&str]) -> Option<View<'a>> {
        let of = |map: View<'a>| map.get("securityContext").and_then(|it| it.find(path));
        of(self.map).or_else(|| of(self.pod))
    }

    fn truth(&self, key: &str) -> Option<Set<bool>> {
        let value = self.map.find(&["securityContext", key])?;
        Some(Set::new(value.truth()?, value.place()))
    }

    fn words(&self, path: &[&str]) -> Vec<Set<String>> {
        let list = self.map.find(path).into_iter().flat_map(View::items);
        list.filter_map(|item| Some(Set::new(item.text()?.to_owned(), item.place()))).collect()
    }

    pub(super) fn workload(&'a self) -> Workload<'a> {
        let name = self.name.to_owned();
        let mut workload = Workload::new(Source::Kubernetes, "container", name, self.span());
        workload.mender = Some(self);
        let image = self.map.get("image");
        workload.image = image.and_then(|it| Some(Set::new(it.text()?.to_owned(), it.place())));
        workload.is_short_lived = self.is_short_lived;
        workload.privileged = self.truth("privileged");
        workload.capabilities_added = self.words(&["securityContext", "capabilities", "add"]);
        workload.capabilities_dropped = self.words(&["securityContext", "capabilities", "drop"]);
        workload.no_new_privileges =
            self.truth("allowPrivilegeEscalation").map(|set| Set::new(!set.value, set.span));
        workload.read_only_root = self.truth("readOnlyRootFilesystem");
        let user = self.security(&["runAsUser"]);
        workload.user = user.and_then(|it| Some(Set::new(it.text()?.to_owned(), it.place())));
        workload.must_not_be_root =
            self.security(&["runAsNonRoot"]).and_then(View::truth) == Some(true);
        workload.memory = self.limit("memory");
        workload.cpu = self.limit("cpu");
        workload.mounts = self.mounts();
        workload.ports = self.ports();
        workload.variables = self.variables();
        workload.seccomp = self.profile("seccompProfile");
        workload.apparmor = self.apparmor();
        workload.health = self.health();
        if self.is_first {
            self.of_pod(&mut workload);
        }
        workload
    }

    fn limit(&self, name: &str) -> Option<Span> {
        self.map.find(&["resources", "limits", name]).map(View::place)
    }

    /// Folders of the node, with where the container sees them.
    fn mounts(&self) -> Vec<Mount> {
        let mut mounts = Vec::new();
        let volumes: Vec<View<'a>> =
            self.pod.get("volumes").into_iter().flat_map(View::items).collect();
        for seen in self.map.get("volumeMounts").into_iter().flat_map(View::items) {
            let name = seen.word("name").unwrap_or("");
            let volume = volumes.iter().find(|volume| volume.word("name") == Some(name));
            let path = volume.and_then(|volume| volume.find(&["hostPath", "path"]));
            let propagation = seen.word("mountPropagation").unwrap_or("");
            if path.is_none() && propagation.is_empty() {
                continue;
            }
            mounts.push(Mount {
                source: path.and_then(View::text).unwrap_or("").to_owned(),
                target: seen.word("mountPath").unwrap_or("").to_owned(),
                is_read_only: seen.get("readOnly").and_then(View::truth) == Some(true),
                propagation: propagation.to_owned(),
                span: seen.get("mountPath").map_or(seen.span(), View::place),
            });
        }
        mounts
    }

    fn ports(&self) -> Vec<Port> {
        let list = self.map.get("ports").into_iter().flat_map(View::items);
        list.filter_map(|port| {
            let value = port.get("hostPort")?;
            let host: u16 = value.text()?.parse().ok()?;
            let container = port.word("containerPort").and_then(|it| it.parse().ok())?;
            Some(Port {
                address: port.word("hostIP").unwrap_or("").to_owned(),
                host: (host, host),
                container: (container, container),
                span: value.place(),
            })
        })
        .collect()
    }

    fn variables(&self) -> Vec<Variable> {
        let list = self.map.get("env").into_iter().flat_map(View::items);
        let mut variables: Vec<Variable> = list
            .filter_map(|item| {
                let value = item.get("value")?;
                Some(Variable {
                    name: item.word("name")?.to_owned(),
                    value: value.text()?.to_owned(),
                    span: value.place(),
                })
            })
            .collect();
        for key in ["command", "args"] {
            for item in self.map.get(key).into_iter().flat_map(View::items) {
                let Some(value) = item.text().map(str::to_owned) else { continue };
                variables.push(Variable { name: key.to_owned(), value, span: item.place() });
            }
        }
        variables
    }

    fn profile(&self, key: &str) -> Profile {
        match self.security(&[key, "type"]) {
            Some(kind) if kind.text() == Some("Unconfined") => Profile::Unconfined(kind.place()),
            Some(_) => Profile::Given,
            None => Profile::Missing,
        }
    }

    /// The profile, or the annotation that older clusters had for it.
    fn apparmor(&self) -> Profile {
        let name = format!("container.apparmor.security.beta.kubernetes.io/{}", self.name);
        let old = self.annotations.and_then(|annotations| annotations.get(&name));
        match old {
            Some(value) if value.text() == Some("unconfined") => Profile::Unconfined(value.place()),
            Some(_) => Profile::Given,
            None => self.profile("appArmorProfile"),
        }
    }

    fn health(&self) -> Health {
        let has = |key: &str| self.map.get(key).is_some();
        if has("livenessProbe") || has("readinessProbe") || has("startupProbe") {
            Health::Checked
        } else {
            Health::Missing
        }
    }

    /// What holds for the whole pod.
    fn of_pod(&self, workload: &mut Workload<'_>) {
        let keys = [
            ("hostNetwork", Namespace::Network),
            ("hostPID", Namespace::Process),
            ("hostIPC", Namespace::Ipc),
        ];
        for (key, namespace) in keys {
            let value = self.pod.get(key).filter(|value| value.truth() == Some(true));
            workload.host_namespaces.extend(value.map(|value| Set::new(namespace, value.place())));
        }
        let sysctls = self.pod.find(&["securityContext", "sysctls"]);
        for item in sysctls.into_iter().flat_map(View::items) {
            let Some(name) = item.get("name") else { continue };
            let text = name.text().unwrap_or("").to_owned();
            workload.sysctls.push(Set::new(text, name.place()));
        }
    }

    /// The pod's own settings.
    pub(super) fn pod(&self) -> View<'a> {
        self.pod
    }
}
