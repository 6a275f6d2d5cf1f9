//! One service, merged from all files of its project with what it extends, as a workload.

use std::collections::{BTreeMap, BTreeSet};

use sealift_diagnostic::Span;

use super::build::Known;
use super::files::join;
use super::variables::expand;
use super::{mounts, ports};
use crate::Context;
use crate::workload::{Health, Namespace, Profile, Set, Source, Variable, Workload};
use crate::yaml::{Entry, Mark, Tree, View};

/// How many services may extend each other in a row.
const EXTENDS_MAX: usize = 10;
/// Other files that one file may extend services of.
const FILES_MAX: usize = 20;
/// Where nothing is reported: the place lies in another file of the project, where it is found when that is judged.
pub(super) const NOWHERE: Span = Span { start: usize::MAX, end: usize::MAX };

/// A document of one of the project's files.
pub(super) struct Member<'a> {
    pub(super) document: View<'a>,
    /// Other files that its services extend, by the names that it has for them.
    pub(super) foreign: &'a BTreeMap<String, Tree<'a>>,
    /// What its paths are relative to.
    pub(super) folder: &'a str,
    /// It is of the file that is judged.
    pub(super) is_here: bool,
}

/// A service of the project.
pub(super) struct Service<'a> {
    pub(super) name: String,
    /// Where what is missing is reported: where the service is first declared.
    pub(super) span: Span,
    /// The service in the file that is judged, else where it is first declared.
    entry: Entry<'a>,
    /// The service in the last file, what it extends, then the same of the files before.
    pub(super) layers: Vec<Layer<'a>>,
    pub(super) root: View<'a>,
}

/// A mapping of settings.
#[derive(Clone, Copy)]
pub(super) struct Layer<'a> {
    pub(super) map: View<'a>,
    /// It stands in another file, so that its places mean nothing here; this one is reported instead.
    elsewhere: Option<Span>,
    folder: &'a str,
    /// It is the service itself and not what it extends.
    is_own: bool,
}

/// A setting of a service.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) entry: Entry<'a>,
    pub(super) value: View<'a>,
    /// Where it is reported.
    pub(super) span: Span,
    elsewhere: Option<Span>,
    /// What paths in it are relative to.
    pub(super) folder: &'a str,
}

/// Texts of other files whose services are extended, by their names.
pub(super) fn foreign_texts<'a>(
    documents: impl Iterator<Item = View<'a>>,
    folder: &str,
    context: &Context<'_>,
) -> BTreeMap<String, String> {
    let mut texts = BTreeMap::new();
    let services =
        documents.flat_map(|it| it.get("services").map(View::entries).unwrap_or_default());
    for service in services {
        let name = service.value.find(&["extends", "file"]).and_then(View::text);
        let Some(name) = name.filter(|_| texts.len() < FILES_MAX) else { continue };
        if let Some(text) = (context.read)(&join(folder, name)).text() {
            texts.insert(name.to_owned(), text);
        }
    }
    texts
}

/// All services of a project, in the order in which they are first declared.
pub(super) fn services<'a>(members: &[Member<'a>]) -> Vec<Service<'a>> {
    let mut order: Vec<&str> = Vec::new();
    let mut declared: BTreeMap<&str, Vec<(usize, Entry<'a>)>> = BTreeMap::new();
    for (number, member) in members.iter().enumerate() {
        let map = member.document.get("services");
        let entries = map.map(View::entries).unwrap_or_default();
        for entry in entries.into_iter().filter(|entry| !entry.name().starts_with("x-")) {
            let parts = declared.entry(entry.name()).or_insert_with(|| {
                order.push(entry.name());
                Vec::new()
            });
            match entry.value.mark() {
                Mark::None => {}
                Mark::Override => parts.clear(),
                Mark::Reset => {
                    parts.clear();
                    continue;
                }
            }
            parts.push((number, entry));
        }
    }
    order.iter().filter_map(|name| service(members, &declared[name])).collect()
}

