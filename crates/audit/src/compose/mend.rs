//! Remedies as edits of a compose file.

use sealift_diagnostic::{Edit, Fix, Span, Tier};

use super::ports::split_address;
use super::service::{Service, Setting};
use crate::workload::{Mend, Remedy, Variable};
use crate::yaml::View;
use crate::yaml::edit::{self, Value};

/// The user that a fix gives: no system has it, and nothing else belongs to it.
const USER: &str = "10001:10001";
/// Limits that a fix gives, those of `sealift run --hardened`.
const MEMORY: &str = "256m";
const CPU: &str = "0.5";
const PROCESSES: &str = "200";

impl Mend for Service<'_> {
    fn mend(&self, remedy: Remedy<'_>) -> Option<Fix> {
        let (title, edits) = match remedy {
            Remedy::Unprivileged => {
                ("turn `privileged` off", vec![self.replace("privileged", "false")?])
            }
            Remedy::DropCapabilities => {
                ("drop all capabilities", vec![self.add_item("cap_drop", "ALL")?])
            }
            Remedy::NoNewPrivileges => {
                let title = "forbid new privileges";
                return Some(Fix::new(Tier::Safe, title, vec![self.no_new_privileges()?]));
            }
            Remedy::ReadOnlyRoot => {
                ("make the root file system read-only, with `/tmp` in memory", self.read_only()?)
            }
            Remedy::User => ("run as a user that is not root", vec![self.set("user", USER)?]),
            Remedy::Memory => {
                ("limit the memory", vec![self.limit("memory", "mem_limit", MEMORY)?])
            }
            Remedy::Cpu => ("limit the CPU", vec![self.limit("cpus", "cpus", CPU)?]),
            Remedy::Processes => {
                ("limit the processes", vec![self.limit("pids", "pids_limit", PROCESSES)?])
            }
            Remedy::Restart => {
                ("start it again five times at most", vec![self.set("restart", "on-failure:5")?])
            }
            Remedy::Remove(span) => ("remove it", vec![self.remove(span)?]),
            Remedy::LocalPort(span) => {
                ("bind the port to the host itself", vec![self.local_port(span)?])
            }
            Remedy::ReadOnlyMount(span) => {
                ("mount it for reading only", vec![self.read_only_mount(span)?])
            }
            Remedy::Outside(variable) => return self.outside(variable),
        };
        Some(Fix::new(Tier::Suggested, title, edits))
    }
}

impl<'a> Service<'a> {
    /// A setting that stands in this file.
    fn here(&self, key: &str) -> Option<Setting<'a>> {
        self.all(key).into_iter().find(Setting::is_here)
    }

    fn add(&self, entries: &[(&str, Value)]) -> Option<Edit> {
        // What an alias stands for is shared with others on purpose.
        if self.own().is_alias() { None } else { edit::add_entries(self.own(), entries) }
    }

    fn replace(&self, key: &str, text: &str) -> Option<Edit> {
        edit::replace(self.here(key)?.value, text)
    }

    fn set(&self, key: &str, text: &str) -> Option<Edit> {
        if let Some(setting) = self.here(key) {
            return edit::replace(setting.value, text);
        }
        let written = if text.contains(':') && !text.starts_with(char::is_alphabetic) {
            edit::double_quoted(text)
        } else {
            text.to_owned()
        };
        self.add(&[(key, Value::Text(written))])
    }

    fn add_item(&self, key: &str, item: &str) -> Option<Edit> {
        match self.here(key) {
            Some(setting) if setting.value.items().next().is_some() => {
                edit::add_item(setting.value, item)
            }
            Some(_) => None,
            None => self.add(&[(key, Value::list(&[item]))]),
        }
    }

    fn no_new_privileges(&self) -> Option<Edit> {
        let options = self.here("security_opt").map(|setting| setting.value);
        let is_one =
            |item: &View<'_>| item.text().is_some_and(|text| text.starts_with("no-new-privileges"));
        match options.and_then(|options| options.items().find(is_one)) {
            Some(item) => edit::replace(item, "no-new-privileges:true"),
            None => self.add_item("security_opt", "no-new-privileges:true"),
        }
    }

    fn read_only(&self) -> Option<Vec<Edit>> {
        let has_tmp = self.get("tmpfs").is_some();
        let tmpfs = ("tmpfs", Value::list(&["/tmp"]));
        if let Some(setting) = self.here("read_only") {
            let mut edits = vec![edit::replace(setting.value, "true")?];
            if !has_tmp {
                edits.push(self.add(&[tmpfs])?);
            }
            return Some(edits);
        }
        let read_only = ("read_only", Value::text("true"));
        let added = if has_tmp { vec![read_only] } else { vec![read_only, tmpfs] };
        Some(vec![self.add(&added)?])
    }

    /// Beside the limits that are there already, else as a setting of its own.
    fn limit(&self, below: &str, key: &str, value: &str) -> Option<Edit> {
        let deploy = self.here("deploy").and_then(|it| it.value.find(&["resources", "limits"]));
        match deploy {
            Some(limits) => {
                let is_text = below == "cpus";
                let value = if is_text { edit::double_quoted(value) } else { value.to_owned() };
                edit::add_entries(limits, &[(below, Value::Text(value))])
            }
            None if self.here(key).is_some() => self.replace(key, value),
            None => self.add(&[(key, Value::text(value))]),
        }
    }

    /// Take the setting, or the item of a list, at a place away.
    fn remove(&self, span: Span) -> Option<Edit> {
        for layer in self.here_layers() {
            for entry in layer.map.entries() {
                if entry.value.place() == span {
                    return edit::remove_entry(&entry);
                }
                if let Some(item) = entry.value.items().find(|item| item.place() == span) {
                    return edit::remove_item_of(&entry, item);
                }
            }
        }
        None
    }

    /// The item of a list in this file at a place.
    fn item(&self, key: &str, span: Span) -> Option<View<'a>> {
        let all = self.all(key).into_iter().filter(Setting::is_here);
        all.flat_map(|setting| setting.value.items()).find(|item| item.place() == span)
    }

    fn local_port(&self, span: Span) -> Option<Edit> {
        let item = self.item("ports", span)?;
        let Some(text) = item.text() else {
            return match item.get("host_ip") {
                Some(address) => edit::replace(address, "127.0.0.1"),
                None => edit::add_entries(item, &[("host_ip", Value::text("127.0.0.1"))]),
            };
        };
        if text.contains('$') {
            return None;
        }
        let (host, container) = text.rsplit_once(':').unwrap_or(("", text));
        let (_, port) = split_address(host);
        edit::replace(item, &format!("127.0.0.1:{port}:{container}"))
    }

    fn read_only_mount(&self, span: Span) -> Option<Edit> {
        let item = self.item("volumes", span)?;
        let Some(text) = item.text() else {
            return match item.get("read_only") {
                Some(value) => edit::replace(value, "true"),
                None => edit::add_entries(item, &[("read_only", Value::text("true"))]),
            };
        };
        if text.contains('$') {
            return None;
        }
        let mut parts = text.split(':');
        let (source, target) = (parts.next()?, parts.next()?);
        let modes = parts.next().unwrap_or("");
        let kept = modes.split(',').filter(|mode| !mode.is_empty() && *mode != "rw");
        let modes: Vec<&str> = std::iter::once("ro").chain(kept).collect();
        edit::replace(item, &format!("{source}:{target}:{}", modes.join(",")))
    }
}

