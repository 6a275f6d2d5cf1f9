//! One service, with what it extends, as a workload.

use std::collections::BTreeMap;

use sealift_diagnostic::Span;

use super::build::Known;
use super::variables::expand;
use super::{mounts, ports};
use crate::Context;
use crate::workload::{Health, Namespace, Profile, Set, Source, Variable, Workload};
use crate::yaml::{Entry, Tree, View};

/// How many services may extend each other in a row.
const EXTENDS_MAX: usize = 10;
/// Other files that one file may extend services of.
const FILES_MAX: usize = 20;

/// A service of the file.
pub(super) struct Service<'a> {
    pub(super) name: String,
    pub(super) entry: Entry<'a>,
    /// The service itself, then what it extends, the nearest first.
    pub(super) layers: Vec<Layer<'a>>,
    pub(super) root: View<'a>,
}

/// A mapping of settings.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) map: View<'a>,
    /// It stands in another file, so that its places mean nothing here.
    pub(super) is_foreign: bool,
}

/// A setting of a service.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) entry: Entry<'a>,
    pub(super) value: View<'a>,
    /// Where it is reported.
    pub(super) span: Span,
    pub(super) is_foreign: bool,
}

/// Texts of other files whose services are extended, by their paths.
pub(super) fn foreign_texts(document: View<'_>, context: &Context<'_>) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let services = document.get("services").map(View::entries).unwrap_or_default();
    for service in services {
        let name = service.value.find(&["extends", "file"]).and_then(View::text);
        let Some(name) = name.filter(|_| texts.len() < FILES_MAX) else { continue };
        if let Some(text) = (context.read)(name) {
            texts.insert(name.to_owned(), text);
        }
    }
    texts
}

/// All services of a document.
pub(super) fn services<'a>(
    document: View<'a>,
    foreign: &'a BTreeMap<&str, Tree<'a>>,
) -> Vec<Service<'a>> {
    let Some(map) = document.get("services") else { return Vec::new() };
    let entries = map.entries().into_iter().filter(|entry| !entry.name().starts_with("x-"));
    entries
        .map(|entry| Service {
            name: entry.name().to_owned(),
            entry,
            layers: layers(entry.value, map, foreign),
            root: document,
        })
        .collect()
}

/// A service with those that it extends.
fn layers<'a>(
    service: View<'a>,
    mut services: View<'a>,
    foreign: &'a BTreeMap<&str, Tree<'a>>,
) -> Vec<Layer<'a>> {
    let mut layers = vec![Layer { map: service, is_foreign: false }];
    let mut current = service;
    let mut is_foreign = false;
    while layers.len() < EXTENDS_MAX {
        let Some(extends) = current.get("extends") else { break };
        let Some(name) = extends.text().or_else(|| extends.word("service")) else { break };
        if let Some(file) = extends.word("file") {
            let document = foreign.get(file).and_then(|tree| tree.documents().next());
            let Some(map) = document.and_then(|document| document.get("services")) else { break };
            (services, is_foreign) = (map, true);
        }
        let Some(base) = services.get(name) else { break };
        let is_known =
            |layer: &Layer<'_>| layer.is_foreign == is_foreign && layer.map.span() == base.span();
        if layers.iter().any(is_known) {
            break;
        }
        layers.push(Layer { map: base, is_foreign });
        current = base;
    }
    layers
}

impl<'a> Service<'a> {
    /// Where what is missing is reported, and what the service is called.
    pub(super) fn span(&self) -> Span {
        self.entry.key.place()
    }