/// One service from its parts, in the order in which they are merged.
fn service<'a>(members: &[Member<'a>], parts: &[(usize, Entry<'a>)]) -> Option<Service<'a>> {
    let (first_member, first) = parts.first()?;
    let is_here = |(number, _): &&(usize, Entry<'_>)| members[*number].is_here;
    let (member, entry) = parts.iter().find(is_here).unwrap_or(&parts[0]);
    let span = if members[*first_member].is_here { first.key.place() } else { NOWHERE };
    let layers = parts.iter().rev().flat_map(|(number, entry)| layers(*entry, &members[*number]));
    Some(Service {
        name: entry.name().to_owned(),
        span,
        entry: *entry,
        layers: layers.collect(),
        root: members[*member].document,
    })
}

/// A service of one file with those that it extends.
fn layers<'a>(service: Entry<'a>, member: &Member<'a>) -> Vec<Layer<'a>> {
    let place = if member.is_here { service.key.place() } else { NOWHERE };
    let own = (!member.is_here).then_some(NOWHERE);
    let folder = member.folder;
    let mut layers = vec![Layer { map: service.value, elsewhere: own, folder, is_own: true }];
    let mut services = member.document.get("services");
    let mut current = service.value;
    let mut elsewhere = own;
    while layers.len() < EXTENDS_MAX {
        let Some(extends) = current.get("extends") else { break };
        let Some(name) = extends.text().or_else(|| extends.word("service")) else { break };
        if let Some(file) = extends.word("file") {
            let document = member.foreign.get(file).and_then(|tree| tree.documents().next());
            services = document.and_then(|document| document.get("services"));
            elsewhere = Some(place);
        }
        let Some(base) = services.and_then(|services| services.get(name)) else { break };
        let is_known = |layer: &Layer<'_>| {
            std::ptr::eq(layer.map.tree(), base.tree()) && layer.map.span() == base.span()
        };
        if layers.iter().any(is_known) {
            break;
        }
        layers.push(Layer { map: base, elsewhere, folder, is_own: false });
        current = base;
    }
    layers
}

impl Layer<'_> {
    fn is_here(&self) -> bool {
        self.elsewhere.is_none()
    }
}

impl Setting<'_> {
    pub(super) fn is_here(&self) -> bool {
        self.elsewhere.is_none()
    }

    /// Where a part of it is reported.
    fn place(&self, part: View<'_>) -> Span {
        self.elsewhere.unwrap_or_else(|| part.place())
    }
}