/// Variables whose images read them from a file if `_FILE` is put behind the name.
const FROM_FILE: [&str; 5] = ["POSTGRES_", "MYSQL_", "MARIADB_", "MONGO_INITDB_", "WORDPRESS_DB_"];

impl Service<'_> {
    /// Let a variable's value come from outside: through a secret where the image can read one, else from the
    /// environment of whoever starts the project.
    fn outside(&self, variable: &Variable) -> Option<Fix> {
        let name = &variable.name;
        let is_known = FROM_FILE.iter().any(|start| name.starts_with(start));
        if let Some(edits) = is_known.then(|| self.as_secret(name)).flatten() {
            return Some(Fix::new(Tier::Suggested, format!("give `{name}` as a secret"), edits));
        }
        let edits = self.write_variable(name, name, &format!("${{{name}:?}}"))?;
        let title = format!("let `{name}` come from the environment or `.env`");
        Some(Fix::new(Tier::Suggested, title, edits))
    }

    fn as_secret(&self, name: &str) -> Option<Vec<Edit>> {
        let secret = name.to_ascii_lowercase();
        let path = format!("/run/secrets/{secret}");
        let mut edits = self.write_variable(name, &format!("{name}_FILE"), &path)?;
        edits.push(self.add_item("secrets", &secret)?);
        let is_declared = self.root.get("secrets").is_some_and(|it| it.entry(&secret).is_some());
        if !is_declared {
            let declared = self.declare_secret(&secret, name)?;
            // The last service of the file ends where the file ends.
            match edits.iter_mut().find(|edit| edit.span == declared.span) {
                Some(edit) => edit.text.push_str(&declared.text),
                None => edits.push(declared),
            }
        }
        Some(edits)
    }

    /// Give a variable another name and value, in a mapping or a list.
    fn write_variable(&self, name: &str, new_name: &str, value: &str) -> Option<Vec<Edit>> {
        let environment = self.here("environment")?.value;
        if let Some(entry) = environment.entry(name) {
            let value = edit::replace(entry.value, value)?;
            let key = (new_name != name).then(|| edit::replace(entry.key, new_name));
            return Some(match key {
                Some(key) => vec![key?, value],
                None => vec![value],
            });
        }
        let is_it = |item: &View<'_>| {
            item.text().and_then(|text| text.split_once('=')).is_some_and(|it| it.0 == name)
        };
        let item = environment.items().find(is_it)?;
        Some(vec![edit::replace(item, &format!("{new_name}={value}"))?])
    }

    /// A secret of the project that takes its value from the environment of whoever starts it.
    fn declare_secret(&self, secret: &str, variable: &str) -> Option<Edit> {
        let value = Value::Map(vec![("environment".to_owned(), Value::text(variable))]);
        if let Some(secrets) = self.root.get("secrets") {
            return edit::add_entries(secrets, &[(secret, value)]);
        }
        let secrets = Value::Map(vec![(secret.to_owned(), value)]);
        edit::add_entries(self.root, &[("secrets", secrets)])
    }
}