    /// The service's own settings.
    pub(super) fn own(&self) -> View<'a> {
        self.entry.value
    }

    /// Another service is only there to be extended: it has neither image nor build.
    pub(super) fn is_template(&self) -> bool {
        self.get("image").is_none() && self.get("build").is_none() && self.get("provider").is_none()
    }

    pub(super) fn get(&self, key: &str) -> Option<Setting<'a>> {
        self.all(key).into_iter().next()
    }

    /// A setting in every layer that has it.
    pub(super) fn all(&self, key: &str) -> Vec<Setting<'a>> {
        self.layers
            .iter()
            .filter_map(|layer| {
                let entry = layer.map.entry(key).filter(|entry| !entry.value.is_null())?;
                let span = if layer.is_foreign { self.span() } else { entry.value.place() };
                Some(Setting { entry, value: entry.value, span, is_foreign: layer.is_foreign })
            })
            .collect()
    }

    fn find(&self, path: &[&str]) -> Option<(View<'a>, Span)> {
        let (first, rest) = path.split_first()?;
        self.all(first).into_iter().find_map(|setting| {
            let view = setting.value.find(rest)?;
            Some((view, if setting.is_foreign { setting.span } else { view.place() }))
        })
    }

    pub(super) fn word(&self, key: &str) -> Option<Set<String>> {
        let setting = self.get(key)?;
        Some(Set::new(expand(setting.value.text()?), setting.span))
    }

    /// The texts of a list in all layers.
    fn words(&self, key: &str) -> Vec<Set<String>> {
        self.items(key)
            .into_iter()
            .filter_map(|(item, span)| Some(Set::new(expand(item.text()?), span)))
            .collect()
    }

    /// The items of a list in all layers, each with the place where it is reported.
    pub(super) fn items(&self, key: &str) -> Vec<(View<'a>, Span)> {
        let settings = self.all(key).into_iter();
        settings
            .flat_map(|setting| {
                setting.value.items().map(move |item| {
                    (item, if setting.is_foreign { setting.span } else { item.place() })
                })
            })
            .collect()
    }

    fn truth(&self, key: &str) -> Option<Set<bool>> {
        let setting = self.get(key)?;
        Some(Set::new(setting.value.truth()?, setting.span))
    }

    /// All that is said about the service.
    pub(super) fn workload(&'a self, build: Known) -> Workload<'a> {
        let name = self.name.clone();
        let mut workload = Workload::new(Source::Compose, "service", name, self.span());
        workload.mender = Some(self);
        workload.image = self.word("image").filter(|_| self.get("build").is_none());
        let image = self.word("image").map(|image| image.value).unwrap_or_default();
        workload.image_has_user = build.has_user || promises_user(&image);
        workload.image_has_health = build.has_health;
        workload.is_short_lived = self.word("restart").is_some_and(|set| set.value == "no")
            && self.find(&["deploy", "mode"]).and_then(|(view, _)| view.text())
                == Some("replicated-job");
        workload.privileged = self.truth("privileged");
        workload.capabilities_added = self.words("cap_add");
        workload.capabilities_dropped = self.words("cap_drop");
        workload.read_only_root = self.truth("read_only");
        workload.user = self.word("user").filter(|user| !user.value.contains('$'));
        workload.must_not_be_root = self.get("user").is_some();
        workload.mounts = mounts::mounts(self);
        workload.ports = ports::ports(self);
        workload.restart = self.word("restart");
        workload.cgroup_parent = self.word("cgroup_parent");
        workload.devices = self.devices();
        workload.variables = self.variables();
        workload.sysctls = self.sysctls();
        workload.unlimited = self.unlimited();
        workload.health = self.health();
        self.limits(&mut workload);
        self.options(&mut workload);
        self.namespaces(&mut workload);
        workload
    }

    fn limits(&self, workload: &mut Workload<'_>) {
        let limit = |own: &[&str], below: &str| {
            own.iter()
                .find_map(|key| self.get(key).filter(|it| it.value.text() != Some("-1")))
                .map(|setting| setting.span)
                .or_else(|| {
                    let path = ["deploy", "resources", "limits", below];
                    self.find(&path).map(|(_, span)| span)
                })
        };
        workload.memory = limit(&["mem_limit"], "memory");
        workload.cpu = limit(&["cpus", "cpu_quota", "cpuset"], "cpus");
        workload.processes = limit(&["pids_limit"], "pids");
    }

    fn options(&self, workload: &mut Workload<'_>) {
        for option in self.words("security_opt") {
            let (name, value) =
                option.value.split_once([':', '=']).unwrap_or((option.value.as_str(), ""));
            let span = option.span;
            match (name, value) {
                ("no-new-privileges", value) => {
                    workload.no_new_privileges = Some(Set::new(value != "false", span));
                }
                ("seccomp", "unconfined") => workload.seccomp = Profile::Unconfined(span),
                ("seccomp", _) => workload.seccomp = Profile::Given,
                ("apparmor", "unconfined") => workload.apparmor = Profile::Unconfined(span),
                ("apparmor", _) => workload.apparmor = Profile::Given,
                ("label", "disable") => workload.selinux = Profile::Unconfined(span),
                ("label", _) => workload.selinux = Profile::Given,
                ("systempaths", "unconfined") => workload.apparmor = Profile::Unconfined(span),
                _ => {}
            }
        }
    }

    fn namespaces(&self, workload: &mut Workload<'_>) {
        let keys = [
            ("network_mode", Namespace::Network),
            ("pid", Namespace::Process),
            ("ipc", Namespace::Ipc),
            ("uts", Namespace::HostName),
            ("userns_mode", Namespace::User),
        ];
        for (key, namespace) in keys {
            if let Some(set) = self.word(key).filter(|set| set.value == "host") {
                workload.host_namespaces.push(Set::new(namespace, set.span));
            }
        }
        let bridge = self.word("network_mode").filter(|set| set.value == "bridge");
        workload.default_bridge = bridge.map(|set| set.span);
    }

    fn devices(&self) -> Vec<Set<String>> {
        let devices = self.items("devices").into_iter().filter_map(|(item, span)| {
            let text = item.text().or_else(|| item.word("source"))?;
            Some(Set::new(expand(text), span))
        });
        devices.collect()
    }

    /// Entries of a mapping, or items of the form `NAME=VALUE`; each with the place of its value.
    pub(super) fn pairs(setting: &Setting<'a>) -> Vec<(&'a str, &'a str, Span)> {
        let mut pairs = Self::pairs_of(setting.value);
        if setting.is_foreign {
            for (_, _, span) in &mut pairs {
                *span = setting.span;
            }
        }
        pairs
    }

    fn pairs_of(value: View<'a>) -> Vec<(&'a str, &'a str, Span)> {
        let entries = value
            .entries()
            .into_iter()
            .filter_map(|entry| Some((entry.name(), entry.value.text()?, entry.value.place())));
        let items = value.items().filter_map(|item| {
            let (name, text) = item.text()?.split_once('=')?;
            let span = item.place();
            // Without escapes the value is the end of what is written.
            let written = span.text(item.tree().text).trim_end_matches(['"', '\'']);
            let start = written.ends_with(text).then(|| span.start + written.len() - text.len());
            let end = span.start + written.len();
            Some((name, text, start.map_or(span, |start| Span::new(start, end))))
        });
        entries.chain(items).collect()
    }

    fn variables(&self) -> Vec<Variable> {
        let variable = |(name, value, span): (&str, &str, Span)| Variable {
            name: name.to_owned(),
            value: value.to_owned(),
            span,
        };
        let mut variables = Vec::new();
        for setting in self.all("environment") {
            variables.extend(Self::pairs(&setting).into_iter().map(variable));
        }
        if let Some((arguments, _)) = self.find(&["build", "args"]) {
            variables.extend(Self::pairs_of(arguments).into_iter().map(variable));
        }
        for key in ["command", "entrypoint"] {
            let whole = self.get(key).map(|setting| (setting.value, setting.span));
            let texts = whole.into_iter().chain(self.items(key));
            variables
                .extend(texts.filter_map(|(view, span)| Some(variable((key, view.text()?, span)))));
        }
        variables
    }

    fn sysctls(&self) -> Vec<Set<String>> {
        let all = self.all("sysctls");
        all.iter()
            .flat_map(Self::pairs)
            .map(|(name, _, span)| Set::new(name.to_owned(), span))
            .collect()
    }

    fn unlimited(&self) -> Vec<Set<String>> {
        let mut found = Vec::new();
        for setting in self.all("ulimits") {
            for entry in setting.value.entries() {
                let values = [Some(entry.value), entry.value.get("soft"), entry.value.get("hard")];
                if values.into_iter().flatten().any(|view| view.text() == Some("-1")) {
                    found.push(Set::new(entry.name().to_owned(), entry.value.place()));
                }
            }
        }
        found
    }

    fn health(&self) -> Health {
        let Some(setting) = self.get("healthcheck") else { return Health::Missing };
        let test = setting.value.get("test");
        let is_none = test.is_some_and(|test| {
            test.text() == Some("NONE") || test.items().next().and_then(View::text) == Some("NONE")
        });
        let is_off = setting.value.get("disable").and_then(View::truth) == Some(true) || is_none;
        if is_off { Health::Disabled(setting.entry.key.place()) } else { Health::Checked }
    }
}

fn promises_user(image: &str) -> bool {
    let image = image.to_ascii_lowercase();
    ["nonroot", "non-root", "rootless", "unprivileged", "chainguard", "bitnami"]
        .iter()
        .any(|word| image.contains(word))
}