impl<'a> Service<'a> {
    /// The service's settings where fixes add to them.
    pub(super) fn own(&self) -> View<'a> {
        self.entry.value
    }

    /// What the file that is judged says of the service itself.
    pub(super) fn owns(&self) -> impl Iterator<Item = View<'a>> {
        self.layers.iter().filter(|layer| layer.is_own && layer.is_here()).map(|layer| layer.map)
    }

    /// Layers in the file that is judged.
    pub(super) fn here_layers(&self) -> impl Iterator<Item = &Layer<'a>> {
        self.layers.iter().filter(|layer| layer.is_here())
    }

    /// Another service is only there to be extended: it has neither image nor build.
    pub(super) fn is_template(&self) -> bool {
        self.get("image").is_none() && self.get("build").is_none() && self.get("provider").is_none()
    }

    pub(super) fn get(&self, key: &str) -> Option<Setting<'a>> {
        self.all(key).into_iter().next()
    }

    /// A setting in every layer that has it, as far as no layer above resets it.
    pub(super) fn all(&self, key: &str) -> Vec<Setting<'a>> {
        let mut found = Vec::new();
        for layer in &self.layers {
            let Some(entry) = layer.map.entry(key) else { continue };
            let mark = entry.value.mark();
            if mark == Mark::Reset {
                break;
            }
            if !entry.value.is_null() {
                let (elsewhere, folder) = (layer.elsewhere, layer.folder);
                let span = elsewhere.unwrap_or_else(|| entry.value.place());
                found.push(Setting { entry, value: entry.value, span, elsewhere, folder });
            }
            if mark == Mark::Override {
                break;
            }
        }
        found
    }

    /// What stands at the end of a path of keys, in the layer that decides.
    fn find(&self, path: &[&str]) -> Option<(View<'a>, Span)> {
        let (first, rest) = path.split_first()?;
        for setting in self.all(first) {
            let mut current = Some(setting.value);
            let mut is_last = false;
            for key in rest {
                let value = current.and_then(|map| map.entry(key)).map(|entry| entry.value);
                match value.map(View::mark) {
                    Some(Mark::Reset) => return None,
                    Some(Mark::Override) => is_last = true,
                    Some(Mark::None) | None => {}
                }
                current = value.filter(|value| !value.is_null());
            }
            if let Some(view) = current {
                return Some((view, setting.place(view)));
            }
            if is_last {
                return None;
            }
        }
        None
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
            .flat_map(|setting| setting.value.items().map(move |item| (item, setting.place(item))))
            .collect()
    }

    fn truth(&self, key: &str) -> Option<Set<bool>> {
        let setting = self.get(key)?;
        Some(Set::new(setting.value.truth()?, setting.span))
    }

    /// All that is said about the service.
    pub(super) fn workload(&'a self, build: Known) -> Workload<'a> {
        let name = self.name.clone();
        let mut workload = Workload::new(Source::Compose, "service", name, self.span);
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
        // The last of them counts, and the nearest layer is merged last.
        let settings = self.all("security_opt").into_iter().rev();
        let options = settings.flat_map(|setting| {
            setting.value.items().filter_map(move |item| Some((item.text()?, setting.place(item))))
        });
        for (option, span) in options {
            let option = expand(option);
            let (name, value) = option.split_once([':', '=']).unwrap_or((option.as_str(), ""));
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
        if let Some(place) = setting.elsewhere {
            for (_, _, span) in &mut pairs {
                *span = place;
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
        for build in self.all("build") {
            let Some(value) = build.value.get("args") else { continue };
            let arguments = Setting { value, span: build.place(value), ..build };
            variables.extend(Self::pairs(&arguments).into_iter().map(variable));
        }
        // These are replaced and not appended to.
        for setting in ["command", "entrypoint"].iter().filter_map(|key| self.get(key)) {
            let key = setting.entry.name();
            let items = setting.value.items().map(|item| (item, setting.place(item)));
            let texts = std::iter::once((setting.value, setting.span)).chain(items);
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
        let mut known = BTreeSet::new();
        for setting in self.all("ulimits") {
            for entry in setting.value.entries() {
                if !known.insert(entry.name()) {
                    continue;
                }
                let values = [Some(entry.value), entry.value.get("soft"), entry.value.get("hard")];
                if values.into_iter().flatten().any(|view| view.text() == Some("-1")) {
                    found.push(Set::new(entry.name().to_owned(), setting.place(entry.value)));
                }
            }
        }
        found
    }

    fn health(&self) -> Health {
        let settings = self.all("healthcheck");
        if settings.is_empty() {
            return Health::Missing;
        }
        let is_off = |setting: &&Setting<'_>| {
            setting.value.get("disable").and_then(View::truth) == Some(true)
                || setting.value.get("test").is_some_and(is_no_test)
        };
        // Who says `disable` last decides, and so does who says `test` last.
        let decides = |key: &str| settings.iter().find(|it| it.value.get(key).is_some());
        let off = [decides("disable"), decides("test")].into_iter().flatten().find(is_off);
        match off {
            Some(setting) => Health::Disabled(setting.place(setting.entry.key)),
            None => Health::Checked,
        }
    }
}

fn is_no_test(test: View<'_>) -> bool {
    test.text() == Some("NONE") || test.items().next().and_then(View::text) == Some("NONE")
}

fn promises_user(image: &str) -> bool {
    let image = image.to_ascii_lowercase();
    ["nonroot", "non-root", "rootless", "unprivileged", "chainguard", "bitnami"]
        .iter()
        .any(|word| image.contains(word))
}
