//! Remedies as edits of a manifest.

use sealift_diagnostic::{Edit, Fix, Span, Tier};

use super::pod::Container;
use crate::workload::{Mend, Remedy};
use crate::yaml::View;
use crate::yaml::edit::{self, Value};

impl Mend for Container<'_> {
    fn mend(&self, remedy: Remedy<'_>) -> Option<Fix> {
        let (title, edits) = match remedy {
            Remedy::Unprivileged => {
                let value = self.map.find(&["securityContext", "privileged"])?;
                ("turn `privileged` off", vec![edit::replace(value, "false")?])
            }
            Remedy::NoNewPrivileges => {
                let value = Value::text("false");
                let edit = self.set("securityContext", "allowPrivilegeEscalation", value)?;
                return Some(Fix::new(Tier::Safe, "forbid new privileges", vec![edit]));
            }
            Remedy::DropCapabilities => ("drop all capabilities", vec![self.drop_all()?]),
            Remedy::ReadOnlyRoot => {
                let value = Value::text("true");
                let edit = self.set("securityContext", "readOnlyRootFilesystem", value)?;
                ("make the root file system read-only", vec![edit])
            }
            Remedy::User => ("run as a user that is not root", vec![self.user()?]),
            Remedy::Memory => ("limit the memory", vec![self.set_limit("memory", "256Mi")?]),
            Remedy::Cpu => ("limit the CPU", vec![self.set_limit("cpu", "500m")?]),
            Remedy::Remove(span) => ("remove it", vec![self.remove(span)?]),
            Remedy::ReadOnlyMount(span) => {
                let mounts = self.map.get("volumeMounts")?;
                let mount = mounts
                    .items()
                    .find(|it| it.get("mountPath").is_some_and(|path| path.place() == span))?;
                let edit = match mount.get("readOnly") {
                    Some(value) => edit::replace(value, "true")?,
                    None => edit::add_entries(mount, &[("readOnly", Value::text("true"))])?,
                };
                ("mount it for reading only", vec![edit])
            }
            Remedy::Processes | Remedy::Restart | Remedy::LocalPort(_) | Remedy::Outside(_) => {
                return None;
            }
        };
        Some(Fix::new(Tier::Suggested, title, edits))
    }
}

impl Container<'_> {
    /// Give a setting below a key of the container a value.
    fn set(&self, key: &str, name: &str, value: Value) -> Option<Edit> {
        let Some(map) = self.map.get(key) else {
            return edit::add_entries(
                self.map,
                &[(key, Value::Map(vec![(name.to_owned(), value)]))],
            );
        };
        match (map.get(name), value) {
            (Some(scalar), Value::Text(text)) => edit::replace(scalar, &text),
            (Some(_), _) => None,
            (None, value) => edit::add_entries(map, &[(name, value)]),
        }
    }

    fn drop_all(&self) -> Option<Edit> {
        let all = Value::list(&["ALL"]);
        let Some(capabilities) = self.map.find(&["securityContext", "capabilities"]) else {
            let drop = Value::Map(vec![("drop".to_owned(), all)]);
            return self.set("securityContext", "capabilities", drop);
        };
        match capabilities.get("drop") {
            Some(list) => edit::add_item(list, "ALL"),
            None => edit::add_entries(capabilities, &[("drop", all)]),
        }
    }

    fn user(&self) -> Option<Edit> {
        if let Some(user) = self.security(&["runAsUser"]) {
            return edit::replace(user, "10001");
        }
        let entries = [("runAsNonRoot", Value::text("true")), ("runAsUser", Value::text("10001"))];
        match self.map.get("securityContext") {
            Some(map) if map.get("runAsNonRoot").is_some() => {
                self.set("securityContext", "runAsNonRoot", Value::text("true"))
            }
            Some(map) => edit::add_entries(map, &entries),
            None => {
                let entries = entries.map(|(key, value)| (key.to_owned(), value));
                edit::add_entries(self.map, &[("securityContext", Value::Map(entries.into()))])
            }
        }
    }

    fn set_limit(&self, name: &str, text: &str) -> Option<Edit> {
        if let Some(limits) = self.map.find(&["resources", "limits"]) {
            return edit::add_entries(limits, &[(name, Value::text(text))]);
        }
        let limit = Value::Map(vec![(name.to_owned(), Value::text(text))]);
        self.set("resources", "limits", limit)
    }

    /// Take away what stands at a place: a setting of the pod, or a capability.
    fn remove(&self, span: Span) -> Option<Edit> {
        let entry = self.pod().entries().into_iter().find(|entry| entry.value.place() == span);
        if let Some(entry) = entry {
            return edit::remove_entry(&entry);
        }
        let capabilities = self.map.find(&["securityContext", "capabilities"])?;
        let added = capabilities.entry("add")?;
        let is_it = |item: &View<'_>| item.place() == span;
        edit::remove_item_of(&added, added.value.items().find(is_it)?)
    }
}
